//! Algorithms 1 and 2 of Ho et al. 2020, line by line as they stand in the paper, and what stands beside a line where a
//! training or a chain does otherwise: another schedule, another target.

use super::{alpha_bar, at_t, before, indexed, pieces, square, start};
use crate::widgets::equation::Equation;
use crate::widgets::equation::Piece::{self, Hat, Root, Sign, Sub, Var};
use maths::diffusion::schedule::{Family, Schedule};
use maths::diffusion::target::Target;

fn line(parts: &[&[Piece]], spoken: &'static str) -> Equation {
    Equation {
        pieces: parts.concat(),
        spoken,
    }
}

/// N(0, I).
fn normal() -> Vec<Piece> {
    pieces(&[Var("N"), Sign("(0, I)")])
}

/// ε_θ.
fn network(letter: &'static str) -> Vec<Piece> {
    vec![Var(letter), Sub(vec![Var("θ")])]
}

/// √(1 − ᾱ_t).
fn noise() -> Piece {
    Root([vec![Sign("1 − ")], alpha_bar()].concat())
}

/// Algorithm 1, Training.
pub fn training() -> [Equation; 6] {
    [
        line(&[&[Sign("repeat")]], "repeat"),
        line(
            &[
                &start(),
                &[Sign(" ∼ "), Var("q"), Sign("(")],
                &start(),
                &[Sign(")")],
            ],
            "x 0 is drawn from q of x 0",
        ),
        line(
            &[&[Var("t"), Sign(" ∼ Uniform({1, …, "), Var("T"), Sign("})")]],
            "t is drawn uniformly from 1 to T",
        ),
        line(
            &[&[Var("ε"), Sign(" ∼ ")], &normal()],
            "epsilon is drawn from the standard normal distribution",
        ),
        line(
            &[
                &[Sign("Take gradient descent step on"), Piece::Break],
                &[Sign("∇"), Sub(vec![Var("θ")]), Sign(" ‖"), Var("ε")],
                &[Sign(" − ")],
                &network("ε"),
                &[Sign("("), Root(alpha_bar()), Sign(" ")],
                &start(),
                &[Sign(" + "), noise(), Sign(" "), Var("ε"), Sign(", ")],
                &[Var("t"), Sign(")‖"), square()],
            ],
            "take a gradient descent step on the squared difference between epsilon and epsilon theta of root alpha bar t times \
             x 0 plus root of one minus alpha bar t times epsilon, and t",
        ),
        line(&[&[Sign("until converged")]], "until converged"),
    ]
}

/// Algorithm 2, Sampling.
pub fn sampling() -> [Equation; 6] {
    [
        line(
            &[&[Var("x"), Sub(vec![Var("T")]), Sign(" ∼ ")], &normal()],
            "x T is drawn from the standard normal distribution",
        ),
        line(
            &[&[
                Sign("for "),
                Var("t"),
                Sign(" = "),
                Var("T"),
                Sign(", …, 1 do"),
            ]],
            "for t from T down to 1 do",
        ),
        line(
            &[
                &[Var("z"), Sign(" ∼ ")],
                &normal(),
                &[
                    Sign(" if "),
                    Var("t"),
                    Sign(" > 1, else "),
                    Var("z"),
                    Sign(" = 0"),
                ],
            ],
            "z is drawn from the standard normal distribution if t is above 1, else z is 0",
        ),
        line(
            &[
                &before(),
                &[Sign(" = 1/"), Root(indexed("α")), Sign(" (")],
                &at_t(),
                &[Sign(" − (1 − ")],
                &indexed("α"),
                &[Sign(")/"), noise(), Sign(" ")],
                &network("ε"),
                &[Sign("(")],
                &at_t(),
                &[Sign(", "), Var("t"), Sign("))"), Piece::Break],
                &[Sign("+ ")],
                &indexed("σ"),
                &[Sign(" "), Var("z")],
            ],
            "x t minus one is one over root alpha t, times x t minus one minus alpha t over root of one minus alpha bar t times \
             epsilon theta of x t and t, plus sigma t times z",
        ),
        line(&[&[Sign("end for")]], "end for"),
        line(&[&[Sign("return ")], &start()], "return x 0"),
    ]
}

/// What the training takes its step on where the target is another than ε: of one sample.
pub fn loss(target: Target) -> Option<Equation> {
    let arguments: &[Piece] = &[
        Sign("("),
        Var("x"),
        Sub(vec![Var("t")]),
        Sign(", "),
        Var("t"),
    ];
    let end: &[Piece] = &[Sign(")‖"), square()];
    let of = |weight: &[Piece], target: &[Piece], letter, spoken| {
        Some(line(
            &[
                weight,
                &[Sign("‖")],
                target,
                &[Sign(" − ")],
                &network(letter),
                arguments,
                end,
            ],
            spoken,
        ))
    };
    match target {
        Target::Eps => None,
        Target::X0 => of(
            &[],
            &start(),
            "x",
            "the squared difference between x 0 and x theta of x t and t",
        ),
        Target::V => of(
            &[],
            &[Var("v")],
            "v",
            "the squared difference between v and v theta of x t and t, where v is a times epsilon minus s times x 0",
        ),
        Target::Score => of(
            &[indexed("s"), vec![square(), Sign(" ")]].concat(),
            &[vec![Sign("−"), Var("ε"), Sign("/")], indexed("s")].concat(),
            "s",
            "s t squared times the squared difference between minus epsilon over s t and s theta of x t and t",
        ),
        Target::Velocity => of(
            &[],
            &[Var("u")],
            "u",
            "the squared difference between u and u theta of x t and t, where u is epsilon minus x 0",
        ),
        Target::Edm => of(
            &[],
            &[Var("F")],
            "F",
            "the squared difference between F and F theta of x t and t",
        ),
    }
}

/// The step of a chain where the letters of the paper's are not the schedule's.
pub fn step(schedule: Schedule) -> Option<Equation> {
    let other = schedule.family() != Family::Preserving;
    other.then(|| {
        line(
            &[
                &before(),
                &[Sign(" = ")],
                &indexed("c"),
                &[Sign(" ")],
                &at_t(),
                &[Sign(" + "), Var("c"), Sub(vec![Sign("0")]), Sign(" ")],
                &[Hat("x"), Sub(vec![Sign("0")]), Sign(" + ")],
                &indexed("σ"),
                &[Sign(" "), Var("z")],
            ],
            "x t minus one is c t times x t, plus c 0 times the estimate of x 0, plus sigma times z",
        )
    })
}
