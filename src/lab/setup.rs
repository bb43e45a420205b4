//! An experiment made ready: its data loaded, its timetable computed, its samplers compiled.

use std::sync::Arc;

use super::change::Change;
use super::choice::told_of;
use super::experiment::{DataSource, Experiment};
use super::student::check_objective;
use engine::network::init::initial_weights;
use engine::network::layout::MAX_CLASSES;
use engine::network::objective::ObjectiveChoice;
use engine::network::timetable::Timetable;
use engine::{ModelState, Objective, Pairing, Teacher, TrainLabels, TrainSpec, TrainingData};
use maths::data::dataset::{Dataset, FileNow, Pairs};
use maths::data::labels::Labels;
use maths::diffusion::magnification;
use maths::diffusion::solver::Plan;
use maths::transport::Coupling;

/// An experiment with everything that follows from it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The settings.
    pub experiment: Arc<Experiment>,
    /// The data they name.
    pub dataset: Arc<Dataset>,
    /// The network that it is distilled from, where it is or has been.
    pub teacher: Option<Arc<Teacher>>,
    /// What an engine trains by.
    pub spec: TrainSpec,
    /// The sampler of the live picture.
    pub plan: Arc<Plan>,
    /// See [`Setup::warning`].
    warning: Option<String>,
}

impl Setup {
    /// Check and prepare an experiment.
    ///
    /// # Errors
    /// One sentence: an impossible setting, or a data file that cannot be used.
    pub fn new(experiment: Experiment) -> Result<Self, String> {
        experiment.validate()?;
        let dataset = load_dataset(&experiment)?;
        Self::taught(experiment, dataset, None)
    }

    /// Prepare an experiment on data that are there already: those of a model, distilled from this teacher if its objective is so.
    ///
    /// # Errors
    /// One sentence: an impossible setting.
    pub fn taught(
        experiment: Experiment,
        dataset: Dataset,
        teacher: Option<Arc<Teacher>>,
    ) -> Result<Self, String> {
        experiment.validate()?;
        check_objective(&experiment, teacher.as_deref())?;
        check_pairs(&experiment, &dataset)?;
        check_labels(&experiment, &dataset)?;
        let timetable = Arc::new(experiment.timetable());
        let dataset = Arc::new(dataset);
        Ok(Self::assemble(experiment, dataset, teacher, timetable))
    }

    /// The setup of a student of this experiment's model, that is trained to this end: its teacher has these weights.
    ///
    /// # Errors
    /// One sentence: settings of which there is no student.
    pub fn student(&self, objective: ObjectiveChoice, weights: Vec<f32>) -> Result<Self, String> {
        let of = &*self.experiment;
        if objective == ObjectiveChoice::Distillation && of.objective.is_consistency() {
            return Err(
                "a student has no path to be distilled from: distil its teacher".to_owned(),
            );
        }
        let teacher = Teacher {
            shape: of.shape(),
            target: of.target,
            schedule: of.schedule,
            timesteps: of.timesteps,
            weights,
        };
        let is_taught = objective == ObjectiveChoice::Distillation;
        let taught = Self {
            teacher: is_taught.then(|| Arc::new(teacher)),
            ..self.clone()
        };
        taught.changed(of.of_student(objective))
    }

    /// The model before its first step: a student of its teacher's kind begins with the teacher's weights.
    pub fn fresh_model(&self) -> ModelState {
        let shape = self.experiment.shape();
        let taught = self.experiment.objective == ObjectiveChoice::Distillation;
        let alike = |teacher: &&Arc<Teacher>| {
            taught && (teacher.shape, teacher.target) == (shape, self.experiment.target)
        };
        let weights = match self.teacher.as_ref().filter(alike) {
            Some(teacher) => teacher.weights.clone(),
            None => initial_weights(shape, self.experiment.seed),
        };
        ModelState::fresh(weights)
    }

