//! Controls change what somebody meant to change, and nothing else: each chapter and menu is opened with experiments at
//! the ends of what is allowed, and each number is typed into.

mod common;

use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::{AccessKitNode, NodeT as _, Queryable as _};

use common::{Still, texts, window};
use noise_compass::data::csv_io::points_csv;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::Sampler;
use noise_compass::diffusion::target::Target;
use noise_compass::engine::network::layout::Activation;
use noise_compass::engine::{EngineInfo, EngineKind};
use noise_compass::lab::experiment::{DataSource, Experiment, limits};
use noise_compass::lab::message::Command;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::shell::app::LabApp;

/// Five hundred steps after its beginning, on plain Rust.
fn still(experiment: Experiment) -> Still {
    let engine = EngineInfo {
        kind: EngineKind::Cpu,
        adapter: "2 threads".into(),
        backend: "Rust".into(),
        software: true,
    };
    Still::new(experiment, engine, 500)
}

/// What was asked for since the last call that is not about looking.
fn changes(lab: &Still) -> Vec<Command> {
    let mut asked = lab.asked();
    asked.retain(|command| {
        use Command::{Follow, Hidden, Interacting, Run, ShowDensity, StopRun};
        !matches!(
            command,
            ShowDensity(_) | Run(..) | StopRun(_) | Follow(_) | Interacting(_) | Hidden(_)
        )
    });
    asked
}

/// Experiments at the ends of what is allowed, and one with numbers that no slider stops at.
fn extremes() -> [Experiment; 3] {
    let most = Experiment {
        data: DataSource::Shape(Shape::Checkerboard),
        points: *limits::POINTS.end(),
        schedule: Schedule::Cosine,
        target: Target::V,
        timesteps: *limits::TIMESTEPS.end(),
        octaves: 6,
        width: 256,
        depth: 6,
        activation: Activation::Tanh,
        batch: *limits::BATCH.end(),
        learning_rate: *limits::LEARNING_RATE.end(),
        ema_decay: *limits::EMA_DECAY.end(),
        seed: u64::MAX,
        sampler: Sampler::Rk4,
        sampler_steps: *limits::SAMPLER_STEPS.end(),
        ..Experiment::default()
    };
    let least = Experiment {
        points: *limits::POINTS.start(),
        schedule: Schedule::Ve,
        timesteps: *limits::TIMESTEPS.start(),
        octaves: 0,
        width: 32,
        depth: 1,
        batch: *limits::BATCH.start(),
        learning_rate: *limits::LEARNING_RATE.start(),
        ema_decay: *limits::EMA_DECAY.start(),
        sampler_steps: *limits::SAMPLER_STEPS.start(),
        clip: false,
        ..Experiment::default()
    };
    let odd = Experiment {
        points: 200_001,
        schedule: Schedule::Custom(LogSnr::default()),
        timesteps: 5003,
        batch: 300,
        learning_rate: 5.123e-6,
        seed: (1 << 53) + 1,
        sampler_steps: 7777,
        ..Experiment::default()
    };
    [most, least, odd]
}

fn press(window: &mut Harness<'_, LabApp>, key: Key) {
    window.key_press(key);
    window.run_steps(2);
}

fn labels(window: &Harness<'_, LabApp>, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let text = |node: &AccessKitNode<'_>| node.label().or_else(|| node.value());
    let nodes = window.query_all_by(|node| text(node).is_some_and(|text| wanted(&text)));
    nodes
        .filter_map(|node| text(&node.accesskit_node()))
        .collect()
}

fn is_number(node: &AccessKitNode<'_>) -> bool {
    node.label()
        .is_some_and(|label| label == "Seed" || label.ends_with(" value"))
}

fn numbers(window: &Harness<'_, LabApp>) -> Vec<String> {
    window
        .query_all_by(is_number)
        .filter_map(|node| node.accesskit_node().label())
        .collect()
}

#[test]
fn looking_at_everything_changes_nothing() {
    for experiment in extremes() {
        experiment.validate().unwrap();
        for chapter in Chapter::ALL {
            let lab = still(experiment.clone());
            let mut window = window(lab.clone(), chapter, false);
            for menu in [
                "",
                "Data: ",
                "Schedule: ",
                "Target: ",
                "Net: ",
                "File: ",
                "Engine: ",
                "Data set: ",
                "Sampler: ",
            ] {
                if !menu.is_empty() {
                    let Some(pill) = labels(&window, |label| label.starts_with(menu))
                        .into_iter()
                        .next()
                    else {
                        continue;
                    };
                    window.get_by_label(&pill).click();
                    window.run_steps(2);
                }
                // Each number is entered and left as it stands.
                for (index, name) in numbers(&window).into_iter().enumerate() {
                    window.query_all_by(is_number).nth(index).unwrap().focus();
                    window.run_steps(2);
                    press(&mut window, Key::Enter);
                    assert_eq!(
                        window.state().desk.here.draft,
                        experiment,
                        "{name} in {menu} of {chapter:?}"
                    );
                }
                press(&mut window, Key::Escape);
                press(&mut window, Key::Escape);
            }
            let changes = changes(&lab);
            assert!(changes.is_empty(), "{chapter:?}: {changes:?}");
            assert_eq!(window.state().desk.here.draft, experiment, "{chapter:?}");
        }
    }
}

