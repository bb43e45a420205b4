//! Isotropic Gaussian mixtures in the plane: moments, bounds, sampling, standardising.
//!
//! Density, score and posterior mean along a noise schedule are in [`crate::diffusion::exact`].

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::bounds::Bounds;

/// One isotropic component.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Centre, standardised units.
    pub mean: [f32; 2],
    /// Standard deviation per axis.
    pub sigma: f32,
    /// Probability; the weights of a mixture sum to 1.
    pub weight: f32,
}

/// A mixture of at least one component. On disk: `{"components": [{"mean": [x, y], "sigma": s, "weight": w}, ...]}`.
/// Reading it goes through [`Mixture::new`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Components")]
pub struct Mixture {
    /// The components.
    pub components: Vec<Component>,
}

/// A mixture as it lies in a file, unchecked.
#[derive(Deserialize, Serialize)]
pub(super) struct Components {
    components: Vec<Component>,
}

impl TryFrom<Components> for Mixture {
    type Error = MixtureError;

    fn try_from(unchecked: Components) -> Result<Self, MixtureError> {
        Self::new(unchecked.components)
    }
}

/// Components that make no distribution.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MixtureError {
    /// There is none, or all have weight 0.
    #[error("a mixture needs at least one component with a weight above 0")]
    Empty,
    /// One is impossible; the number counts from 0.
    #[error(
        "component {0} of the mixture is impossible: its mean must be finite, its sigma finite and above 0, \
         its weight finite and not below 0"
    )]
    Component(usize),
}

/// The affine map into standardised units: (point − mean) / scale, the same scale on both axes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardisation {
    /// What is taken off.
    pub mean: [f64; 2],
    /// What it is divided by: the square root of the average variance per axis.
    pub scale: f64,
}

impl Standardisation {
    /// A point in standardised units.
    pub fn apply(self, point: [f64; 2]) -> [f32; 2] {
        [0, 1].map(|axis| ((point[axis] - self.mean[axis]) / self.scale) as f32)
    }

    /// A point in the data's own units: the inverse of [`Standardisation::apply`].
    pub fn restore(self, point: [f32; 2]) -> [f64; 2] {
        [0, 1].map(|axis| f64::from(point[axis]) * self.scale + self.mean[axis])
    }
}

impl Default for Standardisation {
    /// That of data which are in standardised units already.
    fn default() -> Self {
        Self {
            mean: [0.0; 2],
            scale: 1.0,
        }
    }
}

impl Mixture {
    /// A mixture of these components, the weights scaled to sum to 1. Components of weight 0 are dropped.
    pub fn new(mut components: Vec<Component>) -> Result<Self, MixtureError> {
        let possible = |c: &Component| {
            c.mean.iter().all(|m| m.is_finite())
                && c.sigma.is_finite()
                && c.sigma > 0.0
                && c.weight.is_finite()
                && c.weight >= 0.0
        };
        if let Some(index) = components.iter().position(|c| !possible(c)) {
            return Err(MixtureError::Component(index));
        }
        components.retain(|c| c.weight > 0.0);
        if components.is_empty() {
            return Err(MixtureError::Empty);
        }
        let mut mixture = Self { components };
        let total = mixture.total_weight();
        for component in &mut mixture.components {
            component.weight = (f64::from(component.weight) / total) as f32;
        }
        Ok(mixture)
    }

    /// Sum of the weights: 1 up to rounding for every mixture made by [`Mixture::new`].
    pub fn total_weight(&self) -> f64 {
        self.components.iter().map(|c| f64::from(c.weight)).sum()
    }

    /// The mean of the distribution.
    pub fn mean(&self) -> [f64; 2] {
        let total = self.total_weight();
        [0, 1].map(|axis| {
            self.components
                .iter()
                .map(|c| f64::from(c.weight) * f64::from(c.mean[axis]))
                .sum::<f64>()
                / total
        })
    }

    /// The trace of the covariance: Σ w_k (|μ_k − μ|² + 2 σ_k²).
    pub fn covariance_trace(&self) -> f64 {
        let mean = self.mean();
        let spread = |c: &Component| {
            let [dx, dy] = [0, 1].map(|axis| f64::from(c.mean[axis]) - mean[axis]);
            dx * dx + dy * dy + 2.0 * f64::from(c.sigma).powi(2)
        };
        self.components
            .iter()
            .map(|c| f64::from(c.weight) * spread(c))
            .sum::<f64>()
            / self.total_weight()
    }

