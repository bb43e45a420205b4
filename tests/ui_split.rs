//! Two experiments in one window: split, swap, copy, lessons, links, each driven by name and by the mouse.

mod common;

use egui::accesskit::Role;
use egui::{Pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use common::{Driven, click, compare, find, window};
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{PlanStep, Sampler};
use noise_compass::diffusion::target::Target;
use noise_compass::engine::{EngineChoice, Start};
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::{Command, InStep, Order, Side, Slot, Snapshots};
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle as _;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::shell::lessons::Lesson;
use noise_compass::ui::theme;

type Window = Harness<'static, LabApp>;

fn small() -> Experiment {
    Experiment {
        width: 32,
        depth: 2,
        batch: 64,
        points: 512,
        sampler: Sampler::Ddim { eta: 0.0 },
        sampler_steps: 8,
        ..Experiment::default()
    }
}

/// A split window: A linear, B cosine, trained for 60 steps.
fn split(chapter: Chapter, light: bool) -> (Driven, Window) {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    lab.train_until(60);
    let cosine = Experiment {
        schedule: Schedule::Cosine,
        ..small()
    };
    lab.send(Order::Compare(Box::new([small(), cosine])));
    lab.send(Command::Play.into());
    let window = window(lab.clone(), chapter, light);
    lab.asked();
    (lab, window)
}

fn open(window: &mut Window, chapter: Chapter) {
    window
        .get_by_role_and_label(Role::Tab, chapter.title())
        .click();
    window.run_steps(5);
}

fn schedules(lab: &Driven) -> (Schedule, Option<Schedule>) {
    let Snapshots { a, b, .. } = lab.snapshots();
    (a.experiment.schedule, b.map(|b| b.experiment.schedule))
}

fn canvas(window: &Window, chapter: Chapter, side: &str) -> egui::Rect {
    window
        .get_by_label(&format!("{} canvas, {side}", chapter.title()))
        .rect()
}

fn press(window: &mut Window, at: Pos2) {
    window.hover_at(at);
    window.run_steps(1);
    for pressed in [true, false] {
        let button = egui::PointerButton::Primary;
        window.event(egui::Event::PointerButton {
            pos: at,
            button,
            pressed,
            modifiers: egui::Modifiers::NONE,
        });
        window.run_steps(1);
    }
    window.run_steps(3);
}

fn drag(window: &mut Window, from: Pos2, to: Pos2) {
    let button = egui::PointerButton::Primary;
    let modifiers = egui::Modifiers::NONE;
    window.hover_at(from);
    window.run_steps(1);
    window.event(egui::Event::PointerButton {
        pos: from,
        button,
        pressed: true,
        modifiers,
    });
    window.run_steps(1);
    for share in [0.5, 1.0] {
        window.hover_at(from + share * (to - from));
        window.run_steps(1);
    }
    window.event(egui::Event::PointerButton {
        pos: to,
        button,
        pressed: false,
        modifiers,
    });
    window.run_steps(3);
}

#[test]
fn one_button_splits_and_b_begins_as_a_copy() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    lab.train_until(30);
    lab.send(Command::Play.into());
    let mut window = window(lab.clone(), Chapter::Training, false);
    assert!(find(&window, "Training canvas, ").is_none());
    click(&mut window, "Split A | B");
    window.get_by_label("A and B are alike");
    let Snapshots { a, b, .. } = lab.snapshots();
    let b = b.unwrap();
    assert_eq!(
        (b.step, &b.experiment, &b.curve),
        (30, &a.experiment, &a.curve)
    );
    let [left, right] = ["A", "B"].map(|side| canvas(&window, Chapter::Training, side));
    assert!(
        (left.width() - right.width()).abs() < 1.0 && (left.right() - right.left()).abs() < 1.0
    );
    assert!(window.query_by_label("Split A | B").is_none());
    // The menus set B, which starts anew because it trains otherwise now; A keeps what it has.
    click(&mut window, "Experiment: B");
    click(&mut window, "Schedule: Cosine");
    window.get_by_label("A linear · B cosine, the rest alike");
    let Snapshots { a, b, .. } = lab.snapshots();
    assert_eq!((a.step, a.experiment.schedule), (30, Schedule::Linear));
    let b = b.unwrap();
    assert_eq!(
        (b.experiment.schedule, b.changed_at),
        (Schedule::Cosine, None),
        "not the old weights under another schedule"
    );
    // It catches up with A once it may train.
    lab.send(Command::Play.into());
    window.run_steps(2);
    assert_eq!(lab.snapshots().b.unwrap().step, 30);
    assert!(find(&window, "A, step 30").is_some() && find(&window, "B, step 30").is_some());
}

