//! A weaker model that runs of a side are led away from (autoguidance): an earlier state of its training, or what the other side trains.

use std::sync::Arc;

use super::setup::Setup;
use engine::{EngineError, ModelState, WeakModel};
use maths::data::mixture::Mixture;

/// A weak model, and what it is.
#[derive(Clone, Debug)]
pub struct WeakState {
    /// For [`engine::GuideBy::WeakModel`].
    pub model: Arc<WeakModel>,
    /// Updates that it has seen.
    pub step: u64,
    /// What it was trained on.
    pub data: Arc<Mixture>,
}

impl WeakState {
    /// The averaged weights of a training of this setup.
    ///
    /// # Errors
    /// As [`WeakModel::new`].
    pub fn of(state: &ModelState, setup: &Setup) -> Result<Self, EngineError> {
        let model = WeakModel::new(
            setup.spec.shape,
            state.ema.clone(),
            setup.spec.timetable.clone(),
        )?;
        Ok(Self {
            model: Arc::new(model),
            step: state.step,
            data: setup.dataset.mixture.clone(),
        })
    }
}
