//! The model directory: `model.safetensors`, `experiment.json`, `metrics.jsonl`. `model.safetensors` alone is the model,
//! with weights, settings and step; the others repeat for people what is in it, and tell the losses.
//!
//! A model is saved into the directory as it stands, be it a mount point or where somebody works. All three files are
//! whole on the disk under temporary names before any gets its own; `model.safetensors` gets it last. So there is at
//! every moment the old model or the new one.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};

use super::atomic::{Destination, IsOurs, WriteError, check_directory, directory_of, read_within};
use super::disk;
use crate::lab::experiment::Experiment;
use crate::lab::record::Metric;
use crate::nn::weights::{self, ModelState, is_model};

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
pub fn save(directory: &Path, experiment: &Experiment, state: &ModelState, metrics: &[Metric]) -> anyhow::Result<()> {
    ModelDir::new(directory, false).save(experiment, state, metrics)
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

    /// Write a model. Losses beyond its step are not of it and are left out.
    ///
    /// # Errors
    /// As [`ModelDir::check`]; where the disk is full; and a model that is not finite, which would be of no use.
    pub fn save(&self, experiment: &Experiment, state: &ModelState, metrics: &[Metric]) -> anyhow::Result<()> {
        ensure!(
            state.is_finite(),
            "cannot save step {}: its numbers are not finite; restore the last good weights",
            state.step
        );
        self.check()?;
        let json = serde_json::to_string_pretty(experiment).context("the experiment cannot be written as JSON")?;
        let mut lines = String::new();
        for metric in metrics.iter().filter(|metric| metric.step <= state.step) {
            lines.push_str(&serde_json::to_string(metric).context("a loss cannot be written as JSON")?);
            lines.push('\n');
        }
        let model = weights::to_bytes(experiment.shape(), state, &json).map_err(|error| self.cannot_write(error))?;
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
    pub fn save_or_keep(&self, experiment: &Experiment, state: &ModelState, metrics: &[Metric]) -> anyhow::Result<()> {
        let Err(error) = self.save(experiment, state, metrics) else { return Ok(()) };
        if !state.is_finite() {
            return Err(error);
        }
        let whole = fs::canonicalize(&self.path).or_else(|_| std::path::absolute(&self.path))?;
        let name = whole.file_name().map_or_else(|| "model".into(), |name| name.display().to_string());
        let keep = |directory: &Path| -> anyhow::Result<PathBuf> {
            let kept = tempfile::Builder::new().prefix(&format!("{name}-kept-")).tempdir_in(directory)?;
            Self::new(kept.path(), false).save(experiment, state, metrics)?;
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

/// Read a model: a directory that one was saved in, or its `model.safetensors` alone.
///
/// # Errors
/// One sentence: what is wrong with the file and what to do.
pub fn load(path: &Path) -> anyhow::Result<(Experiment, ModelState)> {
    let file = if path.is_dir() { path.join(MODEL) } else { path.to_path_buf() };
    let loaded = weights::load(&file)?;
    let experiment: Experiment = serde_json::from_str(&loaded.experiment_json).map_err(|error| {
        anyhow!(
            "cannot load {}: its experiment does not read ({error}); give a file that `train` wrote",
            file.display()
        )
    })?;
    experiment.validate().map_err(|error| anyhow!("cannot load {}: {error}", file.display()))?;
    let state = loaded.into_state(experiment.shape())?;
    Ok((experiment, state))
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

fn is_experiment(file: &mut dyn BufRead) -> io::Result<bool> {
    let Some(bytes) = read_within(file, 1 << 20)? else { return Ok(false) };
    let experiment = serde_json::from_slice::<Experiment>(&bytes);
    let again = experiment.and_then(|experiment| serde_json::to_string_pretty(&experiment));
    Ok(again.is_ok_and(|again| format!("{again}\n").as_bytes() == bytes))
}

fn is_metrics(file: &mut dyn BufRead) -> io::Result<bool> {
    super::atomic::all_lines(file, |_, line| {
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
    use super::super::disk::faults::{self, Fault};
    use super::*;
    use crate::nn::init::initial_weights;

    fn model(seed: u64) -> (Experiment, ModelState) {
        let experiment = Experiment { width: 32, depth: 2, seed, ..Experiment::default() };
        let state = ModelState { step: seed, ..ModelState::fresh(initial_weights(experiment.shape(), seed)) };
        (experiment, state)
    }

    const METRIC: Metric = Metric { step: 1, loss: 0.5, secs: 0.25 };

    fn save_one(directory: &Path, seed: u64) -> anyhow::Result<()> {
        let (experiment, state) = model(seed);
        save(directory, &experiment, &state, &[METRIC])
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
            save(&directory, &experiment, &state, &[METRIC, beyond]).unwrap();
            assert_eq!(load(&directory).unwrap(), (experiment.clone(), state.clone()));
            assert_eq!(load(&directory.join(MODEL)).unwrap(), (experiment, state));
            let lines = fs::read_to_string(directory.join(METRICS)).unwrap();
            assert_eq!(lines, "{\"step\":1,\"loss\":0.5,\"secs\":0.25}\n", "no loss beyond the model's step");
        }
        assert_eq!(names(&temp.path().join("deep")), ["model"], "nothing temporary is left");
        assert_eq!(names(&directory), [EXPERIMENT, METRICS, MODEL]);
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
                    match load(&directory) {
                        Ok((_, state)) => assert!(
                            state.step == 2 || (had_one && state.step == 1 && result.is_err()),
                            "step {}: {what}",
                            state.step
                        ),
                        Err(error) => assert!(!had_one && result.is_err(), "{error}: {what}"),
                    }
                    assert!(names(temp.path()).iter().all(|name| name == "model"), "nothing hidden beside it: {what}");
                    save_one(&directory, 4).unwrap();
                    assert_eq!(load(&directory).unwrap().1.step, 4, "{what}");
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
            let save = || ModelDir::new(&directory, false).save_or_keep(&experiment, &state, &[]);
            let (result, met) = faults::with(Fault::Once, call, save);
            if let Err(error) = result {
                let text = error.to_string();
                let (_, kept) = text.split_once("the model is kept in ").unwrap_or_else(|| panic!("{text}"));
                assert_eq!(directory_of(Path::new(kept)), temp.path());
                assert_eq!(load(Path::new(kept)).unwrap(), (experiment, state));
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
        let error = ModelDir::new(file.path().join("model"), false).save_or_keep(&experiment, &state, &[]).unwrap_err();
        let text = error.to_string();
        let kept = Path::new(text.rsplit(' ').next().unwrap());
        assert_eq!(directory_of(kept), std::env::temp_dir());
        assert_eq!(load(kept).unwrap(), (experiment, state));
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
            let error =
                ModelDir::new(temp.path(), true).save_or_keep(&experiment, &state, &[]).unwrap_err().to_string();
            assert!(error.contains("step 2") && error.contains("not finite") && !error.contains("kept"), "{error}");
        }
        assert_eq!(load(temp.path()).unwrap().1.step, 1);
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
            ModelDir::new(temp.path(), true).save(&experiment, &state, &[]).unwrap();
            assert_eq!(load(temp.path()).unwrap(), (experiment, state));
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
            save(temp.path(), &experiment, &state, &metrics).unwrap();
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
