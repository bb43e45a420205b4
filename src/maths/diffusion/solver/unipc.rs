//! UniPC (Zhao et al. 2023, "UniPC: a unified predictor-corrector framework"), of second order, B(h) = e^h − 1, in x̂_0.
//!
//! In one stage a step: x̂_0 at the predicted point first corrects the step that led there, by no further evaluation, and then predicts
//! the next one. The base is the corrected point, the memories are x̂_0 of the stages before. At the end nothing is corrected any more.

use super::exponential::step_of_lambda;
use super::knots::{Knot, Knots};
use super::{FEW_STEPS, Mix, Placement, PlanStep, Row, families, few_steps, ode};
use crate::names::Words;

/// Second order, third with its corrector.
pub const ROW: Row = Row {
    words: Words {
        name: "unipc",
        title: "UniPC",
        symbol: "UniPC",
        short: "UniPC",
        help: "predicts with two x̂₀ and corrects with the next one; one evaluation a step",
    },
    family: families::LOG_SNR,
    steps: FEW_STEPS,
    few_steps: few_steps::CLEAN,
    placement: Placement::LogSnr,
    dial: None,
    embedded: None,
    stages: |knots, _| stages(knots),
};

fn stages(knots: &Knots) -> Vec<PlanStep> {
    let mut stages: Vec<PlanStep> = Vec::new();
    let before = knots.before_landing();
    // The first knot with signal, from where log SNR is finite.
    let first = usize::from(before.first().is_some_and(Knot::is_pure_noise) && before.len() > 1);
    if first == 1 {
        stages.extend(ode::heun(&before[0], &before[1]));
    }
    for (number, (now, next)) in knots.steps().enumerate().skip(first) {
        let is_landing = number + 1 == before.len();
        let corrected = match number - first {
            0 => Mix::X,
            1 => correct([&before[number - 1], now], None),
            _ => correct([&before[number - 1], now], Some(&before[number - 2])),
        };
        let to_x = if is_landing {
            Mix::X_0
        } else {
            let earlier = (number > first).then(|| &before[number - 1]);
            predict(corrected, [now, next], earlier)
        };
        stages.push(PlanStep {
            to_base: Some(corrected),
            ..now.leads_to(next, to_x)
        });
    }
    stages
}

/// (s_r/s_t) x + a_r (1 − e^(−h)) (x̂_0 + ½ D), D the change of x̂_0 since the step before, at the rate of this step (UniP-2, section
/// 3.3). x is the corrected point.
fn predict(corrected: Mix, [now, next]: [&Knot; 2], earlier: Option<&Knot>) -> Mix {
    let implicit = now.implicit(next);
    let point = Mix::default().plus(implicit.x, corrected);
    let first = point.plus(implicit.x_0, Mix::X_0);
    match earlier {
        None => first,
        Some(earlier) => {
            let rate = step_of_lambda(now, next) / step_of_lambda(earlier, now);
            let change = Mix::X_0.plus(-1.0, Mix::memory(0));
            first.plus(0.5 * rate * implicit.x_0, change)
        }
    }
}

/// The step from `before` to `now` again, with x̂_0 at both of its ends, and with the one before where there is one (UniC, section
/// 3.1). x_t is the base, x̂_0 of its beginning the first memory.
fn correct([before, now]: [&Knot; 2], earlier: Option<&Knot>) -> Mix {
    let implicit = before.implicit(now);
    let plain = Mix {
        base: implicit.x,
        memory: [implicit.x_0, 0.0, 0.0, 0.0],
        ..Mix::default()
    };
    let at_end = Mix::X_0.plus(-1.0, Mix::memory(0));
    let Some(earlier) = earlier else {
        return plain.plus(0.5 * implicit.x_0, at_end);
    };
    let h = step_of_lambda(before, now);
    let rate = -step_of_lambda(earlier, before) / h;
    let slope = Mix::memory(1).plus(-1.0, Mix::memory(0));
    let [of_slope, of_end] = weights(h, rate);
    plain
        .plus(implicit.x_0 * of_slope / rate, slope)
        .plus(implicit.x_0 * of_end, at_end)
}

/// The weights ρ of the two differences, at the places `rate` and 1 of the step: those for which x̂_0 linear and quadratic in λ are
/// integrated exactly (theorem 3.1: ρ_1 + ρ_2 = b_1, rate ρ_1 + ρ_2 = b_2).
fn weights(h: f64, rate: f64) -> [f64; 2] {
    let e = (-h).exp_m1();
    // φ_2 and φ_3 of −h, over B = e^(−h) − 1.
    let phi_2 = e / -h - 1.0;
    let phi_3 = phi_2 / -h - 0.5;
    let (b_1, b_2) = (phi_2 / e, 2.0 * phi_3 / e);
    let of_end = (b_2 - rate * b_1) / (1.0 - rate);
    [b_1 - of_end, of_end]
}
