//! A saved model opens, in the lab and through the window: it is what was saved, and nothing that was there is lost.

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::{Driven, Still, card, click, drop_on, window};
use egui_kittest::kittest::Queryable as _;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::engine::{self, EngineChoice};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Command, Notice, Order, Side};
use noise_compass::lab::model_dir;
use noise_compass::lab::pair::Pair;
use noise_compass::lab::session::{EngineFactory, Session};
use noise_compass::lab::setup::Setup;
use noise_compass::ui::chapters::Chapter;

fn small() -> Experiment {
    Experiment {
        width: 32,
        depth: 2,
        batch: 64,
        points: 512,
        ..Experiment::default()
    }
}

fn lab(experiment: Experiment) -> Pair {
    let factory: EngineFactory = Arc::new(|choice| engine::create(choice, None));
    let engine = factory(EngineChoice::Cpu).unwrap();
    let setup = Setup::new(experiment).unwrap();
    let mut pair = Pair::new(Session::new(setup, engine, factory).unwrap());
    pair.handle(Command::Hidden(true).into());
    pair
}

fn train(pair: &mut Pair, step: u64) {
    pair.train_until(step);
    pair.handle(Command::Play.into());
    let training = |pair: &Pair| {
        let session = |side: &Side| pair.session(*side).is_some_and(Session::is_training);
        Side::BOTH.iter().any(session)
    };
    while training(pair) {
        pair.tick(Duration::from_millis(10));
    }
}

/// A model of the cosine schedule, saved at step 60 in this directory.
fn saved(directory: &Path) -> PathBuf {
    let mut pair = lab(Experiment {
        schedule: Schedule::Cosine,
        ..small()
    });
    train(&mut pair, 60);
    let path = directory.join("model");
    pair.handle(Command::Save(path.clone()).into());
    path
}

/// The models of both sides.
fn steps(pair: &mut Pair) -> [Option<u64>; 2] {
    Side::BOTH.map(|side| pair.session_mut(side).map(|session| session.model().step))
}

/// By its directory and by its file, as A and as B, split and not: the side has the model to the last bit, its settings and its
/// losses; the other side is as it was, and what was replaced lies on the shelf.
#[test]
fn what_is_opened_is_what_was_saved() {
    let directory = tempfile::tempdir().unwrap();
    let path = saved(directory.path());
    let model = model_dir::load(&path).unwrap();
    for file in [path.clone(), path.join("model.safetensors")] {
        for (split, side, expected) in [
            (false, Side::A, [Some(60), None]),
            (false, Side::B, [Some(40), Some(60)]),
            (true, Side::A, [Some(60), Some(40)]),
            (true, Side::B, [Some(40), Some(60)]),
        ] {
            let mut pair = lab(small());
            train(&mut pair, 40);
            if split {
                pair.handle(Order::Equalise);
            }
            pair.handle(Order::Open(file.clone(), side));
            assert_eq!(steps(&mut pair), expected, "split {split}, {side:?}");
            let session = pair.session_mut(side).unwrap();
            assert_eq!(session.model(), model.state);
            assert_eq!(**session.experiment(), model.experiment);
            assert!(session.is_saved(), "closing asks for nothing");
            let snapshots = pair.snapshots();
            let snapshot = snapshots.of(side).unwrap();
            assert_eq!(snapshot.curve.raw.len(), 60, "it has its losses");
            let said = format!("opened {}, at step 60", file.display());
            assert_eq!(snapshot.notices.last(), Some(&Notice::Info(said)));
            // What it replaces is kept; beside A it replaces nothing.
            let kept: Vec<_> = snapshots.shelf.iter().map(|shelved| shelved.step).collect();
            let replaces = split || side == Side::A;
            assert_eq!(kept, if replaces { vec![40] } else { Vec::new() });
            // It goes on learning.
            train(&mut pair, 70);
            assert!(pair.session(side).unwrap().step() >= 70);
        }
    }
}

/// What is no model is told in one sentence, and costs nothing.
#[test]
fn what_is_no_model_costs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("model.safetensors"), "no model").unwrap();
    for path in [
        directory.path().to_path_buf(),
        directory.path().join("nowhere"),
    ] {
        for side in Side::BOTH {
            let mut pair = lab(small());
            train(&mut pair, 20);
            let before = pair.session_mut(Side::A).unwrap().model();
            pair.handle(Order::Open(path.clone(), side));
            assert_eq!(steps(&mut pair), [Some(20), None]);
            assert_eq!(pair.session_mut(Side::A).unwrap().model(), before);
            let snapshots = pair.snapshots();
            let Some(Notice::Error(text)) = snapshots.a.notices.last() else {
                panic!("nothing is said of {}", path.display());
            };
            assert!(!text.contains('\n') && text.contains("cannot"), "{text}");
            assert!(snapshots.shelf.is_empty());
        }
    }
}

/// Through the menu: typed, and opened in the place of A or beside it.
#[test]
fn the_menu_opens_a_model_as_a_or_as_b() {
    let directory = tempfile::tempdir().unwrap();
    let path = saved(directory.path());
    for (button, expected) in [
        ("Open model", (Schedule::Cosine, None)),
        ("As B", (Schedule::Linear, Some(Schedule::Cosine))),
    ] {
        let driven = Driven::new(small(), EngineChoice::Cpu);
        let mut window = window(driven.clone(), Chapter::Training, false);
        click(&mut window, "File: File");
        window.get_by_label("Model to open").focus();
        window.run_steps(1);
        window
            .get_by_label("Model to open")
            .type_text(&path.display().to_string());
        window.run_steps(2);
        click(&mut window, button);
        let snapshots = noise_compass::ui::desk::lab_handle::LabHandle::snapshots(&driven);
        let schedules = (
            snapshots.a.experiment.schedule,
            snapshots.b.map(|b| b.experiment.schedule),
        );
        assert_eq!(schedules, expected, "{button}");
        window.run_steps(2);
        let said = format!("opened {}, at step 60", path.display());
        let prefix = if button == "As B" { "B: " } else { "" };
        let said = format!("{prefix}{said}");
        assert!(
            common::find(&window, &said).is_some(),
            "{button}: it is not told"
        );
    }
}

/// Dropped on the window: a model opens, points are learned, anything else is told and goes nowhere.
#[test]
fn files_are_dropped_on_the_window() {
    let directory = tempfile::tempdir().unwrap();
    let model = directory.path().join("model.safetensors");
    let points = directory.path().join("points.csv");
    let picture = directory.path().join("picture.png");
    let lab = Still::new(small(), card(), 0);
    let mut window = window(lab.clone(), Chapter::Training, false);
    let orders = |window: &mut egui_kittest::Harness<'_, _>, path: &Path| {
        lab.orders();
        drop_on(window, path);
        let orders = lab.orders();
        orders
            .into_iter()
            .filter(|order| match order {
                Order::Open(..) => true,
                Order::To(_, command) => matches!(command, Command::Configure { .. }),
                _ => false,
            })
            .collect::<Vec<_>>()
    };
    let opened = orders(&mut window, &model);
    assert!(
        matches!(&opened[..], [Order::Open(path, Side::A)] if *path == model),
        "{opened:?}"
    );
    let learned = orders(&mut window, &points);
    let [Order::To(Side::A, Command::Configure { experiment, .. })] = &learned[..] else {
        panic!("{learned:?}");
    };
    assert_eq!(experiment.data, DataSource::Csv(points));
    assert!(orders(&mut window, &picture).is_empty());
    assert!(
        common::find(&window, &picture.display().to_string()).is_some(),
        "it is told"
    );
}
