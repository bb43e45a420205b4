//! Whatever replaces a training, it can be had again: settings, weights, optimiser and losses, bit for bit.

use std::sync::Arc;
use std::time::Duration;

use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::Sampler;
use noise_compass::diffusion::target::Target;
use noise_compass::engine::{self, EngineChoice, ModelState};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Command, Notice, Order, Restart, Side, Snapshots};
use noise_compass::lab::pair::Pair;
use noise_compass::lab::session::{EngineFactory, Session};
use noise_compass::lab::setup::Setup;

fn small() -> Experiment {
    Experiment {
        width: 32,
        depth: 2,
        batch: 64,
        points: 512,
        ..Experiment::default()
    }
}

fn lab() -> Pair {
    let factory: EngineFactory = Arc::new(|choice| engine::create(choice, None));
    let engine = factory(EngineChoice::Cpu).unwrap();
    let mut pair = Pair::new(Session::new(Setup::new(small()).unwrap(), engine, factory).unwrap());
    pair.handle(Command::Hidden(true).into());
    pair
}

fn train(pair: &mut Pair, step: u64) {
    pair.train_until(step);
    pair.handle(Command::Play.into());
    while Side::BOTH
        .iter()
        .any(|&side| pair.session(side).is_some_and(Session::is_training))
    {
        pair.tick(Duration::from_millis(10));
    }
}

fn model(pair: &mut Pair, side: Side) -> ModelState {
    pair.session_mut(side).unwrap().model()
}

fn configure(side: Side, restart: bool, experiment: Experiment) -> Order {
    Order::To(
        side,
        Command::Configure {
            experiment: Box::new(experiment),
            restart: Restart::when(restart),
        },
    )
}

/// A lab with A at step 40 and, if wanted, a B of its own at step 40.
fn begin(split: bool) -> Pair {
    let mut pair = lab();
    train(&mut pair, 40);
    if split {
        pair.handle(Order::Equalise);
        pair.handle(configure(
            Side::B,
            true,
            Experiment {
                schedule: Schedule::Cosine,
                ..small()
            },
        ));
        train(&mut pair, 40);
    }
    pair
}

/// Every way to replace a training, with the side whose training goes.
#[test]
fn every_replaced_training_comes_back_bit_for_bit() {
    let other = |change: fn(&mut Experiment)| {
        let mut experiment = small();
        change(&mut experiment);
        experiment
    };
    let anew = || Order::Both(Command::Reset);
    let lesson = |width| Order::Compare(Box::new([small(), Experiment { width, ..small() }]));
    let ways: Vec<(&str, bool, Side, Order)> = vec![
        ("start anew", false, Side::A, anew()),
        ("start A of two anew", true, Side::A, anew()),
        ("start B of two anew", true, Side::B, anew()),
        (
            "another network",
            false,
            Side::A,
            configure(Side::A, false, other(|e| e.width = 64)),
        ),
        (
            "another target",
            false,
            Side::A,
            configure(Side::A, true, other(|e| e.target = Target::V)),
        ),
        (
            "another path, same weights",
            false,
            Side::A,
            configure(Side::A, false, other(|e| e.schedule = Schedule::Cosine)),
        ),
        (
            "other data, same weights",
            false,
            Side::A,
            configure(
                Side::A,
                false,
                other(|e| e.data = DataSource::Shape(Shape::Circle)),
            ),
        ),
        (
            "a setting of B",
            true,
            Side::B,
            configure(Side::B, true, other(|e| e.schedule = Schedule::Flow)),
        ),
        ("B = A", true, Side::B, Order::Equalise),
        ("keep A", true, Side::B, Order::Keep(Side::A)),
        ("keep B", true, Side::A, Order::Keep(Side::B)),
        ("a lesson", false, Side::A, lesson(64)),
        ("a lesson, A of two", true, Side::A, lesson(64)),
        ("a lesson, B of two", true, Side::B, lesson(64)),
    ];
    for (name, split, side, order) in ways {
        let mut pair = begin(split);
        let (lost, experiment) = (
            model(&mut pair, side),
            pair.session(side).unwrap().experiment().clone(),
        );
        let curve = pair.snapshots().of(side).unwrap().curve.clone();
        pair.handle(order);
        train(&mut pair, 47);
        let Snapshots { a, shelf, .. } = pair.snapshots();
        let item = shelf
            .iter()
            .find(|item| item.experiment == experiment && item.step == 40);
        let id = item
            .unwrap_or_else(|| panic!("{name}: the shelf holds {shelf:?}"))
            .id;
        if !split {
            let Some(Notice::Info(text)) = a.notices.last() else {
                panic!("{name}: it must be said")
            };
            assert!(text.contains("Bring back"), "{name}: {text}");
        }
        let present = model(&mut pair, Side::A);
        pair.handle(Order::BringBack(id, Side::A));
        let Snapshots { a, shelf, .. } = pair.snapshots();
        assert!(model(&mut pair, Side::A) == lost, "{name}");
        assert_eq!(
            (a.step, &a.experiment, &a.curve),
            (40, &experiment, &curve),
            "{name}"
        );
        // And what was there in the meantime lies on the shelf in its turn.
        let id = shelf.first().unwrap().id;
        pair.handle(Order::BringBack(id, Side::A));
        assert!(model(&mut pair, Side::A) == present, "{name}");
    }
}

/// One training sampled in two ways: whichever side it is of is copied, and the other is laid aside.
#[test]
fn a_lesson_that_keeps_the_weights_keeps_those_of_the_side_that_it_is_about() {
    for side in Side::BOTH {
        let mut pair = begin(true);
        let kept = model(&mut pair, side);
        let other = model(&mut pair, side.other());
        let base = (**pair.session(side).unwrap().experiment()).clone();
        let lesson = [8, 64].map(|sampler_steps| Experiment {
            sampler: Sampler::Heun,
            sampler_steps,
            ..base.clone()
        });
        pair.handle(Order::Compare(Box::new(lesson)));
        assert!(
            model(&mut pair, Side::A) == kept && model(&mut pair, Side::B) == kept,
            "{side:?}"
        );
        pair.handle(Order::Return);
        let both = Side::BOTH.map(|side| model(&mut pair, side));
        assert!(
            both[side.index()] == kept && both[side.other().index()] == other,
            "{side:?}"
        );
    }
}

/// The way back of a comparison leads to both, and what is left behind is kept.
#[test]
fn the_way_back_leads_to_both_and_loses_nothing() {
    let mut pair = begin(true);
    let before = Side::BOTH.map(|side| model(&mut pair, side));
    let of = |schedule, width| Experiment {
        schedule,
        width,
        ..small()
    };
    for width in [64, 128] {
        pair.handle(Order::Compare(Box::new([
            of(Schedule::Linear, width),
            of(Schedule::Flow, width),
        ])));
        train(&mut pair, 20);
    }
    assert_eq!(pair.snapshots().before, Some((40, Some(40))));
    let left = Side::BOTH.map(|side| model(&mut pair, side));
    pair.handle(Order::Return);
    assert!(Side::BOTH.map(|side| model(&mut pair, side)) == before);
    assert_eq!(pair.snapshots().before, None);
    for (side, left) in Side::BOTH.into_iter().zip(left) {
        let shelf = pair.snapshots().shelf;
        let id = shelf
            .iter()
            .find(|item| item.step == 20 && item.experiment.width == 128 && item.side == side)
            .unwrap()
            .id;
        pair.handle(Order::BringBack(id, side));
        assert!(model(&mut pair, side) == left);
    }
}
