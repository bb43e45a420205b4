//! The reverse SDE dx = [f x − g² score] dt + g dw̄ (Anderson 1982; Song et al. 2021, eq. 6) by Euler and Maruyama, and by a predictor with
//! a corrector.

use super::ancestral::Variance;
use super::knots::{Knot, Knots};
use super::langevin;
use super::{Dial, Mix, Placement, PlanStep, Row, families, few_steps};
use crate::diffusion::schedule::{Family, Scales, Schedule};
use crate::names::Words;

/// Euler–Maruyama.
pub const EULER_MARUYAMA: Row = Row {
    words: Words {
        name: "euler-maruyama",
        title: "SDE by Euler–Maruyama",
        symbol: "E–M",
        short: "SDE by Euler–Maruyama",
        help: "the reverse SDE by the method of Euler and Maruyama",
    },
    family: families::SDE,
    steps: u32::MAX,
    few_steps: few_steps::THINNER,
    placement: Placement::Even,
    dial: None,
    embedded: None,
    stages: |knots, _| {
        let schedule = knots.context().schedule;
        let steps = knots.steps();
        steps
            .map(|(now, next)| euler_maruyama(schedule, now, next))
            .collect()
    },
};

/// A predictor, and a step of Langevin's after each.
pub const PREDICTOR_CORRECTOR: Row = Row {
    words: Words {
        name: "pc",
        title: "Predictor–corrector",
        symbol: "PC",
        short: "predictor–corrector",
        help: "an ancestral step, then one of Langevin's at the new level; pc:SNR sets its signal-to-noise ratio, between 0 and 1",
    },
    family: families::SDE,
    steps: u32::MAX,
    few_steps: few_steps::THINNER,
    placement: Placement::Even,
    dial: Some(Dial {
        symbol: "r",
        title: "Corrector's SNR r",
        help: "Length of the corrector's step against its noise (Song et al. 2021, algorithm 5)",
        word: "SNR",
        range: [0.0, 1.0],
        usual: 0.16,
    }),
    embedded: None,
    stages: predictor_corrector,
};

/// The integrals, over a step back from t to r, of −f and of g²: ln(a_r/a_t), and ∫ a² dσ² with σ = s/a (f = a′/a, g² = 2 s s′ − 2 f s² =
/// a² dσ²/dt; Song et al. 2021, appendix C). In closed form, so that a corner of β matters nowhere.
pub fn drift_and_diffusion(schedule: Schedule, now: Scales, next: Scales) -> (f64, f64) {
    let drift = (next.a / now.a).ln();
    let [sigma, sigma_next] = [now, next].map(|Scales { a, s }| s / a);
    let diffusion = match schedule.family() {
        // a² = 1/(1 + σ²)
        Family::Preserving => 2.0 * drift,
        Family::Exploding => (sigma - sigma_next) * (sigma + sigma_next),
        // a = 1/(1 + σ)
        Family::Flow => {
            let primitive = |sigma: f64| 2.0 * (sigma.ln_1p() + 1.0 / (1.0 + sigma));
            primitive(sigma) - primitive(sigma_next)
        }
    };
    (drift, diffusion)
}

/// x_r = x_t + (∫−f) x_t + (∫g²) score + √(∫g²) z. The step onto the data takes no noise, and one from pure noise is ancestral: its
/// drift has no bounds.
fn euler_maruyama(schedule: Schedule, now: &Knot, next: &Knot) -> PlanStep {
    if now.is_pure_noise() {
        return ancestral(now, next);
    }
    let (drift, diffusion) = drift_and_diffusion(schedule, now.scales, next.scales);
    let grown = Mix {
        x: 1.0 + drift,
        ..Mix::default()
    };
    let mut to_x = grown.plus(diffusion, now.score());
    if next.scales.s > 0.0 {
        to_x.z = diffusion.sqrt();
    } else {
        to_x = Mix::X_0;
    }
    now.leads_to(next, to_x)
}

fn ancestral(now: &Knot, next: &Knot) -> PlanStep {
    let factors = Variance::BetaTilde.step(now.scales, next.scales);
    now.leads_to(next, factors.into())
}

/// An ancestral step, and at its end one of Langevin's of the length 2 (r s)²: that of Song et al. 2021, algorithm 5, with the score's
/// expected size 1/s in the place of its size in a batch.
fn predictor_corrector(knots: &Knots, snr: f64) -> Vec<PlanStep> {
    let mut stages = Vec::new();
    for (now, next) in knots.intervals() {
        stages.push(PlanStep {
            ends_step: false,
            ..ancestral(now, next)
        });
        let length = 2.0 * (snr * next.scales.s).powi(2);
        stages.push(next.leads_to(next, langevin::step(next, length)));
    }
    stages.extend(knots.landing());
    stages
}
