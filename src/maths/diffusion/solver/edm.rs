//! EDM's sampler (Karras et al. 2022, algorithm 2): Heun's method over σ = s/a for y = x/a, and before each step some fresh noise that the
//! step takes away again. Without this churn it is their algorithm 1.

use super::knots::{Knot, Knots};
use super::{Dial, FEW_STEPS, Mix, Placement, PlanStep, Row, families, few_steps, ode};
use crate::names::Words;

/// With churn.
pub const ROW: Row = Row {
    words: Words {
        name: "edm",
        title: "EDM, Heun in σ",
        symbol: "EDM",
        short: "EDM",
        help: "Heun's method over σ; edm:CHURN adds noise before each step and takes it away in it, CHURN between 0 and 80",
    },
    family: families::LOG_SNR,
    steps: FEW_STEPS,
    few_steps: few_steps::CLEAN,
    placement: Placement::Karras,
    dial: Some(Dial {
        symbol: "S",
        title: "Churn S",
        help: "Before each step of N, σ grows by the share S/N, at most by 0.41 (Karras et al. 2022, algorithm 2)",
        word: "CHURN",
        range: [0.0, 80.0],
        usual: 0.0,
    }),
    embedded: None,
    stages,
};

/// √2 − 1: the most that σ grows by.
const MOST: f64 = std::f64::consts::SQRT_2 - 1.0;

fn stages(knots: &Knots, churn: f64) -> Vec<PlanStep> {
    let mut stages = Vec::new();
    let steps = knots.steps().count();
    let growth = (churn / steps as f64).min(MOST);
    for (number, (now, next)) in knots.intervals().enumerate() {
        // No network has seen more noise than at t = T.
        let noisier = (number > 0 && growth > 0.0)
            .then(|| knots.knot_at_zeta(((1.0 + growth) * now.zeta().tan()).atan()))
            .filter(|noisier| noisier.tau > now.tau);
        if let Some(noisier) = &noisier {
            stages.push(add_noise(now, noisier));
        }
        let from = noisier.as_ref().unwrap_or(now);
        if from.is_pure_noise() {
            // σ is infinite there: the same method on the bounded clock.
            stages.extend(ode::heun(from, next));
        } else {
            stages.push(PlanStep {
                ends_step: false,
                ..from.turn(next)
            });
            stages.push(next.leads_to(next, by_heun(from, next)));
        }
    }
    stages.extend(knots.landing());
    stages
}

/// ŷ = y + √(σ̂² − σ²) z: nothing is predicted, and the new x is the base of the step.
fn add_noise(now: &Knot, noisier: &Knot) -> PlanStep {
    let (a, a_noisier) = (now.scales.a, noisier.scales.a);
    let (sigma, more) = (now.scales.s / a, noisier.scales.s / a_noisier);
    let to_x = Mix {
        x: a_noisier / a,
        z: a_noisier * ((more - sigma) * (more + sigma)).sqrt(),
        ..Mix::default()
    };
    PlanStep {
        to_base: Some(to_x),
        ends_step: false,
        ..now.without_prediction(noisier, to_x)
    }
}

/// y_r = ŷ + (σ_r − σ̂)/2 (d̂ + d_r) with d = (y − x̂_0)/σ. The point at r is Euler's, a sum of ŷ and of x̂_0 before it: put in, ŷ has the
/// factor σ_r/σ̂, and no two large numbers are subtracted from it.
fn by_heun(from: &Knot, next: &Knot) -> Mix {
    let (sigma, sigma_next) = (from.scales.s / from.scales.a, next.scales.s / next.scales.a);
    let half = 0.5 * (sigma_next - sigma);
    let a = next.scales.a;
    Mix {
        base: next.scales.s / from.scales.s,
        memory: [a * half * (1.0 / sigma_next - 2.0 / sigma), 0.0, 0.0, 0.0],
        x_0: -a * half / sigma_next,
        ..Mix::default()
    }
}
