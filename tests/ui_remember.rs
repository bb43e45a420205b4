//! The lab opens as it was left: theme, chapter, size of type, and the last experiment.

mod common;

use std::path::Path;

use eframe::App as _;
use egui::{Key, Modifiers};
use egui_kittest::Harness;

use common::{Driven, click, small, window};
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::engine::EngineChoice;
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::memory::Memory;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::shell::lessons::Lesson;
use noise_compass::ui::shell::remember::Remember;
use noise_compass::ui::shell::window as frame;

type Window = Harness<'static, LabApp>;

/// A start of the lab, as the program makes one: what was asked for on the command line, and the file. The system is dark.
fn start(file: &Path, asked: Option<Experiment>) -> Window {
    let (remember, wrong) = Remember::open(file.to_owned());
    assert_eq!(wrong, None);
    let (setup, told) = remember.memory().first_setup(asked).unwrap();
    assert_eq!(told, None);
    let lab = Driven::new(Experiment::clone(&setup.experiment), EngineChoice::Cpu);
    let mut window = window(lab, Chapter::Training, false);
    let ctx = window.ctx.clone();
    frame::keep_fitting(&ctx);
    window.state_mut().open_as_left(&ctx, remember);
    window.run_steps(4);
    window
}

fn left(file: &Path) -> Memory {
    Remember::open(file.to_owned()).0.memory().clone()
}

#[test]
fn the_lab_opens_as_it_was_left() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("noise-compass").join("lab.json");
    let mut first = start(&file, Some(small()));
    assert!(file.exists(), "a lab that is killed leaves something too");
    assert_eq!(
        left(&file).light,
        None,
        "nobody chose a theme: the system's is followed"
    );
    click(&mut first, "Light theme");
    click(&mut first, "Score field");
    click(&mut first, "Data: Figure-8");
    click(&mut first, "Two moons");
    first.key_press_modifiers(Modifiers::NONE, Key::Escape);
    first.run_steps(2);
    first.key_press_modifiers(Modifiers::COMMAND, Key::Minus);
    first.run_steps(4);
    first.state_mut().on_exit();
    drop(first);
    let moons = Experiment {
        data: DataSource::Shape(Shape::Moons),
        ..small()
    };
    let memory = left(&file);
    assert_eq!(memory.light, Some(true));
    assert_eq!(memory.chapter.as_deref(), Some("score"));
    assert_eq!(memory.type_size, Some(0.9));
    assert_eq!(memory.experiment.as_ref(), Some(&moons));
    assert_eq!(
        memory.window.map(|window| window.size),
        Some([1280.0, 800.0])
    );
    let mut second = start(&file, None);
    let app = second.state();
    assert!(app.desk.light);
    assert_eq!(app.chapter(), Chapter::ScoreField);
    assert_eq!(*app.desk.here.snapshot.experiment, moons);
    assert!((second.ctx.zoom_factor() - 0.9).abs() < 1e-6);
    assert_eq!(second.ctx.theme(), egui::Theme::Light);
    // And so does the one after it, of which nothing was changed.
    second.state_mut().on_exit();
    assert_eq!(left(&file), memory);
}

/// What the command line says of an experiment is the whole of it; the looks are as they were left.
#[test]
fn an_experiment_that_is_asked_for_wins_and_is_the_last_one_then() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lab.json");
    let mut first = start(&file, Some(small()));
    click(&mut first, "Reverse");
    first.state_mut().on_exit();
    drop(first);
    let asked = Experiment {
        schedule: Schedule::Cosine,
        seed: 3,
        ..small()
    };
    let mut second = start(&file, Some(asked.clone()));
    assert_eq!(*second.state().desk.here.snapshot.experiment, asked);
    assert_eq!(second.state().chapter(), Chapter::Reverse);
    second.state_mut().on_exit();
    assert_eq!(left(&file).experiment, Some(asked));
}

/// A lesson's experiments are nobody's own. Who leaves its text and goes on with them has made them theirs.
#[test]
fn the_experiment_from_before_a_lesson_is_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lab.json");
    let own = Experiment {
        data: DataSource::Shape(Shape::Moons),
        ..small()
    };
    let mut first = start(&file, Some(own.clone()));
    let lesson = Lesson::ALL
        .into_iter()
        .find(|lesson| lesson.experiments(&own)[0] != own)
        .unwrap();
    first.state_mut().begin_lesson(lesson);
    first.run_steps(6);
    let taught = Experiment::clone(&first.state().desk.here.snapshot.experiment);
    assert_ne!(taught, own);
    first.state_mut().on_exit();
    assert_eq!(left(&file).experiment, Some(own));
    click(&mut first, "Leave the lesson");
    first.run_steps(2);
    first.state_mut().on_exit();
    assert_eq!(left(&file).experiment, Some(taught));
}

/// The directory is gone: it is told once, and the lab goes on.
#[test]
fn what_cannot_be_written_is_told_once() {
    let directory = tempfile::tempdir().unwrap();
    let blocked = directory.path().join("file");
    std::fs::write(&blocked, "no directory").unwrap();
    let (remember, _) = Remember::open(blocked.join("lab.json"));
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let mut window = window(lab, Chapter::Training, false);
    let ctx = window.ctx.clone();
    window.state_mut().open_as_left(&ctx, remember);
    window.run_steps(3);
    assert!(common::find(&window, "how the lab looks is not remembered").is_some());
    click(&mut window, "Light theme");
    window.state_mut().on_exit();
}
