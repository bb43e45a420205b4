//! What the lab remembers from one start to the next: how it looked, and the last experiment.
//!
//! One JSON file in the lab's own directory. It is worth little: whatever is wrong with it is told in one sentence, and the
//! lab opens without that part.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::experiment::{DataSource, Experiment};
use crate::setup::Setup;
use maths::atomic::{Destination, directory_of};

/// The version of the file that this lab writes.
const VERSION: u64 = 1;
/// Shortest time between two times that it is written.
const INTERVAL: Duration = Duration::from_secs(3);
/// Widths, heights and distances beyond this are of no screen, in points.
const FARTHEST: f32 = 20_000.0;
/// How small and how large type can be.
pub const TYPE_SIZES: std::ops::RangeInclusive<f32> = 0.2..=5.0;

/// Where a window was, in points as the system counts them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowPlace {
    /// Width and height of its inside.
    pub size: [f32; 2],
    /// Its upper left corner, where the system tells.
    pub corner: Option<[f32; 2]>,
    /// It filled the screen; the others say where it was before.
    pub maximised: bool,
}

/// What is remembered. `None` is what was never chosen or cannot be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// The light theme; `None` follows the system.
    pub light: Option<bool>,
    /// Where the window was.
    pub window: Option<WindowPlace>,
    /// The name of the open chapter.
    pub chapter: Option<String>,
    /// How large type is, against its common size.
    pub type_size: Option<f32>,
    /// The settings of A.
    pub experiment: Option<Experiment>,
}

impl Memory {
    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        #[derive(Serialize)]
        struct Written<'a> {
            version: u64,
            theme: Option<&'static str>,
            window: Option<WindowPlace>,
            chapter: Option<&'a str>,
            type_size: Option<f32>,
            experiment: Option<&'a Experiment>,
        }
        serde_json::to_vec_pretty(&Written {
            version: VERSION,
            theme: self.light.map(|light| if light { "light" } else { "dark" }),
            window: self.window,
            chapter: self.chapter.as_deref(),
            type_size: self.type_size,
            experiment: self.experiment.as_ref(),
        })
    }

    /// What can be read of a file's settings, and the names of what cannot.
    fn of_json(settings: &Map<String, Value>) -> (Self, Vec<&'static str>) {
        fn part<T: DeserializeOwned>(
            settings: &Map<String, Value>,
            name: &'static str,
            is_possible: impl Fn(&T) -> bool,
            wrong: &mut Vec<&'static str>,
        ) -> Option<T> {
            let value = settings.get(name).filter(|value| !value.is_null())?;
            let read = T::deserialize(value).ok().filter(is_possible);
            if read.is_none() {
                wrong.push(name);
            }
            read
        }
        let mut wrong = Vec::new();
        let theme: Option<String> = part(
            settings,
            "theme",
            |theme: &String| theme == "light" || theme == "dark",
            &mut wrong,
        );
        let near = |pair: [f32; 2]| pair.iter().all(|at| at.abs() <= FARTHEST);
        let possible = |window: &WindowPlace| {
            near(window.size)
                && window.size.iter().all(|side| *side >= 1.0)
                && window.corner.is_none_or(near)
        };
        let window = part(settings, "window", possible, &mut wrong);
        let chapter = part(settings, "chapter", |_| true, &mut wrong);
        let fits = |size: &f32| TYPE_SIZES.contains(size);
        let type_size = part(settings, "type_size", fits, &mut wrong);
        let valid = |experiment: &Experiment| experiment.validate().is_ok();
        let experiment = part(settings, "experiment", valid, &mut wrong);
        let memory = Self {
            light: theme.map(|theme| theme == "light"),
            window,
            chapter,
            type_size,
            experiment,
        };
        (memory, wrong)
    }

    /// The experiment that the lab opens with: the one that was `asked` for, else the last, else the default one. Where the
    /// data of the last cannot be read any more its other settings stand, and that is said.
    ///
    /// # Errors
    /// One sentence: what was asked for cannot be prepared.
    pub fn first_setup(
        &self,
        asked: Option<Experiment>,
    ) -> Result<(Setup, Option<String>), String> {
        if let Some(asked) = asked {
            return Setup::new(asked).map(|setup| (setup, None));
        }
        let Some(last) = self.experiment.clone() else {
            return Setup::new(Experiment::default()).map(|setup| (setup, None));
        };
        let error = match Setup::new(last.clone()) {
            Ok(setup) => return Ok((setup, None)),
            Err(error) => error,
        };
        let data = Experiment::default().data;
        let told = format!(
            "the data of the last time cannot be used: {error}. The lab opens on {}, with the other settings as they were",
            data.title()
        );
        Setup::new(Experiment { data, ..last }).map(|setup| (setup, Some(told)))
    }
}

/// An experiment as it is remembered: its file is found from any directory.
pub fn from_anywhere(experiment: &Experiment) -> Experiment {
    let mut experiment = experiment.clone();
    if let DataSource::Csv(path) = &mut experiment.data
        && let Ok(absolute) = std::path::absolute(&*path)
    {
        *path = absolute;
    }
    experiment
}

