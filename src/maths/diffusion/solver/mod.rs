//! A sampler is a plan: a table of coefficients that any engine runs.
//!
//! Six registers a particle: the point x at which x̂_0 is evaluated, the base b of the present step, and four memories m. In each stage
//! every register becomes a linear combination ([`Mix`]) of the registers before, of x̂_0, the (clipped) prediction at x, and of
//! fresh noise z ~ N(0, I). Where nothing else is said
//! - the first memory takes x̂_0 and the others move on, so that the memories are the x̂_0 of the stages before;
//! - the last stage of a step makes the new x the base.
//!
//! DDPM, DDIM and the multistep solvers of DPM-Solver++ need no more; Heun and Runge–Kutta take several stages a step. A stage that
//! predicts nothing only moves registers, or adds noise.
//! Adding a sampler means adding a table, not a shader: a file with its `Row`, and its line in `samplers.rs`.
//!
//! Tables are written in the schedule's (a, s), so that every schedule is served, and in (x, x̂_0), so that clipping x̂_0 is felt
//! everywhere. A step goes from time t to an earlier time r, which need not be the one before it: a strided step has the
//! posterior of its own stride, never the one-step β.

mod adams;
mod adaptive;
mod ancestral;
mod consistency;
mod ddim;
mod editing;
mod edm;
mod estimates;
mod exponential;
mod file;
mod knots;
mod known;
mod langevin;
mod midpoint;
#[cfg(test)]
mod moments;
mod ode;
#[cfg(test)]
mod orders;
mod placement;
mod run;
mod samplers;
mod sde;
mod spacing;
#[cfg(test)]
mod tolerances;
mod transition;
mod unipc;
mod widening;

pub use adaptive::{Control, Effort, Flight, Mark, Question};
pub use ancestral::Variance;
pub use editing::{noised, slerp, timestep};
pub use file::{Factors as FileFactors, PlanFile, PlanFileError, StageFile};
pub use known::{Known, KnownError, Wanted};
pub use placement::{Placement, PlacementParseError};
pub use run::Registers;
pub use samplers::{Sampler, SamplerParseError};
pub use sde::drift_and_diffusion;
pub use spacing::{HANDLES as PLACEMENT_HANDLES, Spacing};
pub use transition::{Factors, Transition};
pub use widening::Widening;

use knots::Knots;

use super::schedule::{Scales, Schedule};
use super::target::{Combination, Quantity, Target};
use crate::data::bounds::Bounds;
use crate::names::Words;

/// A sampler's row in the table of samplers.
pub(in crate::diffusion) struct Row {
    /// What it is called.
    words: Words,
    /// With which it stands together in menus.
    family: &'static str,
    /// Steps where nobody says how many; no more than T are taken.
    steps: u32,
    /// What few steps do to its picture, in a sentence.
    few_steps: &'static str,
    /// Where its steps are placed where nobody says otherwise.
    placement: Placement,
    /// Its number of its own, as DDIM's η; `None` where it has none.
    dial: Option<Dial>,
    /// The method by which particles choose their own steps, of a tolerance that is its dial; `None` where the table says all steps.
    embedded: Option<adaptive::Embedded>,
    /// Compiles it for the steps between these knots, with this value of its dial.
    stages: fn(&Knots, f64) -> Vec<PlanStep>,
}

/// Steps of a sampler that needs few.
const FEW_STEPS: u32 = 50;

/// What stands together in menus.
mod families {
    /// DDPM and what follows from it.
    pub const ANCESTRAL: &str = "Ancestral";
    /// The probability-flow ODE on clocks with bounds.
    pub const FLOW: &str = "Probability flow";
    /// The probability-flow ODE over log SNR or σ.
    pub const LOG_SNR: &str = "Probability flow over log SNR";
    /// The probability-flow ODE by steps that each particle chooses.
    pub const ADAPTIVE: &str = "Probability flow in steps of its own";
    /// The reverse SDE and Langevin's.
    pub const SDE: &str = "Fresh noise at every step";
}

