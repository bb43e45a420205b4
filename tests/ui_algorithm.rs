//! The chapter Algorithm, driven by its names: what it prints is what the lab draws, learns and samples, and its lines run in
//! their order.

mod common;

use egui::accesskit::Role;
use egui::{Key, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use common::{Driven, Still, card, click, find, painted, window};
use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{Factors, Variance};
use noise_compass::diffusion::target::{Combination, Target};
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::{Engine as _, EngineChoice, ModelState, Weights};
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::{Command, Order, Side, Snapshots, Status};
use noise_compass::lab::setup::Setup;
use noise_compass::philox::{Stream, below, draw, normal, normal_pair};
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle as _;
use noise_compass::ui::shell::app::LabApp;

type Window = Harness<'static, LabApp>;

fn small() -> Experiment {
    Experiment {
        width: 32,
        depth: 1,
        batch: 64,
        points: 512,
        timesteps: 100,
        sampler_steps: 4,
        ..Experiment::default()
    }
}

fn step(lab: &Driven) -> u64 {
    lab.snapshots().a.step
}

/// A number as it is printed.
fn number(text: &str) -> f64 {
    let plain = text.replace('−', "-").replace(['\u{2009}', '\u{a0}'], "");
    plain
        .parse()
        .unwrap_or_else(|_| panic!("{text} is no number"))
}

/// The rows of the table: of each column its numbers, and how many digits behind the point they have.
fn rows(window: &Window) -> Vec<Vec<(String, Vec<f64>)>> {
    (1..=6)
        .map(|row| {
            let text = find(window, &format!("Point {row}: ")).expect("a row");
            let cells = text.split_once(": ").unwrap().1.split("; ");
            cells
                .map(|cell| {
                    // Heads of a word; what is told beside the cells begins with another.
                    let cell = cell.strip_prefix("target ").unwrap_or(cell);
                    let (head, values) = cell.split_once(' ').unwrap();
                    let known = values != "–";
                    let values = values.split(", ").filter(|_| known);
                    (head.to_owned(), values.map(number).collect())
                })
                .collect()
        })
        .collect()
}

/// What stands in one column of a row.
fn cell<'a>(row: &'a [(String, Vec<f64>)], head: &str) -> &'a [f64] {
    &row.iter()
        .find(|(name, _)| name == head)
        .expect("a column")
        .1
}

/// The line that is lit, where one is.
fn lit(window: &Window) -> Option<usize> {
    let lit: Vec<usize> = (1..=6)
        .filter(|line| find(window, &format!("Line {line}, runs now: ")).is_some())
        .collect();
    assert!(lit.len() <= 1, "{lit:?}");
    lit.first().copied()
}

fn read(window: &Window, name: &str) -> String {
    let text = find(window, &format!("{name} ")).unwrap_or_else(|| panic!("no {name}"));
    text[name.len() + 1..].to_owned()
}

/// Half of the last digit of what has four behind the point.
const HALF: f64 = 0.5e-4 + 1e-6;

