//! How a session goes over to the pairs of a model.

use std::sync::Arc;

use super::Session;
use crate::change::Change;
use crate::message::{Notice, Restart};
use engine::EngineError;
use maths::data::dataset::Pairs;

impl Session {
    /// Train from here on on pairs that a model made, under the same weights.
    pub(super) fn train_on(&mut self, pairs: Arc<Pairs>) -> Result<(), EngineError> {
        match self.setup.with_pairs(pairs) {
            Ok(setup) => self.change(setup, (Change::Training, Restart::Keep), false),
            Err(message) => {
                self.notify(Notice::Error(message));
                Ok(())
            }
        }
    }
}
