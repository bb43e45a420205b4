//! An experiment made ready: its data loaded, its timetable computed, its samplers compiled.

use std::sync::Arc;

use super::experiment::Experiment;
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
        let same_data = (&old.data, old.points, old.seed) == (&experiment.data, experiment.points, experiment.seed);
        let dataset = if same_data { self.dataset.clone() } else { Arc::new(load_dataset(&experiment)?) };
        let same_path =
            (old.path, old.target, old.timesteps) == (experiment.path, experiment.target, experiment.timesteps);
        let timetable = if same_path {
            self.spec.timetable.clone()
        } else {
            Arc::new(Timetable::new(experiment.path, experiment.target, experiment.timesteps))
        };
        Ok(Self::assemble(experiment, dataset, timetable))
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
        let clip = experiment.clip.then_some(dataset.clip);
        let plan = experiment.sampler.plan(experiment.sampler_steps, experiment.plan_context(), clip);
        Self { experiment: Arc::new(experiment), dataset, spec, plan: Arc::new(plan) }
    }
}

fn load_dataset(experiment: &Experiment) -> Result<Dataset, String> {
    Dataset::load(&experiment.data, experiment.points, experiment.seed).map_err(|error| error.to_string())
}
