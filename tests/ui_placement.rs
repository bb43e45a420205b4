//! A placement of steps of one's own, drawn by three handles: what is run, what is kept, and when.

mod common;

use egui::accesskit::Role;
use egui::{Key, Modifiers, Pos2, Shape, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use common::{Still, card, click, compare, find, small, window};
use noise_compass::diffusion::solver::{Placement, Sampler, Spacing};
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::{Command, Slot};
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::shell::app::LabApp;

type Window = Harness<'static, LabApp>;

/// Five steps of Heun have four intervals before the landing: the handles are three of its knots.
fn lab() -> Still {
    let experiment = Experiment {
        sampler_steps: 5,
        ..small()
    };
    assert_eq!(experiment.sampler, Sampler::Heun);
    Still::new(experiment, card(), 100)
}

fn own(handles: [f64; 3]) -> Placement {
    Placement::Own(Spacing::new(handles))
}

/// The knots of every run that was asked for since the last call, and under which name.
fn knots(lab: &Still) -> Vec<(Slot, Vec<f64>)> {
    let of = |command| match command {
        Command::Run(slot, request) => {
            let steps = request.plan.steps.iter().filter(|stage| stage.ends_step);
            let taus = std::iter::once(1.0).chain(steps.map(|stage| stage.tau_next));
            Some((slot, taus.collect()))
        }
        _ => None,
    };
    lab.asked().into_iter().filter_map(of).collect()
}

/// Where the handle of this number is, and how far t/T = 1 is.
fn handle(window: &Window, number: usize) -> (Pos2, f32) {
    let name = format!("Placement handle {number}");
    let strip = window.get_by_label_contains("steps, from noise to data");
    let handle = window.get_by_role_and_label(Role::Slider, &name);
    (handle.rect().center(), strip.rect().width() - 24.0)
}

/// Drag towards the data by this much of t/T, and hold on.
fn pull(window: &mut Window, number: usize, by: f32) -> Pos2 {
    let (from, width) = handle(window, number);
    let to = from + vec2(width * by, 0.0);
    window.drag_at(from);
    window.run_steps(1);
    for at in [from + 0.5 * (to - from), to] {
        window.hover_at(at);
        window.run_steps(1);
    }
    to
}

/// t/T of the ticks on the strip.
fn ticks(window: &Window) -> Vec<f64> {
    let strip = window.get_by_label_contains("steps, from noise to data");
    let (rect, mut found) = (strip.rect(), Vec::new());
    for clipped in &window.output().shapes {
        if let Shape::LineSegment { points: [a, b], .. } = &clipped.shape
            && a.x == b.x
            && rect.contains(*a)
            && rect.contains(*b)
        {
            let share = (a.x - rect.left() - 12.0) / (rect.width() - 24.0);
            found.push(f64::from(1.0 - share));
        }
    }
    found
}

fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance;
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(close),
        "{found:?} and not {expected:?}"
    );
}

fn value(window: &Window, number: usize) -> f64 {
    let name = format!("Placement handle {number}");
    let node = window.get_by_role_and_label(Role::Slider, &name);
    node.accesskit_node().numeric_value().unwrap()
}

fn choose(window: &mut Window, present: &str, wanted: &str) {
    click(window, &format!("Placement: {present}"));
    click(window, wanted);
    window.run_steps(2);
}

/// The knots of the chain in Reverse, the only run that was asked for.
fn only(lab: &Still) -> Vec<f64> {
    let asked = knots(lab);
    let [(Slot::Reverse, knots)] = &asked[..] else {
        panic!("{asked:?}")
    };
    knots.clone()
}

