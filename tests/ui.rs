//! The window: every chapter is drawn, its controls are driven by their accessible names, and what they ask for is checked.
//!
//! One device serves all tests. The pictures in `tests/snapshots` belong to the software adapter lavapipe; on another
//! adapter they are drawn but not compared, and the test says so.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use egui::accesskit::Role;
use egui::{Key, Pos2, ViewportId, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use common::{card, compare, window};
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::{
    Cloud, Denoiser, Engine as _, EngineChoice, Frames, LOSS_BINS, ModelState, Run,
};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::follow::Follow;
use noise_compass::lab::message::{
    Command, DensityField, LossCurve, Notice, Order, Restart, RunRequest, RunResult, RunState,
    Side, Slot, Snapshot, Snapshots, Status,
};
use noise_compass::lab::setup::Setup;
use noise_compass::lab::worker::Worker;
use noise_compass::ui::canvas::camera::Camera;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::theme;

/// A lab that remembers what it was asked for. It takes over experiments, and has densities from the plain-Rust engine.
struct Recorder {
    snapshot: RefCell<Snapshot>,
    asked: RefCell<Vec<Command>>,
}

#[derive(Clone)]
struct Probe(Rc<Recorder>);

impl LabHandle for Probe {
    fn send(&self, order: Order) {
        let Some(command) = order.command_for(Side::A) else {
            return;
        };
        if let Command::ShowDensity(view) = command {
            let mut snapshot = self.0.snapshot.borrow_mut();
            let scales = view.scales;
            let mixture = snapshot.dataset.mixture.clone();
            let log_p = CpuEngine::new()
                .log_density(&mixture, scales, view.bounds, view.resolution)
                .unwrap();
            snapshot.version += 1;
            snapshot.density = Some(DensityField {
                view,
                log_p: Arc::new(log_p),
                version: snapshot.version,
            });
        }
        // As the worker would: else the controls fall back, after a while, to what runs.
        if let Command::Configure { experiment, .. } = &command {
            self.0.snapshot.borrow_mut().experiment = Arc::new(Experiment::clone(experiment));
        }
        if let Command::Run(slot, request) = &command {
            self.answer_run(*slot, request);
        }
        if let Command::Follow(count) = command {
            self.answer_follow(count);
        }
        self.0.asked.borrow_mut().push(command);
    }

    fn snapshots(&self) -> Snapshots {
        Snapshots::one(Arc::new(self.0.snapshot.borrow().clone()))
    }
}

impl Probe {
    /// A lab in the middle of a training, paused.
    fn new() -> Self {
        let setup = Setup::new(Experiment::default()).unwrap();
        let curve: Vec<_> = (1..=2000)
            .map(|step| (step, 0.25 + 0.75 * (-(step as f32) / 300.0).exp()))
            .collect();
        let wiggle =
            |&(step, loss): &(u64, f32)| (step, loss * (1.0 + 0.2 * (step as f32 * 1.7).sin()));
        let engine = card();
        let mut snapshot = Snapshot::starting(&setup, engine);
        snapshot.step = 2000;
        snapshot.loss = Some(0.2511);
        snapshot.curve = Arc::new(LossCurve {
            raw: curve.iter().map(wiggle).collect(),
            smooth: curve,
        });
        snapshot.timestep_loss = Arc::new(std::array::from_fn(|bin| {
            0.9 * (-(bin as f32) / 18.0).exp()
        }));
        snapshot.trained_secs = 83.0;
        snapshot.samples = Some(Cloud::Host(Arc::new(setup.dataset.mixture.draw(2048, 9))));
        snapshot.samples_version = 1;
        snapshot.version = 1;
        assert_eq!(LOSS_BINS, snapshot.timestep_loss.len());
        Self(Rc::new(Recorder {
            snapshot: RefCell::new(snapshot),
            asked: RefCell::default(),
        }))
    }

    fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.0.snapshot.borrow_mut());
    }

    /// The plain-Rust engine with a model before its first step.
    fn engine(experiment: &Experiment) -> (CpuEngine, Setup) {
        let weights = initial_weights(experiment.shape(), experiment.seed);
        let setup = Setup::new(experiment.clone()).unwrap();
        let mut engine = CpuEngine::new();
        engine
            .load(&setup.spec, &ModelState::fresh(weights))
            .unwrap();
        (engine, setup)
    }

    fn answer_follow(&self, count: u32) {
        let mut snapshot = self.0.snapshot.borrow_mut();
        let (mut engine, setup) = Self::engine(&snapshot.experiment);
        let mut follow = Follow::default();
        follow.want(count);
        follow
            .look(&mut engine, &setup.spec, snapshot.step)
            .unwrap();
        snapshot.version += 1;
        (snapshot.follows, snapshot.followed) = (count, follow.latest().cloned());
    }

    fn answer_run(&self, slot: Slot, request: &Arc<RunRequest>) {
        let mut snapshot = self.0.snapshot.borrow_mut();
        let (mut engine, _) = Self::engine(&snapshot.experiment);
        let denoiser = if request.exact {
            Denoiser::Exact(snapshot.dataset.mixture.clone())
        } else {
            Denoiser::Learned
        };
        let RunRequest {
            plan,
            start,
            seed,
            every,
            ..
        } = &**request;
        let recording = engine
            .run(
                &Run {
                    plan,
                    start,
                    seed: *seed,
                    denoiser: &denoiser,
                    guidance: None,
                    frames: Frames::Every(*every),
                },
                &|_| true,
            )
            .unwrap()
            .unwrap();
        snapshot.version += 1;
        let host = Some(recording.points.to_host().unwrap());
        let result = RunResult {
            request: request.clone(),
            recording,
            host,
            step: 0,
            version: snapshot.version,
            secs: 0.0,
        };
        let state = RunState {
            request: request.clone(),
            progress: None,
            done: Some(Arc::new(result)),
        };
        Arc::make_mut(&mut snapshot.runs).insert(slot, state);
    }

    /// What was asked for since the last call, without what painting itself asks.
    fn asked(&self) -> Vec<Command> {
        let mut asked = std::mem::take(&mut *self.0.asked.borrow_mut());
        asked.retain(|c| {
            !matches!(
                c,
                Command::ShowDensity(_)
                    | Command::Interacting(_)
                    | Command::Hidden(_)
                    | Command::Run(..)
                    | Command::StopRun(_)
            )
        });
        asked
    }

    fn densities_asked(&self) -> usize {
        self.0
            .asked
            .borrow()
            .iter()
            .filter(|c| matches!(c, Command::ShowDensity(_)))
            .count()
    }
}

