//! How a session changes: settings, engine, weights, and the copy that a comparison begins with.

use std::path::Path;
use std::sync::Arc;

use super::{Fault, Session, fresh_model};
use crate::engine::ModelState;
use crate::engine::{EngineChoice, EngineError, EngineKind};
use crate::export::model_dir;
use crate::lab::experiment::Experiment;
use crate::lab::message::Notice;
use crate::lab::quality::QualityMeter;
use crate::lab::record::LossRecord;
use crate::lab::setup::Setup;

/// A training laid aside: all that it takes to go on with it, on the host.
#[derive(Debug)]
pub struct Parked {
    setup: Setup,
    state: ModelState,
    record: LossRecord,
    quality: QualityMeter,
    trained_secs: f64,
    changed_at: Option<u64>,
}

impl Parked {
    /// Updates that it had seen.
    pub fn step(&self) -> u64 {
        self.state.step
    }
}

impl Session {
    /// Lay the training aside as it stands. It goes on here all the same.
    pub fn park(&mut self) -> Parked {
        let state = self.model();
        let mut quality = QualityMeter::default();
        quality.continue_from(&self.quality);
        let mut record = self.record.clone();
        record.rewind(state.step);
        let (trained_secs, changed_at) = (self.trained_secs(), self.changed_at);
        Parked { setup: self.setup.clone(), state, record, quality, trained_secs, changed_at }
    }