/// The file in which it is remembered.
#[derive(Debug)]
pub struct MemoryFile {
    path: PathBuf,
    /// A file of a newer lab stays as it is.
    is_newer: bool,
    written: Memory,
    written_at: Option<Instant>,
    /// A failure is told once.
    told: bool,
}

impl MemoryFile {
    /// Read the file, if there is one. Returns what is remembered, and in one sentence what is wrong with it.
    pub fn open(path: PathBuf) -> (Self, Memory, Option<String>) {
        let (memory, is_newer, wrong) = read(&path);
        let file = Self {
            path,
            is_newer,
            written: memory.clone(),
            written_at: None,
            told: false,
        };
        (file, memory, wrong)
    }

    /// How long it is until this may be written; `None` where it is written already.
    pub fn due_in(&self, memory: &Memory) -> Option<Duration> {
        if self.is_newer || self.told || *memory == self.written {
            return None;
        }
        let since = self.written_at.map(|at| at.elapsed());
        Some(since.map_or(Duration::ZERO, |since| INTERVAL.saturating_sub(since)))
    }

    /// Write this, where it is not written already.
    ///
    /// # Errors
    /// One sentence, the first time.
    pub fn write(&mut self, memory: &Memory) -> Result<(), String> {
        if self.due_in(memory).is_none() {
            return Ok(());
        }
        self.written_at = Some(Instant::now());
        match self.try_write(memory) {
            Ok(()) => {
                self.written = memory.clone();
                Ok(())
            }
            Err(error) => {
                self.told = true;
                Err(format!(
                    "how the lab looks is not remembered for the next start: {error:#}"
                ))
            }
        }
    }

    fn try_write(&self, memory: &Memory) -> anyhow::Result<()> {
        fs::create_dir_all(directory_of(&self.path))?;
        // Whatever is there is in the lab's own directory, and was told to be unreadable.
        let place = Destination::new(&self.path, |_| Ok(true), true);
        Ok(place.write(&memory.to_json()?)?)
    }
}

