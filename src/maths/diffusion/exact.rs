//! The exact field: density, score, noise prediction and posterior mean of a diffused Gaussian mixture.
//!
//! Under x_t = a x_0 + s ε a mixture stays one: p_t = Σ w_k N(a μ_k, (a² σ_k² + s²) I). All in f64, by log-sum-exp.

use std::f64::consts::TAU;
use std::sync::Arc;

use super::schedule::{Scales, Schedule};
use crate::data::kernels::GROUP;
use crate::data::mixture::Mixture;

/// Coordinates are held within ± this, so that no square overflows: far away everything stays finite.
const FAR: f64 = 1e100;
/// Components whose share of the density is below e^this are left out: together they are below f64's resolution.
const NEGLIGIBLE: f64 = -50.0;

/// One component of a diffused mixture.
#[derive(Clone, Copy, Debug)]
struct Lobe {
    /// a μ.
    mean: [f64; 2],
    /// a² σ² + s².
    variance: f64,
    /// ln w − ln(2π variance).
    log_factor: f64,
    /// μ, and a σ²/variance: E[x_0 | x, k] = μ + gain (x − a μ).
    origin: [f64; 2],
    gain: f64,
    /// σ² s²/variance: Var[x_0 | x, k] of a coordinate.
    posterior_variance: f64,
}

impl Lobe {
    /// ln of w N(x; a μ, variance I).
    fn log_share(&self, x: [f64; 2]) -> f64 {
        let [dx, dy] = [x[0] - self.mean[0], x[1] - self.mean[1]];
        self.log_factor - 0.5 * (dx * dx + dy * dy) / self.variance
    }
}

/// The distribution p_t of a diffused mixture at one time: make it once, ask it at many points. Never NaN for a
/// number, however far away.
#[derive(Clone, Debug)]
pub struct Marginal {
    lobes: Vec<Lobe>,
    groups: Vec<Group>,
}

/// What holds for [`GROUP`] lobes that follow one another: far from all of them, none needs to be looked at.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// The box around their means.
    min: [f64; 2],
    max: [f64; 2],
    /// The largest of their factors and of their variances.
    log_factor: f64,
    variance: f64,
}

impl Group {
    fn around(lobes: &[Lobe]) -> Self {
        let none = Self {
            min: [f64::INFINITY; 2],
            max: [f64::NEG_INFINITY; 2],
            log_factor: f64::NEG_INFINITY,
            variance: f64::MIN_POSITIVE,
        };
        lobes.iter().fold(none, |group, lobe| Self {
            min: [0, 1].map(|axis| group.min[axis].min(lobe.mean[axis])),
            max: [0, 1].map(|axis| group.max[axis].max(lobe.mean[axis])),
            log_factor: group.log_factor.max(lobe.log_factor),
            variance: group.variance.max(lobe.variance),
        })
    }

    /// No lobe's share at x is above this, rounding included.
    fn highest(&self, x: [f64; 2]) -> f64 {
        let [dx, dy] = [0, 1].map(|axis| x[axis] - x[axis].clamp(self.min[axis], self.max[axis]));
        self.log_factor - 0.5 * (dx * dx + dy * dy) / self.variance
    }
}

impl Marginal {
    /// p_t of a mixture under x_t = a x_0 + s ε.
    pub fn new(mixture: &Mixture, Scales { a, s }: Scales) -> Self {
        let total = mixture.total_weight();
        let lobe = |c: &crate::data::mixture::Component| {
            let origin = c.mean.map(f64::from);
            let data_variance = f64::from(c.sigma).powi(2);
            let variance = (a * a * data_variance + s * s).max(1e-90);
            let weight = f64::from(c.weight) / total;
            Lobe {
                mean: origin.map(|m| a * m),
                variance,
                log_factor: weight.ln() - (TAU * variance).ln(),
                origin,
                gain: a * data_variance / variance,
                posterior_variance: data_variance * s * s / variance,
            }
        };
        let lobes: Vec<Lobe> = mixture.components.iter().map(lobe).collect();
        Self {
            groups: lobes.chunks(GROUP).map(Group::around).collect(),
            lobes,
        }
    }

    /// ln p_t(x).
    pub fn log_density(&self, x: [f64; 2]) -> f64 {
        let (top, total) = self.fold(x, |_, _, _| {});
        top + total.ln()
    }

    /// ln p_t(x), and the component that x came from: drawn with its posterior probability by a uniform number in [0, 1).
    pub fn locate(&self, x: [f64; 2], uniform: f64) -> (f64, usize) {
        let mut shares = Vec::new();
        let (top, total) = self.fold(x, |component, _, share| shares.push((component, share)));
        let mut left = uniform * total;
        let found = shares.iter().find(|(_, share)| {
            left -= share;
            left < 0.0
        });
        (
            top + total.ln(),
            found
                .or(shares.last())
                .map_or(0, |(component, _)| *component),
        )
    }