/// Click a control and let the window answer.
fn click(harness: &mut Harness<'_, LabApp>, name: &str) {
    harness.get_by_label(name).click();
    harness.run_steps(2);
}

fn configured(asked: &[Command]) -> (&Experiment, bool) {
    match asked {
        [
            Command::Configure {
                experiment,
                restart,
            },
        ] => (experiment, *restart == Restart::Anew),
        other => panic!("expected one Configure, got {other:?}"),
    }
}

#[test]
fn the_training_strip_plays_pauses_steps_and_resets() {
    let lab = Probe::new();
    let mut window = window(lab.clone(), Chapter::Training, false);
    lab.asked();
    click(&mut window, "Train");
    assert!(matches!(lab.asked()[..], [Command::Play]));
    lab.change(|s| s.status = Status::Training);
    window.run_steps(2);
    click(&mut window, "Pause training");
    assert!(matches!(lab.asked()[..], [Command::Pause]));
    click(&mut window, "One step");
    assert!(matches!(lab.asked()[..], [Command::StepOnce]));
    click(&mut window, "Reset training");
    assert!(matches!(lab.asked()[..], [Command::Reset]));
    click(&mut window, "Start anew");
    assert!(matches!(lab.asked()[..], [Command::Reset]));
}

#[test]
fn other_data_rates_and_schedules_keep_the_weights() {
    let lab = Probe::new();
    let mut window = window(lab.clone(), Chapter::Training, false);
    lab.asked();
    click(&mut window, "Data set: Figure-8");
    click(&mut window, "Checkerboard");
    let asked = lab.asked();
    let (experiment, restart) = configured(&asked);
    assert_eq!(experiment.data, DataSource::Shape(Shape::Checkerboard));
    assert!(!restart);

    window
        .get_by_role_and_label(Role::Slider, "Learning rate")
        .set_value_accesskit(0.01);
    window.run_steps(2);
    let asked = lab.asked();
    let (experiment, restart) = configured(&asked);
    assert!(
        (experiment.learning_rate - 0.01).abs() < 1e-6 && !restart,
        "{}",
        experiment.learning_rate
    );
    assert_eq!(
        experiment.data,
        DataSource::Shape(Shape::Checkerboard),
        "what was chosen before is kept"
    );

    click(&mut window, "Schedule: Cosine");
    let asked = lab.asked();
    let (experiment, restart) = configured(&asked);
    assert_eq!(experiment.schedule, Schedule::Cosine);
    assert!(!restart);
}

