//! Pictures sampled in pieces, and what keeps its buffers: on both engines, the same as in one go.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use noise_compass::data::bounds::Bounds;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{Plan, PlanContext, Sampler, Variance};
use noise_compass::diffusion::target::Target;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::network::layout::{Activation, NetworkShape};
use noise_compass::engine::network::optimiser::UpdateRule;
use noise_compass::engine::network::timetable::{Emphasis, Timetable};
use noise_compass::engine::{
    Cloud, Denoiser, Engine, Frames, ModelState, Objective, Pairing, Piece, Recording, Run, Start,
    TrainSpec, TrainingData, Wait, Weights,
};
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::{Command, Order, Status};
use noise_compass::lab::session::EngineFactory;
use noise_compass::lab::worker::Worker;

static CONTEXT: LazyLock<Arc<GpuContext>> = LazyLock::new(|| GpuContext::headless().unwrap());

const SHAPE: NetworkShape = NetworkShape {
    octaves: 2,
    width: 32,
    depth: 2,
    activation: Activation::Silu,
    learns_variance: true,
    classes: 0,
};
const SEED: u64 = 5;
const TOTAL: u32 = 150;

fn spec() -> TrainSpec {
    let points = (0..200_u8)
        .map(|i| [f32::from(i).sin(), f32::from(i).cos()])
        .collect();
    TrainSpec {
        shape: SHAPE,
        timetable: Arc::new(Timetable::with_emphasis(
            Schedule::Cosine,
            Target::Eps,
            1000,
            Emphasis {
                learns_variance: true,
                ..Emphasis::default()
            },
        )),
        data: TrainingData::Finite(Arc::new(points)),
        labels: None,
        pairing: Pairing::default(),
        objective: Objective::Denoise,
        batch: 64,
        learning_rate: 3e-3,
        rule: UpdateRule::default(),
        seed: 5,
        ema_decay: 0.999,
    }
}

/// Both engines, each with a model that has seen a few steps.
fn engines() -> [Box<dyn Engine>; 2] {
    let engines: [Box<dyn Engine>; 2] = [
        Box::new(GpuEngine::new(CONTEXT.clone()).unwrap()),
        Box::new(CpuEngine::new()),
    ];
    engines.map(|mut engine| {
        engine
            .load(&spec(), &ModelState::fresh(initial_weights(SHAPE, 1)))
            .unwrap();
        train(engine.as_mut());
        engine
    })
}

fn train(engine: &mut dyn Engine) {
    assert_eq!(engine.train(5, f64::INFINITY).unwrap(), 5);
    engine.poll(Wait::UntilDone).unwrap();
}

fn plan(sampler: Sampler) -> Plan {
    plan_of(sampler, 5)
}

fn plan_of(sampler: Sampler, steps: u32) -> Plan {
    let context = PlanContext {
        schedule: Schedule::Cosine,
        target: Target::Eps,
        timesteps: 1000,
    };
    let clip = Bounds {
        min: [-1.2; 2],
        max: [1.2; 2],
    };
    let plan = sampler.plan(steps, context, Some(clip));
    plan.with_posterior_variance(|scales| 0.3 * scales.s)
}

fn whole(engine: &mut dyn Engine, plan: &Plan) -> Vec<[f32; 2]> {
    engine
        .run(&Run::of_samples(plan, &Start::Noise(TOTAL), SEED), &|_| {
            true
        })
        .unwrap()
        .unwrap()
        .points
        .to_host()
        .unwrap()
        .to_vec()
}

fn host(cloud: Option<&Cloud>) -> Vec<[f32; 2]> {
    cloud.unwrap().to_host().unwrap().to_vec()
}

/// Every sampler, cut at every stage and into slices of every kind: one particle, fewer than a block, more than one.
#[test]
fn a_picture_in_pieces_is_the_sample_bit_for_bit_wherever_it_is_cut() {
    for mut engine in engines() {
        for sampler in Sampler::ALL.into_iter().chain([Sampler::Ddim { eta: 0.5 }]) {
            let plan = plan(sampler);
            let expected = whole(engine.as_mut(), &plan);
            let stages = plan.steps.len() as u32;
            for cut in 1..=stages {
                let mut cloud = None;
                for (first, count) in [(0, 70), (70, 1), (71, 13), (84, TOTAL - 84)] {
                    for stage in (0..stages).step_by(cut as usize) {
                        let piece = Piece {
                            first,
                            count,
                            stage,
                            end_stage: (stage + cut).min(stages),
                        };
                        cloud = Some(
                            engine
                                .refresh(
                                    cloud,
                                    &Run::of_samples(&plan, &Start::Noise(TOTAL), SEED),
                                    piece,
                                )
                                .unwrap(),
                        );
                    }
                }
                let kind = engine.info().kind;
                assert_eq!(
                    host(cloud.as_ref()),
                    expected,
                    "{sampler} in pieces of {cut} stages, {kind:?}"
                );
            }
        }
    }
}