    /// ∇ ln p_t(x) = Σ r_k (a μ_k − x)/variance_k, with r_k the component's share of the density.
    pub fn score(&self, x: [f64; 2]) -> [f64; 2] {
        let x = within_reach(x);
        let mut score = [0.0; 2];
        let (_, total) = self.fold(x, |_, lobe, share| {
            for axis in 0..2 {
                score[axis] += share * (lobe.mean[axis] - x[axis]) / lobe.variance;
            }
        });
        score.map(|sum| sum / total)
    }

    /// E[x_0 | x_t = x] = Σ r_k E[x_0 | x, k]: equal to (x + s² score)/a (Tweedie), but sound where a = 0 too.
    pub fn posterior_mean(&self, x: [f64; 2]) -> [f64; 2] {
        let x = within_reach(x);
        let mut mean = [0.0; 2];
        let (_, total) = self.fold(x, |_, lobe, share| {
            for axis in 0..2 {
                mean[axis] += share * (lobe.origin[axis] + lobe.gain * (x[axis] - lobe.mean[axis]));
            }
        });
        mean.map(|sum| sum / total)
    }

    /// Var[x_0 | x_t = x] of a coordinate, the mean over both.
    pub fn posterior_variance(&self, x: [f64; 2]) -> f64 {
        let (_, [of_x, of_y]) = self.posterior_moments(x);
        0.5 * (of_x + of_y)
    }

    /// E[x_0 | x_t = x], and Var[x_0 | x_t = x] of each coordinate.
    pub fn posterior_moments(&self, x: [f64; 2]) -> ([f64; 2], [f64; 2]) {
        let x = within_reach(x);
        let (mean, mut square) = (self.posterior_mean(x), [0.0; 2]);
        let (_, total) = self.fold(x, |_, lobe, share| {
            for axis in 0..2 {
                let from = lobe.origin[axis] + lobe.gain * (x[axis] - lobe.mean[axis]) - mean[axis];
                square[axis] += share * (from * from + lobe.posterior_variance);
            }
        });
        (mean, square.map(|sum| sum / total))
    }

    /// How much of the density at x the components of each of so many classes have; `classes` says which each is of. They sum to 1.
    pub fn shares(&self, x: [f64; 2], classes: &[u32], count: usize) -> Vec<f64> {
        let mut shares = vec![0.0; count];
        let (_, total) = self.fold(x, |component, _, share| {
            if let Some(sum) = shares.get_mut(classes[component] as usize) {
                *sum += share;
            }
        });
        for share in &mut shares {
            *share /= total;
        }
        shares
    }

    /// Visit the components that matter at x, by number, with their share of the density relative to the largest; returns the
    /// logarithm of the largest and the sum of the shares.
    fn fold(&self, x: [f64; 2], mut visit: impl FnMut(usize, &Lobe, f64)) -> (f64, f64) {
        let x = within_reach(x);
        let groups = || self.groups.iter().zip(self.lobes.chunks(GROUP));
        let largest = |lobes: &[Lobe]| {
            lobes
                .iter()
                .map(|lobe| lobe.log_share(x))
                .fold(f64::NEG_INFINITY, f64::max)
        };
        // The most promising group first: hardly any other can hold a larger share then.
        let promising = groups().max_by(|(a, _), (b, _)| a.highest(x).total_cmp(&b.highest(x)));
        let mut top = promising.map_or(f64::NEG_INFINITY, |(_, lobes)| largest(lobes));
        for (group, lobes) in groups() {
            if group.highest(x) > top {
                top = top.max(largest(lobes));
            }
        }
        let mut total = 0.0;
        let near = groups()
            .enumerate()
            .filter(|(_, (group, _))| group.highest(x) >= top + NEGLIGIBLE);
        for (component, lobe) in near.flat_map(|(g, (_, lobes))| (g * GROUP..).zip(lobes)) {
            let log_share = lobe.log_share(x) - top;
            if log_share > NEGLIGIBLE {
                let share = log_share.exp();
                total += share;
                visit(component, lobe, share);
            }
        }
        (top, total)
    }
}

fn within_reach(x: [f64; 2]) -> [f64; 2] {
    x.map(|c| c.clamp(-FAR, FAR))
}

/// Shorthands for single points; for many at one time make a [`Marginal`].
impl Mixture {
    /// p_t under x_t = a x_0 + s ε.
    pub fn marginal(&self, scales: Scales) -> Marginal {
        Marginal::new(self, scales)
    }

