//! A weaker model that runs of a side are led away from (autoguidance): an earlier state of its training, or what the other side trains.

use std::sync::Arc;

use engine::network::layout::NetworkShape;
use engine::network::timetable::Timetable;
use engine::{EngineError, ModelState, WeakModel};

/// A weak model, and what it is.
#[derive(Clone, Debug)]
pub struct WeakState {
    /// For [`engine::GuideBy::WeakModel`].
    pub model: Arc<WeakModel>,
    /// Updates that it has seen.
    pub step: u64,
}

impl WeakState {
    /// The averaged weights of a training of this shape at these timesteps.
    ///
    /// # Errors
    /// As [`WeakModel::new`].
    pub fn of(
        state: &ModelState,
        shape: NetworkShape,
        timetable: &Arc<Timetable>,
    ) -> Result<Self, EngineError> {
        let model = WeakModel::new(shape, state.ema.clone(), timetable.clone())?;
        Ok(Self {
            model: Arc::new(model),
            step: state.step,
        })
    }
}
