//! A sampler is a plan: a table of coefficients that any engine runs.
//!
//! Three registers a particle: the point x at which x̂_0 is evaluated, a memory m, and the base b of the present step.
//! Per stage, with x̂_0 the (clipped) prediction at x and z ~ N(0, I):
//! x ← c_x·x + c_0·x̂_0 + c_prev·m + c_base·b + c_z·z and m ← m_x·x + m_0·x̂_0 + m_prev·m (by the x before);
//! the last stage of a step makes the new x the base. By default m is the x̂_0 of the stage before and every stage ends
//! a step: DDPM, DDIM and DPM-Solver++(2M) need no more. Heun and Runge–Kutta take several stages a step.
//! Adding a sampler means adding a table, not a shader: a file with its `Row`, and its line in `samplers.rs`.
//!
//! Tables are written in the schedule's (a, s), so that every schedule is served, and in (x, x̂_0), so that clipping x̂_0 is felt
//! everywhere. A step goes from time t to an earlier time r, which need not be the one before it: a strided step has the
//! posterior of its own stride, never the one-step β.

mod ancestral;
mod ddim;
mod ode;
#[cfg(test)]
mod orders;
mod run;
mod samplers;
mod transition;

pub use ancestral::Variance;
pub use run::Registers;
pub use samplers::{Sampler, SamplerParseError};
pub use transition::{Factors, Transition};

use super::schedule::{Scales, Schedule};
use super::target::{Combination, Quantity, Target};
use crate::data::bounds::Bounds;
use crate::names::Words;

/// A sampler's row in the table of samplers.
pub(in crate::diffusion) struct Row {
    /// What it is called.
    words: Words,
    /// Steps where nobody says how many; no more than T are taken.
    steps: u32,
    /// Compiles it for so many steps, which are in 1..=T.
    plan: fn(u32, PlanContext, Option<Bounds>) -> Plan,
}

/// Steps of a sampler that needs few.
const FEW_STEPS: u32 = 50;

/// A table of one stage a step. The times are whole timesteps, evenly spaced from T down to 0; `step` says how x_r follows from
/// x_t, x̂_0 and fresh noise, by the scales at t and at r.
fn evenly(
    steps: u32,
    context: PlanContext,
    clip: Option<Bounds>,
    step: impl Fn(Scales, Scales) -> Factors,
) -> Plan {
    let PlanContext {
        schedule,
        target,
        timesteps,
    } = context;
    // The last whole timestep at or below an even division; distinct, since steps ≤ T.
    let tau = |left: u32| {
        let t = u64::from(timesteps) * u64::from(left) / u64::from(steps);
        t as f64 / f64::from(timesteps)
    };
    let stage = |left: u32| {
        let (tau, tau_next) = (tau(left), tau(left - 1));
        let now = schedule.scales(tau, timesteps);
        let Combination(x0_x, x0_output) = target.to_x0(now);
        let Factors { x, x_0, z } = step(now, schedule.scales(tau_next, timesteps));
        PlanStep {
            tau,
            tau_next,
            x0_x,
            x0_output,
            c_x: x,
            c_0: x_0,
            c_z: z,
            scales: now,
            ..PlanStep::default()
        }
    };
    Plan {
        steps: (1..=steps).rev().map(stage).collect(),
        start_std: context.start_std(),
        clip,
    }
}

/// One stage of a plan; most samplers take one a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanStep {
    /// t/T at which the network is evaluated.
    pub tau: f64,
    /// t/T after the step.
    pub tau_next: f64,
    /// x̂_0 = `x0_x` · x + `x0_output` · output; ε̂ or the score, where `quantity` says so.
    pub x0_x: f64,
    /// See `x0_x`.
    pub x0_output: f64,
    /// Factor of x.
    pub c_x: f64,
    /// Factor of x̂_0.
    pub c_0: f64,
    /// Factor of the memory, by default the x̂_0 of the stage before (0 in the first stage).
    pub c_prev: f64,
    /// Factor of the base.
    pub c_base: f64,
    /// Factor of the fresh noise z.
    pub c_z: f64,
    /// Memory: factor of x.
    pub m_x: f64,
    /// Memory: factor of x̂_0.
    pub m_0: f64,
    /// Memory: factor of the memory.
    pub m_prev: f64,
    /// The new x becomes the base: a step ends here.
    pub ends_step: bool,
    /// (a, s) at `tau`, by which the exact x̂_0 is computed where that is asked for.
    pub scales: Scales,
    /// What stands in the place of x̂_0; a sampler moves by x̂_0 itself.
    pub quantity: Quantity,
}

