//! Consistency models: distilled and from scratch, on both engines, in files and side by side.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Driven, click, find, texts};
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::Sampler;
use noise_compass::diffusion::target::Target;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::network::objective::ObjectiveChoice;
use noise_compass::engine::{self, Engine, EngineChoice, ModelState, Run, Start, Wait};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Command, Notice, Order, Side, Status};
use noise_compass::lab::model_dir::{self, ModelDir};
use noise_compass::lab::pair::Pair;
use noise_compass::lab::self_consistency;
use noise_compass::lab::session::{EngineFactory, Session};
use noise_compass::lab::setup::Setup;
use noise_compass::measure::floor::sliced_quality;
use noise_compass::ui::chapters::Chapter;

/// A model of v, small.
fn small() -> Experiment {
    Experiment {
        data: DataSource::Shape(Shape::EightGaussians),
        target: Target::V,
        width: 32,
        depth: 2,
        batch: 64,
        points: 512,
        ..Experiment::default()
    }
}

fn train(engine: &mut dyn Engine, setup: &Setup, updates: u32) -> Vec<(u64, f32)> {
    engine.load(&setup.spec, &setup.fresh_model()).unwrap();
    let (mut done, mut losses) = (0, Vec::new());
    while done < updates {
        done += engine.train(updates - done, 1.0).unwrap();
        losses.extend(engine.poll(Wait::No).unwrap().losses);
    }
    losses.extend(engine.poll(Wait::UntilDone).unwrap().losses);
    losses
}

/// Sliced W₂ of 8192 samples to the data, in floors.
fn floors(engine: &mut dyn Engine, setup: &Setup, steps: u32) -> f64 {
    let clip = Some(setup.dataset.clip_box(false));
    let plan = Sampler::Consistency.plan(steps, setup.experiment.plan_context(), clip);
    let run = engine.run(&Run::of_samples(&plan, &Start::Noise(8192), 7), &|_| true);
    let points = run.unwrap().unwrap().points.to_host().unwrap();
    let quality = sliced_quality(&points, &setup.dataset.reference, 5).unwrap();
    quality.ratio()
}

/// What all of it is for. In one step the teacher lands on the mean of the data, in the middle of the ring.
#[test]
fn a_distilled_model_needs_one_step_where_its_teacher_needs_many() {
    let teacher = Setup::new(Experiment {
        data: DataSource::Shape(Shape::EightGaussians),
        schedule: Schedule::Cosine,
        target: Target::V,
        ..Experiment::default()
    })
    .unwrap();
    let mut engine = CpuEngine::new();
    train(&mut engine, &teacher, 2500);
    let by_teacher = floors(&mut engine, &teacher, 1);
    let weights = engine.state().unwrap().ema;
    let student = teacher
        .student(ObjectiveChoice::Distillation, weights)
        .unwrap();
    train(&mut engine, &student, 1500);
    let [one, two] = [1, 2].map(|steps| floors(&mut engine, &student, steps));
    assert!(by_teacher > 10.0, "{by_teacher}");
    assert!(one < 2.0 && two < 2.0, "{one} and {two} floors");
}

/// The device asks its own kernels what the student says, and gets what plain Rust gets.
#[test]
fn both_engines_train_consistency_models_alike() {
    let base = Setup::new(small()).unwrap();
    let mut cpu = CpuEngine::new();
    let mut gpu = GpuEngine::new(GpuContext::headless().unwrap()).unwrap();
    train(&mut cpu, &base, 200);
    let weights = cpu.state().unwrap().ema;
    for objective in [ObjectiveChoice::Distillation, ObjectiveChoice::Consistency] {
        let student = base.student(objective, weights.clone()).unwrap();
        let [of_cpu, of_gpu] = [&mut cpu as &mut dyn Engine, &mut gpu]
            .map(|engine| (train(engine, &student, 20), engine.state().unwrap()));
        assert_eq!((of_cpu.0.len(), of_gpu.0.len()), (20, 20));
        for ((n, own), (_, other)) in of_cpu.0.iter().zip(&of_gpu.0) {
            assert!(
                (own - other).abs() < 2e-3 * own,
                "{objective:?}, {n}: {own} and {other}"
            );
        }
        let apart = of_cpu.1.weights.iter().zip(&of_gpu.1.weights);
        let worst = apart.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 2e-3, "{objective:?}: {worst}");
    }
}

/// The teacher's weights lie beside the student's: it goes on as if it had never stopped.
#[test]
fn a_student_keeps_its_teacher_in_its_file() {
    let base = Setup::new(small()).unwrap();
    let mut engine = CpuEngine::new();
    train(&mut engine, &base, 50);
    let weights = engine.state().unwrap().ema;
    let student = base
        .student(ObjectiveChoice::Distillation, weights.clone())
        .unwrap();
    train(&mut engine, &student, 20);
    let state = engine.state().unwrap();
    let temp = tempfile::tempdir().unwrap();
    let trained = model_dir::Trained {
        experiment: &student.experiment,
        dataset: &student.dataset,
        teacher: student.teacher.as_ref(),
        state: &state,
        metrics: &[],
    };
    ModelDir::new(temp.path().join("m"), false)
        .save(trained)
        .unwrap();
    let saved = model_dir::load(&temp.path().join("m")).unwrap();
    let back = saved.setup().unwrap();
    assert_eq!(back.teacher, student.teacher);
    assert_eq!(back.teacher.as_ref().unwrap().weights, weights);
    let mut other = CpuEngine::new();
    other.load(&back.spec, &saved.state).unwrap();
    engine.train(10, 10.0).unwrap();
    let mut done = 0;
    while done < engine.state().unwrap().step - state.step {
        done += u64::from(other.train(1, 10.0).unwrap());
    }
    assert_eq!(engine.state().unwrap(), other.state().unwrap());
}

