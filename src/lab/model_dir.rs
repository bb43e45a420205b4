//! The model directory: `model.safetensors`, `experiment.json`, `metrics.jsonl`. `model.safetensors` alone is the model,
//! with weights, settings, step and data; the others repeat for people what is in it, and tell the losses.
//!
//! A model is saved into the directory as it stands, be it a mount point or where somebody works. All three files are
//! whole on the disk under temporary names before any gets its own; `model.safetensors` gets it last. So there is at
//! every moment the old model or the new one.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};

use super::own_data;
use crate::experiment::{DataSource, Experiment};
use crate::record::Metric;
use crate::setup::Setup;
use engine::Teacher;
use engine::network::fault::{Fault, WeightsError};
use engine::network::model_data::ModelData;
use engine::network::weights::{self, ModelState, is_model};
use maths::atomic::{Destination, IsOurs, WriteError, check_directory, directory_of, read_within};
use maths::data::dataset::Dataset;
use maths::disk;

const MODEL: &str = "model.safetensors";
/// The file with the settings alone.
const EXPERIMENT: &str = "experiment.json";
const METRICS: &str = "metrics.jsonl";
/// The files in the order in which they get their names.
const FILES: [(&str, IsOurs); 3] = [
    (EXPERIMENT, is_experiment),
    (METRICS, is_metrics),
    (MODEL, is_model),
];

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
    /// The network that it is distilled from.
    pub teacher: Option<&'a Arc<Teacher>>,
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
        Self {
            path: path.into(),
            force,
        }
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
                let there = self
                    .path
                    .ancestors()
                    .find(|path| path.exists() || path.is_symlink());
                let there = there
                    .filter(|there| *there != Path::new(""))
                    .unwrap_or(Path::new("."));
                check_directory(there).map_err(|error| self.cannot_write(error))
            }
        }
    }

    /// Only what is nothing but a model (or empty) is replaced: nobody's files are to be lost.
    fn check_contents(&self) -> anyhow::Result<()> {
        check_directory(&self.path).map_err(|error| self.cannot_write(error))?;
        for entry in fs::read_dir(&self.path).map_err(|error| self.cannot_write(error))? {
            let name = entry.map_err(|error| self.cannot_write(error))?.file_name();
            let known = FILES
                .iter()
                .any(|(file, _)| name == **file || disk::is_left_over(&name, file.as_ref()));
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
        let ours = model
            .and_then(|file| is_model(&mut BufReader::new(file)))
            .unwrap_or(false);
        FILES.map(|(name, is_ours)| {
            Destination::new(self.path.join(name), is_ours, self.force || ours)
        })
    }

    /// Write a model.
    ///
    /// # Errors
    /// As [`ModelDir::check`]; where the disk is full; and a model that is not finite, which would be of no use.
    pub fn save(&self, trained: Trained) -> anyhow::Result<()> {
        let Trained {
            experiment,
            dataset,
            teacher,
            state,
            metrics,
        } = trained;
        ensure!(
            state.is_finite(),
            "cannot save step {}: its numbers are not finite; restore the last good weights",
            state.step
        );
        self.check()?;
        let json = serde_json::to_string_pretty(&placed(experiment));
        let json = json.context("the experiment cannot be written as JSON")?;
        let mut data = own_data::of_dataset(experiment, dataset)
            .context("the data cannot be written as JSON")?;
        data.teacher = teacher.cloned();
        let mut lines = String::new();
        for metric in metrics.iter().filter(|metric| metric.step <= state.step) {
            lines.push_str(
                &serde_json::to_string(metric).context("a loss cannot be written as JSON")?,
            );
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
            directories
                .iter()
                .try_for_each(|directory| disk::sync_directory(directory))
        };
        name_all().map_err(|error| self.cannot_write(error))
    }

    /// As [`ModelDir::save`], for the end of a training, which is not to be lost: where the model cannot be saved here, it
    /// is kept beside the directory, or among the system's temporary files, and the error says where.
    ///
    /// # Errors
    /// As [`ModelDir::save`].
    pub fn save_or_keep(&self, trained: Trained) -> anyhow::Result<()> {
        let Err(error) = self.save(trained) else {
            return Ok(());
        };
        if !trained.state.is_finite() {
            return Err(error);
        }
        let whole = fs::canonicalize(&self.path).or_else(|_| std::path::absolute(&self.path))?;
        let name = whole
            .file_name()
            .map_or_else(|| "model".into(), |name| name.display().to_string());
        let keep = |directory: &Path| -> anyhow::Result<PathBuf> {
            let kept = tempfile::Builder::new()
                .prefix(&format!("{name}-kept-"))
                .tempdir_in(directory)?;
            Self::new(kept.path(), false).save(trained)?;
            disk::sync_directory(directory)?;
            Ok(kept.keep())
        };
        match keep(&directory_of(&whole)).or_else(|_| keep(&std::env::temp_dir())) {
            Ok(kept) => Err(anyhow!(
                "{error:#}; the model is kept in {}",
                kept.display()
            )),
            Err(second) => Err(anyhow!(
                "{error:#}; nor could the model be kept elsewhere: {second:#}"
            )),
        }
    }

    /// Make the directory and its parents.
    fn make(&self) -> io::Result<()> {
        let missing: Vec<_> = self
            .path
            .ancestors()
            .take_while(|path| *path != Path::new("") && !path.is_dir())
            .collect();
        for path in missing.into_iter().rev() {
            disk::make_directory(path)?;
            disk::sync_directory(&directory_of(path))?;
        }
        Ok(())
    }

    fn cannot_write(&self, error: impl std::fmt::Display) -> anyhow::Error {
        anyhow!(
            "cannot write {}: {error}; choose another --out",
            self.path.display()
        )
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
        let damaged = |fault: String| WeightsError {
            path: self.file.clone(),
            fault: Fault::Data(fault),
        };
        let teacher = data.teacher.clone();
        let dataset = own_data::to_dataset(&self.experiment, data).map_err(damaged)?;
        Setup::taught(self.experiment.clone(), dataset, teacher).map_err(anyhow::Error::msg)
    }
}

