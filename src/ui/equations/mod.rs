//! Every formula on the screen that depends on the schedule or the target, chosen in one place: what a chapter shows is
//! what runs.
//!
//! All of it follows from (a, s): x_t = a_t x_0 + s_t ε, and from an earlier r to t
//! x_t = a_{t|r} x_r + σ_{t|r} z_t with a_{t|r} = a_t/a_r and σ²_{t|r} = s_t² − a²_{t|r} s_r² (Kingma et al. 2021, section 2.1).
//! A family of schedules writes these in the letters of its paper.

pub mod algorithms;
mod score;

pub use score::{score, velocity};

use crate::widgets::equation::{Equation, Piece};
use maths::diffusion::schedule::{Family, Schedule};

/// The letters of a family.
trait Letters {
    /// Signal scale a_t; nothing where it is 1.
    fn signal(self) -> Vec<Piece>;
    /// Noise scale s_t.
    fn noise(self) -> Vec<Piece>;
}

impl Letters for Family {
    fn signal(self) -> Vec<Piece> {
        match self {
            Self::Preserving => vec![Piece::Root(alpha_bar()), Piece::Sign(" ")],
            Self::Exploding => Vec::new(),
            Self::Flow => pieces(&[Sign("(1 − "), Var("t"), Sign(") ")]),
        }
    }

    fn noise(self) -> Vec<Piece> {
        match self {
            Self::Preserving => vec![Piece::Root([vec![Sign("1 − ")], alpha_bar()].concat())],
            Self::Exploding => indexed("σ"),
            Self::Flow => vec![Var("t")],
        }
    }
}

/// What a chart of a and s is called.
pub fn scales_title(schedule: Schedule) -> &'static str {
    match schedule.family() {
        Family::Preserving | Family::Flow => "signal a falls, noise s rises",
        Family::Exploding => "a stays 1, noise s rises",
    }
}

/// What the noise of one step is called where two schedules are read out: β where both preserve variance.
pub fn step_name(schedules: [Schedule; 2]) -> &'static str {
    if schedules.map(Schedule::family) == [Family::Preserving; 2] {
        "β at t"
    } else {
        "σ² of a step"
    }
}

/// The same as short as it can be.
pub fn step_symbol(schedules: [Schedule; 2]) -> &'static str {
    if schedules.map(Schedule::family) == [Family::Preserving; 2] {
        "β"
    } else {
        "σ²"
    }
}

/// What a chart of it is called.
pub fn step_title(schedules: [Schedule; 2]) -> &'static str {
    if schedules.map(Schedule::family) == [Family::Preserving; 2] {
        "β, noise of a step, log"
    } else {
        "σ², noise of a step, log"
    }
}

/// What a schedule does to its signal, in the words of a legend: the counterpart of noise that is only added.
pub fn shrinking(schedule: Schedule) -> &'static str {
    match schedule.family() {
        Family::Preserving | Family::Flow => "shrinking",
        Family::Exploding => "never shrinking",
    }
}

/// x_t from x_0 and ε in one jump.
pub fn jump(schedule: Schedule) -> Equation {
    let family = schedule.family();
    let spoken = match family {
        Family::Preserving => {
            "x t is root alpha bar t times x 0, plus root of one minus alpha bar t times epsilon"
        }
        Family::Exploding => "x t is x 0 plus sigma t times epsilon",
        Family::Flow => "x t is one minus t times x 0, plus t times epsilon",
    };
    let pieces = [
        at_t(),
        vec![Sign(" = ")],
        family.signal(),
        start(),
        vec![Sign(" + ")],
        family.noise(),
        vec![Sign(" "), Var("ε")],
    ];
    Equation {
        pieces: pieces.concat(),
        spoken,
    }
}

/// The Markov chain: x_t from the step before, with fresh noise.
pub fn step(schedule: Schedule) -> Equation {
    let z = || [vec![Sign(" ")], indexed("z")].concat();
    let (parts, spoken) = match schedule.family() {
        Family::Preserving => (
            vec![
                vec![
                    Piece::Root([vec![Sign("1 − ")], indexed("β")].concat()),
                    Sign(" "),
                ],
                before(),
                vec![Sign(" + "), Piece::Root(indexed("β"))],
                z(),
            ],
            "x t is root of one minus beta t times x t minus one, plus root beta t times z t",
        ),
        Family::Exploding => {
            let rise = [
                squared("σ", vec![Var("t")]),
                vec![Sign(" − ")],
                squared("σ", last()),
            ]
            .concat();
            (
                vec![before(), vec![Sign(" + "), Piece::Root(rise)], z()],
                "x t is x t minus one, plus root of sigma t squared minus sigma t minus one squared, times z t",
            )
        }
        Family::Flow => (
            vec![
                from_earlier("a", "t"),
                vec![Sign(" "), Var("x"), Piece::Sub(vec![Var("r")]), Sign(" + ")],
                from_earlier("σ", "t"),
                z(),
                one_step("t"),
            ],
            "x t is a times x r, plus sigma times z t; sigma squared is t squared minus a squared times r squared; a is one \
             minus t over one minus r; r is t minus one over T",
        ),
    };
    Equation {
        pieces: [vec![at_t(), vec![Sign(" = ")]], parts].concat().concat(),
        spoken,
    }
}