#[test]
fn another_network_asks_before_it_throws_the_weights_away() {
    let lab = Probe::new();
    let mut window = window(lab.clone(), Chapter::Training, false);
    lab.asked();
    click(&mut window, "Width: 64");
    assert!(lab.asked().is_empty(), "nothing happens before a yes");
    click(&mut window, "Keep the old");
    assert!(lab.asked().is_empty());
    click(&mut window, "Width: 64");
    click(&mut window, "Depth: 2");
    window.run_steps(2);
    click(&mut window, "Use it");
    let asked = lab.asked();
    let (experiment, restart) = configured(&asked);
    assert_eq!((experiment.width, experiment.depth), (64, 2));
    assert!(restart);
}

#[test]
fn a_network_that_has_not_learned_yet_changes_at_once() {
    let lab = Probe::new();
    lab.change(|s| s.step = 0);
    let mut window = window(lab.clone(), Chapter::Training, false);
    lab.asked();
    click(&mut window, "Activation: tanh");
    let asked = lab.asked();
    assert_eq!(configured(&asked).0.activation.name(), "tanh");
}

#[test]
fn the_menus_of_the_top_bar_act() {
    let lab = Probe::new();
    let mut window = window(lab.clone(), Chapter::Forward, false);
    lab.asked();
    click(&mut window, "Engine: a card");
    click(&mut window, "CPU: plain Rust");
    assert!(matches!(
        lab.asked()[..],
        [Command::SwitchEngine(EngineChoice::Cpu)]
    ));
    click(&mut window, "File: File");
    click(&mut window, "Save model");
    assert!(
        matches!(&lab.asked()[..], [Command::Save(path)] if path == std::path::Path::new("model"))
    );
    click(&mut window, "Data: Figure-8");
    let field = window.get_by_label("CSV file");
    field.focus();
    field.type_text("my points.csv");
    window.run_steps(2);
    click(&mut window, "Open CSV");
    let asked = lab.asked();
    assert_eq!(
        configured(&asked).0.data,
        DataSource::Csv("my points.csv".into())
    );
}

/// The read-outs at t/T = 0.2 and 0.5 against the closed form of the linear path.
#[test]
fn the_clock_is_driven_by_slider_and_keys_and_its_numbers_are_right() {
    let lab = Probe::new();
    let mut window = window(lab.clone(), Chapter::Forward, false);
    window.get_by_label("ᾱ, signal variance 0.6584");
    window.get_by_label("log SNR 0.66");
    window.get_by_label("Time").set_value_accesskit(0.5);
    window.run_steps(2);
    let alpha_bar = (-(0.1 * 0.5 + 9.95 * 0.25_f64)).exp();
    window.get_by_label(&format!("ᾱ, signal variance {alpha_bar:.4}"));
    window.get_by_label(&format!("a, signal {:.4}", alpha_bar.sqrt()));
    window.get_by_label(&format!("s, noise {:.4}", (1.0 - alpha_bar).sqrt()));
    // In the chapter and in the clock bar.
    let snr = format!("SNR {:.3}", alpha_bar / (1.0 - alpha_bar));
    assert_eq!(window.query_all_by_label(&snr).count(), 2);
    let shown = lab
        .0
        .snapshot
        .borrow()
        .density
        .as_ref()
        .unwrap()
        .view
        .scales;
    assert!((shown.a.powi(2) - alpha_bar).abs() < 1e-9, "{shown:?}");

    window.key_press(Key::ArrowRight);
    window.run_steps(1);
    assert!((window.state().desk.here.clock.tau - 0.51).abs() < 1e-9);
    window.key_press(Key::Space);
    window.run_steps(3);
    assert!(window.state().desk.here.clock.playing && window.state().desk.here.clock.tau > 0.51);
    click(&mut window, "Pause the clock");
    assert!(!window.state().desk.here.clock.playing);
    window.key_press(Key::R);
    window.run_steps(1);
    assert_eq!(window.state().desk.here.clock.tau, 0.0);
    assert!(lab.asked().is_empty(), "the clock is the window's own");
}

