//! DPM-Solver and DPM-Solver++ (Lu et al. 2022, "DPM-Solver"; Lu et al. 2022, "DPM-Solver++"): exponential integrators over
//! λ = ln(a/s). The part of the flow that is linear in x is solved exactly; x̂_0, or ε̂, is a polynomial in λ.
//!
//! h is the step of λ. Where a step begins without any signal h is infinite: this one step is Heun's on the bounded clock, and what was
//! predicted there says nothing of slopes in λ. The last step, onto the data, has no end in λ either: it lands on x̂_0.

use super::knots::{Knot, Knots};
use super::{FEW_STEPS, Mix, Placement, PlanStep, Row, families, few_steps, ode};
use crate::diffusion::schedule::Scales;
use crate::names::Words;

/// First order, which is DDIM's step.
pub const FIRST: Row = Row {
    words: Words {
        name: "dpm-1",
        title: "DPM-Solver-1",
        symbol: "DPM-1",
        short: "DPM-Solver-1",
        help: "DPM-Solver of first order: DDIM's step, even in log SNR",
    },
    family: families::LOG_SNR,
    steps: FEW_STEPS,
    few_steps: few_steps::STRAYS,
    placement: Placement::LogSnr,
    dial: None,
    embedded: None,
    stages: |knots, _| knots.steps().map(|(now, next)| now.turn(next)).collect(),
};

/// Second order in ε̂, by a point half-way.
pub const SECOND: Row = Row {
    words: Words {
        name: "dpm-2",
        title: "DPM-Solver-2",
        symbol: "DPM-2",
        short: "DPM-Solver-2",
        help: "DPM-Solver of second order: ε̂ half-way in log SNR; two evaluations a step",
    },
    family: families::LOG_SNR,
    steps: FEW_STEPS,
    few_steps: few_steps::CLEAN,
    placement: Placement::LogSnr,
    dial: None,
    embedded: None,
    stages: |knots, _| single_step(knots, by_eps),
};

/// Second order in x̂_0, by a point half-way.
pub const SINGLE: Row = Row {
    words: Words {
        name: "dpmpp-2s",
        title: "DPM-Solver++(2S)",
        symbol: "DPM++ 2S",
        short: "DPM-Solver++(2S)",
        help: "DPM-Solver++ of second order: x̂₀ half-way in log SNR; two evaluations a step",
    },
    family: families::LOG_SNR,
    steps: FEW_STEPS,
    few_steps: few_steps::CLEAN,
    placement: Placement::LogSnr,
    dial: None,
    embedded: None,
    stages: |knots, _| single_step(knots, by_x0),
};

/// Second order in x̂_0, by the one before.
pub const MULTI: Row = Row {
    words: Words {
        name: "dpmpp-2m",
        title: "DPM-Solver++(2M)",
        symbol: "DPM++ 2M",
        short: "DPM-Solver++(2M)",
        help: "DPM-Solver++ of second order: x̂₀ of two steps; one evaluation a step",
    },
    family: families::LOG_SNR,
    steps: FEW_STEPS,
    few_steps: few_steps::CLEAN,
    placement: Placement::LogSnr,
    dial: None,
    embedded: None,
    stages: |knots, _| multistep(knots, 2),
};

/// Third order in x̂_0, by the two before.
pub const MULTI_THIRD: Row = Row {
    words: Words {
        name: "dpmpp-3m",
        title: "DPM-Solver++(3M)",
        symbol: "DPM++ 3M",
        short: "DPM-Solver++(3M)",
        help: "DPM-Solver++ of third order: x̂₀ of three steps; one evaluation a step",
    },
    family: families::LOG_SNR,
    steps: FEW_STEPS,
    few_steps: few_steps::CLEAN,
    placement: Placement::LogSnr,
    dial: None,
    embedded: None,
    stages: |knots, _| multistep(knots, 3),
};

/// h of a step: infinite where it begins without signal, or ends on the data.
pub fn step_of_lambda(now: &Knot, next: &Knot) -> f64 {
    next.half_log_snr() - now.half_log_snr()
}

/// Half-way in λ, and the stage that leads there by DDIM's step.
fn half_way(now: &Knot, next: &Knot, knots: &Knots) -> (Knot, PlanStep) {
    let lambda = 0.5 * (now.half_log_snr() + next.half_log_snr());
    let middle = knots.knot_at_zeta((-lambda).exp().atan());
    let stage = PlanStep {
        ends_step: false,
        ..now.turn(&middle)
    };
    (middle, stage)
}

/// Two evaluations a step but the landing, the second one half-way.
fn single_step(knots: &Knots, second: fn([&Knot; 3]) -> PlanStep) -> Vec<PlanStep> {
    let mut stages = Vec::new();
    for (now, next) in knots.intervals() {
        if now.is_pure_noise() {
            stages.extend(ode::heun(now, next));
        } else {
            let (middle, first) = half_way(now, next, knots);
            stages.extend([first, second([now, &middle, next])]);
        }
    }
    stages.extend(knots.landing());
    stages
}

/// x_r = (s_r/s_t) x_t + a_r (1 − e^(−h)) x̂_0 half-way (DPM-Solver++, algorithm 1 with r = 1/2). x_t is the base.
fn by_x0([now, middle, next]: [&Knot; 3]) -> PlanStep {
    let Mix { x, x_0, .. } = now.implicit(next);
    let to_x = Mix {
        base: x,
        x_0,
        ..Mix::default()
    };
    PlanStep {
        // What was predicted at the beginning of the step, for those that remember.
        to_memory: PlanStep::KEEP,
        ..middle.leads_to(next, to_x)
    }
}

