//! The gradient of every parameter against central finite differences, in f64.

use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::target::Target;
use noise_compass::engine::cpu::network::{Network, Samples};
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::network::layout::{Activation, NetworkShape};
use noise_compass::engine::network::timetable::Timetable;

/// Step of the differences. Their error is of order H² for smooth activations.
const H: f64 = 1e-5;
/// Largest |analytic − difference| relative to the norm of the whole gradient.
const TOLERANCE: f64 = 1e-8;

fn check(shape: NetworkShape, samples: Samples) {
    // The score target, since its loss weight is not 1.
    let timetable = Timetable::new(Schedule::Linear, Target::Score, 10);
    let weights: Vec<f64> = initial_weights(shape, 8)
        .into_iter()
        .map(f64::from)
        .collect();
    let mut network = Network::new(shape, &weights);
    let (_, gradient) = network.loss_and_gradient(&timetable, samples);
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!(norm > 1e-3, "{shape:?} has no gradient to check");
    let mut loss_with = |index: usize, value: f64| {
        network.change(|parameters| parameters[index] = value);
        network.loss_and_gradient(&timetable, samples).0
    };
    for (index, &weight) in weights.iter().enumerate() {
        let difference = (loss_with(index, weight + H) - loss_with(index, weight - H)) / (2.0 * H);
        loss_with(index, weight);
        let error = (gradient[index] - difference).abs() / norm;
        assert!(
            error < TOLERANCE,
            "{shape:?}, parameter {index}: {} is not {difference}",
            gradient[index]
        );
    }
}

#[test]
fn every_gradient_is_the_slope_of_the_loss() {
    let x = [[0.3, -1.2], [1.5, 0.4], [-0.7, 0.9]];
    let target = [[1.0, 0.2], [-0.5, 0.8], [0.1, -1.1]];
    let samples = Samples {
        x: &x,
        t: &[1, 10, 6],
        target: &target,
    };
    std::thread::scope(|scope| {
        for activation in Activation::ALL {
            scope.spawn(move || {
                for depth in 1..=3 {
                    for octaves in [0, 2] {
                        check(
                            NetworkShape {
                                octaves,
                                width: 32,
                                depth,
                                activation,
                            },
                            samples,
                        );
                    }
                }
            });
        }
    });
}
