//! Langevin dynamics: x ← x + ε score + √(2ε) z, whose samples come to follow p_t.
//!
//! Annealed, level by level (Song & Ermon 2019, algorithm 1), and at one level alone, which shows why annealing is needed: where modes lie
//! far apart, none of the particles finds the way from one to the other.

use super::knots::{Knot, Knots};
use super::{Dial, Mix, Placement, PlanStep, Row, families, few_steps};
use crate::names::Words;

/// Steps at each level.
const STEPS_A_LEVEL: usize = 5;

/// Annealed.
pub const ANNEALED: Row = Row {
    words: Words {
        name: "langevin",
        title: "Annealed Langevin",
        symbol: "Langevin",
        short: "annealed Langevin",
        help: "five steps of Langevin's at each level, as NCSN; langevin:STEP sets their length, between 0 and 1",
    },
    family: families::SDE,
    steps: FEW_LEVELS,
    few_steps: few_steps::LEVELS,
    placement: Placement::LogSnr,
    dial: Some(Dial {
        symbol: "ε/s²",
        title: "Step ε/s²",
        help: "Length of a step at a level with noise s (Song & Ermon 2019, algorithm 1: there α/2σ²)",
        word: "STEP",
        range: [0.0, 1.0],
        usual: 0.1,
    }),
    embedded: None,
    stages: annealed,
};

/// Levels where nobody says how many.
const FEW_LEVELS: u32 = 50;

/// At one level.
pub const SINGLE: Row = Row {
    words: Words {
        name: "langevin-one",
        title: "Langevin at one level",
        symbol: "Langevin, 1",
        short: "Langevin at one level",
        help: "steps of Langevin's at one level; langevin-one:TIME sets its t/T, between 0.01 and 1",
    },
    family: families::SDE,
    steps: u32::MAX,
    few_steps: few_steps::LEVELS,
    placement: Placement::Even,
    dial: Some(Dial {
        symbol: "t/T",
        title: "Level t/T",
        help: "The only level: with little noise, modes that lie apart never mix",
        word: "TIME",
        range: [0.01, 1.0],
        usual: 0.1,
    }),
    embedded: None,
    stages: single,
};

/// Length of a step at one level, over s².
const SINGLE_STEP: f64 = 0.1;

/// The mix of one step of the length ε at a level.
pub fn step(level: &Knot, length: f64) -> Mix {
    let noise = Mix {
        z: (2.0 * length).sqrt(),
        ..Mix::X
    };
    noise.plus(length, level.score())
}

/// The point stays when the level changes, as there; the landing is one step onto x̂_0.
fn annealed(knots: &Knots, size: f64) -> Vec<PlanStep> {
    let mut stages: Vec<PlanStep> = first_level(knots).into_iter().collect();
    for (_, level) in knots.intervals() {
        let length = size * level.scales.s.powi(2);
        for left in (0..STEPS_A_LEVEL).rev() {
            stages.push(PlanStep {
                ends_step: left == 0,
                ..level.leads_to(level, step(level, length))
            });
        }
    }
    stages.extend(knots.landing());
    stages
}

/// The way from x_T to the first level that is walked at: nothing happens on it.
fn first_level(knots: &Knots) -> Option<PlanStep> {
    let (now, level) = knots.intervals().next()?;
    Some(PlanStep {
        ends_step: false,
        to_memory: PlanStep::KEEP,
        ..now.without_prediction(level, Mix::X)
    })
}

/// All steps at one level but the last, which lands from there.
fn single(knots: &Knots, tau: f64) -> Vec<PlanStep> {
    let level = knots.knot(tau.max(1.0 / f64::from(knots.context().timesteps.max(1))));
    let length = SINGLE_STEP * level.scales.s.powi(2);
    let moves = knots
        .intervals()
        .map(|_| level.leads_to(&level, step(&level, length)));
    let mut stages: Vec<PlanStep> = first_level(knots).into_iter().chain(moves).collect();
    stages.push(PlanStep {
        tau_next: 0.0,
        to_x: Mix::X_0,
        ..level.evaluated()
    });
    stages
}