#[test]
fn swap_copy_and_keep() {
    let (lab, mut window) = split(Chapter::Training, false);
    assert_eq!(schedules(&lab), (Schedule::Linear, Some(Schedule::Cosine)));
    click(&mut window, "Swap");
    assert_eq!(schedules(&lab), (Schedule::Cosine, Some(Schedule::Linear)));
    window.get_by_label("A cosine · B linear, the rest alike");
    // The panel shows A still, and so the settings that were B's.
    assert_eq!(window.state().desk.here.draft.schedule, Schedule::Cosine);
    click(&mut window, "Swap");
    click(&mut window, "B = A");
    assert_eq!(schedules(&lab), (Schedule::Linear, Some(Schedule::Linear)));
    window.get_by_label("A and B are alike");
    click(&mut window, "Swap");
    click(&mut window, "Experiment: B");
    click(&mut window, "Schedule: Flow");
    click(&mut window, "End: End");
    click(&mut window, "Keep B");
    assert_eq!(schedules(&lab), (Schedule::Flow, None));
    assert_eq!(window.state().desk.here.draft.schedule, Schedule::Flow);
    window.get_by_label("Training canvas");
    assert!(window.query_by_label("Swap").is_none());
}

#[test]
fn every_lesson_is_one_click_and_opens_where_it_is_seen() {
    for lesson in Lesson::ALL {
        let lab = Driven::new(small(), EngineChoice::Cpu);
        lab.train_until(20);
        lab.send(Command::Play.into());
        let mut window = window(lab.clone(), Chapter::Forward, false);
        lab.asked();
        click(&mut window, "Lessons: Lessons");
        click(&mut window, lesson.words().title);
        window.run_steps(3);
        let compared: Vec<_> = lab
            .asked()
            .into_iter()
            .filter(|order| matches!(order, Order::Compare(_) | Order::Both(Command::Play)))
            .collect();
        assert!(
            matches!(
                &compared[..],
                [Order::Compare(_), Order::Both(Command::Play)]
            ),
            "{lesson:?}: {compared:?}"
        );
        let Snapshots { a, b, .. } = lab.snapshots();
        assert_eq!(
            [&*a.experiment, &*b.unwrap().experiment],
            [
                &lesson.experiments(&small())[0],
                &lesson.experiments(&small())[1]
            ]
        );
        assert_eq!(window.state().chapter(), lesson.chapter());
        assert!(find(&window, "A and B are alike").is_none(), "{lesson:?}");
    }
}

#[test]
fn the_end_menu_leads_back_to_the_training_before_a_lesson() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    lab.train_until(25);
    lab.send(Command::Play.into());
    let mut window = window(lab.clone(), Chapter::Training, false);
    click(&mut window, "Lessons: Lessons");
    click(&mut window, Lesson::Schedules.words().title);
    lab.train_until(10);
    window.run_steps(3);
    click(&mut window, "End: End");
    click(&mut window, "Go back");
    let Snapshots { a, b, .. } = lab.snapshots();
    assert!(b.is_none());
    assert_eq!((a.step, &*a.experiment), (25, &small()));
    assert_eq!(window.state().desk.here.draft, small());
}

