//! The chapter Samplers: several samplers from the same noise, what they reach by how many evaluations, and the table to copy.

mod common;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use common::{Driven, click, drop_on, find, small, texts, window};
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{PlanFile, Sampler};
use noise_compass::engine::EngineChoice;
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Command, Order, Restart, Side, Slot};
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
    measure_but(window, [all, all], by);
}

/// The same, where not all of them can be measured.
fn measure_but(window: &mut Harness<'_, LabApp>, [done, all]: [usize; 2], by: &str) {
    let said = format!("{done} of {all} sets by the {by}");
    let patience = Instant::now() + Duration::from_mins(2);
    // The panel may be longer than the window.
    while window.query_by_label_contains(&said).is_none() {
        assert!(Instant::now() < patience, "{:#?}", texts(window));
        std::thread::sleep(Duration::from_millis(5));
        window.run_steps(1);
    }
    // What is measured last is where the flow leads.
    window.run_steps(6);
}

/// The rows of the table, as they are copied.
fn copied(window: &mut Harness<'_, LabApp>) -> Vec<Vec<String>> {
    window.get_by_label("Copy as Markdown").scroll_to_me();
    window.run_steps(60);
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

/// Canvases of a window that is not split.
fn canvases(window: &Harness<'_, LabApp>) -> usize {
    let ordinals = ["", ", second", ", third", ", fourth", ", fifth", ", sixth"];
    let named = ordinals
        .iter()
        .map(|ordinal| format!("Samplers canvas{ordinal}"));
    named.filter(|name| find(window, name).is_some()).count()
}

/// Samplers come and go, six at most and one at least, each with its own canvas.
#[test]
fn samplers_are_added_and_taken_away() {
    let mut window = window(lab(), Chapter::Samplers, false);
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

/// Heun's method in so many steps, printed for an experiment.
fn printed(directory: &Path, experiment: &Experiment, steps: u32) -> PathBuf {
    let context = experiment.plan_context();
    let plan = PlanFile::of(
        &Sampler::Heun.plan_placed(None, steps, context, None),
        context,
    );
    let path = directory.join("mine.json");
    std::fs::write(&path, serde_json::to_string(&plan.unwrap()).unwrap()).unwrap();
    path
}

/// Let a side train by another schedule.
fn configure(lab: &Driven, side: Side, schedule: Schedule) {
    let snapshots = lab.snapshots();
    let snapshot = match side {
        Side::A => snapshots.a,
        Side::B => snapshots.b.unwrap(),
    };
    let experiment = Box::new(Experiment {
        schedule,
        ..(*snapshot.experiment).clone()
    });
    let restart = Restart::Keep;
    lab.send(Order::To(
        side,
        Command::Configure {
            experiment,
            restart,
        },
    ));
}

/// A dropped plan is one more sampler, with the numbers of the one that it was printed of; it waits where the schedule is another one, and
/// can be taken away.
#[test]
fn a_dropped_plan_is_held_against_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let lab = lab();
    let experiment = (*lab.snapshots().a.experiment).clone();
    let path = printed(directory.path(), &experiment, 8);
    let mut window = window(lab.clone(), Chapter::Training, false);
    drop_on(&mut window, &path);
    assert!(find(&window, "Sampler 5: mine, 8 steps").is_some());
    assert_eq!(canvases(&window), 5);
    click(&mut window, "Measure up to: 16");
    measure(&mut window, 13, "exact field");
    let rows = copied(&mut window);
    let row = |name: &str| {
        let mut found = rows.iter().filter(|row| row[0] == name && row[2] == "8");
        let row = found.next().unwrap_or_else(|| panic!("{rows:#?}"));
        assert!(found.next().is_none());
        row.clone()
    };
    let (heun, mine) = (row("heun"), row("mine.json"));
    assert_eq!((&*mine[1], &*mine[3], &*mine[9]), ("file", "15", "–"));
    assert_eq!((&mine[3], &mine[5..9]), (&heun[3], &heun[5..9]));
    assert_ne!(mine[8], "–", "it is held against the end of the flow");
    let said = texts(&window);
    assert!(said.iter().any(|text| text == "mine, 8 steps"), "{said:#?}");
    // Its points are those of the other one.
    let ends = |place: usize| {
        let run = lab.snapshots().a.runs[&Slot::SideBySide(place)]
            .done
            .clone();
        let points = run.unwrap().recording.points.to_host().unwrap();
        points[points.len() - 2000..].to_vec()
    };
    assert_eq!(ends(4), ends(2));

    // Once more it is the same one; changed, it takes its own place.
    drop_on(&mut window, &path);
    measure(&mut window, 13, "exact field");
    printed(directory.path(), &experiment, 5);
    drop_on(&mut window, &path);
    assert!(find(&window, "Sampler 5: mine, 5 steps").is_some());
    assert_eq!(canvases(&window), 5);

    let why = "mine.json: its factors are made for the schedule linear, and the model has cosine.";
    assert!(find(&window, why).is_none());
    configure(&lab, Side::A, Schedule::Cosine);
    window.run_steps(3);
    assert!(
        find(&window, why).is_some(),
        "it says why it has no picture"
    );
    assert!(!lab.snapshots().a.runs.contains_key(&Slot::SideBySide(4)));
    measure(&mut window, 12, "exact field");
    configure(&lab, Side::A, experiment.schedule);
    window.run_steps(3);
    assert!(find(&window, why).is_none());
    measure(&mut window, 13, "exact field");
    assert!(lab.snapshots().a.runs.contains_key(&Slot::SideBySide(4)));

    click(&mut window, "Take sampler 5 away");
    assert_eq!(canvases(&window), 4);
    measure(&mut window, 12, "exact field");
    assert!(copied(&mut window).iter().all(|row| row[0] != "mine.json"));
}

/// In a split lab both sides show it, each for itself.
#[test]
fn a_plan_is_shared_by_both_sides_and_may_suit_one_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let lab = lab();
    let experiment = (*lab.snapshots().a.experiment).clone();
    let path = printed(directory.path(), &experiment, 8);
    let mut window = window(lab.clone(), Chapter::Samplers, false);
    click(&mut window, "Split A | B");
    configure(&lab, Side::B, Schedule::Flow);
    click(&mut window, "Experiment: B");
    drop_on(&mut window, &path);
    let why = "its factors are made for the schedule linear, and the model has flow";
    let told = format!("B: {} is no plan for this model: {why}", path.display());
    assert!(find(&window, &told).is_some(), "it is checked for B");
    assert!(find(&window, "Sampler 5").is_none());
    click(&mut window, "Experiment: A");
    drop_on(&mut window, &path);
    window.run_steps(3);
    assert!(find(&window, &format!("mine.json: {why}.")).is_some());
    let has = |snapshot: &noise_compass::lab::message::Snapshot| {
        snapshot.runs.contains_key(&Slot::SideBySide(4))
    };
    let snapshots = lab.snapshots();
    assert_eq!(
        [has(&snapshots.a), has(&snapshots.b.unwrap())],
        [true, false]
    );
    click(&mut window, "Experiment: B");
    click(&mut window, "Take sampler 5 away");
    window.run_steps(2);
    assert!(find(&window, "mine.json: ").is_none());
    assert!(!has(&lab.snapshots().a));
}

