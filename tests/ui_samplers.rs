//! The chapter Samplers: several samplers from the same noise, what they reach by how many evaluations, and the table to copy.

mod common;

use std::time::{Duration, Instant};

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use common::{Driven, click, find, small, texts, window};
use noise_compass::data::shapes::Shape;
use noise_compass::engine::EngineChoice;
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Command, Order, Side, Slot};
use noise_compass::measure::sliced_wasserstein2;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle as _;
use noise_compass::ui::shell::app::LabApp;

/// Columns of the table that is copied.
const COLUMNS: usize = 10;

fn lab() -> Driven {
    let experiment = Experiment {
        data: DataSource::Shape(Shape::EightGaussians),
        ..small()
    };
    Driven::new(experiment, EngineChoice::Cpu)
}

/// Let the window go on until it says so many sets of so many.
fn measure(window: &mut Harness<'_, LabApp>, all: usize, by: &str) {
    let said = format!("{all} of {all} sets by the {by}");
    let patience = Instant::now() + Duration::from_mins(2);
    while !texts(window).iter().any(|text| text.contains(&said)) {
        assert!(Instant::now() < patience, "{:#?}", texts(window));
        std::thread::sleep(Duration::from_millis(5));
        window.run_steps(1);
    }
    // What is measured last is where the flow leads.
    window.run_steps(6);
}

/// The rows of the table, as they are copied.
fn copied(window: &mut Harness<'_, LabApp>) -> Vec<Vec<String>> {
    window.get_by_label("Copy as Markdown").click();
    let mut text = None;
    for _ in 0..3 {
        window.run_steps(1);
        let commands = &window.output().platform_output.commands;
        text = text.or_else(|| {
            commands.iter().find_map(|command| match command {
                egui::OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            })
        });
    }
    let text = text.expect("nothing was copied");
    let cells = |line: &str| {
        let line = line.trim_start_matches("| ").trim_end_matches(" |");
        line.split(" | ").map(str::to_owned).collect::<Vec<_>>()
    };
    text.lines().skip(2).map(cells).collect()
}

fn number(cell: &str) -> f64 {
    let first = cell.split(' ').next().unwrap();
    first.parse().unwrap_or_else(|_| panic!("{cell}"))
}

/// By the exact field the flow has one end, so that what is known of the samplers holds: their orders, that those without noise come to
/// the data, and that one asks so often.
#[test]
fn samplers_are_measured_as_the_papers_say_and_the_table_can_be_copied() {
    let lab = lab();
    let mut window = window(lab.clone(), Chapter::Samplers, false);
    click(&mut window, "Measure up to: 128");
    measure(&mut window, 24, "exact field");
    let rows = copied(&mut window);
    assert_eq!(
        rows.len(),
        24,
        "four samplers by 4, 8, 16, 32, 64 and 128 steps"
    );
    let at = |sampler: &str, steps: u32| {
        let steps = steps.to_string();
        let found = rows.iter().find(|row| row[0] == sampler && row[2] == steps);
        found.unwrap_or_else(|| panic!("{sampler}, {steps} steps: {rows:#?}"))
    };
    for (sampler, evaluations, order) in [
        ("ddpm", 128.0, None),
        ("ddim", 128.0, Some(1.0)),
        ("heun", 255.0, Some(2.0)),
        ("dpmpp-2m", 128.0, Some(2.0)),
    ] {
        let row = at(sampler, 128);
        assert_eq!(row.len(), COLUMNS);
        assert_eq!(number(&row[3]), evaluations, "{row:?}");
        let first = at(sampler, 4);
        let Some(order) = order else {
            assert_eq!(row[9], "–", "{row:?}");
            assert!(number(&first[6]) > 1.5 * number(&row[6]), "{row:?}");
            continue;
        };
        // Nearer to the end of the flow.
        let nearer = number(&first[8]) / number(&row[8]);
        assert!(nearer > 20.0, "{first:?}, {row:?}");
        assert!((number(&row[9]) - order).abs() < 0.35, "{row:?}");
        assert!(number(&row[6]) < 1.3, "{row:?}");
    }
}

