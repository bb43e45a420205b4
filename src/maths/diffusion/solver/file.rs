//! A plan as a file: a table of one's own, or one of the program's to look at and to change.
//!
//! A file holds what a sampler decides: where each stage is evaluated, and what the registers become. What the model decides (how x̂_0
//! follows from its output, a and s at each time) is put in when it is read for a model.

use serde::{Deserialize, Serialize};

use super::knots::Clock;
use super::{MEMORIES, Mix, Plan, PlanContext, PlanStep, Widening};
use crate::data::bounds::Bounds;
use crate::diffusion::schedule::Schedule;

/// Most stages of a file.
const MOST_STAGES: usize = 100_000;

/// A plan in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// The schedule that its coefficients are made for; `null` where they suit any.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// T that its times were made for; `null` where they suit any.
    #[serde(default)]
    pub timesteps: Option<u32>,
    /// The stages, from noise to data.
    pub stages: Vec<StageFile>,
}

/// A stage in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageFile {
    /// t/T at which it is evaluated.
    pub t: f64,
    /// t/T that the new x is at.
    pub to: f64,
    /// The new x, by the registers before.
    pub x: Factors,
    /// The new base; left out, the new x where a step ends, else the base as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Factors>,
    /// The new memories; left out, the first takes x̂_0 and the others move on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memories: Option<[Factors; MEMORIES]>,
    /// Something is predicted; else x̂_0 is 0 and nobody is asked.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub predicts: bool,
    /// A step ends here.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub ends_step: bool,
    /// How the network's variance widens the noise; left out, not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widening: Option<Widening>,
}

const fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_yes(value: &bool) -> bool {
    *value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// Factors of a linear combination; what is left out is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factors {
    /// Of x.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub x: f64,
    /// Of x̂_0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub x_0: f64,
    /// Of the base.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub base: f64,
    /// Of the memories.
    #[serde(default, skip_serializing_if = "all_zero")]
    pub memories: [f64; MEMORIES],
    /// Of fresh noise.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub z: f64,
}

fn all_zero(values: &[f64; MEMORIES]) -> bool {
    values.iter().all(is_zero)
}

impl From<Mix> for Factors {
    fn from(mix: Mix) -> Self {
        Self {
            x: mix.x,
            x_0: mix.x_0,
            base: mix.base,
            memories: mix.memory,
            z: mix.z,
        }
    }
}

impl From<Factors> for Mix {
    fn from(factors: Factors) -> Self {
        Self {
            x: factors.x,
            x_0: factors.x_0,
            base: factors.base,
            memory: factors.memories,
            z: factors.z,
        }
    }
}

/// Why a file is no plan for a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanFileError {
    /// Not the JSON of a plan.
    #[error("it is no plan: {0}; see docs/own-sampler.md")]
    Format(String),
    /// Not a table.
    #[error("a sampler that chooses its own steps is no table of stages: print another")]
    OwnSteps,
    /// A known coordinate is one run's.
    #[error(
        "a coordinate that is held belongs to a run and not to a plan: print the plan without it"
    )]
    Known,
    /// Nothing to do, or too much.
    #[error("it has {0} stages, and must have from 1 to {MOST_STAGES}")]
    Stages(usize),
    /// A time that is none.
    #[error("stage {0}: t = {1} is not above 0 and at most 1, or to = {2} not between 0 and 1")]
    Time(usize, f64, f64),
    /// A number that is none.
    #[error("stage {0} has a factor that is not a finite number")]
    NotFinite(usize),
    /// A variance that nobody says, or none at all.
    #[error(
        "stage {0} widens the noise by no finite numbers, by a gain or a base below 0, or where nothing is predicted"
    )]
    Widening(usize),
    /// It ends amid a step.
    #[error("the last stage does not end a step")]
    NoEnd,
    /// For another schedule.
    #[error("its factors are made for the schedule {}, and the model has {}", .0[0], .0[1])]
    Schedule(Box<[Schedule; 2]>),
    /// For another T.
    #[error("its times are made for T = {0}, and the model has {1}")]
    Timesteps(u32, u32),
}

