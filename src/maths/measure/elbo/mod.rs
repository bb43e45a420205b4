//! The variational bound on −E ln p_θ(x_0) of DDPM's chain, term by term, in nats per point (Ho et al. 2020, eq. 5):
//!
//!   L_T + Σ_{t>1} L_{t−1} + L_0 = KL(q(x_T|x_0) ‖ p(x_T)) + Σ KL(q(x_{t−1}|x_t, x_0) ‖ p_θ(x_{t−1}|x_t)) − ln p_θ(x_0|x_1),
//!
//! on average over the data and their noise. Data are points of the plane (D = 2) and L_0 is a density's, so the whole is never
//! below the entropy h(p_0).
//!
//! Everything follows from the scales (a, s), so it holds for every schedule: also for flow, whose x_T keeps no signal (L_T = 0), and
//! for VE, whose p(x_T) is N(0, prior_std² I). At t = 0 all of them are the data (a = 1, s = 0), so q(x_0|x_1, x_0) has no width:
//! what σ_1² is, is said by the choice of variance.

mod draws;
mod variance;

pub use draws::Draws;
pub use variance::{Moments, StepVariance};

use super::Estimate;
use crate::diffusion::schedule::{Scales, Schedule};
use crate::diffusion::solver::{Factors, Transition, Variance, Widening};
use crate::diffusion::target::{Combination, Target};
use std::f64::consts::TAU;

/// Coordinates of a point.
const D: f64 = 2.0;

/// The step from t to t − 1: q(x_{t−1}|x_t, x_0) = N(c_t x_t + c_0 x_0, β̃ I).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// (a, s) at t.
    pub now: Scales,
    /// (a, s) at t − 1.
    pub next: Scales,
    /// Factor of x_t in the mean.
    pub c_t: f64,
    /// Factor of x_0 in the mean, and of x̂_0 in that of p_θ.
    pub c_0: f64,
    /// Variance of q(x_t|x_{t−1}), per axis: β_t where variance is preserved.
    pub beta: f64,
    /// Variance of q(x_{t−1}|x_t, x_0), per axis; 0 at t = 1.
    pub beta_tilde: f64,
}

impl Step {
    /// Of a schedule of T timesteps, from t in 1..=T.
    pub fn at(schedule: Schedule, timesteps: u32, t: u32) -> Self {
        let scales = |t: u32| schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
        Self::between(scales(t), scales(t.saturating_sub(1)))
    }

    fn between(now: Scales, next: Scales) -> Self {
        let Factors { x, x_0, z } = Variance::BetaTilde.step(now, next);
        Self {
            now,
            next,
            c_t: x,
            c_0: x_0,
            beta: Transition::between(now, next).variance,
            beta_tilde: z * z,
        }
    }

    /// Weight of ‖x_0 − x̂_0‖² in the term: c_0²/(2σ²) (Ho et al. 2020, eq. 8).
    pub fn weight(&self, sigma_squared: f64) -> f64 {
        self.c_0 * self.c_0 / (2.0 * sigma_squared)
    }

    /// What is left of the term where x̂_0 = x_0, nats: of KL(N(m, β̃ I) ‖ N(m̂, σ² I)) the part of the widths,
    /// D/2 (β̃/σ² − 1 − ln(β̃/σ²)); of −ln N(x_0; m̂, σ² I), at t = 1, D/2 ln(2πσ²).
    pub fn offset(&self, sigma_squared: f64) -> f64 {
        if self.next.s == 0.0 {
            0.5 * D * (TAU * sigma_squared).ln()
        } else {
            widths(self.beta_tilde / sigma_squared)
        }
    }

    /// The part of one axis in the term at one x_t, nats, by x_0 − x̂_0 on it and the variance on it.
    pub fn axis_term(&self, sigma_squared: f64, error: f64) -> f64 {
        self.offset(sigma_squared) / D + self.weight(sigma_squared) * error * error
    }

    /// The term at one x_t, nats, by ‖x_0 − x̂_0‖².
    pub fn term(&self, sigma_squared: f64, squared_error: f64) -> f64 {
        self.offset(sigma_squared) + self.weight(sigma_squared) * squared_error
    }
}

/// KL of two isotropic Gaussians of one mean, nats, by the ratio of their variances.
fn widths(ratio: f64) -> f64 {
    0.5 * D * (ratio - 1.0 - ratio.ln())
}

/// The chain of all T steps.
#[derive(Clone, Debug)]
pub struct Chain {
    /// From t = 1 to T.
    pub steps: Vec<Step>,
    /// Variance of p(x_T), per axis.
    pub prior_variance: f64,
}

impl Chain {
    /// Of a schedule at its timesteps t = 1..=T.
    pub fn new(schedule: Schedule, timesteps: u32) -> Self {
        let timesteps = timesteps.max(1);
        Self {
            steps: (1..=timesteps)
                .map(|t| Step::at(schedule, timesteps, t))
                .collect(),
            prior_variance: schedule.prior_std(timesteps).powi(2),
        }
    }

    /// By how much the noise of each step may be widened, and β̃, from t = 1 to T; of the chain's own schedule.
    fn widenings(&self, schedule: Schedule) -> Vec<(Widening, f64)> {
        let timesteps = self.steps.len() as u32;
        (1..=timesteps)
            .map(|t| Widening::at(schedule, timesteps, t))
            .collect()
    }

