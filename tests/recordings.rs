//! Recorded runs: alike on both engines, by the learned and by the exact x̂_0, and by every kind of sampler; the ODE
//! against the closed form that a single Gaussian has.

use std::sync::{Arc, OnceLock};

use noise_compass::data::kernels::{MAX_KERNELS, kernels};
use noise_compass::data::mixture::{Component, Mixture};
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::exact::ExactField;
use noise_compass::diffusion::path::Path;
use noise_compass::diffusion::solver::{Plan, PlanContext, Sampler, Variance};
use noise_compass::diffusion::target::Target;
use noise_compass::diffusion::timetable::Timetable;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::{Denoiser, Engine, ModelState, Recording, Start, TrainSpec, TrainingData, philox};
use noise_compass::nn::init::initial_weights;
use noise_compass::nn::layout::{Activation, NetworkShape};

fn engines() -> [Box<dyn Engine>; 2] {
    static CONTEXT: OnceLock<Arc<GpuContext>> = OnceLock::new();
    let context = CONTEXT.get_or_init(|| GpuContext::headless().unwrap()).clone();
    let shape = NetworkShape { octaves: 2, width: 32, depth: 2, activation: Activation::Silu };
    let spec = TrainSpec {
        shape,
        timetable: Arc::new(Timetable::new(Path::Linear, Target::Eps, 1000)),
        data: TrainingData::Fresh(Arc::new(Shape::Moons.mixture())),
        batch: 64,
        learning_rate: 3e-3,
        seed: 2,
        ema_decay: 0.9,
    };
    let state = ModelState::fresh(initial_weights(shape, 3));
    let mut engines: [Box<dyn Engine>; 2] = [Box::new(GpuEngine::new(context).unwrap()), Box::new(CpuEngine::new())];
    for engine in &mut engines {
        engine.load(&spec, &state).unwrap();
    }
    engines
}

fn context(path: Path) -> PlanContext {
    PlanContext { path, target: Target::Eps, timesteps: 1000 }
}

fn record(engine: &mut dyn Engine, plan: &Plan, start: &Start, denoiser: &Denoiser, every: u32) -> Recording {
    engine.record(plan, start, 8, denoiser, every, &|_| true).unwrap().unwrap()
}

fn largest(a: &[[f32; 2]], b: &[[f32; 2]]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a[0] - b[0]).abs().max((a[1] - b[1]).abs())).fold(0.0, f32::max)
}

#[test]
fn both_engines_record_the_same_frames() {
    let mut engines = engines();
    let exact = Denoiser::Exact(Arc::new(Shape::EightGaussians.mixture()));
    let given = Start::Points(Arc::new((0..70).map(|i| philox::normal(1, philox::Stream::Forward, 0, i)).collect()));
    let clip = Shape::EightGaussians.mixture().bounds();
    let samplers = [Sampler::Ddpm(Variance::BetaTilde), Sampler::Ddim { eta: 0.3 }, Sampler::Heun, Sampler::Rk4];
    for sampler in samplers {
        for (denoiser, tolerance) in [(&Denoiser::Learned, 2e-3), (&exact, 2e-2)] {
            for start in [&Start::Noise(100), &given] {
                let plan = sampler.plan(12, context(Path::Linear), Some(clip));
                let [gpu, cpu] = engines.each_mut().map(|engine| record(engine.as_mut(), &plan, start, denoiser, 5));
                assert_eq!(gpu.taus, cpu.taus);
                // The start, steps 5 and 10, and the last.
                assert_eq!(gpu.taus.len(), 4);
                assert_eq!((gpu.taus[0], gpu.taus[3]), (1.0, 0.0));
                assert_eq!(gpu.points.len(), 4 * gpu.particles);
                let (gpu, cpu) = (gpu.points.to_host().unwrap(), cpu.points.to_host().unwrap());
                let error = largest(&gpu, &cpu);
                assert!(error < tolerance, "{sampler} {denoiser:?}: off by {error}");
            }
        }
    }
}

