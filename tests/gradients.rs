//! The gradient of every parameter against central finite differences, in f64.

use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::target::Target;
use noise_compass::diffusion::weighting::Weighting;
use noise_compass::engine::cpu::network::{Network, Samples, Workspace};
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::network::layout::{Activation, NetworkShape};
use noise_compass::engine::network::timetable::{Emphasis, Timetable};

/// Step of the differences. Their error is of order H² for smooth activations.
const H: f64 = 1e-5;
/// Largest |analytic − difference| relative to the norm of the whole gradient.
const TOLERANCE: f64 = 1e-8;

fn check(shape: NetworkShape, timetable: &Timetable, samples: Samples) {
    let weights: Vec<f64> = initial_weights(shape, 8)
        .into_iter()
        .map(f64::from)
        .collect();
    let mut network = Network::new(shape, &weights);
    let (_, gradient) = network.loss_and_gradient(timetable, samples);
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!(norm > 1e-3, "{shape:?} has no gradient to check");
    // Room that is kept: tens of thousands of losses are asked for.
    let mut work = Workspace::new(shape);
    let (mut unread, mut losses) = (vec![0.0; weights.len()], vec![0.0; samples.x.len()]);
    let mut loss_with = |index: usize, value: f64| {
        network.change(|parameters| parameters[index] = value);
        network.accumulate(timetable, samples, 1.0, &mut work, &mut unread, &mut losses);
        // The weighting is in the gradient and not in the loss: what is descended is the weighted mean.
        let each = losses
            .iter()
            .zip(samples.t)
            .map(|(loss, t)| f64::from(timetable.rows[*t as usize - 1].weighting) * loss);
        each.sum::<f64>() / losses.len() as f64
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
        labels: &[],
    };
    // The score target, since its loss weight is not 1.
    let timetable = &Timetable::new(Schedule::Linear, Target::Score, 10);
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
                                learns_variance: false,
                                classes: 0,
                            },
                            timetable,
                            samples,
                        );
                    }
                }
            });
        }
    });
}

/// Each weighting, on targets whose own weight and whose input's scale are not 1 at times that are far apart.
#[test]
fn every_weighted_gradient_is_the_slope_of_the_weighted_loss() {
    let x = [[0.3, -1.2], [4.5, 0.4], [-0.7, 0.9]];
    let target = [[1.0, 0.2], [-0.5, 0.8], [0.1, -1.1]];
    let samples = Samples {
        x: &x,
        t: &[1, 9, 6],
        target: &target,
        labels: &[],
    };
    let shape = NetworkShape {
        octaves: 1,
        width: 32,
        depth: 2,
        activation: Activation::Silu,
        learns_variance: false,
        classes: 0,
    };
    for weighting in Weighting::ALL {
        for (schedule, target) in [(Schedule::Flow, Target::Score), (Schedule::Ve, Target::Edm)] {
            let emphasis = Emphasis {
                weighting,
                ..Emphasis::default()
            };
            let timetable = Timetable::with_emphasis(schedule, target, 10, emphasis);
            let weights: Vec<f32> = samples
                .t
                .iter()
                .map(|t| timetable.rows[*t as usize - 1].weighting)
                .collect();
            // EDM's own weighting of EDM's own target is 1.
            let plain = weighting == Weighting::Plain
                || (weighting, target) == (Weighting::Edm, Target::Edm);
            assert_eq!(
                plain,
                weights.iter().all(|w| (w - 1.0).abs() < 1e-6),
                "{weighting:?}"
            );
            check(shape, &timetable, samples);
        }
    }
}

/// With labels, of which one sample is told none: each column of the classes too.
#[test]
fn every_gradient_with_labels_is_the_slope_of_the_loss() {
    let x = [[0.3, -1.2], [1.5, 0.4], [-0.7, 0.9], [0.2, 0.1]];
    let target = [[1.0, 0.2], [-0.5, 0.8], [0.1, -1.1], [0.4, 0.0]];
    let samples = Samples {
        x: &x,
        t: &[1, 10, 6, 3],
        target: &target,
        labels: &[1, 0, 3, 1],
    };
    let timetable = &Timetable::new(Schedule::Linear, Target::V, 10);
    for classes in [3, 16] {
        let shape = NetworkShape {
            octaves: 1,
            width: 32,
            depth: 2,
            activation: Activation::Silu,
            learns_variance: false,
            classes,
        };
        check(shape, timetable, samples);
        let weights: Vec<f64> = initial_weights(shape, 8)
            .into_iter()
            .map(f64::from)
            .collect();
        let (_, gradient) = Network::new(shape, &weights).loss_and_gradient(timetable, samples);
        let layer = shape.layers()[0];
        let column = |class: usize| {
            let at = |row: usize| {
                gradient[layer.weight + row * layer.inputs + shape.first_class() + class]
            };
            (0..layer.outputs).map(at).map(f64::abs).sum::<f64>()
        };
        // Classes 0 and 2 are told, class 1 is not.
        assert!(column(0) > 0.0 && column(2) > 0.0 && column(1) == 0.0);
    }
}
