//! What is drawn on, and the file that it is kept in. No file of anybody is lost: a new drawing takes a name that no file
//! has, and one that another program has changed meanwhile stays as it is.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::chapters::training::drawing::strokes::Strokes;
use lab::drawing;
use maths::data::dataset::FileStamp;

/// A drawing and its file.
#[derive(Debug, Default)]
pub struct Paper {
    /// The points.
    pub strokes: Strokes,
    path: Option<PathBuf>,
    /// The file as it was read or written last.
    stamp: Option<FileStamp>,
}

impl Paper {
    /// A drawing of before; `None` for any other file.
    pub fn open(path: &Path) -> Option<Self> {
        let stamp = FileStamp::of(path);
        Some(Self {
            strokes: Strokes::of(drawing::read(path)?),
            path: Some(path.to_owned()),
            stamp,
        })
    }

    /// Where it is kept, once it is.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// True where this is what the file holds.
    pub fn is_of(&self, path: &Path) -> bool {
        self.path() == Some(path) && self.stamp.is_some() && self.stamp == FileStamp::of(path)
    }

    /// True where points are on it that no file holds.
    pub fn is_unkept(&self) -> bool {
        self.path.is_none() && !self.strokes.dots().is_empty()
    }

    /// Write it to its file, or to a new one in `directory`. Returns what there is to tell, in one sentence.
    ///
    /// # Errors
    /// One sentence. The points stay.
    pub fn keep(&mut self, directory: Option<&Path>) -> Result<Option<String>, String> {
        let left = self
            .path
            .clone()
            .filter(|path| FileStamp::of(path).is_some_and(|now| Some(now) != self.stamp));
        let own = self.path.clone().filter(|_| left.is_none());
        let path = match own {
            Some(path) => path,
            None => new_place(directory)?,
        };
        self.write(path)?;
        Ok(left.map(|left| {
            let (left, new) = (name(&left), self.path().map(name).unwrap_or_default());
            format!("{left} was changed by another program, and stays as it is: the drawing goes on as {new}")
        }))
    }

    /// Keep it from now on in a file of this name, which is not there yet.
    ///
    /// # Errors
    /// One sentence. The points stay, and so does the file that they were kept in.
    pub fn keep_as(&mut self, path: &Path) -> Result<(), String> {
        if self.path() == Some(path) {
            return Ok(());
        }
        match File::create_new(path) {
            Ok(_) => self.write(path.to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(format!(
                "{} is there already and is not replaced: choose another name",
                path.display()
            )),
            Err(error) => Err(format!(
                "{} cannot be written ({error}): choose another place",
                path.display()
            )),
        }
    }

    fn write(&mut self, path: PathBuf) -> Result<(), String> {
        let text = drawing::csv(self.strokes.dots());
        if let Err(error) = drawing::destination(&path).write(&text) {
            // A name that was taken for nothing.
            if std::fs::metadata(&path).is_ok_and(|data| data.len() == 0) {
                let _ = std::fs::remove_file(&path);
            }
            return Err(format!(
                "the drawing is not kept: {error}; keep it in another place"
            ));
        }
        self.stamp = FileStamp::of(&path);
        self.path = Some(path);
        Ok(())
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn new_place(directory: Option<&Path>) -> Result<PathBuf, String> {
    let directory = directory.ok_or(
        "there is no home directory to keep the drawing in: name a file under Keep as, and it is learned",
    )?;
    drawing::take_name(directory).map_err(|error| {
        format!(
            "the drawing is not kept: {} cannot be written ({error}); name a file under Keep as",
            directory.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::drawing::Dot;

    fn paper(count: u8) -> Paper {
        let mut paper = Paper::default();
        draw(&mut paper, count);
        paper
    }

    fn draw(paper: &mut Paper, count: u8) {
        paper.strokes.begin();
        paper.strokes.add((0..count).map(|i| Dot {
            at: [f32::from(i), 0.5],
            label: 0,
        }));
        paper.strokes.end();
    }

    fn count(path: &Path) -> usize {
        drawing::read(path).unwrap().len()
    }

    #[test]
    fn a_new_drawing_never_takes_the_place_of_an_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let place = Some(directory.path());
        let [first, second] =
            ["drawing.csv", "drawing-2.csv"].map(|name| directory.path().join(name));
        let mut old = paper(3);
        assert_eq!(old.keep(place), Ok(None));
        assert_eq!(old.path(), Some(&*first));
        let mut new = paper(5);
        new.keep(place).unwrap();
        assert_eq!((count(&first), count(&second)), (3, 5));
        // Each goes on in its own file, also when it is opened again.
        let mut again = Paper::open(&first).unwrap();
        assert!(again.is_of(&first) && !again.is_of(&second));
        draw(&mut again, 4);
        again.keep(place).unwrap();
        assert_eq!((count(&first), count(&second)), (7, 5));
        assert!(!old.is_of(&first), "it is another by now");
    }

    #[test]
    fn a_file_that_another_program_changed_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let mut paper = paper(3);
        paper.keep(Some(directory.path())).unwrap();
        let path = directory.path().join("drawing.csv");
        std::fs::write(&path, "x,y\n1,2\n3,4\n").unwrap();
        draw(&mut paper, 2);
        let told = paper.keep(Some(directory.path())).unwrap().unwrap();
        assert!(
            told.contains("drawing.csv was changed") && told.contains("drawing-2.csv"),
            "{told}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x,y\n1,2\n3,4\n");
        assert_eq!(count(&directory.path().join("drawing-2.csv")), 5);
        // One that is gone is written again.
        std::fs::remove_file(directory.path().join("drawing-2.csv")).unwrap();
        assert_eq!(paper.keep(Some(directory.path())), Ok(None));
        assert_eq!(count(&directory.path().join("drawing-2.csv")), 5);
    }

    #[test]
    fn kept_under_another_name_it_goes_on_there_and_replaces_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut paper = paper(3);
        paper.keep(Some(directory.path())).unwrap();
        let mine = directory.path().join("mine.csv");
        paper.keep_as(&mine).unwrap();
        draw(&mut paper, 1);
        paper.keep(Some(directory.path())).unwrap();
        assert_eq!(
            (count(&mine), count(&directory.path().join("drawing.csv"))),
            (4, 3)
        );
        let error = paper
            .keep_as(&directory.path().join("drawing.csv"))
            .unwrap_err();
        assert!(error.contains("is there already"), "{error}");
        assert!(
            paper
                .keep_as(&directory.path().join("no/where.csv"))
                .is_err()
        );
        assert_eq!(paper.path(), Some(&*mine));
        assert_eq!(paper.keep_as(&mine), Ok(()));
    }

    #[test]
    fn without_a_home_directory_it_waits_for_a_name() {
        let mut paper = paper(3);
        let error = paper.keep(None).unwrap_err();
        assert!(error.contains("Keep as") && paper.is_unkept(), "{error}");
        let directory = tempfile::tempdir().unwrap();
        paper.keep_as(&directory.path().join("mine.csv")).unwrap();
        assert!(!paper.is_unkept());
    }
}