    /// Go on with a training that was laid aside, in place of the present one.
    ///
    /// # Errors
    /// The engine's.
    pub fn unpark(&mut self, parked: Parked) -> Result<(), EngineError> {
        let Parked { setup, state, record, quality, trained_secs, changed_at } = parked;
        self.engine.load(&setup.spec, &state)?;
        self.adopt(setup);
        self.step = state.step;
        self.submitted = state.step;
        (self.trained_secs, self.last_good_secs) = (trained_secs, trained_secs);
        self.start_clock();
        self.changed_at = changed_at;
        self.last_good = state;
        self.record = record;
        self.quality = quality;
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
            self.take_progress(true)?;
        }
        let state = self.model();
        let kind = self.engine.info().kind;
        let choice = match kind {
            EngineKind::Gpu => EngineChoice::Gpu,
            EngineKind::Cpu => EngineChoice::Cpu,
        };
        let sound = |old: &Self| old.engine.info().kind == kind && !matches!(old.fault, Some(Fault::Engine(_)));
        let engine = match old.take_if(|old| sound(old)) {
            Some(old) => old.engine,
            None => (self.factory)(choice)?,
        };
        let mut twin = Self::resume(self.setup.clone(), state, engine, self.factory.clone())?;
        twin.goal = self.goal;
        twin.record = self.record.clone();
        twin.quality.continue_from(&self.quality);
        if twin.step != self.step {
            // After a fault the twin stands at the last good weights, and so do its curves.
            twin.record.rewind(twin.step);
            twin.quality.rewind(twin.step);
        }
        twin.trained_secs = self.trained_secs();
        twin.last_good_secs = twin.trained_secs;
        twin.hidden = self.hidden;
        twin.interacting_until = self.interacting_until;
        twin.changed_at = self.changed_at;
        twin.live.show_as(&self.live);
        twin.playing = self.is_training();
        twin.set_shared(self.shared);
        twin.start_clock();
        Ok(twin)
    }

    pub(super) fn start_anew(&mut self, setup: Setup) -> Result<(), EngineError> {
        let state = fresh_model(&setup.experiment);
        self.engine.load(&setup.spec, &state)?;
        self.adopt(setup);
        self.step = 0;
        self.submitted = 0;
        self.trained_secs = 0.0;
        self.start_clock();
        self.changed_at = None;
        self.last_good = state;
        self.last_good_secs = 0.0;
        self.record = LossRecord::default();
        self.quality.clear();
        self.rate.clear();
        self.forget_pictures();
        if matches!(self.fault, Some(Fault::Loss(_))) {
            self.fault = None;
        }
        Ok(())
    }

    /// Other weights: no picture of theirs stands for them.
    fn forget_pictures(&mut self) {
        self.live.forget();
        self.runs.forget(|request| !request.exact);
    }

    /// Take over a setup that the engine already has. What was seen and measured of other settings goes with them.
    fn adopt(&mut self, setup: Setup) {
        let (old, new) = (&self.setup, &setup);
        let other_data = !Arc::ptr_eq(&old.dataset, &new.dataset);
        let other_mixture = other_data && old.dataset.mixture != new.dataset.mixture;
        let context = |setup: &Setup| setup.experiment.plan_context();
        let other_context = context(old) != context(new);
        if other_data || other_context {
            // The density that was shown is no longer that of the data: draw it again.
            self.density_wanted = self.density_wanted.or(self.density.take().map(|field| field.view));
        }
        if other_mixture || other_context {
            self.runs.forget(|_| true);
        } else if other_data {
            self.runs.again();
        }
        if other_mixture || old.plan != new.plan {
            self.quality.clear();
        }
        if other_data || other_context || old.experiment.fresh != new.experiment.fresh {
            self.record.break_off();
        }
        self.live.set_plan(&setup.plan);
        self.setup = setup;
        self.version += 1;
    }

    pub(super) fn configure(&mut self, experiment: Experiment, restart: bool) -> Result<(), EngineError> {
        if experiment == *self.setup.experiment && !restart {
            return Ok(());
        }
        let other_shape = experiment.shape() != self.setup.spec.shape;
        let setup = match self.setup.changed(experiment) {
            Ok(setup) => setup,
            Err(message) => {
                self.notify(Notice::Error(message));
                return Ok(());
            }
        };
        if matches!(self.fault, Some(Fault::Engine(_))) {
            self.play();
            return Ok(());
        }
        if restart || other_shape {
            self.start_anew(setup)?;
            if other_shape && !restart {
                self.notify(Notice::Info("another network shape: the training starts anew".into()));
            }
        } else {
            // The losses of the work in flight belong to the settings that were.
            self.take_progress(true)?;
            self.engine.update(&setup.spec)?;
            if self.step > 0 && !setup.experiment.trains_like(&self.setup.experiment) {
                self.changed_at = Some(self.step);
            }
            self.adopt(setup);
        }
        Ok(())
    }

    pub(super) fn switch_engine(&mut self, choice: EngineChoice) {
        let lost = matches!(self.fault, Some(Fault::Engine(_)));
        let state = if lost { None } else { self.engine.state().ok() }.unwrap_or_else(|| self.last_good.clone());
        let loaded = (self.factory)(choice).and_then(|mut engine| {
            engine.load(&self.setup.spec, &state)?;
            Ok(engine)
        });
        let engine = match loaded {
            Ok(engine) => engine,
            Err(error) => return self.notify(Notice::Error(error.to_string())),
        };
        self.engine = engine;
        self.live.change_engine(self.engine.info().software);
        self.runs.again();
        self.step = state.step;
        self.submitted = state.step;
        self.rate.clear();
        if lost {
            self.fault = None;
            self.record.rewind(state.step);
            self.quality.rewind(state.step);
            self.start_clock();
        }
        let info = self.engine.info();
        let text = format!("running on {} ({}) from step {}", info.adapter, info.backend, state.step);
        self.notify(Notice::Info(text));
    }

    pub(super) fn restore_last_good(&mut self) -> Result<(), EngineError> {
        if matches!(self.fault, Some(Fault::Engine(_))) {
            self.play();
            return Ok(());
        }
        // Losses of the work in flight belong to the weights that are thrown away.
        self.engine.poll(true)?;
        self.engine.load(&self.setup.spec, &self.last_good)?;
        self.stop_clock();
        self.fault = None;
        self.step = self.last_good.step;
        self.submitted = self.step;
        self.record.rewind(self.step);
        self.quality.rewind(self.step);
        self.forget_pictures();
        self.notify(Notice::Info(format!("the weights of step {} are back; training is paused", self.step)));
        Ok(())
    }

    pub(super) fn save(&mut self, directory: &Path) {
        let state = self.model();
        let notice = match model_dir::save(directory, &self.setup.experiment, &state, &self.record.metrics()) {
            Ok(()) => Notice::Info(format!("saved step {} in {}", state.step, directory.display())),
            Err(error) => Notice::Error(format!("{error:#}")),
        };
        self.notify(notice);
    }
}