    /// E[x_0 | x_t = x], for one point at a time of its own: as [`Marginal::posterior_mean`], without making one.
    pub fn posterior_mean(&self, x: [f64; 2], Scales { a, s }: Scales) -> [f64; 2] {
        let x = within_reach(x);
        // What a width has is computed where it is another than that of the component before; most data have one.
        let of_width = |sigma: f32| {
            let data = f64::from(sigma).powi(2);
            let variance = (a * a * data + s * s).max(1e-90);
            (variance, variance.ln(), a * data / variance)
        };
        let mut sigma = f32::NAN;
        let (mut variance, mut log_variance, mut gain) = (1.0, 0.0, 0.0);
        let (mut mean, mut total, mut top) = ([0.0; 2], 0.0, f64::NEG_INFINITY);
        for component in &self.components {
            if component.sigma != sigma {
                sigma = component.sigma;
                (variance, log_variance, gain) = of_width(sigma);
            }
            let origin = component.mean.map(f64::from);
            let away = [0, 1].map(|axis| x[axis] - a * origin[axis]);
            let exponent = -log_variance - 0.5 * (away[0] * away[0] + away[1] * away[1]) / variance;
            // Weights are at most their sum: what is too low without its weight is too low with it.
            if exponent < top + NEGLIGIBLE {
                continue;
            }
            if exponent > top {
                let shrink = (top - exponent).exp();
                (mean, total) = (mean.map(|sum: f64| sum * shrink), total * shrink);
                top = exponent;
            }
            let share = f64::from(component.weight) * (exponent - top).exp();
            total += share;
            for axis in 0..2 {
                mean[axis] += share * (origin[axis] + gain * away[axis]);
            }
        }
        mean.map(|sum| sum / total)
    }

    /// ln p_t(x).
    pub fn log_density(&self, x: [f64; 2], scales: Scales) -> f64 {
        self.marginal(scales).log_density(x)
    }

    /// ∇ ln p_t(x).
    pub fn score(&self, x: [f64; 2], scales: Scales) -> [f64; 2] {
        self.marginal(scales).score(x)
    }
}

/// What a perfect network would have learned of a data set, at every time of a schedule.
#[derive(Clone, Debug)]
pub struct ExactField {
    /// The data.
    pub mixture: Arc<Mixture>,
    /// The noise schedule.
    pub schedule: Schedule,
    /// T.
    pub timesteps: u32,
}

impl ExactField {
    /// (a, s) at t/T.
    pub fn scales(&self, tau: f64) -> Scales {
        self.schedule.scales(tau, self.timesteps)
    }

    /// p_t at t/T, for many points.
    pub fn marginal(&self, tau: f64) -> Marginal {
        self.mixture.marginal(self.scales(tau))
    }

    /// ln p_t(x).
    pub fn log_p(&self, x: [f64; 2], tau: f64) -> f64 {
        self.marginal(tau).log_density(x)
    }

    /// ∇ ln p_t(x).
    pub fn score(&self, x: [f64; 2], tau: f64) -> [f64; 2] {
        self.marginal(tau).score(x)
    }

    /// The best noise prediction, ε* = E[ε | x] = −s · score.
    pub fn eps(&self, x: [f64; 2], tau: f64) -> [f64; 2] {
        let s = self.scales(tau).s;
        self.score(x, tau).map(|score| -s * score)
    }