    /// The map that gives this mixture mean 0 and an average variance per axis of 1.
    pub fn standardisation(&self) -> Standardisation {
        Standardisation {
            mean: self.mean(),
            scale: (0.5 * self.covariance_trace()).sqrt(),
        }
    }

    /// This mixture seen through a map.
    #[must_use]
    pub fn mapped(&self, map: Standardisation) -> Self {
        let component = |c: &Component| Component {
            mean: map.apply(c.mean.map(f64::from)),
            sigma: (f64::from(c.sigma) / map.scale) as f32,
            weight: c.weight,
        };
        Self {
            components: self.components.iter().map(component).collect(),
        }
    }

    /// This mixture with mean 0 and an average variance per axis of 1; shapes keep their proportions.
    #[must_use]
    pub fn standardised(&self) -> Self {
        self.mapped(self.standardisation())
    }

    /// The box around every component's mean ± 3σ.
    pub fn bounds(&self) -> Bounds {
        self.bounds_at(3.0)
    }

    /// The box around every component's mean ± so many of its σ.
    pub fn bounds_at(&self, sigmas: f32) -> Bounds {
        let empty = Bounds {
            min: [f32::INFINITY; 2],
            max: [f32::NEG_INFINITY; 2],
        };
        self.components.iter().fold(empty, |b, c| {
            let reach = sigmas * c.sigma;
            Bounds {
                min: [
                    b.min[0].min(c.mean[0] - reach),
                    b.min[1].min(c.mean[1] - reach),
                ],
                max: [
                    b.max[0].max(c.mean[0] + reach),
                    b.max[1].max(c.mean[1] + reach),
                ],
            }
        })
    }

    /// `n` independent draws.
    pub fn sample(&self, n: usize, rng: &mut impl Rng) -> Vec<[f32; 2]> {
        let drawn = self.sample_with_components(n, rng);
        drawn.into_iter().map(|(point, _)| point).collect()
    }

    /// `n` independent draws, each with the number of the component that it is of.
    fn sample_with_components(&self, n: usize, rng: &mut impl Rng) -> Vec<([f32; 2], usize)> {
        let mut total = 0.0;
        let cumulative: Vec<f64> = self
            .components
            .iter()
            .map(|c| {
                total += f64::from(c.weight);
                total
            })
            .collect();
        let last = cumulative.len().saturating_sub(1);
        (0..n)
            .map(|_| {
                let level = rng.random::<f64>() * total;
                let number = cumulative.partition_point(|&c| c <= level).min(last);
                let component = &self.components[number];
                let point = component.mean.map(|centre| {
                    let z: f64 = rng.sample(StandardNormal);
                    (f64::from(centre) + f64::from(component.sigma) * z) as f32
                });
                (point, number)
            })
            .collect()
    }

    /// `n` independent draws that depend on nothing but the seed.
    pub fn draw(&self, n: usize, seed: u64) -> Vec<[f32; 2]> {
        self.sample(n, &mut StdRng::seed_from_u64(seed))
    }

