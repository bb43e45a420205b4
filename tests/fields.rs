//! Fields of both engines against closed forms in f64: every target, every schedule, one's own at the limits of its handles, short and
//! long trainings, the first timestep and the last.

use std::sync::{Arc, OnceLock};

use noise_compass::data::mixture::{Component, Mixture};
use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::schedule::{Scales, Schedule};
use noise_compass::diffusion::solver::{Plan, PlanContext};
use noise_compass::diffusion::target::{Quantity, Target};
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::network::layout::{Activation, NetworkShape};
use noise_compass::engine::network::optimiser::UpdateRule;
use noise_compass::engine::network::timetable::Timetable;
use noise_compass::engine::{
    Denoiser, Engine, Frames, ModelState, Objective, Pairing, Run, Start, TrainSpec, TrainingData,
};
use noise_compass::philox::{Stream, normal};

/// What the network of these tests says everywhere and always: its weights are 0, its last bias is this.
const OUTPUT: [f32; 2] = [0.75, -1.25];
const QUANTITIES: [Quantity; 3] = [Quantity::X0, Quantity::Eps, Quantity::Score];
/// A number of f32 and the two or three operations upon it: of the size of the terms of a sum.
const ROUNDING: f64 = 4e-7;

fn engines() -> [Box<dyn Engine>; 2] {
    static CONTEXT: OnceLock<Arc<GpuContext>> = OnceLock::new();
    let context = CONTEXT
        .get_or_init(|| GpuContext::headless().unwrap())
        .clone();
    let shape = NetworkShape {
        octaves: 0,
        width: 32,
        depth: 1,
        activation: Activation::Relu,
        learns_variance: false,
        classes: 0,
    };
    let spec = TrainSpec {
        shape,
        timetable: Arc::new(Timetable::new(Schedule::Linear, Target::Eps, 10)),
        data: TrainingData::Finite(Arc::new(vec![[0.0; 2]])),
        labels: None,
        pairing: Pairing::default(),
        objective: Objective::Denoise,
        batch: 64,
        learning_rate: 0.0,
        rule: UpdateRule::default(),
        seed: 0,
        ema_decay: 0.9,
    };
    let mut weights = vec![0.0; shape.parameters()];
    let bias = weights.len() - 2;
    weights[bias..].copy_from_slice(&OUTPUT);
    let mut engines: [Box<dyn Engine>; 2] = [
        Box::new(GpuEngine::new(context).unwrap()),
        Box::new(CpuEngine::new()),
    ];
    for engine in &mut engines {
        engine
            .load(&spec, &ModelState::fresh(weights.clone()))
            .unwrap();
    }
    engines
}

/// Every schedule with T and t/T at the first timestep, the last but one, and the last.
fn places() -> Vec<(Schedule, u32, f64)> {
    let own = [
        [12.0, 6.0, 0.0, -6.0, -12.0],
        [12.0, 11.75, 11.5, 11.25, 11.0],
        [-11.0, -11.25, -11.5, -11.75, -12.0],
    ];
    let schedules = Schedule::ALL
        .into_iter()
        .chain(own.map(|handles| Schedule::Custom(LogSnr::new(handles))));
    let lengths = |schedule| [10, 1000, 10_000].map(|timesteps| (schedule, timesteps));
    let times = |(schedule, timesteps): (Schedule, u32)| {
        [1, timesteps - 1, timesteps]
            .map(|t| (schedule, timesteps, f64::from(t) / f64::from(timesteps)))
    };
    schedules.flat_map(lengths).flat_map(times).collect()
}

/// The field at points.
fn field(
    engine: &mut dyn Engine,
    plan: &Plan,
    points: &[[f32; 2]],
    denoiser: &Denoiser,
) -> Vec<[f32; 2]> {
    let start = Start::Points(Arc::new(points.to_vec()));
    let run = engine
        .run(
            &Run {
                plan,
                start: &start,
                seed: 0,
                denoiser,
                guidance: None,
                frames: Frames::Every(1),
            },
            &|_| true,
        )
        .unwrap()
        .unwrap();
    run.points.to_host().unwrap()[points.len()..].to_vec()
}

