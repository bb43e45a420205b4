//! What is shown is of the present settings: after any change, each number and each picture is either still right or gone,
//! at once, in the lab and in the window.

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use egui_kittest::Harness;
use egui_kittest::kittest::{AccessKitNode, NodeT as _, Queryable as _};

use common::{Driven, find, small, window};
use noise_compass::data::bounds::Bounds;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::{Scales, Schedule};
use noise_compass::diffusion::solver::{Plan, Sampler};
use noise_compass::diffusion::target::{Quantity, Target};
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::{Engine, EngineChoice, Start};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{
    Command, DensityView, Order, Restart, RunRequest, Slot, Snapshot, Snapshots,
};
use noise_compass::lab::session::{EngineFactory, Session};
use noise_compass::lab::setup::Setup;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::shell::lessons::Lesson;

fn session(experiment: Experiment) -> Session {
    let factory: EngineFactory =
        Arc::new(|_| -> Result<Box<dyn Engine>, _> { Ok(Box::new(CpuEngine::new())) });
    let engine = factory(EngineChoice::Cpu).unwrap();
    Session::new(Setup::new(experiment).unwrap(), engine, factory).unwrap()
}

fn settle(session: &mut Session) {
    while !session.tick(Duration::from_millis(20)).idle {}
}

const VIEW: DensityView = DensityView {
    scales: Scales { a: 0.8, s: 0.6 },
    bounds: Bounds {
        min: [-3.0; 2],
        max: [3.0; 2],
    },
    resolution: 48,
};

/// The slots of a learned and of an exact run.
const SLOTS: [Slot; 2] = [Slot::LearnedArrows, Slot::ExactArrows];

/// What of a snapshot is there: losses, distance and score error, samples, density, learned run, exact run.
fn there(snapshot: &Snapshot) -> [bool; 6] {
    let losses = snapshot.timestep_loss.iter().any(|loss| loss.is_finite());
    assert_eq!(losses, snapshot.loss.is_some(), "both means begin together");
    let [learned, exact] = SLOTS.map(|slot| {
        snapshot
            .runs
            .get(&slot)
            .is_some_and(|run| run.done.is_some())
    });
    let quality = !snapshot.quality.is_empty();
    [
        losses,
        quality,
        // Before the first update noise stands for them.
        snapshot.samples_of.is_some(),
        snapshot.density.is_some(),
        learned,
        exact,
    ]
}