/// Type into a field, whatever it held.
fn enter(window: &mut Harness<'_, LabApp>, name: &str, text: &str) {
    window.get_by_label(name).focus();
    window.run_steps(2);
    window.key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
    window.run_steps(1);
    press(window, Key::Backspace);
    window.event(egui::Event::Text(text.to_owned()));
    window.run_steps(1);
    press(window, Key::Enter);
}

#[test]
fn a_typed_number_is_taken_as_it_is_meant() {
    /// A field, the setting that it sets, and texts with what they mean.
    type Case = (
        &'static str,
        fn(&Experiment) -> f64,
        &'static [(&'static str, f64)],
    );
    let cases: [Case; 5] = [
        (
            "Batch value",
            |e| f64::from(e.batch),
            &[("256", 256.0), ("300", 300.0), ("16\u{2009}384", 16_384.0)],
        ),
        (
            "Timesteps T value",
            |e| f64::from(e.timesteps),
            &[("10,000", 10_000.0), ("2", 2.0), ("1e3", 1000.0)],
        ),
        (
            "Points value",
            |e| f64::from(e.points),
            &[("12,480", 12_480.0), ("1000000", 1e6)],
        ),
        (
            "Learning rate value",
            |e| f64::from(e.learning_rate),
            &[
                ("0,003", 0.003),
                ("0.00345", 0.00345),
                ("5e−6", 5e-6),
                ("10", 10.0),
            ],
        ),
        (
            "Steps value",
            |e| f64::from(e.sampler_steps),
            &[("7", 7.0), ("1000", 1000.0), ("1", 1.0)],
        ),
    ];
    let lab = still(Experiment::default());
    let mut window = window(lab.clone(), Chapter::Training, false);
    for (name, read, typed) in cases {
        for &(text, value) in typed {
            enter(&mut window, name, text);
            let got = read(&lab.snapshot().experiment);
            assert!(
                (got / value - 1.0).abs() < 1e-6,
                "{name}: {text} became {got}"
            );
        }
    }
    for seed in [u64::MAX, (1 << 53) + 1, 0] {
        enter(&mut window, "Seed", &seed.to_string());
        assert_eq!(lab.snapshot().experiment.seed, seed);
        assert_eq!(
            window.get_by_label("Seed").accesskit_node().value(),
            Some(seed.to_string()),
            "shown exactly"
        );
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_limits() {
    let lab = still(Experiment::default());
    let mut window = window(lab.clone(), Chapter::Training, false);
    let fields = [
        (
            "Batch value",
            &["10", "16385", "12.5"][..],
            "32 to 16\u{2009}384",
        ),
        ("Timesteps T value", &["1", "10001"], "2 to 10\u{2009}000"),
        (
            "Points value",
            &["1", "1000001"],
            "2 to 1\u{2009}000\u{2009}000",
        ),
        ("Learning rate value", &["0", "11"], "to 10"),
        ("Steps value", &["0", "1001"], "1 to 1\u{2009}000"),
        ("Seed", &["1.5", "18446744073709551616"], "whole number"),
    ];
    changes(&lab);
    for (name, own, limits) in fields {
        for text in own.iter().chain(&["-5", "nan", "inf", "50 %", "many", ""]) {
            enter(&mut window, name, text);
            assert!(changes(&lab).is_empty(), "{name}: {text}");
            assert_eq!(
                window.state().desk.here.draft,
                Experiment::default(),
                "{name}: {text}"
            );
            let control = name.trim_end_matches(" value");
            let told = labels(&window, |label| {
                label.starts_with(&format!("{control}: what you typed"))
            });
            assert!(
                told.iter().any(|label| label.contains(limits)),
                "{name}: {text}: {told:?}"
            );
            // A click sends the notice away.
            while window
                .query_all_by_label("Notice")
                .next()
                .is_some_and(|notice| {
                    notice.click();
                    true
                })
            {
                window.run_steps(2);
            }
        }
    }
}

/// Of a file the panel shows the rows and the kernels that are its truth, every legend names them, and a bandwidth can be
/// chosen and given back. A built-in shape has none of it.
#[test]
fn the_kernels_of_a_file_are_seen_and_set() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rows.csv");
    std::fs::write(&path, points_csv(&Shape::Moons.mixture().draw(800, 1))).unwrap();
    let file = Experiment {
        data: DataSource::Csv(path),
        ..Experiment::default()
    };
    // What was taken for granted of a file is told, once.
    let bare = directory.path().join("bare.csv");
    std::fs::write(&bare, "0;1\n2,5;3\n4;1\n").unwrap();
    let told = window(
        still(Experiment {
            data: DataSource::Csv(bare),
            ..Experiment::default()
        }),
        Chapter::Training,
        false,
    );
    let told = texts(&told).join("\n").replace('\n', " ");
    assert!(
        told.contains("bare.csv: it has no header") && told.contains("decimal commas"),
        "{told}"
    );
    let lab = still(file);
    let mut windows = [(lab.clone(), true), (still(Experiment::default()), false)]
        .map(|(lab, kernels)| (window(lab, Chapter::Training, false), kernels));
    for (window, kernels) in &mut windows {
        for chapter in ["Forward", "Noise compass", "Score field", "Training"] {
            common::click(window, chapter);
            let painted = texts(window);
            let painted = |part: &str| {
                painted
                    .iter()
                    .filter(|text| text.contains(part))
                    .cloned()
                    .collect::<Vec<_>>()
            };
            let (named, exact) = (
                painted("density of kernels on 700 rows, h = 0."),
                painted("exact density"),
            );
            assert_eq!(
                (named.is_empty(), exact.is_empty()),
                (!*kernels, *kernels),
                "{chapter}: {named:?} {exact:?}"
            );
        }
    }
    let [(mut window, _), (built_in, _)] = windows;
    assert!(
        built_in.query_by_label("Kernels: Own h").is_none()
            && built_in.query_by_label("Points value").is_some()
    );
    assert_eq!(
        labels(&window, |label| label == "Rows 700 + 100 held out").len(),
        1
    );
    assert!(
        window.query_by_label("Points value").is_none(),
        "a file has as many points as it has"
    );
    let bandwidth = || lab.snapshot().experiment.bandwidth;
    window.get_by_label("Kernels: Own h").click();
    window.run_steps(2);
    assert_eq!(
        bandwidth(),
        window.state().desk.here.snapshot.dataset.truth.bandwidth()
    );
    enter(&mut window, "Bandwidth value", "0,25");
    assert_eq!(bandwidth(), Some(0.25));
    enter(&mut window, "Bandwidth value", "1");
    assert_eq!(bandwidth(), Some(0.25), "refused");
    window.get_by_label("Kernels: Auto").click();
    window.run_steps(2);
    assert_eq!(bandwidth(), None);
}