/// What is drawn changes only with the last stage; a training that goes on meanwhile does not mix two models.
#[test]
fn a_slice_is_of_one_model_and_never_seen_half_way() {
    for mut engine in engines() {
        let plan = plan(Sampler::Rk4);
        let stages = plan.steps.len() as u32;
        let all = Piece {
            first: 0,
            count: TOTAL,
            stage: 0,
            end_stage: stages,
        };
        let mut cloud = Some(
            engine
                .refresh(
                    None,
                    &Run::of_samples(&plan, &Start::Noise(TOTAL), SEED),
                    all,
                )
                .unwrap(),
        );
        let before = host(cloud.as_ref());
        train(engine.as_mut());
        let expected = whole(engine.as_mut(), &plan);
        assert_ne!(before, expected);
        for stage in 0..stages {
            assert_eq!(host(cloud.as_ref()), before, "seen at stage {stage}");
            let piece = Piece {
                stage,
                end_stage: stage + 1,
                ..all
            };
            cloud = Some(
                engine
                    .refresh(
                        cloud,
                        &Run::of_samples(&plan, &Start::Noise(TOTAL), SEED),
                        piece,
                    )
                    .unwrap(),
            );
            train(engine.as_mut());
        }
        assert_eq!(host(cloud.as_ref()), expected, "{:?}", engine.info().kind);
    }
}

/// Few particles, whose buffers are kept, and many, in several slices; with another run begun and given up in between.
#[test]
fn a_run_goes_on_by_the_weights_of_its_beginning_whatever_is_trained_in_between() {
    const MANY: u32 = 70_000;
    let plan = plan(Sampler::Heun);
    let points = |recording: Recording| recording.points.to_host().unwrap();
    for mut engine in engines() {
        let kind = engine.info().kind;
        for (total, frames) in [(TOTAL, Frames::Every(1)), (MANY, Frames::End)] {
            let start = Start::Noise(total);
            let run = Run {
                frames,
                ..Run::of_samples(&plan, &start, SEED)
            };
            let expected = points(engine.run(&run, &|_| true).unwrap().unwrap());
            let mut underway = engine.begin(&run).unwrap();
            let shares = RefCell::new(vec![0.0]);
            let mut pauses = 0;
            let recording = loop {
                let asked = Cell::new(0);
                let one_piece = |share: f32| {
                    shares.borrow_mut().push(share);
                    asked.set(asked.get() + 1);
                    asked.get() == 1
                };
                match underway.advance(&one_piece).unwrap() {
                    Some(recording) => break recording,
                    None => pauses += 1,
                }
                train(engine.as_mut());
                let mut other = engine.begin(&run).unwrap();
                assert!(other.advance(&one_piece).unwrap().is_none());
                shares.borrow_mut().pop();
                shares.borrow_mut().pop();
            };
            assert!(pauses > 0, "{kind:?}");
            assert!(
                shares.borrow().is_sorted() && shares.borrow().iter().all(|share| *share < 1.0)
            );
            assert!(points(recording) == expected, "{total} particles, {kind:?}");
            assert!(underway.advance(&|_| true).is_err(), "it is done");
            let after = points(engine.run(&run, &|_| true).unwrap().unwrap());
            assert!(after != expected, "the training went on");
        }
    }
}

#[test]
fn a_piece_that_goes_on_from_nothing_is_refused() {
    for mut engine in engines() {
        let plan = plan(Sampler::Heun);
        let stages = plan.steps.len() as u32;
        let good = Piece {
            first: 0,
            count: 50,
            stage: 0,
            end_stage: 2,
        };
        let mut begin = |then: Piece, seed| {
            let cloud = engine
                .refresh(
                    None,
                    &Run::of_samples(&plan, &Start::Noise(TOTAL), SEED),
                    good,
                )
                .unwrap();
            engine
                .refresh(
                    Some(cloud),
                    &Run::of_samples(&plan, &Start::Noise(TOTAL), seed),
                    then,
                )
                .map(drop)
        };
        let next = Piece {
            stage: 2,
            end_stage: 4,
            ..good
        };
        assert!(begin(next, SEED).is_ok());
        for wrong in [
            Piece { stage: 3, ..next },
            Piece { first: 1, ..next },
            Piece { count: 49, ..next },
            Piece {
                stage: 4,
                end_stage: 3,
                ..next
            },
            Piece {
                end_stage: stages + 1,
                ..next
            },
            Piece {
                first: TOTAL,
                ..good
            },
        ] {
            let error = begin(wrong, SEED).unwrap_err().to_string();
            assert!(
                error.contains("stage") || error.contains("particles"),
                "{error}"
            );
        }
        assert!(begin(next, SEED + 1).is_err());
        let small = Cloud::Host(Arc::new(vec![[0.0; 2]; 9]));
        assert!(
            engine
                .refresh(
                    Some(small),
                    &Run::of_samples(&plan, &Start::Noise(TOTAL), SEED),
                    good
                )
                .is_err()
        );
        engine
            .load(&spec(), &ModelState::fresh(initial_weights(SHAPE, 2)))
            .unwrap();
        assert!(
            engine
                .refresh(
                    None,
                    &Run::of_samples(&plan, &Start::Noise(TOTAL), SEED),
                    next
                )
                .is_err(),
            "another model was put in its place"
        );
    }
}

