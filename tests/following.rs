//! The points of the next batch that a session follows are those that the step learns from, and their errors are its loss.

use std::sync::Arc;
use std::time::Duration;

use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::target::Target;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::GpuContext;
use noise_compass::engine::{self, Engine, EngineChoice, ModelState};
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::{Command, FollowedBatch, Restart};
use noise_compass::lab::session::{EngineFactory, Session};
use noise_compass::lab::setup::Setup;

const BATCH: u32 = 32;

fn small() -> Experiment {
    Experiment {
        width: 32,
        depth: 1,
        batch: BATCH,
        points: 256,
        timesteps: 100,
        sampler_steps: 4,
        ..Experiment::default()
    }
}

fn session(experiment: Experiment, choice: EngineChoice) -> Session {
    let factory: EngineFactory = match choice {
        EngineChoice::Gpu => {
            let context = GpuContext::headless().unwrap();
            Arc::new(move |_| engine::create(EngineChoice::Gpu, Some(&context)))
        }
        _ => Arc::new(|_| Ok(Box::new(CpuEngine::new()))),
    };
    let engine = factory(choice).unwrap();
    Session::new(Setup::new(experiment).unwrap(), engine, factory).unwrap()
}

fn settle(session: &mut Session) {
    while !session.tick(Duration::from_millis(50)).idle {}
}

fn followed(session: &mut Session) -> Arc<FollowedBatch> {
    settle(session);
    session.snapshot().followed.expect("a followed batch")
}

/// The model after one step on a batch that is given.
fn learned_from(setup: &Setup, state: &ModelState, batch: &FollowedBatch) -> (f32, ModelState) {
    let mut engine = CpuEngine::new();
    engine.load(&setup.spec, state).unwrap();
    let x: Vec<_> = batch.points.iter().map(|point| point.x_t).collect();
    let t: Vec<_> = batch.points.iter().map(|point| point.t).collect();
    let target: Vec<_> = batch.points.iter().map(|point| point.target).collect();
    let loss = engine.step_on(&x, &t, &target).unwrap();
    (loss, engine.state().unwrap())
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f32::max)
}

/// The whole batch is followed. An engine that is given these points, times and targets takes the very step that the session
/// takes, and the mean of their errors is its loss: for every target, finite and fresh, after several steps.
#[test]
fn the_followed_batch_is_the_one_that_the_next_step_learns_from() {
    for (choice, tolerance) in [(EngineChoice::Cpu, 0.0), (EngineChoice::Gpu, 2e-4)] {
        for (index, target) in Target::ALL.into_iter().enumerate() {
            let schedule = [Schedule::Linear, Schedule::Ve, Schedule::Flow][index % 3];
            let experiment = Experiment {
                target,
                schedule,
                fresh: index % 2 == 1,
                seed: 11 + index as u64,
                ..small()
            };
            let mut session = session(experiment, choice);
            session.handle(Command::Follow(BATCH));
            for step in 0..3 {
                let of = format!("{choice:?}, {target:?}, step {step}");
                let batch = followed(&mut session);
                assert_eq!(
                    (batch.step, batch.points.len()),
                    (step, BATCH as usize),
                    "{of}"
                );
                let before = session.model();
                let (loss, expected) = learned_from(session.setup(), &before, &batch);
                session.handle(Command::StepOnce);
                let after = session.model();
                assert_eq!(after.step, step + 1, "{of}");
                let apart = furthest(&after.weights, &expected.weights);
                assert!(apart <= tolerance, "{of}: weights {apart} apart");
                let mean = batch.points.iter().map(|point| point.error).sum::<f32>() / BATCH as f32;
                let (update, own) = *session.snapshot().curve.raw.last().unwrap();
                assert_eq!(update, step + 1);
                for other in [loss, own] {
                    let error = (mean / other - 1.0).abs();
                    assert!(error < 1e-4, "{of}: errors {mean}, loss {other}");
                }
            }
        }
    }
}

/// Following reads, and changes nothing: the weights of a training that is followed are bit for bit those of one that is not.
#[test]
fn a_training_that_is_followed_is_the_same_training() {
    let run = |follow: u32| {
        let mut session = session(small(), EngineChoice::Cpu);
        session.handle(Command::Follow(follow));
        session.train_until(200);
        session.handle(Command::Play);
        settle(&mut session);
        (session.snapshot().followed, session.model())
    };
    let ((none, alone), (some, watched)) = (run(0), run(6));
    assert!(none.is_none());
    assert_eq!(
        some.map(|batch| (batch.step, batch.points.len())),
        Some((200, 6))
    );
    assert!(alone == watched);
}

/// Other settings, other weights: at once nothing is shown of those that were.
#[test]
fn what_was_followed_goes_with_its_settings() {
    let mut session = session(small(), EngineChoice::Cpu);
    session.handle(Command::Follow(6));
    let first = followed(&mut session);
    let cosine = Experiment {
        schedule: Schedule::Cosine,
        ..small()
    };
    session.handle(Command::Configure {
        experiment: Box::new(cosine),
        restart: Restart::Keep,
    });
    assert!(session.snapshot().followed.is_none());
    let second = followed(&mut session);
    // The same draws on another schedule.
    assert_eq!(first.points[0].epsilon, second.points[0].epsilon);
    assert_ne!(first.points[0].x_t, second.points[0].x_t);
    session.handle(Command::StepOnce);
    assert_eq!(followed(&mut session).step, 1);
    session.handle(Command::Reset);
    assert!(session.snapshot().followed.is_none());
    assert_eq!(followed(&mut session), second);
    session.handle(Command::Follow(0));
    settle(&mut session);
    assert!(session.snapshot().followed.is_none() && session.snapshot().follows == 0);
}