/// Every kind of change against everything that is shown.
#[test]
fn a_change_takes_with_it_all_that_it_makes_wrong_and_nothing_else() {
    let configure = |change: fn(&mut Experiment), restart: bool| {
        let mut experiment = small();
        change(&mut experiment);
        Command::Configure {
            experiment: Box::new(experiment),
            restart: Restart::when(restart),
        }
    };
    let all = [true; 6];
    let none = [false; 6];
    // The learned run goes with the weights, the exact one stays.
    let weights = [false, false, false, true, false, true];
    let sampling = [true, false, false, true, true, true];
    for (name, command, stays) in [
        (
            "data",
            configure(|e| e.data = DataSource::Shape(Shape::Spirals), false),
            none,
        ),
        (
            "path",
            configure(|e| e.schedule = Schedule::Cosine, false),
            none,
        ),
        ("T", configure(|e| e.timesteps = 100, false), none),
        ("target", configure(|e| e.target = Target::V, true), none),
        ("network", configure(|e| e.depth = 1, false), weights),
        ("anew", Command::Reset, weights),
        (
            "sampler",
            configure(|e| e.sampler = Sampler::Euler, false),
            sampling,
        ),
        ("steps", configure(|e| e.sampler_steps = 9, false), sampling),
        ("clip", configure(|e| e.clip = false, false), sampling),
        ("rate", configure(|e| e.learning_rate = 1e-4, false), all),
        ("batch", configure(|e| e.batch = 32, false), all),
        // Fresh draws are clipped by the box of their mixture: another sampler, and another loss.
        (
            "fresh",
            configure(|e| e.fresh = true, false),
            [false, false, false, true, true, true],
        ),
    ] {
        let mut session = session(small());
        session.train_until(50);
        session.handle(Command::Play);
        settle(&mut session);
        session.handle(Command::ShowDensity(VIEW));
        let context = small().plan_context();
        for (slot, exact) in SLOTS.into_iter().zip([false, true]) {
            let request = RunRequest {
                plan: Plan::field(context, 0.5, Quantity::X0),
                start: Start::Noise(16),
                seed: 0,
                exact,
                every: 1,
                follow: false,
                read_back: true,
                given: None,
                guidance: None,
            };
            session.handle(Command::Run(slot, Arc::new(request)));
        }
        settle(&mut session);
        assert_eq!(
            there(&session.snapshot()),
            all,
            "{name}: everything is there before"
        );
        session.handle(command);
        assert_eq!(there(&session.snapshot()), stays, "{name}");
        // What can be shown of a model at rest comes back, now of the present settings.
        settle(&mut session);
        let snapshot = session.snapshot();
        let [_, quality, samples, rest @ ..] = there(&snapshot);
        assert_eq!(rest, [true; 3], "{name}: pictures come back");
        assert!(snapshot.samples.is_some(), "{name}");
        assert_eq!(samples, snapshot.step > 0, "{name}");
        assert_eq!(quality, snapshot.step > 0, "{name}: so do numbers");
        let density = snapshot.density.unwrap();
        let expected = CpuEngine::new()
            .log_density(
                &snapshot.dataset.mixture,
                VIEW.scales,
                VIEW.bounds,
                VIEW.resolution,
            )
            .unwrap();
        assert_eq!(
            *density.log_p, expected,
            "{name}: the density is that of the present data and path"
        );
    }
}

/// At the beginning numbers age fast, so they are taken again soon: several times in the first thousand updates.
#[test]
fn the_first_measurement_does_not_stay_for_a_thousand_updates() {
    let mut session = session(Experiment::default());
    session.train_until(1000);
    session.handle(Command::Play);
    while session.is_training() {
        session.tick(Duration::from_millis(5));
    }
    let steps: Vec<u64> = session
        .snapshot()
        .quality
        .iter()
        .map(|point| point.step)
        .collect();
    assert!(
        steps.iter().filter(|step| **step < 1000).count() >= 3,
        "measured at {steps:?}"
    );
}

/// A lab that works only while it is let.
#[derive(Clone)]
struct Held(Driven, Rc<Cell<bool>>);

impl LabHandle for Held {
    fn send(&self, order: Order) {
        self.0.send(order);
    }

    fn snapshots(&self) -> Snapshots {
        if self.1.get() {
            self.0.pair(|pair| pair.snapshots())
        } else {
            self.0.snapshots()
        }
    }
}

fn held(chapter: Chapter) -> (Held, Harness<'static, LabApp>) {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    lab.train_until(20);
    lab.send(Command::Play.into());
    let held = Held(lab, Rc::default());
    let window = window(held.clone(), chapter, false);
    (held, window)
}

/// A read-out of a chapter that has a number only with a result; of two experiments, that of either.
fn read(window: &Harness<'_, LabApp>, name: &str) -> Option<String> {
    let text = |node: &AccessKitNode<'_>| {
        node.value()
            .or_else(|| node.label())
            .filter(|text| text.contains(name))
    };
    let mut nodes = window.query_all_by(|node| text(node).is_some());
    nodes.find_map(|node| {
        let text = text(&node.accesskit_node())?;
        let (_, value) = text.split_once(name)?;
        // In brackets is how it is computed.
        let value = value.rsplit(')').next()?;
        value
            .contains(|c: char| c.is_ascii_digit())
            .then(|| value.to_owned())
    })
}

