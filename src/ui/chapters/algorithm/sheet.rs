//! Why the two algorithms are what they are.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "Is that all of it?",
            answer: "Yes. Training draws a point, a time and a noise, mixes them, and corrects the guess of the noise. Sampling asks for that \
                     guess again and again. All else in the lab is there to look at these lines.",
        },
        Answer {
            question: "Why does each point have a time of its own?",
            answer: "One network serves all levels of noise. With a time drawn for each point a batch covers them all, and no level is \
                     forgotten while another is learned.",
        },
        Answer {
            question: "Why is x_0 drawn from the data and not followed?",
            answer: "The mixture at any t has a closed form, so that no chain has to be walked. That is what makes training cheap.",
        },
        Answer {
            question: "Where does the chance come from in the second algorithm?",
            answer: "From the first draw of x_T and from z in every step but the last. With z left out the samples come out too thin.",
        },
    ],
    looks: &[Look {
        act: "Step through one update and watch the error of a point at small t.",
        see: "It stays large, whatever the network has learned.",
        because: "So little noise is in x_t that nobody can tell which it was.",
    }],
    tries: &["Show the lines of training", "Show the lines of sampling"],
    next: ("forward", "See the mixture at every t"),
};