#[test]
fn the_last_frame_is_the_sample_and_a_run_can_be_ended() {
    for mut engine in engines() {
        let plan = Sampler::Ddim { eta: 1.0 }.plan(9, context(Path::Linear), None);
        let recording = record(engine.as_mut(), &plan, &Start::Noise(33), &Denoiser::Learned, 2);
        let sample = engine.sample(&plan, &Start::Noise(33), 8, &|| false).unwrap().unwrap().to_host().unwrap();
        let frames = recording.points.to_host().unwrap();
        assert_eq!(frames[frames.len() - 33..], sample[..]);
        let ended = engine.record(&plan, &Start::Noise(33), 8, &Denoiser::Learned, 1, &|_| false).unwrap();
        assert!(ended.is_none());
    }
}

/// The probability-flow ODE of N(m, σ² I) is known: (x − a m)/√(a²σ² + s²) stays what it was. Heun and Runge–Kutta come
/// closer than Euler, and the error falls with the order of the method.
#[test]
fn the_ode_of_a_single_gaussian_is_followed_to_the_order_of_each_method() {
    let (mean, sigma) = ([0.4_f32, -0.2], 0.6_f32);
    let mixture = Arc::new(Mixture { components: vec![Component { mean, sigma, weight: 1.0 }] });
    let starts: Vec<[f32; 2]> = (0..40).map(|i| philox::normal(4, philox::Stream::Forward, 0, i)).collect();
    let path = Path::Linear;
    let scales = path.scales(1.0, 1000);
    let spread = (scales.a * f64::from(sigma)).hypot(scales.s);
    let expected: Vec<[f32; 2]> = starts
        .iter()
        .map(|x| {
            [0, 1].map(|axis| {
                let z = (f64::from(x[axis]) - scales.a * f64::from(mean[axis])) / spread;
                (f64::from(mean[axis]) + f64::from(sigma) * z) as f32
            })
        })
        .collect();
    for mut engine in engines() {
        let mut error = |sampler: Sampler, steps: u32| {
            let plan = sampler.plan(steps, context(path), None);
            let start = Start::Points(Arc::new(starts.clone()));
            let recording = record(engine.as_mut(), &plan, &start, &Denoiser::Exact(mixture.clone()), 1);
            let frames = recording.points.to_host().unwrap();
            largest(&frames[frames.len() - starts.len()..], &expected)
        };
        let euler = Sampler::Euler;
        let (euler_50, euler_100) = (error(euler, 50), error(euler, 100));
        let (heun_50, rk4_50) = (error(Sampler::Heun, 50), error(Sampler::Rk4, 50));
        println!("euler {euler_50:e} {euler_100:e} heun {heun_50:e} rk4 {rk4_50:e}");
        assert!(euler_100 < 0.6 * euler_50, "Euler: {euler_50} at 50 steps, {euler_100} at 100");
        assert!(heun_50 < 0.2 * euler_50, "Heun {heun_50} against Euler {euler_50}");
        assert!(rk4_50 < 0.5 * heun_50, "Runge–Kutta {rk4_50} against Heun {heun_50}");
    }
}

/// The exact x̂_0 of a file's 16,384 kernels, of which most are left out near the data and none in the noise: both engines
/// against the closed form in f64.
#[test]
fn a_files_kernels_make_the_same_field_on_both_engines() {
    let rows = Shape::Figure8.mixture().draw(MAX_KERNELS + 100, 3);
    let mixture = Arc::new(kernels(&rows, None).mixture);
    assert_eq!(mixture.components.len(), MAX_KERNELS);
    let path = Path::Linear;
    let exact = ExactField { mixture: mixture.clone(), path, timesteps: 1000 };
    let points: Vec<[f32; 2]> = (0..400).map(|i| philox::normal(6, philox::Stream::Forward, 0, i)).collect();
    for tau in [0.01, 0.2, 1.0] {
        // Its result is x̂_0.
        let plan = Plan::field(context(path), tau, 0.0, 1.0);
        let marginal = exact.marginal(tau);
        for mut engine in engines() {
            let start = Start::Points(Arc::new(points.clone()));
            let run = record(engine.as_mut(), &plan, &start, &Denoiser::Exact(mixture.clone()), 1);
            let field = run.points.to_host().unwrap();
            for (point, found) in points.iter().zip(&field[points.len()..]) {
                let expected = marginal.posterior_mean(point.map(f64::from));
                let error = (0..2).map(|axis| (f64::from(found[axis]) - expected[axis]).abs()).fold(0.0, f64::max);
                assert!(error < 2e-3, "{} at {tau}, {point:?}: {found:?}, not {expected:?}", engine.info().backend);
            }
        }
    }
}