#[test]
fn the_keys_of_the_training_chapter_train() {
    let lab = Probe::new();
    let mut window = window(lab.clone(), Chapter::Forward, false);
    window.get_by_role_and_label(Role::Tab, "Training").click();
    window.run_steps(2);
    assert_eq!(window.state().chapter(), Chapter::Training);
    lab.asked();
    window.key_press(Key::Space);
    window.run_steps(1);
    assert!(matches!(lab.asked()[..], [Command::Play]));
    window.key_press(Key::R);
    window.run_steps(1);
    assert!(matches!(lab.asked()[..], [Command::Reset]));
}

#[test]
fn the_canvas_is_panned_zoomed_and_brought_home() {
    let lab = Probe::new();
    let mut window = window(lab.clone(), Chapter::Training, false);
    let densities = lab.densities_asked();
    let home = window.state().desk.here.cameras.get("training").copied();
    assert_eq!(home, None);
    let middle = window.get_by_label("Training canvas").rect().center();
    window.drag_at(middle);
    window.run_steps(1);
    window.hover_at(middle + vec2(60.0, 20.0));
    window.run_steps(1);
    window.drop_at(middle + vec2(60.0, 20.0));
    window.run_steps(2);
    let moved = window.state().desk.here.cameras["training"];
    assert!(
        moved.centre[0] < -0.2 && moved.centre[1] > 0.05,
        "{moved:?}"
    );
    window.hover_at(middle);
    window.run_steps(1);
    window.event(egui::Event::Zoom(2.0));
    window.run_steps(2);
    let closer = window.state().desk.here.cameras["training"];
    assert!(
        (moved.reach / closer.reach - 2.0).abs() < 0.01,
        "{} {}",
        moved.reach,
        closer.reach
    );
    assert!(
        lab.densities_asked() > densities,
        "closer by far: another density"
    );
    click(&mut window, "Reset view");
    assert!(window.state().desk.here.cameras.is_empty());
    assert!(lab.asked().is_empty());
}

/// x_0 = (1, 0.5) must be seen where the axes say, in the learned colour, and nowhere else nearby.
#[test]
fn points_are_painted_where_the_axes_say() {
    let lab = Probe::new();
    lab.change(|s| {
        s.samples = Some(Cloud::Host(Arc::new(vec![[1.0, 0.5]])));
        // Data far outside the view, so that nothing else is near.
        let mut dataset = noise_compass::data::dataset::Dataset::clone(&s.dataset);
        dataset.points = Arc::new(vec![[100.0, 100.0]]);
        s.dataset = Arc::new(dataset);
    });
    let mut window = window(lab.clone(), Chapter::Training, true);
    let canvas = window.get_by_label("Training canvas").rect();
    let home = Camera::fit(
        window.state().desk.here.snapshot.dataset.clip.scaled(1.22),
        canvas,
    );
    let image = window.render().unwrap();
    let learned = theme::palette(true, Side::A).learned;
    let distance = |at: Pos2| {
        let pixel = image.get_pixel(at.x as u32, at.y as u32).0;
        (0..3)
            .map(|c| (i32::from(pixel[c]) - i32::from(learned[c])).abs())
            .sum::<i32>()
    };
    let at = home.to_screen(canvas, [1.0, 0.5]);
    assert!(distance(at) < 60, "at the point: {}", distance(at));
    for away in [
        vec2(6.0, 0.0),
        vec2(0.0, 6.0),
        vec2(-6.0, 0.0),
        vec2(0.0, -6.0),
    ] {
        assert!(
            distance(at + away) > 120,
            "beside the point: {}",
            distance(at + away)
        );
    }
}

#[test]
fn a_fault_is_told_with_its_ways_out() {
    let lab = Probe::new();
    let message = "the loss became not a number at step 812; lower the learning rate";
    lab.change(|s| {
        s.status = Status::Fault {
            message: message.into(),
            can_restore: true,
        }
    });
    let mut window = window(lab.clone(), Chapter::Training, false);
    lab.asked();
    window.get_by_label(message);
    click(&mut window, "Restore last good weights");
    assert!(matches!(lab.asked()[..], [Command::RestoreLastGood]));
    click(&mut window, "Switch to CPU");
    assert!(matches!(
        lab.asked()[..],
        [Command::SwitchEngine(EngineChoice::Cpu)]
    ));
    compare(&mut window, "fault_dark");
}

