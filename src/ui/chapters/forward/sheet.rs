//! Why data turn to noise as they do.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "Why destroy the data?",
            answer: "Nobody knows how to make data from nothing. How to make noise from data is easy, and it can be done in small steps. A \
                     network learns to take each of them back.",
        },
        Answer {
            question: "Why the square roots?",
            answer: "Variances add up, not lengths. With √ᾱ x_0 + √(1 − ᾱ) ε the variance is ᾱ + (1 − ᾱ) = 1 at every t. With ᾱ x_0 + \
                     (1 − ᾱ) ε it is ᾱ² + (1 − ᾱ)², which falls to a half in the middle: the cloud collapses and swells again. The way \
                     Without roots shows it.",
        },
        Answer {
            question: "Is the jump the same as a thousand steps?",
            answer: "For the cloud, yes: a sum of normal draws is a normal draw. For a single particle, no. Its jump goes on a straight line \
                     with one ε, its chain shakes at every step. Both end in the same cloud.",
        },
        Answer {
            question: "When is the shape gone?",
            answer: "When the noise is as wide as the gaps in the data. The entropy shows how much is left to know: it stops rising where only \
                     noise is left. Steps beyond that teach the network nothing new.",
        },
    ],
    looks: &[
        Look {
            act: "Drag the clock to 0.2, then change the schedule to cosine.",
            see: "Linear keeps 66 % of the signal's variance, cosine 90 %.",
            because: "Cosine spends its steps where the shape still shows.",
        },
        Look {
            act: "Click a particle, once with Jump and once with Chain.",
            see: "A straight trail, and a ragged one that ends elsewhere.",
            because: "The jump has one ε for all t, the chain a new one for each step.",
        },
    ],
    tries: &[
        "Play from the data to noise",
        "Add noise without shrinking the signal, up to t = 1",
        "Leave out the square roots and stop in the middle",
    ],
    next: ("reverse", "Take the noise back"),
};