/// The changes of the lab that make each chapter's results those of something else.
fn changes() -> Vec<(&'static str, Order)> {
    let configure = |change: fn(&mut Experiment)| {
        let mut experiment = small();
        change(&mut experiment);
        Order::from(Command::Configure {
            experiment: Box::new(experiment),
            restart: Restart::Keep,
        })
    };
    vec![
        (
            "a lesson",
            Order::Compare(Box::new(Lesson::TerminalSnr.experiments(&small()))),
        ),
        (
            "data",
            configure(|e| e.data = DataSource::Shape(Shape::Moons)),
        ),
        ("path", configure(|e| e.schedule = Schedule::Ve)),
        ("T", configure(|e| e.timesteps = 250)),
        ("network", configure(|e| e.depth = 1)),
        ("anew", Command::Reset.into()),
    ]
}

#[test]
fn no_chapter_shows_the_results_of_another_experiment() {
    for (chapter, name) in [
        (Chapter::Reverse, "step on show"),
        (Chapter::Trajectories, "Euler"),
        (Chapter::Trajectories, "ODE crossings"),
        (Chapter::Compass, "μ by the network"),
        (Chapter::ScoreField, "cosine similarity"),
    ] {
        for (what, order) in changes() {
            let (lab, mut window) = held(chapter);
            if chapter == Chapter::Compass {
                window.get_by_label("Show: Next step").click();
                window.run_steps(3);
            }
            assert!(
                read(&window, name).is_some(),
                "{chapter:?} has {name} to begin with"
            );
            lab.1.set(true);
            lab.send(order);
            window.run_steps(4);
            assert_eq!(
                read(&window, name),
                None,
                "{chapter:?}: {name} after {what}"
            );
            lab.1.set(false);
            window.run_steps(6);
            assert!(
                read(&window, name).is_some(),
                "{chapter:?}: {name} comes back after {what}"
            );
        }
    }
}

/// A chain by another sampler, other steps or without the clip is not shown as the present one's.
#[test]
fn a_chain_is_by_the_present_sampler() {
    let configure = |change: fn(&mut Experiment)| {
        let mut experiment = small();
        change(&mut experiment);
        Order::from(Command::Configure {
            experiment: Box::new(experiment),
            restart: Restart::Keep,
        })
    };
    for (what, order) in [
        ("sampler", configure(|e| e.sampler = Sampler::Rk4)),
        ("steps", configure(|e| e.sampler_steps = 5)),
        ("clip", configure(|e| e.clip = false)),
    ] {
        let (lab, mut window) = held(Chapter::Reverse);
        lab.1.set(true);
        lab.send(order);
        window.run_steps(4);
        assert_eq!(read(&window, "step on show"), None, "{what}");
    }
}

#[test]
fn the_strip_tells_of_the_present_settings() {
    for (what, order) in changes() {
        let (lab, mut window) = held(Chapter::Training);
        for name in ["sliced W₂", "floor", "score error", "loss"] {
            assert!(read(&window, name).is_some(), "{name}");
        }
        lab.1.set(true);
        lab.send(order);
        window.run_steps(3);
        if what == "a lesson" {
            let row = find(&window, "A, step").unwrap();
            assert!(
                row.contains("sliced W₂ –") && row.contains("loss –"),
                "{row}"
            );
            continue;
        }
        for name in ["sliced W₂", "floor", "score error", "loss"] {
            assert_eq!(read(&window, name), None, "{name} after {what}");
        }
    }
}

/// Entropy and variance of the particles are of the present data and path, also while they are computed.
#[test]
fn the_entropy_is_of_the_present_path() {
    let (lab, mut window) = held(Chapter::Forward);
    let before = read(&window, "entropy").unwrap();
    let verysmooth = Experiment {
        schedule: Schedule::Ve,
        ..small()
    };
    lab.send(
        Command::Configure {
            experiment: Box::new(verysmooth),
            restart: Restart::Keep,
        }
        .into(),
    );
    let mut seen = None;
    for _ in 0..2000 {
        window.run_steps(1);
        seen = read(&window, "entropy");
        assert_ne!(seen.as_ref(), Some(&before), "the old path's");
        if seen.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    assert!(seen.is_some(), "it arrives");
}