    /// The best guess at the clean point, E[x_0 | x] = (x + s² · score)/a.
    pub fn x0_hat(&self, x: [f64; 2], tau: f64) -> [f64; 2] {
        self.marginal(tau).posterior_mean(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mixture::Component;
    use crate::data::shapes::Shape;
    use proptest::prelude::*;

    fn field(shape: Shape, schedule: Schedule) -> ExactField {
        ExactField {
            mixture: Arc::new(shape.mixture()),
            schedule,
            timesteps: 1000,
        }
    }

    #[test]
    fn nothing_is_nan_however_far_away() {
        for shape in Shape::ALL {
            for schedule in Schedule::every() {
                let field = field(shape, schedule);
                for tau in [0.0, 1e-6, 0.5, 1.0] {
                    for x in [
                        [0.0, 0.0],
                        [40.0, -3.0],
                        [1e9, 1e9],
                        [-1e200, 0.0],
                        [f64::INFINITY, f64::MAX],
                    ] {
                        let answers = [
                            [field.log_p(x, tau); 2],
                            field.score(x, tau),
                            field.eps(x, tau),
                            field.x0_hat(x, tau),
                        ];
                        assert!(
                            answers.iter().flatten().all(|v| v.is_finite()),
                            "{shape:?} {schedule:?} {tau} {x:?}"
                        );
                    }
                }
            }
        }
    }

    /// One point at a time is answered as all of one time are, on all data, wherever and whenever.
    #[test]
    fn a_point_at_a_time_of_its_own_is_told_what_all_of_that_time_are() {
        for shape in Shape::ALL {
            let mixture = shape.mixture();
            for schedule in Schedule::every() {
                for tau in [0.001, 0.05, 0.3, 0.7, 1.0] {
                    let scales = schedule.scales(tau, 1000);
                    let marginal = mixture.marginal(scales);
                    for x in [[0.0, 0.0], [0.3, -1.1], [2.5, 0.2], [40.0, -3.0]] {
                        let [one, all] = [
                            mixture.posterior_mean(x, scales),
                            marginal.posterior_mean(x),
                        ];
                        for (one, all) in one.into_iter().zip(all) {
                            assert!(
                                (one - all).abs() < 1e-9 * (1.0 + all.abs()),
                                "{shape:?} {schedule:?} {tau} {x:?}: {one}, {all}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn far_from_two_lobes_the_nearer_one_rules() {
        let lobe = |x| Component {
            mean: [x, 0.0],
            sigma: 0.1,
            weight: 0.5,
        };
        let mixture = Mixture::new(vec![lobe(-1.0), lobe(1.0)]).unwrap();
        let data = Scales { a: 1.0, s: 0.0 };
        // ln p = ln ½ − ln(2π 0.01) − (99² )/0.02, where exp alone would have underflowed to 0.
        let variance = f64::from(0.1_f32).powi(2);
        let expected = 0.5_f64.ln() - (TAU * variance).ln() - 0.5 * 99.0 * 99.0 / variance;
        assert!((mixture.log_density([100.0, 0.0], data) - expected).abs() < 1e-9 * expected.abs());
        assert!((mixture.score([100.0, 0.0], data)[0] + 99.0 / variance).abs() < 1e-6);
    }

    /// A file's 16,384 kernels: what is left out counts for nothing, near the data and far away, at every noise level.
    #[test]
    fn groups_that_are_left_out_count_for_nothing() {
        let rows = Shape::Moons.mixture().draw(3000, 5);
        let mixture = crate::data::kernels::kernels(&rows, None).mixture;
        for scales in [
            Scales { a: 1.0, s: 0.0 },
            Scales { a: 0.9, s: 0.1 },
            Scales { a: 0.1, s: 1.0 },
        ] {
            let marginal = mixture.marginal(scales);
            for i in 0..60_u8 {
                let far = if i % 10 == 0 { 40.0 } else { 1.0 };
                let x =
                    [f64::from(i % 7) * 0.5 - 1.5, f64::from(i % 11) * 0.3 - 1.5].map(|c| c * far);
                // Every component written out, about the largest.
                let term = |c: &Component| {
                    let variance = (scales.a * f64::from(c.sigma)).powi(2) + scales.s.powi(2);
                    let [dx, dy] = [0, 1].map(|axis| scales.a * f64::from(c.mean[axis]) - x[axis]);
                    let log = f64::from(c.weight).ln()
                        - (TAU * variance).ln()
                        - 0.5 * (dx * dx + dy * dy) / variance;
                    (log, [dx / variance, dy / variance])
                };
                let terms: Vec<_> = mixture.components.iter().map(term).collect();
                let top = terms.iter().map(|t| t.0).fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = terms.iter().map(|t| (t.0 - top).exp()).sum();
                let log_p = top + total.ln() - mixture.total_weight().ln();
                let found = marginal.log_density(x);
                assert!(
                    (found - log_p).abs() < 1e-9 * (1.0 + log_p.abs()),
                    "{scales:?} {x:?}: {found}, not {log_p}"
                );
                for axis in 0..2 {
                    let score: f64 = terms
                        .iter()
                        .map(|t| (t.0 - top).exp() * t.1[axis])
                        .sum::<f64>()
                        / total;
                    let found = marginal.score(x)[axis];
                    assert!(
                        (found - score).abs() < 1e-9 * (1.0 + score.abs()),
                        "{scales:?} {x:?}: {found}, not {score}"
                    );
                }
            }
        }
    }

    proptest! {
        /// Tweedie's formula and ε* from the score, against the posterior mean summed component by component.
        #[test]
        fn score_noise_and_posterior_mean_tell_the_same_story(
            x in -3.0..3.0_f64, y in -3.0..3.0_f64, tau in prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0_f64],
            shape in 0..10_usize, schedule in proptest::sample::select(Schedule::every()),
        ) {
            let field = field(Shape::ALL[shape], schedule);
            let Scales { a, s } = field.scales(tau);
            let (score, eps, x0) = (field.score([x, y], tau), field.eps([x, y], tau), field.x0_hat([x, y], tau));
            for (axis, x) in [x, y].into_iter().enumerate() {
                prop_assert!((x + s * s * score[axis] - a * x0[axis]).abs() < 1e-7);
                prop_assert!((a * x0[axis] + s * eps[axis] - x).abs() < 1e-7);
            }
        }
    }
}
