//! What a session makes of its model: the live picture, measurements, runs and densities.

use super::{HAND_SHARE, INTERACTING_SHARE, Session};
use crate::live::LivePicture;
use crate::message::{DensityField, Notice, QualityPoint, Slot, WeakState, fresh_version};
use crate::quality::EARLY_SHARE;
use crate::runs::{ASKED_SHARE, Runs};
use engine::{EngineError, Piece, Wait};
use std::sync::Arc;
use std::time::Instant;

impl Session {
    /// True where it is the live picture's turn.
    pub fn picture_is_due(&self) -> bool {
        let now = Instant::now();
        let early = || {
            self.step > 0
                && self.quality.is_behind(self.step)
                && self.live.is_due_early(EARLY_SHARE, now)
        };
        !self.hidden
            && self.fault.is_none()
            && self.submitted > 0
            && (self.live.is_due(self.is_training(), now) || early())
    }

    /// The live picture.
    pub fn picture(&self) -> &LivePicture {
        &self.live
    }

    /// Sample the live picture anew, from its first particle; what is shown stays until that is whole.
    pub fn start_picture_over(&mut self) {
        self.live.start_over();
    }

    /// Do this piece of the live picture now.
    pub fn renew_picture(&mut self, piece: Piece) {
        if let Err(error) = self.refresh_picture(piece) {
            self.fail(&error);
        }
    }

    /// True where it is time to measure, and there is something to measure.
    pub fn measuring_is_due(&self) -> bool {
        self.may_measure()
            && self.quality.is_due(
                self.live.version(),
                self.is_training(),
                self.step,
                Instant::now(),
            )
    }

    /// Measure how good the model is by its present picture.
    pub fn measure_picture(&mut self) {
        if let Err(error) = self.measure() {
            self.fail(&error);
        }
    }

    /// True where there is a picture that is worth a measurement. Paused, it must be of the present weights.
    pub(super) fn may_measure(&self) -> bool {
        let picture = if self.is_training() {
            self.live.is_renewed()
        } else {
            self.live.is_current()
        };
        !self.hidden && self.fault.is_none() && picture && self.step > 0
    }

    /// Measure how good the model is. Samples that are not finite have no quality: nothing is noted of them.
    pub(super) fn measure(&mut self) -> Result<(), EngineError> {
        self.take_progress(Wait::UntilDone)?;
        let Some(samples) = self.live.shown().cloned() else {
            return Ok(());
        };
        let secs = self.trained_secs();
        let picture = (&samples, self.live.version());
        let measured =
            self.quality
                .measure(self.engine.as_mut(), &self.setup, picture, self.step, secs)?;
        self.live.mark();
        if measured.is_some() {
            self.version += 1;
        }
        Ok(())
    }

    /// Sample and measure the model as it is now, also in a hidden window. `None` where its samples are not finite.
    ///
    /// # Errors
    /// The engine's.
    pub fn measure_now(&mut self) -> Result<Option<QualityPoint>, EngineError> {
        while !self.live.is_current() {
            self.refresh_picture(self.live.turn())?;
        }
        self.measure()?;
        Ok(self
            .quality
            .curve()
            .last()
            .copied()
            .filter(|point| point.step == self.step))
    }

    /// The work handed over before is finished first, so that the piece's own time is measured.
    pub(super) fn refresh_picture(&mut self, piece: Piece) -> Result<(), EngineError> {
        self.take_progress(Wait::UntilDone)?;
        let begun = Instant::now();
        let before = self.live.version();
        self.live
            .refresh_piece(self.engine.as_mut(), piece, self.step)?;
        self.take_progress(Wait::UntilDone)?;
        let now = Instant::now();
        self.live.measured(piece, now - begun, now);
        if self.live.version() != before {
            self.version += 1;
        }
        Ok(())
    }

    /// A piece of the classifier that is asked for, if it is its turn: as a run has it that somebody asks for.
    pub(super) fn work_on_classifier(&mut self) -> Result<(), EngineError> {
        let beside = self.is_training().then(|| self.asked_share());
        if !self.classifier.is_due(beside, Instant::now()) {
            return Ok(());
        }
        let factor = if self.shared { 0.5 } else { 1.0 };
        if self.classifier.advance(&self.setup, factor)? {
            self.version += 1;
        }
        Ok(())
    }

