//! What the window knows of the laboratory: commands go in, snapshots come out.

use std::sync::Arc;

use crate::lab::message::{Command, Snapshot};
use crate::lab::worker::Worker;

/// The other end of the window. The worker's thread in the application; a recorder in tests; a session that is driven
/// in place where pictures are drawn without a window.
pub trait Lab {
    /// Ask for something. Never waits.
    fn send(&self, command: Command);
    /// How things stand.
    fn snapshot(&self) -> Arc<Snapshot>;
}

impl Lab for Worker {
    fn send(&self, command: Command) {
        Worker::send(self, command);
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Worker::snapshot(self)
    }
}
