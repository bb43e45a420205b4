//! Every chapter in windows of the usual sizes and scales: nothing is cut, no number is written over another, and no button lies on
//! another.

mod common;

use std::sync::Arc;

use egui::{Rect, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use common::{Driven, Still, card, compare, painted, window};
use noise_compass::engine::{Cloud, EngineChoice};
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::{Command, LossCurve, Order, PictureOf};
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle as _;
use noise_compass::ui::shell::app::LabApp;

/// Windows in pixels, and the scale of their screens.
const SCREENS: [([f32; 2], f32); 6] = [
    ([960.0, 600.0], 1.0),
    ([1280.0, 720.0], 1.0),
    ([1366.0, 768.0], 1.0),
    ([2560.0, 1440.0], 1.0),
    ([1920.0, 1080.0], 1.5),
    ([2560.0, 1400.0], 2.0),
];
/// The least that everything has room in, in points: in a smaller window everything is drawn smaller.
const LEAST: Vec2 = vec2(1180.0, 700.0);

/// What a window of a screen has room for, in points, and the pixels of a point.
fn fitted(([width, height], scale): ([f32; 2], f32)) -> (Vec2, f32) {
    let points = vec2(width, height) / scale;
    let zoom = (points / LEAST).min_elem().min(1.0);
    (points / zoom, scale * zoom)
}

/// Another scale holds from the next frame on; the size is given after it.
fn fit(window: &mut Harness<'_, LabApp>, size: Vec2, pixels: f32) {
    window.set_pixels_per_point(pixels);
    window.run_steps(2);
    window.set_size(size);
    window.run_steps(6);
}

fn lab() -> Driven {
    let lab = Driven::new(
        Experiment {
            width: 32,
            depth: 1,
            batch: 32,
            points: 512,
            ..Experiment::default()
        },
        EngineChoice::Cpu,
    );
    lab.train_until(1200);
    lab.send(Command::Play.into());
    lab
}

/// Two thousand updates after its beginning, with samples and losses, and with nothing that moves.
fn still() -> Still {
    let lab = Still::new(Experiment::default(), card(), 2000);
    {
        let mut snapshot = lab.snapshot();
        let smooth: Vec<_> = (1..=2000)
            .map(|step| (step, 0.25 + 0.75 * (-(step as f32) / 300.0).exp()))
            .collect();
        let raw = smooth
            .iter()
            .map(|&(step, loss)| (step, loss * (1.0 + 0.2 * (step as f32 * 1.7).sin())));
        snapshot.curve = Arc::new(LossCurve {
            raw: raw.collect(),
            smooth,
        });
        let samples = snapshot.dataset.mixture.draw(2048, 9);
        snapshot.samples = Some(Cloud::Host(Arc::new(samples)));
        snapshot.samples_of = Some(PictureOf {
            oldest: 1990,
            newest: 2000,
        });
        snapshot.samples_version = 1;
        snapshot.trained_secs = 83.0;
    }
    lab
}

fn is_number(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || "−.,\u{2009} e%".contains(c))
}

/// Numbers that are seen do not lie on one another: those of axes, read-outs and tables.
fn numbers_stand_apart(window: &Harness<'_, LabApp>, of: &str) {
    let numbers: Vec<_> = painted(window)
        .into_iter()
        .filter(|painted| !painted.is_turned && is_number(&painted.text))
        .filter(|painted| painted.clip.contains(painted.rect.center()))
        .map(|painted| (painted.text, painted.rect))
        .collect();
    for (index, (text, rect)) in numbers.iter().enumerate() {
        for (other, place) in &numbers[index + 1..] {
            // Digits have room above and below.
            let both = rect
                .shrink2(vec2(0.5, 3.0))
                .intersect(place.shrink2(vec2(0.5, 3.0)));
            assert!(
                !both.is_positive(),
                "{of}: {text} at {rect:?} and {other} at {place:?}"
            );
        }
    }
}

/// The controls of the lower bars. What is scrolled out of the panel lies beneath them and is not seen.
const LOWER: [&str; 5] = [
    "Play the clock",
    "Time",
    "Train",
    "One step",
    "Reset training",
];

/// The bars lie whole in the window, and no button of theirs on another.
fn bars_are_whole(window: &Harness<'_, LabApp>, size: Vec2, of: &str) {
    let inside = Rect::from_min_size(egui::Pos2::ZERO, size);
    let buttons: Vec<_> = window
        .query_all_by(|node| {
            use egui::accesskit::Role;
            matches!(node.role(), Role::Button | Role::Slider | Role::RadioButton)
        })
        .map(|node| {
            let name = node.accesskit_node().label().unwrap_or_default();
            (name, node.rect())
        })
        .filter(|(name, rect)| rect.top() < 84.0 || LOWER.contains(&name.as_str()))
        .collect();
    assert!(buttons.len() > 8, "{of}: {}", buttons.len());
    for (index, (name, rect)) in buttons.iter().enumerate() {
        assert!(inside.contains_rect(*rect), "{of}: {name} at {rect:?}");
        for (other, place) in &buttons[index + 1..] {
            let both = rect.shrink(1.0).intersect(place.shrink(1.0));
            let within = rect.contains_rect(*place) || place.contains_rect(*rect);
            assert!(
                !both.is_positive() || within,
                "{of}: {name} {rect:?} and {other} {place:?}"
            );
        }
    }
}

#[test]
fn nothing_is_cut_and_no_number_lies_on_another() {
    for chapter in Chapter::ALL {
        for split in [false, true] {
            let lab = lab();
            if split {
                lab.send(Order::Equalise);
            }
            let mut window = window(lab, chapter, false);
            for screen in SCREENS {
                let (size, pixels) = fitted(screen);
                fit(&mut window, size, pixels);
                let of = format!("{chapter:?}, split {split}, {screen:?}");
                bars_are_whole(&window, size, &of);
                numbers_stand_apart(&window, &of);
            }
        }
    }
}

#[test]
fn the_first_screen_looks_as_it_did_at_every_size_in_both_themes() {
    let mut results = egui_kittest::SnapshotResults::new();
    for light in [false, true] {
        let mut window = window(still(), Chapter::Training, light);
        for screen in SCREENS {
            let (size, pixels) = fitted(screen);
            fit(&mut window, size, pixels);
            let ([width, height], scale) = screen;
            let theme = if light { "light" } else { "dark" };
            compare(
                &mut window,
                &format!("size_{width}x{height}_at_{scale}_{theme}"),
            );
        }
        results.extend_harness(&mut window);
    }
}
