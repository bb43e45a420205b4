//! The model directory: `model.safetensors`, `experiment.json`, `metrics.jsonl`. `model.safetensors` alone is the model,
//! with weights, settings, step and data; the others repeat for people what is in it, and tell the losses.
//!
//! A model is saved into the directory as it stands, be it a mount point or where somebody works. All three files are
//! whole on the disk under temporary names before any gets its own; `model.safetensors` gets it last. So there is at
//! every moment the old model or the new one.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};

use super::own_data;
use crate::experiment::{DataSource, Experiment};
use crate::record::Metric;
use crate::setup::Setup;
use engine::network::model_data::ModelData;
use engine::network::weights::{self, Fault, ModelState, WeightsError, is_model};
use maths::atomic::{Destination, IsOurs, WriteError, check_directory, directory_of, read_within};
use maths::data::dataset::Dataset;
use maths::disk;

const MODEL: &str = "model.safetensors";
/// The file with the settings alone.
const EXPERIMENT: &str = "experiment.json";
const METRICS: &str = "metrics.jsonl";
/// The files in the order in which they get their names.
const FILES: [(&str, IsOurs); 3] = [(EXPERIMENT, is_experiment), (METRICS, is_metrics), (MODEL, is_model)];

/// Write a model into a directory, over nothing but a model.
///
/// # Errors
/// As [`ModelDir::save`].
pub fn save(directory: &Path, trained: Trained) -> anyhow::Result<()> {
    ModelDir::new(directory, false).save(trained)
}

/// What is saved: a training as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Trained<'a> {
    /// The settings.
    pub experiment: &'a Experiment,
    /// The data they name.
    pub dataset: &'a Dataset,
    /// The model.
    pub state: &'a ModelState,
    /// Its losses. Those beyond its step are not of it and are left out.
    pub metrics: &'a [Metric],
}

/// A directory that a model is to be saved in.
#[derive(Clone, Debug)]
pub struct ModelDir {
    path: PathBuf,
    force: bool,
}