#[test]
fn a_notice_becomes_a_toast_once() {
    let lab = Probe::new();
    let mut window = window(lab.clone(), Chapter::Training, false);
    let quiet = window.render().unwrap();
    lab.change(|s| {
        s.notices
            .tell(Notice::Info("saved step 2000 in model".into()));
    });
    window.run_steps(3);
    window.get_by_label("saved step 2000 in model");
    assert!(window.render().unwrap() != quiet, "the toast must be seen");
    // Good news stay four seconds; a step is a quarter of a second.
    window.run_steps(18);
    assert!(window.query_by_label("saved step 2000 in model").is_none());
    assert!(
        window.render().unwrap() == quiet,
        "nothing may be left of it"
    );
}

#[test]
fn a_paused_lab_that_nobody_touches_asks_for_no_frame_and_no_density() {
    for chapter in Chapter::ALL {
        let lab = Probe::new();
        let mut window = window(lab.clone(), chapter, false);
        let before = lab.0.asked.borrow().len();
        window.run_steps(5);
        let delay = window.output().viewport_output[&ViewportId::ROOT].repaint_delay;
        assert!(
            delay > Duration::from_mins(1),
            "{}: next frame after {delay:?}",
            chapter.name()
        );
        assert_eq!(lab.0.asked.borrow().len(), before, "{}", chapter.name());
    }
}

/// The real worker behind the window, on the plain-Rust engine: a click trains, another one pauses.
#[test]
fn a_click_trains_the_real_thing() {
    let experiment = Experiment {
        width: 32,
        depth: 1,
        batch: 32,
        points: 256,
        ..Experiment::default()
    };
    let worker = Worker::spawn(experiment, EngineChoice::Cpu, None, None, Box::new(|| ())).unwrap();
    let mut window = window(worker, Chapter::Training, false);
    let wait = |window: &mut Harness<'_, LabApp>, done: &dyn Fn(&Snapshot) -> bool| {
        for _ in 0..600 {
            window.run_steps(1);
            if done(&window.state().desk.here.snapshot) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!(
            "nothing happened: {:?}",
            window.state().desk.here.snapshot.status
        );
    };
    wait(&mut window, &|s| s.engine.adapter != "starting");
    click(&mut window, "Train");
    wait(&mut window, &|s| s.step >= 20 && s.samples.is_some());
    click(&mut window, "Pause training");
    wait(&mut window, &|s| s.status == Status::Paused);
    let step = window.state().desk.here.snapshot.step;
    window.run_steps(3);
    assert_eq!(window.state().desk.here.snapshot.step, step);
}

/// Compare with the stored picture, on the adapter that it belongs to.
#[test]
fn every_chapter_looks_as_it_did_in_both_themes() {
    let mut results = egui_kittest::SnapshotResults::new();
    for chapter in Chapter::ALL {
        for (light, theme) in [(false, "dark"), (true, "light")] {
            let mut window = window(Probe::new(), chapter, light);
            window.run_steps(2);
            compare(&mut window, &format!("{}_{theme}", chapter.name()));
            results.extend_harness(&mut window);
        }
    }
}

/// At the smallest size the window may have, no control lies outside it, and none lies on another bar.
#[test]
fn everything_is_within_reach_at_the_smallest_size() {
    let mut window = window(Probe::new(), Chapter::Training, false);
    window.set_size(vec2(960.0, 600.0));
    window.run_steps(3);
    for name in [
        "Train",
        "Reset training",
        "Time",
        "Engine: a card",
        "File: File",
        "Net: 3 × 128 SiLU",
    ] {
        let rect = window.get_by_label(name).rect();
        assert!(
            rect.min.x >= 0.0 && rect.max.x <= 960.0 && rect.max.y <= 600.0,
            "{name}: {rect:?}"
        );
    }
    let net = window.get_by_label("Net: 3 × 128 SiLU").rect();
    let save = window.get_by_label("File: File").rect();
    assert!(
        net.right() < save.left(),
        "the pills overlap: {net:?} {save:?}"
    );
}