    /// One sentence where the live picture's sampler, without the clip, makes much of a small error.
    pub fn warning(&self) -> Option<String> {
        self.warning.clone()
    }

    /// Look what has become of the data file, and say so where it does not hold the rows of this setup any more. Where
    /// it does, its present version is known from here on.
    pub fn meet_file(&mut self) -> Option<String> {
        let (now, stamp) = self.dataset.file_now()?;
        let name = self.experiment.data.title();
        match now {
            FileNow::Same => {
                if self.dataset.file != stamp {
                    self.dataset = Arc::new(Dataset {
                        file: stamp,
                        ..Dataset::clone(&self.dataset)
                    });
                }
                None
            }
            FileNow::Changed => Some(format!(
                "{name} has changed since then: the training keeps the rows that it has"
            )),
            FileNow::Missing => Some(format!(
                "{name} is no longer there: the training keeps the rows that it has"
            )),
        }
    }

    /// Prepare a changed experiment; what the change does not touch is shared with this one.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub fn changed(&self, experiment: Experiment) -> Result<Self, String> {
        experiment.validate()?;
        check_objective(&experiment, self.teacher.as_deref())?;
        let old = &*self.experiment;
        let dataset = self.dataset_of(&experiment)?;
        check_pairs(&experiment, &dataset)?;
        check_labels(&experiment, &dataset)?;
        let of = |e: &Experiment| (e.schedule, e.target, e.timesteps, e.times, e.weighting);
        let timetable = if of(old) == of(&experiment) {
            self.spec.timetable.clone()
        } else {
            Arc::new(experiment.timetable())
        };
        let teacher = self.teacher.clone();
        Ok(Self::assemble(experiment, dataset, teacher, timetable))
    }

    /// The same, trained from here on on pairs that a model made.
    ///
    /// # Errors
    /// One sentence: settings that do not go with them.
    pub fn with_pairs(&self, pairs: Arc<Pairs>) -> Result<Self, String> {
        let experiment = Experiment {
            coupling: Coupling::Reflow,
            // Pairs are finite.
            fresh: false,
            ..Experiment::clone(&self.experiment)
        };
        experiment.validate()?;
        check_objective(&experiment, self.teacher.as_deref())?;
        let dataset = Dataset {
            pairs: Some(pairs),
            ..Dataset::clone(&self.dataset)
        };
        let (teacher, timetable) = (self.teacher.clone(), self.spec.timetable.clone());
        Ok(Self::assemble(
            experiment,
            Arc::new(dataset),
            teacher,
            timetable,
        ))
    }

    /// True where this asks for a file anew: nothing else is asked for, and the file has changed since it was read.
    pub fn is_opened_again(&self, experiment: &Experiment) -> bool {
        self.experiment.change_to(experiment) == Change::Nothing && self.dataset.is_outdated()
    }

    /// The data of a changed experiment. A file is read again where it is opened again; under any other change its rows stay
    /// those of the training.
    fn dataset_of(&self, experiment: &Experiment) -> Result<Arc<Dataset>, String> {
        let old = &*self.experiment;
        let is_file = matches!(experiment.data, DataSource::Csv(_));
        let same_draw = is_file || (old.points, old.seed) == (experiment.points, experiment.seed);
        if old.data != experiment.data || !same_draw || self.is_opened_again(experiment) {
            return load_dataset(experiment).map(Arc::new);
        }
        if is_file && old.bandwidth != experiment.bandwidth {
            return Ok(Arc::new(self.dataset.with_bandwidth(experiment.bandwidth)));
        }
        Ok(self.dataset.clone())
    }

    fn assemble(
        experiment: Experiment,
        dataset: Arc<Dataset>,
        teacher: Option<Arc<Teacher>>,
        timetable: Arc<Timetable>,
    ) -> Self {
        let experiment = Experiment {
            file_classes: file_classes(&experiment, &dataset),
            ..experiment
        };
        let pairs = (dataset.pairs.as_ref()).filter(|_| experiment.coupling == Coupling::Reflow);
        let data = if let Some(pairs) = pairs {
            TrainingData::Finite(pairs.ends.clone())
        } else if experiment.fresh {
            TrainingData::Fresh(dataset.mixture.clone())
        } else {
            TrainingData::Finite(dataset.points.clone())
        };
        let labels = dataset.labels.as_ref().filter(|_| experiment.labels);
        let labels = labels.map(|labels| TrainLabels {
            classes: if experiment.fresh {
                labels.of_components.clone()
            } else {
                labels.of_points.clone()
            },
            dropout: experiment.label_dropout,
        });
        let spec = TrainSpec {
            shape: experiment.shape(),
            timetable,
            data,
            labels,
            pairing: experiment_pairing(&experiment, &dataset),
            objective: match experiment.objective {
                ObjectiveChoice::Denoise => Objective::Denoise,
                ObjectiveChoice::Consistency => Objective::Consistency(None),
                ObjectiveChoice::Distillation => Objective::Consistency(teacher.clone()),
            },
            batch: experiment.batch,
            learning_rate: experiment.learning_rate,
            rule: experiment.update_rule(),
            seed: experiment.seed,
            ema_decay: experiment.ema_decay,
        };
        let clip = experiment
            .clip
            .then_some(dataset.clip_box(experiment.fresh));
        let plan = experiment.sampler.plan_placed(
            experiment.placement,
            experiment.sampler_steps,
            experiment.plan_context(),
            clip,
        );
        let plan = told_of(&dataset.mixture, plan);
        let warning = magnification::warning(&plan, experiment.plan_context());
        Self {
            experiment: Arc::new(experiment),
            dataset,
            teacher,
            spec,
            plan: Arc::new(plan),
            warning,
        }
    }
}

