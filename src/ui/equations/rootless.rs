//! The mixture that does not keep the variance.

use super::{alpha_bar, at_t, pieces, square, squared, start};
use crate::widgets::equation::{
    Equation,
    Piece::{Sign, Var},
};
use maths::diffusion::schedule::{Family, Schedule};

/// Signal and noise weighed by the variances themselves, not by their roots: what a mixture must not be.
pub fn rootless(schedule: Schedule) -> Equation {
    let (signal, noise, spoken) = match schedule.family() {
        Family::Preserving => (
            [alpha_bar(), vec![Sign(" ")]].concat(),
            [vec![Sign("(1 − ")], alpha_bar(), vec![Sign(") ")]].concat(),
            "x t is alpha bar t times x 0, plus one minus alpha bar t times epsilon",
        ),
        Family::Exploding => (
            Vec::new(),
            [squared("σ", vec![Var("t")]), vec![Sign(" ")]].concat(),
            "x t is x 0 plus sigma t squared times epsilon",
        ),
        Family::Flow => (
            [
                pieces(&[Sign("(1 − "), Var("t"), Sign(")")]),
                vec![square(), Sign(" ")],
            ]
            .concat(),
            [vec![Var("t"), square(), Sign(" ")]].concat(),
            "x t is one minus t squared times x 0, plus t squared times epsilon",
        ),
    };
    let pieces = [
        at_t(),
        vec![Sign(" = ")],
        signal,
        start(),
        vec![Sign(" + ")],
        noise,
        vec![Var("ε")],
    ];
    Equation {
        pieces: pieces.concat(),
        spoken,
    }
}
