//! The samplers by name, as one table.

use serde::{Deserialize, Serialize};

use super::ancestral::{self, Variance};
use super::{Plan, PlanContext, Row, ddim, ode};
use crate::data::bounds::Bounds;
use crate::names::{self, Words, same};

/// Makes the table of samplers: those that have settings of their own, then `NAME: row` for each that has none, in the order of
/// the menus.
macro_rules! samplers {
    ($($(#[$doc:meta])* $name:ident: $row:expr,)*) => {
        /// A sampler by name.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Sampler {
            /// Ancestral sampling (Ho et al. 2020, algorithm 2).
            Ddpm(Variance),
            /// DDIM with noise η in [0, 1] (Song, Meng & Ermon 2021, eq. 12 and 16).
            Ddim {
                /// 0 deterministic, 1 ancestral.
                eta: f64,
            },
            $($(#[$doc])* $name,)*
        }

        impl Sampler {
            /// One of each, in the order of the menus.
            pub const ALL: [Self; 3 + [$(stringify!($name)),*].len()] = [
                Self::Ddpm(Variance::BetaTilde),
                Self::Ddpm(Variance::Beta),
                Self::Ddim { eta: 0.0 },
                $(Self::$name,)*
            ];

            const fn row(self) -> &'static Row {
                match self {
                    Self::Ddpm(Variance::BetaTilde) => &ancestral::POSTERIOR,
                    Self::Ddpm(Variance::Beta) => &ancestral::FORWARD,
                    Self::Ddim { .. } => &ddim::ROW,
                    $(Self::$name => &$row,)*
                }
            }
        }
    };
}

samplers! {
    /// The probability-flow ODE by Euler's method: DDIM with η = 0 at times that crowd towards the data.
    Euler: ode::EULER,
    /// The probability-flow ODE by Heun's method (Karras et al. 2022, algorithm 1).
    Heun: ode::HEUN,
    /// The probability-flow ODE by the classical Runge–Kutta method of fourth order.
    Rk4: ode::RK4,
}

/// A sampler's name that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a sampler: use {known}", known = Sampler::known())]
pub struct SamplerParseError(pub String);

impl Sampler {
    /// What it is called, without DDIM's η.
    pub const fn words(self) -> &'static Words {
        &self.row().words
    }

    /// The name on the command line and in files, without DDIM's η; `Display` gives the whole.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    /// The names that are understood: `ddpm, ddpm-beta, ddim, ddim:ETA with ETA between 0 and 1, euler, heun or rk4`.
    pub fn known() -> String {
        names::listed(Self::ALL.map(|sampler| match sampler {
            Self::Ddim { .. } => "ddim, ddim:ETA with ETA between 0 and 1",
            other => other.name(),
        }))
    }

    /// Steps that suit the sampler for a model of T timesteps: all of them for DDPM, 50 for the others.
    pub fn default_steps(self, timesteps: u32) -> u32 {
        self.row().steps.min(timesteps)
    }

    /// Compile into a table. `steps` is held within 1..=T.
    pub fn plan(self, steps: u32, context: PlanContext, clip: Option<Bounds>) -> Plan {
        let context = PlanContext {
            timesteps: context.timesteps.max(1),
            ..context
        };
        let steps = steps.clamp(1, context.timesteps);
        match self {
            Self::Ddim { eta } => ddim::plan(eta, steps, context, clip),
            _ => (self.row().plan)(steps, context, clip),
        }
    }
}

impl std::str::FromStr for Sampler {
    type Err = SamplerParseError;

    fn from_str(text: &str) -> Result<Self, SamplerParseError> {
        if let Some(sampler) = Self::ALL.into_iter().find(|s| same(s.name(), text)) {
            return Ok(sampler);
        }
        text.split_once(':')
            .filter(|(name, _)| same(name, "ddim"))
            .and_then(|(_, eta)| eta.parse().ok())
            .filter(|eta| (0.0..=1.0).contains(eta))
            .map(|eta| Self::Ddim { eta })
            .ok_or_else(|| SamplerParseError(text.into()))
    }
}

impl std::fmt::Display for Sampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ddim { eta } if *eta != 0.0 => write!(f, "ddim:{eta}"),
            _ => f.write_str(self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::schedule::Schedule;
    use crate::diffusion::target::Target;
    use proptest::prelude::*;

    fn plan(sampler: Sampler, steps: u32, schedule: Schedule) -> Plan {
        sampler.plan(
            steps,
            PlanContext {
                schedule,
                target: Target::Eps,
                timesteps: 1000,
            },
            None,
        )
    }

    fn any_schedule() -> impl Strategy<Value = Schedule> {
        proptest::sample::select(Schedule::every())
    }

    #[test]
    fn names_are_read_back_as_they_are_shown() {
        for sampler in Sampler::ALL
            .into_iter()
            .chain([Sampler::Ddim { eta: 0.25 }, Sampler::Ddim { eta: 1.0 }])
        {
            assert_eq!(sampler.to_string().parse(), Ok(sampler));
        }
        assert_eq!("ddim:0.5".parse(), Ok(Sampler::Ddim { eta: 0.5 }));
        for wrong in [
            "",
            "ddim:",
            "ddim:2",
            "ddim:-0.1",
            "ddim:NaN",
            "ddpm:0.5",
            "rk5",
        ] {
            let error = wrong.parse::<Sampler>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("'{wrong}' is not a sampler")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_single_step_lands_on_the_prediction() {
        for sampler in Sampler::ALL {
            for schedule in Schedule::every() {
                let plan = plan(sampler, 1, schedule);
                let [step] = plan.steps[..] else {
                    panic!("{} steps", plan.steps.len())
                };
                assert_eq!(
                    (step.tau, step.tau_next, step.c_x, step.c_z),
                    (1.0, 0.0, 0.0, 0.0)
                );
                assert!((step.c_0 - 1.0).abs() < 1e-12, "{sampler} {schedule:?}");
            }
        }
    }

    #[test]
    fn a_plan_has_at_least_one_and_at_most_t_steps() {
        assert_eq!(
            plan(Sampler::Ddim { eta: 0.0 }, 0, Schedule::Linear)
                .steps
                .len(),
            1
        );
        assert_eq!(
            plan(Sampler::Ddim { eta: 0.0 }, 5000, Schedule::Linear)
                .steps
                .len(),
            1000
        );
    }

    proptest! {
        #[test]
        fn times_fall_evenly_from_t_to_0_on_whole_timesteps(steps in 1..=200_u32, timesteps in 1..=3000_u32) {
            let context = PlanContext { schedule: Schedule::Cosine, target: Target::Eps, timesteps };
            let plan = Sampler::Ddim { eta: 0.0 }.plan(steps, context, None);
            prop_assert_eq!(plan.steps.len() as u32, steps.min(timesteps));
            prop_assert_eq!((plan.steps[0].tau, plan.steps[plan.steps.len() - 1].tau_next), (1.0, 0.0));
            let even = f64::from(timesteps) / f64::from(steps.min(timesteps));
            for (step, following) in plan.steps.iter().zip(plan.steps.iter().skip(1)) {
                prop_assert_eq!(step.tau_next, following.tau);
            }
            for step in &plan.steps {
                let [t, r] = [step.tau, step.tau_next].map(|tau| tau * f64::from(timesteps));
                prop_assert!((t - t.round()).abs() < 1e-9);
                prop_assert!(t - r > 0.5 && (t - r - even).abs() < 1.0 + 1e-9);
                prop_assert!([step.c_x, step.c_0, step.c_z].iter().all(|c| c.is_finite()));
            }
        }

        /// Any DDIM keeps the marginal: fed the true x_0 it turns N(a_t x_0, s_t²) into N(a_r x_0, s_r²).
        #[test]
        fn ddim_keeps_the_marginals_whatever_eta(steps in 1..=300_u32, eta in 0.0..=1.0_f64, schedule in any_schedule()) {
            for step in plan(Sampler::Ddim { eta }, steps, schedule).steps {
                let (now, next) = (schedule.scales(step.tau, 1000), schedule.scales(step.tau_next, 1000));
                prop_assert!((step.c_x * now.a + step.c_0 - next.a).abs() < 1e-9);
                let variance = (step.c_x * now.s).powi(2) + step.c_z.powi(2);
                prop_assert!((variance - next.s.powi(2)).abs() < 1e-9 * (1.0 + now.s * now.s));
            }
        }

        /// DDIM at η = 1 is DDPM with β̃ (Song, Meng & Ermon 2021, section 4.1), reached by another formula.
        #[test]
        fn ddim_at_eta_1_is_ancestral(steps in 1..=1000_u32, schedule in any_schedule()) {
            let ddim = plan(Sampler::Ddim { eta: 1.0 }, steps, schedule);
            let ddpm = plan(Sampler::Ddpm(Variance::BetaTilde), steps, schedule);
            for (left, right) in ddim.steps.iter().zip(&ddpm.steps) {
                prop_assert!((left.c_x - right.c_x).abs() < 1e-6);
                prop_assert!((left.c_0 - right.c_0).abs() < 1e-6);
                prop_assert!((left.c_z - right.c_z).abs() < 1e-9);
            }
        }
    }
}