/// A file that is none is told in the words of the command line, and costs nothing.
#[test]
fn what_is_no_plan_is_told_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let lab = lab();
    let experiment = (*lab.snapshots().a.experiment).clone();
    let path = directory.path().join("other.json");
    let mut window = window(lab.clone(), Chapter::Training, false);
    lab.asked();
    let settings = serde_json::to_string(&experiment).unwrap();
    for (json, words) in [
        (
            &*settings,
            "it holds the settings of an experiment; a plan holds stages, see docs/own-sampler.md",
        ),
        ("{}", "it is no plan: missing field `stages`"),
        (
            r#"{"schedule": "flow", "stages": [{"t": 1, "to": 0, "x": {}}]}"#,
            "its factors are made for the schedule flow, and the model has linear",
        ),
    ] {
        std::fs::write(&path, json).unwrap();
        drop_on(&mut window, &path);
        let told = format!("{} is no plan for this model: {words}", path.display());
        assert!(find(&window, &told).is_some(), "{told}");
        assert!(lab.asked().is_empty());
        assert_eq!(window.state().chapter(), Chapter::Training);
    }
    // Six are the most, of whatever kind.
    click(&mut window, "Samplers");
    for _ in 0..2 {
        click(&mut window, "Add a sampler");
    }
    let path = printed(directory.path(), &experiment, 8);
    drop_on(&mut window, &path);
    let told = "mine.json has no place beside 6 samplers";
    assert!(find(&window, told).is_some());
    assert_eq!(canvases(&window), 6);
}

