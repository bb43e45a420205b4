//! What the compass reads at one clock.

use std::sync::Arc;

use crate::chapters::compass::needle::combine;
use crate::chapters::compass::placing::Placed;
use maths::data::mixture::Mixture;
use maths::diffusion::conditional::posterior;
use maths::diffusion::reverse_step::ReverseStep;
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::Factors;
use maths::measure::Estimate;

/// What the closed form says of the x_0 behind one x_t.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Posterior {
    /// E[x_0 | x_t].
    pub(super) mean: [f64; 2],
    /// Draws from p(x_0 | x_t).
    pub(super) draws: Vec<[f64; 2]>,
    /// The next step as it is, where it is looked at.
    pub(super) step: Option<StepLaw>,
}

/// Draws that the entropy of a step is measured by.
const LAW_DRAWS: u32 = 1024;

/// p(x′ | x_t), and its density on a grid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StepLaw {
    pub(super) law: Arc<ReverseStep>,
    /// Of the law, nats.
    pub(super) entropy: Estimate,
    pub(super) picture: Arc<Heat>,
}

/// A density over a box, relative to its largest value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heat {
    pub(super) min: [f64; 2],
    pub(super) max: [f64; 2],
    /// Row by row from `min` on, [`Heat::SIDE`] a row.
    pub(super) density: Vec<f32>,
}

impl Heat {
    /// Values along each side.
    pub(super) const SIDE: usize = 64;
    /// Standard deviations of the law from its mean to the box's edge.
    const REACH: f64 = 4.0;

    fn of(law: &ReverseStep) -> Self {
        let (mean, variance) = (law.mean(), law.variance());
        let reach = variance.map(|variance| Self::REACH * variance.sqrt());
        let min = [0, 1].map(|axis| mean[axis] - reach[axis]);
        let max = [0, 1].map(|axis| mean[axis] + reach[axis]);
        let along = |axis: usize, index: usize| {
            let share = index as f64 / (Self::SIDE - 1) as f64;
            min[axis] + share * (max[axis] - min[axis])
        };
        let cells =
            (0..Self::SIDE).flat_map(|row| (0..Self::SIDE).map(move |column| [column, row]));
        let logs: Vec<f64> = cells
            .map(|[column, row]| law.log_density([along(0, column), along(1, row)]))
            .collect();
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            min,
            max,
            density: logs.iter().map(|log| (log - top).exp() as f32).collect(),
        }
    }
}

/// What a posterior is of.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) x_t: [f64; 2],
    pub(super) scales: Scales,
    pub(super) truth: Arc<Mixture>,
    /// How many draws of x_0.
    pub(super) draws: u32,
    /// The scales after the next step, where its law is asked for.
    pub(super) next: Option<Scales>,
}

impl Case {
    /// True where the posterior is the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.x_t, self.scales, self.draws, self.next)
            == (other.x_t, other.scales, other.draws, other.next)
            && Arc::ptr_eq(&self.truth, &other.truth)
    }

    /// The posterior in closed form.
    pub(super) fn solve(&self) -> Posterior {
        let marginal = self.truth.marginal(self.scales);
        Posterior {
            mean: marginal.posterior_mean(self.x_t),
            draws: posterior(&self.truth, self.x_t, self.scales).draws(0, self.draws),
            step: self.next.map(|next| {
                let law = ReverseStep::new(&self.truth, self.x_t, self.scales, next);
                StepLaw {
                    picture: Arc::new(Heat::of(&law)),
                    entropy: law.entropy(LAW_DRAWS),
                    law: Arc::new(law),
                }
            }),
        }
    }
}

/// All that is drawn and read out at one clock.
pub(super) struct Reading {
    pub(super) scales: Scales,
    pub(super) placed: Placed,
    pub(super) x_t: [f64; 2],
    /// Of the x_0 that could be there.
    pub(super) posterior: Posterior,
    /// ε̂ and x̂_0 of the needle; `None` until the network has answered.
    pub(super) needle: Option<([f64; 2], [f64; 2])>,
    /// x̂_0 of the network.
    pub(super) learned: Option<[f64; 2]>,
    /// t/T after the next step.
    pub(super) tau_next: f64,
    /// Of the next step; `z` is its σ.
    pub(super) step: Factors,
}

impl Reading {
    /// KL of the step as it is from the Gaussian about this x̂_0 that a sampler takes, nats.
    pub(super) fn divergence(&self, x_0: [f64; 2]) -> Option<Estimate> {
        let StepLaw { law, entropy, .. } = self.posterior.step.as_ref()?;
        let variance = self.step.z * self.step.z;
        Some(law.divergence(self.mean(x_0), variance, *entropy))
    }

    /// c_x x_t + c_0 x̂_0.
    pub(super) fn mean(&self, x_0: [f64; 2]) -> [f64; 2] {
        combine(self.step.x, self.x_t, self.step.x_0, x_0)
    }
}
