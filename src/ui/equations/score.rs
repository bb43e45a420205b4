//! The score by the network, in the letters of each schedule and target.

use super::{Letters as _, alpha_bar, network, pieces, squared};
use crate::widgets::equation::Equation;
use crate::widgets::equation::Piece::{self, Sign, Var};
use maths::diffusion::schedule::{Family, Schedule};
use maths::diffusion::target::Target;

/// The score by the network, from what it predicts: by way of ε̂, as `Target::to_score` has it.
pub fn score(schedule: Schedule, target: Target) -> Equation {
    let family = schedule.family();
    let mut parts = vec![
        pieces(&[Sign("∇ log "), Var("p")]),
        vec![Piece::Sub(vec![Var("t")])],
    ];
    parts.push(pieces(&[Sign("("), Var("x"), Sign(") ≈ ")]));
    let over = || [vec![Sign(" / ")], family.noise()].concat();
    match target {
        Target::Score => parts.push(network("s")),
        Target::Eps => parts.extend([vec![Sign("−")], network("ε"), over()]),
        Target::X0 | Target::V | Target::Velocity | Target::Edm => {
            parts.extend([vec![Sign("−"), Piece::Hat("ε")], over()]);
            parts.push(vec![Piece::Break, Piece::Hat("ε"), Sign(" = ")]);
            parts.push(epsilon_of(family, target));
        }
    }
    Equation {
        pieces: parts.concat(),
        spoken: score_spoken(family, target),
    }
}

/// The marginal velocity as the mean of the conditional ones.
pub fn velocity() -> Equation {
    let x_0 = || vec![Var("x"), Piece::Sub(vec![Sign("0")])];
    let given = || [vec![Var("u"), Sign("("), Var("x"), Sign(" | ")], x_0()].concat();
    let x_t = vec![Var("x"), Piece::Sub(vec![Var("t")])];
    let parts = [
        vec![Var("u"), Sign("("), Var("x"), Sign(") = E[")],
        given(),
        vec![Sign(") | ")],
        x_t,
        vec![Sign(" = "), Var("x"), Sign("]"), Piece::Break],
        given(),
        vec![Sign(") = "), Var("a"), Sign("′ ")],
        x_0(),
        vec![Sign(" + "), Var("s"), Sign("′ "), Var("ε")],
    ];
    Equation {
        pieces: parts.concat(),
        spoken: "u of x is the mean of u of x given x 0 over the x 0 that could be at x, and u of x given x 0 is a prime times x 0 plus \
                 s prime times epsilon",
    }
}

/// ε̂ from the network's x̂_0, v̂ or û at x.
fn epsilon_of(family: Family, target: Target) -> Vec<Piece> {
    let x = || vec![Var("x")];
    let noise_x = || [family.noise(), vec![Sign(" ")], x()].concat();
    let signal = |sign, of| [vec![Sign(sign)], family.signal(), network(of)].concat();
    // a² + s².
    let spread = || match family {
        Family::Exploding => [vec![Sign("1 + ")], squared("σ", vec![Var("t")])].concat(),
        _ => pieces(&[Sign("(1 − "), Var("t"), Sign(")² + "), Var("t"), Sign("²")]),
    };
    match (target, family) {
        (Target::Eps, _) => network("ε"),
        (Target::Score, _) => [
            vec![Sign("−")],
            family.noise(),
            vec![Sign(" ")],
            network("s"),
        ]
        .concat(),
        (Target::X0, _) => {
            let signal = [
                vec![Sign("("), Var("x"), Sign(" − ")],
                family.signal(),
                network("x"),
            ];
            [signal.concat(), vec![Sign(") / ")], family.noise()].concat()
        }
        // a² + s² = 1 here.
        (Target::V, Family::Preserving) => [noise_x(), signal(" + ", "v")].concat(),
        (Target::V, _) => [
            vec![Sign("(")],
            noise_x(),
            signal(" + ", "v"),
            vec![Sign(") / (")],
            spread(),
            vec![Sign(")")],
        ]
        .concat(),
        // a + s = 1 here.
        (Target::Velocity, Family::Flow) => [x(), signal(" + ", "u")].concat(),
        // a² + s² = 1 here.
        (Target::Edm, Family::Preserving) => [noise_x(), signal(" − ", "F")].concat(),
        (Target::Edm, _) => [
            noise_x(),
            vec![Sign(" / (")],
            spread(),
            vec![Sign(")")],
            signal(" − ", "F"),
            vec![Sign(" / "), Piece::Root(spread())],
        ]
        .concat(),
        (Target::Velocity, _) => {
            let top = [vec![Sign("(")], x(), signal(" + ", "u")].concat();
            let a = if family == Family::Exploding {
                vec![Sign("1")]
            } else {
                vec![Piece::Root(alpha_bar())]
            };
            [
                top,
                vec![Sign(") / (")],
                a,
                vec![Sign(" + ")],
                family.noise(),
                vec![Sign(")")],
            ]
            .concat()
        }
    }
}

