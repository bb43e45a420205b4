//! What guidance does, and what it does not.

use crate::sheet::{Answer, Look, Sheet};

/// The sheet.
pub const SHEET: Sheet = Sheet {
    answers: &[
        Answer {
            question: "Why is the network asked twice?",
            answer: "One network has learned both: the field of all data, when it is told no class, and the field of a class, when it is told \
                     one. The difference points to where the class differs from the rest. Guidance goes along that difference, w times.",
        },
        Answer {
            question: "Why are guided samples not draws of the tilted density?",
            answer: "At each t the guided field is the score of p_t(x) p_t(y | x)^w. But the noised tilted density is another one than the \
                     tilted noised density: no single process of noising has all these scores. So the samples end elsewhere, and the number \
                     beside the picture says how far.",
        },
        Answer {
            question: "Why do the share inside and the surprise pull apart?",
            answer: "A larger weight leads away from what other classes could explain. First that takes strays out. Then it thins the class \
                     itself, and pushes samples beyond its edge, where no data are. They are certain to be of the class, and unlike it.",
        },
        Answer {
            question: "Why let the weight count between two noise levels alone?",
            answer: "With much noise the difference pushes all particles one way, and the variety is lost. With little noise the class is \
                     decided, and the push only distorts. In between it helps most.",
        },
    ],
    looks: &[
        Look {
            act: "Drag the point x from one class into the other.",
            see: "Between the classes the two arrows part most; deep inside the class they are one.",
            because: "Where only this class could be, being told it says nothing new.",
        },
        Look {
            act: "Move the weight from 1 to 8 at t = 0.",
            see: "The cloud draws back from the other class and gathers at the far side.",
            because: "x̂_0 goes past what the class asks for, along the line through both estimates.",
        },
    ],
    tries: &[
        "Weight 1, at t = 0: the class itself",
        "Weight 8, at t = 0: beyond the class",
        "The tilted density behind, at t = 0",
    ],
    next: ("samplers", "See how others get from noise to data"),
};
