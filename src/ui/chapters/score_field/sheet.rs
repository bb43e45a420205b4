//! Why the arrows point where they point.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "What is the score?",
            answer: "The slope of log p_t: it points to where the noisy data get denser fastest. It is −ε̂ / s, the predicted noise turned round \
                     and scaled.",
        },
        Answer {
            question: "Why do arrows grow as t falls?",
            answer: "With little noise the density falls off steeply, like a cliff around the data. The score there goes as distance over s². \
                     With much noise all slopes are gentle.",
        },
        Answer {
            question: "Where does the velocity come from?",
            answer: "Each x_0 that could be at x pulls along its own path, a x_0 + s ε: that is a conditional velocity. The marginal one, which \
                     samples follow, is their mean, each weighed by how likely its x_0 is at x. So it is the same for diffusion and for flow. Few of the \
                     thin arrows point where the thick one does.",
        },
        Answer {
            question: "Why is the network wrong far outside?",
            answer: "It was trained where p_t has its points. Far away it was never asked. The error map fades there, and the number under p_t \
                     counts only what the samples meet.",
        },
    ],
    looks: &[
        Look {
            act: "Drag the clock from 0.8 to 0.05.",
            see: "One hill splits into the shape of the data, and the arrows turn from its middle to the nearest curve.",
            because: "p_t is the data blurred by the noise of t.",
        },
        Look {
            act: "Show the velocity, and drag the clock from 1 to 0.05.",
            see: "The bundle fans out over all data, loses one branch after the other, and closes on one place.",
            because: "With less noise fewer x_0 could be at x.",
        },
        Look {
            act: "Show both kinds of arrows while it learns.",
            see: "They agree at large t after some dozens of updates, at small t much later.",
            because: "A blurred field is smooth and easily learned.",
        },
    ],
    tries: &[
        "Set t to 0.6: one hill",
        "Set t to 0.05: the shape of the data",
    ],
    next: ("trajectories", "Follow the arrows"),
};
