//! Why paths run as they run.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "Why are there two kinds of paths?",
            answer: "Two processes have the same cloud at every t. The SDE moves along the score and adds noise. The probability-flow ODE moves \
                     half as far along it and adds none. A particle goes another way, the cloud does not.",
        },
        Answer {
            question: "Why do ODE paths not cross?",
            answer: "At one place and one time the field has one value, so that two paths which met would be one from there on, and had been one \
                     before. They cannot cross at the same t.",
        },
        Answer {
            question: "But I see them cross.",
            answer: "In the plane of x and y two paths may go through one place at different times. In the plane of t and one coordinate they \
                     may cross because the other coordinate differs. Only in t, x and y together do they never meet.",
        },
        Answer {
            question: "Why do SDE paths forget their start?",
            answer: "Each step adds fresh noise, and what was there before is shrunk. After enough steps many ends are possible for one start: \
                     the bundle shows them.",
        },
    ],
    looks: &[Look {
        act: "Place a start and run it by the ODE and by the SDE.",
        see: "One line, and a bundle that fans out over the data.",
        because: "The ODE is a map from noise to data, the SDE a draw from what is possible.",
    }],
    tries: &["Play from noise to data", "Stop half-way, at t = 0.5"],
    next: ("samplers", "Hold more samplers against each other"),
};