/// t, x_0, ε and x_t as the seed says by Philox; ε̂ by an engine of our own with the first weights; the error by its definition.
#[test]
fn the_printed_batch_is_what_the_step_learns_from() {
    let own = Schedule::Custom(LogSnr::default());
    let schedules = [
        Schedule::Linear,
        Schedule::Ve,
        Schedule::Flow,
        own,
        Schedule::Cosine,
    ];
    for (choice, target, schedule) in Target::ALL
        .into_iter()
        .zip(schedules)
        .map(|(target, schedule)| (EngineChoice::Cpu, target, schedule))
        .chain([(EngineChoice::Gpu, Target::Eps, Schedule::Linear)])
    {
        let experiment = Experiment {
            target,
            schedule,
            seed: 5,
            ..small()
        };
        let setup = Setup::new(experiment.clone()).unwrap();
        let weights = initial_weights(experiment.shape(), experiment.seed);
        let mut engine = CpuEngine::new();
        engine
            .load(&setup.spec, &ModelState::fresh(weights))
            .unwrap();
        let lab = Driven::new(experiment, choice);
        let mut window = window(lab.clone(), Chapter::Algorithm, false);
        window.get_by_label("Points 1 to 6 of the batch of update 1");
        click(&mut window, "One step of training");
        assert_eq!((step(&lab), lit(&window)), (1, Some(5)));
        window.get_by_label("Points 1 to 6 of the batch of update 1");
        for (index, row) in rows(&window).iter().enumerate() {
            let of = format!(
                "{choice:?}, {target:?}, {schedule}, point {}: {row:?}",
                index + 1
            );
            let near = |found: &[f64], expected: &[f64], by: f64| {
                let far = |(a, b): (&f64, &f64)| (a - b).abs() > HALF + by * (1.0 + b.abs());
                let pairs = found.iter().zip(expected);
                assert!(
                    found.len() == expected.len() && !pairs.clone().any(far),
                    "{of}: {expected:?}"
                );
            };
            let words = draw(5, Stream::Batch, 0, index as u32);
            let clean = setup.dataset.points[below(words[0], 512) as usize].map(f64::from);
            let t = 1 + below(words[1], 100);
            let noise = normal_pair(words[2], words[3]).map(f64::from);
            let tau = f64::from(t) / 100.0;
            let scales = schedule.scales(tau, 100);
            near(cell(row, "t"), &[t.into()], 0.0);
            near(cell(row, "a"), &[scales.a], 1e-6);
            near(cell(row, "s"), &[scales.s], 1e-6);
            near(cell(row, "x₀"), &clean, 1e-6);
            near(cell(row, "ε"), &noise, 1e-5);
            // The printed x_t is a x_0 + s ε of what is printed, to the digits that are.
            let (a, s) = (cell(row, "a")[0], cell(row, "s")[0]);
            for axis in 0..2 {
                let [x, e, x_t] = ["x₀", "ε", "x_t"].map(|head| cell(row, head)[axis]);
                let room = HALF * (1.0 + a + s + x.abs() + e.abs());
                assert!((x_t - (a * x + s * e)).abs() < room, "{of}");
            }
            let exact = [0, 1].map(|axis| (scales.a * clean[axis] + scales.s * noise[axis]) as f32);
            let output = engine.predict(tau, &[exact], Weights::Raw).unwrap()[0].map(f64::from);
            let combined = |c: Combination, p: [f64; 2], q: [f64; 2]| {
                [0, 1].map(|axis| c.0 * p[axis] + c.1 * q[axis])
            };
            let hat = combined(target.to_eps(scales), exact.map(f64::from), output);
            near(cell(row, "ε̂"), &hat, 1e-4);
            let wanted = combined(target.of_x0_and_eps(scales), clean, noise);
            let squares = (0..2)
                .map(|axis| (wanted[axis] - output[axis]).powi(2))
                .sum::<f64>();
            let error = 0.5 * target.loss_weight(scales) * squares;
            near(cell(row, "error"), &[error], 1e-4);
            // From what is printed.
            let (of, by) = match target {
                Target::Eps => ("ε", "ε̂"),
                Target::X0 => ("x₀", "x_θ"),
                Target::V => ("v", "v_θ"),
                Target::Score => ("−ε/s", "s_θ"),
                Target::Velocity => ("u", "u_θ"),
                Target::Edm => ("F", "F_θ"),
            };
            let apart = [0, 1].map(|axis| cell(row, of)[axis] - cell(row, by)[axis]);
            let weight = target.loss_weight(scales);
            let printed = 0.5 * weight * (apart[0].powi(2) + apart[1].powi(2));
            let room = HALF * (1.0 + 2.0 * weight * (apart[0].abs() + apart[1].abs()));
            let error = cell(row, "error")[0];
            assert!(
                (printed - error).abs() < room,
                "{of}: {printed}, {error}, {row:?}"
            );
        }
        // The loss of the whole batch is that of the update.
        let loss = lab.snapshots().a.curve.raw.last().unwrap().1;
        assert!((number(&read(&window, "loss of the last batch")) - f64::from(loss)).abs() < HALF);
        // And the next.
        click(&mut window, "One step of training");
        window.get_by_label("Points 1 to 6 of the batch of update 2");
        assert_eq!((step(&lab), lit(&window)), (2, Some(5)));
        let t = 1 + below(draw(5, Stream::Batch, 1, 0)[1], 100);
        assert_eq!(cell(&rows(&window)[0], "t"), [f64::from(t)]);
    }
}