/// x_0, ε and the score of (x, output) by Cramer's rule on x = a x_0 + s ε, output = c_0 x_0 + c_ε ε; beside each the sum of
/// the absolute terms. `None` where the two equations are one.
fn by_cramer(
    target: Target,
    Scales { a, s }: Scales,
    x: f64,
    output: f64,
) -> Option<[(f64, f64); 3]> {
    let (c_0, c_eps) = match target {
        Target::Eps => (0.0, 1.0),
        Target::X0 => (1.0, 0.0),
        Target::V => (-s, a),
        Target::Score => (0.0, -1.0 / s),
        Target::Velocity => (-1.0, 1.0),
        Target::Edm => (s / a.hypot(s), -a / a.hypot(s)),
    };
    let determinant = a * c_eps - s * c_0;
    if determinant == 0.0 {
        // Without signal the noise is x/s whatever is said of x_0, and the other way around.
        return None;
    }
    let solution = |p: f64, q: f64| {
        (
            (p - q) / determinant,
            (p.abs() + q.abs()) / determinant.abs(),
        )
    };
    let (eps, eps_size) = solution(a * output, c_0 * x);
    Some([
        solution(c_eps * x, s * output),
        (eps, eps_size),
        (-eps / s, eps_size / s),
    ])
}

#[test]
fn what_the_network_says_becomes_x0_eps_and_score_without_cancellation() {
    let mut engines = engines();
    let mut checked = 0;
    for (schedule, timesteps, tau) in places() {
        let scales = schedule.scales(tau, timesteps);
        let reach = (scales.a.powi(2) + scales.s.powi(2)).sqrt() as f32;
        let points: Vec<[f32; 2]> = (0..20)
            .map(|i| normal(3, Stream::Forward, 0, i).map(|z| reach * z))
            .collect();
        for target in Target::ALL {
            for (which, quantity) in QUANTITIES.into_iter().enumerate() {
                let plan = Plan::field(
                    PlanContext {
                        schedule,
                        target,
                        timesteps,
                    },
                    tau,
                    quantity,
                );
                for engine in &mut engines {
                    let found = field(engine.as_mut(), &plan, &points, &Denoiser::Learned);
                    for (point, found) in points.iter().zip(&found) {
                        for axis in 0..2 {
                            let (x, output) = (f64::from(point[axis]), f64::from(OUTPUT[axis]));
                            let Some(known) = by_cramer(target, scales, x, output) else {
                                // ε̂ of an ε-model is what it says, with or without signal.
                                if scales.a == 0.0
                                    && quantity == Quantity::Eps
                                    && target == Target::Eps
                                {
                                    assert_eq!(found[axis], OUTPUT[axis]);
                                }
                                continue;
                            };
                            let by_noise = matches!(target, Target::Eps | Target::Score);
                            if quantity == Quantity::X0 && by_noise && scales.a < 1e-6 {
                                // x knows nothing of x_0: the mean of the data.
                                assert_eq!(found[axis], 0.0);
                                continue;
                            }
                            let (value, size) = known[which];
                            let error = (f64::from(found[axis]) - value).abs();
                            let of = format!(
                                "{target:?} to {quantity:?}, {schedule}, t/T = {tau} of {timesteps}, x = {x}"
                            );
                            let backend = &engine.info().backend;
                            assert!(
                                error <= ROUNDING * size,
                                "{backend}: {of}: {} is not {value}",
                                found[axis]
                            );
                            checked += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{checked} numbers");
    assert!(checked > 80_000);
}

/// ln of the share, E[x_0 | x, k], and what draws x towards the component.
type Term = (f64, [f64; 2], [f64; 2]);

/// x_0, ε and score, written out component by component.
fn by_components(
    parts: &[([f64; 2], f64, f64)],
    Scales { a, s }: Scales,
    x: [f64; 2],
) -> [[f64; 2]; 3] {
    let terms: Vec<_> = parts
        .iter()
        .map(|(mean, sigma, weight)| {
            let variance = (a * sigma).powi(2) + s * s;
            let away = [0, 1].map(|axis| x[axis] - a * mean[axis]);
            let log =
                weight.ln() - variance.ln() - 0.5 * (away[0].powi(2) + away[1].powi(2)) / variance;
            (
                log,
                [0, 1].map(|axis| mean[axis] + a * sigma.powi(2) * away[axis] / variance),
                away.map(|d| d / variance),
            )
        })
        .collect();
    let top = terms
        .iter()
        .map(|term| term.0)
        .fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = terms.iter().map(|term| (term.0 - top).exp()).sum();
    let mean = |value: &dyn Fn(&Term) -> f64| {
        terms
            .iter()
            .map(|term| (term.0 - top).exp() * value(term))
            .sum::<f64>()
            / total
    };
    let pull = [0, 1].map(|axis| mean(&|term| term.2[axis]));
    [
        [0, 1].map(|axis| mean(&|term| term.1[axis])),
        pull.map(|p| s * p),
        pull.map(|p| -p),
    ]
}

/// Relative to what is usual: 1 for x_0, s/√v and 1/√v of the narrowest component for ε and score, and what was found.
#[test]
fn the_exact_field_is_the_closed_form_at_both_ends() {
    const TOLERANCE: f64 = 2e-6;
    let gaussian = vec![([0.5, -0.25], 0.3, 1.0)];
    let two = vec![([-1.0, 0.25], 0.125, 0.25), ([0.75, 0.5], 0.5, 0.75)];
    let mut engines = engines();
    for parts in [gaussian, two] {
        let component = |(mean, sigma, weight): &([f64; 2], f64, f64)| Component {
            mean: mean.map(|m| m as f32),
            sigma: *sigma as f32,
            weight: *weight as f32,
        };
        let mixture = Arc::new(Mixture::new(parts.iter().map(component).collect()).unwrap());
        // What the engines are given, in f64.
        let given = |c: &Component| {
            (
                c.mean.map(f64::from),
                f64::from(c.sigma),
                f64::from(c.weight),
            )
        };
        let parts: Vec<_> = mixture.components.iter().map(given).collect();
        let narrowest = parts
            .iter()
            .map(|part| part.1)
            .fold(f64::INFINITY, f64::min);
        let x_0 = mixture.draw(50, 7);
        let mut worst = [[0.0_f64; 3]; 2];
        for (schedule, timesteps, tau) in places() {
            let scales = schedule.scales(tau, timesteps);
            let Scales { a, s } = scales;
            let points: Vec<[f32; 2]> = (0..)
                .zip(&x_0)
                .map(|(i, x_0)| {
                    let noise = normal(5, Stream::Forward, 0, i);
                    [0, 1].map(|axis| a as f32 * x_0[axis] + s as f32 * noise[axis])
                })
                .collect();
            let usual = 1.0 / ((a * narrowest).powi(2) + s * s).sqrt();
            for (which, (quantity, usual)) in QUANTITIES
                .into_iter()
                .zip([1.0, s * usual, usual])
                .enumerate()
            {
                let plan = Plan::field(
                    PlanContext {
                        schedule,
                        target: Target::Eps,
                        timesteps,
                    },
                    tau,
                    quantity,
                );
                for (engine, worst) in engines.iter_mut().zip(&mut worst) {
                    let found = field(
                        engine.as_mut(),
                        &plan,
                        &points,
                        &Denoiser::Exact(mixture.clone()),
                    );
                    for (point, found) in points.iter().zip(&found) {
                        let known = by_components(&parts, scales, point.map(f64::from))[which];
                        for axis in 0..2 {
                            let error = (f64::from(found[axis]) - known[axis]).abs()
                                / (usual + known[axis].abs());
                            worst[which] = worst[which].max(error);
                            let of = format!(
                                "{quantity:?}, {schedule}, t/T = {tau} of {timesteps}, x = {point:?}"
                            );
                            let backend = &engine.info().backend;
                            assert!(
                                error <= TOLERANCE,
                                "{backend}: {of}: {found:?} is not {known:?}: {error:e}"
                            );
                        }
                    }
                }
            }
        }
        println!(
            "{} components: worst relative errors {worst:?}",
            parts.len()
        );
    }
}
