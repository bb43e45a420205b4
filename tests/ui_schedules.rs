//! The chapters Schedules and Forward and the saved picture: driven by their controls' names, against known answers.

mod common;

use std::sync::Arc;
use std::time::Duration;

use egui::accesskit::Role;
use egui::{Pos2, pos2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, SnapshotOptions};

use common::{DEVICE, Still, card, settle, window};
use noise_compass::data::dataset::Dataset;
use noise_compass::data::mixture::{Component, Mixture};
use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::engine::gpu::GpuContext;
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::Side;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::theme;

/// A paused lab before its first step.
fn still() -> Still {
    Still::new(Experiment::default(), card(), 0)
}

type Window = Harness<'static, LabApp>;

fn click(window: &mut Window, name: &str) {
    window.get_by_label(name).click();
    settle(window);
}

fn drag(window: &mut Window, from: Pos2, to: Pos2) {
    window.drag_at(from);
    window.run_steps(1);
    // On the way, so that the hand is seen to move.
    window.hover_at(from + 0.5 * (to - from));
    window.run_steps(1);
    window.hover_at(to);
    window.run_steps(1);
    window.drop_at(to);
    settle(window);
}

fn set(window: &mut Window, name: &str, value: f64) {
    window
        .get_by_role_and_label(Role::Slider, name)
        .set_value_accesskit(value);
    settle(window);
}

/// Compare with the stored picture, on the adapter that it belongs to.
fn compare(window: &mut Window, name: &str) {
    if DEVICE.adapter.get_info().name.starts_with("llvmpipe") {
        window.snapshot_options(
            name,
            &SnapshotOptions::new().threshold(1.2).max_failed_pixels(200),
        );
    } else {
        window.render().unwrap();
    }
}

// ---- schedules ------------------------------------------------------------------------------------------------------

/// The published values at t/T = 0.20, then one marker dragged along all curves.
#[test]
fn both_schedules_are_read_out_and_a_drag_in_any_curve_moves_the_clock() {
    let mut window = window(still(), Chapter::Schedules, true);
    window.get_by_label("A ᾱ at t 0.658");
    window.get_by_label("B ᾱ at t 0.899");
    // ln 0.6584/0.3416 and ln 0.8987/0.1013 by hand.
    window.get_by_label("A log SNR at t 0.66");
    window.get_by_label("B log SNR at t 2.18");
    for (name, tau) in [
        ("ᾱ against t", 0.5),
        ("Noise of one step against t", 0.75),
        ("log SNR against t", 0.2),
    ] {
        let frame = window.get_by_label(name).rect();
        let now = window.state().desk.here.clock.tau;
        // The marker is taken away from the curves' ends, at a height where there is nothing else.
        let at = |tau: f64| {
            pos2(
                frame.left() + frame.width() * tau as f32,
                frame.bottom() - 6.0,
            )
        };
        drag(&mut window, at(now), at(tau));
        assert!(
            (window.state().desk.here.clock.tau - tau).abs() < 2e-3,
            "{name}: {}",
            window.state().desk.here.clock.tau
        );
    }
    set(&mut window, "Time", 0.5);
    window.get_by_label(&format!(
        "A ᾱ at t {:.3}",
        (-(0.05 + 9.95 * 0.25_f64)).exp()
    ));
}

/// β of the linear path at t = T/2 for T = 10: 1 − ᾱ(0.5)/ᾱ(0.4), with ln ᾱ(τ) = −(0.1 τ + 9.95 τ²).
#[test]
fn beta_grows_as_timesteps_get_fewer_and_alpha_bar_does_not_move() {
    let mut window = window(still(), Chapter::Schedules, false);
    set(&mut window, "Time", 0.5);
    let alpha_bar = format!("A ᾱ at t {:.3}", (-(0.05 + 9.95 * 0.25_f64)).exp());
    window.get_by_label(&alpha_bar);
    set(&mut window, "Timesteps T", 10.0);
    window.get_by_label(&alpha_bar);
    let beta = 1.0 - (-(0.1 * 0.1 + 9.95 * (0.25 - 0.16_f64))).exp();
    window.get_by_label(&format!("A β at t {beta:.4}"));
}

