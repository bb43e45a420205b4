//! A chapter's way to a recorded run: it asks when what the run depends on changed, and keeps the last result.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::desk::Desk;
use lab::experiment::Experiment;
use lab::message::{Command, RunProgress, RunRequest, RunResult, Slot};

/// A slot that answers nothing for this long is asked again.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at the progress of a run.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);

/// One slot. `K` is what its run depends on: while it is the same, nothing is asked for again.
pub struct RunSlot<K> {
    slot: Slot,
    asked: Option<K>,
    /// What was sent last, and when.
    sent: Option<(Arc<RunRequest>, Instant)>,
    stopped: bool,
    shown: Option<Arc<RunResult>>,
    /// The experiment that the shown result is of.
    of: Option<Arc<Experiment>>,
}

impl<K: PartialEq> RunSlot<K> {
    /// Nothing is asked for yet.
    pub fn new(slot: Slot) -> Self {
        Self {
            slot,
            asked: None,
            sent: None,
            stopped: false,
            shown: None,
            of: None,
        }
    }

    /// Ask for a run, unless it is the one that was asked for last; take the news. Where there is no such run, end the one before.
    pub fn want<R: Into<Option<RunRequest>>>(
        &mut self,
        desk: &Desk,
        key: K,
        request: impl FnOnce() -> R,
    ) {
        if self.asked.as_ref() != Some(&key) {
            let Some(request) = request().into() else {
                return self.end(desk);
            };
            self.asked = Some(key);
            self.stopped = false;
            let request = Arc::new(request);
            desk.send(Command::Run(self.slot, request.clone()));
            self.sent = Some((request, Instant::now()));
        }
        self.take_news(desk);
    }

    /// As [`RunSlot::want`], but while the answer to the wish before is on its way, the newer one waits: otherwise a hand
    /// that moves faster than the engine would never see a result.
    pub fn want_patiently<R: Into<Option<RunRequest>>>(
        &mut self,
        desk: &Desk,
        key: K,
        request: impl FnOnce() -> R,
    ) {
        self.take_news(desk);
        let waits = self
            .sent
            .as_ref()
            .is_some_and(|(_, at)| at.elapsed() < PATIENCE && !self.is_answered());
        if !waits {
            self.want(desk, key, request);
        }
    }

    /// Take a result that is there by now. One of another experiment, or of weights that are gone, goes.
    pub fn take_news(&mut self, desk: &Desk) {
        let snapshot = &desk.here.snapshot;
        if self
            .of
            .as_ref()
            .is_some_and(|of| !of.runs_like(&snapshot.experiment))
        {
            self.forget();
        }
        let Some(state) = snapshot.runs.get(&self.slot) else {
            return;
        };
        match &state.done {
            Some(done) if self.asked.is_some() && !self.stopped => {
                (self.shown, self.of) = (Some(done.clone()), Some(snapshot.experiment.clone()));
            }
            None if self
                .shown
                .as_ref()
                .is_some_and(|shown| Arc::ptr_eq(&shown.request, &state.request)) =>
            {
                self.forget();
            }
            _ => {}
        }
    }

    /// True where the last result is of the wish that was sent last.
    pub fn is_answered(&self) -> bool {
        let sent = self.sent.as_ref().map(|(request, _)| request);
        let shown = self.shown.as_ref().map(|shown| &shown.request);
        sent.zip(shown)
            .is_some_and(|(sent, shown)| Arc::ptr_eq(sent, shown))
    }

    /// The last result, where it is by the sampler and the field that are asked for now.
    pub fn shown_as_asked(&self) -> Option<&Arc<RunResult>> {
        let (asked, _) = self.sent.as_ref()?;
        self.shown.as_ref().filter(|shown| {
            let request = &shown.request;
            Arc::ptr_eq(request, asked)
                || (request.exact == asked.exact && request.plan == asked.plan)
        })
    }

    /// The last result of this experiment, also after the run was stopped.
    pub fn shown(&self) -> Option<&Arc<RunResult>> {
        self.shown.as_ref()
    }

    /// The share of the run that is done, while one waits or is under way.
    pub fn progress(&self, desk: &Desk) -> Option<f32> {
        let state = desk
            .here
            .snapshot
            .runs
            .get(&self.slot)
            .filter(|_| !self.stopped)?;
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
        (self.shown, self.of) = (None, None);
    }

    /// Nothing is wanted and nothing shown any more.
    pub fn end(&mut self, desk: &Desk) {
        self.leave(desk);
        self.forget();
    }

    /// The chapter closes: nothing runs unseen.
    pub fn leave(&mut self, desk: &Desk) {
        if self.asked.take().is_some() {
            desk.send(Command::StopRun(self.slot));
        }
        self.sent = None;
        self.stopped = false;
    }
}
