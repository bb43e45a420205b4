//! How a session changes: settings, engine, weights, and the copy that a comparison begins with.

use std::path::Path;
use std::sync::Arc;

use super::{Fault, SAFE_COPY_SECS, Session};
use crate::change::Change;
use crate::divergence::Watch;
use crate::experiment::Experiment;
use crate::message::{Notice, QualityPoint, Restart, TrainingMark};
use crate::model_dir::{self, Trained};
use crate::record::{LossRecord, Metric};
use crate::safe_copies::SafeCopies;
use crate::setup::Setup;
use crate::shelved::Replaced;
use crate::weak::WeakState;
use engine::ModelState;
use engine::{EngineChoice, EngineError, EngineKind, Wait};
use maths::grouped::grouped;

/// A training laid aside: all that it takes to go on with it, on the host.
#[derive(Clone, Debug)]
pub struct Parked {
    setup: Setup,
    state: ModelState,
    record: LossRecord,
    quality: Arc<Vec<QualityPoint>>,
    trained_secs: f64,
    changed_at: Option<u64>,
    marks: Arc<Vec<TrainingMark>>,
    saved: Option<u64>,
}

impl Parked {
    /// Updates that it had seen.
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// Its settings, with all that follows from them.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Its settings.
    pub fn experiment(&self) -> &Arc<Experiment> {
        &self.setup.experiment
    }

    /// Its latest smoothed loss.
    pub fn loss(&self) -> Option<f32> {
        self.record.smoothed()
    }

    /// True where the two are one training at one step.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.setup.experiment == other.setup.experiment && self.state == other.state
    }

    /// Read a saved model, with its rows and losses: a directory, or its `model.safetensors`.
    ///
    /// # Errors
    /// One sentence: what cannot be read, or cannot be set up.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let saved = model_dir::load(path)?;
        let metrics = model_dir::metrics(&model_dir::home_of(path));
        Ok(Self::of_model(saved.setup()?, saved.state, &metrics))
    }

    /// As [`Parked::read`], of a model that the user saved: closing the window asks for nothing.
    ///
    /// # Errors
    /// As there.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let parked = Self::read(path)?;
        let saved = Some(parked.state.step);
        Ok(Self { saved, ..parked })
    }

    /// A model that was saved, with its losses.
    pub fn of_model(setup: Setup, state: ModelState, metrics: &[Metric]) -> Self {
        let record = LossRecord::of_metrics(metrics);
        let trained_secs = metrics.last().map_or(0.0, |metric| metric.secs);
        Self {
            setup,
            state,
            record,
            quality: Arc::default(),
            trained_secs,
            changed_at: None,
            marks: Arc::default(),
            saved: None,
        }
    }
}

/// True where two setups do not train on the same points: a file's bandwidth changes what its rows are held against, and
/// what fresh draws are drawn from, but not the rows.
fn trains_on_others(old: &Setup, new: &Setup) -> bool {
    let mixture = new.experiment.fresh && !Arc::ptr_eq(&old.dataset.mixture, &new.dataset.mixture);
    let points = !Arc::ptr_eq(&old.dataset.points, &new.dataset.points);
    mixture || points || old.spec.pairing != new.spec.pairing
}

