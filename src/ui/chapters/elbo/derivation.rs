//! The derivation of the bound in six lines, and which of its terms each line speaks of.

use egui::Ui;

use crate::theme::Palette;
use crate::widgets::equation::Piece::{self, Break, Hat, Sign, Sub, Sup, Tilde, Var};
use crate::widgets::equation::{Equation, Lit, program_line_ui};
use crate::widgets::tip::Tip as _;

/// A part of the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// L_T.
    Prior,
    /// Σ L_{t−1}.
    Denoising,
    /// L_0.
    Reconstruction,
}

/// Every part.
const ALL: [Part; 3] = [Part::Prior, Part::Denoising, Part::Reconstruction];

/// A line: its formula, why it holds, and what it speaks of.
pub(super) struct Line {
    equation: Equation,
    why: &'static str,
    pub(super) parts: &'static [Part],
}

fn sub(pieces: &[Piece]) -> Piece {
    Sub(pieces.to_vec())
}

fn zero() -> [Piece; 2] {
    [Var("x"), sub(&[Sign("0")])]
}

fn at_t() -> [Piece; 2] {
    [Var("x"), sub(&[Var("t")])]
}

fn before() -> [Piece; 2] {
    [Var("x"), sub(&[Var("t"), Sign("−1")])]
}

fn last() -> [Piece; 2] {
    [Var("x"), sub(&[Var("T")])]
}

/// p_θ.
fn model() -> [Piece; 2] {
    [Var("p"), sub(&[Var("θ")])]
}

/// Written in this order.
fn line(parts: &[&[Piece]], spoken: &'static str) -> Equation {
    Equation {
        pieces: parts.concat(),
        spoken,
    }
}

/// The chapter's formula: the bound in its parts.
pub(super) fn bound() -> Equation {
    line(
        &[
            &[Sign("−E ln ")],
            &model(),
            &[Sign("(")],
            &zero(),
            &[Sign(") ≤ ")],
            &[
                Var("L"),
                sub(&[Var("T")]),
                Sign(" + Σ "),
                Var("L"),
                sub(&[Var("t"), Sign("−1")]),
            ],
            &[Sign(" + "), Var("L"), sub(&[Sign("0")])],
        ],
        "minus the mean of log p theta of x 0 is at most L T plus the sum of L t minus one plus L 0",
    )
}

