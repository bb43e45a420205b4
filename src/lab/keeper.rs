//! What a window has trained, kept on disk as it goes, so that neither a crash nor a closed window costs it. The next
//! start offers it.
//!
//! Every running lab has a directory of its own, locked while it runs, with one model directory for each experiment.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::experiment::Experiment;
use super::home;
use super::message::{Notice, Side};
use super::pair::Pair;
use super::session::{Parked, Session};
use crate::model_dir::ModelDir;

/// Trainings of earlier starts that are offered; the files of others are removed.
const MOST: usize = 8;
/// The latest of them, which stay whatever they are; of the others the shortest goes first.
const LATEST: usize = 4;
const LOCK: &str = "lock";

/// Keeps the trainings of one running lab.
#[derive(Debug)]
pub struct Keeper {
    root: PathBuf,
    place: PathBuf,
    /// Locked as long as this lab runs; the system unlocks it however it ends.
    _lock: File,
    interval: Duration,
    kept_at: Instant,
    /// Of A and of B: what was kept last.
    kept: [Option<Kept>; 2],
    /// A failure is told once.
    told: bool,
}

/// By what a training is told from another: two of one step may be of different settings, or have come there in
/// different ways.
#[derive(Debug, PartialEq)]
struct Kept {
    step: u64,
    experiment: Arc<Experiment>,
    loss: Option<f32>,
}

impl Kept {
    fn of(session: &Session) -> Self {
        let (step, experiment) = (session.step(), session.experiment().clone());
        Self {
            step,
            experiment,
            loss: session.record().smoothed(),
        }
    }
}

/// A training that an earlier run of the lab left.
struct Left {
    path: PathBuf,
    written: SystemTime,
    parked: Parked,
}

/// Where trainings are kept on this machine: the user's directory for the state of programs.
pub fn default_root() -> Option<PathBuf> {
    Some(home::root()?.join("trainings"))
}

impl Keeper {
    /// Keep trainings beneath `root`, every `interval`.
    ///
    /// # Errors
    /// A directory that cannot be made or locked.
    pub fn open(root: &Path, interval: Duration) -> io::Result<Self> {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let place = root.join(format!("{}-{}", since.as_millis(), std::process::id()));
        fs::create_dir_all(&place)?;
        let lock = File::create(place.join(LOCK))?;
        lock.try_lock().map_err(io::Error::from)?;
        let (kept_at, kept) = (Instant::now(), [None, None]);
        Ok(Self {
            root: root.to_path_buf(),
            place,
            _lock: lock,
            interval,
            kept_at,
            kept,
            told: false,
        })
    }

    /// What earlier runs left, the oldest first. What no lab needs any more is removed.
    pub fn left_behind(&self) -> Vec<Parked> {
        let mut left = Vec::new();
        for run in subdirectories(&self.root).filter(|run| *run != self.place) {
            // A lab that runs keeps its own.
            let lock = File::options().write(true).open(run.join(LOCK));
            if lock.as_ref().is_ok_and(|lock| lock.try_lock().is_err()) {
                continue;
            }
            let before = left.len();
            left.extend(subdirectories(&run).filter_map(read));
            if left.len() == before && subdirectories(&run).next().is_none() {
                remove(&run);
            }
        }
        left.sort_by_key(|item: &Left| std::cmp::Reverse(item.written));
        while left.len() > MOST {
            let shortest = (LATEST..left.len())
                .rev()
                .min_by_key(|&index| left[index].parked.step());
            let Some(index) = shortest else { break };
            remove(&left.remove(index).path);
        }
        left.into_iter().rev().map(|item| item.parked).collect()
    }

    /// Keep what has changed, if it is time to.
    pub fn keep_in_passing(&mut self, pair: &mut Pair) {
        if self.kept_at.elapsed() >= self.interval {
            self.keep(pair);
        }
    }

    /// Keep what has changed.
    pub fn keep(&mut self, pair: &mut Pair) {
        self.kept_at = Instant::now();
        for side in Side::BOTH {
            let Some(session) = pair.session_mut(side) else {
                continue;
            };
            let present = Kept::of(session);
            if present.step == 0 || self.kept[side.index()].as_ref() == Some(&present) {
                continue;
            }
            match self.keep_one(side, session) {
                Ok(()) => self.kept[side.index()] = Some(present),
                Err(error) if !std::mem::replace(&mut self.told, true) => {
                    let text = format!(
                        "the training is not kept for the next start: {error:#}; save it as a model"
                    );
                    session.notify(Notice::Error(text));
                }
                Err(error) => log::debug!("{error:#}"),
            }
        }
    }

    fn keep_one(&self, side: Side, session: &mut Session) -> anyhow::Result<()> {
        let directory = ModelDir::new(self.place.join(side.letter().to_lowercase()), false);
        let state = session.model();
        let metrics = session.record().metrics();
        directory.save(session.trained(&state, &metrics))
    }