impl PlanFile {
    /// The file of a plan that was compiled for a model.
    ///
    /// # Errors
    /// A plan whose particles choose their own steps, or that holds coordinates.
    pub fn of(plan: &Plan, context: PlanContext) -> Result<Self, PlanFileError> {
        if plan.steps.iter().any(|stage| stage.known.is_some()) {
            return Err(PlanFileError::Known);
        }
        if plan.control.is_some() {
            return Err(PlanFileError::OwnSteps);
        }
        let usual = PlanStep::default().to_memory;
        let stages = plan.steps.iter().map(|stage| StageFile {
            t: stage.tau,
            to: stage.tau_next,
            x: stage.to_x.into(),
            base: stage.to_base.map(Factors::from),
            memories: (stage.to_memory != usual).then(|| stage.to_memory.map(Factors::from)),
            predicts: stage.predicts,
            ends_step: stage.ends_step,
            widening: stage.widening,
        });
        Ok(Self {
            schedule: Some(context.schedule),
            timesteps: Some(context.timesteps),
            stages: stages.collect(),
        })
    }

    /// Read from JSON.
    ///
    /// # Errors
    /// What is not a plan.
    pub fn read(json: &str) -> Result<Self, PlanFileError> {
        serde_json::from_str(json).map_err(|error| PlanFileError::Format(error.to_string()))
    }

    /// Whether it is made for a model of this schedule and T.
    ///
    /// # Errors
    /// Another model's.
    pub fn suits(&self, context: PlanContext) -> Result<(), PlanFileError> {
        if let Some(schedule) = self.schedule.filter(|own| *own != context.schedule) {
            return Err(PlanFileError::Schedule(Box::new([
                schedule,
                context.schedule,
            ])));
        }
        if let Some(timesteps) = self.timesteps.filter(|own| *own != context.timesteps) {
            return Err(PlanFileError::Timesteps(timesteps, context.timesteps));
        }
        Ok(())
    }

