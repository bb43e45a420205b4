//! What a denoiser makes of draws of x_t at every t.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;
use rayon::prelude::*;

use std::f64::consts::TAU;

use super::{Chain, D, Moments};
use crate::data::mixture::Mixture;
use crate::diffusion::schedule::{Scales, Schedule};
use crate::diffusion::solver::Widening;
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
    /// From t = 1 to T.
    levels: Vec<Level>,
}

/// What was drawn at one t.
#[derive(Clone, Debug, Default)]
struct Level {
    /// ‖x_0 − x̂_0‖² of each draw.
    errors: Vec<f64>,
    /// The sum of ‖score‖² over the draws.
    scores: f64,
    /// Where a variance is said at each x_t: the term of each draw, nats, and the sum of ‖w‖² over them.
    widened: Option<(Vec<f64>, f64)>,
}

/// With fewer draws nothing is known of how much noise has to do with an error.
const FEW: usize = 16;

/// One x_t of an x_0, x̂_0 there, and by how much the noise of the step is widened, where that is said.
struct Draw {
    x_0: [f64; 2],
    x_t: [f64; 2],
    x0_hat: [f64; 2],
    w: Option<[f64; 2]>,
}

/// ‖v‖².
fn square(v: [f64; 2]) -> f64 {
    v[0] * v[0] + v[1] * v[1]
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
        let widenings = chain.widenings(schedule);
        let level = |(index, step): (usize, &super::Step)| {
            let marginal = mixture.marginal(step.now);
            let mut rng = StdRng::seed_from_u64(seed ^ SALT ^ ((index as u64 + 1) << 32));
            let each = points.iter().map(|point| {
                let x_0 = point.map(f64::from);
                let x_t = x_0.map(|x| {
                    let noise: f64 = rng.sample(StandardNormal);
                    step.now.a * x + step.now.s * noise
                });
                let (x0_hat, variance) = marginal.posterior_moments(x_t);
                let w = Some(variance.map(|variance| widenings[index].0.by_posterior(variance)));
                Draw {
                    x_0,
                    x_t,
                    x0_hat,
                    w,
                }
            });
            Level::of(step.now, widenings[index], each)
        };
        let levels = chain.steps.par_iter().enumerate().map(level).collect();
        Self::new(chain, mixture, &points, levels)
    }

    /// Points x_0 of a mixture to measure by.
    pub fn points(mixture: &Mixture, count: usize, seed: u64) -> Vec<[f32; 2]> {
        mixture.draw(count, seed ^ SALT)
    }

    /// Of the frames of a run by `Plan::estimates`: [1 + 2T, n], the points x_0 and then, from t = 1 to T, x_t and x̂_0; of one that asks
    /// for variances [1 + 3T, n], with w after each x̂_0. `None` of another number of frames.
    pub fn of_frames(
        mixture: &Mixture,
        schedule: Schedule,
        timesteps: u32,
        frames: &[[f32; 2]],
        asks_variance: bool,
    ) -> Option<Self> {
        let chain = Chain::new(schedule, timesteps);
        let widenings = chain.widenings(schedule);
        let of_a_step = if asks_variance { 3 } else { 2 };
        let each = 1 + of_a_step * chain.steps.len();
        let count = frames.len() / each;
        if count == 0 || count * each != frames.len() {
            return None;
        }
        let (points, rest) = frames.split_at(count);
        let levels = std::iter::zip(&chain.steps, &widenings)
            .zip(rest.chunks(of_a_step * count))
            .map(|((step, widening), frames)| {
                let draw = |i: usize| {
                    let of = |frame: usize| frames.get(frame * count + i).map(|v| v.map(f64::from));
                    Draw {
                        x_0: points[i].map(f64::from),
                        x_t: of(0).unwrap_or([f64::NAN; 2]),
                        x0_hat: of(1).unwrap_or([f64::NAN; 2]),
                        w: of(2),
                    }
                };
                Level::of(step.now, *widening, (0..count).map(draw))
            })
            .collect();
        Some(Self::new(chain, mixture, points, levels))
    }

    fn new(chain: Chain, mixture: &Mixture, points: &[[f32; 2]], levels: Vec<Level>) -> Self {
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
        for (level, other) in self.levels.iter_mut().zip(other.levels) {
            level.errors.extend(other.errors);
            level.scores += other.scores;
            level.widened = level
                .widened
                .take()
                .zip(other.widened)
                .map(|(own, others)| {
                    let (mut terms, squares) = own;
                    terms.extend(others.0);
                    (terms, squares + others.1)
                });
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
        let finite = |level: &Level| {
            let terms = level.widened.iter().flat_map(|(terms, _)| terms);
            let mut all = level.errors.iter().chain(terms);
            level.scores.is_finite() && all.all(|value| value.is_finite())
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
        self.levels.get(index).map_or(&[], |level| &level.errors)
    }

    /// The terms of each at t = `index` + 1, nats, by the variance that is said there; `None` where none is.
    pub fn widened_terms(&self, index: usize) -> Option<&[f64]> {
        let (terms, _) = self.levels.get(index)?.widened.as_ref()?;
        Some(terms)
    }

    /// What is known from t = 1 to T.
    pub fn moments(&self) -> Vec<Moments> {
        let coordinates = D * self.len() as f64;
        let mean = |axis: usize| self.x_0.iter().map(|x| x[axis]).sum::<f64>() / self.len() as f64;
        let shift = 0.5 * (mean(0).powi(2) + mean(1).powi(2));
        let data_variance = self.squares().sum::<f64>() / coordinates - shift;
        let moments = self.levels.iter().map(|level| Moments {
            x0_error: level.errors.iter().sum::<f64>() / coordinates,
            gamma: level.scores / coordinates,
            data_variance,
            widening: level.widened.as_ref().map(|(_, sum)| sum / coordinates),
        });
        moments.collect()
    }
}

impl Level {
    /// ‖ε‖², whose mean is D, is a control variate of errors and terms (Owen 2013, "Monte Carlo theory", section 8.9): near the data, where
    /// x̂_0 − x_0 is −(s/a) ε and little else, it takes nearly all chance off.
    fn of(
        Scales { a, s }: Scales,
        (widening, beta_tilde): (Widening, f64),
        draws: impl Iterator<Item = Draw>,
    ) -> Self {
        let mut level = Self::default();
        let (mut noise, mut terms, mut widths) = (Vec::new(), Vec::new(), 0.0);
        for Draw {
            x_0,
            x_t,
            x0_hat,
            w,
        } in draws
        {
            let error = [0, 1].map(|i| x_0[i] - x0_hat[i]);
            level.errors.push(square(error));
            level.scores += square([0, 1].map(|i| (a * x0_hat[i] - x_t[i]) / (s * s)));
            noise.push(square([0, 1].map(|i| (x_t[i] - a * x_0[i]) / s)) - D);
            if let Some(w) = w {
                let of_axis = |i: usize| widening.term(w[i], error[i]);
                // What −ln N(x_0; m̂, w² β̃) has besides.
                let constant = (1.0 - widening.base) * 0.5 * (TAU * beta_tilde).ln();
                terms.push(of_axis(0) + of_axis(1) + D * constant);
                widths += square(w);
            }
        }
        let enough = level.errors.len() >= FEW;
        if enough {
            take_off(&mut level.errors, &noise);
        }
        if !terms.is_empty() {
            if enough {
                take_off(&mut terms, &noise);
            }
            level.widened = Some((terms, widths));
        }
        level
    }
}
