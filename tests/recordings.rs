//! Recorded runs: alike on both engines, by the learned and by the exact x̂_0, and by every kind of sampler; the ODE
//! against the closed form that a single Gaussian has.

use std::sync::{Arc, OnceLock};

use noise_compass::data::kernels::{MAX_KERNELS, kernels};
use noise_compass::data::mixture::{Component, Mixture};
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::exact::ExactField;
use noise_compass::diffusion::schedule::{Scales, Schedule};
use noise_compass::diffusion::solver::{Placement, Plan, PlanContext, Sampler, Variance};
use noise_compass::diffusion::target::{Quantity, Target};
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::network::layout::{Activation, NetworkShape};
use noise_compass::engine::network::optimiser::UpdateRule;
use noise_compass::engine::network::timetable::Timetable;
use noise_compass::engine::{
    Denoiser, Engine, Frames, ModelState, Objective, Pairing, Recording, Run, Start, TrainSpec,
    TrainingData,
};
use noise_compass::measure::trajectories::{exact_ends, rms_distance};
use noise_compass::philox;

fn engines() -> [Box<dyn Engine>; 2] {
    static CONTEXT: OnceLock<Arc<GpuContext>> = OnceLock::new();
    let context = CONTEXT
        .get_or_init(|| GpuContext::headless().unwrap())
        .clone();
    let shape = NetworkShape {
        octaves: 2,
        width: 32,
        depth: 2,
        activation: Activation::Silu,
        learns_variance: true,
        classes: 0,
    };
    let spec = TrainSpec {
        shape,
        timetable: Arc::new(Timetable::new(Schedule::Linear, Target::Eps, 1000)),
        data: TrainingData::Fresh(Arc::new(Shape::Moons.mixture())),
        labels: None,
        pairing: Pairing::default(),
        objective: Objective::Denoise,
        batch: 64,
        learning_rate: 3e-3,
        rule: UpdateRule::default(),
        seed: 2,
        ema_decay: 0.9,
    };
    let state = ModelState::fresh(initial_weights(shape, 3));
    let mut engines: [Box<dyn Engine>; 2] = [
        Box::new(GpuEngine::new(context).unwrap()),
        Box::new(CpuEngine::new()),
    ];
    for engine in &mut engines {
        engine.load(&spec, &state).unwrap();
    }
    engines
}

fn context(schedule: Schedule) -> PlanContext {
    PlanContext {
        schedule,
        target: Target::Eps,
        timesteps: 1000,
    }
}

fn record(
    engine: &mut dyn Engine,
    plan: &Plan,
    start: &Start,
    denoiser: &Denoiser,
    every: u32,
) -> Recording {
    engine
        .run(
            &Run {
                plan,
                start,
                seed: 8,
                denoiser,
                guidance: None,
                frames: Frames::Every(every),
            },
            &|_| true,
        )
        .unwrap()
        .unwrap()
}

fn largest(a: &[[f32; 2]], b: &[[f32; 2]]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a[0] - b[0]).abs().max((a[1] - b[1]).abs()))
        .fold(0.0, f32::max)
}

