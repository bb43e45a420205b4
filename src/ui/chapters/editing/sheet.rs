//! What editing is, and what it is not.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "How can data go back to their noise?",
            answer: "The probability-flow ODE is a map that runs either way. Followed upwards from a point it leads to the one noise that the \
                     point comes from: its latent. Followed down again it comes back, but for the error of the solver, which falls with \
                     more steps. The way begins at t = 1, since no network knows of earlier times. The landing from there onto x̂_0 takes \
                     some of the thickness away, and no number of steps mends that.",
        },
        Answer {
            question: "What lies between two latents?",
            answer: "Other noise, and so other data. A straight line between two points of the data leaves the data; the same line in the \
                     noise stays where samples come from. In many dimensions a straight line between draws of noise is too near to 0, and \
                     one goes along the sphere. In two dimensions both are good, and they differ little.",
        },
        Answer {
            question: "What does SDEdit trade?",
            answer: "A cloud of yours is noised to t and denoised from there. Little noise leaves it where it was, and as wrong as it was. \
                     Much noise makes it true to the data, and forgets where it was. The two numbers pull apart along t.",
        },
        Answer {
            question: "How is a coordinate fixed without training for it?",
            answer: "At the end of each step it is set to what the value is at that noise level. The other coordinate then moves by a score \
                     that takes the whole point as its own, and not as half given. It does not hear of the value at once. To take each \
                     step again, noised in between, lets both agree (RePaint). What comes out goes towards the conditional p(y | x = c), \
                     which stands beside it in closed form.",
        },
        Answer {
            question: "Is a region the same?",
            answer: "No. Between two values the guess x̂_0 is drawn to the nearest one that is wanted. All samples end in the region, too \
                     many of them on its edge. It is a projection, and not a draw from what the data are there.",
        },
    ],
    looks: &[
        Look {
            act: "Go there and back by Euler, then by RK4.",
            see: "The error against the steps falls on steeper lines.",
            because: "Each method has its order: twice the steps take its error to a half, a quarter, a sixteenth.",
        },
        Look {
            act: "Fix x between two parts of the data, and take each step once, then ten times.",
            see: "The histogram comes to the curve.",
            because: "Early steps choose the part before they know of x. Steps that are taken again choose once more.",
        },
    ],
    tries: &[
        "Go there and back by RK4",
        "Let a cloud go from t = 0.8",
        "Fix x, and take each step ten times",
    ],
    next: (
        "samplers",
        "Hold the samplers themselves against each other",
    ),
};