    /// The model of this training as a weak one: as it is, or the latest kept copy of at most so many updates.
    ///
    /// # Errors
    /// No such copy, and weights that are not finite.
    pub fn as_weak(&mut self, most_updates: Option<u64>) -> Result<WeakState, EngineError> {
        let Some(most) = most_updates else {
            let model = self.model();
            return WeakState::of(&model, &self.setup);
        };
        let none = || {
            let text = "no state of the training that early is kept: take the model as it is, and train on";
            EngineError::Invalid(text.to_owned())
        };
        WeakState::of(self.safe.at_most(most).ok_or_else(none)?, &self.setup)
    }

    /// Take a weak model for runs to be led away from.
    pub fn take_weak(&mut self, weak: Result<WeakState, EngineError>) {
        match weak {
            Ok(weak) if *weak.data != *self.setup.dataset.mixture => {
                let text = "the other model was trained on other data: a weak model has the same";
                self.notify(Notice::Error(text.to_owned()));
            }
            Ok(weak) if weak.model.reads_like(&self.setup.spec.timetable) => {
                self.weak = Some(weak);
                self.version += 1;
            }
            Ok(_) => {
                let text = "the other model has another schedule, target or number of timesteps: a weak model has the same";
                self.notify(Notice::Error(text.to_owned()));
            }
            Err(error) => self.notify(Notice::Error(error.to_string())),
        }
    }

    /// The share of the time that what somebody asks for may take from a training.
    fn asked_share(&self) -> f64 {
        if self.makes_room() {
            HAND_SHARE * INTERACTING_SHARE
        } else {
            ASKED_SHARE
        }
    }

    /// A piece of the run of one slot, if it is somebody's turn.
    pub(super) fn do_run(&mut self) -> Result<(), EngineError> {
        let beside = self.is_training().then(|| self.asked_share());
        let Some(slot) = self.runs.next(self.step, beside, Instant::now()) else {
            return Ok(());
        };
        self.take_progress(Wait::UntilDone)?;
        let mixture = self.setup.dataset.mixture.clone();
        let now = (self.step, self.is_training());
        if self.runs.run(slot, self.engine.as_mut(), &mixture, now)? {
            self.version += 1;
        }
        Ok(())
    }

    /// What is asked beside the training and makes no sense is told; the training goes on.
    pub(super) fn told_if_refused(
        &mut self,
        done: Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let Err(EngineError::Invalid(text)) = done else {
            return done;
        };
        self.notify(Notice::Error(text));
        Ok(())
    }

    /// The runs that are asked for.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }

    /// Where the other side's runs wait for this one's, these have the time of both.
    pub fn set_other_waits(&mut self, waits: bool) {
        self.runs.set_other_waits(waits);
    }

    /// Begin the run of a slot that follows the training, by the present weights.
    pub fn begin_run(&mut self, slot: Slot) {
        if let Err(error) = self.take_progress(Wait::UntilDone) {
            self.fail(&error);
            return;
        }
        let mixture = self.setup.dataset.mixture.clone();
        let begun = self
            .runs
            .begin(slot, self.engine.as_mut(), &mixture, self.step);
        if let Err(error) = self.told_if_refused(begun) {
            self.fail(&error);
        }
    }

    /// Show a run that waited for the other side's.
    pub fn show_run(&mut self, slot: Slot) {
        self.runs.show(slot);
        self.version += 1;
    }

    /// The followed points of the next batch, if it is their turn.
    pub(super) fn look_at_batch(&mut self) -> Result<(), EngineError> {
        let training = self.is_training();
        if !self.follow.is_due(self.submitted, training, Instant::now()) {
            return Ok(());
        }
        self.take_progress(Wait::UntilDone)?;
        self.follow
            .look(self.engine.as_mut(), &self.setup.spec, self.submitted)?;
        self.version += 1;
        Ok(())
    }

    pub(super) fn compute_density(&mut self) -> Result<(), EngineError> {
        let Some(view) = self.density_wanted.take() else {
            return Ok(());
        };
        let mixture = &self.setup.dataset.mixture;
        let log_p = self
            .engine
            .log_density(mixture, view.scales, view.bounds, view.resolution)?;
        self.version += 1;
        self.density = Some(DensityField {
            view,
            log_p: Arc::new(log_p),
            version: fresh_version(),
        });
        Ok(())
    }
}
