//! A chapter's way to a recorded run: it asks when what the run depends on changed, and keeps the last result.

use std::sync::Arc;
use std::time::Duration;

use super::desk::Desk;
use crate::lab::message::{Command, RunProgress, RunRequest, RunResult, Slot};

/// Between two looks at the progress of a run.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);

/// One slot. `K` is what its run depends on: while it is the same, nothing is asked for again.
pub struct RunSlot<K> {
    slot: Slot,
    asked: Option<K>,
    stopped: bool,
    shown: Option<Arc<RunResult>>,
}

impl<K: PartialEq> RunSlot<K> {
    /// Nothing is asked for yet.
    pub fn new(slot: Slot) -> Self {
        Self { slot, asked: None, stopped: false, shown: None }
    }

    /// Ask for a run, unless it is the one that was asked for last; take the news.
    pub fn want(&mut self, desk: &Desk, key: K, request: impl FnOnce() -> RunRequest) {
        if self.asked.as_ref() != Some(&key) {
            self.asked = Some(key);
            self.stopped = false;
            desk.send(Command::Run(self.slot, Arc::new(request())));
        }
        self.take_news(desk);
    }

    /// Take a result that is there by now.
    pub fn take_news(&mut self, desk: &Desk) {
        if let (false, Some(state)) = (self.stopped, desk.snapshot.runs.get(self.slot))
            && let Some(done) = &state.done
        {
            self.shown = Some(done.clone());
        }
    }

    /// The last result, also after the run was stopped.
    pub fn shown(&self) -> Option<&Arc<RunResult>> {
        self.shown.as_ref()
    }

    /// The share of the run that is done, while one waits or is under way.
    pub fn progress(&self, desk: &Desk) -> Option<f32> {
        let state = desk.snapshot.runs.get(self.slot).filter(|_| !self.stopped)?;
        state.progress.as_ref().map(RunProgress::get)
    }

    /// True where the hand stopped the run.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// End the run; what it showed before stays.
    pub fn stop(&mut self, desk: &Desk) {
        self.stopped = true;
        desk.send(Command::StopRun(self.slot));
    }

    /// Ask again at the next occasion.
    pub fn again(&mut self) {
        self.asked = None;
    }

    /// There is nothing to show.
    pub fn forget(&mut self) {
        self.shown = None;
    }

    /// The chapter closes: nothing runs unseen.
    pub fn leave(&mut self, desk: &Desk) {
        if self.asked.take().is_some() {
            desk.send(Command::StopRun(self.slot));
        }
        self.stopped = false;
    }
}
