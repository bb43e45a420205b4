//! Drawings: points that a hand put down, each in one of two colours, kept as CSV.
//!
//! Trainings read x and y as of any file. The third column says the colour, and is kept for people.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use maths::atomic::{Destination, all_lines, read_within};

/// The first line of a drawing.
const HEADER: &str = "x,y,label";
/// Points of a drawing at most: each carries a kernel, and all of them are painted while one draws.
pub const MOST: usize = 16_384;
/// A file beyond this is no drawing.
const MOST_BYTES: u64 = 64 << 20;

/// A point of a drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    /// In the units of the drawing.
    pub at: [f32; 2],
    /// Its colour: 0 or 1.
    pub label: u8,
}

/// A drawing as CSV, each number in the fewest digits that read back as the same.
pub fn csv(dots: &[Dot]) -> Vec<u8> {
    let mut text = String::with_capacity(24 * dots.len() + HEADER.len() + 1);
    text.push_str(HEADER);
    text.push('\n');
    for Dot { at: [x, y], label } in dots {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{x},{y},{label}");
    }
    text.into_bytes()
}

/// A row just as [`csv`] writes it.
fn row(line: &str) -> Option<Dot> {
    let mut cells = line.split(',');
    let mut coordinate = || {
        let cell = cells.next()?;
        let number: f32 = cell.parse().ok()?;
        (number.is_finite() && number.to_string() == cell).then_some(number)
    };
    let at = [coordinate()?, coordinate()?];
    let label = match cells.next()? {
        "0" => 0,
        "1" => 1,
        _ => return None,
    };
    cells.next().is_none().then_some(Dot { at, label })
}

fn is_drawing(file: &mut dyn BufRead) -> io::Result<bool> {
    all_lines(file, |index, line| {
        if index == 0 {
            line == HEADER
        } else {
            row(line).is_some()
        }
    })
}

/// A place for a drawing: another drawing is replaced there, nothing else.
pub fn destination(path: impl Into<PathBuf>) -> Destination {
    Destination::new(path, is_drawing, false)
}

/// The points of a drawing; `None` for whatever else is there.
pub fn read(path: &Path) -> Option<Vec<Dot>> {
    let file = File::open(path).ok()?;
    if !file.metadata().is_ok_and(|data| data.is_file()) {
        return None;
    }
    let bytes = read_within(&mut io::BufReader::new(file), MOST_BYTES).ok()??;
    let text = String::from_utf8(bytes).ok()?;
    let mut lines = text.strip_suffix('\n')?.split('\n');
    if lines.next() != Some(HEADER) {
        return None;
    }
    lines.map(row).collect()
}

/// True where it can be trained on: two different points are enough.
pub fn is_learnable(dots: &[Dot]) -> bool {
    dots.iter().any(|dot| dot.at != dots[0].at)
}

/// A name that no file has yet, `drawing.csv` or `drawing-2.csv` and so on, taken by an empty file.
///
/// # Errors
/// A directory that cannot be made or written.
pub fn take_name(directory: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(directory)?;
    for number in 1_u32.. {
        let name = match number {
            1 => "drawing.csv".to_owned(),
            more => format!("drawing-{more}.csv"),
        };
        let path = directory.join(name);
        match File::create_new(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("every name is taken"))
}

/// The drawings of a directory, at most so many, the latest first.
pub fn list(directory: &Path, most: usize) -> Vec<PathBuf> {
    let mut found: Vec<(SystemTime, PathBuf)> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let (path, data) = (entry.path(), entry.metadata().ok()?);
            let csv = path.extension().is_some_and(|end| end == "csv");
            (csv && data.is_file() && data.len() > 0).then_some((data.modified().ok()?, path))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.truncate(most);
    found.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::data::table;

    fn dots() -> Vec<Dot> {
        [([0.1, -2.5], 0), ([1.0 / 3.0, 0.0], 1), ([3e-7, 12.0], 1)]
            .map(|(at, label)| Dot { at, label })
            .to_vec()
    }

    #[test]
    fn a_drawing_reads_back_and_opens_as_any_csv() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("drawing.csv");
        destination(&path).write(&csv(&dots())).unwrap();
        assert_eq!(read(&path), Some(dots()));
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "x,y,label\n0.1,-2.5,0\n0.33333334,0,1\n0.0000003,12,1\n"
        );
        let rows = table::read(&path).unwrap().rows;
        let near = |row: [f64; 2], dot: Dot| {
            (0..2).all(|axis| (row[axis] - f64::from(dot.at[axis])).abs() < 1e-6)
        };
        assert!(
            rows.len() == 3
                && rows
                    .into_iter()
                    .zip(dots())
                    .all(|(row, dot)| near(row, dot))
        );
    }

    /// With enough rows of each colour, what the reader makes of the third column is said.
    #[test]
    fn two_colours_are_learned_as_one_and_that_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("drawing.csv");
        let many: Vec<Dot> = (0..40_u8)
            .map(|i| Dot {
                at: [f32::from(i), f32::from(i % 7)],
                label: i % 2,
            })
            .collect();
        destination(&path).write(&csv(&many)).unwrap();
        assert_eq!(
            table::read(&path).unwrap().notices,
            [
                "the column 'label' splits its rows into 2 groups, which can be learned as classes, by --labels or a row in Training"
            ]
        );
    }

    #[test]
    fn what_is_no_drawing_is_neither_read_nor_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("points.csv");
        for text in [
            "x,y\n1,2\n",
            "x,y,label\n1,2,3\n",
            "x,y,label\n1.50,2,0\n",
            "x,y,label\n1,2,0,4\n",
            "x,y,label\ninf,2,0\n",
            "x,y,label\n1,2,0",
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(read(&path), None, "{text}");
            assert!(destination(&path).write(&csv(&dots())).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(read(directory.path()), None);
        assert_eq!(read(&directory.path().join("nowhere")), None);
    }

    #[test]
    fn two_different_points_can_be_learned_and_no_fewer() {
        let dot = |x| Dot {
            at: [x, 0.0],
            label: 0,
        };
        assert!(!is_learnable(&[]));
        assert!(!is_learnable(&[dot(1.0), dot(1.0)]));
        assert!(is_learnable(&[dot(1.0), dot(2.0)]));
    }

    #[test]
    fn a_new_drawing_takes_a_name_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("deep").join("drawings");
        let names: Vec<_> = (0..3).map(|_| take_name(&place).unwrap()).collect();
        let expected =
            ["drawing.csv", "drawing-2.csv", "drawing-3.csv"].map(|name| place.join(name));
        assert_eq!(names, expected);
        assert!(list(&place, 4).is_empty(), "names alone are no drawings");
        fs::write(&names[1], csv(&dots())).unwrap();
        assert_eq!(list(&place, 4), [names[1].clone()]);
    }
}
