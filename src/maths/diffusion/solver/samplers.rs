//! The samplers by name, as one table.

use serde::{Deserialize, Serialize};

use super::ancestral::{self, Variance};
use super::knots::Knots;
use super::{
    Control, Dial, Placement, Plan, PlanContext, Row, adams, adaptive, consistency, ddim, edm,
    exponential, langevin, midpoint, ode, sde, unipc,
};
use crate::data::bounds::Bounds;
use crate::names::{self, Words, same};

/// Makes the table of samplers, in the order of the menus: `NAME: row` for each that has no number of its own, `NAME { dial }: row` for
/// each that has one.
macro_rules! samplers {
    ($($(#[$doc:meta])* $name:ident $({ $(#[$dial_doc:meta])* $dial:ident })?: $row:expr,)*) => {
        /// A sampler by name.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Sampler {
            /// Ancestral sampling (Ho et al. 2020, algorithm 2).
            Ddpm(Variance),
            $($(#[$doc])* $name $({ $(#[$dial_doc])* $dial: f64 })?,)*
        }

        impl Sampler {
            /// One of each, in the order of the menus, with their dials as usual.
            pub const ALL: [Self; 2 + [$(stringify!($name)),*].len()] = [
                Self::Ddpm(Variance::BetaTilde),
                Self::Ddpm(Variance::Beta),
                $(Self::$name $({ $dial: usual(&$row) })?,)*
            ];

            const fn row(self) -> &'static Row {
                match self {
                    Self::Ddpm(Variance::BetaTilde) => &ancestral::POSTERIOR,
                    Self::Ddpm(Variance::Beta) => &ancestral::FORWARD,
                    $(Self::$name $({ $dial: _ })? => &$row,)*
                }
            }

            /// The number that it has of its own.
            pub const fn dial_value(self) -> Option<f64> {
                match self {
                    $($(Self::$name { $dial } => Some($dial),)?)*
                    _ => None,
                }
            }

            /// With another number of its own; as it is where it has none.
            #[must_use]
            pub const fn with_dial(self, value: f64) -> Self {
                match self {
                    $($(Self::$name { $dial: _ } => Self::$name { $dial: value },)?)*
                    other => other,
                }
            }
        }
    };
}

const fn usual(row: &Row) -> f64 {
    match row.dial {
        Some(dial) => dial.usual,
        None => 0.0,
    }
}

samplers! {
    /// Ancestral sampling with the variance that the network has learned (Nichol & Dhariwal 2021).
    #[serde(rename = "ddpm-learned")]
    DdpmLearned: ancestral::LEARNED,
    /// Ancestral sampling with the variance that is best for these data (Bao et al. 2022, "Analytic-DPM").
    #[serde(rename = "ddpm-analytic")]
    DdpmAnalytic: ancestral::ANALYTIC,
    /// DDIM with noise η in [0, 1] (Song, Meng & Ermon 2021, eq. 12 and 16).
    Ddim {
        /// 0 deterministic, 1 ancestral.
        eta
    }: ddim::ROW,
    /// Onto x̂_0 and up again by fresh noise (Song et al. 2023, algorithm 1).
    Consistency: consistency::ROW,
    /// The probability-flow ODE by Euler's method: DDIM with η = 0 at times that crowd towards the data.
    Euler: ode::EULER,
    /// The probability-flow ODE by Heun's method (Karras et al. 2022, algorithm 1).
    Heun: ode::HEUN,
    /// The probability-flow ODE by the classical Runge–Kutta method of fourth order.
    Rk4: ode::RK4,
    /// Adams–Bashforth of fourth order (PNDM, Liu et al. 2022; iPNDM, Zhang & Chen 2023).
    Ab4: adams::ROW,
    /// The velocity by Euler's method in t (Lipman et al. 2023).
    #[serde(rename = "flow-euler")]
    FlowEuler: midpoint::EULER,
    /// The velocity by the method of the middle.
    Midpoint: midpoint::MIDPOINT,
    /// The probability-flow ODE by the method of Dormand and Prince, in steps of each particle's own.
    Dopri5 {
        /// What a step may be wrong by.
        tolerance
    }: adaptive::DORMAND_PRINCE,
    /// The probability-flow ODE by the method of Bogacki and Shampine, in steps of each particle's own.
    Bosh3 {
        /// What a step may be wrong by.
        tolerance
    }: adaptive::BOGACKI_SHAMPINE,
    /// DPM-Solver-1 (Lu et al. 2022).
    #[serde(rename = "dpm-1")]
    Dpm1: exponential::FIRST,
    /// DPM-Solver-2 (Lu et al. 2022, algorithm 1).
    #[serde(rename = "dpm-2")]
    Dpm2: exponential::SECOND,
    /// DPM-Solver++(2S) (Lu et al. 2022, "DPM-Solver++", algorithm 1).
    #[serde(rename = "dpmpp-2s")]
    DpmPp2S: exponential::SINGLE,
    /// DPM-Solver++(2M) (Lu et al. 2022, "DPM-Solver++", algorithm 2).
    #[serde(rename = "dpmpp-2m")]
    DpmPp2M: exponential::MULTI,
    /// DPM-Solver++(3M) (Lu et al. 2022, "DPM-Solver++", appendix B).
    #[serde(rename = "dpmpp-3m")]
    DpmPp3M: exponential::MULTI_THIRD,
    /// UniPC of second order (Zhao et al. 2023).
    UniPc: unipc::ROW,
    /// Heun's method over σ, with churn (Karras et al. 2022, algorithm 2).
    Edm {
        /// How much noise is added before each step, over all steps.
        churn
    }: edm::ROW,
    /// The reverse SDE by Euler and Maruyama (Song et al. 2021).
    #[serde(rename = "euler-maruyama")]
    EulerMaruyama: sde::EULER_MARUYAMA,
    /// An ancestral step, then one of Langevin's (Song et al. 2021, algorithm 5).
    #[serde(rename = "pc")]
    PredictorCorrector {
        /// Length of the corrector's step against its noise.
        snr
    }: sde::PREDICTOR_CORRECTOR,
    /// Annealed Langevin dynamics (Song & Ermon 2019, algorithm 1).
    Langevin {
        /// Length of a step over s².
        step
    }: langevin::ANNEALED,
    /// Langevin dynamics at one level.
    #[serde(rename = "langevin-one")]
    LangevinOne {
        /// t/T of the level.
        tau
    }: langevin::SINGLE,
}

/// A sampler's name that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a sampler: use {known}", known = Sampler::known())]
pub struct SamplerParseError(pub String);

impl Sampler {
    /// What it is called, without its dial.
    pub const fn words(self) -> &'static Words {
        &self.row().words
    }

    /// The name on the command line and in files, without its dial; `Display` gives the whole.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    /// What the number of its own is, where it has one.
    pub const fn dial(self) -> Option<Dial> {
        self.row().dial
    }

    /// With which it stands together in menus.
    pub const fn family(self) -> &'static str {
        self.row().family
    }

    /// What few steps do to its picture, in a sentence.
    pub const fn few_steps(self) -> &'static str {
        self.row().few_steps
    }

    /// True where the network says the variance of its steps: one that has learned none has nothing to say.
    pub const fn asks_variance(self) -> bool {
        matches!(self, Self::DdpmLearned)
    }

    /// Where its steps are placed where nobody says otherwise.
    pub const fn placement(self) -> Placement {
        self.row().placement
    }

    /// True where its dial stands where it usually does, or where it has none.
    pub fn is_usual(self) -> bool {
        self.dial_value() == self.dial().map(|dial| dial.usual)
    }

    /// The names that are understood: `ddpm, ddpm-beta, ddim, ddim:ETA with ETA between 0 and 1, euler, ...`.
    pub fn known() -> String {
        let names: Vec<String> = Self::ALL.iter().map(|sampler| sampler.said()).collect();
        names::listed(names.iter().map(String::as_str))
    }

    fn said(self) -> String {
        let name = self.name();
        self.dial().map_or_else(
            || name.to_owned(),
            |Dial { word, range, .. }| {
                let [least, most] = range;
                format!("{name}, {name}:{word} with {word} between {least} and {most}")
            },
        )
    }

    /// Steps that suit the sampler for a model of T timesteps: all of them for DDPM, 50 for those that need few.
    pub fn default_steps(self, timesteps: u32) -> u32 {
        self.row().steps.min(timesteps)
    }

    /// Compile into a table, the steps placed as the sampler has them by itself. `steps` is held within 1..=T.
    pub fn plan(self, steps: u32, context: PlanContext, clip: Option<Bounds>) -> Plan {
        self.plan_placed(None, steps, context, clip)
    }

    /// Compile into a table, with the steps placed so; `None` as the sampler has them by itself.
    pub fn plan_placed(
        self,
        placement: Option<Placement>,
        steps: u32,
        context: PlanContext,
        clip: Option<Bounds>,
    ) -> Plan {
        let context = PlanContext {
            timesteps: context.timesteps.max(1),
            ..context
        };
        let steps = steps.clamp(1, context.timesteps);
        let placement = placement.unwrap_or(self.placement());
        self.plan_at(&placement.knots(steps, context), clip)
    }

    /// Compile into a table for steps between these t/T, which fall from 1 to 0.
    pub fn plan_through(
        self,
        taus: impl IntoIterator<Item = f64>,
        context: PlanContext,
        clip: Option<Bounds>,
    ) -> Plan {
        self.plan_at(&Knots::at(context, taus), clip)
    }

    /// Compile into a table for the steps between these knots.
    pub(super) fn plan_at(self, knots: &Knots, clip: Option<Bounds>) -> Plan {
        let dial = self.dial_value().unwrap_or(0.0);
        let Row {
            stages, embedded, ..
        } = self.row();
        Plan {
            steps: stages(knots, dial),
            start_std: knots.context().start_std(),
            clip,
            control: embedded.map(|method| Control::new(method, dial, knots.context())),
            awaits_data: self == Self::DdpmAnalytic,
        }
    }
}