    /// L_T of one point, nats, by ‖x_0‖²: KL(N(a x_0, s² I) ‖ N(0, prior variance I)).
    pub fn prior_term(&self, squared_length: f64) -> f64 {
        let Scales { a, s } = self
            .steps
            .last()
            .map_or(Scales { a: 0.0, s: 1.0 }, |last| last.now);
        widths(s * s / self.prior_variance) + a * a * squared_length / (2.0 * self.prior_variance)
    }

    /// σ_t² from t = 1 to T, by what was found at each t.
    pub fn variances(&self, choice: StepVariance, moments: &[Moments]) -> Vec<f64> {
        let second = self.steps.get(1).map(|step| step.beta_tilde);
        std::iter::zip(&self.steps, moments)
            .map(|(step, moments)| choice.of(step, second, moments))
            .collect()
    }

    /// How much more a training's loss cares for each t than the bound does, from t = 1 to T: the ratio of the weights of
    /// ‖ε − ε̂‖² in both, each over its own sum. Above 1 the loss weighs the timestep up. For ε it is L_simple against the bound
    /// (Ho et al. 2020, section 3.4). NaN where x_t knows nothing of x_0 (a = 0).
    pub fn weighed_up(&self, target: Target, sigma_squared: &[f64]) -> Vec<f64> {
        let weights = std::iter::zip(&self.steps, sigma_squared).map(|(step, &sigma_squared)| {
            // ‖x_0 − x̂_0‖² = (s/a)² ‖ε − ε̂‖².
            let per_epsilon = (step.now.s / step.now.a).powi(2);
            let Combination(_, k_output) = target.to_x0(step.now);
            let loss = target.loss_weight(step.now) / (k_output * k_output) * per_epsilon;
            (loss, step.weight(sigma_squared) * per_epsilon)
        });
        let weights: Vec<_> = weights.collect();
        let known = || {
            weights
                .iter()
                .filter(|(loss, bound)| (loss + bound).is_finite())
        };
        let sums = known().fold((0.0, 0.0), |sum, w| (sum.0 + w.0, sum.1 + w.1));
        let ratio = |&(loss, bound): &(f64, f64)| {
            Some((loss / sums.0) / (bound / sums.1)).filter(|ratio| ratio.is_finite())
        };
        weights
            .iter()
            .map(|w| ratio(w).unwrap_or(f64::NAN))
            .collect()
    }
}

/// The bound of a denoiser by one choice of variances.
#[derive(Clone, Debug)]
pub struct Bound {
    /// σ_t² from t = 1 to T.
    pub sigma_squared: Vec<f64>,
    /// From t = 1 to T, nats: L_0, then L_{t−1}.
    pub terms: Vec<Estimate>,
    /// L_T, nats.
    pub prior: Estimate,
    /// Σ_{t>1} L_{t−1}, nats.
    pub denoising: Estimate,
    /// L_0, nats.
    pub reconstruction: Estimate,
    /// Their sum, nats. Its error knows that all terms are of the same points.
    pub total: Estimate,
    /// The mean of total + ln p_0(x_0) over the same points, nats: how far the bound lies above the entropy. Most of the chance in
    /// `total` is in −ln p_0(x_0) as well, so this is known better than both.
    pub above_entropy: Estimate,
}

impl Bound {
    /// Of what was drawn. Each draw is one x_0 that is taken through all t, so that sums have honest errors. Variances that are fitted
    /// to the same draws make the bound too low by less than 1/n nats. `None` of [`StepVariance::Learned`] where the denoiser says no
    /// variance.
    pub fn of(draws: &Draws, choice: StepVariance) -> Option<Self> {
        let chain = draws.chain();
        let sigma_squared = chain.variances(choice, &draws.moments());
        let count = draws.len();
        let priors: Vec<f64> = draws
            .squares()
            .map(|square| chain.prior_term(square))
            .collect();
        let mut denoising = vec![0.0; count];
        let mut reconstruction = Vec::new();
        let mut terms = Vec::with_capacity(sigma_squared.len());
        for (index, (step, &sigma_squared)) in
            std::iter::zip(&chain.steps, &sigma_squared).enumerate()
        {
            let term: Vec<f64> = if choice == StepVariance::Learned {
                draws.widened_terms(index)?.to_vec()
            } else {
                let errors = draws.errors(index).iter();
                let of_draw = |&error: &f64| step.term(sigma_squared, error);
                errors.map(of_draw).collect()
            };
            terms.push(Estimate::of_mean(&term));
            if index == 0 {
                reconstruction = term;
            } else {
                for (sum, term) in denoising.iter_mut().zip(term) {
                    *sum += term;
                }
            }
        }
        let totals: Vec<f64> = (0..count)
            .map(|i| priors[i] + denoising[i] + reconstruction[i])
            .collect();
        let above: Vec<f64> = std::iter::zip(&totals, draws.log_p())
            .map(|(total, log_p)| total + log_p)
            .collect();
        Some(Self {
            sigma_squared,
            terms,
            prior: Estimate::of_mean(&priors),
            denoising: Estimate::of_mean(&denoising),
            reconstruction: Estimate::of_mean(&reconstruction),
            total: Estimate::of_mean(&totals),
            above_entropy: Estimate::of_mean(&above),
        })
    }
}

#[cfg(test)]
mod tests;