/// What a line makes known is there from that line on.
#[test]
fn lines_run_one_by_one_and_make_known_what_they_say() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let mut window = window(lab.clone(), Chapter::Algorithm, true);
    assert_eq!(
        lit(&window),
        None,
        "nothing is walked yet, and all is shown"
    );
    assert!(
        rows(&window)[0]
            .iter()
            .all(|(_, values)| !values.is_empty())
    );
    for round in 0..2 {
        for (line, known) in [
            (1, &[][..]),
            (2, &["x₀"]),
            (3, &["t", "a", "s", "x₀"]),
            (4, &["t", "a", "s", "x₀", "ε"]),
            (5, &["t", "a", "s", "x₀", "ε", "x_t", "ε̂", "error"]),
            (6, &["t", "a", "s", "x₀", "ε", "x_t", "ε̂", "error"]),
        ] {
            click(&mut window, "One line");
            assert_eq!(lit(&window), Some(line));
            assert_eq!(step(&lab), round + u64::from(line >= 5), "line {line}");
            let update = round + 1;
            window.get_by_label(&format!("Points 1 to 6 of the batch of update {update}"));
            for row in rows(&window) {
                let shown = row.iter().filter(|(_, values)| !values.is_empty());
                let shown: Vec<_> = shown.map(|(head, _)| head.as_str()).collect();
                assert_eq!(shown, known, "line {line}");
            }
            assert_eq!(
                read(&window, "loss of the last batch") == "–",
                step(&lab) == 0
            );
        }
    }
    // From within a round, a step is its rest.
    for lines in 1..=6 {
        for _ in 0..lines {
            click(&mut window, "One line");
        }
        click(&mut window, "One step of training");
        assert_eq!(lit(&window), Some(5), "after {lines} lines");
        click(&mut window, "One line");
    }
    assert_eq!(step(&lab), 2 + 4 + 2 * 2);
}

/// Lines follow one another in their order, each update is one round, and a pause stands still.
#[test]
fn slow_motion_lights_the_lines_in_order_and_takes_one_step_a_round() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let mut window = window(lab.clone(), Chapter::Algorithm, false);
    click(&mut window, "Speed: Slow motion");
    window.key_press(Key::Space);
    let mut seen: Vec<(usize, u64)> = Vec::new();
    // A step of the harness is a quarter of a second.
    for _ in 0..80 {
        window.run_steps(1);
        let now = (lit(&window).unwrap_or(0), step(&lab));
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    // The frame that lights line 5 asks for the update: some of them are seen before the answer.
    let lines: Vec<usize> = seen.iter().map(|(line, _)| *line).collect();
    let mut lines: Vec<usize> = lines.into_iter().skip_while(|line| *line == 0).collect();
    lines.dedup();
    let expected: Vec<usize> = (0..lines.len()).map(|i| 1 + i % 6).collect();
    assert_eq!(lines, expected);
    assert!(lines.len() >= 18, "{lines:?}");
    let rounds = lines.iter().filter(|line| **line == 5).count() as u64;
    assert_eq!(step(&lab), rounds);
    let asked = lab.asked();
    let steps = asked
        .iter()
        .filter(|order| matches!(order, Order::To(Side::A, Command::StepOnce)));
    assert_eq!(steps.count() as u64, rounds);
    assert!(
        !asked
            .iter()
            .any(|order| matches!(order, Order::Both(Command::Play)))
    );
    window.key_press(Key::Space);
    window.run_steps(2);
    let (line, done) = (lit(&window), step(&lab));
    window.run_steps(20);
    assert_eq!((lit(&window), step(&lab)), (line, done));
    window.get_by_label("Play the algorithm");
}

