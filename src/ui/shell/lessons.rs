//! Comparisons worth a lesson, one click each. A lesson begins with settings of its own, in which its effect shows, and its text
//! stays on the screen until it ends.

use crate::chapters::Chapter;
use lab::experiment::{DataSource, Experiment};
use maths::data::shapes::Shape;
use maths::diffusion::schedule::Schedule;
use maths::diffusion::solver::{Placement, Sampler, Variance};
use maths::diffusion::target::Target;

/// A comparison that teaches something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// Linear against cosine, where ten steps must do.
    Schedules,
    /// Predicting ε against predicting v, without the clip.
    Targets,
    /// The DDPM table unscaled at T = 50, which ends before noise, against the rescaled path.
    TerminalSnr,
    /// A small network against a large one.
    Networks,
    /// One model sampled by the reverse SDE and by the probability-flow ODE.
    SdeOde,
    /// One sampler at 8 and at 64 steps.
    Steps,
}

/// What a lesson says.
#[derive(Clone, Copy, Debug)]
pub struct LessonWords {
    /// On the command line.
    pub name: &'static str,
    /// In the menu.
    pub title: &'static str,
    /// How A and B differ.
    pub differs: &'static str,
    /// What to look at.
    pub look: &'static str,
    /// What is then seen.
    pub happens: &'static str,
    /// Why.
    pub because: &'static str,
}

impl Lesson {
    /// Every lesson, in the order of the menu.
    pub const ALL: [Self; 6] = [
        Self::Schedules,
        Self::Targets,
        Self::TerminalSnr,
        Self::Networks,
        Self::SdeOde,
        Self::Steps,
    ];