impl ModelDir {
    /// The directory may be missing, empty, or hold a model; by `force` also anything else, which stays beside the
    /// model.
    pub fn new(path: impl Into<PathBuf>, force: bool) -> Self {
        Self { path: path.into(), force }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True where there is a model already.
    pub fn holds_model(&self) -> bool {
        self.path.join(MODEL).exists()
    }

    /// Refuse now what [`ModelDir::save`] would refuse later. Nothing is made.
    ///
    /// # Errors
    /// A directory that cannot be written, or one that holds something else than a model.
    pub fn check(&self) -> anyhow::Result<()> {
        match fs::metadata(&self.path) {
            Ok(found) if found.is_dir() => self.check_contents(),
            Ok(_) => Err(self.cannot_write("it is a file, not a directory")),
            // Its parents are made where they are missing.
            Err(_) => {
                let there = self.path.ancestors().find(|path| path.exists() || path.is_symlink());
                let there = there.filter(|there| *there != Path::new("")).unwrap_or(Path::new("."));
                check_directory(there).map_err(|error| self.cannot_write(error))
            }
        }
    }

    /// Only what is nothing but a model (or empty) is replaced: nobody's files are to be lost.
    fn check_contents(&self) -> anyhow::Result<()> {
        check_directory(&self.path).map_err(|error| self.cannot_write(error))?;
        for entry in fs::read_dir(&self.path).map_err(|error| self.cannot_write(error))? {
            let name = entry.map_err(|error| self.cannot_write(error))?.file_name();
            let known = FILES.iter().any(|(file, _)| name == **file || disk::is_left_over(&name, file.as_ref()));
            ensure!(
                known || self.force,
                "cannot replace {}: it holds {}, which is no part of a model; choose another --out, or save beside it \
                 with --force",
                self.path.display(),
                name.display()
            );
        }
        Ok(self.files().iter().try_for_each(Destination::check)?)
    }

    /// What lies beside a model of ours under our names is taken to be of it.
    fn files(&self) -> [Destination; 3] {
        let model = fs::File::open(self.path.join(MODEL));
        let ours = model.and_then(|file| is_model(&mut BufReader::new(file))).unwrap_or(false);
        FILES.map(|(name, is_ours)| Destination::new(self.path.join(name), is_ours, self.force || ours))
    }

    /// Write a model.
    ///
    /// # Errors
    /// As [`ModelDir::check`]; where the disk is full; and a model that is not finite, which would be of no use.
    pub fn save(&self, trained: Trained) -> anyhow::Result<()> {
        let Trained { experiment, dataset, state, metrics } = trained;
        ensure!(
            state.is_finite(),
            "cannot save step {}: its numbers are not finite; restore the last good weights",
            state.step
        );
        self.check()?;
        let json = serde_json::to_string_pretty(&placed(experiment));
        let json = json.context("the experiment cannot be written as JSON")?;
        let data = own_data::of_dataset(experiment, dataset).context("the data cannot be written as JSON")?;
        let mut lines = String::new();
        for metric in metrics.iter().filter(|metric| metric.step <= state.step) {
            lines.push_str(&serde_json::to_string(metric).context("a loss cannot be written as JSON")?);
            lines.push('\n');
        }
        let model = weights::to_bytes(experiment.shape(), state, &json, Some(&data));
        let model = model.map_err(|error| self.cannot_write(error))?;
        self.make().map_err(|error| self.cannot_write(error))?;
        let contents = [format!("{json}\n").into_bytes(), lines.into_bytes(), model];
        let staged: Vec<_> = self
            .files()
            .iter()
            .zip(&contents)
            .map(|(file, bytes)| file.stage(bytes))
            .collect::<Result<_, WriteError>>()?;
        let name_all = || -> io::Result<()> {
            let mut directories = Vec::new();
            for file in staged {
                directories.push(file.name()?);
            }
            // More than one where files of the model are links.
            directories.dedup();
            directories.iter().try_for_each(|directory| disk::sync_directory(directory))
        };
        name_all().map_err(|error| self.cannot_write(error))
    }

    /// As [`ModelDir::save`], for the end of a training, which is not to be lost: where the model cannot be saved here, it
    /// is kept beside the directory, or among the system's temporary files, and the error says where.
    ///
    /// # Errors
    /// As [`ModelDir::save`].
    pub fn save_or_keep(&self, trained: Trained) -> anyhow::Result<()> {
        let Err(error) = self.save(trained) else { return Ok(()) };
        if !trained.state.is_finite() {
            return Err(error);
        }
        let whole = fs::canonicalize(&self.path).or_else(|_| std::path::absolute(&self.path))?;
        let name = whole.file_name().map_or_else(|| "model".into(), |name| name.display().to_string());
        let keep = |directory: &Path| -> anyhow::Result<PathBuf> {
            let kept = tempfile::Builder::new().prefix(&format!("{name}-kept-")).tempdir_in(directory)?;
            Self::new(kept.path(), false).save(trained)?;
            disk::sync_directory(directory)?;
            Ok(kept.keep())
        };
        match keep(&directory_of(&whole)).or_else(|_| keep(&std::env::temp_dir())) {
            Ok(kept) => Err(anyhow!("{error:#}; the model is kept in {}", kept.display())),
            Err(second) => Err(anyhow!("{error:#}; nor could the model be kept elsewhere: {second:#}")),
        }
    }

    /// Make the directory and its parents.
    fn make(&self) -> io::Result<()> {
        let missing: Vec<_> =
            self.path.ancestors().take_while(|path| *path != Path::new("") && !path.is_dir()).collect();
        for path in missing.into_iter().rev() {
            disk::make_directory(path)?;
            disk::sync_directory(&directory_of(path))?;
        }
        Ok(())
    }

    fn cannot_write(&self, error: impl std::fmt::Display) -> anyhow::Error {
        anyhow!("cannot write {}: {error}; choose another --out", self.path.display())
    }
}

/// The experiment as it is saved: the place of a data file does not depend on where the program was started. It is a
/// remark; the rows are in the model.
fn placed(experiment: &Experiment) -> Experiment {
    let mut placed = experiment.clone();
    if let DataSource::Csv(path) = &mut placed.data
        && let Ok(whole) = std::path::absolute(&*path)
        // JSON has no other letters.
        && whole.to_str().is_some()
    {
        *path = whole;
    }
    placed
}

/// A model that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The settings.
    pub experiment: Experiment,
    /// The model.
    pub state: ModelState,
    /// What it was trained on; models of earlier versions do not say, and need their data file.
    pub data: Option<ModelData>,
    file: PathBuf,
}

