//! What the compass reads at one clock.

use std::sync::Arc;

use crate::chapters::compass::needle::{combine, could_be};
use crate::chapters::compass::placing::Placed;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::Factors;

/// What the closed form says of the x_0 behind one x_t.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Posterior {
    /// E[x_0 | x_t].
    pub(super) mean: [f64; 2],
    /// Draws from p(x_0 | x_t).
    pub(super) draws: Vec<[f64; 2]>,
}

/// What a posterior is of.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) x_t: [f64; 2],
    pub(super) scales: Scales,
    pub(super) truth: Arc<Mixture>,
    /// How many draws of x_0.
    pub(super) draws: u32,
}

impl Case {
    /// True where the posterior is the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.x_t, self.scales, self.draws) == (other.x_t, other.scales, other.draws)
            && Arc::ptr_eq(&self.truth, &other.truth)
    }

    /// The posterior in closed form.
    pub(super) fn solve(&self) -> Posterior {
        let marginal = self.truth.marginal(self.scales);
        Posterior {
            mean: marginal.posterior_mean(self.x_t),
            draws: could_be(&self.truth, &marginal, self.x_t, self.scales, self.draws),
        }
    }
}

/// All that is drawn and read out at one clock.
pub(super) struct Reading {
    pub(super) scales: Scales,
    pub(super) placed: Placed,
    pub(super) x_t: [f64; 2],
    /// Of the x_0 that could be there.
    pub(super) posterior: Posterior,
    /// ε̂ and x̂_0 of the needle; `None` until the network has answered.
    pub(super) needle: Option<([f64; 2], [f64; 2])>,
    /// x̂_0 of the network.
    pub(super) learned: Option<[f64; 2]>,
    /// t/T after the next step.
    pub(super) tau_next: f64,
    /// Of the next step; `z` is its σ.
    pub(super) step: Factors,
}

impl Reading {
    /// c_x x_t + c_0 x̂_0.
    pub(super) fn mean(&self, x_0: [f64; 2]) -> [f64; 2] {
        combine(self.step.x, self.x_t, self.step.x_0, x_0)
    }
}
