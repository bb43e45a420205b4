//! Adams–Bashforth of fourth order on the bounded clock: the slope is a cubic through those of this step and of the three before.
//!
//! PNDM (Liu et al. 2022) and iPNDM (Zhang & Chen 2023, "DEIS", section 3.3) take its factors for equal steps; here they are those of
//! the knots as they lie, so that the order holds for every placement. The first three steps are Runge–Kutta's, as in PNDM.

use super::knots::{Knot, Knots};
use super::{FEW_STEPS, Mix, Placement, PlanStep, Row, families, few_steps, ode};
use crate::diffusion::target::Combination;
use crate::names::Words;

/// Steps before there are slopes enough.
const FIRST_STEPS: usize = 3;

/// Fourth order.
pub const ROW: Row = Row {
    words: Words {
        name: "ab4",
        title: "Adams–Bashforth",
        symbol: "AB4",
        short: "Adams–Bashforth",
        help: "the slopes of four steps, as PNDM and iPNDM; one evaluation a step after three by Runge–Kutta",
    },
    family: families::FLOW,
    steps: FEW_STEPS,
    few_steps: few_steps::CLEAN,
    placement: Placement::Crowded,
    dial: None,
    embedded: None,
    stages: |knots, _| stages(knots),
};

fn stages(knots: &Knots) -> Vec<PlanStep> {
    let mut stages = Vec::new();
    let before = knots.before_landing();
    for (number, (now, next)) in knots.intervals().enumerate() {
        let times =
            (number >= FIRST_STEPS).then(|| [0, 1, 2, 3].map(|b| before[number - b].zeta()));
        // Where the schedule stands still two times are one, and no cubic goes through their slopes.
        match times.filter(|times| times.windows(2).all(|pair| pair[0] < pair[1])) {
            Some(times) if next.zeta() < times[0] => {
                stages.push(step(now, next, factors(times, next.zeta())));
            }
            _ => stages.extend(first_step(now, next, knots)),
        }
    }
    stages.extend(knots.landing());
    stages
}

/// The slope at a knot, of the registers.
fn slope(knot: &Knot) -> Mix {
    let Combination(x, x_0) = knot.slope();
    Mix {
        x,
        x_0,
        ..Mix::default()
    }
}

/// The latest slope first, the others after it.
fn remembered(knot: &Knot) -> [Mix; 4] {
    [slope(knot), Mix::memory(0), Mix::memory(1), Mix::memory(2)]
}

/// One of Runge–Kutta's, that keeps the slope of its beginning: its sum is the last memory.
fn first_step(now: &Knot, next: &Knot, knots: &Knots) -> [PlanStep; 4] {
    let mut stages = ode::rk4(now, next, &|zeta| knots.knot_at_zeta(zeta));
    for (number, stage) in stages.iter_mut().enumerate() {
        let last = |mix: Mix| Mix {
            memory: [0.0, 0.0, 0.0, mix.memory[0]],
            ..mix
        };
        stage.to_x = last(stage.to_x);
        let sum = last(stage.to_memory[0]);
        let [m_0, m_1, m_2, _] = if number == 0 {
            remembered(now)
        } else {
            PlanStep::KEEP
        };
        stage.to_memory = [m_0, m_1, m_2, sum];
    }
    stages
}

/// w_r = w_t + Σ b_j k_j.
fn step(now: &Knot, next: &Knot, [b_0, b_1, b_2, b_3]: [f64; 4]) -> PlanStep {
    let radius = next.radius();
    let point = Mix {
        x: radius / now.radius(),
        ..Mix::default()
    };
    let to_x = point
        .plus(radius * b_0, slope(now))
        .plus(radius * b_1, Mix::memory(0))
        .plus(radius * b_2, Mix::memory(1))
        .plus(radius * b_3, Mix::memory(2));
    PlanStep {
        to_memory: remembered(now),
        ..now.leads_to(next, to_x)
    }
}

/// The integrals, from the first time to `end`, of the Lagrange polynomials of these times. With the origin at the first time and the
/// length of the step as the unit, of polynomials with factors of the order of one.
fn factors(times: [f64; 4], end: f64) -> [f64; 4] {
    let length = end - times[0];
    let at = times.map(|time| (time - times[0]) / length);
    std::array::from_fn(|of| {
        // Π (x − at_j) over the others, in powers of x, and the value at its own place.
        let mut polynomial = [1.0, 0.0, 0.0, 0.0];
        let mut own = 1.0;
        for (_, &other) in at.iter().enumerate().filter(|(j, _)| *j != of) {
            for power in (0..4).rev() {
                let lower = if power > 0 {
                    polynomial[power - 1]
                } else {
                    0.0
                };
                polynomial[power] = lower - other * polynomial[power];
            }
            own *= at[of] - other;
        }
        let powers = polynomial.iter().zip([1.0, 2.0, 3.0, 4.0]);
        let integral: f64 = powers.map(|(factor, power)| factor / power).sum();
        length * integral / own
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of equal steps they are Adams and Bashforth's: 55, −59, 37 and −9 of 24.
    #[test]
    fn factors_of_equal_steps_are_those_of_the_textbook() {
        let found = factors([0.0, -1.0, -2.0, -3.0], 1.0);
        for (found, expected) in found.into_iter().zip([55.0, -59.0, 37.0, -9.0]) {
            assert!((found - expected / 24.0).abs() < 1e-14, "{found}");
        }
    }

    /// Of any steps they integrate cubics exactly.
    #[test]
    fn factors_of_any_steps_integrate_cubics() {
        let times = [1.1, 1.3, 1.35, 1.5];
        let end = 0.95;
        let factors = factors(times, end);
        for power in 0..4 {
            let found: f64 = (0..4).map(|j| factors[j] * times[j].powi(power)).sum();
            let primitive = |at: f64| at.powi(power + 1) / f64::from(power + 1);
            assert!((found - (primitive(end) - primitive(times[0]))).abs() < 1e-12);
        }
    }
}