#[test]
fn a_short_literal_table_is_warned_of_with_its_number() {
    let lab = still();
    let mut window = window(lab.clone(), Chapter::Schedules, true);
    click(&mut window, "Left schedule: Literal");
    // Π (1 − β) over the first 200 of the table's 1000.
    window.get_by_label("A ᾱ at t 0.659");
    assert!(window.query_by_label_contains("signal is left").is_none());
    set(&mut window, "Timesteps T", 250.0);
    let product: f64 = (0..250)
        .map(|i| 1.0 - (1e-4 + 0.0199 * f64::from(i) / 249.0))
        .product();
    assert!((product - 0.0797).abs() < 5e-4);
    window.get_by_label(&format!(
        "Left: ᾱ at T is {product:.3}: signal is left, but samplers start from pure noise"
    ));
    compare(&mut window, "schedules_literal_light");
    click(&mut window, "Train with left");
    let asked = lab.configured();
    let [experiment] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!(
        (experiment.schedule, experiment.timesteps),
        (Schedule::Literal, 250)
    );
}

#[test]
fn handles_are_dragged_stop_at_their_neighbours_and_are_trained_by() {
    let lab = still();
    let mut window = window(lab.clone(), Chapter::Schedules, false);
    click(&mut window, "Right schedule: Yours");
    let start = LogSnr::default();
    assert_eq!(window.state().desk.here.own_schedule, start);
    let frame = window.get_by_label("log SNR against t").rect();
    let units = 25.2 / frame.height();
    let at = window.get_by_label("Handle 2 of log SNR").rect().center();
    drag(&mut window, at, at + vec2(0.0, 20.0));
    let moved = window.state().desk.here.own_schedule;
    let wanted = start.handles()[1] - f64::from(20.0 * units);
    assert!(
        (moved.handles()[1] - wanted).abs() < 0.02,
        "{} and not {wanted}",
        moved.handles()[1]
    );
    assert_eq!(window.state().desk.here.clock.tau, 0.2, "the clock stays");
    // Far above its neighbour it stops.
    let at = window.get_by_label("Handle 3 of log SNR").rect().center();
    drag(&mut window, at, pos2(at.x, frame.top()));
    let moved = window.state().desk.here.own_schedule;
    assert_eq!(moved.handles()[2], moved.handles()[1] - 0.25);
    assert!(lab.configured().is_empty(), "nothing is trained by it yet");
    compare(&mut window, "schedules_own_dark");

    click(&mut window, "Train with right");
    assert_eq!(lab.configured()[0].schedule, Schedule::Custom(moved));
    let at = window.get_by_label("Handle 5 of log SNR").rect().center();
    drag(&mut window, at, at - vec2(0.0, 30.0));
    let asked = lab.configured();
    assert_eq!(
        asked.last().unwrap().schedule,
        Schedule::Custom(window.state().desk.here.own_schedule)
    );
    assert!(
        window.state().desk.here.own_schedule.handles()[4] > -9.0,
        "the training follows the hand"
    );
}

#[test]
fn literal_and_own_schedules_are_among_the_menus_of_every_chapter() {
    let lab = still();
    let mut window = window(lab.clone(), Chapter::Forward, false);
    click(&mut window, "Schedule: Literal");
    assert!(lab.configured().is_empty(), "it is looked at");
    window.get_by_label("ᾱ, signal variance 0.6590");
    click(&mut window, "Schedule: Yours");
    click(&mut window, "Train with this");
    assert_eq!(
        lab.configured()[0].schedule,
        Schedule::Custom(LogSnr::default())
    );
    // ln SNR of the straight line at 0.2: 9 − 18 · 0.2.
    window.get_by_label("log SNR 5.40");
}

// ---- forward --------------------------------------------------------------------------------------------------------