/// At "Run" the training plays: no line is told apart, and the numbers are of the batch that is reached.
#[test]
fn run_trains_and_pause_stops() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    lab.train_until(40);
    let mut window = window(lab.clone(), Chapter::Algorithm, false);
    click(&mut window, "One line");
    click(&mut window, "Speed: Run");
    assert_eq!(step(&lab), 0);
    click(&mut window, "Play the algorithm");
    assert_eq!((step(&lab), lit(&window)), (40, None));
    window.get_by_label("Points 1 to 6 of the batch of update 41");
    assert!(
        rows(&window)[5]
            .iter()
            .all(|(_, values)| !values.is_empty())
    );
    // While it trains, a line asked for pauses it.
    let still = Still::new(small(), card(), 7);
    still.snapshot().status = Status::Training;
    let mut training = common::window(still.clone(), Chapter::Algorithm, false);
    still.orders();
    training.get_by_label("Pause the algorithm");
    click(&mut training, "One line");
    let paused = |orders: Vec<Order>| {
        orders
            .iter()
            .any(|order| matches!(order, Order::Both(Command::Pause)))
    };
    assert!(paused(still.orders()));
    assert_eq!(lit(&training), None);
    still.snapshot().status = Status::Paused;
    still.snapshot().version += 1;
    training.run_steps(2);
    assert_eq!(lit(&training), Some(1), "asked for while it trained");
}

/// A step, a reset or other settings in the middle of a round: what is shown is of what is.
#[test]
fn what_somebody_else_does_in_the_middle_of_a_round_is_followed() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let mut window = window(lab.clone(), Chapter::Algorithm, false);
    for _ in 0..3 {
        click(&mut window, "One line");
    }
    click(&mut window, "One step");
    assert_eq!((step(&lab), lit(&window)), (1, Some(3)));
    window.get_by_label("Points 1 to 6 of the batch of update 2");
    click(&mut window, "One line");
    click(&mut window, "One line");
    assert_eq!((step(&lab), lit(&window)), (2, Some(5)));
    window.get_by_label("Points 1 to 6 of the batch of update 2");
    for (what, update) in [("One step", 4), ("Reset training", 1)] {
        click(&mut window, what);
        assert_eq!(lit(&window), None, "{what}");
        window.get_by_label(&format!("Points 1 to 6 of the batch of update {update}"));
        click(&mut window, "One step of training");
        assert_eq!(lit(&window), Some(5));
    }
    let done = step(&lab);
    click(&mut window, "Schedule: Linear, T 100");
    click(&mut window, "Schedule: VE");
    window.key_press(Key::Escape);
    window.run_steps(3);
    let s = cell(&rows(&window)[0], "s")[0];
    let t = cell(&rows(&window)[0], "t")[0];
    assert!(
        (s - Schedule::Ve.scales(t / 100.0, 100).s).abs() < HALF,
        "{s} at {t}"
    );
    assert_eq!(step(&lab), done, "settings take no step");
}

/// Set the slider of t.
fn go_to(window: &mut Window, t: u32) {
    window
        .get_by_role_and_label(Role::Slider, "t")
        .set_value_accesskit(t.into());
    window.run_steps(3);
}