#[test]
fn both_engines_record_the_same_frames() {
    let mut engines = engines();
    let exact = Denoiser::Exact(Arc::new(Shape::EightGaussians.mixture()));
    let given = Start::Points(Arc::new(
        (0..70)
            .map(|i| philox::normal(1, philox::Stream::Forward, 0, i))
            .collect(),
    ));
    let clip = Shape::EightGaussians.mixture().bounds();
    for sampler in Sampler::ALL.into_iter().chain([Sampler::Ddim { eta: 0.3 }]) {
        // Steps that are chosen may be others for a rounding error: both engines come near to one flow, not to each other. Then it
        // must not be one that makes much of rounding, as that of an untrained ε̂ over a is.
        let (sampler, target) = match sampler {
            Sampler::Dopri5 { .. } | Sampler::Bosh3 { .. } => (sampler.with_dial(1e-6), Target::X0),
            other => (other, Target::Eps),
        };
        let context = PlanContext {
            target,
            ..context(Schedule::Linear)
        };
        let led = |n: usize| {
            let clean = Shape::Moons.mixture().draw(n, 3);
            Denoiser::Given(Arc::new(clean))
        };
        for start in [&Start::Noise(100), &given] {
            let led = led(start.len());
            for (denoiser, tolerance) in [(&Denoiser::Learned, 2e-3), (&exact, 2e-2), (&led, 2e-4)]
            {
                let plan = sampler.plan(12, context, Some(clip));
                let plan = plan.with_posterior_variance(|scales| 0.3 * scales.s);
                let [gpu, cpu] = engines
                    .each_mut()
                    .map(|engine| record(engine.as_mut(), &plan, start, denoiser, 5));
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

/// With x_0 given the chain is q(x_r | x_t, x_0) of Ho et al. 2020, eq. 6, whose x_t has the law N(a x_0, s² I) at every t, and it ends
/// on x_0. The starts are pure noise, without the last of the signal: what that leaves is told apart by its size.
#[test]
fn a_chain_that_is_led_to_its_x_0_has_the_law_of_the_forward_process() {
    let clean = Arc::new(Shape::Moons.mixture().draw(4000, 6));
    let denoiser = Denoiser::Given(clean.clone());
    let samplers = [
        Sampler::Ddpm(Variance::BetaTilde),
        Sampler::Ddim { eta: 0.0 },
        Sampler::Ddim { eta: 0.5 },
    ];
    for mut engine in engines() {
        for schedule in [
            Schedule::Linear,
            Schedule::Cosine,
            Schedule::Ve,
            Schedule::Flow,
        ] {
            for sampler in samplers {
                let plan = sampler.plan(20, context(schedule), None);
                let start = Start::Noise(4000);
                let run = record(engine.as_mut(), &plan, &start, &denoiser, 1);
                let points = run.points.to_host().unwrap();
                let of = |frame: usize| &points[frame * 4000..][..4000];
                assert_eq!(run.taus.len(), 21);
                assert!(largest(of(20), &clean) < 1e-6, "{schedule:?} {sampler}");
                for (frame, tau) in run.taus.iter().enumerate().take(20) {
                    let Scales { a, s } = schedule.scales(*tau, 1000);
                    // Of x_t − a x_0 over s: 8000 numbers of mean 0 and variance 1.
                    let noise = std::iter::zip(of(frame), clean.iter()).flat_map(|(x, x_0)| {
                        [0, 1].map(|axis| (f64::from(x[axis]) - a * f64::from(x_0[axis])) / s)
                    });
                    let noise: Vec<f64> = noise.collect();
                    let mean = noise.iter().sum::<f64>() / 8000.0;
                    let square = noise.iter().map(|n| n * n).sum::<f64>() / 8000.0;
                    // Of the signal that a start lacks.
                    let lacks = schedule.scales(1.0, 1000).a / schedule.scales(1.0, 1000).s;
                    let within = 4.0 / 8000.0_f64.sqrt() + lacks;
                    let of = format!("{schedule:?} {sampler} at {tau}: {mean} {square}");
                    assert!(mean.abs() < within, "{of}");
                    assert!((square - 1.0).abs() < 1.5 * within, "{of}");
                }
            }
        }
        let few = Start::Noise(3);
        let plan = samplers[0].plan(2, context(Schedule::Linear), None);
        let run = Run {
            plan: &plan,
            start: &few,
            seed: 0,
            denoiser: &denoiser,
            guidance: None,
            frames: Frames::End,
        };
        let refused = engine.run(&run, &|_| true).unwrap_err().to_string();
        assert!(refused.contains("cannot lead 3 particles"), "{refused}");
        let field = Plan::field(context(Schedule::Linear), 0.5, Quantity::Eps);
        let run = Run {
            plan: &field,
            start: &Start::Noise(4000),
            ..run
        };
        let refused = engine.run(&run, &|_| true).unwrap_err().to_string();
        assert!(refused.contains("in the place of x̂_0 alone"), "{refused}");
        let untold = Sampler::DdpmAnalytic.plan(5, context(Schedule::Linear), None);
        let run = Run {
            plan: &untold,
            denoiser: &Denoiser::Learned,
            ..run
        };
        let refused = engine.run(&run, &|_| true).unwrap_err().to_string();
        assert!(refused.contains("follows from the data"), "{refused}");
    }
}

#[test]
fn the_last_frame_is_the_sample_and_a_run_can_be_ended() {
    for mut engine in engines() {
        let plan = Sampler::Ddim { eta: 1.0 }.plan(9, context(Schedule::Linear), None);
        let recording = record(
            engine.as_mut(),
            &plan,
            &Start::Noise(33),
            &Denoiser::Learned,
            2,
        );
        let sample = engine
            .run(&Run::of_samples(&plan, &Start::Noise(33), 8), &|_| true)
            .unwrap()
            .unwrap()
            .points
            .to_host()
            .unwrap();
        let frames = recording.points.to_host().unwrap();
        assert_eq!(frames[frames.len() - 33..], sample[..]);
        let ended = engine
            .run(
                &Run {
                    plan: &plan,
                    start: &Start::Noise(33),
                    seed: 8,
                    denoiser: &Denoiser::Learned,
                    guidance: None,
                    frames: Frames::Every(1),
                },
                &|_| false,
            )
            .unwrap();
        assert!(ended.is_none());
    }
}

/// The probability-flow ODE of N(m, σ² I) is known: (x − a m)/√(a²σ² + s²) stays what it was, until all methods land from
/// t = 1 on E[x_0 | x] = m + a σ²/(a²σ² + s²) (x − a m). Heun and Runge–Kutta come closer than Euler, and the error falls with
/// the order of the method.
#[test]
fn the_ode_of_a_single_gaussian_is_followed_to_the_order_of_each_method() {
    let (mean, sigma) = ([0.4_f32, -0.2], 0.6_f32);
    let mixture = Arc::new(Mixture {
        components: vec![Component {
            mean,
            sigma,
            weight: 1.0,
        }],
    });
    let starts: Vec<[f32; 2]> = (0..40)
        .map(|i| philox::normal(4, philox::Stream::Forward, 0, i))
        .collect();
    let schedule = Schedule::Linear;
    let scales = schedule.scales(1.0, 1000);
    let spread = |scales: Scales| (scales.a * f64::from(sigma)).hypot(scales.s);
    let first = schedule.scales(1e-3, 1000);
    let landed = first.a * f64::from(sigma).powi(2) / spread(first);
    let expected: Vec<[f32; 2]> = starts
        .iter()
        .map(|x| {
            [0, 1].map(|axis| {
                let z = (f64::from(x[axis]) - scales.a * f64::from(mean[axis])) / spread(scales);
                (f64::from(mean[axis]) + landed * z) as f32
            })
        })
        .collect();
    for mut engine in engines() {
        let mut error = |sampler: Sampler, steps: u32| {
            let plan = sampler.plan(steps, context(schedule), None);
            let start = Start::Points(Arc::new(starts.clone()));
            let recording = record(
                engine.as_mut(),
                &plan,
                &start,
                &Denoiser::Exact(mixture.clone()),
                1,
            );
            let frames = recording.points.to_host().unwrap();
            largest(&frames[frames.len() - starts.len()..], &expected)
        };
        let euler = Sampler::Euler;
        let (euler_50, euler_100) = (error(euler, 50), error(euler, 100));
        let [heun_10, heun_20] = [10, 20].map(|steps| error(Sampler::Heun, steps));
        let [rk4_5, rk4_10] = [5, 10].map(|steps| error(Sampler::Rk4, steps));
        println!(
            "euler {euler_50:e} {euler_100:e} heun {heun_10:e} {heun_20:e} rk4 {rk4_5:e} {rk4_10:e}"
        );
        assert!(
            euler_100 < 0.6 * euler_50,
            "Euler: {euler_50} at 50 steps, {euler_100} at 100"
        );
        // 19 intervals for 9, and 9 for 4.
        assert!(
            heun_20 < 0.3 * heun_10,
            "Heun: {heun_10} at 10 steps, {heun_20} at 20"
        );
        assert!(
            rk4_10 < 0.1 * rk4_5,
            "Runge–Kutta: {rk4_5} at 5 steps, {rk4_10} at 10"
        );
        assert!(
            heun_20 < euler_100 && rk4_10 < 0.2 * heun_10,
            "{euler_100} {heun_10} {heun_20} {rk4_10}"
        );
    }
}

/// In f32 as in f64: on every schedule, for short and long T, all samplers end near the one Gaussian of their data, and where
/// it is N(0, I) those that integrate do not move.
#[test]
fn every_sampler_stays_within_bounds_on_every_path() {
    let starts: Vec<[f32; 2]> = (0..8)
        .map(|i| philox::normal(9, philox::Stream::SamplerStart, 0, i))
        .collect();
    for mut engine in engines() {
        for sigma in [0.02_f32, 1.0] {
            let mixture = Mixture {
                components: vec![Component {
                    mean: [0.0; 2],
                    sigma,
                    weight: 1.0,
                }],
            };
            let exact = Denoiser::Exact(Arc::new(mixture));
            for schedule in Schedule::every() {
                for timesteps in [10, 1000] {
                    let context = PlanContext {
                        schedule,
                        target: Target::Eps,
                        timesteps,
                    };
                    let std = context.start_std() as f32;
                    let start: Arc<Vec<_>> =
                        Arc::new(starts.iter().map(|x| x.map(|x| std * x)).collect());
                    for sampler in Sampler::ALL.into_iter().chain([Sampler::Ddim { eta: 1.0 }]) {
                        let plan = sampler.plan(40, context, None);
                        let unknown = f64::from(sigma).powi(2);
                        let plan = plan.with_posterior_variance(|Scales { a, s }| {
                            unknown * s * s / (a * a * unknown + s * s)
                        });
                        let run = record(
                            engine.as_mut(),
                            &plan,
                            &Start::Points(start.clone()),
                            &exact,
                            1,
                        );
                        let points = run.points.to_host().unwrap();
                        let what = format!("{sampler}, {schedule}, T = {timesteps}, σ = {sigma}");
                        // What one long step out of noise multiplies, 40 steps of Euler and Maruyama cannot mend.
                        if sampler == Sampler::EulerMaruyama {
                            assert!(
                                points.as_flattened().iter().all(|x| x.is_finite()),
                                "{what}"
                            );
                            continue;
                        }
                        for frame in points.chunks_exact(8) {
                            for (x, start) in frame.iter().zip(&starts) {
                                let (far, began) = (x[0].hypot(x[1]), start[0].hypot(start[1]));
                                // Noise alone may carry a particle outwards, by five standard deviations.
                                assert!(far < 1.5 * std * (began + 5.0), "{what}: {x:?}");
                                let integrated = matches!(sampler, Sampler::Heun | Sampler::Rk4);
                                assert!(
                                    !integrated || far < 1.3 * std * began,
                                    "{what}: from {start:?} to {x:?}"
                                );
                            }
                        }
                        // Of unit data w = x/√(a² + s²) stands still until the landing.
                        if sigma == 1.0 && matches!(sampler, Sampler::Heun | Sampler::Rk4) {
                            let scales = schedule.scales(run.taus[run.taus.len() - 2], timesteps);
                            let r = scales.a.hypot(scales.s) as f32;
                            let still: Vec<_> = starts.iter().map(|x| x.map(|x| r * x)).collect();
                            let moved =
                                largest(&points[points.len() - 16..points.len() - 8], &still);
                            assert!(moved < 2e-3 * r, "{what}: by {moved}");
                        }
                    }
                }
            }
        }
    }
}

/// T = 100, linear, the figure-8: fifty steps of Runge–Kutta end 1.3e-2 beside the exact flow (f64 and a program in numpy
/// agree), for the landing leaves out the width of the posterior. A reference that lands likewise showed 5e-6.
#[test]
fn end_points_are_held_against_where_the_field_leads() {
    let mixture = Arc::new(Shape::Figure8.mixture());
    let context = PlanContext {
        schedule: Schedule::Linear,
        target: Target::Eps,
        timesteps: 100,
    };
    let starts: Arc<Vec<_>> = Arc::new(
        (0..64)
            .map(|i| philox::normal(3, philox::Stream::SamplerStart, 0, i))
            .collect(),
    );
    for mut engine in engines() {
        let ends = [
            Sampler::Rk4.plan(50, context, None),
            exact_ends(&mixture, context),
        ]
        .map(|plan| {
            let exact = Denoiser::Exact(mixture.clone());
            let run = record(
                engine.as_mut(),
                &plan,
                &Start::Points(starts.clone()),
                &exact,
                u32::MAX,
            );
            let points = run.points.to_host().unwrap();
            points[points.len() - 64..].to_vec()
        });
        let error = rms_distance(&ends[0], &ends[1]).unwrap();
        assert!((error / 1.3123e-2 - 1.0).abs() < 0.01, "{error:e}");
        // No network is trained where that reference goes: one that is sent there gives no numbers.
        let plan = exact_ends(&mixture, context);
        let run = record(
            engine.as_mut(),
            &plan,
            &Start::Points(starts.clone()),
            &Denoiser::Learned,
            u32::MAX,
        );
        let points = run.points.to_host().unwrap();
        assert!(
            points[points.len() - 64..]
                .iter()
                .all(|x| !x[0].is_finite())
        );
    }
}

/// The exact x̂_0 of a file's 16,384 kernels, of which most are left out near the data and none in the noise: both engines
/// against the closed form in f64.
#[test]
fn a_files_kernels_make_the_same_field_on_both_engines() {
    let rows = Shape::Figure8.mixture().draw(MAX_KERNELS + 100, 3);
    let mixture = Arc::new(kernels(&rows, None).mixture);
    assert_eq!(mixture.components.len(), MAX_KERNELS);
    let schedule = Schedule::Linear;
    let exact = ExactField {
        mixture: mixture.clone(),
        schedule,
        timesteps: 1000,
    };
    let points: Vec<[f32; 2]> = (0..400)
        .map(|i| philox::normal(6, philox::Stream::Forward, 0, i))
        .collect();
    for tau in [0.01, 0.2, 1.0] {
        // Its result is x̂_0.
        let plan = Plan::field(context(schedule), tau, Quantity::X0);
        let marginal = exact.marginal(tau);
        for mut engine in engines() {
            let start = Start::Points(Arc::new(points.clone()));
            let run = record(
                engine.as_mut(),
                &plan,
                &start,
                &Denoiser::Exact(mixture.clone()),
                1,
            );
            let field = run.points.to_host().unwrap();
            for (point, found) in points.iter().zip(&field[points.len()..]) {
                let expected = marginal.posterior_mean(point.map(f64::from));
                let error = (0..2)
                    .map(|axis| (f64::from(found[axis]) - expected[axis]).abs())
                    .fold(0.0, f64::max);
                assert!(
                    error < 2e-3,
                    "{} at {tau}, {point:?}: {found:?}, not {expected:?}",
                    engine.info().backend
                );
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
    println!(
        "kernels of {} rows: {:?}, bandwidth {}",
        rows.len(),
        begun.elapsed(),
        made.bandwidth
    );
    let mixture = Arc::new(made.mixture);
    let begun = std::time::Instant::now();
    let marginal = mixture.marginal(Schedule::Linear.scales(0.5, 1000));
    println!("a marginal: {:?}", begun.elapsed());
    for tau in [0.0, 0.1, 0.5, 1.0] {
        let scales = Schedule::Linear.scales(tau, 1000);
        let marginal = mixture.marginal(scales);
        let begun = std::time::Instant::now();
        let sum: f64 = rows[..1000]
            .iter()
            .map(|x| marginal.score(x.map(f64::from))[0])
            .sum();
        println!(
            "a score at t/T = {tau}: {:?} ({sum})",
            begun.elapsed() / 1000
        );
    }
    let begun = std::time::Instant::now();
    noise_compass::measure::entropy::differential_entropy(
        &mixture,
        Schedule::Linear.scales(0.5, 1000),
        1024,
        1,
    );
    println!("the entropy at one time: {:?}", begun.elapsed());
    drop(marginal);
    for mut engine in engines() {
        let name = engine.info().backend.clone();
        for (tau, cells) in [(0.0, 256), (0.1, 256), (0.5, 96), (1.0, 48)] {
            let bounds = noise_compass::data::bounds::Bounds {
                min: [-4.0; 2],
                max: [4.0; 2],
            };
            let begun = std::time::Instant::now();
            engine
                .log_density(&mixture, Schedule::Linear.scales(tau, 1000), bounds, cells)
                .unwrap();
            println!(
                "{name}: density of {cells}² cells at t/T = {tau}: {:?}",
                begun.elapsed()
            );
        }
        let plan = Sampler::Ddim { eta: 0.0 }.plan(20, context(Schedule::Linear), None);
        let begun = std::time::Instant::now();
        record(
            engine.as_mut(),
            &plan,
            &Start::Noise(2048),
            &Denoiser::Exact(mixture.clone()),
            1,
        );
        println!(
            "{name}: a stage of 2048 particles: {:?}",
            begun.elapsed() / 20
        );
    }
}

/// The stochastic samplers end at the data: mean and variance per axis of 8000 samples by the exact field of one Gaussian, wide and
/// narrow, within three standard errors of what they should be, E[x_0 | x_1] at the landing.
#[test]
fn every_stochastic_sampler_ends_at_the_gaussian_it_follows() {
    const PARTICLES: u32 = 8_000;
    let [_, mut engine] = engines();
    let context = PlanContext {
        timesteps: 4000,
        ..context(Schedule::Cosine)
    };
    for (mean, sigma) in [([0.7_f32, -0.2], 0.3_f32), ([0.0, 0.0], 3.0)] {
        let component = Component {
            mean,
            sigma,
            weight: 1.0,
        };
        let exact = Denoiser::Exact(Arc::new(Mixture {
            components: vec![component],
        }));
        for sampler in [
            Sampler::Ddpm(Variance::Beta),
            Sampler::Ddpm(Variance::BetaTilde),
            Sampler::Ddim { eta: 0.5 },
            Sampler::EulerMaruyama,
            Sampler::Edm { churn: 40.0 },
            Sampler::PredictorCorrector { snr: 0.16 },
        ] {
            let plan = sampler.plan(800, context, None);
            let run = Run {
                plan: &plan,
                start: &Start::Noise(PARTICLES),
                seed: 5,
                denoiser: &exact,
                guidance: None,
                frames: Frames::End,
            };
            let ends = engine.run(&run, &|_| true).unwrap().unwrap();
            let ends = ends.points.to_host().unwrap();
            for axis in 0..2 {
                let n = f64::from(PARTICLES);
                let values = || ends.iter().map(|point| f64::from(point[axis]));
                let found = values().sum::<f64>() / n;
                let variance = values().map(|v| (v - found).powi(2)).sum::<f64>() / n;
                let (expected, sigma) = (f64::from(mean[axis]), f64::from(sigma));
                let what = format!("{sampler}, N({expected}, {sigma}²): {found}, {variance}");
                assert!((found - expected).abs() < 3.0 * sigma / n.sqrt(), "{what}");
                let ratio = variance / (sigma * sigma) - 1.0;
                assert!(ratio.abs() < 3.0 * (2.0 / n).sqrt(), "{what}: {ratio}");
            }
        }
    }
}

/// What each particle asks for at its own time is what all are told at one: in steps of its own it comes to where two hundred steps of
/// Runge–Kutta lead by the same weights, and it says what it took.
#[test]
fn steps_of_its_own_lead_a_particle_to_where_the_learned_flow_goes() {
    for mut engine in engines() {
        for schedule in [Schedule::Linear, Schedule::Ve, Schedule::Flow] {
            let start = Start::Noise(150);
            // Of x̂_0 itself, which no division by a makes wild.
            let context = PlanContext {
                target: Target::X0,
                ..context(schedule)
            };
            let taus = Placement::Crowded.taus(200, context);
            let flow = Sampler::Rk4.plan_through(taus, context, None);
            let flow = record(engine.as_mut(), &flow, &start, &Denoiser::Learned, 200);
            let flow = flow.points.to_host().unwrap();
            for (tolerance, within) in [(1e-2, 5e-2), (1e-4, 2e-3)] {
                for sampler in [Sampler::Dopri5 { tolerance }, Sampler::Bosh3 { tolerance }] {
                    let plan = sampler.plan(12, context, None);
                    let own = record(engine.as_mut(), &plan, &start, &Denoiser::Learned, 1);
                    let points = own.points.to_host().unwrap();
                    assert_eq!((own.taus.len(), points.len()), (13, 13 * 150));
                    let off = largest(&points[12 * 150..], &flow[flow.len() - 150..]);
                    assert!(off < within, "{sampler} on {schedule}: {off}");
                    let steps = own.own_steps.as_ref().unwrap();
                    let slopes = if matches!(sampler, Sampler::Bosh3 { .. }) {
                        3
                    } else {
                        6
                    };
                    assert_eq!((steps.efforts.len(), steps.marks.len()), (150, 150));
                    for (effort, marks) in steps.efforts.iter().zip(&steps.marks) {
                        // The first slope, those of each step, the landing.
                        let tried = effort.accepted + effort.rejected;
                        assert_eq!(effort.evaluations, 2 + slopes * tried);
                        let taken = marks.iter().filter(|mark| mark.accepted).count();
                        assert_eq!(
                            (marks.len(), taken),
                            (tried as usize, effort.accepted as usize)
                        );
                        // The last one ends at t = 1.
                        let last = marks.last().unwrap();
                        assert!((last.tau - 1e-3).abs() < 1e-9 && last.accepted, "{last:?}");
                    }
                    let mean = own.evaluations(&plan).unwrap();
                    let all: u32 = steps.efforts.iter().map(|effort| effort.evaluations).sum();
                    assert_eq!(mean, f64::from(all) / 150.0);
                }
            }
        }
    }
}
