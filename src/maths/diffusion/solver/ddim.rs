//! DDIM with noise η in [0, 1] (Song, Meng & Ermon 2021): 0 deterministic, 1 ancestral.

use super::transition::{Factors, Transition};
use super::{FEW_STEPS, Plan, PlanContext, Row, evenly};
use crate::data::bounds::Bounds;
use crate::diffusion::schedule::Scales;
use crate::names::Words;

/// Without noise.
pub const ROW: Row = Row {
    words: Words {
        name: "ddim",
        title: "DDIM, no noise",
        symbol: "DDIM",
        short: "DDIM",
        help: "DDIM; ddim:ETA adds noise, ETA between 0 and 1",
    },
    steps: FEW_STEPS,
    plan: |steps, context, clip| plan(0.0, steps, context, clip),
};

/// Compile, with this η.
pub fn plan(eta: f64, steps: u32, context: PlanContext, clip: Option<Bounds>) -> Plan {
    evenly(steps, context, clip, |now, next| step(eta, now, next))
}

/// x_r = a_r x̂_0 + √(s_r² − σ²) ε̂ + σ z with ε̂ = (x − a_t x̂_0)/s_t (Song, Meng & Ermon 2021, eq. 12), σ by eq. 16.
pub fn step(eta: f64, now: Scales, next: Scales) -> Factors {
    let sigma = eta
        * Transition::between(now, next)
            .posterior_variance(now, next)
            .sqrt();
    let x = (next.s * next.s - sigma * sigma).max(0.0).sqrt() / now.s;
    Factors {
        x,
        x_0: next.a - now.a * x,
        z: sigma,
    }
}
