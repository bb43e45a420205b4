//! The plain-Rust engine from end to end: it learns, it repeats itself bit for bit, and it refuses nonsense.

use std::sync::Arc;

use noise_compass::data::bounds::Bounds;
use noise_compass::data::mixture::{Component, Mixture};
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{Mix, Plan, PlanStep};
use noise_compass::diffusion::target::{Combination, Target};
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::network::layout::{Activation, NetworkShape};
use noise_compass::engine::network::optimiser::UpdateRule;
use noise_compass::engine::network::timetable::Timetable;
use noise_compass::engine::{
    Engine, ModelState, Objective, Pairing, Run, Start, TrainSpec, TrainingData, Wait,
};

const SHAPE: NetworkShape = NetworkShape {
    octaves: 2,
    width: 32,
    depth: 2,
    activation: Activation::Silu,
    learns_variance: false,
    classes: 0,
};
const TIMESTEPS: u32 = 100;

/// Eight Gaussians on a circle.
fn mixture() -> Mixture {
    let component = |k: u8| {
        let angle = std::f32::consts::FRAC_PI_4 * f32::from(k);
        Component {
            mean: [1.4 * angle.cos(), 1.4 * angle.sin()],
            sigma: 0.1,
            weight: 0.125,
        }
    };
    Mixture {
        components: (0..8).map(component).collect(),
    }
}

fn spec(data: TrainingData) -> TrainSpec {
    TrainSpec {
        shape: SHAPE,
        timetable: Arc::new(Timetable::new(Schedule::Cosine, Target::Eps, TIMESTEPS)),
        data,
        labels: None,
        pairing: Pairing::default(),
        objective: Objective::Denoise,
        batch: 128,
        learning_rate: 3e-3,
        rule: UpdateRule::default(),
        seed: 5,
        ema_decay: 0.999,
    }
}

fn fresh() -> TrainSpec {
    spec(TrainingData::Fresh(Arc::new(mixture())))
}

fn engine(spec: &TrainSpec) -> CpuEngine {
    let mut engine = CpuEngine::new();
    engine
        .load(spec, &ModelState::fresh(initial_weights(spec.shape, 1)))
        .unwrap();
    engine
}

fn train(engine: &mut CpuEngine, steps: u32) {
    assert_eq!(engine.train(steps, f64::INFINITY).unwrap(), steps);
}

/// Ancestral sampling (Ho et al. 2020, algorithm 2, through x̂_0) over all timesteps.
fn ancestral_plan() -> Plan {
    let tau = |t: u32| f64::from(t) / f64::from(TIMESTEPS);
    let alpha_bar = |t: u32| Schedule::Cosine.alpha_bar(tau(t), TIMESTEPS);
    let steps = (1..=TIMESTEPS).rev().map(|t| {
        let (now, next) = (alpha_bar(t), alpha_bar(t - 1));
        let beta = 1.0 - now / next;
        let Combination(x0_x, x0_output) =
            Target::Eps.to_x0(Schedule::Cosine.scales(tau(t), TIMESTEPS));
        PlanStep {
            tau: tau(t),
            tau_next: tau(t - 1),
            x0_x,
            x0_output,
            to_x: Mix {
                x: (1.0 - beta).sqrt() * (1.0 - next) / (1.0 - now),
                x_0: next.sqrt() * beta / (1.0 - now),
                z: (beta * (1.0 - next) / (1.0 - now)).sqrt(),
                ..Mix::default()
            },
            ..PlanStep::default()
        }
    });
    Plan {
        steps: steps.collect(),
        start_std: 1.0,
        clip: Some(Bounds {
            min: [-2.0; 2],
            max: [2.0; 2],
        }),
        control: None,
        awaits_data: false,
    }
}

fn sample(engine: &mut CpuEngine, n: u32) -> Vec<[f32; 2]> {
    let cloud = engine
        .run(
            &Run::of_samples(&ancestral_plan(), &Start::Noise(n), 3),
            &|_| true,
        )
        .unwrap()
        .unwrap()
        .points;
    cloud.to_host().unwrap().to_vec()
}

/// A run learns: the loss falls, the histogram accounts for every sample, and the samples gather on the circle, which
/// an untrained network's do not.
#[test]
fn three_hundred_steps_learn_eight_gaussians() {
    let spec = fresh();
    let mut engine = engine(&spec);
    let off_circle = |points: &[[f32; 2]]| {
        let distance = |p: &[f32; 2]| (p[0].hypot(p[1]) - 1.4).abs();
        points.iter().map(distance).sum::<f32>() / points.len() as f32
    };
    let before = off_circle(&sample(&mut engine, 512));
    train(&mut engine, 300);
    let progress = engine.poll(Wait::UntilDone).unwrap();
    assert_eq!(progress.step, 300);
    assert!(progress.losses.iter().map(|(step, _)| *step).eq(1..=300));
    let mean = |from: usize| {
        progress.losses[from..from + 20]
            .iter()
            .map(|l| l.1)
            .sum::<f32>()
            / 20.0
    };
    assert!(
        mean(280) < 0.6 * mean(0),
        "the loss went from {} to {}",
        mean(0),
        mean(280)
    );

    let histogram = progress.histogram.unwrap();
    assert_eq!(histogram.count.iter().sum::<u64>(), 300 * 128);
    let total: f64 = progress.losses.iter().map(|l| f64::from(l.1) * 128.0).sum();
    assert!((histogram.sum.iter().sum::<f64>() / total - 1.0).abs() < 1e-5);
    assert!(engine.poll(Wait::UntilDone).unwrap().losses.is_empty());

    let after = off_circle(&sample(&mut engine, 512));
    assert!(
        after < 0.5 * before,
        "mean distance to the circle went from {before} to {after}"
    );
}

