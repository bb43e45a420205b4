//! How a session trains: slices, what becomes known of the losses, the clock, and safe copies of the weights.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Fault, MAX_STEPS, SAFE_COPY_SECS, Session};
use crate::difference::differences;
use crate::divergence::Divergence;
use crate::experiment::Experiment;
use crate::message::{Notice, TrainingMark};
use engine::{EngineChoice, EngineError, Progress, Wait};
use maths::grouped::grouped;

impl Session {
    /// Run on another engine; the model moves over.
    pub(super) fn switch_engine(&mut self, choice: EngineChoice) {
        let lost = matches!(self.fault, Some(Fault::Engine(_)));
        let state = if lost { None } else { self.engine.state().ok() }
            .unwrap_or_else(|| self.good_model().clone());
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
        self.follow.forget();
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
        let text = format!(
            "running on {} ({}) from step {}",
            info.adapter,
            info.backend,
            grouped(state.step as f64)
        );
        self.notify(Notice::Info(text));
    }

    pub(super) fn train(&mut self, budget: Duration, most_steps: u64) -> Result<u32, EngineError> {
        if self.shared {
            self.clock = Some(Instant::now());
        }
        let most = most_steps.min(MAX_STEPS);
        let end = self.goal.into_iter().chain(self.stop_at).min();
        let left = end.map_or(most, |goal| goal.saturating_sub(self.submitted).min(most)) as u32;
        let mut steps = 0;
        if left > 0 {
            steps = self.engine.train(left, budget.as_secs_f64())?;
            self.submitted += u64::from(steps);
            self.live.outdate();
        }
        // Two in turn: the time of a slice is that of its own work.
        self.take_progress(if self.shared {
            Wait::UntilDone
        } else {
            Wait::No
        })?;
        if self.shared {
            self.trained_secs = self.trained_secs();
            self.clock = None;
        }
        if end.is_some_and(|end| self.submitted >= end) {
            self.pause()?;
            self.stop_at = self.stop_at.filter(|stop| *stop > self.submitted);
        } else if self.is_training() && self.trained_secs() - self.safe_secs > SAFE_COPY_SECS {
            self.keep_safe_copy()?;
        }
        Ok(steps)
    }

    /// Take in what became known of the losses. Stops at the first that is not finite, and where
    /// the training diverges.
    pub(super) fn take_progress(&mut self, wait: Wait) -> Result<(), EngineError> {
        let Progress {
            step,
            losses,
            histogram,
        } = self.engine.poll(wait)?;
        if self.fault.is_some() {
            return Ok(());
        }
        if step != self.step || !losses.is_empty() {
            self.version += 1;
        }
        self.step = step;
        self.rate.mark(Instant::now(), step);
        let secs = self.trained_secs();
        for (step, loss) in losses {
            if !loss.is_finite() {
                self.stop_at_bad_loss(step, loss);
                return Ok(());
            }
            self.record.push(step, loss, secs);
            if let Some(divergence) = self.watch.take(loss) {
                self.stop_at_divergence(step, divergence);
                return Ok(());
            }
        }
        if let Some(news) = histogram {
            self.record.push_histogram(&news);
        }
        Ok(())
    }

    fn stop_at_bad_loss(&mut self, step: u64, loss: f32) {
        let was = if loss.is_nan() {
            "not a number"
        } else {
            "infinite"
        };
        self.stop_as_broken(&format!("the loss became {was} at step {step}"));
    }

    /// A loss is finite that was computed before the update which spoilt the weights, their average, or Adam's moments.
    pub(super) fn stop_at_bad_weights(&mut self, step: u64) {
        self.stop_as_broken(&format!(
            "the weights were no longer finite after step {step}"
        ));
    }

    fn stop_at_divergence(&mut self, step: u64, divergence: Divergence) {
        let what = match divergence {
            Divergence::Exploded { loss, reference } => {
                format!(
                    "the loss rose to {loss:.3e} by step {step}, from about {reference:.2} at the start"
                )
            }
            Divergence::Unlearned { loss, best } => {
                let (loss, best) = (format!("{loss:.2}"), format!("{best:.2}"));
                format!(
                    "at step {step} the network predicts no better than nothing (loss {loss}, at best {best} before)"
                )
            }
        };
        self.stop_as_broken(&what);
    }