/// By the menu, from any chapter. One whose samples are no numbers is told by its name, until it is taken away.
#[test]
fn a_plan_is_opened_by_the_menu_and_one_that_blows_up_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wild.json");
    let stage = r#"{"t": 1, "to": 1, "x": {"x": 1e30}}"#;
    let stages = [stage; 3].join(",");
    std::fs::write(&path, format!(r#"{{"stages": [{stages}]}}"#)).unwrap();
    let mut window = window(lab(), Chapter::Forward, false);
    click(&mut window, "File: File");
    window.get_by_label("Sampler to open").focus();
    window.run_steps(1);
    let typed = path.display().to_string();
    window.get_by_label("Sampler to open").type_text(&typed);
    window.run_steps(2);
    click(&mut window, "Open sampler");
    assert!(find(&window, "Sampler 5: wild, 3 steps").is_some());
    click(&mut window, "Measure up to: 16");
    measure_but(&mut window, [12, 13], "exact field");
    let told = "wild.json: sample 0 is not a finite number";
    assert!(find(&window, told).is_some());
    click(&mut window, "Take sampler 5 away");
    measure(&mut window, 12, "exact field");
    assert!(find(&window, told).is_none());
}

/// Every sampler of the menu, chosen by its name: the chain of the first canvas is its own, and it comes to its end.
#[test]
fn every_sampler_is_chosen_by_its_name_and_runs() {
    let experiment = Experiment {
        data: DataSource::Shape(Shape::EightGaussians),
        learn_variance: true,
        ..small()
    };
    let context = experiment.plan_context();
    let lab = Driven::new(experiment, EngineChoice::Cpu);
    let mut window = window(lab.clone(), Chapter::Samplers, false);
    // The whole menu is in sight.
    window.set_size(egui::Vec2::new(1280.0, 1800.0));
    window.run_steps(3);
    // The first is chosen last, so that each is another than the one before.
    for sampler in Sampler::ALL.into_iter().skip(1).chain([Sampler::ALL[0]]) {
        let title = sampler.words().title;
        let open = find(&window, "Sampler 1: ").unwrap();
        click(&mut window, &open);
        click(&mut window, title);
        let expected = sampler.plan(8, context, None);
        let patience = Instant::now() + Duration::from_mins(1);
        loop {
            window.run_steps(1);
            let snapshot = lab.snapshots().a;
            let state = snapshot.runs.get(&Slot::SideBySide(0));
            let done = state.and_then(|state| state.done.as_ref());
            if let Some(done) = done.filter(|done| done.request.plan == expected) {
                let points = done.recording.points.to_host().unwrap();
                let ends = &points[points.len() - done.recording.particles..];
                assert!(ends.as_flattened().iter().all(|x| x.is_finite()), "{title}");
                break;
            }
            assert!(Instant::now() < patience, "{title} was not run");
            std::thread::sleep(Duration::from_millis(2));
        }
        let chosen = find(&window, "Sampler 1: ").unwrap();
        assert!(chosen.ends_with(title), "{chosen}, not {title}");
    }
}
