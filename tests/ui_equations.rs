//! The formulas in the window, through all schedules, targets and chapters: each schedule shows its own, and no other's.

mod common;

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use common::{Driven, click, window};
use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::target::Target;
use noise_compass::engine::EngineChoice;
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::{Command, Order, Restart, Side};
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle as _;
use noise_compass::ui::shell::app::LabApp;

type Window = Harness<'static, LabApp>;

fn small() -> Experiment {
    Experiment {
        width: 32,
        depth: 1,
        points: 256,
        timesteps: 100,
        sampler_steps: 4,
        ..Experiment::default()
    }
}

fn schedules() -> [Schedule; 6] {
    [
        Schedule::Linear,
        Schedule::Cosine,
        Schedule::Ve,
        Schedule::Flow,
        Schedule::Literal,
        Schedule::Custom(LogSnr::default()),
    ]
}

fn configure(lab: &Driven, window: &mut Window, experiment: Experiment) {
    lab.send(
        Command::Configure {
            experiment: Box::new(experiment),
            restart: Restart::Anew,
        }
        .into(),
    );
    settle(window);
}

fn settle(window: &mut Window) {
    // The controls wait for the answer to what was asked for last.
    window.run_steps(3);
    while window.state_mut().is_busy() {
        std::thread::sleep(std::time::Duration::from_millis(5));
        window.run_steps(1);
    }
    window.run_steps(2);
}

/// All that a screen reader finds.
fn all_text(window: &Window) -> Vec<String> {
    let nodes = window.query_all_by(|_| true).map(|node| {
        let node = node.accesskit_node();
        [node.label(), node.value()]
    });
    nodes.flatten().flatten().collect()
}

fn jump(schedule: Schedule) -> &'static str {
    match schedule {
        Schedule::Ve => "x t is x 0 plus sigma t times epsilon",
        Schedule::Flow => "x t is one minus t times x 0, plus t times epsilon",
        _ => "x t is root alpha bar t times x 0, plus root of one minus alpha bar t times epsilon",
    }
}

#[test]
fn forward_shows_each_paths_own_jump_chain_and_growth() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let mut window = window(lab.clone(), Chapter::Forward, false);
    for schedule in schedules() {
        configure(
            &lab,
            &mut window,
            Experiment {
                schedule,
                ..small()
            },
        );
        let [chain, growth] = match schedule {
            Schedule::Ve => [
                "x t is x t minus one, plus root of sigma t squared minus sigma t minus one squared, times z t",
                "x t is x 0 plus sigma t times epsilon",
            ],
            Schedule::Flow => [
                "x t is a times x r, plus sigma times z t; sigma squared is t squared minus a squared times r squared; a \
                 is one minus t over one minus r; r is t minus one over T",
                "x t is x 0, plus the root of the sum of sigma squared of all steps up to t, times epsilon; sigma squared \
                 of the step to u is u squared minus a squared times r squared; a is one minus u over one minus r; r is u \
                 minus one over T",
            ],
            _ => [
                "x t is root of one minus beta t times x t minus one, plus root beta t times z t",
                "x t is x 0, plus the root of the sum of all beta up to t, times epsilon",
            ],
        };
        for (way, expected) in [
            ("Jump", jump(schedule)),
            ("Chain", chain),
            ("No shrinking", growth),
        ] {
            click(&mut window, &format!("Way: {way}"));
            settle(&mut window);
            let shown: Vec<_> = all_text(&window)
                .into_iter()
                .filter(|text| text.starts_with("x t is"))
                .collect();
            assert_eq!(shown, [expected], "{schedule}, {way}");
        }
        // The variance that grows is that of the schedule's own steps: on the variance-exploding schedule nothing was shrunk.
        window.get_by_label("Time").set_value_accesskit(1.0);
        settle(&mut window);
        let shrinking = if schedule == Schedule::Ve {
            "never shrinking"
        } else {
            "shrinking"
        };
        let own = match schedule {
            Schedule::Ve => "101.000",
            _ => "1.000",
        };
        window.get_by_label(&format!("variance, {shrinking} {own}"));
        if schedule == Schedule::Ve {
            window.get_by_label("variance, noise only added 101.000");
        }
        if schedule == Schedule::Flow {
            // Σ (2 i (T − i + 1) − T) / (T (T − i + 1)²), T = 100.
            let sum: f64 = (1..=100)
                .map(f64::from)
                .map(|i| (2.0 * i * (101.0 - i) - 100.0) / (100.0 * (101.0 - i).powi(2)))
                .sum();
            window.get_by_label(&format!("variance, noise only added {:.3}", 1.0 + sum));
        }
        click(&mut window, "Way: Jump");
    }
}