    fn stop_as_broken(&mut self, what: &str) {
        let message = format!(
            "{what}, so training was paused; lower the learning rate (now {}) and restore the last good weights (step {})",
            self.setup.experiment.rate(self.step),
            self.safe.before_the_rise().step
        );
        self.fault = Some(Fault::Loss(message));
        self.stop_clock();
        self.version += 1;
    }

    /// Copy the weights, provided that every loss so far is finite, and all of the model is too.
    pub(super) fn keep_safe_copy(&mut self) -> Result<(), EngineError> {
        self.take_progress(Wait::UntilDone)?;
        if self.fault.is_none() && self.safe.last().step != self.step {
            let state = self.engine.state()?;
            if state.is_finite() {
                self.safe
                    .keep(state, self.watch.smoothed(), self.trained_secs());
            } else {
                self.stop_at_bad_weights(state.step);
            }
        }
        self.safe_secs = self.trained_secs();
        Ok(())
    }

    pub(super) fn play(&mut self) {
        match &self.fault {
            Some(Fault::Loss(message) | Fault::Engine(message)) => {
                let message = message.clone();
                self.notify(Notice::Error(message));
            }
            None if !self.playing => {
                self.playing = true;
                self.start_clock();
                self.rate.clear();
                self.rate.mark(Instant::now(), self.step);
                self.version += 1;
            }
            None => {}
        }
    }

    pub(super) fn pause(&mut self) -> Result<(), EngineError> {
        if self.is_training() {
            self.keep_safe_copy()?;
            self.stop_clock();
            self.version += 1;
        }
        Ok(())
    }

    pub(super) fn start_clock(&mut self) {
        self.clock = (!self.shared && self.is_training()).then(Instant::now);
    }

    /// Another session works on the same machine, in turn with this one (or no longer): each then counts the seconds of
    /// its own slices, and both together spend on pictures, runs and measurements what one would.
    pub fn set_shared(&mut self, shared: bool) {
        if shared != self.shared {
            self.trained_secs = self.trained_secs();
            self.shared = shared;
            self.start_clock();
            let factor = if shared { 0.5 } else { 1.0 };
            self.live.set_share_factor(factor);
            self.runs.set_share_factor(factor);
            self.follow.set_share_factor(factor);
            self.quality.set_share_factor(factor);
        }
    }

    pub(super) fn stop_clock(&mut self) {
        self.trained_secs = self.trained_secs();
        self.clock = None;
        self.playing = false;
        self.rate.clear();
    }

    /// Mark on the curve what is trained otherwise from here on. What a hand drags through many values is one mark.
    pub(super) fn mark_change(&mut self, new: &Experiment) {
        const ONE_DRAG_SECS: f64 = 2.0;
        let engines = [self.engine.info().kind; 2];
        let told = differences(&self.setup.experiment, new, engines);
        let words: Vec<_> = told
            .iter()
            .filter(|difference| {
                !matches!(
                    difference.what,
                    "sampler" | "sampler steps" | "placement" | "clip"
                )
            })
            .map(|difference| difference.b.as_str())
            .collect();
        if words.is_empty() {
            return;
        }
        let mark = TrainingMark {
            step: self.step,
            words: words.join(", "),
        };
        let kind = |words: &str| words.split(' ').next().map(str::to_owned);
        let near = (ONE_DRAG_SECS * self.rate.per_sec(Instant::now())) as u64;
        let marks = Arc::make_mut(&mut self.marks);
        if let Some(last) = marks.last_mut()
            && last.step + near >= mark.step
            && kind(&last.words) == kind(&mark.words)
        {
            last.words = mark.words;
        } else {
            marks.push(mark);
        }
    }

    pub(super) fn step_once(&mut self) -> Result<(), EngineError> {
        self.pause()?;
        if self.fault.is_some() {
            self.play();
            return Ok(());
        }
        self.clock = Some(Instant::now());
        self.submitted += u64::from(self.engine.train(1, 0.0)?);
        self.live.outdate();
        self.take_progress(Wait::UntilDone)?;
        self.stop_clock();
        Ok(())
    }
}
