//! Why samples come out as they do.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "How can noise turn into data?",
            answer: "At each step the network guesses x_0. The particle moves a little towards the guess, and the guess gets better as the noise \
                     gets less. Early steps choose the region, late ones the place.",
        },
        Answer {
            question: "Why do samplers leave strays?",
            answer: "A step follows a straight line where the way bends. Between two parts of the data the bend is sharp: who is there when a \
                     long step ends falls into neither. Choose Field Exact: the strays are still there, so they are not the network's. \
                     More steps, or a solver of second order, take them away.",
        },
        Answer {
            question: "Why does DDPM add noise while it removes noise?",
            answer: "The step back is not one point but a small cloud: many x_{t−1} may lie behind one x_t. DDPM draws from it. Without the \
                     noise, and with few steps, the samples come out too thin.",
        },
        Answer {
            question: "What do more steps buy?",
            answer: "Each evaluation of the network costs the same. Heun asks twice a step and needs fewer than half the steps of Euler for the \
                     same error. Beyond some number only the network's own error is left.",
        },
    ],
    looks: &[
        Look {
            act: "Colour by origin and choose Heun, then DDPM.",
            see: "With Heun neighbours stay neighbours. With DDPM the colours mix.",
            because: "The one follows a flow that never crosses itself, the other draws fresh noise at every step.",
        },
        Look {
            act: "Drag the step slowly from 0.6 to 0.2.",
            see: "Nearly all of the shape appears there.",
            because: "Before that the noise is wider than the gaps in the data.",
        },
    ],
    tries: &[
        "Play from noise to data",
        "Take 5 steps of DDIM and see what they miss",
        "Let the exact field run the same chain",
    ],
    next: ("compass", "Look into a single step"),
};