#[test]
fn schedules_shows_the_formula_of_each_side_also_unlinked_and_swapped() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let mut window = window(lab.clone(), Chapter::Schedules, true);
    let line = |side: &str, schedule: Schedule| {
        format!("{side} {}: {}", schedule.words().title, jump(schedule))
    };
    let shown = |window: &Window| -> Vec<String> {
        all_text(window)
            .into_iter()
            .filter(|text| text.contains(": x t is"))
            .collect()
    };
    // One experiment: the chapter's own two, by their names alone.
    let alone = |schedule: Schedule| line("", schedule).trim_start().to_owned();
    assert_eq!(
        shown(&window),
        [alone(Schedule::Linear), alone(Schedule::Cosine)]
    );
    click(&mut window, "Right schedule: Yours");
    assert_eq!(
        shown(&window),
        [
            alone(Schedule::Linear),
            alone(Schedule::Custom(LogSnr::default()))
        ]
    );
    // Two: each its own, every pair.
    for a in schedules() {
        for b in schedules() {
            lab.send(Order::Compare(Box::new([a, b].map(|schedule| {
                Experiment {
                    schedule,
                    ..small()
                }
            }))));
            settle(&mut window);
            assert_eq!(shown(&window), [line("A", a), line("B", b)]);
            let beta = a.preserves_variance() && b.preserves_variance();
            let name = if beta {
                "A β at t"
            } else {
                "A σ² of a step"
            };
            assert!(
                all_text(&window).iter().any(|text| text.starts_with(name)),
                "{a} {b}"
            );
        }
    }
    let [a, b] = [Schedule::Ve, Schedule::Flow];
    lab.send(Order::Compare(Box::new([a, b].map(|schedule| {
        Experiment {
            schedule,
            ..small()
        }
    }))));
    settle(&mut window);
    // σ_t² − σ_{t−1}² at t/T = 0.2 and T = 100, and the flow's (2 t (T − t + 1) − T)/(T (T − t + 1)²) at t = 20.
    let ve = 1e-4 * (1e6_f64.powf(0.2) - 1e6_f64.powf(0.19));
    let flow = (40.0 * 81.0 - 100.0) / (100.0 * 81.0 * 81.0);
    assert!((ve - 2.045e-4).abs() < 1e-6, "{ve}");
    window.get_by_label("A σ² of a step 2.0e−4");
    window.get_by_label(&format!("B σ² of a step {flow:.4}"));
    click(&mut window, "Swap");
    settle(&mut window);
    assert_eq!(shown(&window), [line("A", b), line("B", a)]);
    click(&mut window, "Links: Linked");
    click(&mut window, "Chapter: both show the same");
    window.key_press(egui::Key::Escape);
    settle(&mut window);
    for side in ["B", "A"] {
        click(&mut window, &format!("Experiment: {side}"));
        settle(&mut window);
        assert_eq!(
            shown(&window),
            [line("A", b), line("B", a)],
            "panel of {side}"
        );
    }
}

#[test]
fn the_score_is_shown_by_what_the_network_predicts() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let mut window = window(lab.clone(), Chapter::ScoreField, false);
    for schedule in schedules() {
        for target in Target::ALL {
            configure(
                &lab,
                &mut window,
                Experiment {
                    schedule,
                    target,
                    ..small()
                },
            );
            let text = all_text(&window);
            let [shown] = &text
                .iter()
                .filter(|text| text.starts_with("the gradient of"))
                .collect::<Vec<_>>()[..]
            else {
                panic!("{schedule} {target:?}: {text:?}");
            };
            let output = match target {
                Target::Eps => "minus epsilon theta",
                Target::X0 => "x theta",
                Target::V => "v theta",
                Target::Score => "about s theta",
                Target::Velocity => "u theta",
                Target::Edm => "F theta",
            };
            assert!(shown.contains(output), "{schedule} {target:?}: {shown}");
            let scale = match schedule {
                Schedule::Ve => "divided by sigma t",
                Schedule::Flow => "divided by t",
                _ => "divided by root of one minus alpha bar t",
            };
            assert_eq!(
                shown.contains(scale),
                target != Target::Score,
                "{schedule} {target:?}: {shown}"
            );
        }
    }
}

/// No chapter speaks of β or ᾱ_t in a formula where the schedule has none, nor of σ_t where it has none.
#[test]
fn no_chapter_shows_another_familys_formula() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let mut window = window(lab.clone(), Chapter::Training, false);
    for chapter in Chapter::ALL {
        window
            .get_by_role_and_label(egui::accesskit::Role::Tab, chapter.title())
            .click();
        settle(&mut window);
        for schedule in schedules() {
            // Schedules shows two of its own while there is one experiment.
            if chapter == Chapter::Schedules {
                lab.send(Order::Compare(Box::new([schedule; 2].map(|schedule| {
                    Experiment {
                        schedule,
                        ..small()
                    }
                }))));
            } else {
                lab.send(
                    Command::Configure {
                        experiment: Box::new(Experiment {
                            schedule,
                            ..small()
                        }),
                        restart: Restart::Anew,
                    }
                    .into(),
                );
            }
            settle(&mut window);
            assert_eq!(window.state().desk.here.draft.schedule, schedule);
            let foreign: &[&str] = match schedule {
                Schedule::Ve => &["alpha bar", "beta t", "√β", "β at t", "one minus t times"],
                Schedule::Flow => &["alpha bar", "beta t", "√β", "β at t", "sigma t "],
                _ => &["sigma t ", "σ² of a step", "one minus t times"],
            };
            // The lines of an algorithm stand as they do in the paper; what is otherwise here stands beside them.
            let of_the_paper = |text: &String| text.starts_with("Line ");
            for text in all_text(&window)
                .into_iter()
                .filter(|text| !of_the_paper(text))
            {
                assert!(
                    !foreign.iter().any(|word| text.contains(word)),
                    "{} {schedule}: {text}",
                    chapter.title()
                );
            }
        }
        if chapter == Chapter::Schedules {
            lab.send(Order::Keep(Side::A));
            settle(&mut window);
        }
    }
}