/// Hovering asks for one point, the quality meter for 192 at some thirty times, a picture for a piece after the other.
#[test]
fn what_is_asked_again_and_again_makes_no_buffer() {
    // A device of its own: the count is the device's.
    let context = GpuContext::headless().unwrap();
    let mut gpu = GpuEngine::new(context.clone()).unwrap();
    gpu.load(&spec(), &ModelState::fresh(initial_weights(SHAPE, 1)))
        .unwrap();
    train(&mut gpu);
    let points: Vec<[f32; 2]> = (0..256_u16)
        .map(|i| [f32::from(i).sin(), f32::from(i).cos()])
        .collect();
    let plan = plan(Sampler::Rk4);
    let stages = plan.steps.len() as u32;
    let mut cloud = None;
    let mut ask = |gpu: &mut GpuEngine, count: usize| {
        for weights in [Weights::Ema, Weights::Raw] {
            for time in 0..8 {
                gpu.predict((f64::from(time) + 0.5) / 8.0, &points[..count], weights)
                    .unwrap();
            }
        }
        for stage in 0..stages {
            let piece = Piece {
                first: 0,
                count: count as u32,
                stage,
                end_stage: stage + 1,
            };
            cloud = Some(
                gpu.refresh(
                    cloud.take(),
                    &Run::of_samples(&plan, &Start::Noise(256), SEED),
                    piece,
                )
                .unwrap(),
            );
        }
    };
    ask(&mut gpu, 256);
    let made = context.buffers_made();
    for count in [256, 100, 1, 256] {
        ask(&mut gpu, count);
    }
    assert_eq!(context.buffers_made(), made);
    // More points, other weights and other times give what an engine gives that was never asked before.
    train(&mut gpu);
    let state = gpu.state().unwrap();
    for (count, tau, weights) in [
        (1, 0.3, Weights::Ema),
        (256, 0.9, Weights::Raw),
        (100, 0.01, Weights::Ema),
    ] {
        let mut other = GpuEngine::new(context.clone()).unwrap();
        other.load(&spec(), &state).unwrap();
        let points = &points[..count];
        assert_eq!(
            gpu.predict(tau, points, weights).unwrap(),
            other.predict(tau, points, weights).unwrap()
        );
    }
}

/// A hand that moves a point over the canvas asks for one run after the other: each makes the buffer that it is seen
/// from, and none besides. What was bound before leaves no trace.
#[test]
fn a_moving_hand_makes_one_buffer_a_run() {
    let context = GpuContext::headless().unwrap();
    let mut gpu = GpuEngine::new(context.clone()).unwrap();
    let state = ModelState::fresh(initial_weights(SHAPE, 1));
    gpu.load(&spec(), &state).unwrap();
    let exact = Denoiser::Exact(Arc::new(Shape::Figure8.mixture()));
    for denoiser in [Denoiser::Learned, exact] {
        for (sampler, steps) in [
            (Sampler::Euler, 1),
            (Sampler::Rk4, 5),
            (Sampler::Ddpm(Variance::BetaTilde), 7),
        ] {
            let context_of_plans = PlanContext {
                schedule: Schedule::Linear,
                target: Target::Eps,
                timesteps: 100,
            };
            let ask = |engine: &mut GpuEngine, k: u16| {
                let points = (0..3)
                    .map(|i| [f32::from(k + i).sin(), f32::from(k).cos()])
                    .collect();
                let mut plan = sampler.plan(steps, context_of_plans, None);
                for stage in &mut plan.steps {
                    stage.tau *= 1.0 - 0.05 * f64::from(k);
                }
                let start = Start::Points(Arc::new(points));
                let run = engine
                    .run(
                        &Run {
                            plan: &plan,
                            start: &start,
                            seed: u64::from(k),
                            denoiser: &denoiser,
                            guidance: None,
                            frames: Frames::Every(2),
                        },
                        &|_| true,
                    )
                    .unwrap()
                    .unwrap();
                run.points
            };
            let first = ask(&mut gpu, 0);
            let made = context.buffers_made();
            let clouds: Vec<Cloud> = (1..6).map(|k| ask(&mut gpu, k)).collect();
            assert_eq!(context.buffers_made() - made, 5);
            for (k, cloud) in (0..).zip(std::iter::once(&first).chain(&clouds)) {
                let mut other = GpuEngine::new(context.clone()).unwrap();
                other.load(&spec(), &state).unwrap();
                assert_eq!(
                    cloud.to_host().unwrap(),
                    ask(&mut other, k).to_host().unwrap(),
                    "{sampler} {k}"
                );
            }
        }
    }
}

