//! Comparisons worth a lesson, one click each.

use crate::chapters::Chapter;
use lab::experiment::Experiment;
use maths::diffusion::schedule::Schedule;
use maths::diffusion::solver::{Sampler, Variance};
use maths::diffusion::target::Target;

/// A comparison that teaches something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// Linear against cosine, at T = 100.
    Schedules,
    /// Predicting ε against predicting v.
    Targets,
    /// The DDPM table unscaled at T = 250, which ends before noise, against the rescaled path.
    TerminalSnr,
    /// A small network against a large one.
    Networks,
    /// One model sampled by the reverse SDE and by the probability-flow ODE.
    SdeOde,
    /// One sampler at 8 and at 64 steps.
    Steps,
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

    /// Its name in the menu.
    pub fn title(self) -> &'static str {
        match self {
            Self::Schedules => "Linear against cosine, T = 100",
            Self::Targets => "ε against v as the target",
            Self::TerminalSnr => "Literal β at T = 250 against rescaled",
            Self::Networks => "Small against large network",
            Self::SdeOde => "SDE against ODE, one model",
            Self::Steps => "8 against 64 steps, one sampler",
        }
    }

    /// What to look at.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Schedules => {
                "Same T, same noise: linear spends its last third on what is noise already."
            }
            Self::Targets => "Near t = T the error of ε is divided by a small a; that of v is not.",
            Self::TerminalSnr => {
                "The table ends while signal is left; samplers start from pure noise all the same."
            }
            Self::Networks => {
                "Same data, same batches: what 2 × 32 misses, 3 × 128 learns, at a price per step."
            }
            Self::SdeOde => {
                "Same weights, same start: the SDE forgets where it began, the ODE does not."
            }
            Self::Steps => "The same sampler from the same noise, in 8 strides and in 64.",
        }
    }

    /// The chapter that shows it best.
    pub fn chapter(self) -> Chapter {
        match self {
            Self::Schedules | Self::Targets | Self::Networks => Chapter::Training,
            Self::TerminalSnr | Self::SdeOde | Self::Steps => Chapter::Reverse,
        }
    }

    /// A and B, as alike to the present experiment as the lesson allows.
    pub fn experiments(self, base: &Experiment) -> [Experiment; 2] {
        let base = base.clone();
        let with = |change: fn(&mut Experiment)| {
            let mut changed = base.clone();
            change(&mut changed);
            changed
        };
        match self {
            Self::Schedules => [Schedule::Linear, Schedule::Cosine].map(|schedule| Experiment {
                schedule,
                timesteps: 100,
                ..base.clone()
            }),
            Self::Targets => [Target::Eps, Target::V].map(|target| Experiment {
                target,
                ..base.clone()
            }),
            Self::TerminalSnr => [Schedule::Literal, Schedule::Linear].map(|schedule| Experiment {
                schedule,
                timesteps: 250,
                ..base.clone()
            }),
            Self::Networks => [
                with(|e| (e.width, e.depth) = (32, 2)),
                with(|e| (e.width, e.depth) = (128, 3)),
            ],
            Self::SdeOde => [Sampler::Ddpm(Variance::BetaTilde), Sampler::Euler].map(|sampler| {
                let sampler_steps = base.timesteps.min(100);
                Experiment {
                    sampler,
                    sampler_steps,
                    ..base.clone()
                }
            }),
            Self::Steps => [8, 64].map(|sampler_steps| Experiment {
                sampler: Sampler::Ddim { eta: 0.0 },
                sampler_steps,
                ..base.clone()
            }),
        }
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
        let base = Experiment {
            seed: 7,
            batch: 512,
            ..Experiment::default()
        };
        for lesson in Lesson::ALL {
            let [a, b] = lesson.experiments(&base);
            assert!(a.validate().is_ok() && b.validate().is_ok(), "{lesson:?}");
            assert_ne!(a, b, "{lesson:?}");
            assert_eq!(
                a.change_to(&b) <= Change::Samples,
                lesson.keeps_weights(),
                "{lesson:?}"
            );
            // What is common is the user's own.
            assert_eq!((a.seed, a.batch, &a.data), (7, 512, &base.data));
            assert_eq!((b.seed, b.batch, &b.data), (7, 512, &base.data));
        }
        let [literal, rescaled] = Lesson::TerminalSnr.experiments(&base);
        assert!(
            literal.schedule.leftover_signal(250).is_some()
                && rescaled.schedule.leftover_signal(250).is_none()
        );
    }
}
