//! The model directory: `model.safetensors`, `experiment.json`, `metrics.jsonl`. Written whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use tempfile::TempDir;

use crate::lab::experiment::Experiment;
use crate::lab::record::Metric;
use crate::nn::weights::{self, ModelState};

const MODEL: &str = "model.safetensors";
/// The file with the settings alone.
pub const EXPERIMENT: &str = "experiment.json";
const METRICS: &str = "metrics.jsonl";

/// Check that a model directory can be written, before hours of work are put into it. Its parents are made.
///
/// # Errors
/// A directory that cannot be written, or one that holds something else than a model.
pub fn check_target(directory: &Path) -> anyhow::Result<()> {
    beside(directory)?;
    check_replaceable(directory)
}

/// Write a model. A model directory that is there already is replaced; it is whole at every moment but the instant
/// between two renames.
///
/// # Errors
/// As [`check_target`], and where the disk is full.
pub fn save(directory: &Path, experiment: &Experiment, state: &ModelState, metrics: &[Metric]) -> anyhow::Result<()> {
    let fresh = beside(directory)?;
    check_replaceable(directory)?;
    let json = serde_json::to_string_pretty(experiment).context("the experiment cannot be written as JSON")?;
    let mut lines = String::new();
    for metric in metrics {
        lines.push_str(&serde_json::to_string(metric).context("a loss cannot be written as JSON")?);
        lines.push('\n');
    }
    weights::save(&fresh.path().join(MODEL), experiment.shape(), state, &json)?;
    let write = |name: &str, text: &str| fs::write(fresh.path().join(name), text);
    write(EXPERIMENT, &format!("{json}\n"))
        .and_then(|()| write(METRICS, &lines))
        .map_err(|error| cannot_write(directory, &error))?;
    put_in_place(fresh, directory).map_err(|error| cannot_write(directory, &error))
}

/// Read a model: a directory that [`save`] wrote, or its `model.safetensors` alone.
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

fn cannot_write(directory: &Path, error: &io::Error) -> anyhow::Error {
    anyhow!("cannot write {}: {error}; choose another --out", directory.display())
}

/// A temporary directory on the same file system, to be renamed later.
fn beside(directory: &Path) -> anyhow::Result<TempDir> {
    let parent = parent_of(directory);
    let make = || -> io::Result<TempDir> {
        fs::create_dir_all(&parent)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new directory, narrowed by the umask; a temporary one's own default is 0700.
            builder.permissions(fs::Permissions::from_mode(0o777));
        }
        // The error would name a directory that nobody asked for: only its kind is told.
        builder.prefix(".noise-compass-").tempdir_in(&parent).map_err(|error| io::Error::from(error.kind()))
    };
    make().map_err(|error| cannot_write(directory, &error))
}

fn parent_of(directory: &Path) -> PathBuf {
    match directory.parent() {
        Some(parent) if parent != Path::new("") => parent.into(),
        _ => PathBuf::from("."),
    }
}

/// Only what is nothing but a model (or empty) is replaced: nobody's files are to be lost.
fn check_replaceable(directory: &Path) -> anyhow::Result<()> {
    if fs::symlink_metadata(directory).is_err() {
        return Ok(());
    }
    ensure!(
        directory.is_dir(),
        "cannot write {}: it is a file, not a directory; choose another --out",
        directory.display()
    );
    for entry in fs::read_dir(directory).map_err(|error| cannot_write(directory, &error))? {
        let name = entry.map_err(|error| cannot_write(directory, &error))?.file_name();
        ensure!(
            [MODEL, EXPERIMENT, METRICS].iter().any(|known| name == *known),
            "cannot replace {}: it holds {}, which is no part of a model; choose another --out",
            directory.display(),
            name.display()
        );
    }
    Ok(())
}

fn put_in_place(fresh: TempDir, directory: &Path) -> io::Result<()> {
    let old = tempfile::Builder::new().prefix(".noise-compass-old-").tempdir_in(parent_of(directory))?;
    let kept = old.path().join("model");
    let had_one = directory.exists();
    if had_one {
        fs::rename(directory, &kept)?;
    }
    if let Err(error) = fs::rename(fresh.path(), directory) {
        if had_one {
            fs::rename(&kept, directory)?;
        }
        return Err(error);
    }
    // The directory now has its own name: there is nothing temporary left to remove.
    let _ = fresh.keep();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::init::initial_weights;

    fn model(seed: u64) -> (Experiment, ModelState) {
        let experiment = Experiment { width: 32, depth: 2, seed, ..Experiment::default() };
        let state = ModelState::fresh(initial_weights(experiment.shape(), seed));
        (experiment, state)
    }

    #[test]
    fn a_model_comes_back_as_it_was_saved_and_replaces_an_older_one() {
        let temp = tempfile::tempdir().unwrap();
        let directory = temp.path().join("deep/model");
        for seed in [1, 2] {
            let (experiment, state) = model(seed);
            let metrics = [Metric { step: 1, loss: 0.5, secs: 0.25 }];
            save(&directory, &experiment, &state, &metrics).unwrap();
            assert_eq!(load(&directory).unwrap(), (experiment.clone(), state.clone()));
            assert_eq!(load(&directory.join(MODEL)).unwrap(), (experiment, state));
            let lines = fs::read_to_string(directory.join(METRICS)).unwrap();
            assert_eq!(lines, "{\"step\":1,\"loss\":0.5,\"secs\":0.25}\n");
        }
        let left: Vec<_> = fs::read_dir(temp.path().join("deep")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["model"], "nothing temporary is left");
    }

    #[test]
    fn somebody_elses_files_are_never_replaced() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("thesis.tex"), "years of work").unwrap();
        let (experiment, state) = model(0);
        let error = save(temp.path(), &experiment, &state, &[]).unwrap_err().to_string();
        assert!(error.contains("thesis.tex"), "{error}");
        assert!(check_target(temp.path()).is_err());
        assert_eq!(fs::read_to_string(temp.path().join("thesis.tex")).unwrap(), "years of work");
    }

    #[test]
    fn a_directory_under_a_file_cannot_be_written() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("file"), "").unwrap();
        let error = check_target(&temp.path().join("file/model")).unwrap_err().to_string();
        assert!(error.starts_with("cannot write ") && error.ends_with("; choose another --out"), "{error}");
    }
}
