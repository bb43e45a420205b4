//! The velocity form of the flow, dx/dt = a′ x̂_0 + s′ ε̂, as flow matching integrates it (Lipman et al. 2023, section 5): by Euler's
//! method and by that of the middle, in t.
//!
//! A step takes a_r − a_t and s_r − s_t for the integrals of a′ and s′, so that they are exact on every schedule, also where β has a
//! corner. On flow matching, where a and s are straight, that is Euler's and the middle's as anybody writes them; on every schedule
//! Euler's is DDIM's step.

use super::knots::{Knot, Knots};
use super::{FEW_STEPS, Mix, Placement, PlanStep, Row, families, few_steps};
use crate::names::Words;

/// Euler's method.
pub const EULER: Row = Row {
    words: Words {
        name: "flow-euler",
        title: "Velocity by Euler",
        symbol: "Euler, t",
        short: "velocity by Euler",
        help: "Euler's method in t on the velocity, as flow matching takes it: DDIM's step",
    },
    family: families::FLOW,
    steps: FEW_STEPS,
    few_steps: few_steps::STRAYS,
    placement: Placement::Even,
    dial: None,
    embedded: None,
    stages: |knots, _| knots.steps().map(|(now, next)| now.turn(next)).collect(),
};

/// The method of the middle.
pub const MIDPOINT: Row = Row {
    words: Words {
        name: "midpoint",
        title: "Velocity by midpoint",
        symbol: "Midpoint",
        short: "velocity by midpoint",
        help: "the velocity half-way in t; two evaluations a step",
    },
    family: families::FLOW,
    steps: FEW_STEPS,
    few_steps: few_steps::CLEAN,
    placement: Placement::Even,
    dial: None,
    embedded: None,
    stages: |knots, _| stages(knots),
};

fn stages(knots: &Knots) -> Vec<PlanStep> {
    let mut stages = Vec::new();
    for (now, next) in knots.intervals() {
        let middle = knots.knot(0.5 * (now.tau + next.tau));
        stages.push(PlanStep {
            ends_step: false,
            ..now.turn(&middle)
        });
        stages.push(middle.leads_to(next, from_base(now, &middle, next)));
    }
    stages.extend(knots.landing());
    stages
}

/// x_t + (a_r − a_t) x̂_0 + (s_r − s_t) ε̂, both half-way. x_t is the base.
fn from_base(now: &Knot, middle: &Knot, next: &Knot) -> Mix {
    let [da, ds] = [next.scales.a - now.scales.a, next.scales.s - now.scales.s];
    Mix::BASE.plus(da, Mix::X_0).plus(ds, middle.eps())
}
