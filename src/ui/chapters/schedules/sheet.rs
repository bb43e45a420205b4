//! Why schedules differ.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "What does a schedule decide?",
            answer: "How much noise belongs to which t. It does not change where the data end up, which is noise, but how the steps are spent on \
                     the way.",
        },
        Answer {
            question: "Why was cosine invented?",
            answer: "Linear dissolves the shape early and spends its last third on what is noise already. Cosine falls evenly, so that fewer of \
                     its steps are wasted. On images of low resolution that was seen in the samples.",
        },
        Answer {
            question: "Why log SNR?",
            answer: "Two schedules that reach the same ratio of signal to noise pose the same question to the network, whatever t is called. On \
                     that axis schedules differ only in how fast they go.",
        },
        Answer {
            question: "What goes wrong at the end?",
            answer: "Samplers begin with pure noise. A schedule that keeps some signal at T has never shown the network pure noise. The warning \
                     names what is left.",
        },
    ],
    looks: &[
        Look {
            act: "Set t to 0.2.",
            see: "ᾱ is 0.658 on linear and 0.899 on cosine.",
            because: "Linear β rises from the start, that of cosine late.",
        },
        Look {
            act: "Set T to 50 with the literal table.",
            see: "ᾱ at T is far above 0, and a warning says so.",
            because: "The table was made for a thousand steps and is not stretched.",
        },
    ],
    tries: &[
        "Set t to 0.2 with linear at the left and cosine at the right",
        "Set the literal table at T = 50 and read the warning",
    ],
    next: ("training", "Train with the one that you like"),
};