#[test]
fn without_shrinking_the_variance_grows_by_the_sum_of_the_betas() {
    let mut window = window(still(), Chapter::Forward, true);
    click(&mut window, "Way: No shrinking");
    set(&mut window, "Time", 1.0);
    let log_alpha_bar =
        |t: u32| -(0.1 * f64::from(t) / 1000.0 + 9.95 * (f64::from(t) / 1000.0).powi(2));
    let sum: f64 = (1..=1000)
        .map(|t| 1.0 - (log_alpha_bar(t) - log_alpha_bar(t - 1)).exp())
        .sum();
    window.get_by_label("variance, shrinking 1.000");
    window.get_by_label(&format!("variance, noise only added {:.3}", 1.0 + sum));
    // The particles themselves, within five standard errors of a variance over 4000 particles and two axes.
    let measured: Vec<f64> = window
        .query_all_by_label_contains("of the particles")
        .map(|node| {
            node.accesskit_node()
                .value()
                .unwrap()
                .rsplit(' ')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    let [shrinking, growing] = measured[..] else {
        panic!("{measured:?}")
    };
    assert!(
        (shrinking - 1.0).abs() < 5.0 * 2.0_f64.sqrt() / 8000.0_f64.sqrt(),
        "{shrinking}"
    );
    let growth = growing / (1.0 + sum) - 1.0;
    assert!(
        growth.abs() < 5.0 * 2.0_f64.sqrt() / 8000.0_f64.sqrt(),
        "{growing}"
    );
    compare(&mut window, "forward_growing_light");
}

/// h = ln(2πe v²) with v² = a² σ² + s², at t/T = 0.5, where the curve has a point.
#[test]
fn the_entropy_of_a_gaussian_is_the_textbook_one() {
    let lab = still();
    {
        let mut snapshot = lab.snapshot();
        let mixture = Mixture::new(vec![Component {
            mean: [0.0; 2],
            sigma: 0.5,
            weight: 1.0,
        }])
        .unwrap();
        let mut dataset = Dataset::clone(&snapshot.dataset);
        dataset.mixture = Arc::new(mixture);
        snapshot.dataset = Arc::new(dataset);
    }
    let mut window = window(lab, Chapter::Forward, false);
    set(&mut window, "Time", 0.5);
    let alpha_bar = (-(0.05 + 9.95 * 0.25_f64)).exp();
    let variance = 0.25 * alpha_bar + 1.0 - alpha_bar;
    let known = (std::f64::consts::TAU * std::f64::consts::E * variance).ln();
    window.get_by_label(&format!("entropy {known:.3}"));
    click(&mut window, "Schedule: Flow");
    let known = (std::f64::consts::TAU * std::f64::consts::E * (0.25 * 0.25 + 0.25_f64)).ln();
    window.get_by_label(&format!("entropy {known:.3}"));
}

#[test]
fn the_chain_goes_step_by_step_and_a_click_takes_another_particles_trail() {
    let mut window = window(still(), Chapter::Forward, false);
    click(&mut window, "Way: Chain");
    window.get_by_label("step t 200 of 1\u{2009}000");
    click(&mut window, "Step forward");
    window.get_by_label("step t 201 of 1\u{2009}000");
    click(&mut window, "Step back");
    click(&mut window, "Step back");
    window.get_by_label("step t 199 of 1\u{2009}000");
    compare(&mut window, "forward_chain_dark");
    let canvas = window.get_by_label("Forward canvas").rect();
    let pictures = [
        pos2(canvas.left() + 4.0, canvas.top() + 60.0),
        canvas.center(),
    ]
    .map(|at| {
        window.hover_at(at);
        window.drag_at(at);
        window.drop_at(at);
        settle(&mut window);
        window.hover_at(pos2(5.0, 5.0));
        settle(&mut window);
        window.render().unwrap()
    });
    assert!(
        pictures[0] != pictures[1],
        "no trail far from all particles, one in their midst"
    );
}

// ---- pictures -------------------------------------------------------------------------------------------------------

#[test]
fn the_chapter_is_saved_as_a_light_picture_of_the_wanted_size() {
    let mut window = window(still(), Chapter::Schedules, false);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("schedules.png");
    let device = (*DEVICE).clone();
    let app = window.state_mut();
    app.painter = Some(GpuContext::new(
        &device.adapter,
        device.device,
        device.queue,
    ));
    app.desk.files.picture = path.display().to_string();
    app.desk.files.picture_size = [1600, 1000];
    app.desk.files.picture_window = true;
    click(&mut window, "File: File");
    click(&mut window, "Save picture");
    let told = format!("picture saved in {}", path.display());
    for _ in 0..2000 {
        if window.query_by_label(&told).is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        window.run_steps(1);
        assert!(!window.state().desk.light, "the window keeps its theme");
    }
    let image = image::open(&path).unwrap().to_rgba8();
    assert_eq!(image.dimensions(), (1600, 1000));
    let panel = theme::palette(true, Side::A).panel;
    assert_eq!(image.get_pixel(2, 2).0, panel.to_array());
    // Points of both clouds are there, in both colours.
    for color in [
        theme::palette(true, Side::A).learned,
        theme::palette(true, Side::A).other,
    ] {
        let near = |pixel: &image::Rgba<u8>| (0..3).all(|c| pixel[c].abs_diff(color[c]) < 60);
        let count = image
            .enumerate_pixels()
            .filter(|(x, y, p)| (200..1250).contains(x) && *y < 500 && near(p))
            .count();
        assert!(count > 2000, "{count} pixels");
    }

    window.state_mut().desk.files.picture = "/nowhere/at/all.png".into();
    click(&mut window, "File: File");
    click(&mut window, "Save picture");
    for _ in 0..2000 {
        if window
            .query_by_label_contains("cannot write /nowhere/at/all.png")
            .is_some()
        {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
        window.run_steps(1);
    }
    panic!("a picture that cannot be written must be told of");
}

/// A file of somebody else's in the way of a picture: the menu asks, and does what it is told.
#[test]
fn a_picture_replaces_a_file_of_somebody_elses_only_after_a_question() {
    let mut window = window(still(), Chapter::Schedules, false);
    // All of the menu is in sight.
    window.set_size(vec2(1280.0, 1200.0));
    window.run_steps(2);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    let device = (*DEVICE).clone();
    let app = window.state_mut();
    app.painter = Some(GpuContext::new(
        &device.adapter,
        device.device,
        device.queue,
    ));
    app.desk.files.picture_size = [640, 400];
    app.desk.files.picture = path.display().to_string();
    let question = format!(
        "{} is there already and is no picture of this lab.",
        path.display()
    );
    let read = || std::fs::read(&path).unwrap();

    // While nothing is there, or an empty file, nothing is asked.
    std::fs::write(&path, "years of work").unwrap();
    click(&mut window, "File: File");
    assert!(window.query_by_label("Replace it").is_none());
    for _ in 0..2 {
        click(&mut window, "Save picture");
        window.get_by_label(&question);
        assert!(window.state().desk.files.picture_order.is_none());
        click(&mut window, "Keep it");
        window.run_steps(2);
        assert!(
            window.query_by_label(&question).is_none(),
            "the question is answered"
        );
        assert_eq!(read(), b"years of work");
    }
    click(&mut window, "Save picture");
    window.state_mut().desk.files.picture =
        directory.path().join("other.png").display().to_string();
    window.run_steps(2);
    assert!(
        window.query_by_label("Replace it").is_none(),
        "another name is another question"
    );
    window.state_mut().desk.files.picture = path.display().to_string();
    click(&mut window, "Save picture");
    click(&mut window, "Replace it");
    let told = format!("picture saved in {}", path.display());
    wait_for_label(&mut window, &told);
    assert_eq!(
        image::load_from_memory(&read())
            .unwrap()
            .to_rgba8()
            .dimensions(),
        (640, 400)
    );

    // Its own picture is replaced without a question, and a path that is not whole is told as a whole one.
    let began = std::fs::metadata(&path).unwrap().modified().unwrap();
    window.state_mut().desk.files.picture_size = [700, 400];
    click(&mut window, "File: File");
    click(&mut window, "Save picture");
    assert!(window.query_by_label("Replace it").is_none());
    for _ in 0..2000 {
        if std::fs::metadata(&path).unwrap().modified().unwrap() > began {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        window.run_steps(1);
    }
    assert_eq!(
        image::load_from_memory(&read())
            .unwrap()
            .to_rgba8()
            .dimensions(),
        (700, 400)
    );
    window.state_mut().desk.files.picture = "no-such-directory/a.png".into();
    click(&mut window, "File: File");
    click(&mut window, "Save picture");
    let whole = std::path::absolute("no-such-directory/a.png").unwrap();
    wait_for_label(&mut window, &format!("cannot write {}", whole.display()));
}

fn wait_for_label(window: &mut Harness<'static, LabApp>, text: &str) {
    for _ in 0..2000 {
        if window.query_by_label_contains(text).is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
        window.run_steps(1);
    }
    panic!("nobody is told: {text}");
}