/// Line 4 from the printed numbers is the printed x_{t−1}, to the digits that are printed, of every schedule and target, with
/// and without the clip; and the factors are those of the schedule.
#[test]
fn the_printed_step_of_the_chain_adds_up() {
    let own = Schedule::Custom(LogSnr::default());
    let schedules = [
        Schedule::Linear,
        Schedule::Cosine,
        Schedule::Ve,
        Schedule::Flow,
        Schedule::Literal,
        own,
    ];
    for (index, schedule) in schedules.into_iter().enumerate() {
        let target = Target::ALL[index % 5];
        let experiment = Experiment {
            target,
            schedule,
            clip: index % 2 == 0,
            seed: 3,
            ..small()
        };
        let choice = if index == 0 {
            EngineChoice::Gpu
        } else {
            EngineChoice::Cpu
        };
        let lab = Driven::new(experiment, choice);
        let mut window = window(lab.clone(), Chapter::Algorithm, false);
        click(&mut window, "Algorithm: Sampling");
        window.run_steps(2);
        for variance in [Variance::Beta, Variance::BetaTilde] {
            let name = if variance == Variance::Beta {
                "Forward step"
            } else {
                "Posterior"
            };
            click(&mut window, &format!("Variance: {name}"));
            window.run_steps(3);
            for t in [100, 99, 60, 25, 2, 1] {
                go_to(&mut window, t);
                window.get_by_label(&format!("6 particles at t = {t}"));
                let of = format!("{schedule}, {target:?}, {variance:?}, t = {t}");
                let [now, next] = [t, t - 1].map(|t| schedule.scales(f64::from(t) / 100.0, 100));
                let Factors { x, x_0, z: sigma } = variance.step(now, next);
                let factor = |name: &str, expected: f64| {
                    let found = number(&read(&window, name));
                    assert!(
                        (found - expected).abs() < 0.6e-6,
                        "{of}: {name} {found}, {expected}"
                    );
                    found
                };
                let sigma = factor("σ_t", sigma);
                let factors = if schedule.preserves_variance() {
                    let alpha = (now.a / next.a).powi(2);
                    let bracket = factor("1/√α_t", 1.0 / alpha.sqrt());
                    let inner = factor("(1 − α_t)/√(1 − ᾱ_t)", (1.0 - alpha) / now.s);
                    [bracket, -bracket * inner]
                } else {
                    [factor("c_t", x), factor("c₀", x_0)]
                };
                for row in rows(&window) {
                    let estimate = if schedule.preserves_variance() {
                        "ε̂"
                    } else {
                        "x̂₀"
                    };
                    for axis in 0..2 {
                        let at = |head| cell(&row, head)[axis];
                        let (x_t, second, z) = (at("x_t"), at(estimate), at("z"));
                        let sum = factors[0] * x_t + factors[1] * second + sigma * z;
                        let room = HALF * (1.0 + factors[0].abs() + factors[1].abs() + sigma)
                            + 1e-6 * (x_t.abs() + second.abs() + z.abs());
                        let found = at("x_{t−1}");
                        assert!(
                            (found - sum).abs() < room,
                            "{of}: {found} and {sum}, {row:?}"
                        );
                        assert_eq!(z == 0.0, sigma == 0.0, "{of}");
                        // x̂_0 and ε̂ are of one x_t.
                        let whole = now.a * at("x̂₀") + now.s * at("ε̂");
                        let room = HALF * (1.0 + now.a + now.s) + 1e-6 * (1.0 + x_t.abs());
                        assert!((whole - x_t).abs() < room, "{of}: {whole} and {x_t}");
                    }
                }
            }
        }
    }
}

/// The start is that of the seed, z is that of its step, the estimate is the network's, and each step begins where the one
/// before it ended.
#[test]
fn the_chain_is_the_networks_own() {
    let experiment = Experiment {
        clip: false,
        seed: 9,
        timesteps: 20,
        ..small()
    };
    let setup = Setup::new(experiment.clone()).unwrap();
    let mut engine = CpuEngine::new();
    let weights = initial_weights(experiment.shape(), experiment.seed);
    engine
        .load(&setup.spec, &ModelState::fresh(weights))
        .unwrap();
    let lab = Driven::new(experiment, EngineChoice::Cpu);
    let mut window = window(lab.clone(), Chapter::Algorithm, true);
    click(&mut window, "Algorithm: Sampling");
    go_to(&mut window, 20);
    let first = rows(&window);
    for (index, row) in first.iter().enumerate() {
        let start = normal(9, Stream::SamplerStart, 0, index as u32);
        for (found, start) in cell(row, "x_t").iter().zip(start) {
            assert!((found - f64::from(start)).abs() < HALF);
        }
        let hat = engine.predict(1.0, &[start], Weights::Ema).unwrap()[0];
        for (found, hat) in cell(row, "ε̂").iter().zip(hat) {
            // x̂_0 is kept in f32, and a is small at T.
            let error = (found - f64::from(hat)).abs();
            assert!(error < HALF + 1e-5, "{found}, {hat}");
        }
    }
    let mut before = first;
    for t in (1..20).rev() {
        click(&mut window, "One step of sampling");
        window.get_by_label(&format!("6 particles at t = {t}"));
        assert_eq!(lit(&window), Some(4));
        let now = rows(&window);
        for (before, now) in before.iter().zip(&now) {
            assert_eq!(cell(before, "x_{t−1}"), cell(now, "x_t"));
        }
        before = now;
    }
    click(&mut window, "One step of sampling");
    assert_eq!(lit(&window), Some(6));
    assert_eq!(step(&lab), 0, "sampling trains nothing");
}