impl Session {
    /// What is saved of this training, with a model of it and its losses.
    pub fn trained<'a>(&'a self, state: &'a ModelState, metrics: &'a [Metric]) -> Trained<'a> {
        Trained {
            experiment: &self.setup.experiment,
            dataset: &self.setup.dataset,
            teacher: self.setup.teacher.as_ref(),
            state,
            metrics,
        }
    }

    /// The settings, with all that follows from them.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Begin a training of this setup, on the data that it holds.
    ///
    /// # Errors
    /// The engine's.
    pub fn begin(&mut self, setup: Setup) -> Result<(), EngineError> {
        self.start_anew(setup, Replaced::Settings)
    }

    /// As [`Setup::meet_file`].
    pub fn meet_file(&mut self) -> Option<String> {
        self.setup.meet_file()
    }

    /// Lay the training aside as it stands. It goes on here all the same.
    pub fn park(&mut self) -> Parked {
        let state = self.model();
        let mut record = self.record.clone();
        record.rewind(state.step);
        let mut quality = self.quality.curve().clone();
        if quality.last().is_some_and(|point| point.step > state.step) {
            Arc::make_mut(&mut quality).retain(|point| point.step <= state.step);
        }
        Parked {
            setup: self.setup.clone(),
            state,
            record,
            quality,
            trained_secs: self.trained_secs(),
            changed_at: self.changed_at,
            marks: self.marks.clone(),
            saved: self.saved,
        }
    }

    /// Lay the training aside because something else takes its place. It waits for [`Session::take_replaced`].
    fn lay_aside(&mut self, replaced: Replaced) {
        if self.step > 0 {
            let parked = Arc::new(self.park());
            self.replaced.push((replaced, parked));
        }
    }

    /// The trainings that were replaced since the last call.
    pub fn take_replaced(&mut self) -> Vec<(Replaced, Arc<Parked>)> {
        std::mem::take(&mut self.replaced)
    }

    /// Go on with a training that was laid aside, in place of the present one.
    ///
    /// # Errors
    /// The engine's.
    pub fn unpark(&mut self, parked: Parked) -> Result<(), EngineError> {
        let Parked {
            setup,
            state,
            record,
            quality,
            trained_secs,
            changed_at,
            marks,
            saved,
        } = parked;
        self.engine.load(&setup.spec, &state)?;
        self.adopt(setup);
        self.step = state.step;
        self.submitted = state.step;
        self.trained_secs = trained_secs;
        self.start_clock();
        (self.changed_at, self.marks) = (changed_at, marks);
        self.begin_watch(state);
        self.record = record;
        self.quality.go_on_from(quality);
        self.saved = saved;
        self.rate.clear();
        self.forget_pictures();
        self.fault = None;
        self.version += 1;
        Ok(())
    }

    /// A second session that stands exactly where this one does: settings, weights, optimiser, losses, and the kind of
    /// engine. Its engine is that of `old`, where it is of the same kind, else a new one. `old` is left as it was where
    /// that fails.
    ///
    /// # Errors
    /// The engine's.
    pub fn copy(&mut self, old: &mut Option<Self>) -> Result<Self, EngineError> {
        if !matches!(self.fault, Some(Fault::Engine(_))) {
            self.take_progress(Wait::UntilDone)?;
        }
        let state = self.model();
        let kind = self.engine.info().kind;
        let choice = match kind {
            EngineKind::Gpu => EngineChoice::Gpu,
            EngineKind::Cpu => EngineChoice::Cpu,
        };
        let sound = |old: &Self| {
            old.engine.info().kind == kind && !matches!(old.fault, Some(Fault::Engine(_)))
        };
        let engine = match old.take_if(|old| sound(old)) {
            Some(old) => old.engine,
            None => (self.factory)(choice)?,
        };
        let mut twin = Self::resume(self.setup.clone(), state, engine, self.factory.clone())?;
        twin.goal = self.goal;
        twin.stop_at = self.stop_at;
        twin.record = self.record.clone();
        twin.quality.go_on_from(self.quality.curve().clone());
        if twin.step != self.step {
            // After a fault the twin stands at the last good weights, and so do its curves.
            twin.record.rewind(twin.step);
            twin.quality.rewind(twin.step);
        }
        twin.trained_secs = self.trained_secs();
        twin.safe_secs = twin.trained_secs;
        twin.hidden = self.hidden;
        twin.interacting_until = self.interacting_until;
        twin.changed_at = self.changed_at;
        twin.marks = self.marks.clone();
        twin.live.show_as(&self.live);
        twin.playing = self.is_training();
        twin.set_shared(self.shared);
        twin.start_clock();
        Ok(twin)
    }

    pub(super) fn start_anew(
        &mut self,
        setup: Setup,
        replaced: Replaced,
    ) -> Result<(), EngineError> {
        self.lay_aside(replaced);
        let state = setup.fresh_model();
        self.engine.load(&setup.spec, &state)?;
        self.adopt(setup);
        self.step = 0;
        self.submitted = 0;
        self.trained_secs = 0.0;
        self.start_clock();
        (self.changed_at, self.saved) = (None, None);
        self.marks = Arc::default();
        self.begin_watch(state);
        self.record = LossRecord::default();
        self.quality.clear();
        self.rate.clear();
        self.forget_pictures();
        if matches!(self.fault, Some(Fault::Loss(_))) {
            self.fault = None;
        }
        Ok(())
    }

    /// A training begins, or goes on, with this model.
    fn begin_watch(&mut self, state: ModelState) {
        self.safe = SafeCopies::new(state, self.trained_secs());
        self.safe_secs = self.trained_secs();
        self.watch = Watch::new(&self.setup.spec);
    }

    /// Other weights: no picture of theirs stands for them.
    fn forget_pictures(&mut self) {
        self.live.forget();
        self.show_noise_at_first();
        // What asks the network for what this one has not learned goes for good: its chapter says so.
        let setup = &self.setup;
        self.runs.drop_asked(|request| !request.fits(setup));
        self.runs.forget(|request| !request.exact);
        self.follow.forget();
    }

    /// A training that has not begun shows the noise that samples start from.
    pub(super) fn show_noise_at_first(&mut self) {
        if self.submitted == 0 {
            self.live.show_noise(&self.setup.spec.pairing);
        }
    }

    /// Take over a setup that the engine already has. What was seen and measured of other settings goes with them.
    fn adopt(&mut self, setup: Setup) {
        let (old, new) = (&self.setup, &setup);
        let other_data = !Arc::ptr_eq(&old.dataset, &new.dataset);
        let other_mixture = other_data && old.dataset.mixture != new.dataset.mixture;
        let other_rows = trains_on_others(old, new);
        let context = |setup: &Setup| setup.experiment.plan_context();
        let other_context = context(old) != context(new);
        if other_data || other_context {
            // The density that was shown is no longer that of the data: draw it again.
            self.density_wanted = self
                .density_wanted
                .or(self.density.take().map(|field| field.view));
        }
        // Towards a class of other data nobody is led.
        self.runs.drop_asked(|request| !request.fits(new));
        if other_mixture || other_context {
            self.runs.forget(|_| true);
        } else if other_data {
            self.runs.again();
        }
        if other_mixture || old.plan != new.plan {
            self.quality.clear();
        }
        if other_rows || other_context || old.experiment.fresh != new.experiment.fresh {
            self.record.break_off();
        }
        let path = |setup: &Setup| (setup.experiment.schedule, setup.experiment.timesteps);
        let other_draws = old.experiment.fresh != new.experiment.fresh;
        let other_points = !Arc::ptr_eq(&old.dataset.points, &new.dataset.points);
        if other_mixture || other_points || other_draws || path(old) != path(new) {
            self.classifier.forget(&setup);
        }
        let fits = |weak: &WeakState| weak.model.reads_like(&setup.spec.timetable);
        if other_mixture || !self.weak.as_ref().is_none_or(fits) {
            self.weak = None;
        }
        self.live.set_plan(&setup.plan);
        if old.spec.pairing != new.spec.pairing {
            // Other starts.
            self.live.start_over();
            self.live.outdate();
            self.quality.clear();
            if old.experiment.source != new.experiment.source {
                self.runs.forget(|_| true);
            }
        }
        self.setup = setup;
        self.show_noise_at_first();
        self.follow.forget();
        self.version += 1;
    }

    pub(super) fn configure(
        &mut self,
        experiment: Experiment,
        restart: Restart,
    ) -> Result<(), EngineError> {
        let opened_again = self.setup.is_opened_again(&experiment);
        let asked = self.setup.experiment.change_to(&experiment);
        if asked == Change::Nothing && restart == Restart::Keep && !opened_again {
            return Ok(());
        }
        let setup = match self.setup.changed(experiment) {
            Ok(setup) => setup,
            Err(message) => {
                self.notify(Notice::Error(message));
                return Ok(());
            }
        };
        // A file may have other classes by now.
        let change = self.setup.experiment.change_to(&setup.experiment);
        self.change(setup, (change, restart), opened_again)
    }

    pub(super) fn change(
        &mut self,
        setup: Setup,
        (change, restart): (Change, Restart),
        opened_again: bool,
    ) -> Result<(), EngineError> {
        if matches!(self.fault, Some(Fault::Engine(_))) {
            self.play();
            return Ok(());
        }
        if opened_again {
            let (name, rows) = (setup.experiment.data.title(), setup.dataset.points.len());
            self.notify(Notice::Info(format!(
                "{name} has changed and was read again: {rows} rows to train on"
            )));
        }
        if let Some(warning) = setup.warning().filter(|_| self.setup.warning().is_none()) {
            self.notify(Notice::Info(warning));
        }
        if restart == Restart::Anew || change == Change::Weights {
            let same_shape = self.setup.spec.shape == setup.spec.shape;
            let why = if same_shape {
                "another target or objective"
            } else {
                "another network shape"
            };
            self.start_anew(setup, Replaced::Settings)?;
            if restart == Restart::Keep {
                self.notify(Notice::Info(format!("{why}: the training starts anew")));
            }
        } else {
            // The losses of the work in flight belong to the settings that were.
            self.take_progress(Wait::UntilDone)?;
            let another_loss = !Arc::ptr_eq(&self.setup.spec.timetable, &setup.spec.timetable)
                || trains_on_others(&self.setup, &setup);
            if (change >= Change::Training || another_loss) && self.step > 0 {
                // The new settings may ruin the weights: here is the way back.
                if self.trained_secs() - self.safe_secs > SAFE_COPY_SECS / 8.0 {
                    self.keep_safe_copy()?;
                }
                if another_loss {
                    self.lay_aside(Replaced::UnderSameWeights);
                }
                self.changed_at = Some(self.step);
                self.mark_change(&setup.experiment);
            }
            self.engine.update(&setup.spec)?;
            if another_loss {
                self.watch = Watch::new(&setup.spec);
                self.safe.forget_losses();
            }
            self.adopt(setup);
        }
        Ok(())
    }

    pub(super) fn restore_last_good(&mut self) -> Result<(), EngineError> {
        if matches!(self.fault, Some(Fault::Engine(_))) {
            self.play();
            return Ok(());
        }
        // Losses of the work in flight belong to the weights that are thrown away.
        self.engine.poll(Wait::UntilDone)?;
        let state = self.good_model().clone();
        self.engine.load(&self.setup.spec, &state)?;
        self.stop_clock();
        self.fault = None;
        self.step = state.step;
        self.submitted = self.step;
        self.safe.rewind(self.step);
        self.watch = Watch::new(&self.setup.spec);
        self.record.rewind(self.step);
        self.quality.rewind(self.step);
        self.forget_pictures();
        self.notify(Notice::Info(format!(
            "the weights of step {} are back; training is paused",
            grouped(self.step as f64)
        )));
        Ok(())
    }

    pub(super) fn save(&mut self, directory: &Path) {
        let state = self.model();
        // Where the program was started is seen nowhere in the window.
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_path_buf());
        let metrics = self.record.metrics();
        let notice = match model_dir::save(&directory, self.trained(&state, &metrics)) {
            Ok(()) => {
                self.saved = Some(state.step);
                Notice::Info(format!(
                    "saved step {} in {}",
                    grouped(state.step as f64),
                    directory.display()
                ))
            }
            Err(error) => {
                // There are no flags in a window.
                let text = format!("{error:#}");
                let what = text.split("; choose another --out").next().unwrap_or(&text);
                Notice::Error(format!("{what}; choose another place"))
            }
        };
        self.notify(notice);
    }
}