#[test]
fn what_has_no_student_is_refused_in_a_sentence() {
    let refused = |experiment: Experiment, word: &str| {
        let error = Setup::new(experiment).unwrap_err();
        assert!(error.contains(word) && !error.contains('\n'), "{error}");
    };
    let with = |objective| Experiment {
        objective,
        ..small()
    };
    refused(with(ObjectiveChoice::Distillation), "--teacher");
    refused(
        Experiment {
            target: Target::Eps,
            ..with(ObjectiveChoice::Consistency)
        },
        "--target v",
    );
    refused(
        Experiment {
            learn_variance: true,
            ..with(ObjectiveChoice::Consistency)
        },
        "neither labels nor variances",
    );
    // A teacher knows one kind of noise.
    let base = Setup::new(small()).unwrap();
    let weights = base.fresh_model().weights;
    let student = base
        .student(ObjectiveChoice::Distillation, weights)
        .unwrap();
    let other = Experiment {
        schedule: Schedule::Cosine,
        ..Experiment::clone(&student.experiment)
    };
    let error = student.changed(other).unwrap_err();
    assert!(
        error.contains("the teacher has the schedule linear"),
        "{error}"
    );
}

/// One order: B is the student and trains, A stays as it is and pauses.
#[test]
fn a_student_becomes_b_and_is_trained() {
    let factory: EngineFactory = Arc::new(|_| engine::create(EngineChoice::Cpu, None));
    let engine = factory(EngineChoice::Auto).unwrap();
    // Of noise: the student predicts what tells x_0 at t = T.
    let of_noise = Experiment {
        target: Target::Eps,
        ..small()
    };
    let setup = Setup::new(of_noise).unwrap();
    let mut pair = Pair::new(Session::new(setup, engine, factory).unwrap());
    pair.handle(Command::Play.into());
    let slice = Duration::from_millis(20);
    pair.tick(slice);
    for (objective, taught) in [
        (ObjectiveChoice::Distillation, true),
        (ObjectiveChoice::Consistency, false),
    ] {
        pair.handle(Order::Student(objective));
        let a = pair.session(Side::A).unwrap();
        assert_eq!(a.status(), Status::Paused);
        assert_eq!(a.experiment().target, Target::Eps);
        let b = pair.session(Side::B).unwrap();
        let experiment = b.experiment();
        assert_eq!((b.step(), b.status()), (0, Status::Training));
        assert_eq!(
            (experiment.objective, experiment.target),
            (objective, Target::V)
        );
        assert_eq!(experiment.sampler, Sampler::Consistency);
        assert_eq!(b.setup().teacher.is_some(), taught);
        pair.tick(slice);
        assert!(pair.session(Side::B).unwrap().step() > 0);
        let told = pair.snapshots().b.unwrap().notices.last().cloned();
        assert!(matches!(told, Some(Notice::Info(_))), "{told:?}");
    }
}

/// A network of zeros that predicts v says x̂_0 = a x. Of one Gaussian of variance 1 the paths stand still where the variance is kept, so that
/// it is wrong by (1 − a) of where they are.
#[test]
fn the_error_along_a_path_is_what_it_must_be() {
    let setup = Setup::new(Experiment {
        data: DataSource::Shape(Shape::Gaussian),
        ..small()
    })
    .unwrap();
    let mut engine = CpuEngine::new();
    let zeros = vec![0.0; setup.spec.shape.parameters()];
    engine.load(&setup.spec, &ModelState::fresh(zeros)).unwrap();
    let found = self_consistency::measure(&mut engine, &setup, 256, 3).unwrap();
    let size = |points: &[[f32; 2]]| {
        let squares = points.iter().map(|p| f64::from(p[0] * p[0] + p[1] * p[1]));
        (squares.sum::<f64>() / points.len() as f64).sqrt()
    };
    assert_eq!((found.taus.len(), found.taus[0]), (32, 1.0));
    for (tau, error) in found.taus.iter().zip(&found.errors) {
        let a = Schedule::Linear.scales(*tau, 1000).a;
        let expected = (1.0 - a) * size(&found.ends);
        assert!(
            (error - expected).abs() < 0.02,
            "{tau}: {error}, not {expected}"
        );
    }
}

/// One click beside A makes B its student, and what A says along exact paths is drawn and charted.
#[test]
fn the_chapter_distils_into_b_and_shows_what_is_said_along_paths() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    lab.train_until(100);
    lab.pair(|pair| pair.handle(Command::Play.into()));
    let mut window = common::window(lab.clone(), Chapter::FewSteps, false);
    let patience = Instant::now() + Duration::from_mins(1);
    while find(&window, "Self-consistency along exact paths").is_none() {
        assert!(Instant::now() < patience, "{:#?}", texts(&window));
        std::thread::sleep(Duration::from_millis(5));
        window.run_steps(1);
    }
    click(&mut window, "Distil into B");
    let b = lab.pair(|pair| pair.session(Side::B).map(|b| b.experiment().clone()));
    let b = b.unwrap();
    assert_eq!(
        (b.objective, b.target),
        (ObjectiveChoice::Distillation, Target::V)
    );
    click(&mut window, "Train consistency into B");
    let b = lab.pair(|pair| pair.session(Side::B).map(|b| b.experiment().objective));
    assert_eq!(b, Some(ObjectiveChoice::Consistency));
}