/// Read a model: a directory that one was saved in, or its `model.safetensors` alone.
///
/// # Errors
/// One sentence: what is wrong with the file and what to do.
pub fn load(path: &Path) -> anyhow::Result<Saved> {
    let file = if path.is_dir() {
        path.join(MODEL)
    } else {
        path.to_path_buf()
    };
    let mut loaded = weights::load(&file)?;
    let experiment: Experiment = serde_json::from_str(&loaded.experiment_json).map_err(|error| {
        anyhow!(
            "cannot load {}: its experiment does not read ({error}); give a file that `train` wrote",
            file.display()
        )
    })?;
    experiment
        .validate()
        .map_err(|error| anyhow!("cannot load {}: {error}", file.display()))?;
    let data = loaded.data.take();
    let state = loaded.into_state(experiment.shape())?;
    Ok(Saved {
        experiment,
        state,
        data,
        file,
    })
}

/// The directory of a model that is named by it, or by its `model.safetensors`.
pub fn home_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if path.is_file() && parent.as_os_str().is_empty() => ".".into(),
        Some(parent) if path.is_file() => parent.to_path_buf(),
        _ => path.to_path_buf(),
    }
}

/// The losses that were saved with a model, as far as they can be read.
pub fn metrics(directory: &Path) -> Vec<Metric> {
    let text = fs::read_to_string(directory.join(METRICS)).unwrap_or_default();
    text.lines()
        .map_while(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The file that the settings of a model are read from, where they stand as JSON alone. With a model in the directory,
/// [`load`] knows better.
pub fn settings_file(directory: &Path) -> Option<PathBuf> {
    (!directory.join(MODEL).exists()).then(|| directory.join(EXPERIMENT))
}

/// The model that an `experiment.json` stands beside.
pub fn model_beside(settings: &Path) -> Option<PathBuf> {
    let model = settings.with_file_name(MODEL);
    (settings.file_name().is_some_and(|name| name == EXPERIMENT) && model.is_file())
        .then_some(model)
}

fn is_experiment(file: &mut dyn BufRead) -> io::Result<bool> {
    let Some(bytes) = read_within(file, 1 << 20)? else {
        return Ok(false);
    };
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
        parse()
            .is_some_and(|metric| serde_json::to_string(&metric).is_ok_and(|again| again == line))
    })
}

#[cfg(test)]
mod tests;
