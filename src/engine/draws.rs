//! Draws of a mixture by words that are given, so that they are the same wherever they are made.

use std::sync::Arc;

use maths::data::mixture::Mixture;
use maths::philox::uniform;

/// A mixture, ready to draw from.
pub struct Draws {
    mixture: Arc<Mixture>,
    /// Σ_{j ≤ k} weight_j for every component k, scaled to end at 1.
    cumulative: Vec<f32>,
}

impl Draws {
    /// Of a mixture with at least one component. The weights need not sum to 1.
    pub fn new(mixture: &Arc<Mixture>) -> Self {
        let weights = || mixture.components.iter().map(|c| f64::from(c.weight));
        let total: f64 = weights().sum();
        let sums = weights().scan(0.0, |sum, weight| {
            *sum += weight;
            Some((*sum / total) as f32)
        });
        Self {
            mixture: mixture.clone(),
            cumulative: sums.collect(),
        }
    }

    /// The point of a component that a word draws, with this normal deviate, and the component's number.
    pub fn point(&self, word: u32, z: [f32; 2]) -> ([f32; 2], usize) {
        let u = uniform(word);
        let last = self.cumulative.len() - 1;
        let k = self.cumulative.partition_point(|&sum| sum < u).min(last);
        let component = self.mixture.components[k];
        let point = [0, 1].map(|axis| component.mean[axis] + component.sigma * z[axis]);
        (point, k)
    }
}
