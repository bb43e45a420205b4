//! Why training looks as it does.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "What is learned?",
            answer: "A point of the data is mixed with noise, and the network guesses the noise from the mixture. It is asked at every \
                     level of noise, and it answers with the mean of all noise that could be in there.",
        },
        Answer {
            question: "Why is the loss so large at small t?",
            answer: "Near t = 1 the mixture x_t is the noise, so that guessing it is easy. Near t = 0 there is hardly any noise in x_t, and \
                     nobody can tell which it was. Much of that loss can never be learned away: the read-out under the loss names the least \
                     that is possible.",
        },
        Answer {
            question: "Then why does a flat loss still mean progress?",
            answer: "The loss is the least possible loss plus the error of the score. The first part is large and stays. The second is small, \
                     and it decides how the samples look. The strip shows it by itself.",
        },
        Answer {
            question: "What is the floor?",
            answer: "Two honest draws of the data differ by chance. Their mean distance is the floor. Samples at the floor are as good as the \
                     data. A single draw may lie below it, as one throw of dice may lie above the mean.",
        },
        Answer {
            question: "Why do samples first pile up in a frame?",
            answer: "At large t the guess of x_0 divides by a small number, and an untrained network is wrong by much. The clip holds the guess \
                     within a box around the data. While it acts the box is drawn.",
        },
    ],
    looks: &[
        Look {
            act: "Watch the first hundred updates.",
            see: "The cloud shrinks to a blob before it takes a shape.",
            because: "Large t is learned first: there the best guess is the mean of the data.",
        },
        Look {
            act: "Change the data while it learns.",
            see: "The samples walk over within some hundred updates, and the loss rises at small t alone.",
            because: "At large t all data look alike. What the network knows there stays true.",
        },
    ],
    tries: &[
        "Start anew, ten updates a second, up to update 200",
        "Teach the present network two moons",
        "Sample by 20 steps of DDIM and look for strays",
    ],
    next: ("algorithm", "See the lines that run"),
};