/// Updates done, losses, state and samples of a run on its own pool of threads.
fn run(threads: usize, data: TrainingData) -> (ModelState, Vec<(u64, f32)>, Vec<[f32; 2]>) {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| {
        let mut spec = spec(data);
        // Not a multiple of anything: the last block and the last part are short.
        spec.batch = 333;
        let mut engine = engine(&spec);
        train(&mut engine, 20);
        let losses = engine.poll(Wait::UntilDone).unwrap().losses;
        let points = sample(&mut engine, 150);
        (engine.state().unwrap(), losses, points)
    })
}

#[test]
fn a_seed_decides_a_run_bit_for_bit_on_any_number_of_threads() {
    let points: Vec<_> = (0..100)
        .map(|i: u8| [f32::from(i).sin(), f32::from(i).cos()])
        .collect();
    for data in [
        TrainingData::Fresh(Arc::new(mixture())),
        TrainingData::Finite(Arc::new(points)),
    ] {
        let one = run(1, data.clone());
        assert_eq!(one, run(1, data.clone()));
        assert_eq!(one, run(2, data.clone()));
        assert_eq!(one, run(3, data));
    }
    assert_ne!(run(1, TrainingData::Fresh(Arc::new(mixture()))).0, {
        let mut spec = fresh();
        (spec.batch, spec.seed) = (333, 6);
        let mut engine = engine(&spec);
        train(&mut engine, 20);
        engine.state().unwrap()
    });
}

/// A run that is cut in two, saved and loaded in between, is the same run.
#[test]
fn a_run_goes_on_from_its_state() {
    let spec = fresh();
    let mut whole = engine(&spec);
    train(&mut whole, 30);
    let mut first = engine(&spec);
    train(&mut first, 11);
    let mut second = CpuEngine::new();
    second.load(&spec, &first.state().unwrap()).unwrap();
    train(&mut second, 19);
    assert_eq!(whole.state().unwrap(), second.state().unwrap());
}

/// At a training timestep the time is the training's, so the loss worked out from `predict` is the one of `gradient`.
#[test]
fn prediction_and_training_see_the_same_network() {
    let spec = fresh();
    let mut engine = engine(&spec);
    train(&mut engine, 10);
    let x: Vec<_> = (0..90)
        .map(|i: u8| [f32::from(i) * 0.02 - 1.0, 0.5])
        .collect();
    let target = vec![[0.25, -0.5]; x.len()];
    let (loss, _) = engine.gradient(&x, &vec![40; x.len()], &target).unwrap();
    let outputs = engine
        .predict(0.4, &x, noise_compass::engine::Weights::Raw)
        .unwrap();
    let squares = outputs
        .iter()
        .map(|o| (o[0] - 0.25).powi(2) + (o[1] + 0.5).powi(2));
    let expected = squares.sum::<f32>() / (2 * x.len()) as f32;
    assert!(
        (loss - expected).abs() < 1e-5 * expected,
        "{loss} is not {expected}"
    );
    assert_ne!(
        outputs,
        engine
            .predict(0.4, &x, noise_compass::engine::Weights::Ema)
            .unwrap(),
        "the average lags behind the weights"
    );
}

#[test]
fn a_loss_that_is_not_finite_is_reported_as_it_is() {
    let mut spec = spec(TrainingData::Finite(Arc::new(vec![[f32::MAX, 0.0]])));
    spec.learning_rate = 10.0;
    let mut engine = engine(&spec);
    train(&mut engine, 5);
    let losses = engine.poll(Wait::UntilDone).unwrap().losses;
    assert_eq!(losses.len(), 5);
    assert!(
        losses.iter().any(|(_, loss)| !loss.is_finite()),
        "{losses:?}"
    );
}

#[test]
fn nonsense_is_refused_in_one_sentence() {
    let spec = fresh();
    let mut engine = CpuEngine::new();
    assert!(
        engine
            .train(1, 1.0)
            .unwrap_err()
            .to_string()
            .contains("load one first")
    );
    let mut state = ModelState::fresh(initial_weights(SHAPE, 1));
    state.ema.pop();
    assert!(
        engine
            .load(&spec, &state)
            .unwrap_err()
            .to_string()
            .contains("ema")
    );

    let mut engine = self::engine(&spec);
    let mut wider = spec.clone();
    wider.shape.width = 64;
    assert!(engine.update(&wider).is_err());
    let mut empty = spec.clone();
    empty.data = TrainingData::Finite(Arc::new(Vec::new()));
    assert!(
        engine
            .update(&empty)
            .unwrap_err()
            .to_string()
            .contains("no training points")
    );
    for (x, t, target) in [
        (2, vec![1], 2),
        (1, vec![0], 1),
        (1, vec![TIMESTEPS + 1], 1),
        (0, vec![], 0),
    ] {
        assert!(
            engine
                .gradient(&vec![[0.0; 2]; x], &t, &vec![[0.0; 2]; target])
                .is_err()
        );
        assert!(
            engine
                .step_on(&vec![[0.0; 2]; x], &t, &vec![[0.0; 2]; target])
                .is_err()
        );
    }
}
