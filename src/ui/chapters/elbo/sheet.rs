//! Why the bound is what training stands on.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "What is bounded?",
            answer: "How surprised the model is by a point of the data, −ln p_θ(x_0), on average. It cannot be computed, since every way from \
                     noise to the point counts. The bound looks only at the ways that adding noise takes.",
        },
        Answer {
            question: "Why can no model cross the entropy?",
            answer: "A model that knew the data would be surprised as much as the data surprise themselves, which is their entropy. Any other \
                     model is surprised more, and the bound lies above that.",
        },
        Answer {
            question: "Why is the exact denoiser above the entropy too?",
            answer: "One step back is taken as a Gaussian. The true step back is none where several clean points could be behind x_t. The more \
                     steps there are, the smaller each is, and the nearer it is to a Gaussian.",
        },
        Answer {
            question: "What does the variance do?",
            answer: "The mean of a step is the network's, its width is a choice. A width that does not fit costs nats at every step. The best \
                     width follows from how large the score is, or from how far the guess is off.",
        },
        Answer {
            question: "Is this what the network is trained on?",
            answer: "Nearly. The simple loss asks for the same errors but gives every timestep the same weight. Against the bound it weighs \
                     up large t, where shapes are decided, and weighs down small t, where the last nats are.",
        },
    ],
    looks: &[
        Look {
            act: "Choose the variance of q at T = 1000.",
            see: "The bars at the smallest t grow.",
            because: "Near the data that step knows x_0 and is narrower than one that does not.",
        },
        Look {
            act: "Train, and watch the learned bars sink onto the exact ones.",
            see: "Those at large t are there first.",
            because: "Far from the data the answer is smooth. The details near it take longest.",
        },
    ],
    tries: &[
        "Choose the variance that makes each term least",
        "Look at how the bound comes down with more steps",
    ],
    next: ("training", "Train, and watch the bound come down"),
};
