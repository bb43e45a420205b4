//! One step back as it is: p(x_r | x_t) of a mixture, which is a mixture itself, where samplers take one Gaussian.

use std::f64::consts::TAU;

use super::schedule::Scales;
use super::solver::Transition;
use crate::data::mixture::Mixture;
use crate::measure::estimate::Estimate;
use crate::philox::{Stream, draw, normal, normal_pair, uniform};

/// A component whose share is e^-40 of the largest is none.
const NEGLIGIBLE: f64 = -40.0;

/// A component of the step's law.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lobe {
    weight: f64,
    mean: [f64; 2],
    /// Per axis.
    variance: f64,
}

impl Lobe {
    fn log_density(&self, x: [f64; 2]) -> f64 {
        let squared = (x[0] - self.mean[0]).powi(2) + (x[1] - self.mean[1]).powi(2);
        -(TAU * self.variance).ln() - 0.5 * squared / self.variance
    }
}

/// p(x_r | x_t) for an r before t: of a mixture with components N(μ_k, σ_k² I) it is one with the same components, each N(m_k, v_k I)
/// as Gaussians are conditioned, weighed by its share of p_t at x_t. The reverse kernel of Sohl-Dickstein et al. 2015, section 2.2, which
/// is Gaussian only in the limit of short steps.
#[derive(Clone, Debug, PartialEq)]
pub struct ReverseStep {
    lobes: Vec<Lobe>,
}

impl ReverseStep {
    /// From x_t at the scales `now` to the earlier `next`.
    pub fn new(mixture: &Mixture, x_t: [f64; 2], now: Scales, next: Scales) -> Self {
        let Transition { a, variance } = Transition::between(now, next);
        let conditioned = mixture.components.iter().map(|component| {
            let before = (next.a * f64::from(component.sigma)).powi(2) + next.s * next.s;
            let mean = component.mean.map(|m| next.a * f64::from(m));
            // Of x_t, given the component.
            let total = (a * a * before + variance).max(f64::MIN_POSITIVE);
            let away = [0, 1].map(|axis| x_t[axis] - a * mean[axis]);
            let squared = away[0] * away[0] + away[1] * away[1];
            let log_share = f64::from(component.weight).ln() - total.ln() - 0.5 * squared / total;
            let gain = a * before / total;
            let lobe = Lobe {
                weight: 0.0,
                mean: [0, 1].map(|axis| mean[axis] + gain * away[axis]),
                variance: (before * variance / total).max(f64::MIN_POSITIVE),
            };
            (log_share, lobe)
        });
        let conditioned: Vec<(f64, Lobe)> = conditioned.collect();
        let shares = conditioned.iter().map(|(share, _)| *share);
        let top = shares.fold(f64::NEG_INFINITY, f64::max);
        let mut lobes: Vec<Lobe> = conditioned
            .into_iter()
            .filter(|(share, _)| share - top > NEGLIGIBLE)
            .map(|(share, lobe)| Lobe {
                weight: (share - top).exp(),
                ..lobe
            })
            .collect();
        let total: f64 = lobes.iter().map(|lobe| lobe.weight).sum();
        for lobe in &mut lobes {
            lobe.weight /= total;
        }
        Self { lobes }
    }

    /// E[x_r | x_t].
    pub fn mean(&self) -> [f64; 2] {
        [0, 1].map(|axis| {
            let terms = self.lobes.iter().map(|lobe| lobe.weight * lobe.mean[axis]);
            terms.sum()
        })
    }

    /// Variance of x_r given x_t along each axis.
    pub fn variance(&self) -> [f64; 2] {
        let mean = self.mean();
        [0, 1].map(|axis| self.mean_square(axis, mean[axis]))
    }

    /// E (x_r − point)² along an axis.
    fn mean_square(&self, axis: usize, point: f64) -> f64 {
        let terms = self.lobes.iter().map(|lobe| {
            let away = lobe.mean[axis] - point;
            lobe.weight * (lobe.variance + away * away)
        });
        terms.sum()
    }