    /// What it says.
    pub const fn words(self) -> &'static LessonWords {
        match self {
            Self::Schedules => &LessonWords {
                name: "schedules",
                title: "Linear against cosine in ten steps",
                differs: "A goes by the linear schedule, B by cosine. Both are sampled by ten steps of DDPM.",
                look: "The cloud around the curve, and the surprise in the strip.",
                happens: "After some hundred updates A's samples are scattered more widely than B's. More training does not mend it.",
                because: "Linear spends much of its way where only noise is left, so that few of the ten steps fall where the shape is made. \
                          The losses of the two say nothing: they are means over other noise.",
            },
            Self::Targets => &LessonWords {
                name: "targets",
                title: "ε against v, without the clip",
                differs: "A predicts the noise ε, B predicts v. The schedule is cosine, and nothing is clipped.",
                look: "Where A's samples are. Zoom out: they are far away.",
                happens: "A's samples fly off by ten times the size of the data, B's settle on the curve.",
                because: "Near t = T the guess x̂_0 = (x − s ε̂) / a divides a small error by a smaller a. From v it is a x − s v̂, and nothing is \
                          divided. The clip usually hides this.",
            },
            Self::TerminalSnr => &LessonWords {
                name: "terminal-snr",
                title: "A schedule that ends before noise",
                differs: "A takes the table of DDPM as it stands at T = 50, B stretches it to T.",
                look: "The end of the chain, and sliced W₂ in the strip.",
                happens: "A's samples keep away from the middle of the data, or crowd it: more than twice as far off as B's.",
                because: "A was trained on x_T that still hold six tenths of the signal's variance. The sampler begins with pure noise, which the \
                          network has never seen at T.",
            },
            Self::Networks => &LessonWords {
                name: "networks",
                title: "A small network against a large one",
                differs: "A has one hidden layer of 32 units, B three of 128. Both see raw coordinates, and the data are a spiral roll.",
                look: "How many turns of the roll each of them draws.",
                happens: "B finds every turn, A draws a smear with a hole. A's updates are several times as fast, and more of them hardly help.",
                because: "What a network cannot express it cannot learn. At large t the field is smooth and both are right; at small t it is not.",
            },
            Self::SdeOde => &LessonWords {
                name: "sde-ode",
                title: "SDE against ODE, one model",
                differs: "Both sides have the same weights and the same noise to start from. A goes by DDPM, B by Euler's steps of the ODE.",
                look: "The colours, which tell where each particle began. Drag the clock from noise to data.",
                happens: "B's colours stay in order, A's mix. Both clouds cover the data alike.",
                because: "The ODE is a map: neighbours stay neighbours. The SDE adds noise at every step and forgets where it began. At every t the \
                          two clouds are the same.",
            },
            Self::Steps => &LessonWords {
                name: "steps",
                title: "8 against 64 steps, one sampler",
                differs: "Both sides have the same weights and the same noise to start from. DDIM takes 8 steps for A and 64 for B.",
                look: "What lies inside the loops.",
                happens: "A leaves strays between the parts of the data, B hardly any.",
                because: "A step goes straight where the way bends. Field Exact leaves the same strays: they are the sampler's, not the network's.",
            },
        }
    }

    /// The one after it, in a circle.
    #[must_use]
    pub fn next(self) -> Self {
        let place = Self::ALL.iter().position(|lesson| *lesson == self);
        Self::ALL[(place.unwrap_or(0) + 1) % Self::ALL.len()]
    }

    /// A lesson by its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|lesson| lesson.words().name == name)
    }

    /// The chapter that shows it best.
    pub fn chapter(self) -> Chapter {
        match self {
            Self::Schedules | Self::Targets | Self::Networks => Chapter::Training,
            Self::TerminalSnr | Self::SdeOde | Self::Steps => Chapter::Reverse,
        }
    }

    /// A and B. What trains anew begins from the defaults, whatever was set before; what is one model takes the present one.
    pub fn experiments(self, present: &Experiment) -> [Experiment; 2] {
        let clean = Experiment::default();
        match self {
            Self::Schedules => [Schedule::Linear, Schedule::Cosine].map(|schedule| Experiment {
                schedule,
                timesteps: 100,
                sampler: Sampler::Ddpm(Variance::BetaTilde),
                sampler_steps: 10,
                ..clean.clone()
            }),
            Self::Targets => [Target::Eps, Target::V].map(|target| Experiment {
                target,
                schedule: Schedule::Cosine,
                clip: false,
                ..clean.clone()
            }),
            Self::TerminalSnr => [Schedule::Literal, Schedule::Linear].map(|schedule| Experiment {
                schedule,
                timesteps: 50,
                ..clean.clone()
            }),
            Self::Networks => [(32, 1), (128, 3)].map(|(width, depth)| Experiment {
                data: DataSource::Shape(Shape::SwissRoll),
                octaves: 0,
                width,
                depth,
                ..clean.clone()
            }),
            Self::SdeOde => [Sampler::Ddpm(Variance::BetaTilde), Sampler::Euler].map(|sampler| {
                let sampler_steps = present.timesteps.min(100);
                Experiment {
                    sampler,
                    sampler_steps,
                    // They differ in nothing else.
                    placement: Some(Placement::Even),
                    clip: true,
                    ..present.clone()
                }
            }),
            Self::Steps => [8, 64].map(|sampler_steps| Experiment {
                sampler: Sampler::Ddim { eta: 0.0 },
                sampler_steps,
                clip: true,
                ..present.clone()
            }),
        }
    }

    /// True where the colours of the particles are what is looked at.
    pub fn is_told_by_colours(self) -> bool {
        self == Self::SdeOde
    }

    /// True where both sides are one training: the weights there are stay.
    pub fn keeps_weights(self) -> bool {
        matches!(self, Self::SdeOde | Self::Steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::change::Change;

    #[test]
    fn each_lesson_differs_in_what_it_teaches_and_in_nothing_else() {
        let present = Experiment {
            seed: 7,
            batch: 512,
            schedule: Schedule::Cosine,
            timesteps: 77,
            sampler_steps: 3,
            clip: false,
            ..Experiment::default()
        };
        for lesson in Lesson::ALL {
            let [a, b] = lesson.experiments(&present);
            assert!(a.validate().is_ok() && b.validate().is_ok(), "{lesson:?}");
            assert_ne!(a, b, "{lesson:?}");
            assert_eq!(
                a.change_to(&b) <= Change::Samples,
                lesson.keeps_weights(),
                "{lesson:?}"
            );
            if lesson.keeps_weights() {
                // The present model, under a sampler of the lesson's.
                assert!(present.change_to(&a) <= Change::Samples, "{lesson:?}");
                assert!(a.clip && b.clip, "{lesson:?}");
            } else {
                // What the user had set last has no part in it.
                let anew = lesson.experiments(&Experiment::default());
                assert_eq!([a, b], anew, "{lesson:?}");
            }
            assert_eq!(Lesson::named(lesson.words().name), Some(lesson));
        }
        let [literal, rescaled] = Lesson::TerminalSnr.experiments(&present);
        assert!(
            literal.schedule.leftover_signal(50).is_some()
                && rescaled.schedule.leftover_signal(50).is_none()
        );
        let circle = std::iter::successors(Some(Lesson::ALL[0]), |l| Some(l.next()));
        assert!(circle.take(6).eq(Lesson::ALL));
    }
}