#[test]
fn the_pointer_on_one_side_is_marked_at_the_same_place_of_the_other() {
    let (_, mut window) = split(Chapter::ScoreField, false);
    let [left, right] = ["A", "B"].map(|side| canvas(&window, Chapter::ScoreField, side));
    let away = vec2(61.0, -37.0);
    window.hover_at(left.center() + away);
    window.run_steps(4);
    let mark = window.get_by_label("Pointer on B").rect().center();
    assert!(mark.distance(right.center() + away) < 1.0, "{mark:?}");
    // Both sides read the score there.
    let plates = window
        .query_all_by(|node| {
            node.value()
                .is_some_and(|text| text.starts_with("learned  "))
        })
        .count();
    assert_eq!(plates, 2);
    window.hover_at(right.center() - away);
    window.run_steps(4);
    let mark = window.get_by_label("Pointer on A").rect().center();
    assert!(mark.distance(left.center() - away) < 1.0);
    assert!(window.query_by_label("Pointer on B").is_none());
    window.state_mut().desk.links.cursor = false;
    window.run_steps(3);
    assert!(window.query_by_label("Pointer on A").is_none());
}

#[test]
fn clock_camera_and_points_are_linked_until_they_are_not() {
    let (lab, mut window) = split(Chapter::Compass, false);
    let other = |window: &Window| window.state().desk.side_state(Side::B).unwrap().clone();
    // The clock: a slider for both.
    window.get_by_label("Time").set_value_accesskit(0.5);
    window.run_steps(3);
    assert_eq!(
        (window.state().desk.here.clock.tau, other(&window).clock.tau),
        (0.5, 0.5)
    );
    // A point placed in A is placed in B, by each side's own data and scales.
    let [left, right] = ["A", "B"].map(|side| canvas(&window, Chapter::Compass, side));
    press(&mut window, left.center() + vec2(50.0, 30.0));
    let place = |window: &Window| find(window, "x_t ").unwrap();
    let in_a = place(&window);
    click(&mut window, "Experiment: B");
    assert_eq!(place(&window), in_a);
    // Dragged in B, it moves in A.
    drag(
        &mut window,
        right.center() + vec2(50.0, 30.0),
        right.center() + vec2(-20.0, -40.0),
    );
    let in_b = place(&window);
    assert_ne!(in_b, in_a);
    click(&mut window, "Experiment: A");
    assert_eq!(place(&window), in_b);
    // The camera: zoomed in A, zoomed in B.
    window.hover_at(left.center());
    window.event(egui::Event::Zoom(1.5));
    window.run_steps(6);
    let [own, theirs] = [
        window.state().desk.here.cameras["compass"],
        other(&window).cameras["compass"],
    ];
    assert_eq!(own, theirs);
    // Unlinked through the menu, each side goes its own way.
    click(&mut window, "Links: Linked");
    for link in [
        "Clock and scrubber",
        "Pan and zoom",
        "Points that a click places",
    ] {
        click(&mut window, link);
    }
    window.key_press(egui::Key::Escape);
    window.run_steps(3);
    window.get_by_label("Time").set_value_accesskit(0.3);
    press(&mut window, left.center() + vec2(-80.0, 10.0));
    assert_eq!(
        (window.state().desk.here.clock.tau, other(&window).clock.tau),
        (0.3, 0.5)
    );
    let in_a = place(&window);
    click(&mut window, "Experiment: B");
    assert_ne!(place(&window), in_a);
    assert_eq!(window.state().desk.here.clock.tau, 0.5);
    drop(lab);
}

/// The hand comes before the pictures of its frame: what a click asks for is asked for at once, and on both sides.
#[test]
fn a_click_is_followed_by_both_sides_in_its_own_frame() {
    let (lab, mut window) = split(Chapter::Trajectories, false);
    let at = canvas(&window, Chapter::Trajectories, "A").center() + vec2(10.0, -30.0);
    window.hover_at(at);
    window.run_steps(2);
    lab.asked();
    for pressed in [true, false] {
        let button = egui::PointerButton::Primary;
        window.event(egui::Event::PointerButton {
            pos: at,
            button,
            pressed,
            modifiers: egui::Modifiers::NONE,
        });
    }
    window.step();
    let orders = lab.asked();
    for side in Side::BOTH {
        let one_start = |order: &Order| match order {
            Order::To(to, Command::Run(Slot::PathsByHeun, request)) => {
                *to == side && matches!(&request.start, Start::Points(points) if points.len() == 1)
            }
            _ => false,
        };
        assert!(
            orders.iter().any(one_start),
            "{side:?} does not follow in the frame of the click"
        );
    }
}