    /// Independent draws of x_r, which depend on the seed alone: the component by its weight, then where in it.
    pub fn draws(&self, seed: u64, count: u32) -> Vec<[f64; 2]> {
        let reached: Vec<f64> = self
            .lobes
            .iter()
            .scan(0.0, |sum, lobe| {
                *sum += lobe.weight;
                Some(*sum)
            })
            .collect();
        let draw = |index| {
            let words = draw(seed, Stream::Forward, 2, index);
            let level = f64::from(uniform(words[0]));
            let lobe = reached.partition_point(|&sum| sum < level);
            let Lobe { mean, variance, .. } = self.lobes[lobe.min(self.lobes.len() - 1)];
            let z = normal_pair(words[2], words[3]).map(f64::from);
            [0, 1].map(|axis| mean[axis] + variance.sqrt() * z[axis])
        };
        (0..count).map(draw).collect()
    }

    /// ln p(x_r | x_t).
    pub fn log_density(&self, x: [f64; 2]) -> f64 {
        let terms = self.lobes.iter();
        let terms = terms.map(|lobe| lobe.weight.ln() + lobe.log_density(x));
        let terms: Vec<f64> = terms.collect();
        let top = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        top + terms
            .iter()
            .map(|term| (term - top).exp())
            .sum::<f64>()
            .ln()
    }

    /// h(p(x_r | x_t)) in nats, from `count` draws with each component taken by its weight. |n|²/2 of the draws is a control variate: of
    /// one component the estimate is exact.
    pub fn entropy(&self, count: u32) -> Estimate {
        let count = count.max(2);
        let (mut lobe, mut reached) = (0, self.lobes[0].weight);
        let terms: Vec<f64> = (0..count)
            .map(|index| {
                let share = (f64::from(index) + 0.5) / f64::from(count);
                while share > reached && lobe + 1 < self.lobes.len() {
                    lobe += 1;
                    reached += self.lobes[lobe].weight;
                }
                let Lobe { mean, variance, .. } = self.lobes[lobe];
                let n = normal(0, Stream::Forward, 1, index).map(f64::from);
                let x = [0, 1].map(|axis| mean[axis] + variance.sqrt() * n[axis]);
                1.0 - 0.5 * (n[0] * n[0] + n[1] * n[1]) - self.log_density(x)
            })
            .collect();
        Estimate::of_mean(&terms)
    }

