//! Initial weights: PyTorch's default for `nn.Linear`.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::layout::{LayerSpan, NetworkShape};

/// The flat parameter vector, in the order of [`NetworkShape::layers`], with every weight and bias uniform in
/// ±1/√(inputs of its layer): what `torch.nn.Linear.reset_parameters` draws from (there a Kaiming uniform with a = √5).
/// The same seed gives the same weights. What says the variance is drawn last: a network that learns none begins with the others alike.
pub fn initial_weights(shape: NetworkShape, seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut weights = Vec::with_capacity(shape.parameters());
    let plain = NetworkShape {
        learns_variance: false,
        ..shape
    };
    let mut draw = |inputs: usize, count: usize| -> Vec<f32> {
        let bound = 1.0 / (inputs as f32).sqrt();
        (0..count)
            .map(|_| rng.random_range(-bound..=bound))
            .collect()
    };
    for layer in plain.layers() {
        weights.extend(draw(layer.inputs, (layer.inputs + 1) * layer.outputs));
    }
    let rows = shape.outputs() - plain.outputs();
    if rows > 0 {
        let inputs = shape.width as usize;
        let bias = weights.split_off(weights.len() - plain.outputs());
        weights.extend(draw(inputs, rows * inputs));
        weights.extend(bias);
        weights.extend(draw(inputs, rows));
    }
    weights
}

/// The same of layers that lie one after the other in the flat vector.
pub fn uniform_weights(layers: &[LayerSpan], seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut weights = Vec::new();
    for layer in layers {
        let bound = 1.0 / (layer.inputs as f32).sqrt();
        let count = (layer.inputs + 1) * layer.outputs;
        weights.extend((0..count).map(|_| rng.random_range(-bound..=bound)));
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first two moments of U(−b, b): mean 0 and variance b²/3, within five standard errors, and |w| ≤ b.
    #[test]
    fn every_layer_has_the_moments_of_its_uniform_distribution() {
        let shape = NetworkShape {
            learns_variance: true,
            ..NetworkShape::default()
        };
        let weights = initial_weights(shape, 3);
        assert_eq!(weights.len(), shape.parameters());
        for layer in shape.layers() {
            let values = &weights[layer.weight..layer.bias + layer.outputs];
            let bound = 1.0 / (layer.inputs as f64).sqrt();
            let n = values.len() as f64;
            let mean = values.iter().map(|&w| f64::from(w)).sum::<f64>() / n;
            let square = values.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / n;
            let variance = bound * bound / 3.0;
            assert!(
                values
                    .iter()
                    .all(|&w| f64::from(w).abs() <= bound * 1.000_001)
            );
            assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "mean {mean}");
            // Var(w²) = b⁴ (1/5 − 1/9).
            assert!(
                (square - variance).abs() < 5.0 * bound * bound * (4.0 / 45.0 / n).sqrt(),
                "variance {square}"
            );
        }
    }

    #[test]
    fn the_seed_decides() {
        let shape = NetworkShape::default();
        assert_eq!(initial_weights(shape, 1), initial_weights(shape, 1));
        assert_ne!(initial_weights(shape, 1), initial_weights(shape, 2));
    }

    #[test]
    fn what_learns_the_variance_besides_begins_as_what_does_not() {
        let plain = NetworkShape::default();
        let both = NetworkShape {
            learns_variance: true,
            ..plain
        };
        let (a, b) = (initial_weights(plain, 5), initial_weights(both, 5));
        for (plain, both) in plain.layers().into_iter().zip(both.layers()) {
            let weights = plain.inputs * plain.outputs;
            assert_eq!(a[plain.weight..][..weights], b[both.weight..][..weights]);
            assert_eq!(
                a[plain.bias..][..plain.outputs],
                b[both.bias..][..plain.outputs]
            );
        }
    }
}