/// What few steps do to a picture.
mod few_steps {
    /// Of ancestral samplers.
    pub const THINNER: &str = "With fewer steps than T its picture is thinner or noisier.";
    /// Of first order.
    pub const STRAYS: &str =
        "Fewer than about 50 steps of first order leave strays, whatever the network.";
    /// Of higher order.
    pub const CLEAN: &str = "Of higher order: few steps leave no strays of their own.";
    /// Of what chooses its own steps.
    pub const OWN: &str =
        "Its steps are its own: the number says only how often it is seen on the way.";
    /// Of what lands in every step.
    pub const ENDS: &str = "One or two are what it is for: a consistency model lands in each.";
    /// Of Langevin's.
    pub const LEVELS: &str = "Its steps must be many: each goes a short way at a level.";
}

/// A number that a sampler has of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dial {
    /// Its letter.
    pub symbol: &'static str,
    /// What it is, in the menu.
    pub title: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// What the command line calls it, as `ETA` in `ddim:ETA`.
    pub word: &'static str,
    /// Least and most.
    pub range: [f64; 2],
    /// Where nobody says otherwise.
    pub usual: f64,
}

impl Dial {
    /// True where its values lie over decades, as tolerances do.
    pub fn spans_decades(&self) -> bool {
        let [least, most] = self.range;
        least > 0.0 && most > 100.0 * least
    }
}

/// What a register becomes in a stage: a linear combination of the registers, of x̂_0 and of fresh noise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mix {
    /// Factor of x.
    pub x: f64,
    /// Factor of x̂_0.
    pub x_0: f64,
    /// Factors of the memories.
    pub memory: [f64; MEMORIES],
    /// Factor of the base.
    pub base: f64,
    /// Factor of the fresh noise z, which is the same for all registers.
    pub z: f64,
}

impl Mix {
    /// x itself.
    pub const X: Self = Self {
        x: 1.0,
        ..Self::ZERO
    };
    /// x̂_0 itself.
    pub const X_0: Self = Self {
        x_0: 1.0,
        ..Self::ZERO
    };
    /// The base itself.
    pub const BASE: Self = Self {
        base: 1.0,
        ..Self::ZERO
    };
    const ZERO: Self = Self {
        x: 0.0,
        x_0: 0.0,
        memory: [0.0; MEMORIES],
        base: 0.0,
        z: 0.0,
    };

    /// A memory itself.
    pub const fn memory(index: usize) -> Self {
        let mut mix = Self::ZERO;
        mix.memory[index] = 1.0;
        mix
    }

    /// Every factor, in the order in which engines add up: of x, x̂_0, the first memory, the base, z, the other memories.
    pub const fn factors(self) -> [f64; 4 + MEMORIES] {
        let [m_0, m_1, m_2, m_3] = self.memory;
        [self.x, self.x_0, m_0, self.base, self.z, m_1, m_2, m_3]
    }

    /// The sum of both, the other times `factor`.
    #[must_use]
    pub fn plus(self, factor: f64, other: Self) -> Self {
        Self {
            x: self.x + factor * other.x,
            x_0: self.x_0 + factor * other.x_0,
            memory: std::array::from_fn(|i| self.memory[i] + factor * other.memory[i]),
            base: self.base + factor * other.base,
            z: self.z + factor * other.z,
        }
    }
}