impl Default for PlanStep {
    /// Nothing moves; the memory is the x̂_0 of the stage before, and the stage is a step.
    fn default() -> Self {
        Self {
            tau: 0.0,
            tau_next: 0.0,
            x0_x: 0.0,
            x0_output: 1.0,
            c_x: 1.0,
            c_0: 0.0,
            c_prev: 0.0,
            c_base: 0.0,
            c_z: 0.0,
            m_x: 0.0,
            m_0: 1.0,
            m_prev: 0.0,
            ends_step: true,
            scales: Scales { a: 1.0, s: 0.0 },
            quantity: Quantity::X0,
        }
    }
}

/// A compiled sampler.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Stages from noise to data.
    pub steps: Vec<PlanStep>,
    /// Standard deviation of the start x_T.
    pub start_std: f64,
    /// Box to which every x̂_0 is clipped; `None` shows what 1/a makes of a small error.
    pub clip: Option<Bounds>,
}

impl Plan {
    /// A plan of one stage that moves nothing on: its result is x̂_0, ε̂ or the score at t/T = `tau`, so a run of it from
    /// given points is a field at these points. It comes from the network's output, or from the exact posterior, in one
    /// linear combination, and not by way of x̂_0: at small s, (a x̂_0 − x)/s² is a difference of near-equals.
    pub fn field(context: PlanContext, tau: f64, quantity: Quantity) -> Self {
        let scales = context.schedule.scales(tau, context.timesteps);
        let Combination(x0_x, x0_output) = context.target.to(quantity, scales);
        let stage = PlanStep {
            tau,
            tau_next: tau,
            x0_x,
            x0_output,
            c_x: 0.0,
            c_0: 1.0,
            scales,
            quantity,
            ..PlanStep::default()
        };
        Self {
            steps: vec![stage],
            start_std: 1.0,
            clip: None,
        }
    }

    /// How often a particle's x̂_0 is evaluated: once a stage. N steps of DDPM, DDIM and Euler take N, of Heun 2N − 1, of
    /// Runge–Kutta 4N − 3, for the landing on the data takes one.
    pub fn evaluations(&self) -> usize {
        self.steps.len()
    }

    /// Where the exact field leads, whatever T is: the probability-flow ODE by `steps` steps of Runge–Kutta from t = T
    /// until s/a = `nearest` (far below the width of the narrowest component, or wherever a landing is to be judged), then
    /// onto E[x_0 | x]. For the exact x̂_0 alone: no network has been trained at such times, and one that is run through
    /// it gets no finite number. Of a landing from s on a component of width σ, the relative error of the distance to the
    /// centre is s²/2σ².
    pub fn exact_flow(context: PlanContext, steps: u32, nearest: f64) -> Self {
        ode::exact_flow(context, steps, nearest, context.start_std())
    }

    /// The stages after which a recording takes a frame: of the steps, every `every`-th and the last.
    pub fn recorded_stages(&self, every: u32) -> Vec<usize> {
        let ends: Vec<usize> = (0..self.steps.len())
            .filter(|&stage| self.steps[stage].ends_step)
            .collect();
        let last = ends.len().saturating_sub(1);
        let every = every.max(1) as usize;
        (0..ends.len())
            .filter(|&step| (step + 1) % every == 0 || step == last)
            .map(|step| ends[step])
            .collect()
    }
}

/// What a plan is compiled for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanContext {
    /// The noise schedule.
    pub schedule: Schedule,
    /// What the network predicts.
    pub target: Target,
    /// T of the training.
    pub timesteps: u32,
}

impl PlanContext {
    /// s/a at t = 1, from where every sampler lands on the data.
    pub fn nearest(self) -> f64 {
        let Scales { a, s } = self
            .schedule
            .scales(1.0 / f64::from(self.timesteps.max(1)), self.timesteps);
        s / a
    }

    /// Standard deviation of x_T per axis, of data of variance 1.
    pub fn start_std(self) -> f64 {
        self.schedule.prior_std(self.timesteps)
    }
}
