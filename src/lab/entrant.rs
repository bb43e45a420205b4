//! Who takes part where samplers are held against each other.

use std::fmt;
use std::sync::Arc;

use super::choice::Choice;
use super::experiment::Experiment;
use super::own_sampler::OwnSampler;
use maths::data::bounds::Bounds;
use maths::diffusion::solver::{Placement, Plan, PlanContext, PlanFileError, Sampler};

/// Who is picked.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// One of the program's.
    Sampler(Sampler),
    /// One of the user's own.
    Own(Arc<OwnSampler>),
}

impl fmt::Display for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sampler(sampler) => sampler.fmt(f),
            Self::Own(own) => f.write_str(own.name()),
        }
    }
}

/// Why a sampler cannot run.
const NO_VARIANCE: &str = "it takes its variance from the network, and this one learns none";
const ADDS_NOISE: &str = "it adds noise, which leads to the data only where noise and points are drawn apart in training";

impl Pick {
    /// Why it cannot run by an experiment's network, or by the exact field; `None` where it can. A sentence with its name.
    pub fn refusal(&self, experiment: &Experiment, exact: bool) -> Option<String> {
        let asks_variance = match self {
            Self::Sampler(sampler) => sampler.asks_variance(),
            Self::Own(own) => {
                if let Err(error) = own.suits(experiment.plan_context()) {
                    return Some(format!("{self}: {error}."));
                }
                own.asks_variance()
            }
        };
        let strays = |sampler: &Sampler| !exact && !experiment.leads_by(*sampler);
        if let Self::Sampler(sampler) = self
            && strays(sampler)
        {
            return Some(format!("{self}: {ADDS_NOISE}."));
        }
        let lacks = asks_variance && !exact && !experiment.learn_variance;
        lacks.then(|| format!("{self}: {NO_VARIANCE}."))
    }

    /// It with so many steps placed so; one's own has its own.
    pub fn entrant(&self, steps: u32, placement: Option<Placement>) -> Entrant {
        match self {
            Self::Sampler(sampler) => Entrant::Choice(Choice {
                sampler: *sampler,
                steps,
                placement,
            }),
            Self::Own(own) => Entrant::Own(own.clone()),
        }
    }
}

/// Who is picked, with its steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Entrant {
    /// One of the program's.
    Choice(Choice),
    /// One of the user's own.
    Own(Arc<OwnSampler>),
}

impl From<Choice> for Entrant {
    fn from(choice: Choice) -> Self {
        Self::Choice(choice)
    }
}

impl Entrant {
    /// Who it is, by whatever steps.
    pub fn pick(&self) -> Pick {
        match self {
            Self::Choice(choice) => Pick::Sampler(choice.sampler),
            Self::Own(own) => Pick::Own(own.clone()),
        }
    }

    /// Steps from noise to data.
    pub fn steps(&self) -> u32 {
        match self {
            Self::Choice(choice) => choice.steps,
            Self::Own(own) => own.steps(),
        }
    }

    /// Where the steps lie, by name; of one's own the file says it.
    pub fn placement(&self) -> String {
        match self {
            Self::Choice(choice) => {
                let placement = choice.placement.unwrap_or(choice.sampler.placement());
                placement.to_string()
            }
            Self::Own(_) => "file".to_owned(),
        }
    }

    /// It with at least one step, and as many as there are timesteps at most; one's own keeps what it has.
    #[must_use]
    pub fn within(self, timesteps: u32) -> Self {
        match self {
            Self::Choice(choice) => Self::Choice(Choice {
                steps: choice.steps.clamp(1, timesteps.max(1)),
                ..choice
            }),
            Self::Own(_) => self,
        }
    }

    /// True where it is `other` with half the steps.
    pub fn is_half_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Choice(half), Self::Choice(whole)) => {
                let steps = 2 * half.steps;
                Choice { steps, ..*half } == *whole
            }
            _ => false,
        }
    }

    /// Its table.
    ///
    /// # Errors
    /// One's own that is made for another model.
    pub fn plan(&self, context: PlanContext, clip: Option<Bounds>) -> Result<Plan, PlanFileError> {
        match self {
            Self::Choice(choice) => Ok(choice.plan(context, clip)),
            Self::Own(own) => own.plan(context, clip),
        }
    }

    /// True where it leads to where the flow of its field does, but for its error; of one's own where it has no noise of its own.
    pub fn follows_the_flow(&self, plan: &Plan) -> bool {
        match self {
            Self::Choice(choice) => choice.follows_the_flow(plan),
            Self::Own(_) => !plan.is_noisy(),
        }
    }
}
