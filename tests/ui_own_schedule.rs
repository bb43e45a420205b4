//! A noise schedule from a file in the window: dropped, opened by the menu, drawn on by its handles.

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use common::{Driven, Still, card, click, drop_on, find, small, window};
use egui::{Key, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::engine::EngineChoice;
use noise_compass::lab::message::{Command, Order, Restart, Side};
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::shell::app::LabApp;

type Window = Harness<'static, LabApp>;

/// Seventeen handles from 8 down by whole numbers, as a file and as what it must be.
fn seventeen(directory: &Path) -> (PathBuf, LogSnr) {
    let mut text = "t,log_snr\n".to_owned();
    let mut handles = [0.0; 17];
    for (i, handle) in handles.iter_mut().enumerate() {
        *handle = 8.0 - i as f64;
        writeln!(text, "{},{handle}", i as f64 / 16.0).unwrap();
    }
    let path = directory.join("mine.csv");
    std::fs::write(&path, text).unwrap();
    (path, LogSnr::new(handles))
}

fn configured(orders: Vec<Order>) -> Vec<(Side, Schedule, Restart)> {
    let of = |order| match order {
        Order::To(
            side,
            Command::Configure {
                experiment,
                restart,
            },
        ) => Some((side, experiment.schedule, restart)),
        _ => None,
    };
    orders.into_iter().filter_map(of).collect()
}

#[test]
fn a_dropped_schedule_is_trained_by_and_its_handles_are_dragged_and_moved_by_keys() {
    let directory = tempfile::tempdir().unwrap();
    let (path, own) = seventeen(directory.path());
    let lab = Still::new(small(), card(), 0);
    let mut window = window(lab.clone(), Chapter::Schedules, false);
    click(&mut window, "Right schedule: Yours");
    assert!(window.query_by_label("Handle 6 of log SNR").is_none());
    lab.orders();
    drop_on(&mut window, &path);
    let now = (Side::A, Schedule::Custom(own), Restart::Keep);
    assert_eq!(configured(lab.orders()), [now]);
    drop_on(&mut window, &path);
    assert_eq!(configured(lab.orders()), [], "it is that already");

    let centers: Vec<_> = (1..=17)
        .map(|i| {
            window
                .get_by_label(&format!("Handle {i} of log SNR"))
                .rect()
        })
        .collect();
    assert!(window.query_by_label("Handle 18 of log SNR").is_none());
    for pair in centers.windows(2) {
        assert!(pair[0].right() <= pair[1].left() + 0.01, "{pair:?}");
    }
    common::compare(&mut window, "schedules_seventeen_dark");
    // Half of the way to its neighbour: 25.2 units fill the frame.
    let frame = window.get_by_label("log SNR against t").rect();
    let way = vec2(0.0, frame.height() * 0.5 / 25.2);
    let at = centers[8].center();
    window.drag_at(at);
    window.run_steps(1);
    window.hover_at(at + 0.5 * way);
    window.run_steps(1);
    window.hover_at(at + way);
    window.run_steps(1);
    window.drop_at(at + way);
    window.run_steps(3);
    let moved = window.state().desk.here.own_schedule;
    assert!((moved.handles()[8] + 0.5).abs() < 0.02, "{moved}");
    let last = configured(lab.orders()).pop().unwrap();
    assert_eq!(last.1, Schedule::Custom(moved), "the training follows");
    window.get_by_label("Handle 17 of log SNR").focus();
    window.run_steps(1);
    window.key_press(Key::ArrowDown);
    window.run_steps(3);
    let own = window.state().desk.here.own_schedule;
    assert_eq!(own, moved.moved(16, -8.25));
    assert_eq!(own.handles()[16], -8.25);
}

/// In a split lab it is the schedule of the side whose settings are on show, and costs what another one costs.
#[test]
fn a_dropped_schedule_is_chosen_like_any_other() {
    let directory = tempfile::tempdir().unwrap();
    let (path, own) = seventeen(directory.path());
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let mut window = window(lab.clone(), Chapter::Training, false);
    click(&mut window, "Split A | B");
    click(&mut window, "Experiment: B");
    lab.asked();
    click(&mut window, "Schedule: Cosine");
    let by_hand = configured(lab.asked());
    drop_on(&mut window, &path);
    let dropped = configured(lab.asked());
    let [(side, _, restart)] = by_hand[..] else {
        panic!("{by_hand:?}")
    };
    assert_eq!((side, restart), (Side::B, Restart::Anew));
    assert_eq!(dropped, [(side, Schedule::Custom(own), restart)]);
    click(&mut window, "Schedule: Cosine");
    click(&mut window, "Schedule: Yours");
    let back = configured(lab.asked()).pop();
    assert_eq!(back.unwrap().1, Schedule::Custom(own), "it is kept");
}

#[test]
fn what_is_wrong_with_a_dropped_schedule_is_told_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rising.csv");
    let lab = Still::new(small(), card(), 0);
    let mut window = window(lab.clone(), Chapter::Training, false);
    std::fs::write(&path, "t,log_snr\n0,9\n0.5,10\n1,-9\n").unwrap();
    drop_on(&mut window, &path);
    let told = format!(
        "{} line 3: log SNR 10 is not below the 9 of the row before; let it fall from row to row",
        path.display()
    );
    assert!(find(&window, &told).is_some(), "it is not told");
    assert_eq!(configured(lab.orders()), []);
}

/// By the menu, and how far off the handles are is told.
#[test]
fn a_schedule_is_opened_by_the_menu_and_what_it_loses_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cliff.csv");
    let cliff = "t,log_snr\n0,12\n0.1,10.5\n0.2,9\n0.28,8\n0.281,-8\n0.4,-9\n0.7,-10.5\n1,-12\n";
    std::fs::write(&path, cliff).unwrap();
    let lab = Still::new(small(), card(), 0);
    let mut window = window(lab.clone(), Chapter::Training, false);
    click(&mut window, "File: File");
    window.get_by_label("Schedule to open").focus();
    window.run_steps(1);
    let typed = path.display().to_string();
    window.get_by_label("Schedule to open").type_text(&typed);
    window.run_steps(2);
    click(&mut window, "Open schedule");
    window.run_steps(2);
    let chosen = configured(lab.orders());
    let [(Side::A, Schedule::Custom(own), Restart::Keep)] = chosen[..] else {
        panic!("{chosen:?}")
    };
    assert_eq!((own.handles().len(), own.handles()[0]), (17, 12.0));
    let told = "cliff.csv: a schedule has at most 17 handles";
    assert!(find(&window, told).is_some(), "it is not told");
}

/// A menu that is higher than the window is scrolled to its last button.
#[test]
fn all_of_the_menu_is_reached_in_a_low_window() {
    let mut window = window(Still::new(small(), card(), 0), Chapter::Training, false);
    window.set_size(vec2(900.0, 420.0));
    window.run_steps(3);
    click(&mut window, "File: File");
    let bottom = |window: &Window| window.get_by_label("Save picture").rect().bottom();
    assert!(bottom(&window) > 420.0, "it is long");
    window.get_by_label("Save picture").scroll_to_me();
    window.run_steps(60);
    assert!(bottom(&window) < 420.0, "{}", bottom(&window));
}