/// From R on, line by line through a chain of two steps, and by itself; then all at once.
#[test]
fn the_lines_of_the_sampling_run_in_their_order() {
    let experiment = Experiment {
        timesteps: 2,
        ..small()
    };
    let lab = Driven::new(experiment, EngineChoice::Cpu);
    let mut window = window(lab.clone(), Chapter::Algorithm, false);
    click(&mut window, "Algorithm: Sampling");
    window.key_press(Key::R);
    window.run_steps(2);
    let place = |window: &Window| {
        let t = (1..=2).find(|t| {
            window
                .query_by_label(&format!("6 particles at t = {t}"))
                .is_some()
        });
        (lit(window).unwrap(), t.unwrap())
    };
    let expected = [
        (1, 2),
        (2, 2),
        (3, 2),
        (4, 2),
        (5, 2),
        (2, 1),
        (3, 1),
        (4, 1),
        (5, 1),
        (6, 1),
    ];
    let mut seen = vec![place(&window)];
    for _ in 1..expected.len() {
        click(&mut window, "One line");
        seen.push(place(&window));
    }
    assert_eq!(seen, expected);
    // By itself, to the end and no further.
    window.key_press(Key::R);
    window.run_steps(2);
    click(&mut window, "Play the algorithm");
    let mut seen = vec![place(&window)];
    for _ in 0..60 {
        window.run_steps(1);
        if seen.last() != Some(&place(&window)) {
            seen.push(place(&window));
        }
    }
    let walked: Vec<_> = std::iter::once((1, 2)).chain(seen).collect();
    let mut walked = walked;
    walked.dedup();
    assert_eq!(walked, expected);
    window.get_by_label("Play the algorithm");
    // All at once: eight seconds, in which no line is told apart.
    click(&mut window, "Speed: Run");
    window.key_press(Key::Space);
    window.run_steps(4);
    assert_eq!(lit(&window), None);
    window.get_by_label("Pause the algorithm");
    window.run_steps(60);
    assert_eq!(place(&window), (6, 1));
}

/// The way here from both chapters, and back: what was asked for ends with the chapter.
#[test]
fn training_and_reverse_lead_here_and_leaving_ends_what_runs() {
    for (chapter, choice) in [
        (Chapter::Training, "Algorithm: Training"),
        (Chapter::Reverse, "Algorithm: Sampling"),
    ] {
        let lab = Driven::new(small(), EngineChoice::Cpu);
        let mut window = window(lab.clone(), chapter, false);
        click(&mut window, "Line by line");
        assert_eq!(window.state().chapter(), Chapter::Algorithm);
        let toggled = window.get_by_label(choice).accesskit_node().toggled();
        assert_eq!(toggled, Some(egui::accesskit::Toggled::True), "{choice}");
        let follows = lab.snapshots().a.follows;
        assert_eq!(follows, if chapter == Chapter::Training { 6 } else { 0 });
        assert_eq!(rows(&window).len(), 6);
        window.get_by_role_and_label(Role::Tab, "Forward").click();
        window.run_steps(3);
        let Snapshots { a, .. } = lab.snapshots();
        assert!(a.follows == 0 && a.followed.is_none() && a.runs.is_empty());
    }
}

