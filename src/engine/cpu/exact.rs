//! The exact x̂_0, ε̂ or score of a mixture in f32, the twin of `shaders/sampler_step_exact.wgsl`.

use super::matmul::LANES;
use super::near::{Groups, Lobe};
use super::real::Real;
use super::simd::{Kernel, dispatch};
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;
use maths::diffusion::target::{PosteriorWeights, Quantity};

/// An estimate of a mixture at one noise level as in [`PosteriorWeights`], of E[x_0 | x_t]: Σ r_k (μ_k + a σ_k²/v_k (x − a μ_k)),
/// with the responsibilities r_k ∝ w_k N(x; a μ_k, v_k I), v_k = a² σ_k² + s².
pub struct Posterior {
    lanes: Vec<Lanes>,
    groups: Groups,
    /// Factor of μ_k.
    mean: f32,
}

/// Components in lanes. Lanes that hold none weigh nothing.
struct Lanes {
    mean_x: [f32; LANES],
    mean_y: [f32; LANES],
    a: f32,
    half_precision: [f32; LANES],
    log_weight: [f32; LANES],
    /// Factor of x − a μ: a σ²/v for x̂_0.
    gain: [f32; LANES],
    /// σ² s²/v: Var[x_0 | x, k] of a coordinate.
    posterior_variance: [f32; LANES],
}

impl Posterior {
    /// At the scales of one time.
    pub fn new(mixture: &Mixture, scales: Scales, quantity: Quantity) -> Self {
        let Scales { a, s } = scales;
        let PosteriorWeights { mean, data, one } = quantity.of_posterior(scales);
        let lanes = mixture.components.chunks(LANES).map(|components| {
            let of = |f: &dyn Fn(usize) -> f64, none: f32| {
                std::array::from_fn(|lane| {
                    if lane < components.len() {
                        f(lane) as f32
                    } else {
                        none
                    }
                })
            };
            let sigma = |k: usize| f64::from(components[k].sigma);
            let variance = |k: usize| (a * sigma(k)).powi(2) + s * s;
            Lanes {
                mean_x: of(&|k| f64::from(components[k].mean[0]), 0.0),
                mean_y: of(&|k| f64::from(components[k].mean[1]), 0.0),
                a: a as f32,
                half_precision: of(&|k| 0.5 / variance(k), 0.0),
                log_weight: of(
                    &|k| f64::from(components[k].weight).ln() - variance(k).ln(),
                    f32::NEG_INFINITY,
                ),
                gain: of(&|k| (data * sigma(k).powi(2) + one) / variance(k), 0.0),
                posterior_variance: of(&|k| (sigma(k) * s).powi(2) / variance(k), 0.0),
            }
        });
        let lanes: Vec<Lanes> = lanes.collect();
        let lobes = mixture.components.iter().enumerate().map(|(k, c)| {
            let (lanes, lane) = (&lanes[k / LANES], k % LANES);
            let (half_precision, log_weight) = (lanes.half_precision[lane], lanes.log_weight[lane]);
            Lobe {
                mean: c.mean.map(|m| lanes.a * m),
                half_precision,
                log_weight,
            }
        });
        Self {
            groups: Groups::new(&lobes.collect::<Vec<_>>()),
            lanes,
            mean: mean as f32,
        }
    }

    /// The estimate at a point. `near` is room to work in.
    pub fn mean(&self, x: [f32; 2], near: &mut Vec<u32>) -> [f32; 2] {
        dispatch(Mean {
            posterior: self,
            x,
            near,
        })
    }

    /// Var[x_0 | x_t = x] of each coordinate, where `mean` is the estimate there, of x_0.
    pub fn variance(&self, x: [f32; 2], mean: [f32; 2], near: &mut Vec<u32>) -> [f32; 2] {
        self.groups.near(Bounds { min: x, max: x }, near);
        let lanes = || near.iter().map(|&group| &self.lanes[group as usize]);
        let mut largest = f32::NEG_INFINITY;
        for lanes in lanes() {
            let (_, _, log) = lanes.terms(x);
            largest = log.into_iter().fold(largest, f32::max);
        }
        let (mut mass, mut sums) = (0.0, [0.0; 2]);
        for lanes in lanes() {
            let (away_x, away_y, log) = lanes.terms(x);
            for lane in 0..LANES {
                let weight = Real::exp(log[lane] - largest);
                mass += weight;
                let of_component = [
                    self.mean * lanes.mean_x[lane] + lanes.gain[lane] * away_x[lane],
                    self.mean * lanes.mean_y[lane] + lanes.gain[lane] * away_y[lane],
                ];
                for axis in 0..2 {
                    let apart = of_component[axis] - mean[axis];
                    sums[axis] += weight * (apart * apart + lanes.posterior_variance[lane]);
                }
            }
        }
        sums.map(|sum| sum / mass)
    }
}