/// x_r = (a_r/a_t) x_t − s_r (e^h − 1) ε̂ half-way (DPM-Solver, algorithm 1 with r_1 = 1/2). The point half-way is
/// (s_m/s_t) x_t + (a_m − a_t s_m/s_t) x̂_0; put in, x_t has the factor s_r/s_t, and no two large numbers are subtracted from it.
fn by_eps([now, middle, next]: [&Knot; 3]) -> PlanStep {
    let Scales { a, s } = middle.scales;
    // s_r (e^h − 1)
    let growth = next.scales.a * now.scales.s / now.scales.a - next.scales.s;
    let first = now.implicit(middle);
    let to_x = Mix {
        base: next.scales.s / now.scales.s,
        x_0: growth * a / s,
        memory: [-growth * first.x_0 / s, 0.0, 0.0, 0.0],
        ..Mix::default()
    };
    middle.leads_to(next, to_x)
}

/// One evaluation a step, and x̂_0 of up to `order` of them. Of third order the second step has one half-way, since a step of
/// first order at the beginning would cost the whole its order.
fn multistep(knots: &Knots, order: usize) -> Vec<PlanStep> {
    let mut stages = Vec::new();
    // Steps of λ, the latest last, since there is signal.
    let mut before: Vec<f64> = Vec::new();
    for (now, next) in knots.intervals() {
        if now.is_pure_noise() {
            stages.extend(ode::heun(now, next));
            continue;
        }
        let h = step_of_lambda(now, next);
        match before[..] {
            [] if order == 3 => {
                let (middle, first) = half_way(now, next, knots);
                stages.extend([first, by_x0([now, &middle, next])]);
            }
            [] => stages.push(now.turn(next)),
            [.., h_1, h_0] if order == 3 => {
                stages.push(now.leads_to(next, third_order(now, next, [h, h_0, h_1])));
            }
            [.., h_0] => stages.push(now.leads_to(next, second_order(now, next, [h, h_0]))),
        }
        before.push(h);
    }
    stages.extend(knots.landing());
    stages
}

/// (s_r/s_t) x_t + a_r (1 − e^(−h)) D with D = x̂_0 + h/2h_0 (x̂_0 − x̂_0 before) (DPM-Solver++, algorithm 2).
fn second_order(now: &Knot, next: &Knot, [h, h_0]: [f64; 2]) -> Mix {
    let implicit = now.implicit(next);
    let more = 0.5 * h / h_0;
    Mix {
        x_0: implicit.x_0 * (1.0 + more),
        memory: [-implicit.x_0 * more, 0.0, 0.0, 0.0],
        ..implicit
    }
}

/// As the second order, with the parabola of x̂_0 through three points: the exact integrals of u and of u² under e^λ, u = (λ − λ_t)/h
/// (DPM-Solver++, appendix B.2, in its multistep form). Of u² that is twice φ_3. Code that is widely used has it once, and is of second
/// order.
fn third_order(now: &Knot, next: &Knot, [h, h_0, h_1]: [f64; 3]) -> Mix {
    let (r_0, r_1) = (h_0 / h, h_1 / h);
    // D1_0 and D1_1: slopes between the latest two, and between the two before.
    let latest = Mix::X_0.plus(-1.0, Mix::memory(0));
    let earlier = Mix::memory(0).plus(-1.0, Mix::memory(1));
    let (slope_0, slope_1) = (scaled(1.0 / r_0, latest), scaled(1.0 / r_1, earlier));
    let bend = slope_0.plus(-1.0, slope_1);
    let slope = slope_0.plus(r_0 / (r_0 + r_1), bend);
    let curvature = scaled(1.0 / (r_0 + r_1), bend);
    let [phi_2, phi_3] = integrals(h);
    let a = next.scales.a;
    now.implicit(next)
        .plus(a * phi_2, slope)
        .plus(2.0 * a * phi_3, curvature)
}

fn scaled(factor: f64, mix: Mix) -> Mix {
    Mix::default().plus(factor, mix)
}

/// (e^(−h) − 1)/h + 1 and 1/2 − (e^(−h) − 1 + h)/h², by their series where h is small.
fn integrals(h: f64) -> [f64; 2] {
    if h.abs() < 1e-2 {
        let series = |first: f64, from: f64| {
            // Terms h^k (−1)^k / ((k + 1) … ), each from the one before.
            let mut term = first;
            let mut sum = term;
            for k in 1..8 {
                term *= -h / (from + f64::from(k));
                sum += term;
            }
            sum
        };
        return [series(h / 2.0, 2.0), series(h / 6.0, 3.0)];
    }
    let e = (-h).exp_m1();
    [e / h + 1.0, 0.5 - (e + h) / (h * h)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Series and closed form meet; the values at h = 1 are those of the definitions, by hand: 1/e and 1/2 − 1/e.
    #[test]
    fn integrals_of_small_and_large_steps_meet() {
        let [one, two] = integrals(1.0);
        let e = (-1.0_f64).exp();
        assert!((one - e).abs() < 1e-15 && (two - (0.5 - e)).abs() < 1e-15);
        for h in [0.9999e-2_f64, 1.0001e-2] {
            let expected = [
                h / 2.0 - h * h / 6.0 + h.powi(3) / 24.0 - h.powi(4) / 120.0,
                h / 6.0 - h * h / 24.0 + h.powi(3) / 120.0 - h.powi(4) / 720.0,
            ];
            for (value, expected) in integrals(h).into_iter().zip(expected) {
                assert!((value / expected - 1.0).abs() < 1e-8, "{h}: {value:e}");
            }
        }
    }
}
