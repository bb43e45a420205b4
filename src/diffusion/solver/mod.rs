//! A sampler is a plan: a table of coefficients that any engine runs.
//!
//! Per step, with x̂_0 the (clipped) prediction at the step's time and z ~ N(0, I):
//! x ← c_x·x + c_0·x̂_0 + c_prev·x̂_0,prev + c_z·z. Adding a sampler means adding a table, not a shader.

mod plans;

pub use plans::{Sampler, SamplerParseError, Variance};

use super::path::Path;
use super::target::Target;
use crate::data::bounds::Bounds;

/// One step of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanStep {
    /// t/T at which the network is evaluated.
    pub tau: f64,
    /// t/T after the step.
    pub tau_next: f64,
    /// x̂_0 = `x0_x` · x + `x0_output` · output.
    pub x0_x: f64,
    /// See `x0_x`.
    pub x0_output: f64,
    /// Factor of x.
    pub c_x: f64,
    /// Factor of x̂_0.
    pub c_0: f64,
    /// Factor of the previous step's x̂_0 (0 in the first step).
    pub c_prev: f64,
    /// Factor of the fresh noise z.
    pub c_z: f64,
}

/// A compiled sampler.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Steps from noise to data.
    pub steps: Vec<PlanStep>,
    /// Standard deviation of the start x_T.
    pub start_std: f64,
    /// Box to which every x̂_0 is clipped; `None` shows what 1/a makes of a small error.
    pub clip: Option<Bounds>,
}

/// What a plan is compiled for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanContext {
    /// The noise schedule.
    pub path: Path,
    /// What the network predicts.
    pub target: Target,
    /// T of the training.
    pub timesteps: u32,
}