/// Memories of a particle: x̂_0, or slopes, of so many stages before.
pub const MEMORIES: usize = 4;

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
    /// What x is multiplied by before the network sees it.
    pub input_scale: f64,
    /// The new x.
    pub to_x: Mix,
    /// The new base; `None` for the new x where a step ends, and else for the base as it was.
    pub to_base: Option<Mix>,
    /// The new memories.
    pub to_memory: [Mix; MEMORIES],
    /// Something is predicted here; else x̂_0 is 0, and nobody is asked for it.
    pub predicts: bool,
    /// A step ends here: what recordings and pictures show.
    pub ends_step: bool,
    /// (a, s) at `tau`, by which the exact x̂_0 is computed where that is asked for.
    pub scales: Scales,
    /// What stands in the place of x̂_0; a sampler moves by x̂_0 itself.
    pub quantity: Quantity,
    /// How the noise z is widened by what the network says of the variance, or by what is exact of it.
    pub widening: Option<Widening>,
    /// z is 1 and not drawn: what the widening makes of it is the widening itself.
    pub z_is_one: bool,
    /// What takes the place of coordinates that are known, in the new x and the new base.
    pub known: Option<Known>,
}

impl Default for PlanStep {
    /// Nothing moves; the memories are the x̂_0 of the stages before, and the stage is a step.
    fn default() -> Self {
        Self {
            tau: 0.0,
            tau_next: 0.0,
            x0_x: 0.0,
            x0_output: 1.0,
            input_scale: 1.0,
            to_x: Mix::X,
            to_base: None,
            to_memory: [Mix::X_0, Mix::memory(0), Mix::memory(1), Mix::memory(2)],
            predicts: true,
            ends_step: true,
            scales: Scales { a: 1.0, s: 0.0 },
            quantity: Quantity::X0,
            widening: None,
            z_is_one: false,
            known: None,
        }
    }
}

impl PlanStep {
    /// The memories stay.
    pub const KEEP: [Mix; MEMORIES] = [
        Mix::memory(0),
        Mix::memory(1),
        Mix::memory(2),
        Mix::memory(3),
    ];

    /// The new registers: x, the base, the memories.
    pub fn mixes(&self) -> [Mix; 2 + MEMORIES] {
        let base = self
            .to_base
            .unwrap_or(if self.ends_step { self.to_x } else { Mix::BASE });
        let [m_0, m_1, m_2, m_3] = self.to_memory;
        [self.to_x, base, m_0, m_1, m_2, m_3]
    }

    /// True where fresh noise is drawn.
    pub fn is_noisy(&self) -> bool {
        // Asked of every stage by whoever paints: nothing is put together for it.
        let others = self.to_base.iter().chain(&self.to_memory);
        let takes_z = self.to_x.z != 0.0 || others.into_iter().any(|mix| mix.z != 0.0);
        let holds = self.known.is_some_and(|known| known.std > 0.0);
        (takes_z || holds) && !self.z_is_one
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
    /// How particles choose their own steps; then a stage says where they are seen, and the last one lands.
    pub control: Option<Control>,
    /// The noise of its steps is not known before the data are: see [`Plan::with_posterior_variance`]. No engine takes it so.
    pub awaits_data: bool,
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
            input_scale: context.target.input_scale(scales),
            to_x: Mix::X_0,
            scales,
            quantity,
            ..PlanStep::default()
        };
        Self {
            steps: vec![stage],
            start_std: 1.0,
            clip: None,
            control: None,
            awaits_data: false,
        }
    }

    /// True where some stage draws fresh noise.
    pub fn is_noisy(&self) -> bool {
        self.steps.iter().any(PlanStep::is_noisy)
    }

    /// True where the network is asked for the variance of a step: one that has learned none cannot carry it out.
    pub fn asks_variance(&self) -> bool {
        self.steps.iter().any(|stage| stage.widening.is_some())
    }

    /// How often a particle's x̂_0 is evaluated: once a stage, but for those that only add noise. N steps of DDPM, DDIM and Euler
    /// take N, of Heun 2N − 1, of Runge–Kutta 4N − 3, for the landing on the data takes one. `None` where each particle chooses its
    /// own steps: then a run says how many there were.
    pub fn evaluations(&self) -> Option<usize> {
        let asked = self.steps.iter().filter(|stage| stage.predicts).count();
        self.control.is_none().then_some(asked)
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
