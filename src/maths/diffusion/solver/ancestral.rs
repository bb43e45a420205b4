//! DDPM: ancestral sampling (Ho et al. 2020, algorithm 2), with the posterior of the stride's own a and β.

use serde::{Deserialize, Serialize};

use super::transition::{Factors, Transition};
use super::{Row, evenly};
use crate::diffusion::schedule::Scales;
use crate::names::Words;

/// Which variance the ancestral step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Variance {
    /// β̃, the variance of the posterior given x_0 (Ho et al. 2020, eq. 7).
    BetaTilde,
    /// β (Ho et al. 2020, section 3.2).
    Beta,
}

impl Variance {
    /// The step from `now` to the earlier `next`: q(x_r | x_t, x_0) of Ho et al. 2020, eq. 6 and 7.
    pub fn step(self, now: Scales, next: Scales) -> Factors {
        let transition = Transition::between(now, next);
        let now_variance = now.s * now.s;
        let noise = match self {
            Self::BetaTilde => transition.posterior_variance(now, next),
            // The step onto the data takes no noise (Ho et al. 2020, algorithm 2, line 3).
            Self::Beta if next.s == 0.0 => 0.0,
            Self::Beta => transition.variance,
        };
        Factors {
            x: transition.a * next.s * next.s / now_variance,
            x_0: next.a * transition.variance / now_variance,
            z: noise.sqrt(),
        }
    }
}

/// With the posterior's variance.
pub const POSTERIOR: Row = Row {
    words: Words {
        name: "ddpm",
        title: "DDPM, posterior variance",
        symbol: "DDPM",
        short: "DDPM",
        help: "ancestral sampling with the posterior's variance",
    },
    steps: u32::MAX,
    plan: |steps, context, clip| {
        evenly(steps, context, clip, |now, next| {
            Variance::BetaTilde.step(now, next)
        })
    },
};

/// With the variance β.
pub const FORWARD: Row = Row {
    words: Words {
        name: "ddpm-beta",
        title: "DDPM, variance β",
        symbol: "DDPM β",
        short: "DDPM (variance β)",
        help: "ancestral sampling with the variance β",
    },
    steps: u32::MAX,
    plan: |steps, context, clip| {
        evenly(steps, context, clip, |now, next| {
            Variance::Beta.step(now, next)
        })
    },
};