    /// The plan for a model.
    ///
    /// # Errors
    /// Times or factors that make no sense, or another model's.
    pub fn plan(&self, context: PlanContext, clip: Option<Bounds>) -> Result<Plan, PlanFileError> {
        self.suits(context)?;
        if !(1..=MOST_STAGES).contains(&self.stages.len()) {
            return Err(PlanFileError::Stages(self.stages.len()));
        }
        let clock = Clock(context);
        let mut steps = Vec::with_capacity(self.stages.len());
        for (index, stage) in self.stages.iter().enumerate() {
            let number = index + 1;
            let StageFile { t, to, .. } = *stage;
            if !(t > 0.0 && t <= 1.0 && (0.0..=1.0).contains(&to)) {
                return Err(PlanFileError::Time(number, t, to));
            }
            let step = PlanStep {
                to_base: stage.base.map(Mix::from),
                to_memory: stage
                    .memories
                    .map_or(PlanStep::default().to_memory, |all| all.map(Mix::from)),
                predicts: stage.predicts,
                ends_step: stage.ends_step,
                tau_next: to,
                to_x: stage.x.into(),
                widening: stage.widening,
                ..clock.at(t).evaluated()
            };
            let widening = step.widening.unwrap_or(Widening::NONE);
            let Widening { span, gain, base } = widening;
            let whole = |of: f64| (of as f32).is_finite();
            let possible = [span, gain, base].into_iter().all(whole) && gain >= 0.0 && base >= 0.0;
            if !possible || (step.widening.is_some() && !step.predicts) {
                return Err(PlanFileError::Widening(number));
            }
            if !step
                .mixes()
                .into_iter()
                .flat_map(Mix::factors)
                .all(f64::is_finite)
            {
                return Err(PlanFileError::NotFinite(number));
            }
            steps.push(step);
        }
        if !steps.last().is_some_and(|last| last.ends_step) {
            return Err(PlanFileError::NoEnd);
        }
        Ok(Plan {
            steps,
            start_std: context.start_std(),
            clip,
            control: None,
            awaits_data: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::solver::Sampler;
    use crate::diffusion::target::Target;

    fn context(schedule: Schedule) -> PlanContext {
        PlanContext {
            schedule,
            target: Target::V,
            timesteps: 100,
        }
    }

    /// Every sampler on every schedule, printed and read again, is the same to the last bit.
    #[test]
    fn what_is_printed_is_read_back_as_it_was() {
        for schedule in Schedule::every() {
            for sampler in Sampler::ALL {
                let context = context(schedule);
                let plan = sampler.plan(9, context, None);
                let plan = plan.with_posterior_variance(|scales| 0.3 * scales.s);
                let file = match PlanFile::of(&plan, context) {
                    Ok(file) => file,
                    Err(error) => {
                        // And these alone are no tables.
                        assert!(plan.control.is_some(), "{sampler}: {error}");
                        continue;
                    }
                };
                assert!(plan.control.is_none(), "{sampler}");
                let json = serde_json::to_string(&file).unwrap();
                let read = PlanFile::read(&json).unwrap().plan(context, None).unwrap();
                assert_eq!(read, plan, "{sampler}, {schedule}");
            }
        }
    }

    /// Euler's method by hand, as docs/own-sampler.md writes it: two steps on flow matching.
    #[test]
    fn a_plan_that_was_written_by_hand_runs() {
        let json = r#"{"stages": [
            {"t": 1.0, "to": 0.5, "x": {"x": 0.5, "x_0": 0.5}},
            {"t": 0.5, "to": 0.0, "x": {"x_0": 1.0}}]}"#;
        let read = PlanFile::read(json).unwrap();
        let plan = read.plan(context(Schedule::Flow), None).unwrap();
        let end = plan.run(
            [2.0, -1.0],
            |stage, x| x.map(|x| x * stage.tau),
            |_| [0.0; 2],
        );
        // x_½ = ½ x + ½ x̂_0(x) = x, then x̂_0 = ½ x.
        assert_eq!(end, [1.0, -0.5]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let flow = context(Schedule::Flow);
        let stage =
            |inner: &str| format!(r#"{{"stages": [{{"t": 1, "to": 0, "x": {{}}{inner}}}]}}"#);
        let said = |json: &str| {
            let plan = PlanFile::read(json).and_then(|file| file.plan(flow, None));
            plan.map_or_else(|error| error.to_string(), |_| "a plan".to_owned())
        };
        assert_eq!(said(&stage("")), "a plan");
        for (json, words) in [
            ("", "it is no plan"),
            ("[]", "it is no plan"),
            (r#"{"stages": []}"#, "from 1 to 100000"),
            (
                &stage(r#", "predicts": false, "widening": {"span": 1, "gain": 1, "base": 1}"#),
                "where nothing is predicted",
            ),
            (
                &stage(r#", "widening": {"span": 1, "gain": -1, "base": 1}"#),
                "stage 1 widens the noise",
            ),
            (
                &stage(r#", "widening": {"span": 1e60, "gain": 1, "base": 1}"#),
                "stage 1 widens the noise",
            ),
            (
                &stage(r#", "widening": {"span": 1}"#),
                "missing field `gain`",
            ),
            (&stage(r#", "y": 1"#), "unknown field `y`"),
            (&stage(r#", "ends_step": false"#), "does not end a step"),
            (
                &stage("").replace(r#""t": 1"#, r#""t": 0"#),
                "stage 1: t = 0",
            ),
            (&stage("").replace(r#""to": 0"#, r#""to": 2"#), "to = 2"),
            (
                &stage("").replace(r#""x": {}"#, r#""x": {"z": 1e999}"#),
                "it is no plan",
            ),
            (
                &stage("").replace(r#"{"stages""#, r#"{"schedule": "cosine", "stages""#),
                "made for the schedule cosine",
            ),
            (
                &stage("").replace(r#"{"stages""#, r#"{"timesteps": 7, "stages""#),
                "T = 7",
            ),
        ] {
            assert!(said(json).contains(words), "{json}: {}", said(json));
        }
    }
}
