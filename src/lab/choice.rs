//! How samples are drawn: the sampler, its steps, and where they lie.

use std::sync::Arc;

use super::experiment::Experiment;
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::solver::{Placement, Plan, PlanContext, Sampler};
use maths::measure::spread::Spread;

/// A sampler and its steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The sampler.
    pub sampler: Sampler,
    /// Steps from noise to data.
    pub steps: u32,
    /// Where they are placed; `None` as the sampler has them.
    pub placement: Option<Placement>,
}

/// A plan that knows of the data what it needs to: where it waits for them, about a tenth of a second the first time.
pub fn told_of(mixture: &Arc<Mixture>, plan: Plan) -> Plan {
    if !plan.awaits_data {
        return plan;
    }
    let spread = Spread::of(mixture);
    plan.with_posterior_variance(|scales| spread.at(scales))
}

impl Choice {
    /// Those of an experiment.
    pub fn of(experiment: &Experiment) -> Self {
        Self {
            sampler: experiment.sampler,
            steps: experiment.sampler_steps,
            placement: experiment.placement,
        }
    }

    /// Its table.
    pub fn plan(self, context: PlanContext, clip: Option<Bounds>) -> Plan {
        self.sampler
            .plan_placed(self.placement, self.steps, context, clip)
    }

    /// True where it leads to where the flow of its field does, but for its error: not one with noise of its own.
    pub fn follows_the_flow(self, plan: &Plan) -> bool {
        !plan.is_noisy() && !matches!(self.sampler, Sampler::LangevinOne { .. })
    }
}
