//! Why straight paths need few steps.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "Why do bent paths need many steps?",
            answer: "An Euler step goes straight on at the velocity of its beginning. Where the path bends, the step leaves it. On a straight path at \
                     an even speed one step lands where a thousand do.",
        },
        Answer {
            question: "Training draws straight lines. Why do the paths bend?",
            answer: "Each pair of a point and a noise is joined by a straight line, and the lines of chance pairs cross. Where they cross, the network \
                     learns the mean of their velocities, so that a particle turns from one line to the next.",
        },
        Answer {
            question: "What do optimal transport and reflow do?",
            answer: "Transport gives each noise of a batch to a nearby point, by the assignment of least squared distance, or by Sinkhorn's blurred \
                     plan: such lines hardly cross. Reflow trains on pairs that the model itself has joined. Paths of an ODE never meet, so \
                     that these cross less than chance pairs, and the paths become straighter.",
        },
        Answer {
            question: "What does a student learn?",
            answer: "To say at once where the path through a point ends, instead of where it goes next. Its x̂₀ at one noise level is trained to \
                     be that at the next lower one, a teacher's step along the path. So x̂₀ should be the same all along a path; the chart \
                     says how far it is from that.",
        },
        Answer {
            question: "Why is nothing exact shown for them?",
            answer: "The closed form of this lab is of noise that is drawn apart from the points. A coupling changes the field at every t between \
                     0 and 1, and only the data at its end stay the same.",
        },
    ],
    looks: &[Look {
        act: "Train from 8 Gaussians to the moons, then press Reflow into B and train on.",
        see: "The paths of B lie on their chords, and one Euler step lands on the moons.",
        because: "The straightness error falls, and the error of one step with it.",
    }],
    tries: &["Go to half-way, at t = 0.5", "Go to the data, at t = 0"],
    next: ("samplers", "Hold samplers against each other"),
};