fn score_spoken(family: Family, target: Target) -> &'static str {
    match (target, family) {
        (Target::Score, _) => {
            "the gradient of log p t at x is about s theta of x and t, which the network predicts"
        }
        (Target::Eps, Family::Preserving) => {
            "the gradient of log p t at x is about minus epsilon theta of x and t, divided by root of one minus alpha bar t"
        }
        (Target::Eps, Family::Exploding) => {
            "the gradient of log p t at x is about minus epsilon theta of x and t, divided by sigma t"
        }
        (Target::Eps, Family::Flow) => {
            "the gradient of log p t at x is about minus epsilon theta of x and t, divided by t"
        }
        (Target::X0, Family::Preserving) => {
            "the gradient of log p t at x is about minus epsilon hat divided by root of one minus alpha bar t; epsilon hat \
             is x minus root alpha bar t times x theta of x and t, divided by root of one minus alpha bar t"
        }
        (Target::X0, Family::Exploding) => {
            "the gradient of log p t at x is about minus epsilon hat divided by sigma t; epsilon hat is x minus x theta of \
             x and t, divided by sigma t"
        }
        (Target::X0, Family::Flow) => {
            "the gradient of log p t at x is about minus epsilon hat divided by t; epsilon hat is x minus one minus t times \
             x theta of x and t, divided by t"
        }
        (Target::V, Family::Preserving) => {
            "the gradient of log p t at x is about minus epsilon hat divided by root of one minus alpha bar t; epsilon hat \
             is root of one minus alpha bar t times x plus root alpha bar t times v theta of x and t"
        }
        (Target::V, Family::Exploding) => {
            "the gradient of log p t at x is about minus epsilon hat divided by sigma t; epsilon hat is sigma t times x \
             plus v theta of x and t, divided by one plus sigma t squared"
        }
        (Target::V, Family::Flow) => {
            "the gradient of log p t at x is about minus epsilon hat divided by t; epsilon hat is t times x plus one minus t \
             times v theta of x and t, divided by one minus t squared plus t squared"
        }
        (Target::Edm, Family::Preserving) => {
            "the gradient of log p t at x is about minus epsilon hat divided by root of one minus alpha bar t; epsilon hat \
             is root of one minus alpha bar t times x minus root alpha bar t times F theta of x and t"
        }
        (Target::Edm, Family::Exploding) => {
            "the gradient of log p t at x is about minus epsilon hat divided by sigma t; epsilon hat is sigma t times x \
             divided by one plus sigma t squared, minus F theta of x and t divided by root of one plus sigma t squared"
        }
        (Target::Edm, Family::Flow) => {
            "the gradient of log p t at x is about minus epsilon hat divided by t; epsilon hat is t times x divided by one \
             minus t squared plus t squared, minus one minus t times F theta of x and t divided by root of one minus t squared \
             plus t squared"
        }
        (Target::Velocity, Family::Preserving) => {
            "the gradient of log p t at x is about minus epsilon hat divided by root of one minus alpha bar t; epsilon hat \
             is x plus root alpha bar t times u theta of x and t, divided by root alpha bar t plus root of one minus alpha \
             bar t"
        }
        (Target::Velocity, Family::Exploding) => {
            "the gradient of log p t at x is about minus epsilon hat divided by sigma t; epsilon hat is x plus u theta of x \
             and t, divided by one plus sigma t"
        }
        (Target::Velocity, Family::Flow) => {
            "the gradient of log p t at x is about minus epsilon hat divided by t; epsilon hat is x plus one minus t times \
             u theta of x and t"
        }
    }
}