#[test]
fn the_scrubber_of_one_side_moves_the_other() {
    let (_, mut window) = split(Chapter::Reverse, false);
    window
        .get_by_role_and_label(Role::Slider, "Step")
        .set_value_accesskit(2.0);
    window.run_steps(3);
    assert!(
        (window.state().desk.here.clock.tau - 0.75).abs() < 1e-9,
        "two of eight steps"
    );
    for side in ["A", "B"] {
        click(&mut window, &format!("Experiment: {side}"));
        window.get_by_label("step on show 2 of 8");
    }
}

/// SDE against ODE: the chapter samples each side by its own sampler, from the same noise.
#[test]
fn each_side_is_sampled_by_its_own_sampler_from_the_same_noise() {
    let (lab, mut window) = split(Chapter::Training, false);
    lab.train_until(80);
    click(&mut window, "Lessons: Lessons");
    click(&mut window, Lesson::SdeOde.words().title);
    window.run_steps(8);
    let Snapshots { a, b, .. } = lab.snapshots();
    let b = b.unwrap();
    assert_eq!(
        (a.step, b.step),
        (80, 80),
        "the weights stayed, and both trained on"
    );
    assert!(
        matches!(a.experiment.sampler, Sampler::Ddpm(_)) && b.experiment.sampler == Sampler::Euler
    );
    let [of_a, of_b] = [&a, &b].map(|snapshot| snapshot.runs[&Slot::Reverse].done.clone().unwrap());
    let noisy = |run: &noise_compass::lab::message::RunResult| {
        run.request.plan.steps.iter().any(PlanStep::is_noisy)
    };
    assert!(noisy(&of_a) && !noisy(&of_b));
    let [first, second] =
        [&of_a, &of_b].map(|run| run.recording.points.to_host().unwrap()[..2000].to_vec());
    assert_eq!(first, second, "the same noise to begin with");
}

#[test]
fn equal_steps_or_equal_time_is_the_users_choice() {
    let (lab, mut window) = split(Chapter::Training, false);
    click(&mut window, "In step: Same time");
    assert_eq!(lab.snapshots().in_step, InStep::Time);
    window.get_by_role_and_label(Role::RadioButton, "In step: Same time");
    click(&mut window, "In step: Same steps");
    assert_eq!(lab.snapshots().in_step, InStep::Steps);
}

#[test]
fn the_divider_is_dragged_and_each_side_keeps_its_part() {
    let (_, mut window) = split(Chapter::Training, true);
    click(&mut window, "Canvas: Divider");
    window.run_steps(2);
    let whole =
        canvas(&window, Chapter::Training, "A").union(canvas(&window, Chapter::Training, "B"));
    let grip = window
        .get_by_label("Divider between A and B")
        .rect()
        .center();
    assert!((grip.x - whole.center().x).abs() < 1.0);
    let target = Pos2::new(whole.left() + 0.25 * whole.width(), grip.y);
    drag(&mut window, grip, target);
    let [left, right] = ["A", "B"].map(|side| canvas(&window, Chapter::Training, side));
    assert!(
        (left.right() - target.x).abs() < 2.0 && (right.left() - target.x).abs() < 2.0,
        "{left:?} {right:?}"
    );
    // A's blue is left of the line alone, B's vermilion right of it.
    let image = window.render().unwrap();
    let near = |side: Side, x: std::ops::Range<f32>| {
        let color = theme::palette(true, side).learned;
        let mut count = 0;
        // Beneath the legend.
        for y in (whole.top() as u32 + 60)..whole.bottom() as u32 {
            for x in x.start as u32..x.end as u32 {
                let pixel = image.get_pixel(x, y).0;
                count += usize::from((0..3).all(|c| pixel[c].abs_diff(color.to_array()[c]) < 36));
            }
        }
        count
    };
    let (left, right) = (
        whole.left() + 2.0..target.x - 14.0,
        target.x + 14.0..whole.right() - 2.0,
    );
    assert!(near(Side::A, left.clone()) > 40 && near(Side::B, right.clone()) > 40);
    assert_eq!((near(Side::B, left), near(Side::A, right)), (0, 0));
}