/// What a file holds, whether a newer lab wrote it, and what is wrong with it.
fn read(path: &Path) -> (Memory, bool, Option<String>) {
    let name = path.display();
    let lost = |is_newer: bool, why: String| (Memory::default(), is_newer, Some(why));
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return (Memory::default(), false, None);
        }
        Err(error) => {
            let why = format!("what the lab remembers cannot be read: {name}: {error}");
            return lost(false, why);
        }
    };
    let Ok(Value::Object(settings)) = serde_json::from_str(&text) else {
        return lost(
            false,
            format!("what the lab remembers is damaged and is begun anew: {name}"),
        );
    };
    match settings.get("version").and_then(Value::as_u64) {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => {
            let why = format!(
                "what the lab remembers is of a newer version and is left as it is: {name}"
            );
            return lost(true, why);
        }
        _ => {
            return lost(
                false,
                format!("what the lab remembers is damaged and is begun anew: {name}"),
            );
        }
    }
    let (memory, wrong) = Memory::of_json(&settings);
    let told = (!wrong.is_empty()).then(|| {
        format!(
            "of what the lab remembers, this cannot be used: {} ({name})",
            wrong.join(", ")
        )
    });
    (memory, false, told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::data::shapes::Shape;
    use maths::diffusion::schedule::Schedule;
    use maths::diffusion::solver::{Placement, Spacing};
    use serde_json::json;

    fn whole() -> Memory {
        Memory {
            light: Some(true),
            window: Some(WindowPlace {
                size: [1500.0, 900.0],
                corner: Some([-20.0, 35.5]),
                maximised: true,
            }),
            chapter: Some("compass".into()),
            type_size: Some(1.2),
            experiment: Some(Experiment {
                data: DataSource::Shape(Shape::Moons),
                schedule: Schedule::Cosine,
                width: 64,
                learning_rate: 1e-3,
                seed: u64::MAX,
                placement: Some(Placement::Own(Spacing::new([0.8, 0.5, 0.2]))),
                ..Experiment::default()
            }),
        }
    }

    fn place() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state").join("lab.json");
        (directory, path)
    }

    #[test]
    fn what_is_written_is_remembered() {
        let (_directory, path) = place();
        for memory in [whole(), Memory::default()] {
            let (mut file, _, wrong) = MemoryFile::open(path.clone());
            assert_eq!(wrong, None);
            file.write(&memory).unwrap();
            let (_, read, wrong) = MemoryFile::open(path.clone());
            assert_eq!((read, wrong), (memory, None));
        }
    }

    #[test]
    fn without_a_file_there_is_nothing_to_tell() {
        let (_directory, path) = place();
        let (file, memory, wrong) = MemoryFile::open(path.clone());
        assert_eq!((memory, wrong), (Memory::default(), None));
        assert_eq!(file.due_in(&Memory::default()), None);
        assert!(!path.exists(), "nothing is written that says nothing");
    }

    #[test]
    fn a_damaged_or_foreign_file_is_told_in_one_sentence_and_begun_anew() {
        for text in ["", "{", "[1]", "\u{0}", "{\"theme\": \"light\"}", "hello"] {
            let (_directory, path) = place();
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            let (mut file, memory, wrong) = MemoryFile::open(path.clone());
            assert_eq!(memory, Memory::default(), "{text}");
            let wrong = wrong.unwrap();
            assert!(
                wrong.contains("damaged") && !wrong.contains('\n'),
                "{wrong}"
            );
            file.write(&whole()).unwrap();
            assert_eq!(MemoryFile::open(path).1, whole());
        }
        // A directory of that name is neither read nor written.
        let (_directory, path) = place();
        fs::create_dir_all(&path).unwrap();
        let (mut file, memory, wrong) = MemoryFile::open(path);
        assert!(memory == Memory::default() && wrong.is_some());
        assert!(
            file.write(&whole())
                .unwrap_err()
                .contains("is not remembered")
        );
        assert_eq!(file.write(&whole()), Ok(()), "it is told once");
    }

    #[test]
    fn a_part_that_cannot_be_leaves_the_others() {
        type Forget = fn(&mut Memory);
        let window = |width: f64| json!({"size": [width, 5.0], "corner": null, "maximised": false});
        let no_window: Forget = |m| m.window = None;
        let no_experiment: Forget = |m| m.experiment = None;
        let parts: [(&str, Value, Forget); 8] = [
            ("theme", json!("pink"), |m| m.light = None),
            ("window", window(0.0), no_window),
            ("window", window(1e9), no_window),
            ("window", json!([1280, 800]), no_window),
            ("type_size", json!(77), |m| m.type_size = None),
            ("chapter", json!(3), |m| m.chapter = None),
            ("experiment", json!({"batch": 1}), no_experiment),
            (
                "experiment",
                json!({"sampler": "of tomorrow"}),
                no_experiment,
            ),
        ];
        for (name, value, forget) in parts {
            let (_directory, path) = place();
            MemoryFile::open(path.clone()).0.write(&whole()).unwrap();
            let mut settings: Map<String, Value> =
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            settings.insert(name.to_owned(), value);
            fs::write(&path, serde_json::to_vec(&settings).unwrap()).unwrap();
            let (_, memory, wrong) = MemoryFile::open(path);
            let mut expected = whole();
            forget(&mut expected);
            assert_eq!(memory, expected);
            assert!(wrong.unwrap().contains(name));
        }
    }

    #[test]
    fn a_file_of_a_newer_lab_is_told_and_stays() {
        let (_directory, path) = place();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = r#"{"version": 2, "theme": "light"}"#;
        fs::write(&path, text).unwrap();
        let (mut file, memory, wrong) = MemoryFile::open(path.clone());
        assert_eq!(memory, Memory::default());
        assert!(wrong.unwrap().contains("newer"));
        assert_eq!(file.due_in(&whole()), None);
        file.write(&whole()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn it_is_written_on_change_and_not_at_every_moment() {
        let (_directory, path) = place();
        let (mut file, ..) = MemoryFile::open(path);
        assert_eq!(file.due_in(&whole()), Some(Duration::ZERO));
        file.write(&whole()).unwrap();
        assert_eq!(file.due_in(&whole()), None);
        let due = file.due_in(&Memory::default()).unwrap();
        assert!(due > INTERVAL / 2 && due <= INTERVAL, "{due:?}");
    }

    /// What is asked for wins whole; else the last; and data that are gone cost no more than themselves.
    #[test]
    fn the_lab_opens_with_what_is_asked_for_else_with_the_last() {
        let first = |memory: &Memory, asked| {
            let (setup, told) = memory.first_setup(asked).unwrap();
            (Experiment::clone(&setup.experiment), told)
        };
        let last = whole().experiment.unwrap();
        let asked = Experiment {
            batch: 64,
            ..Experiment::default()
        };
        assert_eq!(first(&whole(), Some(asked.clone())), (asked, None));
        assert_eq!(first(&whole(), None), (last.clone(), None));
        assert_eq!(
            first(&Memory::default(), None),
            (Experiment::default(), None)
        );
        let gone = Memory {
            experiment: Some(Experiment {
                data: DataSource::Csv("/nowhere/points.csv".into()),
                ..last.clone()
            }),
            ..whole()
        };
        let (experiment, told) = first(&gone, None);
        assert_eq!(
            experiment,
            Experiment {
                data: Experiment::default().data,
                ..last
            }
        );
        assert!(told.unwrap().contains("/nowhere/points.csv"));
        let asked = gone.experiment.clone();
        assert!(
            gone.first_setup(asked).is_err(),
            "what is asked for is not replaced"
        );
    }

    #[test]
    fn a_file_is_found_from_any_directory() {
        let relative = Experiment {
            data: DataSource::Csv("points.csv".into()),
            ..Experiment::default()
        };
        let DataSource::Csv(path) = from_anywhere(&relative).data else {
            panic!("it is a file")
        };
        assert_eq!(path, std::env::current_dir().unwrap().join("points.csv"));
    }
}
