//! What `train` saves: the models of a pair, as it goes and at its end.

use std::time::{Duration, Instant};

use super::say;
use lab::message::{Side, Status};
use lab::model_dir::ModelDir;
use lab::pair::Pair;
use lab::session::Session;

/// Where the models of a training go, and when.
pub struct Saver {
    /// One for each experiment.
    outs: Vec<ModelDir>,
    /// Time between two saves; `None` saves only at the end.
    interval: Option<Duration>,
    saved_at: Instant,
    /// The step of each that was saved last.
    saved: [u64; 2],
    /// A save that failed on the way is told once.
    warned: bool,
}

impl Saver {
    /// Save into these directories, as it goes every `interval`.
    pub fn new(outs: Vec<ModelDir>, interval: Option<Duration>) -> Self {
        Self {
            outs,
            interval,
            saved_at: Instant::now(),
            saved: [0; 2],
            warned: false,
        }
    }

    /// Save what has gone on, if it is time to. One that has broken is told of at the end.
    pub fn save_in_passing(&mut self, pair: &mut Pair) {
        if self
            .interval
            .is_none_or(|interval| self.saved_at.elapsed() < interval)
        {
            return;
        }
        for (side, out) in Side::BOTH.into_iter().zip(&self.outs) {
            let Some(session) = pair.session_mut(side) else {
                continue;
            };
            let (state, saved) = (session.model(), &mut self.saved[side.index()]);
            if state.step <= *saved {
                continue;
            }
            let metrics = session.record().metrics();
            match out.save(session.trained(&state, &metrics)) {
                Ok(()) => *saved = state.step,
                Err(error) if !self.warned => {
                    self.warned = true;
                    say(&format!(
                        "noise-compass: warning: {error:#}; the training goes on"
                    ));
                }
                Err(_) => {}
            }
        }
        self.saved_at = Instant::now();
    }

    /// Save all at the end. Returns what went wrong, a sentence each.
    pub fn finish(&self, pair: &mut Pair) -> Vec<String> {
        let many = self.outs.len() > 1;
        let mut faults = Vec::new();
        for (side, out) in Side::BOTH.into_iter().zip(&self.outs) {
            let Some(session) = pair.session_mut(side) else {
                continue;
            };
            if let Err(fault) = finish_one(session, out) {
                faults.push(if many {
                    format!("{}: {fault}", side.letter())
                } else {
                    fault
                });
            }
        }
        faults
    }
}

fn finish_one(session: &mut Session, out: &ModelDir) -> Result<(), String> {
    // First the model: that it is broken may only now become known.
    let state = session.model();
    let status = session.status();
    // A model that has learned nothing replaces none that has.
    if state.step == 0 && out.holds_model() {
        let Status::Fault { message, .. } = status else {
            return Ok(());
        };
        return Err(format!(
            "{message}; the model that was in {} is still there",
            out.path().display()
        ));
    }
    let metrics = session.record().metrics();
    let saved = out.save_or_keep(session.trained(&state, &metrics));
    let saved = saved.map_err(|error| format!("{error:#}"));
    let Status::Fault { message, .. } = status else {
        return saved;
    };
    match saved {
        Ok(()) => Err(format!(
            "{message}; the last good weights (step {}) are in {}",
            state.step,
            out.path().display()
        )),
        Err(error) => Err(format!(
            "{message}; for the last good weights (step {}): {error}",
            state.step
        )),
    }
}