struct Mean<'a> {
    posterior: &'a Posterior,
    x: [f32; 2],
    near: &'a mut Vec<u32>,
}

impl Lanes {
    /// (x − a μ_k) per lane, and the log of the responsibility but for a constant.
    #[inline(always)]
    fn terms(&self, x: [f32; 2]) -> ([f32; LANES], [f32; LANES], [f32; LANES]) {
        let (mut away_x, mut away_y, mut log) = ([0.0; LANES], [0.0; LANES], self.log_weight);
        for lane in 0..LANES {
            away_x[lane] = x[0] - self.a * self.mean_x[lane];
            away_y[lane] = x[1] - self.a * self.mean_y[lane];
            let squared = away_x[lane] * away_x[lane] + away_y[lane] * away_y[lane];
            log[lane] -= self.half_precision[lane] * squared;
        }
        (away_x, away_y, log)
    }
}

impl Kernel for Mean<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn run<const FMA: bool, const ROWS: usize>(self) -> [f32; 2] {
        let Self {
            posterior:
                Posterior {
                    lanes,
                    groups,
                    mean,
                },
            x,
            near,
        } = self;
        groups.near(Bounds { min: x, max: x }, near);
        let near = || near.iter().map(|&group| &lanes[group as usize]);
        let mut largest = [f32::NEG_INFINITY; LANES];
        for lanes in near() {
            let (_, _, log) = lanes.terms(x);
            for (largest, log) in largest.iter_mut().zip(log) {
                *largest = if log > *largest { log } else { *largest };
            }
        }
        let largest = largest.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let (mut mass, mut sum_x, mut sum_y) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        for lanes in near() {
            let (away_x, away_y, log) = lanes.terms(x);
            for lane in 0..LANES {
                let weight = Real::exp(log[lane] - largest);
                mass[lane] += weight;
                sum_x[lane] +=
                    weight * (mean * lanes.mean_x[lane] + lanes.gain[lane] * away_x[lane]);
                sum_y[lane] +=
                    weight * (mean * lanes.mean_y[lane] + lanes.gain[lane] * away_y[lane]);
            }
        }
        let total: f32 = mass.iter().sum();
        [
            sum_x.iter().sum::<f32>() / total,
            sum_y.iter().sum::<f32>() / total,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::data::shapes::Shape;
    use maths::diffusion::exact::ExactField;
    use maths::diffusion::schedule::Schedule;
    use std::sync::Arc;

    /// The same for the variance, of which an error of f32 in the mean is all that is wrong.
    #[test]
    fn posterior_variance_is_that_of_the_marginal() {
        for shape in [Shape::Figure8, Shape::EightGaussians, Shape::Gaussian] {
            let mixture = shape.mixture();
            for schedule in [Schedule::Cosine, Schedule::Ve] {
                for tau in [0.002, 0.05, 0.4, 1.0] {
                    let scales = schedule.scales(tau, 1000);
                    let posterior = Posterior::new(&mixture, scales, Quantity::X0);
                    let marginal = mixture.marginal(scales);
                    for i in 0..50_u8 {
                        let x = [f32::from(i % 7) * 0.6 - 1.8, f32::from(i % 11) * 0.4 - 2.0];
                        let near = &mut Vec::new();
                        let mean = posterior.mean(x, near);
                        let found = posterior.variance(x, mean, near);
                        let (_, expected) = marginal.posterior_moments(x.map(f64::from));
                        for axis in 0..2 {
                            let (found, expected) = (f64::from(found[axis]), expected[axis]);
                            let of = format!("{shape:?} {schedule:?} {tau} at {x:?}");
                            assert!(
                                (found - expected).abs() < 2e-3 * expected + 1e-7,
                                "{of}: {found}, not {expected}"
                            );
                        }
                    }
                }
            }
        }
    }

    /// Against the closed form in f64, which another hand wrote.
    #[test]
    fn posterior_mean_is_that_of_the_exact_field() {
        for shape in [Shape::Figure8, Shape::EightGaussians, Shape::Gaussian] {
            let mixture = Arc::new(shape.mixture());
            for schedule in [Schedule::Linear, Schedule::Flow] {
                let exact = ExactField {
                    mixture: mixture.clone(),
                    schedule,
                    timesteps: 1000,
                };
                for tau in [0.05, 0.4, 1.0] {
                    let posterior =
                        Posterior::new(&mixture, schedule.scales(tau, 1000), Quantity::X0);
                    for i in 0..50_u8 {
                        let x = [f32::from(i % 7) * 0.6 - 1.8, f32::from(i % 11) * 0.4 - 2.0];
                        let found = posterior.mean(x, &mut Vec::new());
                        let expected = exact.x0_hat(x.map(f64::from), tau);
                        for axis in 0..2 {
                            let error = (f64::from(found[axis]) - expected[axis]).abs();
                            assert!(
                                error < 2e-3,
                                "{shape:?} {schedule:?} {tau} at {x:?}: {found:?}, not {expected:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}
