//! A training that goes wrong while its numbers stay finite: it is a fault with a way back, and a sound one is none.

use std::sync::Arc;
use std::time::Duration;

use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::target::Target;
use noise_compass::engine::{self, EngineChoice};
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::{Command, Restart, Status};
use noise_compass::lab::session::{EngineFactory, Session};
use noise_compass::lab::setup::Setup;

fn session(experiment: Experiment) -> Session {
    let factory: EngineFactory = Arc::new(|choice| engine::create(choice, None));
    let engine = factory(EngineChoice::Cpu).unwrap();
    let mut session = Session::new(Setup::new(experiment).unwrap(), engine, factory).unwrap();
    session.handle(Command::Hidden(true));
    session
}

fn run_to(session: &mut Session, step: u64) -> Status {
    session.train_until(step);
    session.handle(Command::Play);
    while session.is_training() {
        session.tick(Duration::from_millis(50));
    }
    session.status()
}

fn set_rate(session: &mut Session, learning_rate: f32) {
    let experiment = Experiment {
        learning_rate,
        ..(*session.snapshot().experiment).clone()
    };
    session.handle(Command::Configure {
        experiment: Box::new(experiment),
        restart: Restart::Keep,
    });
}

/// Every target on every schedule, the usual and small and large batches: nothing that learns is called broken.
#[test]
fn a_sound_training_is_never_called_broken() {
    let schedules = Schedule::ALL
        .into_iter()
        .chain([Schedule::Custom(LogSnr::default())]);
    for schedule in schedules {
        for target in Target::ALL {
            for (batch, timesteps) in [(32, 1000), (256, 10)] {
                let small = Experiment {
                    width: 32,
                    depth: 2,
                    points: 512,
                    ..Experiment::default()
                };
                let mut session = session(Experiment {
                    schedule,
                    target,
                    batch,
                    timesteps,
                    ..small
                });
                let status = run_to(&mut session, 1200);
                assert_eq!(
                    status,
                    Status::Paused,
                    "{schedule:?} {target:?} batch {batch} T {timesteps}"
                );
            }
        }
    }
}

/// The rate that ruins this network: the loss goes to a million and then to that of predicting nothing.
#[test]
fn a_ruinous_learning_rate_is_a_fault_and_the_weights_from_before_it_come_back() {
    let mut session = session(Experiment::default());
    assert_eq!(run_to(&mut session, 700), Status::Paused);
    let before = session.snapshot().loss.unwrap();
    set_rate(&mut session, 0.1);
    let Status::Fault {
        message,
        can_restore: true,
    } = run_to(&mut session, 20_000)
    else {
        panic!("no fault")
    };
    for part in [
        "training was paused",
        "lower the learning rate (now 0.1)",
        "(step 700)",
    ] {
        assert!(message.contains(part), "{message}");
    }
    // What is saved meanwhile is the sound one.
    assert_eq!(session.model().step, 700);
    session.handle(Command::RestoreLastGood);
    set_rate(&mut session, 0.003);
    assert_eq!(run_to(&mut session, 1200), Status::Paused);
    let after = session.snapshot().loss.unwrap();
    assert!(after < 1.1 * before, "{before}, then {after}");
}

/// Copies made during the ruin do not take the place of the sound ones.
#[test]
fn pausing_in_the_rise_keeps_the_way_back() {
    let mut session = session(Experiment::default());
    run_to(&mut session, 700);
    set_rate(&mut session, 0.1);
    let mut step = 700;
    while run_to(&mut session, step) == Status::Paused {
        step += 7;
        assert!(step < 20_000, "no fault");
    }
    let step = session.model().step;
    assert!((700..730).contains(&step), "{step}");
}
