//! The samplers, each compiled into a [`Plan`]: DDPM ancestral, DDIM(η), and Runge–Kutta on the probability-flow ODE.
//!
//! Written in the schedule's (a, s), so that every schedule is served, and in (x, x̂_0), so that clipping x̂_0 is felt
//! everywhere. A step goes from time t to an earlier time r, which need not be the one before it: with
//! a_{t|r} = a_t/a_r and σ²_{t|r} = s_t² − a_{t|r}² s_r² (Kingma et al. 2021, section 2.1) a strided step has the
//! posterior of its own stride, never the one-step β.

use serde::{Deserialize, Serialize};

use super::ode::Method;
use super::{Plan, PlanContext, PlanStep};
use crate::data::bounds::Bounds;
use crate::diffusion::schedule::Scales;
use crate::diffusion::target::Combination;
use crate::names::{self, Words, same};

/// Which variance the ancestral step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Variance {
    /// β̃, the variance of the posterior given x_0 (Ho et al. 2020, eq. 7).
    BetaTilde,
    /// β (Ho et al. 2020, section 3.2).
    Beta,
}

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
    /// The probability-flow ODE by Euler's method: DDIM with η = 0 at times that crowd towards the data.
    Euler,
    /// The probability-flow ODE by Heun's method (Karras et al. 2022, algorithm 1).
    Heun,
    /// The probability-flow ODE by the classical Runge–Kutta method of fourth order.
    Rk4,
}

/// A sampler's name that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a sampler: use {known}", known = Sampler::known())]
pub struct SamplerParseError(pub String);

/// Steps of DDIM where nobody says how many.
const DDIM_STEPS: u32 = 50;

impl Sampler {
    /// One of each, in the order of the menus.
    pub const ALL: [Self; 6] = [
        Self::Ddpm(Variance::BetaTilde),
        Self::Ddpm(Variance::Beta),
        Self::Ddim { eta: 0.0 },
        Self::Euler,
        Self::Heun,
        Self::Rk4,
    ];

    /// What it is called, without DDIM's η.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Ddpm(Variance::BetaTilde) => &Words {
                name: "ddpm",
                title: "DDPM, posterior variance",
                symbol: "DDPM",
                short: "DDPM",
                help: "ancestral sampling with the posterior's variance",
            },
            Self::Ddpm(Variance::Beta) => &Words {
                name: "ddpm-beta",
                title: "DDPM, variance β",
                symbol: "DDPM β",
                short: "DDPM (variance β)",
                help: "ancestral sampling with the variance β",
            },
            Self::Ddim { .. } => &Words {
                name: "ddim",
                title: "DDIM, no noise",
                symbol: "DDIM",
                short: "DDIM",
                help: "DDIM; ddim:ETA adds noise, ETA between 0 and 1",
            },
            Self::Euler => &Words {
                name: "euler",
                title: "ODE by Euler",
                symbol: "Euler",
                short: "ODE by Euler",
                help: "the probability-flow ODE by Euler's method",
            },
            Self::Heun => &Words {
                name: "heun",
                title: "ODE by Heun",
                symbol: "Heun",
                short: "ODE by Heun",
                help: "the probability-flow ODE by Heun's method",
            },
            Self::Rk4 => &Words {
                name: "rk4",
                title: "ODE by RK4",
                symbol: "RK4",
                short: "ODE by RK4",
                help: "the probability-flow ODE by the classical Runge–Kutta method",
            },
        }
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
        match self {
            Self::Ddpm(_) => timesteps,
            Self::Ddim { .. } | Self::Euler | Self::Heun | Self::Rk4 => DDIM_STEPS.min(timesteps),
        }
    }

    /// Compile into a table. The times are whole timesteps, evenly spaced from T down to 0 (for the methods
    /// on the ODE they lie between, and crowd towards the data); `steps` is held within 1..=T. Heun and Runge–Kutta take
    /// several stages a step.
    pub fn plan(self, steps: u32, context: PlanContext, clip: Option<Bounds>) -> Plan {
        let PlanContext { schedule, target, timesteps } = context;
        let timesteps = timesteps.max(1);
        let steps = steps.clamp(1, timesteps);
        // The last whole timestep at or below an even division; distinct, since steps ≤ T.
        let tau = |left: u32| {
            let t = u64::from(timesteps) * u64::from(left) / u64::from(steps);
            t as f64 / f64::from(timesteps)
        };
        let context = PlanContext { timesteps, ..context };
        let start_std = context.start_std();
        if let Some(method) = self.method() {
            return method.plan(steps, context, start_std, clip);
        }
        let step = |left: u32| {
            let (tau, tau_next) = (tau(left), tau(left - 1));
            let now = schedule.scales(tau, timesteps);
            let next = schedule.scales(tau_next, timesteps);
            let Combination(x0_x, x0_output) = target.to_x0(now);
            let (c_x, c_0, c_z) = self.coefficients(now, next);
            PlanStep { tau, tau_next, x0_x, x0_output, c_x, c_0, c_z, scales: now, ..PlanStep::default() }
        };
        Plan { steps: (1..=steps).rev().map(step).collect(), start_std, clip }
    }

    /// The integrator of the ODE, which compiles its own table.
    fn method(self) -> Option<Method> {
        match self {
            Self::Euler => Some(Method::Euler),
            Self::Heun => Some(Method::Heun),
            Self::Rk4 => Some(Method::Rk4),
            Self::Ddpm(_) | Self::Ddim { .. } => None,
        }
    }

    /// (c_x, c_0, c_z) of one step from `now` to the earlier `next`: factors of x_t, of x̂_0 and of the noise z.
    pub fn coefficients(self, now: Scales, next: Scales) -> (f64, f64, f64) {
        let Transition { a, variance } = Transition::between(now, next);
        let now_variance = now.s * now.s;
        let posterior_variance = variance * next.s * next.s / now_variance;
        match self {
            // q(x_r | x_t, x_0): Ho et al. 2020, eq. 6 and 7, with the stride's own a and β.
            Self::Ddpm(which) => {
                let c_x = a * next.s * next.s / now_variance;
                let c_0 = next.a * variance / now_variance;
                let noise = match which {
                    Variance::BetaTilde => posterior_variance,
                    // The step onto the data takes no noise (Ho et al. 2020, algorithm 2, line 3).
                    Variance::Beta if next.s == 0.0 => 0.0,
                    Variance::Beta => variance,
                };
                (c_x, c_0, noise.sqrt())
            }
            // Compiled by `Method::plan`; Euler's step is DDIM's.
            Self::Euler | Self::Heun | Self::Rk4 => Self::Ddim { eta: 0.0 }.coefficients(now, next),
            // x_r = a_r x̂_0 + √(s_r² − σ²) ε̂ + σ z with ε̂ = (x − a_t x̂_0)/s_t: Song, Meng & Ermon 2021, eq. 12.
            Self::Ddim { eta } => {
                let sigma = eta * posterior_variance.sqrt();
                let c_x = (next.s * next.s - sigma * sigma).max(0.0).sqrt() / now.s;
                (c_x, next.a - now.a * c_x, sigma)
            }
        }
    }
}

