//! The law of one coordinate of a mixture where the other one is known, in closed form.

use crate::data::mixture::Mixture;
use crate::diffusion::solver::Wanted;

/// Places at which distribution functions are held against each other.
const PLACES: usize = 2000;

/// A mixture of Gaussians on a line: p(y | x = c), or p(y | x between two values).
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Mean, σ and weight of each; the weights sum to 1.
    parts: Vec<[f64; 3]>,
}

/// The distribution function of N(0, 1).
fn below(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

impl Slice {
    /// The law of the coordinate `axis` where this is wanted of the other one. Within an isotropic component the coordinates do not depend
    /// on each other, so that only the weights change: w_k N(c; μ_k, σ_k²), or the share of it that lies between.
    pub fn of(mixture: &Mixture, axis: usize, other: Wanted) -> Self {
        let axis = axis.min(1);
        let log_weight = |mean: f64, sigma: f64| match other {
            Wanted::Any => 0.0,
            Wanted::At(value) => -0.5 * ((value - mean) / sigma).powi(2) - sigma.ln(),
            Wanted::Between([low, high]) => {
                let [low, high] = [low.min(high), low.max(high)].map(|at| (at - mean) / sigma);
                // Of both tails the one that does not cancel.
                let share = if low > 0.0 {
                    below(-low) - below(-high)
                } else {
                    below(high) - below(low)
                };
                share.ln()
            }
        };
        let logs: Vec<f64> = mixture
            .components
            .iter()
            .map(|part| {
                let mean = f64::from(part.mean[1 - axis]);
                f64::from(part.weight).ln() + log_weight(mean, f64::from(part.sigma))
            })
            .collect();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // So far from all data that no share can be told, each part counts as it does without the wish.
        let weights: Vec<f64> = if largest.is_finite() {
            logs.iter().map(|log| (log - largest).exp()).collect()
        } else {
            let all = mixture.components.iter();
            all.map(|part| f64::from(part.weight)).collect()
        };
        let total: f64 = weights.iter().sum();
        let parts = mixture.components.iter().zip(weights);
        let parts = parts.filter(|(_, weight)| *weight > 1e-12 * total);
        Self {
            parts: parts
                .map(|(part, weight)| {
                    let mean = f64::from(part.mean[axis]);
                    [mean, f64::from(part.sigma), weight / total]
                })
                .collect(),
        }
    }

    /// The density at a value.
    pub fn density(&self, at: f64) -> f64 {
        let of = |&[mean, sigma, weight]: &[f64; 3]| {
            let z = (at - mean) / sigma;
            weight * (-0.5 * z * z).exp() / (sigma * std::f64::consts::TAU.sqrt())
        };
        self.parts.iter().map(of).sum()
    }

    /// The share that lies below a value.
    pub fn share_below(&self, at: f64) -> f64 {
        let of = |&[mean, sigma, weight]: &[f64; 3]| weight * below((at - mean) / sigma);
        self.parts.iter().map(of).sum()
    }

    /// Where nearly all of it lies: every part ± 5 σ.
    pub fn reach(&self) -> [f64; 2] {
        let none = [f64::INFINITY, f64::NEG_INFINITY];
        self.parts
            .iter()
            .fold(none, |[low, high], [mean, sigma, _]| {
                [low.min(mean - 5.0 * sigma), high.max(mean + 5.0 * sigma)]
            })
    }

    /// The 1-Wasserstein distance of values to this law, ∫ |F − F̂| dy; `None` where there are none or one is not finite.
    pub fn distance(&self, values: &[f64]) -> Option<f64> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let [low, high] = self.reach();
        let (low, high) = (low.min(sorted[0]), high.max(sorted[sorted.len() - 1]));
        let step = (high - low) / PLACES as f64;
        let apart = (0..PLACES).map(|place| {
            let at = low + (place as f64 + 0.5) * step;
            let below = sorted.partition_point(|&value| value <= at);
            (self.share_below(at) - below as f64 / sorted.len() as f64).abs()
        });
        Some(apart.sum::<f64>() * step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mixture::Component;
    use crate::diffusion::schedule::Schedule;
    use crate::diffusion::solver::{Plan, PlanContext, Sampler, Variance};
    use crate::diffusion::target::Target;
    use crate::philox::{Stream, normal};

    fn mixture() -> Mixture {
        let component = |x, y, sigma, weight| Component {
            mean: [x, y],
            sigma,
            weight,
        };
        Mixture::new(vec![
            component(-1.0, -0.5, 0.4, 0.3),
            component(0.5, 1.0, 0.7, 0.7),
        ])
        .unwrap()
    }

    /// p(y | x) is p(x, y) over its integral along y; between two values both are integrated along x.
    #[test]
    fn the_law_is_the_joint_density_over_its_integral() {
        let mixture = mixture();
        let joint = |x: f64, y: f64| {
            let of = |c: &Component| {
                let [dx, dy] = [x - f64::from(c.mean[0]), y - f64::from(c.mean[1])];
                let v = f64::from(c.sigma).powi(2);
                f64::from(c.weight) * (-0.5 * (dx * dx + dy * dy) / v).exp() / v
            };
            mixture.components.iter().map(of).sum::<f64>()
        };
        let grid: Vec<f64> = (0..1200).map(|k| -6.0 + 0.01 * f64::from(k)).collect();
        let column = |x: &dyn Fn(f64) -> f64| {
            let values: Vec<f64> = grid.iter().map(|&y| x(y)).collect();
            let total = values.iter().sum::<f64>() * 0.01;
            values.into_iter().map(move |value| value / total)
        };
        let between = |y: f64| {
            (0..400)
                .map(|k| joint(-0.4 + 0.002 * (f64::from(k) + 0.5), y))
                .sum()
        };
        let at = |y: f64| joint(0.1, y);
        let cases: [(Wanted, &dyn Fn(f64) -> f64); 2] = [
            (Wanted::At(0.1), &at),
            (Wanted::Between([0.4, -0.4]), &between),
        ];
        for (wanted, by_hand) in cases {
            let law = Slice::of(&mixture, 1, wanted);
            for (&y, expected) in grid.iter().zip(column(by_hand)) {
                assert!((law.density(y) - expected).abs() < 1e-5, "{wanted:?}, {y}");
            }
            assert!((law.share_below(6.0) - 1.0).abs() < 1e-9);
        }
    }

    /// Quantiles of the law are at no distance, shifted ones as far as the shift, and a wish far from all data has an answer.
    #[test]
    fn the_distance_is_zero_of_the_law_itself_and_the_shift_of_a_shifted_one() {
        let law = Slice::of(&mixture(), 0, Wanted::Any);
        let [low, high] = law.reach();
        let quantile = |k: u32| {
            let wanted = (f64::from(k) + 0.5) / 2000.0;
            let (mut a, mut b) = (low, high);
            for _ in 0..50 {
                let middle = 0.5 * (a + b);
                if law.share_below(middle) < wanted {
                    a = middle;
                } else {
                    b = middle;
                }
            }
            a
        };
        let own: Vec<f64> = (0..2000).map(quantile).collect();
        assert!(law.distance(&own).unwrap() < 1e-3);
        let shifted: Vec<f64> = own.iter().map(|value| value + 0.3).collect();
        assert!((law.distance(&shifted).unwrap() - 0.3).abs() < 2e-3);
        assert_eq!(law.distance(&[]), None);
        let far = Slice::of(&mixture(), 1, Wanted::Between([90.0, 91.0]));
        assert!(far.density(1.0) > 0.0);
    }

    const CONTEXT: PlanContext = PlanContext {
        schedule: Schedule::Linear,
        target: Target::Eps,
        timesteps: 1000,
    };

    fn two_parts() -> Mixture {
        let component = |x, y, sigma, weight| Component {
            mean: [x, y],
            sigma,
            weight,
        };
        Mixture::new(vec![
            component(-0.8, -1.0, 0.5, 0.5),
            component(0.8, 1.0, 0.5, 0.5),
        ])
        .unwrap()
    }

    fn samples(plan: &Plan, count: u32) -> Vec<[f64; 2]> {
        let mixture = two_parts();
        let draw = |index| {
            let start = normal(1, Stream::SamplerStart, 0, index);
            plan.run(
                start.map(|z| f64::from(z) * plan.start_std),
                |stage, x| {
                    let x_0 = mixture.posterior_mean(x, stage.scales);
                    // As engines do.
                    plan.clip.map_or(x_0, |clip| {
                        [0, 1].map(|axis| {
                            let (low, high) = (clip.min[axis], clip.max[axis]);
                            x_0[axis].clamp(f64::from(low), f64::from(high))
                        })
                    })
                },
                |stage| normal(1, Stream::SamplerNoise, stage as u32, index).map(f64::from),
            )
        };
        (0..count).map(draw).collect()
    }

    /// By the exact field: the more often each step is taken, the nearer the samples are to p(y | x = c) in closed form.
    #[test]
    fn what_is_filled_in_comes_to_the_conditional_as_steps_are_taken_again() {
        let wanted = [Wanted::At(0.45), Wanted::Any];
        let law = Slice::of(&two_parts(), 1, wanted[0]);
        let far = [1, 3, 12].map(|times| {
            let plan = Sampler::Ddpm(Variance::BetaTilde)
                .plan(40, CONTEXT, None)
                .held(wanted, times, CONTEXT)
                .unwrap();
            let drawn = samples(&plan, 3000);
            assert!(drawn.iter().all(|point| (point[0] - 0.45).abs() < 1e-12));
            let free: Vec<f64> = drawn.iter().map(|point| point[1]).collect();
            law.distance(&free).unwrap()
        });
        println!("W1 to the conditional by 1, 3, 12 times: {far:?}");
        assert!(far[1] < 0.8 * far[0] && far[2] < 0.5 * far[0], "{far:?}");
    }

    /// Between two values all samples lie between them, and the other coordinate is free.
    #[test]
    fn what_is_wanted_between_two_values_lies_there() {
        let wanted = [Wanted::Any, Wanted::Between([0.2, 0.6])];
        let plan = Sampler::Ddim { eta: 1.0 }.plan(30, CONTEXT, None);
        let plan = plan.held(wanted, 2, CONTEXT).unwrap();
        let drawn = samples(&plan, 200);
        assert!(
            drawn
                .iter()
                .all(|point| (0.2 - 1e-6..=0.6 + 1e-6).contains(&point[1]))
        );
        let wide = |point: &&[f64; 2]| !(-0.5..0.9).contains(&point[0]);
        assert!(drawn.iter().filter(wide).count() > 10);
    }
}