/// With the chapters unlinked each side has its own; both train on in step, and what is equal stays bit-equal.
#[test]
fn two_equal_experiments_stay_bit_equal_for_500_steps_with_different_chapters_open() {
    for choice in [EngineChoice::Cpu, EngineChoice::Gpu] {
        let lab = Driven::new(small(), choice);
        let mut window = window(lab.clone(), Chapter::Training, false);
        click(&mut window, "Split A | B");
        window.state_mut().desk.links.chapter = false;
        let rounds = [
            (Chapter::ScoreField, Chapter::Trajectories),
            (Chapter::Reverse, Chapter::Compass),
            (Chapter::Forward, Chapter::ScoreField),
            (Chapter::Trajectories, Chapter::Training),
            (Chapter::Schedules, Chapter::Reverse),
        ];
        for (round, (in_a, in_b)) in rounds.into_iter().enumerate() {
            for (side, chapter) in [("A", in_a), ("B", in_b)] {
                click(&mut window, &format!("Experiment: {side}"));
                open(&mut window, chapter);
                assert_eq!(window.state().chapter(), chapter);
            }
            window.get_by_label(&format!("{} canvas, A", in_a.title()));
            window.get_by_label(&format!("{} canvas, B", in_b.title()));
            lab.train_until(100 * (round as u64 + 1));
            lab.send(Command::Play.into());
            window.run_steps(2);
        }
        let [a, b] =
            Side::BOTH.map(|side| lab.pair(|pair| pair.session_mut(side).unwrap().model()));
        assert_eq!(a.step, 500);
        assert!(a == b, "{choice:?}: A and B parted");
        let Snapshots { a, b, .. } = lab.snapshots();
        assert_eq!(a.curve, b.unwrap().curve);
    }
}

/// A start that is dragged on one side goes along on the other, and one that is taken away there goes here.
#[test]
fn linked_starts_go_where_the_hand_takes_one_of_them() {
    let (_, mut window) = split(Chapter::Trajectories, false);
    click(&mut window, "View: Plane");
    let [a, b] = ["A", "B"].map(|side| canvas(&window, Chapter::Trajectories, side));
    for by in [vec2(-40.0, 30.0), vec2(50.0, -60.0)] {
        press(&mut window, a.center() + by);
    }
    let place = |window: &Window, name: &str| window.get_by_label(name).rect().center();
    let from = place(&window, "Start 1, A");
    let to = from + vec2(70.0, 25.0);
    window.drag_at(from);
    window.run_steps(1);
    for share in [0.5, 1.0] {
        window.hover_at(from + share * (to - from));
        window.run_steps(1);
    }
    window.drop_at(to);
    window.run_steps(4);
    let [on_a, on_b] = ["A", "B"].map(|side| place(&window, &format!("Start 1, {side}")));
    assert!(on_a.distance(to) < 1.0, "{on_a}, not {to}");
    assert!((on_a - a.center() - (on_b - b.center())).length() < 1.0);
    window.get_by_label("Start 1, B").click_secondary();
    window.run_steps(4);
    assert!(window.query_by_label("Start 2, A").is_none());
    assert!((place(&window, "Start 1, A") - a.center() - vec2(50.0, -60.0)).length() < 1.0);
}

