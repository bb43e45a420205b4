//! Differential entropy of a diffused mixture, h(p_t) = −E ln p_t, in nats.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

use crate::data::mixture::{Component, Mixture};
use crate::diffusion::schedule::Scales;

/// Entropy of N(0, I) in the plane, ln(2πe): what every variance-preserving schedule of standardised data tends to.
const STANDARD_NORMAL: f64 = 2.837_877_066_409_345_3;

/// Entropy of N(0, std² I) in the plane, ln(2πe std²), in nats.
pub fn normal_entropy(std: f64) -> f64 {
    STANDARD_NORMAL + 2.0 * std.ln()
}

/// An estimate and its standard error, nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entropy {
    /// h(p_t).
    pub nats: f64,
    /// Standard error of the estimate.
    pub error: f64,
}

/// −E ln p_t over `count` draws x = a μ_k + √(a² σ_k² + s²) n, n ~ N(0, I), with p_t in closed form.
///
/// The components are taken evenly, by their weights. |n|²/2 and |x|²/2, whose means are known, are control variates
/// (Owen 2013, "Monte Carlo theory", section 8.9): the first is all that varies where lobes do not touch, the second
/// where noise has merged them. For a single Gaussian, whose −ln p is ln(2πv²) + |n|²/2, the estimate is exact.
pub fn differential_entropy(mixture: &Mixture, scales: Scales, count: usize, seed: u64) -> Entropy {
    let Scales { a, s } = scales;
    let marginal = mixture.marginal(scales);
    let total = mixture.total_weight();
    let deviation = |lobe: &Component| (a * f64::from(lobe.sigma)).hypot(s);
    let half_square = |v: [f64; 2]| 0.5 * (v[0] * v[0] + v[1] * v[1]);
    let known = mixture.components.iter().map(|lobe| {
        let mean = half_square(lobe.mean.map(|m| a * f64::from(m)));
        f64::from(lobe.weight) / total * (mean + deviation(lobe).powi(2))
    });
    let known: f64 = known.sum();
    let mut rng = StdRng::seed_from_u64(seed);
    let offset: f64 = rng.random();
    let (mut component, mut reached) = (0, f64::from(mixture.components[0].weight) / total);
    let count = count.max(4);
    let (mut value, mut by_n, mut by_x) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..count {
        let share = (i as f64 + offset) / count as f64;
        while share > reached && component + 1 < mixture.components.len() {
            component += 1;
            reached += f64::from(mixture.components[component].weight) / total;
        }
        let lobe = &mixture.components[component];
        let n: [f64; 2] = [rng.sample(StandardNormal), rng.sample(StandardNormal)];
        let x = [0, 1].map(|axis| a * f64::from(lobe.mean[axis]) + deviation(lobe) * n[axis]);
        value.push(-marginal.log_density(x));
        by_n.push(half_square(n) - 1.0);
        by_x.push(half_square(x) - known);
    }
    // The second control without what it shares with the first: for one centred Gaussian nothing is left of it.
    let whole = variance(&by_x);
    take_off(&mut by_x, &by_n);
    take_off(&mut value, &by_n);
    if variance(&by_x) > 1e-9 * whole {
        take_off(&mut value, &by_x);
    }
    Entropy {
        nats: mean(&value),
        error: (variance(&value) / count as f64).sqrt(),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let means = [mean(a), mean(b)];
    let sum: f64 = a
        .iter()
        .zip(b)
        .map(|(a, b)| (a - means[0]) * (b - means[1]))
        .sum();
    sum / (a.len() - 1) as f64
}

pub(super) fn variance(values: &[f64]) -> f64 {
    covariance(values, values)
}

/// Subtract from `values` the multiple of a control, whose expectation is 0, that leaves the least variance.
pub(super) fn take_off(values: &mut [f64], control: &[f64]) {
    let slope = covariance(values, control) / variance(control).max(f64::MIN_POSITIVE);
    for (value, control) in values.iter_mut().zip(control) {
        *value -= slope * control;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;
    use crate::diffusion::schedule::Schedule;
    use approx::assert_abs_diff_eq;

    #[test]
    fn of_one_gaussian_it_is_the_textbook_formula() {
        for sigma in [0.05_f32, 0.5, 1.7] {
            let mixture = Mixture::new(vec![Component {
                mean: [0.3, -2.0],
                sigma,
                weight: 1.0,
            }])
            .unwrap();
            for schedule in Schedule::ALL {
                for tau in [0.0, 0.3, 1.0] {
                    let scales = schedule.scales(tau, 1000);
                    let variance = (scales.a * f64::from(sigma)).powi(2) + scales.s.powi(2);
                    // ½ ln((2πe)² v⁴) = ln(2πe v²).
                    let known = (std::f64::consts::TAU * std::f64::consts::E * variance).ln();
                    let estimate = differential_entropy(&mixture, scales, 200, 3);
                    assert_abs_diff_eq!(estimate.nats, known, epsilon = 1e-9);
                    assert!(estimate.error < 1e-6);
                }
            }
        }
        assert_abs_diff_eq!(
            STANDARD_NORMAL,
            (std::f64::consts::TAU * std::f64::consts::E).ln(),
            epsilon = 1e-15
        );
    }

    /// Lobes so far apart that they do not touch: ln K is added to the entropy of one.
    #[test]
    fn of_separate_lobes_it_is_that_of_one_and_of_the_choice() {
        let lobe = |x, weight| Component {
            mean: [x, 0.0],
            sigma: 0.1,
            weight,
        };
        let mixture =
            Mixture::new(vec![lobe(-50.0, 0.25), lobe(0.0, 0.5), lobe(50.0, 0.25)]).unwrap();
        let estimate = differential_entropy(&mixture, Scales { a: 1.0, s: 0.0 }, 4000, 1);
        let one = (std::f64::consts::TAU * std::f64::consts::E * f64::from(0.1_f32).powi(2)).ln();
        let choice = 1.5 * 2.0_f64.ln();
        assert_abs_diff_eq!(estimate.nats, one + choice, epsilon = 2e-3);
    }

    /// Against the midpoint rule on a grid, for a shape of many lobes that do touch.
    #[test]
    fn of_two_moons_it_is_the_integral() {
        let mixture = Shape::Moons.mixture();
        let scales = Schedule::Cosine.scales(0.3, 1000);
        let marginal = mixture.marginal(scales);
        let (cells, reach) = (300, 5.0);
        let width = 2.0 * reach / f64::from(cells);
        let at = |i: i32| -reach + (f64::from(i) + 0.5) * width;
        let integral: f64 = (0..cells * cells)
            .map(|cell| {
                let log_p = marginal.log_density([at(cell % cells), at(cell / cells)]);
                -log_p.exp() * log_p * width * width
            })
            .sum();
        let estimate = differential_entropy(&mixture, scales, 4096, 2);
        assert!(estimate.error < 0.01, "{estimate:?}");
        assert!(
            (estimate.nats - integral).abs() < 4.0 * estimate.error,
            "{estimate:?} and not {integral}"
        );
    }
}
