//! The probability-flow ODE by the methods of Euler, Heun and Runge–Kutta.
//!
//! Integrated on a clock on which it is well behaved at both ends (Karras et al. 2022, eq. 3 and algorithm 1): for the
//! paths that keep signal to the end, y = x/a over σ = s/a with dy/dσ = ε̂; for flow matching, x over τ with
//! dx/dτ = ε̂ − x̂_0. On either, Euler's method is DDIM with η = 0. The step onto the data is Euler's for all: at σ = 0
//! there is no slope to average with. So that it does not decide the error, the times crowd towards the data: √τ is
//! evenly spaced from 1 to √(1/T), the first timestep that a network has seen, and from there one steps onto the data.

use super::{Plan, PlanContext, PlanStep};
use crate::data::bounds::Bounds;
use crate::diffusion::path::{Path, Scales};
use crate::diffusion::target::Pair;

/// Halvings of the interval in which a time is sought: f64 holds no more.
const BISECTIONS: u32 = 60;

/// A Runge–Kutta method, for integrating on the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Euler's: the slope at the start.
    Euler,
    /// Heun's: the mean of the slopes at both ends.
    Heun,
    /// The classical one of fourth order.
    Rk4,
}

impl Method {
    /// Compile for so many steps, at least one; Heun evaluates twice a step, Runge–Kutta four times.
    pub fn plan(self, steps: u32, context: PlanContext, start_std: f64, clip: Option<Bounds>) -> Plan {
        let clock = Clock { path: context.path, timesteps: context.timesteps };
        let times = times(steps.max(1), context.timesteps);
        let mut steps = Vec::new();
        for pair in times.windows(2) {
            let (now, next) = (pair[0], pair[1]);
            match self {
                _ if next == 0.0 => steps.push(clock.landing(context, now)),
                Self::Euler => steps.push(clock.stage(context, now, now, next, &Weights::EULER)),
                Self::Heun => {
                    steps.push(clock.stage(context, now, now, next, &Weights { ends_step: false, ..Weights::EULER }));
                    let mean = Weights { slope: 0.5, memory: 0.5, ..Weights::EULER };
                    steps.push(clock.stage(context, now, next, next, &mean));
                }
                Self::Rk4 => {
                    let middle = clock.middle(now, next);
                    let inner = |slope, keep, add| Weights { slope, memory: 0.0, keep, add, ends_step: false };
                    steps.push(clock.stage(context, now, now, middle, &inner(1.0, 0.0, 1.0)));
                    steps.push(clock.stage(context, now, middle, middle, &inner(1.0, 1.0, 2.0)));
                    steps.push(clock.stage(context, now, middle, next, &inner(1.0, 1.0, 2.0)));
                    let sixth = 1.0 / 6.0;
                    let last = Weights { slope: sixth, memory: sixth, keep: 0.0, add: 0.0, ends_step: true };
                    steps.push(clock.stage(context, now, next, next, &last));
                }
            }
        }
        Plan { steps, start_std, clip }
    }
}

/// t/T from 1 to 0.
fn times(steps: u32, timesteps: u32) -> Vec<f64> {
    let nearest = (1.0 / f64::from(timesteps)).sqrt();
    let crowded = |k: u32| {
        let share = f64::from(k) / f64::from(steps.max(2) - 1);
        (1.0 + (nearest - 1.0) * share).powi(2)
    };
    (0..steps).map(crowded).chain([0.0]).collect()
}

/// How a stage weighs the slope k at its point and the sum m of the slopes before: the next point is
/// base + Δ (slope·k + memory·m), the next memory keep·m + add·k.
struct Weights {
    slope: f64,
    memory: f64,
    keep: f64,
    add: f64,
    ends_step: bool,
}

impl Weights {
    const EULER: Self = Self { slope: 1.0, memory: 0.0, keep: 0.0, add: 1.0, ends_step: true };
}

/// The clock ζ of the integration, and the factor α of the state on it: x = α w.
#[derive(Clone, Copy)]
struct Clock {
    path: Path,
    timesteps: u32,
}

impl Clock {
    fn scales(self, tau: f64) -> Scales {
        self.path.scales(tau, self.timesteps)
    }

    /// (α, ζ) at t/T.
    fn at(self, tau: f64) -> (f64, f64) {
        let Scales { a, s } = self.scales(tau);
        if self.path == Path::Flow { (1.0, tau) } else { (a, s / a) }
    }

    /// (k_x, k_0) with dw/dζ = k_x x + k_0 x̂_0.
    fn slope(self, tau: f64) -> Pair {
        let Scales { a, s } = self.scales(tau);
        let at_x0 = if self.path == Path::Flow { a + s } else { a };
        Pair(1.0 / s, -at_x0 / s)
    }

    /// The time at which ζ is half-way between two times.
    fn middle(self, later: f64, earlier: f64) -> f64 {
        let wanted = 0.5 * (self.at(later).1 + self.at(earlier).1);
        let (mut low, mut high) = (earlier, later);
        for _ in 0..BISECTIONS {
            let middle = 0.5 * (low + high);
            if self.at(middle).1 < wanted { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }

    /// The step onto the data: x̂_0 itself.
    fn landing(self, context: PlanContext, tau: f64) -> PlanStep {
        let scales = self.scales(tau);
        let Pair(x0_x, x0_output) = context.target.to_x0(scales);
        PlanStep {
            tau,
            tau_next: 0.0,
            x0_x,
            x0_output,
            c_x: 0.0,
            c_0: self.scales(0.0).a,
            scales,
            ..PlanStep::default()
        }
    }

    /// One stage of the step from `base`: evaluated at `tau`, its result lies at `to`.
    fn stage(self, context: PlanContext, base: f64, tau: f64, to: f64, weights: &Weights) -> PlanStep {
        let scales = self.scales(tau);
        let Pair(x0_x, x0_output) = context.target.to_x0(scales);
        let Pair(k_x, k_0) = self.slope(tau);
        let ((alpha_base, zeta_base), (alpha, zeta)) = (self.at(base), self.at(to));
        // With the inner stages half-way the whole step's Δ is theirs doubled; the last stage goes the whole way.
        let delta = alpha * (zeta - zeta_base);
        let from_base = alpha / alpha_base;
        // Where the point is the base itself, the two factors are added here, in f64: they nearly cancel at the noise end.
        let (c_base, c_point) = if tau == base { (0.0, from_base) } else { (from_base, 0.0) };
        PlanStep {
            tau,
            tau_next: to,
            x0_x,
            x0_output,
            c_x: c_point + delta * weights.slope * k_x,
            c_0: delta * weights.slope * k_0,
            c_prev: delta * weights.memory,
            c_base,
            c_z: 0.0,
            m_x: weights.add * k_x,
            m_0: weights.add * k_0,
            m_prev: weights.keep,
            ends_step: weights.ends_step,
            scales,
            ..PlanStep::default()
        }
    }
}