/// Two experiments: a step is one of each, of the same draws, and the table is of the one whose settings are on show. A copy
/// that takes the place of B is followed as B was.
#[test]
fn both_sides_walk_together() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let v = Experiment {
        target: Target::V,
        ..small()
    };
    lab.send(Order::Compare(Box::new([small(), v])));
    let mut window = window(lab.clone(), Chapter::Training, false);
    click(&mut window, "Experiment: B");
    click(&mut window, "Line by line");
    let steps = |lab: &Driven| {
        let Snapshots { a, b, .. } = lab.snapshots();
        [a.step, b.unwrap().step]
    };
    assert_eq!(steps(&lab), [0, 0]);
    for round in 1..=3 {
        click(&mut window, "One step of training");
        assert_eq!(steps(&lab), [round, round]);
        let title = format!("Points 1 to 6 of the batch of update {round}");
        window.get_by_label(&format!("B: {title}"));
        let in_b = rows(&window);
        click(&mut window, "Experiment: A");
        window.get_by_label(&format!("A: {title}"));
        let in_a = rows(&window);
        for (a, b) in in_a.iter().zip(&in_b) {
            for head in ["t", "x₀", "ε", "x_t"] {
                assert_eq!(cell(a, head), cell(b, head));
            }
            assert_ne!(cell(a, "ε̂"), cell(b, "ε̂"));
        }
        click(&mut window, "Experiment: B");
    }
    click(&mut window, "B = A");
    window.run_steps(3);
    assert_eq!(lab.snapshots().b.unwrap().follows, 6);
    click(&mut window, "Swap");
    click(&mut window, "One step of training");
    assert_eq!(steps(&lab), [4, 4]);
    assert_eq!(lit(&window), Some(5));
    // In slow motion too, one of each a round.
    click(&mut window, "Play the algorithm");
    window.run_steps(60);
    let [a, b] = steps(&lab);
    assert!(a == b && a >= 6, "{a}, {b}");
    click(&mut window, "Pause the algorithm");
    click(&mut window, "Algorithm: Sampling");
    window.run_steps(3);
    window.get_by_label("B: 6 particles at t = 20");
    for (step, t) in [(1, 19), (2, 18)] {
        click(&mut window, "One step of sampling");
        window.get_by_label(&format!("B: 6 particles at t = {t}"));
        assert_eq!(
            steps(&lab),
            [a, b],
            "{step} steps of sampling train nothing"
        );
    }
}

/// In the smallest window, split and not, with the largest numbers: every cell of the table lies in the window and none on
/// another, and the buttons and the first lines are within reach.
#[test]
fn the_smallest_window_clips_nothing() {
    let wide = Experiment {
        schedule: Schedule::Ve,
        timesteps: 2000,
        target: Target::Score,
        ..small()
    };
    for (split, size) in [
        (false, [960.0, 600.0]),
        (true, [960.0, 600.0]),
        (false, [1280.0, 800.0]),
    ] {
        for program in ["Training", "Sampling"] {
            let lab = Driven::new(wide.clone(), EngineChoice::Cpu);
            if split {
                lab.send(Order::Compare(Box::new([wide.clone(), wide.clone()])));
            }
            let mut window = window(lab, Chapter::Algorithm, false);
            click(&mut window, &format!("Algorithm: {program}"));
            if program == "Sampling" {
                go_to(&mut window, 1990);
            }
            window.set_size(vec2(size[0], size[1]));
            window.run_steps(3);
            let of = format!("{program}, split {split}, {size:?}");
            let all: Vec<_> = painted(&window)
                .into_iter()
                .map(|painted| (painted.text, painted.ink))
                .collect();
            for row in 1..=6 {
                let label = find(&window, &format!("Point {row}: ")).unwrap();
                let place = window.get_by_label(&label).rect();
                let inside = egui::Rect::from_min_size(egui::Pos2::ZERO, vec2(size[0], size[1]));
                assert!(inside.contains_rect(place), "{of}: row {row} at {place:?}");
                let mut cells: Vec<_> = all
                    .iter()
                    .filter(|(_, rect)| place.contains(rect.center()))
                    .collect();
                cells.sort_by(|a, b| a.1.left().total_cmp(&b.1.left()));
                let columns = if program == "Training" { 9 } else { 6 };
                assert_eq!(cells.len(), columns, "{of}: {cells:?}");
                for pair in cells.windows(2) {
                    assert!(pair[0].1.right() + 3.0 < pair[1].1.left(), "{of}: {pair:?}");
                }
                assert!(
                    place.left() <= cells[0].1.left()
                        && cells[columns - 1].1.right() <= place.right() + 1.0
                );
            }
            for name in [
                "Play the algorithm",
                "One line",
                &format!("One step of {}", program.to_lowercase()),
            ] {
                let rect = window.get_by_label(name).rect();
                assert!(
                    rect.right() <= size[0] && rect.bottom() < 0.6 * size[1],
                    "{of}: {name} {rect:?}"
                );
            }
            // Each line of the program fits its panel.
            for line in 1..=6 {
                let label = find(&window, &format!("Line {line}")).unwrap();
                let rect = window.get_by_label(&label).rect();
                let words = all.iter().filter(|(_, text)| rect.contains(text.center()));
                for (text, place) in words {
                    assert!(
                        place.right() <= rect.right() + 1.0,
                        "{of}: {text} {place:?} {rect:?}"
                    );
                }
            }
        }
    }
}

