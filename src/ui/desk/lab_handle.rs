//! What the window knows of the laboratory: commands go in, snapshots come out.

use lab::message::{Order, Snapshots};
use lab::worker::Worker;

/// The other end of the window. The worker's thread in the application; a recorder in tests; a lab that is driven in
/// place where pictures are drawn without a window.
pub trait LabHandle {
    /// Ask for something. Never waits.
    fn send(&self, order: Order);
    /// How things stand.
    fn snapshots(&self) -> Snapshots;
}

impl LabHandle for Worker {
    fn send(&self, order: Order) {
        Worker::send(self, order);
    }

    fn snapshots(&self) -> Snapshots {
        Worker::snapshots(self)
    }
}