impl std::str::FromStr for Sampler {
    type Err = SamplerParseError;

    fn from_str(text: &str) -> Result<Self, SamplerParseError> {
        let named = |name: &str| {
            let mut all = Self::ALL.into_iter();
            all.find(|sampler| same(sampler.name(), name))
        };
        if let Some(sampler) = named(text) {
            return Ok(sampler);
        }
        let with_dial = || {
            let (name, value) = text.split_once(':')?;
            let sampler = named(name)?;
            let [least, most] = sampler.dial()?.range;
            let value: f64 = value.parse().ok()?;
            let within = (least..=most).contains(&value);
            within.then(|| sampler.with_dial(value))
        };
        with_dial().ok_or_else(|| SamplerParseError(text.into()))
    }
}

impl std::fmt::Display for Sampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())?;
        match self.dial_value() {
            Some(value) if !self.is_usual() => write!(f, ":{value}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::schedule::Schedule;
    use crate::diffusion::solver::Mix;
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

    /// And the last step of any plan does, but for what is left of the noise at one level.
    #[test]
    fn a_single_step_lands_on_the_prediction() {
        for sampler in Sampler::ALL {
            for schedule in Schedule::every() {
                let single = plan(sampler, 1, schedule);
                // What chooses its own steps follows the flow to t = 1 before.
                let stages = 1 + usize::from(single.control.is_some());
                assert_eq!(single.steps.len(), stages, "{sampler}");
                for landing in
                    [&single, &plan(sampler, 7, schedule)].map(|p| p.steps.last().unwrap())
                {
                    let Mix {
                        x,
                        x_0,
                        memory,
                        base,
                        z,
                    } = landing.to_x;
                    let what = format!("{sampler} {schedule}: {landing:?}");
                    assert_eq!(landing.tau_next, 0.0, "{what}");
                    assert!((x_0 - 1.0).abs() < 1e-12, "{what}");
                    let others = memory.into_iter().chain([x, base, z]);
                    assert!(others.into_iter().all(|factor| factor == 0.0), "{what}");
                }
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
                prop_assert!([step.to_x.x, step.to_x.x_0, step.to_x.z].iter().all(|c| c.is_finite()));
            }
        }

        /// Any DDIM keeps the marginal: fed the true x_0 it turns N(a_t x_0, s_t²) into N(a_r x_0, s_r²).
        #[test]
        fn ddim_keeps_the_marginals_whatever_eta(steps in 1..=300_u32, eta in 0.0..=1.0_f64, schedule in any_schedule()) {
            for step in plan(Sampler::Ddim { eta }, steps, schedule).steps {
                let (now, next) = (schedule.scales(step.tau, 1000), schedule.scales(step.tau_next, 1000));
                prop_assert!((step.to_x.x * now.a + step.to_x.x_0 - next.a).abs() < 1e-9);
                let variance = (step.to_x.x * now.s).powi(2) + step.to_x.z.powi(2);
                prop_assert!((variance - next.s.powi(2)).abs() < 1e-9 * (1.0 + now.s * now.s));
            }
        }

        /// DDIM at η = 1 is DDPM with β̃ (Song, Meng & Ermon 2021, section 4.1), reached by another formula.
        #[test]
        fn ddim_at_eta_1_is_ancestral(steps in 1..=1000_u32, schedule in any_schedule()) {
            let ddim = plan(Sampler::Ddim { eta: 1.0 }, steps, schedule);
            let ddpm = plan(Sampler::Ddpm(Variance::BetaTilde), steps, schedule);
            for (left, right) in ddim.steps.iter().zip(&ddpm.steps) {
                prop_assert!((left.to_x.x - right.to_x.x).abs() < 1e-6);
                prop_assert!((left.to_x.x_0 - right.to_x.x_0).abs() < 1e-6);
                prop_assert!((left.to_x.z - right.to_x.z).abs() < 1e-9);
            }
        }
    }
}
