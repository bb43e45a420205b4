//! A chapter's wish for recorded runs in one slot: asked again only when what it depends on has changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::lab::message::{Command, RunRequest, RunResult, Slot};
use crate::ui::desk::Desk;

/// A slot that answers nothing for this long is asked again.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a slot was asked for last, and by which key.
pub(super) struct Ask<K> {
    slot: Slot,
    last: Option<Asked<K>>,
}

struct Asked<K> {
    key: K,
    request: Arc<RunRequest>,
    at: Instant,
}

impl<K: PartialEq> Ask<K> {
    /// Nothing asked yet.
    pub(super) fn new(slot: Slot) -> Self {
        Self { slot, last: None }
    }

    /// Ask for the run of a key. While the answer to the one before is on its way, the newer wish waits: otherwise a hand
    /// that moves faster than the engine would never see a result.
    pub(super) fn want(&mut self, desk: &Desk, key: K, make: impl FnOnce() -> RunRequest) {
        if let Some(last) = &self.last
            && (last.key == key || (self.is_pending(desk) && last.at.elapsed() < PATIENCE))
        {
            return;
        }
        let request = Arc::new(make());
        desk.send(Command::Run(self.slot, request.clone()));
        self.last = Some(Asked { key, request, at: Instant::now() });
    }

    /// True from asking to the first answer.
    fn is_pending(&self, desk: &Desk) -> bool {
        self.last.is_some() && self.current(desk).is_none()
    }

    /// The answer to what was asked for last.
    fn current<'a>(&self, desk: &'a Desk) -> Option<&'a Arc<RunResult>> {
        let asked = &self.last.as_ref()?.request;
        self.result(desk).filter(|done| Arc::ptr_eq(&done.request, asked))
    }

    /// The last answer; it may be that to a wish before the last.
    pub(super) fn result<'a>(&self, desk: &'a Desk) -> Option<&'a Arc<RunResult>> {
        self.last.as_ref()?;
        desk.snapshot.runs.get(self.slot)?.done.as_ref()
    }

    /// Want nothing any more.
    pub(super) fn stop(&mut self, desk: &Desk) {
        if self.last.take().is_some() {
            desk.send(Command::StopRun(self.slot));
        }
    }
}