/// The longest sampler that can be chosen, split and closed in the middle of it.
#[test]
fn a_long_sampler_keeps_nobody_waiting() {
    const PROMPT: Duration = Duration::from_millis(200);
    let context = GpuContext::headless().unwrap();
    let factories: [EngineFactory; 2] = [
        Arc::new(move |_| Ok(Box::new(GpuEngine::new(context.clone())?))),
        Arc::new(|_| Ok(Box::new(CpuEngine::new()))),
    ];
    for factory in factories {
        let experiment = Experiment {
            sampler: Sampler::Rk4,
            sampler_steps: 1000,
            ..Experiment::default()
        };
        let choice = noise_compass::engine::EngineChoice::Auto;
        let worker =
            Worker::spawn_with(experiment.clone(), choice, factory.clone(), Box::new(|| {}))
                .unwrap();
        let kind = || worker.snapshot().engine.kind;
        let wait = |what: &dyn Fn() -> bool| {
            let begun = Instant::now();
            while !what() {
                std::thread::sleep(Duration::from_millis(1));
                assert!(begun.elapsed() < Duration::from_mins(1), "nothing happens");
            }
            begun.elapsed()
        };
        // Others may use the machine too: the best of a few answers counts.
        let answer = |on: Command, off: Command, status: Status| {
            let answers = (0..5).map(|_| {
                worker.send(off.clone());
                wait(&|| worker.snapshot().status != status);
                std::thread::sleep(Duration::from_millis(150));
                worker.send(on.clone());
                wait(&|| worker.snapshot().status == status)
            });
            answers.min().unwrap()
        };
        wait(&|| worker.snapshot().engine.adapter != "starting");
        let alone = answer(Command::Play, Command::Pause, Status::Training);
        assert!(alone < PROMPT, "{:?} answers after {alone:?}", kind());
        worker.send(Order::Equalise);
        wait(&|| worker.snapshots().b.is_some());
        let split = answer(Command::Play, Command::Pause, Status::Training);
        assert!(
            split < PROMPT,
            "split, {:?} answers after {split:?}",
            kind()
        );
        let kind = kind();
        let begun = Instant::now();
        drop(worker);
        let mut closed = begun.elapsed();
        for _ in 0..2 {
            if closed < PROMPT {
                break;
            }
            // Others may use the machine too: once more, in the middle of both samplers.
            let experiment = experiment.clone();
            let again = Worker::spawn_with(experiment, choice, factory.clone(), Box::new(|| {}));
            let again = again.unwrap();
            again.send(Order::Equalise);
            again.send(Command::Play);
            let trains = || again.snapshots().b.is_some_and(|b| b.step > 0);
            wait(&trains);
            std::thread::sleep(Duration::from_millis(150));
            let begun = Instant::now();
            drop(again);
            closed = closed.min(begun.elapsed());
        }
        assert!(closed < PROMPT, "{kind:?} closes after {closed:?}");
    }
}

/// Two plans of as many stages, of which one adds noise without asking the network: the buffers that are kept ask where the second one does.
#[test]
fn a_kept_run_asks_where_its_own_plan_does() {
    let [mut gpu, mut cpu] = engines();
    let churned = plan(Sampler::Edm { churn: 30.0 });
    let stages = churned.steps.len() as u32;
    assert!(churned.steps.iter().any(|stage| !stage.predicts));
    let plain = plan_of(Sampler::Ddim { eta: 0.0 }, stages);
    assert_eq!(plain.steps.len(), churned.steps.len());
    for plan in [&churned, &plain, &churned] {
        let [gpu, cpu] = [&mut gpu, &mut cpu].map(|engine| whole(engine.as_mut(), plan));
        for (a, b) in gpu.iter().flatten().zip(cpu.iter().flatten()) {
            assert!((a - b).abs() < 2e-3, "{a}, not {b}");
        }
    }
}
