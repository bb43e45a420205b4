//! The bundle at a point: velocities and paths of the x_0 that could be there, and the marginal ones, which they make on average.

use std::sync::Arc;

use crate::chapters::shared::field_time::{field_scales, field_tau};
use crate::desk::Desk;
use maths::data::mixture::Mixture;
use maths::diffusion::conditional::{Passage, Velocity, posterior};
use maths::diffusion::schedule::{Scales, Schedule};
use maths::diffusion::solver::{Mix, Plan};
use maths::diffusion::target::Quantity;
use maths::measure::Estimate;

/// Where the point lies until the hand places it.
const OPENING: [f64; 2] = [0.15, -1.0];
/// Steps of a path to the data.
const STEPS: u32 = 32;
/// Velocities on the grid are drawn so much longer than scores.
pub(super) const GAIN: f64 = 2.0;

/// What the hand placed, on this side or on the other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hand {
    /// Where the point is put.
    pub(super) at: Option<[f64; 2]>,
    /// The draw of x_0 that was clicked.
    pub(super) picked: Option<usize>,
}

impl Hand {
    /// Where the point is.
    pub(super) fn at(&self) -> [f64; 2] {
        self.at.unwrap_or(OPENING)
    }
}

/// Backwards in t, as samples go.
pub(super) fn back(u: [f64; 2]) -> [f64; 2] {
    u.map(|c| -c)
}

/// u at the field's time.
fn velocity(desk: &Desk) -> Option<Velocity> {
    let experiment = &desk.here.snapshot.experiment;
    Velocity::at(experiment.schedule, field_tau(desk), experiment.timesteps)
}

/// The plan whose result is −u, [`GAIN`] times as long: −u is linear in x and x̂_0.
pub(super) fn velocity_plan(desk: &Desk) -> Option<Plan> {
    let context = desk.here.snapshot.experiment.plan_context();
    let [of_x, of_x_0] = velocity(desk)?.factors();
    let mut plan = Plan::field(context, field_tau(desk), Quantity::X0);
    for stage in &mut plan.steps {
        stage.to_x = Mix {
            x: -GAIN * of_x,
            x_0: -GAIN * of_x_0,
            ..Mix::default()
        };
    }
    Some(plan)
}

/// What a bundle is of.
#[derive(Clone)]
struct Case {
    x: [f64; 2],
    schedule: Schedule,
    timesteps: u32,
    tau: f64,
    truth: Arc<Mixture>,
    seed: u64,
    draws: u32,
}

impl Case {
    fn is(&self, other: &Self) -> bool {
        let key = |case: &Self| {
            let schedule = (case.schedule, case.timesteps, case.tau);
            (case.x, schedule, case.seed, case.draws)
        };
        key(self) == key(other) && Arc::ptr_eq(&self.truth, &other.truth)
    }
}

/// One x_0 that could be at the point.
#[derive(Clone, Debug)]
pub(super) struct Strand {
    pub(super) x_0: [f64; 2],
    /// The noise that brings it there.
    pub(super) epsilon: [f64; 2],
    /// u(x | x_0).
    pub(super) u: [f64; 2],
    /// From the point to x_0.
    pub(super) path: Vec<[f64; 2]>,
}

/// The strands at a point, and what they are on average.
pub(super) struct Bundle {
    of: Case,
    pub(super) velocity: Velocity,
    pub(super) strands: Vec<Strand>,
    /// The mean of the strands' u, along each axis.
    pub(super) mean: [Estimate; 2],
    /// u(x) in closed form.
    pub(super) marginal: [f64; 2],
    /// The path of the probability-flow ODE from the point to the data.
    pub(super) path: Vec<[f64; 2]>,
}

impl Bundle {
    /// Make it anew where what it is of has changed.
    pub(super) fn keep(bundle: &mut Option<Self>, at: [f64; 2], draws: u32, desk: &Desk) {
        let experiment = &desk.here.snapshot.experiment;
        let case = Case {
            x: at,
            schedule: experiment.schedule,
            timesteps: experiment.timesteps,
            tau: field_tau(desk),
            truth: desk.here.snapshot.dataset.mixture.clone(),
            seed: experiment.seed,
            draws,
        };
        if !bundle.as_ref().is_some_and(|known| known.of.is(&case)) {
            *bundle = velocity(desk).map(|u| Self::at(case, u, field_scales(desk)));
        }
    }

    fn at(of: Case, velocity: Velocity, scales: Scales) -> Self {
        let Scales { a, s } = scales;
        let passage = Passage::between(of.schedule, of.timesteps, of.tau, 0.0, STEPS);
        let x = of.x;
        let strand = |x_0: [f64; 2]| {
            let epsilon = [0, 1].map(|axis| (x[axis] - a * x_0[axis]) / s);
            Strand {
                x_0,
                epsilon,
                u: velocity.conditional(x, x_0),
                path: passage.conditional(x_0, epsilon),
            }
        };
        let drawn = posterior(&of.truth, x, scales).draws(of.seed, of.draws);
        let strands: Vec<Strand> = drawn.into_iter().map(strand).collect();
        let along = |axis: usize| {
            strands
                .iter()
                .map(|strand| strand.u[axis])
                .collect::<Vec<_>>()
        };
        Self {
            velocity,
            mean: [0, 1].map(|axis| Estimate::of_mean(&along(axis))),
            marginal: velocity.marginal(x, &of.truth.marginal(scales)),
            path: passage.marginal(&of.truth, x),
            strands,
            of,
        }
    }

    /// x.
    pub(super) fn point(&self) -> [f64; 2] {
        self.of.x
    }

    /// A strand's path from the point on to the noise.
    pub(super) fn onwards(&self, strand: &Strand) -> Vec<[f64; 2]> {
        let Case {
            schedule,
            timesteps,
            tau,
            ..
        } = self.of;
        Passage::between(schedule, timesteps, tau, 1.0, STEPS)
            .conditional(strand.x_0, strand.epsilon)
    }

    /// How far the mean of the strands is from the marginal u along each axis, in standard errors; `None` where all are one.
    pub(super) fn off(&self) -> [Option<f64>; 2] {
        [0, 1].map(|axis| {
            let Estimate { value, error } = self.mean[axis];
            let away = (value - self.marginal[axis]).abs();
            (error > 1e-9 * (1.0 + value.abs())).then(|| away / error)
        })
    }

    /// The t/T that the arrows go: round, no farther than to the data, and the longest no longer than `reach`.
    pub(super) fn stride(&self, reach: f64) -> f64 {
        let size = |u: [f64; 2]| u[0].hypot(u[1]);
        let strands = self.strands.iter().map(|strand| size(strand.u));
        let longest = strands.fold(size(self.marginal), f64::max);
        round_down((reach / longest.max(1e-9)).min(self.of.tau))
    }
}

/// The largest number of one digit, or of one and a half, that is not above this one.
fn round_down(value: f64) -> f64 {
    let decade = 10.0_f64.powf(value.log10().floor());
    0.5 * (2.0 * value / decade + 1e-9).floor() * decade
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_are_round_and_not_above() {
        for (value, round) in [
            (0.74, 0.7),
            (0.5, 0.5),
            (0.3, 0.3),
            (0.299, 0.25),
            (0.19, 0.15),
            (0.0131, 0.01),
            (1.0, 1.0),
        ] {
            let found = round_down(value);
            assert!((found - round).abs() < 1e-12, "{value}: {found}");
        }
    }
}
