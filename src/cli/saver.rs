//! What `train` saves: the models of a pair, as it goes and at its end.

use std::time::{Duration, Instant};

use super::say;
use crate::export::model_dir::ModelDir;
use crate::lab::message::{Side, Status};
use crate::lab::pair::Pair;
use crate::lab::session::Session;

/// Where the models of a training go, and when.
pub struct Saver {
    /// One for each experiment.
    outs: Vec<ModelDir>,
    /// Time between two saves; `None` saves only at the end.
    interval: Option<Duration>,
    saved_at: Instant,
    /// A save that failed on the way is told once.
    warned: bool,
}

impl Saver {
    /// Save into these directories, as it goes every `interval`.
    pub fn new(outs: Vec<ModelDir>, interval: Option<Duration>) -> Self {
        Self { outs, interval, saved_at: Instant::now(), warned: false }
    }

    /// Save if it is time to. A training that breaks, or a disk that is full, is told of at the end.
    pub fn save_in_passing(&mut self, pair: &mut Pair) {
        if self.interval.is_none_or(|interval| self.saved_at.elapsed() < interval) {
            return;
        }
        for (side, out) in Side::BOTH.into_iter().zip(&self.outs) {
            let Some(session) = pair.session_mut(side).filter(|session| session.is_training()) else { continue };
            let state = session.model();
            if session.has_fault() {
                continue;
            }
            if let Err(error) = out.save(&session.snapshot().experiment, &state, &session.record().metrics())
                && !std::mem::replace(&mut self.warned, true)
            {
                say(&format!("noise-compass: warning: {error:#}; the training goes on"));
            }
        }
        self.saved_at = Instant::now();
    }

    /// Save all at the end. Returns what went wrong, a sentence each.
    pub fn finish(&self, pair: &mut Pair) -> Vec<String> {
        let many = self.outs.len() > 1;
        let mut faults = Vec::new();
        for (side, out) in Side::BOTH.into_iter().zip(&self.outs) {
            let Some(session) = pair.session_mut(side) else { continue };
            if let Err(fault) = finish_one(session, out) {
                faults.push(if many { format!("{}: {fault}", side.letter()) } else { fault });
            }
        }
        faults
    }
}

fn finish_one(session: &mut Session, out: &ModelDir) -> Result<(), String> {
    // First the model: that it is broken may only now become known.
    let state = session.model();
    let saved = out.save_or_keep(&session.snapshot().experiment, &state, &session.record().metrics());
    let saved = saved.map_err(|error| format!("{error:#}"));
    let Status::Fault { message, .. } = session.status() else { return saved };
    match saved {
        Ok(()) => {
            Err(format!("{message}; the last good weights (step {}) are in {}", state.step, out.path().display()))
        }
        Err(error) => Err(format!("{message}; for the last good weights (step {}): {error}", state.step)),
    }
}
