//! Why the needle points where it points.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "What does the needle say?",
            answer: "From x_t it points against the predicted noise, to where the network takes x_0 to be. The longer the way, the more noise \
                     it sees.",
        },
        Answer {
            question: "Why does even the exact needle miss x_0?",
            answer: "Many x_0 can lie behind one x_t. The best answer in the mean square is the mean of them all, weighed by how likely each \
                     is. The true x_0 is one of them, and the mean may lie where there are no data at all.",
        },
        Answer {
            question: "Is that an error, then?",
            answer: "Not of the network. Its error is the distance from the mean. What is left between the mean and the true x_0 is in the \
                     question, and it shrinks as t falls.",
        },
        Answer {
            question: "What is done with the guess?",
            answer: "The next step goes to A1 x_t + A2 x̂_0. Near t = 1 nearly all weight is on x_t, so that a wrong guess does little harm. Near \
                     t = 0 it is on x̂_0.",
        },
        Answer {
            question: "Is one step back a Gaussian?",
            answer: "Only where it is short. As it is, it is a mixture: one part for each part of the data that x_t may have come from. A sampler \
                     takes one Gaussian in its place. With 5 steps to 0 that is visibly wrong, with 1000 it is right.",
        },
    ],
    looks: &[Look {
        act: "Place x_t between two parts of the data at large t, and let t fall.",
        see: "The mean stands in the gap, then goes over to one side at once.",
        because: "The likelihoods of the two sides part when the noise gets narrower than the gap.",
    }],
    tries: &[
        "Set t to 0.8: the needle points to the middle of the data",
        "Set t to 0.1: the needle points to the nearest data",
    ],
    next: ("score", "See all needles at once"),
};
