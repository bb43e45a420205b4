//! The chains of all samplers on show, from the same noise.

use std::sync::Arc;

use super::{MOST, PARTICLES, Show};
use crate::chapters::shared::chain::{Chain, ChainWish, Field};
use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use lab::message::{RunResult, Slot};

/// One slot a canvas.
pub struct Chains([RunSlot<ChainWish>; MOST]);

impl Default for Chains {
    fn default() -> Self {
        Self(std::array::from_fn(|place| {
            RunSlot::new(Slot::SideBySide(place))
        }))
    }
}

impl Chains {
    /// Ask for what is missing.
    pub fn want(&mut self, desk: &Desk, show: &Show, exact: bool) {
        for (slot, pick) in self.0.iter_mut().zip(&show.picks) {
            let chain = Chain {
                entrant: show.entrant(pick, show.steps),
                particles: PARTICLES,
                field: Field::exact(exact),
                follow: show.follow,
                noise: show.noise,
            };
            let wish = ChainWish::new(desk, chain);
            slot.want(desk, wish.clone(), || wish.request());
        }
        for slot in self.0.iter_mut().skip(show.picks.len()) {
            slot.end(desk);
        }
    }

    /// The chain of a canvas.
    pub fn shown(&self, canvas: usize) -> Option<&Arc<RunResult>> {
        self.0.get(canvas)?.shown_as_asked()
    }

    /// The chapter closes.
    pub fn leave(&mut self, desk: &Desk) {
        self.0.iter_mut().for_each(|slot| slot.leave(desk));
    }
}