/// What 16,384 kernels cost. `cargo test --release --test recordings -- --ignored --nocapture cost`
#[test]
#[ignore = "a measurement"]
fn the_cost_of_a_files_kernels() {
    let rows = Shape::Figure8.mixture().draw(MAX_KERNELS, 3);
    let begun = std::time::Instant::now();
    let made = kernels(&rows, None);
    println!("kernels of {} rows: {:?}, bandwidth {}", rows.len(), begun.elapsed(), made.bandwidth);
    let mixture = Arc::new(made.mixture);
    let begun = std::time::Instant::now();
    let marginal = mixture.marginal(Path::Linear.scales(0.5, 1000));
    println!("a marginal: {:?}", begun.elapsed());
    for tau in [0.0, 0.1, 0.5, 1.0] {
        let scales = Path::Linear.scales(tau, 1000);
        let marginal = mixture.marginal(scales);
        let begun = std::time::Instant::now();
        let sum: f64 = rows[..1000].iter().map(|x| marginal.score(x.map(f64::from))[0]).sum();
        println!("a score at t/T = {tau}: {:?} ({sum})", begun.elapsed() / 1000);
    }
    let begun = std::time::Instant::now();
    noise_compass::measure::entropy::differential_entropy(&mixture, Path::Linear.scales(0.5, 1000), 1024, 1);
    println!("the entropy at one time: {:?}", begun.elapsed());
    drop(marginal);
    for mut engine in engines() {
        let name = engine.info().backend.clone();
        for (tau, cells) in [(0.0, 256), (0.1, 256), (0.5, 96), (1.0, 48)] {
            let bounds = noise_compass::data::bounds::Bounds { min: [-4.0; 2], max: [4.0; 2] };
            let begun = std::time::Instant::now();
            engine.log_density(&mixture, Path::Linear.scales(tau, 1000), bounds, cells).unwrap();
            println!("{name}: density of {cells}² cells at t/T = {tau}: {:?}", begun.elapsed());
        }
        let plan = Sampler::Ddim { eta: 0.0 }.plan(20, context(Path::Linear), None);
        let begun = std::time::Instant::now();
        record(engine.as_mut(), &plan, &Start::Noise(2048), &Denoiser::Exact(mixture.clone()), 1);
        println!("{name}: a stage of 2048 particles: {:?}", begun.elapsed() / 20);
    }
}

/// A plan of one stage that moves nothing is a field: here the score, which is −ε̂/s and never −ε̂.
#[test]
fn a_field_is_a_plan_of_one_stage() {
    let mixture = Arc::new(Shape::Moons.mixture());
    let points: Vec<[f32; 2]> = (0..200).map(|i| philox::normal(6, philox::Stream::Forward, 0, i)).collect();
    for path in [Path::Linear, Path::Cosine] {
        let exact = ExactField { mixture: mixture.clone(), path, timesteps: 1000 };
        for tau in [0.1, 0.6] {
            let s2 = exact.scales(tau).s.powi(2);
            let plan = Plan::field(context(path), tau, -1.0 / s2, exact.scales(tau).a / s2);
            for mut engine in engines() {
                let start = Start::Points(Arc::new(points.clone()));
                let run = record(engine.as_mut(), &plan, &start, &Denoiser::Exact(mixture.clone()), 1);
                let field = run.points.to_host().unwrap();
                for (point, score) in points.iter().zip(&field[points.len()..]) {
                    let expected = exact.score(point.map(f64::from), tau);
                    let size = expected[0].hypot(expected[1]);
                    for axis in 0..2 {
                        let error = (f64::from(score[axis]) - expected[axis]).abs();
                        assert!(error < 2e-3 * (1.0 + size), "score at {point:?}: {score:?}, not {expected:?}");
                    }
                }
            }
        }
    }
}