/// The noise is grey, what is predicted is the experiment's, and the points lie where the table says.
#[test]
fn what_is_printed_is_drawn() {
    // Until it predicts arrows of some length.
    let lab = Driven::new(small(), EngineChoice::Cpu);
    lab.train_until(300);
    lab.send(Command::Play.into());
    let mut window = window(lab, Chapter::Algorithm, false);
    let canvas = window.get_by_label("Algorithm canvas").rect();
    let palette = noise_compass::ui::theme::palette(false, Side::A);
    let view = noise_compass::ui::canvas::camera::Camera::fit(
        noise_compass::data::bounds::Bounds {
            min: [-3.0, -2.5],
            max: [3.0, 2.5],
        },
        canvas,
    );
    let rows = rows(&window);
    let image = window.render().unwrap();
    let count = |at: egui::Pos2, color: egui::Color32, radius: i32| {
        let mut count = 0;
        for (x, y) in (-radius..=radius).flat_map(|x| (-radius..=radius).map(move |y| (x, y))) {
            let pixel = image
                .get_pixel((at.x as i32 + x) as u32, (at.y as i32 + y) as u32)
                .0;
            let apart: i32 = (0..3)
                .map(|c| (i32::from(pixel[c]) - i32::from(color[c])).abs())
                .sum();
            count += i32::from(apart < 60);
        }
        count
    };
    let mut arrows = [0, 0];
    for row in &rows {
        let two = |head| [0, 1].map(|axis| cell(row, head)[axis] as f32);
        let (a, s) = (cell(row, "a")[0] as f32, cell(row, "s")[0] as f32);
        let place = |p: [f32; 2]| view.to_screen(canvas, p);
        let (clean, noised) = (two("x₀"), two("x_t"));
        assert!(
            count(place(clean), palette.data, 3) > 12,
            "x_0 at {clean:?}"
        );
        assert!(
            count(place(noised), palette.ink, 5) > 10,
            "x_t at {noised:?}"
        );
        // In the middle of each arrow.
        let shrunk = clean.map(|v| a * v);
        let hat = two("ε̂");
        let tail = [0, 1].map(|axis| noised[axis] - s * hat[axis]);
        for (which, (from, color)) in [(shrunk, palette.noise), (tail, palette.learned)]
            .into_iter()
            .enumerate()
        {
            let middle = [0, 1].map(|axis| 0.5 * (from[axis] + noised[axis]));
            arrows[which] += i32::from(count(place(middle), color, 2) >= 3);
        }
    }
    // The noise may lie beneath its prediction.
    assert!(arrows[0] >= 2 && arrows[1] >= 5, "{arrows:?}");
}

/// There is one t on the screen: where the clock is moved the chain goes there, and where the chain goes the clock follows.
#[test]
fn the_chain_and_the_clock_show_one_t() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let mut window = window(lab, Chapter::Algorithm, false);
    click(&mut window, "Algorithm: Sampling");
    window.run_steps(3);
    let timesteps = f64::from(small().timesteps);
    for tau in [0.6, 0.31, 0.02] {
        window.state_mut().desk.here.clock.set(tau);
        window.run_steps(4);
        let t = (tau * timesteps).round();
        window.get_by_label(&format!("6 particles at t = {t}"));
    }
    click(&mut window, "One step of sampling");
    window.run_steps(3);
    let (left, tau) = (0.02 * timesteps - 1.0, window.state().desk.here.clock.tau);
    window.get_by_label(&format!("6 particles at t = {left}"));
    assert!((tau * timesteps - left).abs() < 1e-9, "{tau}");
}
