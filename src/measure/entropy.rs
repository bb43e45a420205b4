//! Differential entropy of a diffused mixture, h(p_t) = −E ln p_t, in nats.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

use crate::data::mixture::Mixture;
use crate::diffusion::path::Scales;

/// Entropy of N(0, I) in the plane, ln(2πe): what every variance-preserving path of standardised data tends to.
pub const STANDARD_NORMAL: f64 = 2.837_877_066_409_345_3;

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
/// The components are taken evenly, by their weights, and |n|²/2, whose mean 1 is known, is a control variate (Owen
/// 2013, "Monte Carlo theory", section 8.9): for a single Gaussian, whose −ln p is ln(2πv²) + |n|²/2, the estimate is
/// exact.
pub fn differential_entropy(mixture: &Mixture, scales: Scales, count: usize, seed: u64) -> Entropy {
    let Scales { a, s } = scales;
    let marginal = mixture.marginal(scales);
    let total = mixture.total_weight();
    let mut rng = StdRng::seed_from_u64(seed);
    let offset: f64 = rng.random();
    let (mut component, mut reached) = (0, f64::from(mixture.components[0].weight) / total);
    let draws: Vec<[f64; 2]> = (0..count)
        .map(|i| {
            let share = (i as f64 + offset) / count as f64;
            while share > reached && component + 1 < mixture.components.len() {
                component += 1;
                reached += f64::from(mixture.components[component].weight) / total;
            }
            let lobe = &mixture.components[component];
            let deviation = (a * f64::from(lobe.sigma)).hypot(s);
            let n: [f64; 2] = [rng.sample(StandardNormal), rng.sample(StandardNormal)];
            let x = [0, 1].map(|axis| a * f64::from(lobe.mean[axis]) + deviation * n[axis]);
            [-marginal.log_density(x), 0.5 * (n[0] * n[0] + n[1] * n[1])]
        })
        .collect();
    let number = draws.len().max(2) as f64;
    let mean = |column: usize| draws.iter().map(|d| d[column]).sum::<f64>() / number;
    let (value, control) = (mean(0), mean(1));
    let moment = |i: usize, j: usize| {
        let means = [value, control];
        draws.iter().map(|d| (d[i] - means[i]) * (d[j] - means[j])).sum::<f64>() / (number - 1.0)
    };
    let slope = moment(0, 1) / moment(1, 1).max(f64::MIN_POSITIVE);
    let residual = (moment(0, 0) - slope * moment(0, 1)).max(0.0);
    Entropy { nats: value - slope * (control - 1.0), error: (residual / number).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mixture::Component;
    use crate::data::shapes::Shape;
    use crate::diffusion::path::Path;
    use approx::assert_abs_diff_eq;

    #[test]
    fn of_one_gaussian_it_is_the_textbook_formula() {
        for sigma in [0.05_f32, 0.5, 1.7] {
            let mixture = Mixture::new(vec![Component { mean: [0.3, -2.0], sigma, weight: 1.0 }]).unwrap();
            for path in Path::ALL {
                for tau in [0.0, 0.3, 1.0] {
                    let scales = path.scales(tau, 1000);
                    let variance = (scales.a * f64::from(sigma)).powi(2) + scales.s.powi(2);
                    // ½ ln((2πe)² v⁴) = ln(2πe v²).
                    let known = (std::f64::consts::TAU * std::f64::consts::E * variance).ln();
                    let estimate = differential_entropy(&mixture, scales, 200, 3);
                    assert_abs_diff_eq!(estimate.nats, known, epsilon = 1e-9);
                    assert!(estimate.error < 1e-6);
                }
            }
        }
        assert_abs_diff_eq!(STANDARD_NORMAL, (std::f64::consts::TAU * std::f64::consts::E).ln(), epsilon = 1e-15);
    }

    /// Lobes so far apart that they do not touch: ln K is added to the entropy of one.
    #[test]
    fn of_separate_lobes_it_is_that_of_one_and_of_the_choice() {
        let lobe = |x, weight| Component { mean: [x, 0.0], sigma: 0.1, weight };
        let mixture = Mixture::new(vec![lobe(-50.0, 0.25), lobe(0.0, 0.5), lobe(50.0, 0.25)]).unwrap();
        let estimate = differential_entropy(&mixture, Scales { a: 1.0, s: 0.0 }, 4000, 1);
        let one = (std::f64::consts::TAU * std::f64::consts::E * f64::from(0.1_f32).powi(2)).ln();
        let choice = 1.5 * 2.0_f64.ln();
        assert_abs_diff_eq!(estimate.nats, one + choice, epsilon = 2e-3);
    }

    /// Against the midpoint rule on a grid, for a shape of many lobes that do touch.
    #[test]
    fn of_two_moons_it_is_the_integral() {
        let mixture = Shape::Moons.mixture();
        let scales = Path::Cosine.scales(0.3, 1000);
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
        assert!((estimate.nats - integral).abs() < 4.0 * estimate.error, "{estimate:?} and not {integral}");
    }
}