    /// KL(p(x_r | x_t) ‖ N(mean, variance I)) in nats, given the [`ReverseStep::entropy`]: the cross-entropy, in closed form, less that.
    /// Infinite where the Gaussian has no width.
    pub fn divergence(&self, mean: [f64; 2], variance: f64, entropy: Estimate) -> Estimate {
        if variance <= 0.0 {
            return Estimate {
                value: f64::INFINITY,
                error: 0.0,
            };
        }
        let square: f64 = (0..2).map(|axis| self.mean_square(axis, mean[axis])).sum();
        let cross = (TAU * variance).ln() + 0.5 * square / variance;
        Estimate {
            value: cross - entropy.value,
            error: entropy.error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mixture::Component;
    use crate::diffusion::schedule::Schedule;
    use crate::diffusion::solver::Variance;

    fn mixture() -> Mixture {
        let of = |mean, sigma, weight| Component {
            mean,
            sigma,
            weight,
        };
        Mixture::new(vec![
            of([-1.0, 0.3], 0.2, 0.5),
            of([1.1, -0.4], 0.3, 0.3),
            of([0.2, 1.2], 0.05, 0.2),
        ])
        .unwrap()
    }

    /// Bayes' rule, with p_r and p_t from elsewhere: p(x_r | x_t) p_t(x_t) = p_r(x_r) N(x_t; a x_r, σ²), at every x_r.
    #[test]
    fn the_law_of_a_step_is_what_bayes_says() {
        let mixture = mixture();
        for schedule in Schedule::every() {
            for timesteps in [10, 1000] {
                for (from, to) in [(1.0, 0.9), (0.9, 0.2), (0.5, 0.4), (0.2, 0.1)] {
                    let [now, next] = [from, to].map(|tau| schedule.scales(tau, timesteps));
                    let Transition { a, variance } = Transition::between(now, next);
                    let [before, after] = [next, now].map(|scales| mixture.marginal(scales));
                    for x_t in [[0.1, 0.2], [1.5, -1.0], [-2.0, 0.4]] {
                        let step = ReverseStep::new(&mixture, x_t, now, next);
                        for x in [[0.0, 0.0], [0.7, -0.3], [-1.2, 0.5]] {
                            let squared: f64 =
                                (0..2).map(|axis| (x_t[axis] - a * x[axis]).powi(2)).sum();
                            let forward = -(TAU * variance).ln() - 0.5 * squared / variance;
                            let expected = before.log_density(x) + forward - after.log_density(x_t);
                            let found = step.log_density(x);
                            // What is left out of the sum may be all there is, so far out.
                            if expected > -30.0 {
                                assert!(
                                    (found - expected).abs() < 1e-6 * (1.0 + expected.abs()),
                                    "{schedule:?} {timesteps} {from} {to}: {found} {expected}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    /// Against a sum over a fine grid.
    #[test]
    fn the_divergence_is_that_of_a_sum_over_the_plane() {
        let mixture = mixture();
        let [now, next] = [0.6, 0.3].map(|tau| Schedule::Linear.scales(tau, 1000));
        let step = ReverseStep::new(&mixture, [0.1, 0.1], now, next);
        let (mean, variance) = ([0.1, 0.3], 0.25);
        let (cell, mut sum, mut mass) = (0.02, 0.0, 0.0);
        for i in -200..200 {
            for j in -200..200 {
                let x = [f64::from(i) * cell, f64::from(j) * cell];
                let log_p = step.log_density(x);
                let squared = (x[0] - mean[0]).powi(2) + (x[1] - mean[1]).powi(2);
                let log_q = -(TAU * variance).ln() - 0.5 * squared / variance;
                mass += cell * cell * log_p.exp();
                sum += cell * cell * log_p.exp() * (log_p - log_q);
            }
        }
        assert!((mass - 1.0).abs() < 1e-3, "{mass}");
        let found = step.divergence(mean, variance, step.entropy(4096));
        assert!(
            (found.value - sum).abs() < 4.0 * found.error + 1e-3,
            "{found:?} {sum}"
        );
        let [m, v] = [step.mean(), step.variance()];
        assert!(m.iter().chain(&v).all(|value| value.is_finite()));
    }

    /// Long steps are no Gaussian, short ones are: the divergence from the sampler's Gaussian falls with the length of the step, and with
    /// the exact mean the sampler's step has the mean of the law.
    #[test]
    fn a_short_step_is_gaussian_and_a_long_one_is_not() {
        let mixture = mixture();
        for schedule in [Schedule::Linear, Schedule::Cosine, Schedule::Flow] {
            let x_t = [0.1, 0.0];
            let divergence = |steps: f64| {
                let [now, next] = [0.3, 0.3 - 1.0 / steps].map(|tau| schedule.scales(tau, 1000));
                let law = ReverseStep::new(&mixture, x_t, now, next);
                let x_0 = mixture.marginal(now).posterior_mean(x_t);
                let factors = Variance::BetaTilde.step(now, next);
                let mean = [0, 1].map(|axis| factors.x * x_t[axis] + factors.x_0 * x_0[axis]);
                let away = std::iter::zip(law.mean(), mean).map(|(a, b)| (a - b).abs());
                assert!(away.fold(0.0, f64::max) < 1e-9, "{schedule:?}");
                law.divergence(mean, factors.z * factors.z, law.entropy(2048))
                    .value
            };
            let found = [4.0, 8.0, 1000.0].map(divergence);
            assert!(found[0] > 1.5 * found[1], "{schedule:?}: {found:?}");
            assert!(
                found[0] > 0.3 && found[2].abs() < 0.01,
                "{schedule:?}: {found:?}"
            );
        }
    }
}