/// A share is a share, an angle an angle, a factor a factor; a percentage of anything else is nothing.
#[test]
fn signs_are_read_as_they_are_shown() {
    for (chapter, name, text, shown) in [
        (
            Chapter::Trajectories,
            "SDE noise η value",
            "50 %",
            Some("0.50"),
        ),
        (
            Chapter::Trajectories,
            "SDE noise η value",
            "0,25",
            Some("0.25"),
        ),
        (Chapter::Trajectories, "Paths value", "50 %", None),
        (Chapter::Compass, "Accuracy value", "35", Some("35 %")),
        (Chapter::Compass, "Accuracy value", "35 %", Some("35 %")),
        (Chapter::Compass, "Accuracy value", "135 %", None),
        (Chapter::Reverse, "Speed value", "× 2", Some("× 2.00")),
        (Chapter::Reverse, "Speed value", "9", None),
    ] {
        let lab = still(Experiment::default());
        let mut window = window(lab.clone(), chapter, false);
        let before = window.get_by_label(name).accesskit_node().value();
        enter(&mut window, name, text);
        let after = window.get_by_label(name).accesskit_node().value();
        assert_eq!(after, shown.map(str::to_owned).or(before), "{name}: {text}");
        let told = labels(&window, |label| label.contains("what you typed"));
        assert_eq!(told.is_empty(), shown.is_some(), "{name}: {text}: {told:?}");
    }
}

/// The slider stops at powers of two, with keys as well, and a picture's size is refused like any number.
#[test]
fn keys_move_the_batch_from_power_to_power() {
    let lab = still(Experiment::default());
    let mut window = window(lab.clone(), Chapter::Training, false);
    let batch = || lab.snapshot().experiment.batch;
    window
        .get_by_role_and_label(egui::accesskit::Role::Slider, "Batch")
        .focus();
    window.run_steps(2);
    for (key, expected) in [
        (Key::ArrowRight, 512),
        (Key::ArrowRight, 1024),
        (Key::ArrowLeft, 512),
    ] {
        press(&mut window, key);
        assert_eq!(batch(), expected);
    }
    window.get_by_label("File: File").click();
    window.run_steps(2);
    for (text, size) in [("10", 2560), ("2000", 2000)] {
        enter(&mut window, "Picture width value", text);
        assert_eq!(window.state().desk.files.picture_size[0], size, "{text}");
    }
}
