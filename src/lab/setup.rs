//! An experiment made ready: its data loaded, its timetable computed, its samplers compiled.

use std::sync::Arc;

use super::experiment::{DataSource, Experiment};
use crate::data::dataset::Dataset;
use crate::diffusion::solver::Plan;
use crate::diffusion::timetable::Timetable;
use crate::engine::{TrainSpec, TrainingData};

/// An experiment with everything that follows from it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The settings.
    pub experiment: Arc<Experiment>,
    /// The data they name.
    pub dataset: Arc<Dataset>,
    /// What an engine trains by.
    pub spec: TrainSpec,
    /// The sampler of the live picture.
    pub plan: Arc<Plan>,
}

impl Setup {
    /// Check and prepare an experiment.
    ///
    /// # Errors
    /// One sentence: an impossible setting, or a data file that cannot be used.
    pub fn new(experiment: Experiment) -> Result<Self, String> {
        experiment.validate()?;
        let dataset = Arc::new(load_dataset(&experiment)?);
        let timetable = Timetable::new(experiment.path, experiment.target, experiment.timesteps);
        Ok(Self::assemble(experiment, dataset, Arc::new(timetable)))
    }

    /// Prepare a changed experiment; what the change does not touch is shared with this one.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn changed(&self, experiment: Experiment) -> Result<Self, String> {
        experiment.validate()?;
        let old = &*self.experiment;
        let dataset = self.dataset_of(&experiment)?;
        let same_path =
            (old.path, old.target, old.timesteps) == (experiment.path, experiment.target, experiment.timesteps);
        let timetable = if same_path {
            self.spec.timetable.clone()
        } else {
            Arc::new(Timetable::new(experiment.path, experiment.target, experiment.timesteps))
        };
        Ok(Self::assemble(experiment, dataset, timetable))
    }

    /// The data of a changed experiment. A file is read again where it is opened again, that is where nothing else is
    /// asked for, and has changed since; under any other change its rows stay those of the training.
    fn dataset_of(&self, experiment: &Experiment) -> Result<Arc<Dataset>, String> {
        let old = &*self.experiment;
        let is_file = matches!(experiment.data, DataSource::Csv(_));
        let same_draw = is_file || (old.points, old.seed) == (experiment.points, experiment.seed);
        let opened_again = *experiment == *old && self.dataset.is_outdated();
        if old.data != experiment.data || !same_draw || opened_again {
            return load_dataset(experiment).map(Arc::new);
        }
        if is_file && old.bandwidth != experiment.bandwidth {
            return Ok(Arc::new(self.dataset.with_bandwidth(experiment.bandwidth)));
        }
        Ok(self.dataset.clone())
    }

    fn assemble(experiment: Experiment, dataset: Arc<Dataset>, timetable: Arc<Timetable>) -> Self {
        let data = if experiment.fresh {
            TrainingData::Fresh(dataset.mixture.clone())
        } else {
            TrainingData::Finite(dataset.points.clone())
        };
        let spec = TrainSpec {
            shape: experiment.shape(),
            timetable,
            data,
            batch: experiment.batch,
            learning_rate: experiment.learning_rate,
            seed: experiment.seed,
            ema_decay: experiment.ema_decay,
        };
        let clip = experiment.clip.then_some(dataset.clip_box(experiment.fresh));
        let plan = experiment.sampler.plan(experiment.sampler_steps, experiment.plan_context(), clip);
        Self { experiment: Arc::new(experiment), dataset, spec, plan: Arc::new(plan) }
    }
}

fn load_dataset(experiment: &Experiment) -> Result<Dataset, String> {
    Dataset::load(&experiment.data, experiment.points, experiment.seed, experiment.bandwidth)
        .map_err(|error| error.to_string())
}