    /// The same draws as [`Mixture::draw`], each with the number of the component that it is of.
    pub fn draw_with_components(&self, n: usize, seed: u64) -> Vec<([f32; 2], usize)> {
        self.sample_with_components(n, &mut StdRng::seed_from_u64(seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use proptest::prelude::*;

    fn component(x: f32, y: f32, sigma: f32, weight: f32) -> Component {
        Component {
            mean: [x, y],
            sigma,
            weight,
        }
    }

    #[test]
    fn moments_of_two_components_are_those_worked_out_by_hand() {
        // Mean (0.75·2, 0.25·4) = (1.5, 1); spread 0.75·(0.25 + 1 + 2) + 0.25·(2.25 + 9 + 0.5) = 2.4375 + 2.9375.
        let mixture = Mixture::new(vec![
            component(2.0, 0.0, 1.0, 3.0),
            component(0.0, 4.0, 0.5, 1.0),
        ])
        .unwrap();
        assert_abs_diff_eq!(mixture.total_weight(), 1.0);
        assert_eq!(mixture.mean(), [1.5, 1.0]);
        assert_abs_diff_eq!(mixture.covariance_trace(), 5.375);
        let bounds = mixture.bounds();
        assert_eq!((bounds.min, bounds.max), ([-1.5, -3.0], [5.0, 5.5]));
    }

    #[test]
    fn impossible_components_are_refused_and_empty_ones_dropped() {
        assert_eq!(Mixture::new(vec![]), Err(MixtureError::Empty));
        assert_eq!(
            Mixture::new(vec![component(0.0, 0.0, 1.0, 0.0)]),
            Err(MixtureError::Empty)
        );
        for bad in [
            (f32::NAN, 1.0, 1.0),
            (0.0, 0.0, 1.0),
            (0.0, -1.0, 1.0),
            (0.0, 1.0, -1.0),
            (0.0, f32::INFINITY, 1.0),
        ] {
            let components = vec![
                component(0.0, 0.0, 1.0, 1.0),
                component(bad.0, 0.0, bad.1, bad.2),
            ];
            assert_eq!(
                Mixture::new(components),
                Err(MixtureError::Component(1)),
                "{bad:?}"
            );
        }
        let kept = Mixture::new(vec![
            component(0.0, 0.0, 1.0, 0.0),
            component(1.0, 0.0, 1.0, 0.5),
        ])
        .unwrap();
        assert_eq!(kept.components, [component(1.0, 0.0, 1.0, 1.0)]);
    }

    #[test]
    fn a_file_is_read_as_documented_and_checked() {
        let text = r#"{"components": [{"mean": [1, -2], "sigma": 0.5, "weight": 1}]}"#;
        let mixture: Mixture = serde_json::from_str(text).unwrap();
        assert_eq!(mixture.components, [component(1.0, -2.0, 0.5, 1.0)]);
        assert_eq!(
            serde_json::from_str::<Mixture>(&serde_json::to_string(&mixture).unwrap()).unwrap(),
            mixture
        );
        let error = serde_json::from_str::<Mixture>(&text.replace("0.5", "0")).unwrap_err();
        assert!(error.to_string().contains("component 0"), "{error}");
    }

    #[test]
    fn draws_repeat_with_the_seed_and_have_the_mixtures_moments() {
        let mixture = Mixture::new(vec![
            component(-1.0, 2.0, 0.3, 0.2),
            component(1.0, 0.0, 0.1, 0.8),
        ])
        .unwrap();
        assert_eq!(mixture.draw(100, 5), mixture.draw(100, 5));
        assert_ne!(mixture.draw(100, 5), mixture.draw(100, 6));
        let n = 100_000;
        let points = mixture.draw(n, 1);
        let mean =
            [0, 1].map(|axis| points.iter().map(|p| f64::from(p[axis])).sum::<f64>() / n as f64);
        let trace = points
            .iter()
            .flat_map(|p| [0, 1].map(|axis| (f64::from(p[axis]) - mean[axis]).powi(2)))
            .sum::<f64>()
            / n as f64;
        assert_abs_diff_eq!(mean[0], mixture.mean()[0], epsilon = 0.015);
        assert_abs_diff_eq!(mean[1], mixture.mean()[1], epsilon = 0.015);
        assert_abs_diff_eq!(trace, mixture.covariance_trace(), epsilon = 0.03);
    }

    proptest! {
        #[test]
        fn standardising_gives_mean_0_and_average_variance_1(
            parts in prop::collection::vec((-50.0..50.0_f32, -5.0..5.0_f32, 0.01..3.0_f32, 0.01..1.0_f32), 1..20),
        ) {
            let components = parts.into_iter().map(|(x, y, sigma, weight)| component(x, y, sigma, weight)).collect();
            let standard = Mixture::new(components).unwrap().standardised();
            // The means are stored in f32: up to 50/0.01 units from the origin before the shift.
            prop_assert!(standard.mean().iter().all(|m| m.abs() < 1e-3));
            prop_assert!((standard.covariance_trace() - 2.0).abs() < 1e-4);
        }
    }
}