fn experiment_pairing(experiment: &Experiment, dataset: &Dataset) -> Pairing {
    let pairs = (dataset.pairs.as_ref()).filter(|_| experiment.coupling == Coupling::Reflow);
    Pairing {
        coupling: experiment.coupling,
        source: experiment.source.mixture(),
        starts: pairs.map(|pairs| pairs.starts.clone()),
    }
}

/// Refuse a reflow without pairs.
fn check_pairs(experiment: &Experiment, dataset: &Dataset) -> Result<(), String> {
    if experiment.coupling == Coupling::Reflow && dataset.pairs.is_none() {
        return Err("reflow trains on pairs that a model made: press Reflow in the chapter Few steps, or make them with `noise-compass reflow`".to_owned());
    }
    Ok(())
}

/// How many classes the file of an experiment gives, where they are learned.
fn file_classes(experiment: &Experiment, dataset: &Dataset) -> u32 {
    let is_file = matches!(experiment.data, DataSource::Csv(_));
    let labels = dataset.labels.as_ref();
    let learned = labels.filter(|_| is_file && experiment.labels);
    learned.map_or(0, Labels::count)
}

/// Refuse labels that a file does not have, or more of them than a network is told.
fn check_labels(experiment: &Experiment, dataset: &Dataset) -> Result<(), String> {
    if !matches!(experiment.data, DataSource::Csv(_)) || !experiment.labels {
        return Ok(());
    }
    match file_classes(experiment, dataset) {
        0 => Err(format!(
            "{} has no labels to learn: name a column label or class, with 2 to {MAX_CLASSES} values, or give --labels false",
            experiment.data
        )),
        count if count > MAX_CLASSES => Err(format!(
            "{} has {count} classes and a network is told {MAX_CLASSES} at most: join some of them, or give --labels false",
            experiment.data
        )),
        _ => Ok(()),
    }
}