/// x_t given an earlier x_r: N(a x_r, variance I).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    /// Factor of x_r.
    pub a: f64,
    /// Variance of the noise that is added, per axis.
    pub variance: f64,
}

impl Transition {
    /// From the scales at t (`now`) and at the earlier r (`next`, as samplers go).
    pub fn between(now: Scales, next: Scales) -> Self {
        let a = now.a / next.a;
        Self { a, variance: (now.s * now.s - (a * next.s).powi(2)).max(0.0) }
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
        sampler.plan(steps, PlanContext { schedule, target: Target::Eps, timesteps: 1000 }, None)
    }

    fn any_path() -> impl Strategy<Value = Schedule> {
        proptest::sample::select(Schedule::every())
    }

    #[test]
    fn names_are_read_back_as_they_are_shown() {
        for sampler in Sampler::ALL.into_iter().chain([Sampler::Ddim { eta: 0.25 }, Sampler::Ddim { eta: 1.0 }]) {
            assert_eq!(sampler.to_string().parse(), Ok(sampler));
        }
        assert_eq!("ddim:0.5".parse(), Ok(Sampler::Ddim { eta: 0.5 }));
        for wrong in ["", "ddim:", "ddim:2", "ddim:-0.1", "ddim:NaN", "ddpm:0.5", "rk5"] {
            let error = wrong.parse::<Sampler>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("'{wrong}' is not a sampler")), "{error}");
        }
    }

    #[test]
    fn a_single_step_lands_on_the_prediction() {
        for sampler in Sampler::ALL {
            for schedule in Schedule::every() {
                let plan = plan(sampler, 1, schedule);
                let [step] = plan.steps[..] else { panic!("{} steps", plan.steps.len()) };
                assert_eq!((step.tau, step.tau_next, step.c_x, step.c_z), (1.0, 0.0, 0.0, 0.0));
                assert!((step.c_0 - 1.0).abs() < 1e-12, "{sampler} {schedule:?}");
            }
        }
    }

    #[test]
    fn a_plan_has_at_least_one_and_at_most_t_steps() {
        assert_eq!(plan(Sampler::Ddim { eta: 0.0 }, 0, Schedule::Linear).steps.len(), 1);
        assert_eq!(plan(Sampler::Ddim { eta: 0.0 }, 5000, Schedule::Linear).steps.len(), 1000);
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
        fn ddim_keeps_the_marginals_whatever_eta(steps in 1..=300_u32, eta in 0.0..=1.0_f64, schedule in any_path()) {
            for step in plan(Sampler::Ddim { eta }, steps, schedule).steps {
                let (now, next) = (schedule.scales(step.tau, 1000), schedule.scales(step.tau_next, 1000));
                prop_assert!((step.c_x * now.a + step.c_0 - next.a).abs() < 1e-9);
                let variance = (step.c_x * now.s).powi(2) + step.c_z.powi(2);
                prop_assert!((variance - next.s.powi(2)).abs() < 1e-9 * (1.0 + now.s * now.s));
            }
        }

        /// DDIM at η = 1 is DDPM with β̃ (Song, Meng & Ermon 2021, section 4.1), reached by another formula.
        #[test]
        fn ddim_at_eta_1_is_ancestral(steps in 1..=1000_u32, schedule in any_path()) {
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