/// The six lines (Ho et al. 2020, eq. 3, 5, and 8, appendix A).
pub(super) fn lines() -> [Line; 6] {
    [
        Line {
            equation: line(
                &[
                    &[Sign("−ln ")],
                    &model(),
                    &[Sign("(")],
                    &zero(),
                    &[
                        Sign(") ≤ E ln "),
                        Var("q"),
                        Sign("("),
                        Var("x"),
                        sub(&[Sign("1:"), Var("T")]),
                        Sign("|"),
                    ],
                    &zero(),
                    &[Sign(") / ")],
                    &model(),
                    &[Sign("("), Var("x"), sub(&[Sign("0:"), Var("T")]), Sign(")")],
                ],
                "minus log p theta of x 0 is at most the mean of log q of x 1 to T given x 0 over p theta of x 0 to T",
            ),
            why: "Jensen: the logarithm of a mean is at least the mean of the logarithm. The mean goes over the ways of adding noise to x₀",
            parts: &ALL,
        },
        Line {
            equation: line(
                &[
                    &[Sign("= E [ ln "), Var("q"), Sign("(")],
                    &last(),
                    &[Sign("|")],
                    &zero(),
                    &[Sign(")/"), Var("p"), Sign("(")],
                    &last(),
                    &[Sign(")  −  ln ")],
                    &model(),
                    &[Sign("(")],
                    &zero(),
                    &[Sign("|"), Var("x"), sub(&[Sign("1")]), Sign(")"), Break],
                    &[Sign("+ Σ ln "), Var("q"), Sign("(")],
                    &before(),
                    &[Sign("|")],
                    &at_t(),
                    &[Sign(", ")],
                    &zero(),
                    &[Sign(")/")],
                    &model(),
                    &[Sign("(")],
                    &before(),
                    &[Sign("|")],
                    &at_t(),
                    &[Sign(") ]")],
                ],
                "is the mean of log q of x T given x 0 over p of x T, minus log p theta of x 0 given x 1, plus the sum of log q of x t \
                 minus one given x t and x 0 over p theta of x t minus one given x t",
            ),
            why: "Bayes turns each step of q around, and what stands between two steps cancels. The sum goes from t = 2 to T",
            parts: &ALL,
        },
        Line {
            equation: line(
                &[
                    &[
                        Var("L"),
                        sub(&[Var("T")]),
                        Sign(" = KL("),
                        Var("q"),
                        Sign("("),
                    ],
                    &last(),
                    &[Sign("|")],
                    &zero(),
                    &[Sign(") ‖ "), Var("p"), Sign("(")],
                    &last(),
                    &[Sign("))")],
                ],
                "L T is the divergence of q of x T given x 0 from p of x T",
            ),
            why: "What the end of adding noise still knows of x₀. Nothing of the network is in it",
            parts: &[Part::Prior],
        },
        Line {
            equation: line(
                &[
                    &[
                        Var("L"),
                        sub(&[Var("t"), Sign("−1")]),
                        Sign(" = E KL("),
                        Var("q"),
                        Sign("("),
                    ],
                    &before(),
                    &[Sign("|")],
                    &at_t(),
                    &[Sign(", ")],
                    &zero(),
                    &[Sign(") ‖ ")],
                    &model(),
                    &[Sign("(")],
                    &before(),
                    &[Sign("|")],
                    &at_t(),
                    &[Sign("))")],
                ],
                "L t minus one is the mean divergence of q of x t minus one given x t and x 0 from p theta of x t minus one given x t",
            ),
            why: "Both are Gaussians: those on the canvas, at the clock's t",
            parts: &[Part::Denoising],
        },
        Line {
            equation: line(
                &[
                    &[
                        Sign("= "),
                        Var("c"),
                        sub(&[Sign("0")]),
                        Sup(vec![Sign("2")]),
                        Sign("/2"),
                        Var("σ"),
                        Sup(vec![Sign("2")]),
                    ],
                    &[Sign(" E‖")],
                    &zero(),
                    &[
                        Sign(" − "),
                        Hat("x"),
                        sub(&[Sign("0")]),
                        Sign("‖"),
                        Sup(vec![Sign("2")]),
                    ],
                    &[Break, Sign("+ "), Var("ρ"), Sign(" − 1 − ln "), Var("ρ")],
                    &[
                        Sign(",  "),
                        Var("ρ"),
                        Sign(" = "),
                        Tilde("β"),
                        Sign("/"),
                        Var("σ"),
                        Sup(vec![Sign("2")]),
                    ],
                ],
                "which is c 0 squared over two sigma squared times the mean square of x 0 minus x hat 0, plus rho minus one minus \
                 log rho, where rho is beta tilde over sigma squared",
            ),
            why: "The first part is the network's error, weighed. The second is what a width costs that is not q's",
            parts: &[Part::Denoising],
        },
        Line {
            equation: line(
                &[
                    &[Var("L"), sub(&[Sign("0")]), Sign(" = −E ln ")],
                    &model(),
                    &[Sign("(")],
                    &zero(),
                    &[Sign("|"), Var("x"), sub(&[Sign("1")]), Sign(")")],
                ],
                "L 0 is minus the mean of log p theta of x 0 given x 1",
            ),
            why: "A density's logarithm: below 0 where the last step is narrow",
            parts: &[Part::Reconstruction],
        },
    ]
}

/// Draw the lines; what the one under the pointer speaks of, if one is.
pub(super) fn lines_ui(ui: &mut Ui, palette: &Palette) -> Option<&'static [Part]> {
    let mut pointed = None;
    for (
        number,
        Line {
            equation,
            why,
            parts,
        },
    ) in (1..).zip(lines())
    {
        let response = program_line_ui(ui, number, &equation, Lit::Off, palette);
        if response.contains_pointer() {
            pointed = Some(parts);
            let mark = response.rect.with_max_x(response.rect.left() + 3.0);
            ui.painter().rect_filled(mark, 1.5, palette.exact);
        }
        response.tip(why);
    }
    pointed
}