impl Saved {
    /// The experiment made ready, on the model's own data.
    ///
    /// # Errors
    /// One sentence: damaged data, or the file of an older model that cannot be used.
    pub fn setup(&self) -> anyhow::Result<Setup> {
        let Some(data) = self.data.clone() else {
            return Setup::new(self.experiment.clone()).map_err(|error| {
                anyhow!(
                    "the data that the model was trained on cannot be loaded: {error}; put the file back where it was"
                )
            });
        };
        let damaged = |fault: String| WeightsError { path: self.file.clone(), fault: Fault::Data(fault) };
        let dataset = own_data::to_dataset(&self.experiment, data).map_err(damaged)?;
        Setup::of_dataset(self.experiment.clone(), dataset).map_err(anyhow::Error::msg)
    }
}

/// Read a model: a directory that one was saved in, or its `model.safetensors` alone.
///
/// # Errors
/// One sentence: what is wrong with the file and what to do.
pub fn load(path: &Path) -> anyhow::Result<Saved> {
    let file = if path.is_dir() { path.join(MODEL) } else { path.to_path_buf() };
    let mut loaded = weights::load(&file)?;
    let experiment: Experiment = serde_json::from_str(&loaded.experiment_json).map_err(|error| {
        anyhow!(
            "cannot load {}: its experiment does not read ({error}); give a file that `train` wrote",
            file.display()
        )
    })?;
    experiment.validate().map_err(|error| anyhow!("cannot load {}: {error}", file.display()))?;
    let data = loaded.data.take();
    let state = loaded.into_state(experiment.shape())?;
    Ok(Saved { experiment, state, data, file })
}

/// The losses that were saved with a model, as far as they can be read.
pub fn metrics(directory: &Path) -> Vec<Metric> {
    let text = fs::read_to_string(directory.join(METRICS)).unwrap_or_default();
    text.lines().map_while(|line| serde_json::from_str(line).ok()).collect()
}

/// The file that the settings of a model are read from, where they stand as JSON alone. With a model in the directory,
/// [`load`] knows better.
pub fn settings_file(directory: &Path) -> Option<PathBuf> {
    (!directory.join(MODEL).exists()).then(|| directory.join(EXPERIMENT))
}

/// The model that an `experiment.json` stands beside.
pub fn model_beside(settings: &Path) -> Option<PathBuf> {
    let model = settings.with_file_name(MODEL);
    (settings.file_name().is_some_and(|name| name == EXPERIMENT) && model.is_file()).then_some(model)
}

fn is_experiment(file: &mut dyn BufRead) -> io::Result<bool> {
    let Some(bytes) = read_within(file, 1 << 20)? else { return Ok(false) };
    let experiment = serde_json::from_slice::<Experiment>(&bytes);
    let again = experiment.and_then(|experiment| serde_json::to_string_pretty(&experiment));
    Ok(again.is_ok_and(|again| format!("{again}\n").as_bytes() == bytes))
}

