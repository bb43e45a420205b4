//! How far x_0 is spread about E[x_0 | x_t]: what the best Gaussian of a step back from x_t needs to know of the data.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use rayon::prelude::*;

use crate::data::mixture::Mixture;
use crate::diffusion::exact::Marginal;
use crate::diffusion::schedule::Scales;
use crate::philox::{Stream, normal};

/// ln(s/a) of the first level, and from one level to the next: from where next to nothing is unknown to where nothing is known.
const FIRST: f64 = -9.0;
const STEP: f64 = 0.25;
const LEVELS: usize = 85;
/// Draws of (x_0, ε), the same at each level, so that the curve is smooth.
const DRAWS: usize = 2048;
/// Key of the draws.
const SEED: u64 = 0x5eed;

/// V(t) = E|x_0 − E[x_0 | x_t]|²/D over the levels of s/a, the mean posterior variance of a coordinate.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// ln V at the levels.
    logs: Vec<f64>,
}

/// Spreads of data that are still in use.
static KNOWN: Mutex<Vec<(Weak<Mixture>, Arc<Spread>)>> = Mutex::new(Vec::new());

impl Spread {
    /// Of some data, by draws: about a tenth of a second, once.
    pub fn of(mixture: &Arc<Mixture>) -> Arc<Self> {
        let is_it = |known: &Weak<Mixture>| std::ptr::eq(known.as_ptr(), Arc::as_ptr(mixture));
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(data, _)| data.strong_count() > 0);
        if let Some((_, spread)) = known.iter().find(|(data, _)| is_it(data)) {
            return spread.clone();
        }
        let spread = Arc::new(Self::measured(mixture));
        known.push((Arc::downgrade(mixture), spread.clone()));
        spread
    }

    fn measured(mixture: &Mixture) -> Self {
        let clean = mixture.draw(DRAWS, SEED);
        let level = |index: usize| {
            let sigma = (FIRST + STEP * index as f64).exp();
            let marginal = Marginal::new(mixture, Scales { a: 1.0, s: sigma });
            let of = |(index, x_0): (usize, &[f32; 2])| {
                let epsilon = normal(SEED, Stream::Forward, 0, index as u32);
                let x_0 = x_0.map(f64::from);
                let x = [0, 1].map(|axis| x_0[axis] + sigma * f64::from(epsilon[axis]));
                marginal.posterior_variance(x)
            };
            (clean.iter().enumerate().map(of).sum::<f64>() / DRAWS as f64).ln()
        };
        Self {
            logs: (0..LEVELS).into_par_iter().map(level).collect(),
        }
    }

    /// V where x_t = a x_0 + s ε; between two levels the logarithm is a straight line.
    pub fn at(&self, Scales { a, s }: Scales) -> f64 {
        let beyond = (s / a).ln() - FIRST;
        let place = (beyond / STEP).clamp(0.0, (LEVELS - 1) as f64);
        let left = (place as usize).min(LEVELS - 2);
        let [from, to] = [self.logs[left], self.logs[left + 1]];
        let between = from + (place - left as f64) * (to - from);
        // Below the first level the noise is far below any width, and is what is unknown.
        (between + 2.0 * beyond.min(0.0)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mixture::Component;

    /// Of one Gaussian V is σ² s²/(a²σ² + s²), at every level and between any two.
    #[test]
    fn the_spread_of_a_gaussian_is_the_closed_form() {
        for sigma in [0.02_f32, 0.4, 1.0, 3.0] {
            let component = Component {
                mean: [0.7, -0.2],
                sigma,
                weight: 1.0,
            };
            let mixture = Arc::new(Mixture::new(vec![component]).unwrap());
            let spread = Spread::of(&mixture);
            let variance = f64::from(sigma).powi(2);
            for k in -100..=120 {
                let noise = (0.1 * f64::from(k)).exp();
                let (a, s) = (1.0 / noise.hypot(1.0), noise / noise.hypot(1.0));
                let expected = variance * s * s / (a * a * variance + s * s);
                let found = spread.at(Scales { a, s });
                assert!(
                    (found / expected - 1.0).abs() < 0.01,
                    "{sigma}, s/a = {noise}: {found}, not {expected}"
                );
            }
            assert!(Arc::ptr_eq(&spread, &Spread::of(&mixture)));
        }
    }

    /// Far apart, two points are told from each other until the noise reaches them: then what is unknown is which of them.
    #[test]
    fn two_points_are_unknown_where_the_noise_reaches_from_one_to_the_other() {
        let at = |x: f32| Component {
            mean: [x, 0.0],
            sigma: 1e-3,
            weight: 0.5,
        };
        let spread = Spread::of(&Arc::new(Mixture::new(vec![at(-1.0), at(1.0)]).unwrap()));
        let of = |noise: f64| spread.at(Scales { a: 1.0, s: noise });
        // Of a coordinate: each point's own 1e-6, and at last half of 1.
        assert!(of(0.1) < 2e-6, "{}", of(0.1));
        // 1 − E tanh(1 + z) of z ~ N(0, 1), by quadrature.
        let tanh = |n: i32| {
            let z = 0.01 * f64::from(n);
            (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() * 0.01 * (1.0 + z).tanh()
        };
        let middle = 0.5 * (1.0 - (-900..900).map(tanh).sum::<f64>());
        assert!(
            (of(1.0) / middle - 1.0).abs() < 0.05,
            "{}, not {middle}",
            of(1.0)
        );
        assert!((of(1e4) - 0.5).abs() < 1e-3, "{}", of(1e4));
    }
}