/// The noise of all steps so far, added without shrinking the signal.
pub fn growing(schedule: Schedule) -> Equation {
    let sum = |what: Vec<Piece>, index: &'static str| {
        let index = Piece::Sub(vec![Var(index), Sign(" ≤ "), Var("t")]);
        Piece::Root([vec![Sign("∑"), index, Sign(" ")], what].concat())
    };
    let (root, under, spoken) = match schedule.family() {
        Family::Preserving => (
            sum(vec![Var("β"), Piece::Sub(vec![Var("i")])], "i"),
            Vec::new(),
            "x t is x 0, plus the root of the sum of all beta up to t, times epsilon",
        ),
        // Σ (σ_i² − σ_{i−1}²) = σ_t²: the schedule itself.
        Family::Exploding => return jump(schedule),
        Family::Flow => (
            sum([from_earlier("σ", "u"), vec![square()]].concat(), "u"),
            one_step("u"),
            "x t is x 0, plus the root of the sum of sigma squared of all steps up to t, times epsilon; sigma squared of the \
             step to u is u squared minus a squared times r squared; a is one minus u over one minus r; r is u minus one \
             over T",
        ),
    };
    let pieces = [
        at_t(),
        vec![Sign(" = ")],
        start(),
        vec![Sign(" + "), root, Sign(" "), Var("ε")],
        under,
    ];
    Equation {
        pieces: pieces.concat(),
        spoken,
    }
}

/// The formulas of one reverse step to an earlier time, whose letters bear a prime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posterior {
    /// Factor of x̂_0 in the mean.
    pub c_0: &'static str,
    /// Factor of x_t in the mean.
    pub c_t: &'static str,
    /// Variance of x′ given x_t and x_0.
    pub variance: &'static str,
    /// Variance of the forward step's noise.
    pub forward: &'static str,
    /// Where they are from.
    pub source: &'static str,
}

/// The formulas of one reverse step.
pub fn posterior(schedule: Schedule) -> Posterior {
    match schedule.family() {
        Family::Preserving => Posterior {
            c_0: "√ᾱ′ β / (1 − ᾱ)",
            c_t: "√α (1 − ᾱ′) / (1 − ᾱ)",
            variance: "β (1 − ᾱ′) / (1 − ᾱ)",
            forward: "β",
            source: "Ho et al. 2020, eq. 7, for this stride: α = ᾱ/ᾱ′, β = 1 − α",
        },
        Family::Exploding => Posterior {
            c_0: "(s² − s′²) / s²",
            c_t: "s′² / s²",
            variance: "(s² − s′²) s′² / s²",
            forward: "s² − s′²",
            source: "as Ho et al. 2020, eq. 7, for a = 1",
        },
        Family::Flow => Posterior {
            c_0: "a′ (s² − (a/a′)² s′²) / s²",
            c_t: "(a/a′) s′² / s²",
            variance: "(s² − (a/a′)² s′²) s′² / s²",
            forward: "s² − (a/a′)² s′²",
            source: "as Ho et al. 2020, eq. 7, for these a and s",
        },
    }
}

use Piece::{Sign, Var};

fn pieces(of: &[Piece]) -> Vec<Piece> {
    of.to_vec()
}

/// A letter at t.
fn indexed(letter: &'static str) -> Vec<Piece> {
    vec![Var(letter), Piece::Sub(vec![Var("t")])]
}

/// ᾱ_t.
fn alpha_bar() -> Vec<Piece> {
    vec![Piece::Bar("α"), Piece::Sub(vec![Var("t")])]
}

fn squared(letter: &'static str, index: Vec<Piece>) -> Vec<Piece> {
    vec![Var(letter), Piece::Sub(index), square()]
}

/// t − 1.
fn last() -> Vec<Piece> {
    vec![Var("t"), Sign("−1")]
}

fn at_t() -> Vec<Piece> {
    indexed("x")
}

/// x_0.
fn start() -> Vec<Piece> {
    vec![Var("x"), Piece::Sub(vec![Sign("0")])]
}

/// x_{t−1}.
fn before() -> Vec<Piece> {
    vec![Var("x"), Piece::Sub(last())]
}

fn square() -> Piece {
    Piece::Sup(vec![Sign("2")])
}

/// What leads from r to t, as a_{t|r}.
fn from_earlier(letter: &'static str, t: &'static str) -> Vec<Piece> {
    vec![
        Var(letter),
        Piece::Sub(vec![Var(t), Sign("\u{2009}|\u{2009}"), Var("r")]),
    ]
}

/// Two lines more, on the straight line: σ²_{t|r} = t² − a²_{t|r} r², and a_{t|r} = (1 − t)/(1 − r), r = t − 1/T.
fn one_step(t: &'static str) -> Vec<Piece> {
    let mut all = vec![Piece::Break];
    all.extend(from_earlier("σ", t));
    all.extend([square(), Sign(" = "), Var(t), square(), Sign(" − ")]);
    all.extend(from_earlier("a", t));
    all.extend([square(), Sign(" "), Var("r"), square(), Piece::Break]);
    all.extend(from_earlier("a", t));
    all.extend([
        Sign(" = (1 − "),
        Var(t),
        Sign(") / (1 − "),
        Var("r"),
        Sign("),  "),
    ]);
    all.extend([Var("r"), Sign(" = "), Var(t), Sign(" − 1/"), Var("T")]);
    all
}

/// The network's prediction at (x, t).
fn network(letter: &'static str) -> Vec<Piece> {
    let arguments = [Sign("("), Var("x"), Sign(", "), Var("t"), Sign(")")];
    [
        vec![Var(letter), Piece::Sub(vec![Var("θ")])],
        arguments.to_vec(),
    ]
    .concat()
}

#[cfg(test)]
pub mod evaluate;
mod rootless;

pub use rootless::rootless;
#[cfg(test)]
mod tests;