#[test]
fn a_dragged_handle_moves_the_ticks_at_once_and_the_run_when_it_is_let_go() {
    let lab = lab();
    let mut window = window(lab.clone(), Chapter::Reverse, false);
    assert_eq!(find(&window, "Placement handle"), None);
    choose(&mut window, "Crowded", "Yours");
    near(
        &knots(&lab).last().unwrap().1,
        &[1.0, 0.75, 0.5, 0.25, 0.001, 0.0],
        1e-12,
    );
    let to = pull(&mut window, 2, 0.15);
    // A pixel is a two-hundredth.
    near(&ticks(&window), &[1.0, 0.75, 0.35, 0.25, 0.001, 0.0], 5e-3);
    assert!(
        knots(&lab).is_empty(),
        "nothing is run while the hand moves"
    );
    window.drop_at(to);
    window.run_steps(3);
    near(&only(&lab), &[1.0, 0.75, 0.35, 0.25, 0.001, 0.0], 1e-12);
    // A handle stops beside the next one.
    let to = pull(&mut window, 1, 0.6);
    window.drop_at(to);
    window.run_steps(3);
    near(&only(&lab), &[1.0, 0.36, 0.35, 0.25, 0.001, 0.0], 1e-12);
    assert_eq!(
        [1, 2, 3].map(|number| value(&window, number)),
        [0.36, 0.35, 0.25]
    );
}

#[test]
fn handles_are_moved_by_the_arrow_keys_and_the_clock_stays() {
    let lab = lab();
    let mut window = window(lab.clone(), Chapter::Reverse, false);
    choose(&mut window, "Crowded", "Yours");
    knots(&lab);
    let clock = window.state().desk.here.clock.tau;
    window
        .get_by_role_and_label(Role::Slider, "Placement handle 2")
        .focus();
    window.run_steps(2);
    window.key_press(Key::ArrowRight);
    window.run_steps(3);
    near(&only(&lab), &[1.0, 0.75, 0.49, 0.25, 0.001, 0.0], 1e-12);
    window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowLeft);
    window.run_steps(3);
    near(&only(&lab), &[1.0, 0.75, 0.59, 0.25, 0.001, 0.0], 1e-12);
    assert_eq!(window.state().desk.here.clock.tau, clock);
}

#[test]
fn one_placement_is_for_all_samplers_side_by_side() {
    let lab = lab();
    let mut window = window(lab.clone(), Chapter::Samplers, false);
    choose(&mut window, "Each its own", "Yours");
    knots(&lab);
    let to = pull(&mut window, 3, 0.2);
    window.drop_at(to);
    window.run_steps(4);
    let context = small().plan_context();
    let expected = own([0.75, 0.5, 0.05]).taus(8, context);
    let asked = knots(&lab);
    for place in 0..4 {
        let of = asked
            .iter()
            .rfind(|(slot, _)| *slot == Slot::SideBySide(place));
        near(
            &of.unwrap_or_else(|| panic!("{place}: {asked:?}")).1,
            &expected,
            1e-12,
        );
    }
    window.get_by_label("The 8 steps, from noise to data");
}

/// The live picture's is a setting of the experiment. Other placements keep the handles at hand.
#[test]
fn the_live_picture_is_placed_by_hand_and_handles_come_back() {
    let lab = lab();
    let mut window = window(lab.clone(), Chapter::Training, false);
    choose(&mut window, "Crowded", "Yours");
    let to = pull(&mut window, 1, 0.1);
    let placements = || lab.configured().into_iter().filter_map(|e| e.placement);
    assert_eq!(placements().collect::<Vec<_>>(), [own([0.75, 0.5, 0.25])]);
    window.drop_at(to);
    window.run_steps(3);
    assert_eq!(placements().collect::<Vec<_>>(), [own([0.65, 0.5, 0.25])]);
    choose(&mut window, "Yours", "Karras, ρ = 7");
    assert_eq!(find(&window, "Placement handle"), None);
    choose(&mut window, "Karras, ρ = 7", "Yours");
    assert_eq!(
        placements().collect::<Vec<_>>(),
        [Placement::Karras, own([0.65, 0.5, 0.25])]
    );
}

/// More steps than can be told apart are drawn as if they were fewer.
#[test]
fn at_most_64_steps_are_drawn() {
    let lab = Still::new(
        Experiment {
            sampler_steps: 300,
            placement: Some(own([0.6, 0.3, 0.1])),
            ..small()
        },
        card(),
        100,
    );
    let mut window = window(lab, Chapter::Training, true);
    window.get_by_label("As if there were 64 steps, from noise to data");
    let found = ticks(&window);
    assert_eq!(found.len(), 65);
    let between = found.windows(2).all(|pair| pair[1] < pair[0]);
    assert!(between, "{found:?}");
    window.set_size(Vec2::new(1280.0, 900.0));
    window.run_steps(2);
    compare(&mut window, "placement_own_light");
}