fn load_dataset(experiment: &Experiment) -> Result<Dataset, String> {
    Dataset::load(
        &experiment.data,
        experiment.points,
        experiment.seed,
        experiment.bandwidth,
    )
    .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::data::csv_io::points_csv;
    use maths::data::shapes::Shape;

    fn of_file(path: &std::path::Path) -> Experiment {
        Experiment {
            data: DataSource::Csv(path.into()),
            ..Experiment::default()
        }
    }

    /// Opening an edited file again did nothing: the settings were the same.
    #[test]
    fn a_file_that_has_changed_is_read_again_where_it_is_opened_again_and_not_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.csv");
        std::fs::write(&path, points_csv(&Shape::Moons.mixture().draw(300, 1))).unwrap();
        let setup = Setup::new(of_file(&path)).unwrap();
        let again = setup.changed(of_file(&path)).unwrap();
        assert!(
            Arc::ptr_eq(&again.dataset, &setup.dataset),
            "it has not changed"
        );
        std::fs::write(&path, points_csv(&Shape::Moons.mixture().draw(400, 1))).unwrap();
        // A slider that is dragged leaves the rows alone.
        let dragged = setup
            .changed(Experiment {
                learning_rate: 1e-4,
                seed: 5,
                ..of_file(&path)
            })
            .unwrap();
        assert!(Arc::ptr_eq(&dragged.dataset, &setup.dataset));
        let again = dragged
            .changed(Experiment::clone(&dragged.experiment))
            .unwrap();
        assert_eq!(
            (setup.dataset.points.len(), again.dataset.points.len()),
            (263, 350)
        );
        // One that is gone leaves what there is; one that cannot be read is an error.
        std::fs::write(&path, "x,y\n1,2\n").unwrap();
        assert!(
            again
                .changed(Experiment::clone(&again.experiment))
                .unwrap_err()
                .contains("two different points")
        );
        std::fs::remove_file(&path).unwrap();
        assert!(again.changed(Experiment::clone(&again.experiment)).is_ok());
    }

    #[test]
    fn another_bandwidth_is_another_truth_of_the_same_training_set() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.csv");
        std::fs::write(&path, points_csv(&Shape::Moons.mixture().draw(300, 1))).unwrap();
        let setup = Setup::new(of_file(&path)).unwrap();
        let wider = Experiment {
            bandwidth: Some(0.5),
            ..of_file(&path)
        };
        assert_eq!(setup.experiment.change_to(&wider), Change::Samples);
        assert!(!wider.runs_like(&setup.experiment));
        let fresh = Experiment {
            fresh: true,
            ..wider.clone()
        };
        assert_eq!(
            fresh.change_to(&Experiment {
                fresh: true,
                ..of_file(&path)
            }),
            Change::Training
        );
        let changed = setup.changed(wider).unwrap();
        assert!(Arc::ptr_eq(&changed.dataset.points, &setup.dataset.points));
        assert_eq!(changed.dataset.truth.bandwidth(), Some(0.5));
        assert_ne!(changed.dataset.mixture, setup.dataset.mixture);
        let back = changed.changed(of_file(&path)).unwrap();
        assert_eq!(back.dataset.mixture, setup.dataset.mixture);
    }

    /// Two points of a Gaussian, and fresh draws of it: the clip of the sampler is not that of the two.
    #[test]
    fn the_plan_of_fresh_draws_is_clipped_by_the_mixture() {
        let data = DataSource::Shape(Shape::Gaussian);
        let two = Setup::new(Experiment {
            data,
            points: 2,
            ..Experiment::default()
        })
        .unwrap();
        let fresh = two
            .changed(Experiment {
                fresh: true,
                ..Experiment::clone(&two.experiment)
            })
            .unwrap();
        assert!(
            matches!(two.spec.data, TrainingData::Finite(_))
                && matches!(fresh.spec.data, TrainingData::Fresh(_))
        );
        assert_eq!(two.plan.clip, Some(two.dataset.clip));
        let clip = fresh.plan.clip.unwrap();
        assert!(
            (0..2).all(|axis| clip.min[axis] < -4.0 && clip.max[axis] > 4.0),
            "{clip:?}"
        );
    }
}
