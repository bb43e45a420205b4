//! DDIM with noise η in [0, 1] (Song, Meng & Ermon 2021): 0 deterministic, 1 ancestral.

use super::transition::{Factors, Transition};
use super::{Dial, FEW_STEPS, Placement, Row, families, few_steps};
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
    family: families::ANCESTRAL,
    steps: FEW_STEPS,
    few_steps: few_steps::STRAYS,
    placement: Placement::Even,
    dial: Some(Dial {
        symbol: "η",
        title: "Noise η",
        help: "The noise of each step: 0 none, 1 that of DDPM (Song, Meng & Ermon 2021, eq. 16)",
        word: "ETA",
        range: [0.0, 1.0],
        usual: 0.0,
    }),
    embedded: None,
    stages: |knots, eta| {
        let steps = knots.steps();
        steps
            .map(|(now, next)| now.leads_to(next, step(eta, now.scales, next.scales).into()))
            .collect()
    },
};

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
