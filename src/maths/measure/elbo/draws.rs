//! What a denoiser makes of draws of x_t at every t.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::{Chain, D, Moments};
use crate::data::mixture::Mixture;
use crate::diffusion::schedule::{Scales, Schedule};
use crate::measure::entropy::take_off;

/// Mixed into seeds ("elbo"): these draws are nobody else's.
const SALT: u64 = 0x656C_626F;

/// Points x_0, each taken to every t = 1..=T by noise of its own there, and the squares that the bound is made of.
#[derive(Clone, Debug)]
pub struct Draws {
    chain: Chain,
    x_0: Vec<[f64; 2]>,
    /// ln p_0(x_0) of each.
    log_p: Vec<f64>,
    /// From t = 1 to T, [n] each: ‖x_0 − x̂_0‖², and the sum of ‖score‖² over the draws.
    levels: Vec<(Vec<f64>, f64)>,
}

/// With fewer draws nothing is known of how much noise has to do with an error.
const FEW: usize = 16;

/// Of one x_t: ‖x_0 − x̂_0‖², the square of the denoiser's score (a x̂_0 − x_t)/s², and ‖ε‖².
fn squares(Scales { a, s }: Scales, x_0: [f64; 2], x_t: [f64; 2], x0_hat: [f64; 2]) -> [f64; 3] {
    let square = |v: [f64; 2]| v[0] * v[0] + v[1] * v[1];
    [
        square([0, 1].map(|i| x_0[i] - x0_hat[i])),
        square([0, 1].map(|i| (a * x0_hat[i] - x_t[i]) / (s * s))),
        square([0, 1].map(|i| (x_t[i] - a * x_0[i]) / s)),
    ]
}

impl Draws {
    /// Of the exact denoiser E[x_0|x_t] of a mixture, by `count` points.
    pub fn exact(
        mixture: &Mixture,
        schedule: Schedule,
        timesteps: u32,
        count: usize,
        seed: u64,
    ) -> Self {
        let points = Self::points(mixture, count, seed);
        let chain = Chain::new(schedule, timesteps);
        let level = |(index, step): (usize, &super::Step)| {
            let marginal = mixture.marginal(step.now);
            let mut rng = StdRng::seed_from_u64(seed ^ SALT ^ ((index as u64 + 1) << 32));
            let each = points.iter().map(|point| {
                let x_0 = point.map(f64::from);
                let x_t = x_0.map(|x| {
                    let noise: f64 = rng.sample(StandardNormal);
                    step.now.a * x + step.now.s * noise
                });
                squares(step.now, x_0, x_t, marginal.posterior_mean(x_t))
            });
            collect(each)
        };
        let levels = chain.steps.par_iter().enumerate().map(level).collect();
        Self::new(chain, mixture, &points, levels)
    }

    /// Points x_0 of a mixture to measure by.
    pub fn points(mixture: &Mixture, count: usize, seed: u64) -> Vec<[f32; 2]> {
        mixture.draw(count, seed ^ SALT)
    }

    /// Of the frames of a run by `Plan::estimates`: [1 + 2T, n], the points x_0 and then, from t = 1 to T, x_t and x̂_0.
    /// `None` of another number of frames.
    pub fn of_frames(
        mixture: &Mixture,
        schedule: Schedule,
        timesteps: u32,
        frames: &[[f32; 2]],
    ) -> Option<Self> {
        let chain = Chain::new(schedule, timesteps);
        let each = 1 + 2 * chain.steps.len();
        let count = frames.len() / each;
        if count == 0 || count * each != frames.len() {
            return None;
        }
        let (points, rest) = frames.split_at(count);
        let levels = std::iter::zip(&chain.steps, rest.chunks(2 * count))
            .map(|(step, frames)| {
                let (x_t, x0_hat) = frames.split_at(count);
                let draws = points.iter().zip(x_t).zip(x0_hat);
                collect(draws.map(|((x_0, x_t), x0_hat)| {
                    let [x_0, x_t, x0_hat] = [x_0, x_t, x0_hat].map(|v| v.map(f64::from));
                    squares(step.now, x_0, x_t, x0_hat)
                }))
            })
            .collect();
        Some(Self::new(chain, mixture, points, levels))
    }

    fn new(
        chain: Chain,
        mixture: &Mixture,
        points: &[[f32; 2]],
        levels: Vec<(Vec<f64>, f64)>,
    ) -> Self {
        let data = mixture.marginal(Scales { a: 1.0, s: 0.0 });
        let x_0: Vec<[f64; 2]> = points.iter().map(|point| point.map(f64::from)).collect();
        let log_p = x_0.par_iter().map(|x| data.log_density(*x)).collect();
        Self {
            chain,
            x_0,
            log_p,
            levels,
        }
    }

    /// These draws and those of another run of the same schedule.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.x_0.extend(other.x_0);
        self.log_p.extend(other.log_p);
        for (level, (errors, scores)) in self.levels.iter_mut().zip(other.levels) {
            level.0.extend(errors);
            level.1 += scores;
        }
        self
    }

    /// The chain that they were drawn along.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// How many x_0.
    pub fn len(&self) -> usize {
        self.x_0.len()
    }

    /// True for none.
    pub fn is_empty(&self) -> bool {
        self.x_0.is_empty()
    }

    /// True where the denoiser answered with numbers alone.
    pub fn is_finite(&self) -> bool {
        let finite = |(errors, scores): &(Vec<f64>, f64)| {
            scores.is_finite() && errors.iter().all(|error| error.is_finite())
        };
        self.levels.iter().all(finite)
    }

    /// ln p_0(x_0) of each.
    pub fn log_p(&self) -> &[f64] {
        &self.log_p
    }

    /// ‖x_0‖² of each.
    pub fn squares(&self) -> impl Iterator<Item = f64> {
        self.x_0.iter().map(|[x, y]| x * x + y * y)
    }

    /// ‖x_0 − x̂_0‖² of each at t = `index` + 1, without what the size of the noise has to do with it.
    pub fn errors(&self, index: usize) -> &[f64] {
        self.levels.get(index).map_or(&[], |level| &level.0)
    }

    /// What is known from t = 1 to T.
    pub fn moments(&self) -> Vec<Moments> {
        let coordinates = D * self.len() as f64;
        let mean = |axis: usize| self.x_0.iter().map(|x| x[axis]).sum::<f64>() / self.len() as f64;
        let shift = 0.5 * (mean(0).powi(2) + mean(1).powi(2));
        let data_variance = self.squares().sum::<f64>() / coordinates - shift;
        let moments = self.levels.iter().map(|(errors, scores)| Moments {
            x0_error: errors.iter().sum::<f64>() / coordinates,
            gamma: scores / coordinates,
            data_variance,
        });
        moments.collect()
    }
}

/// The errors and the sum of the scores' squares. ‖ε‖², whose mean is D, is a control variate of the errors (Owen 2013, "Monte Carlo
/// theory", section 8.9): near the data, where x̂_0 − x_0 is −(s/a) ε and little else, it takes nearly all chance off.
fn collect(draws: impl Iterator<Item = [f64; 3]>) -> (Vec<f64>, f64) {
    let (mut errors, mut noise, mut scores) = (Vec::new(), Vec::new(), 0.0);
    for [error, score, square] in draws {
        errors.push(error);
        noise.push(square - D);
        scores += score;
    }
    if errors.len() >= FEW {
        take_off(&mut errors, &noise);
    }
    (errors, scores)
}