fn is_metrics(file: &mut dyn BufRead) -> io::Result<bool> {
    maths::atomic::all_lines(file, |_, line| {
        // The parser of JSON may be off by the last bit of a double, that of numbers is not.
        let parse = || -> Option<Metric> {
            let metric: Metric = serde_json::from_str(line).ok()?;
            let secs = line.rsplit_once(':')?.1.strip_suffix('}')?.parse().ok()?;
            Some(Metric { secs, ..metric })
        };
        parse().is_some_and(|metric| serde_json::to_string(&metric).is_ok_and(|again| again == line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::network::init::initial_weights;
    use maths::data::shapes::Shape;
    use maths::disk::faults::{self, Fault};
    use std::sync::LazyLock;

    fn model(seed: u64) -> (Experiment, ModelState) {
        let experiment = Experiment { width: 32, depth: 2, seed, ..Experiment::default() };
        let state = ModelState { step: seed, ..ModelState::fresh(initial_weights(experiment.shape(), seed)) };
        (experiment, state)
    }

    /// The data of [`model`].
    static DATA: LazyLock<Dataset> = LazyLock::new(|| Dataset::of_shape(Shape::Figure8, 64, 0));

    fn trained<'a>(experiment: &'a Experiment, state: &'a ModelState, metrics: &'a [Metric]) -> Trained<'a> {
        Trained { experiment, dataset: &DATA, state, metrics }
    }

    fn read(path: &Path) -> anyhow::Result<(Experiment, ModelState)> {
        load(path).map(|saved| (saved.experiment, saved.state))
    }

    const METRIC: Metric = Metric { step: 1, loss: 0.5, secs: 0.25 };

    fn save_one(directory: &Path, seed: u64) -> anyhow::Result<()> {
        let (experiment, state) = model(seed);
        save(directory, trained(&experiment, &state, &[METRIC]))
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_model_comes_back_as_it_was_saved_and_replaces_an_older_one() {
        let temp = tempfile::tempdir().unwrap();
        let directory = temp.path().join("deep/model");
        for seed in [1, 2] {
            let (experiment, state) = model(seed);
            let beyond = Metric { step: 3, ..METRIC };
            save(&directory, trained(&experiment, &state, &[METRIC, beyond])).unwrap();
            assert_eq!(read(&directory).unwrap(), (experiment.clone(), state.clone()));
            assert_eq!(read(&directory.join(MODEL)).unwrap(), (experiment, state));
            let lines = fs::read_to_string(directory.join(METRICS)).unwrap();
            assert_eq!(lines, "{\"step\":1,\"loss\":0.5,\"secs\":0.25}\n", "no loss beyond the model's step");
        }
        assert_eq!(names(&temp.path().join("deep")), ["model"], "nothing temporary is left");
        assert_eq!(names(&directory), [EXPERIMENT, METRICS, MODEL]);
    }

    fn of_file(rows: usize, fresh: bool) -> (tempfile::TempDir, PathBuf, Experiment, Setup) {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("rows.csv");
        // Far off, so that mean and scale need all their digits.
        let row = |[x, y]: [f32; 2]| format!("{},{}\n", 40.0 * f64::from(x) + 1e6 / 3.0, 40.0 * f64::from(y) - 0.1);
        let text: String = Shape::Moons.mixture().draw(rows, 1).into_iter().map(row).collect();
        fs::write(&path, format!("x,y\n{text}")).unwrap();
        let (experiment, _) = model(1);
        let experiment = Experiment { data: DataSource::Csv(path.clone()), fresh, ..experiment };
        let setup = Setup::new(experiment.clone()).unwrap();
        (temp, path, experiment, setup)
    }

    /// Rows, held-out rows, truth, units and clip: all as they were, to the last bit.
    #[test]
    fn the_data_come_back_as_they_were_saved() {
        for (rows, fresh) in [(700, false), (100, true)] {
            let (temp, path, experiment, setup) = of_file(rows, fresh);
            let state = model(1).1;
            save(&temp.path().join("m"), Trained { dataset: &setup.dataset, ..trained(&experiment, &state, &[]) })
                .unwrap();
            fs::remove_file(path).unwrap();
            let mut back = load(&temp.path().join("m")).unwrap().setup().unwrap();
            let (was, is) = (&setup.dataset, &back.dataset);
            assert_eq!((&is.points, &is.mixture, is.truth), (&was.points, &was.mixture, was.truth));
            assert_eq!((is.standardisation, is.clip_box(fresh)), (was.standardisation, was.clip_box(fresh)));
            assert_eq!(is.reference.pair(20, 1), was.reference.pair(20, 1));
            assert_eq!((is.reference.most(), &*back.plan), (was.reference.most(), &*setup.plan));
            assert!(back.meet_file().is_some_and(|remark| remark.contains("rows.csv is no longer there")));
        }
    }

    #[test]
    fn a_file_that_was_touched_is_the_same_and_one_that_was_edited_is_not() {
        let (temp, path, experiment, setup) = of_file(300, false);
        let state = model(1).1;
        let place = temp.path().join("m");
        save(&place, Trained { dataset: &setup.dataset, ..trained(&experiment, &state, &[]) }).unwrap();
        let open = || load(&place).unwrap().setup().unwrap();
        fs::write(&path, fs::read(&path).unwrap()).unwrap();
        let mut back = open();
        assert_eq!(back.meet_file(), None);
        assert!(!back.dataset.is_outdated(), "opening it again reads nothing anew");
        let edited = fs::read_to_string(&path).unwrap().replacen('1', "2", 1);
        for text in [edited.as_str(), "no rows"] {
            fs::write(&path, text).unwrap();
            let mut back = open();
            assert!(back.meet_file().is_some_and(|remark| remark.contains("rows.csv has changed")));
            assert!(back.dataset.is_outdated(), "opening it again reads it");
            assert_eq!(back.dataset.points, setup.dataset.points);
        }
    }

    /// Models of earlier versions say nothing of their data: they need the file.
    #[test]
    fn a_model_without_its_data_opens_by_the_file_that_it_names() {
        let (temp, path, experiment, setup) = of_file(300, false);
        let json = serde_json::to_string(&experiment).unwrap();
        let old = temp.path().join("old.safetensors");
        fs::write(&old, weights::to_bytes(experiment.shape(), &model(1).1, &json, None).unwrap()).unwrap();
        assert_eq!(load(&old).unwrap().setup().unwrap().dataset.points, setup.dataset.points);
        fs::remove_file(path).unwrap();
        let error = load(&old).unwrap().setup().unwrap_err().to_string();
        assert!(error.contains("rows.csv") && error.ends_with("put the file back where it was"), "{error}");
    }

    #[test]
    fn damaged_data_are_told() {
        let (temp, _, experiment, setup) = of_file(300, false);
        let good = own_data::of_dataset(&experiment, &setup.dataset).unwrap();
        let json = serde_json::to_string(&experiment).unwrap();
        let file = temp.path().join("model.safetensors");
        let complaint = |data: ModelData| {
            let bytes = weights::to_bytes(experiment.shape(), &model(1).1, &json, Some(&data)).unwrap();
            fs::write(&file, bytes).unwrap();
            load(&file).and_then(|saved| saved.setup()).unwrap_err().to_string()
        };
        let scale = |number: &str| {
            let mut about: serde_json::Value = serde_json::from_str(&good.about).unwrap();
            about["scale"] = number.parse::<f64>().unwrap().into();
            ModelData { about: about.to_string(), ..good.clone() }
        };
        for (data, word) in [
            (ModelData { about: "{}".into(), ..good.clone() }, "missing field"),
            (scale("0"), "impossible"),
            (scale("-1"), "impossible"),
            (ModelData { points: <_>::default(), ..good.clone() }, "two different rows"),
            (ModelData { points: vec![[f32::NAN; 2]; 3].into(), ..good.clone() }, "not finite"),
        ] {
            let error = complaint(data);
            assert!(error.contains(word) && error.contains("are damaged") && !error.contains('\n'), "{error}");
        }
    }

    /// What there can be before a save: nothing, a directory without anything, a model, and a model beside what a killed
    /// save left.
    const BEFORE: [&str; 4] = ["missing", "empty", "model", "left-overs"];

    fn prepare(directory: &Path, before: &str) {
        match before {
            "empty" => fs::create_dir(directory).unwrap(),
            "model" => save_one(directory, 1).unwrap(),
            "left-overs" => {
                save_one(directory, 1).unwrap();
                let (left, _) = faults::with(Fault::Killed, 8, || save_one(directory, 3));
                assert!(left.is_err() && names(directory).len() > 3, "{:?}", names(directory));
            }
            _ => {}
        }
    }

    /// A fault at every system call of a save: there is always the old model or the new, whole, and where the save says
    /// that it worked it is the new. The next save works and leaves nothing behind.
    #[test]
    fn no_failure_at_any_system_call_loses_a_model() {
        for fault in [Fault::Once, Fault::FromThenOn, Fault::Killed] {
            for before in BEFORE {
                let mut call = 0;
                loop {
                    let temp = tempfile::tempdir().unwrap();
                    let directory = temp.path().join("model");
                    prepare(&directory, before);
                    let had_one = directory.join(MODEL).exists();
                    let (result, met) = faults::with(fault, call, || save_one(&directory, 2));
                    let what = format!("{fault:?} at call {call}, before: {before}: {result:?}");
                    match read(&directory) {
                        Ok((_, state)) => assert!(
                            state.step == 2 || (had_one && state.step == 1 && result.is_err()),
                            "step {}: {what}",
                            state.step
                        ),
                        Err(error) => assert!(!had_one && result.is_err(), "{error}: {what}"),
                    }
                    assert!(names(temp.path()).iter().all(|name| name == "model"), "nothing hidden beside it: {what}");
                    save_one(&directory, 4).unwrap();
                    assert_eq!(read(&directory).unwrap().1.step, 4, "{what}");
                    assert_eq!(names(&directory), [EXPERIMENT, METRICS, MODEL], "{what}");
                    if !met {
                        assert!(result.is_ok(), "{what}");
                        break;
                    }
                    call += 1;
                }
                assert!(call >= 13, "a save has at least three files of four calls each and its directory, not {call}");
            }
        }
    }

    /// At the end of a training a fault at any call leaves the new model somewhere, and the error says where.
    #[test]
    fn a_training_that_cannot_be_saved_is_kept_elsewhere() {
        let mut call = 0;
        loop {
            let temp = tempfile::tempdir().unwrap();
            let directory = temp.path().join("model");
            save_one(&directory, 1).unwrap();
            let (experiment, state) = model(2);
            let save = || ModelDir::new(&directory, false).save_or_keep(trained(&experiment, &state, &[]));
            let (result, met) = faults::with(Fault::Once, call, save);
            if let Err(error) = result {
                let text = error.to_string();
                let (_, kept) = text.split_once("the model is kept in ").unwrap_or_else(|| panic!("{text}"));
                assert_eq!(directory_of(Path::new(kept)), temp.path());
                assert_eq!(read(Path::new(kept)).unwrap(), (experiment, state));
            }
            if !met {
                break;
            }
            call += 1;
        }
        assert!(call >= 13);
        // Where neither the directory nor its neighbourhood will do, the system's temporary directory does.
        let file = tempfile::NamedTempFile::new().unwrap();
        let (experiment, state) = model(2);
        let error = ModelDir::new(file.path().join("model"), false)
            .save_or_keep(trained(&experiment, &state, &[]))
            .unwrap_err();
        let text = error.to_string();
        let kept = Path::new(text.rsplit(' ').next().unwrap());
        assert_eq!(directory_of(kept), std::env::temp_dir());
        assert_eq!(read(kept).unwrap(), (experiment, state));
        fs::remove_dir_all(kept).unwrap();
    }

    #[test]
    fn a_model_that_is_not_finite_is_not_saved() {
        let temp = tempfile::tempdir().unwrap();
        save_one(temp.path(), 1).unwrap();
        let vectors: [fn(&mut ModelState) -> &mut Vec<f32>; 4] =
            [|s| &mut s.weights, |s| &mut s.ema, |s| &mut s.adam_m, |s| &mut s.adam_v];
        for vector in vectors {
            let (experiment, mut state) = model(2);
            *vector(&mut state).last_mut().unwrap() = f32::INFINITY;
            let error = ModelDir::new(temp.path(), true)
                .save_or_keep(trained(&experiment, &state, &[]))
                .unwrap_err()
                .to_string();
            assert!(error.contains("step 2") && error.contains("not finite") && !error.contains("kept"), "{error}");
        }
        assert_eq!(read(temp.path()).unwrap().1.step, 1);
    }

    #[test]
    fn somebody_elses_files_are_never_replaced() {
        // A safetensors file of another program, and other people's files under the names of ours.
        let header = br#"{"conv.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        let foreign = [&(header.len() as u64).to_le_bytes(), &header[..], &[0; 4]].concat();
        for (name, theirs) in [
            ("thesis.tex", &b"years of work"[..]),
            (MODEL, &foreign),
            (EXPERIMENT, b"{\"my\": \"notes\"}"),
            (METRICS, b"{\"accuracy\": 0.99}\n"),
            (".model.safetensors", b"hidden"),
        ] {
            let temp = tempfile::tempdir().unwrap();
            fs::write(temp.path().join(name), theirs).unwrap();
            let checked = ModelDir::new(temp.path(), false).check().unwrap_err().to_string();
            let error = save_one(temp.path(), 1).unwrap_err().to_string();
            assert_eq!(checked, error, "what is refused is refused before the work");
            assert!(error.contains(name) && error.contains("--force") && !error.contains('\n'), "{error}");
            assert_eq!(fs::read(temp.path().join(name)).unwrap(), theirs);
            assert_eq!(names(temp.path()), [name]);
            let (experiment, state) = model(1);
            ModelDir::new(temp.path(), true).save(trained(&experiment, &state, &[])).unwrap();
            assert_eq!(read(temp.path()).unwrap(), (experiment, state));
            if !FILES.iter().any(|(ours, _)| *ours == name) {
                assert_eq!(fs::read(temp.path().join(name)).unwrap(), theirs, "it stays beside the model");
            }
        }
    }

    #[test]
    fn our_own_parts_of_a_model_are_replaced() {
        for name in [EXPERIMENT, METRICS] {
            let temp = tempfile::tempdir().unwrap();
            let (experiment, state) = model(1);
            // Seconds that a parser which rounds twice would not give back.
            let secs = [0.1 + 0.2, 1.0 / 3.0, 123.456_789_012_345_67, 5e-324];
            let metrics = secs.map(|secs| Metric { secs, loss: 1.0 / 3.0, ..METRIC });
            save(temp.path(), trained(&experiment, &state, &metrics)).unwrap();
            for other in FILES.iter().filter(|(other, _)| *other != name) {
                fs::remove_file(temp.path().join(other.0)).unwrap();
            }
            save_one(temp.path(), 2).unwrap_or_else(|error| panic!("{name} alone: {error}"));
        }
        let temp = tempfile::tempdir().unwrap();
        for (name, _) in FILES {
            fs::write(temp.path().join(name), "").unwrap();
        }
        save_one(temp.path(), 1).unwrap();
    }

    #[test]
    fn a_directory_under_a_file_cannot_be_written() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("file"), "").unwrap();
        for place in ["file", "file/model", "file/deep/model"] {
            let error = ModelDir::new(temp.path().join(place), false).check().unwrap_err().to_string();
            assert!(error.starts_with("cannot write ") && error.ends_with("; choose another --out"), "{error}");
        }
    }
}