/// The distance in the table is that of the very end points to draws of the data, by a measure that the window does not ask.
#[test]
fn the_clouds_begin_from_one_noise_and_the_distances_are_theirs() {
    let lab = lab();
    let mut window = window(lab.clone(), Chapter::Samplers, false);
    click(&mut window, "Measure up to: 16");
    measure(&mut window, 12, "exact field");
    let snapshot = lab.snapshots().a;
    let starts: Vec<Vec<[f32; 2]>> = (0..4)
        .map(|place| {
            let done = snapshot.runs[&Slot::SideBySide(place)]
                .done
                .clone()
                .unwrap();
            let points = done.recording.points.to_host().unwrap();
            points[..done.recording.particles].to_vec()
        })
        .collect();
    assert!(starts.iter().all(|start| *start == starts[0]));
    let floor = {
        let [a, b] = snapshot.dataset.reference.pair(2000, 5);
        sliced_wasserstein2(&a, &b).unwrap()
    };
    let rows = copied(&mut window);
    for (place, sampler) in ["ddpm", "ddim", "heun", "dpmpp-2m"].iter().enumerate() {
        let done = snapshot.runs[&Slot::SideBySide(place)]
            .done
            .clone()
            .unwrap();
        let points = done.recording.points.to_host().unwrap();
        let ends = &points[points.len() - 2000..];
        let [draw, _] = snapshot.dataset.reference.pair(2000, 9);
        let distance = sliced_wasserstein2(ends, &draw).unwrap();
        let row = rows
            .iter()
            .find(|row| row[0] == *sampler && row[2] == "8")
            .unwrap();
        let said = number(&row[5]);
        assert!(
            (said - distance).abs() < floor.max(0.1 * distance),
            "{sampler}: the table says {said}, the ends are {distance} away, floor {floor}"
        );
    }
}

/// Samplers come and go, six at most and one at least, each with its own canvas.
#[test]
fn samplers_are_added_and_taken_away() {
    let mut window = window(lab(), Chapter::Samplers, false);
    let canvases = |window: &Harness<'_, LabApp>| {
        let ordinals = ["", ", second", ", third", ", fourth", ", fifth", ", sixth"];
        let named = ordinals
            .iter()
            .map(|ordinal| format!("Samplers canvas{ordinal}"));
        named.filter(|name| find(window, name).is_some()).count()
    };
    assert_eq!(canvases(&window), 4);
    for wanted in [5, 6, 6] {
        click(&mut window, "Add a sampler");
        assert_eq!(canvases(&window), wanted);
    }
    for wanted in [5, 4, 3, 2, 1, 1] {
        click(&mut window, "Take sampler 1 away");
        window.run_steps(1);
        assert_eq!(canvases(&window), wanted);
    }
}

/// What was measured is of its weights: it goes with them, and comes again by the new ones; a pause brings the orders.
#[test]
fn what_is_measured_goes_with_the_weights() {
    let lab = lab();
    let train = |step| {
        lab.train_until(step);
        lab.send(Order::To(Side::A, Command::Play));
    };
    train(300);
    let mut window = window(lab.clone(), Chapter::Samplers, false);
    click(&mut window, "Field: Learned");
    click(&mut window, "Measure up to: 16");
    measure(&mut window, 12, "present weights");
    let before = copied(&mut window);
    assert!(before.iter().any(|row| row[9] != "–"), "{before:#?}");
    let said = texts(&window);
    let of = |said: &[String], update: &str| said.iter().any(|text| text.contains(update));
    assert!(of(&said, "of update 300"), "{said:#?}");
    lab.send(Order::To(Side::A, Command::Reset));
    train(40);
    window.run_steps(2);
    let said = texts(&window);
    assert!(!of(&said, "of update 300"), "{said:#?}");
    measure(&mut window, 12, "present weights");
    let after = copied(&mut window);
    let changed = |(before, after): (&Vec<String>, &Vec<String>)| before[5] != after[5];
    assert!(before.iter().zip(&after).all(changed), "{after:#?}");
}
