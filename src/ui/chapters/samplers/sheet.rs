//! Why samplers differ, and where they do not.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "Why do all samplers not end alike?",
            answer: "They follow one field. Those without noise of their own follow one flow and differ by the error of their steps alone: \
                     with more steps they meet. Those with noise of their own end elsewhere particle by particle, and have the same cloud.",
        },
        Answer {
            question: "Why do the curves not fall below the grey band?",
            answer: "The band is what draws of the data score against other draws of the data. No samples are nearer but by chance. A curve \
                     that stays above it shows the error of the network: more steps do not mend that. By the exact field the curves go down \
                     to the band.",
        },
        Answer {
            question: "What is the order?",
            answer: "With twice the steps a sampler of first order comes twice as near to the end of the flow, one of second order four \
                     times. The table measures it: as a power of two. A high order needs steps that are short beside what bends the path.",
        },
        Answer {
            question: "Why is the cheapest step not the best?",
            answer: "What costs time is to ask the network. Heun asks twice a step, Runge–Kutta four times. A multistep sampler asks once and \
                     remembers what it was told before. So the charts count evaluations, not steps.",
        },
    ],
    looks: &[
        Look {
            act: "Set 4 steps and go to t = 0.",
            see: "One noise, and clouds that differ: some are thin, some have points between the parts.",
            because: "Few steps show each sampler's own error.",
        },
        Look {
            act: "Choose the exact field.",
            see: "All curves come down to the grey band.",
            because: "What is left at many steps by the learned field is the network's.",
        },
    ],
    tries: &[
        "Play from noise to data",
        "Four steps, at t = 0",
        "The exact field, at t = 0",
    ],
    next: ("schedules", "Change the way itself"),
};