/// One clock for two chapters, of which one generates: it runs as the chapter says whose panel is on show.
#[test]
fn the_clock_runs_as_the_chapter_of_the_panel_says() {
    let (_, mut window) = split(Chapter::Training, false);
    window.state_mut().desk.links.chapter = false;
    open(&mut window, Chapter::Forward);
    click(&mut window, "Experiment: B");
    open(&mut window, Chapter::Reverse);
    for (side, generates) in [("B", true), ("A", false), ("B", true)] {
        click(&mut window, &format!("Experiment: {side}"));
        let [data, noise] =
            ["data", "noise"].map(|name| window.get_by_label(name).rect().center().x);
        assert_eq!(noise < data, generates, "{side}");
        window.get_by_label("Time").set_value_accesskit(0.5);
        window.run_steps(2);
        click(&mut window, "Play the clock");
        window.run_steps(2);
        let tau = window.state().desk.here.clock.tau;
        assert_eq!(tau < 0.5, generates, "{side}: {tau}");
        click(&mut window, "Pause the clock");
    }
}

#[test]
fn every_chapter_shows_both_sides_in_every_arrangement() {
    let (lab, mut window) = split(Chapter::Training, false);
    for arrangement in ["Beside", "Divider", "Overlay"] {
        click(&mut window, &format!("Canvas: {arrangement}"));
        for chapter in Chapter::ALL {
            open(&mut window, chapter);
            for side in ["A", "B"] {
                window.get_by_label(&format!("{} canvas, {side}", chapter.title()));
            }
            window.render().unwrap();
        }
    }
    drop(lab);
}

fn looks_as_it_did(light: bool) {
    let (_, mut window) = split(Chapter::Training, light);
    let theme = if light { "light" } else { "dark" };
    compare(&mut window, &format!("split_training_{theme}"));
    open(&mut window, Chapter::Schedules);
    compare(&mut window, &format!("split_schedules_{theme}"));
    open(&mut window, Chapter::ScoreField);
    click(&mut window, "Canvas: Divider");
    window.run_steps(4);
    compare(&mut window, &format!("split_score_divider_{theme}"));
    open(&mut window, Chapter::Trajectories);
    click(&mut window, "Canvas: Beside");
    window.run_steps(4);
    compare(&mut window, &format!("split_trajectories_{theme}"));
}

#[test]
fn the_split_window_looks_as_it_did_in_the_dark() {
    looks_as_it_did(false);
}

#[test]
fn the_split_window_looks_as_it_did_in_the_light() {
    looks_as_it_did(true);
}

/// The table of two says whose losses do not compare, and shows what does.
#[test]
fn the_table_says_what_does_not_compare() {
    const WORDS: [&str; 2] = [
        "losses, score errors do not compare: see x̂₀ error",
        "losses do not compare: see x̂₀ error",
    ];
    for (b, words) in [
        (
            Experiment {
                schedule: Schedule::Cosine,
                ..small()
            },
            Some(WORDS[0]),
        ),
        (
            Experiment {
                target: Target::V,
                ..small()
            },
            Some(WORDS[1]),
        ),
        (Experiment { seed: 3, ..small() }, None),
    ] {
        let lab = Driven::new(small(), EngineChoice::Cpu);
        lab.send(Order::Compare(Box::new([small(), b])));
        lab.train_until(60);
        lab.send(Command::Play.into());
        let window = window(lab.clone(), Chapter::Training, true);
        for known in WORDS {
            assert_eq!(
                window.query_by_label(known).is_some(),
                words == Some(known),
                "{known} for {words:?}"
            );
        }
        for side in ["A", "B"] {
            let row = find(&window, &format!("{side}, step 60")).unwrap();
            for name in ["surprise ", "shares χ²/dof ", "score error ", "x̂₀ error "] {
                let value = row
                    .split(", ")
                    .find_map(|cell| cell.strip_prefix(name))
                    .unwrap();
                assert!(
                    value.starts_with(|c: char| c.is_ascii_digit()),
                    "{name} of {row}"
                );
            }
        }
    }
}