    /// The lab closes: keep all, but for what the user has saved as it is.
    pub fn finish(&mut self, pair: &mut Pair) {
        self.keep(pair);
        for side in Side::BOTH {
            if pair.session(side).is_some_and(Session::is_saved) {
                remove(&self.place.join(side.letter().to_lowercase()));
            }
        }
    }
}

fn subdirectories(path: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(path)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
}

/// Only what lies beneath the lab's own directory is ever removed.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path) {
        log::debug!("{} stays: {error}", path.display());
    }
}

/// A model that cannot be read (the lab was killed before the first was whole) is no offer.
fn read(path: PathBuf) -> Option<Left> {
    let written = fs::metadata(&path)
        .and_then(|data| data.modified())
        .unwrap_or(UNIX_EPOCH);
    match Parked::read(&path) {
        Ok(parked) => Some(Left {
            path,
            written,
            parked,
        }),
        Err(error) => {
            log::debug!("{error:#}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Command, Order, Restart};
    use crate::model_dir;
    use crate::session::EngineFactory;
    use crate::setup::Setup;
    use engine::EngineChoice;

    fn lab(steps: u64) -> Pair {
        let experiment = Experiment {
            width: 32,
            depth: 1,
            batch: 32,
            points: 64,
            ..Experiment::default()
        };
        let factory: EngineFactory = Arc::new(|choice| engine::create(choice, None));
        let engine = factory(EngineChoice::Cpu).unwrap();
        let mut pair =
            Pair::new(Session::new(Setup::new(experiment).unwrap(), engine, factory).unwrap());
        pair.handle(Command::Hidden(true).into());
        train(&mut pair, steps);
        pair
    }

    fn train(pair: &mut Pair, steps: u64) {
        pair.train_until(steps);
        pair.handle(Command::Play.into());
        while Side::BOTH
            .iter()
            .any(|&side| pair.session(side).is_some_and(Session::is_training))
        {
            pair.tick(Duration::from_millis(10));
        }
    }

    /// What a start finds: the steps, the oldest first.
    fn found(root: &Path) -> Vec<u64> {
        Keeper::open(root, Duration::ZERO)
            .unwrap()
            .left_behind()
            .iter()
            .map(Parked::step)
            .collect()
    }

    #[test]
    fn the_next_start_finds_both_bit_for_bit_and_the_running_lab_keeps_its_own() {
        let root = tempfile::tempdir().unwrap();
        let mut pair = lab(20);
        pair.handle(Order::Equalise);
        train(&mut pair, 30);
        let mut keeper = Keeper::open(root.path(), Duration::ZERO).unwrap();
        keeper.keep_in_passing(&mut pair);
        assert_eq!(
            found(root.path()),
            [0_u64; 0],
            "a running lab's trainings are its own"
        );
        // As if it had been killed: nothing but the lock is let go.
        drop(keeper);
        let next = Keeper::open(root.path(), Duration::ZERO).unwrap();
        let left = next.left_behind();
        assert_eq!(left.len(), 2);
        for (side, parked) in Side::BOTH.into_iter().zip(left) {
            let mut fresh = lab(0);
            let id = {
                fresh.receive([parked]);
                fresh.snapshots().shelf[0].id
            };
            fresh.handle(Order::BringBack(id, Side::A));
            let back = fresh.session_mut(Side::A).unwrap().model();
            assert!(back == pair.session_mut(side).unwrap().model());
            assert_eq!(
                fresh.snapshots().a.curve.raw,
                pair.snapshots().of(side).unwrap().curve.raw
            );
        }
    }

    /// The file is gone, or another by now: the training goes on with its own rows, and that is said once.
    #[test]
    fn a_training_on_a_file_is_found_without_it_and_goes_on() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("rows.csv");
        let mixture = maths::data::shapes::Shape::Moons.mixture();
        for (then, word) in [
            ("edited", "rows.csv has changed since then"),
            ("gone", "rows.csv is no longer there"),
        ] {
            std::fs::write(
                &path,
                maths::data::csv_io::points_csv(&mixture.draw(300, 1)),
            )
            .unwrap();
            let trainings = root.path().join(then);
            let data = crate::experiment::DataSource::Csv(path.clone());
            let mut pair = lab(0);
            let experiment = Experiment {
                data,
                ..Experiment::clone(pair.session(Side::A).unwrap().experiment())
            };
            pair.handle(
                Command::Configure {
                    experiment: Box::new(experiment),
                    restart: Restart::Anew,
                }
                .into(),
            );
            train(&mut pair, 10);
            let rows = pair.snapshots().a.dataset.points.clone();
            let mut keeper = Keeper::open(&trainings, Duration::ZERO).unwrap();
            keeper.finish(&mut pair);
            drop(keeper);
            match then {
                "gone" => std::fs::remove_file(&path).unwrap(),
                _ => std::fs::write(&path, "x,y\n1,2\n2,3\n").unwrap(),
            }
            let mut next = lab(0);
            let left = Keeper::open(&trainings, Duration::ZERO)
                .unwrap()
                .left_behind();
            assert_eq!(left.len(), 1);
            for parked in left {
                next.receive([parked]);
            }
            let id = next.snapshots().shelf[0].id;
            next.handle(Order::BringBack(id, Side::A));
            let Some(Notice::Info(text)) = next.snapshots().a.notices.last().cloned() else {
                panic!("nothing is said")
            };
            assert!(
                text.contains("step 10 is back") && text.contains(word),
                "{text}"
            );
            assert_eq!(next.snapshots().a.dataset.points, rows);
            // To where the first would have gone, and so would a comparison of the two.
            train(&mut next, 20);
            train(&mut pair, 20);
            let model = |pair: &mut Pair| pair.session_mut(Side::A).unwrap().model();
            assert!(model(&mut next) == model(&mut pair));
            let experiment = Experiment::clone(next.session(Side::A).unwrap().experiment());
            next.handle(Order::Compare(Box::new([
                experiment.clone(),
                Experiment {
                    seed: 9,
                    ..experiment
                },
            ])));
            let both = next.snapshots();
            assert_eq!(
                both.b.as_ref().map(|b| b.dataset.points.clone()),
                Some(rows),
                "{:?}",
                both.a.notices
            );
        }
    }

    #[test]
    fn what_the_user_saved_is_not_offered_and_what_was_trained_since_is() {
        let root = tempfile::tempdir().unwrap();
        let saved = root.path().join("saved");
        for (more, left) in [(0, vec![]), (5, vec![25])] {
            let trainings = root.path().join(format!("trainings {more}"));
            let mut pair = lab(20);
            let mut keeper = Keeper::open(&trainings, Duration::ZERO).unwrap();
            pair.handle(Command::Save(saved.clone()).into());
            train(&mut pair, 20 + more);
            keeper.finish(&mut pair);
            drop(keeper);
            assert_eq!(found(&trainings), left);
        }
    }

    /// Started anew and trained to the very step that was kept last, it is another training all the same.
    #[test]
    fn another_training_of_the_same_step_is_kept_in_its_turn() {
        let root = tempfile::tempdir().unwrap();
        let mut pair = lab(20);
        let mut keeper = Keeper::open(root.path(), Duration::ZERO).unwrap();
        keeper.keep(&mut pair);
        let other = Experiment {
            seed: 7,
            ..Experiment::clone(pair.session(Side::A).unwrap().experiment())
        };
        pair.handle(
            Command::Configure {
                experiment: Box::new(other),
                restart: Restart::Anew,
            }
            .into(),
        );
        train(&mut pair, 20);
        keeper.keep(&mut pair);
        let state = model_dir::load(&keeper.place.join("a")).unwrap().state;
        assert!(state == pair.session_mut(Side::A).unwrap().model());
    }

    /// The disk fills up, or goes away, long after the start.
    #[test]
    fn that_keeping_fails_is_said_once() {
        let root = tempfile::tempdir().unwrap();
        let mut pair = lab(20);
        let mut keeper = Keeper::open(root.path(), Duration::ZERO).unwrap();
        fs::remove_dir_all(&keeper.place).unwrap();
        fs::write(&keeper.place, b"").unwrap();
        keeper.keep(&mut pair);
        let said = |pair: &Pair| pair.snapshots().a.notices.clone();
        let first = said(&pair);
        assert!(
            matches!(first.last(), Some(Notice::Error(text)) if text.contains("is not kept for the next start")),
            "{first:?}"
        );
        train(&mut pair, 30);
        keeper.keep(&mut pair);
        assert_eq!(said(&pair), first);
    }

    #[test]
    fn many_short_runs_do_not_push_out_a_long_one() {
        let root = tempfile::tempdir().unwrap();
        for steps in [90].into_iter().chain(1..=12) {
            let mut keeper = Keeper::open(root.path(), Duration::ZERO).unwrap();
            keeper.finish(&mut lab(steps));
            drop(keeper);
            found(root.path());
        }
        let steps = found(root.path());
        assert_eq!(steps.len(), MOST);
        assert_eq!(
            (steps[0], &steps[MOST - LATEST..]),
            (90, &[9, 10, 11, 12][..])
        );
    }

    /// Whatever else lies there, and whatever is broken, is no offer and no failure.
    #[test]
    fn what_cannot_be_read_is_no_offer() {
        let root = tempfile::tempdir().unwrap();
        let broken = root.path().join("1-1").join("a");
        fs::create_dir_all(&broken).unwrap();
        fs::write(broken.join("model.safetensors"), b"half a mod").unwrap();
        fs::write(root.path().join("note.txt"), b"not ours").unwrap();
        assert_eq!(found(root.path()), [0_u64; 0]);
        assert!(broken.exists() && root.path().join("note.txt").exists());
    }
}
