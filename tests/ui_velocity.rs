//! The velocity in the chapter Score field: the bundle at a point, driven by name on a session of plain Rust, against closed forms.

mod common;

use common::{Zeros, click, compare, find, painted, window};
use egui::Pos2;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use noise_compass::data::bounds::Bounds;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::engine::EngineChoice;
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::{Order, Side, Slot};
use noise_compass::ui::canvas::camera::Camera;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::theme;

const CANVAS: &str = "Score field canvas";
/// What the chapter shows before the hand moves the camera.
const HOME: Bounds = Bounds {
    min: [-3.0, -2.6],
    max: [3.0, 2.6],
};

/// The window of the chapter on its velocities.
fn velocities(lab: &Zeros, light: bool) -> Harness<'static, LabApp> {
    let mut window = window(lab.clone(), Chapter::ScoreField, light);
    click(&mut window, "Show: Velocity");
    common::settle(&mut window);
    window
}

fn set_time(window: &mut Harness<'_, LabApp>, tau: f64) {
    window.get_by_label("Time").set_value_accesskit(tau);
    window.run_steps(4);
}

/// The text after `name`.
fn read(window: &Harness<'_, LabApp>, name: &str) -> String {
    let found = find(window, &format!("{name} "));
    let found = found.unwrap_or_else(|| panic!("no label begins with '{name}'"));
    found[name.len()..].trim().to_owned()
}

fn number(text: &str) -> f64 {
    let text = text.trim().replace('−', "-").replace('\u{2009}', "");
    text.parse().unwrap_or_else(|_| panic!("'{text}'"))
}

fn pair(text: &str) -> [f64; 2] {
    let (x, y) = text.split_once(',').unwrap();
    [number(x), number(y)]
}

/// The mean of the draws and its standard error along each axis.
fn means(window: &Harness<'_, LabApp>) -> [[f64; 2]; 2] {
    let [value, error] =
        ["mean of −u(x | x₀)", "its standard error"].map(|n| pair(&read(window, n)));
    [0, 1].map(|axis| [value[axis], error[axis]])
}

fn camera(window: &Harness<'_, LabApp>) -> (Camera, egui::Rect) {
    let canvas = window.get_by_label(CANVAS).rect();
    (Camera::fit(HOME, canvas), canvas)
}

fn press(window: &mut Harness<'_, LabApp>, at: Pos2) {
    window.hover_at(at);
    window.run_steps(1);
    window.drag_at(at);
    window.run_steps(2);
}

fn put(window: &mut Harness<'_, LabApp>, at: Pos2) {
    press(window, at);
    window.drop_at(at);
    window.run_steps(4);
}

/// Of N(0, I), v = a² + s²: u(x) = (a a′ + s s′) x/v, 0 wherever variance is preserved. The network that says ε̂ = 0 has x̂_0 = x/a, and
/// u = a′ x/a. The mean of the draws is the first, within what it may be off by.
#[test]
fn the_numbers_are_the_closed_forms_of_a_gaussian_and_the_mean_is_the_marginal() {
    for schedule in [Schedule::Linear, Schedule::Flow, Schedule::Ve] {
        let lab = Zeros::of_a_gaussian(schedule);
        let mut window = velocities(&lab, false);
        let (camera, canvas) = camera(&window);
        for (tau, x) in [(0.2, [1.0_f32, -0.75]), (0.6, [-0.5, 1.25])] {
            set_time(&mut window, tau);
            put(&mut window, camera.to_screen(canvas, x));
            let scales = |tau| schedule.scales(tau, 1000);
            let h = 1e-6;
            let (now, before, after) = (scales(tau), scales(tau - h), scales(tau + h));
            let [a, s] = [now.a, now.s];
            let [of_a, of_s] = [after.a - before.a, after.s - before.s].map(|d| d / (2.0 * h));
            let what = format!("{schedule} at {tau}");
            let place = pair(&read(&window, "x"));
            let marginal = pair(&read(&window, "marginal −u(x)"));
            let learned = pair(&read(&window, "learned −u(x)"));
            let mean = means(&window);
            let off = pair(&read(&window, "apart, in standard errors"));
            for axis in 0..2 {
                let x = f64::from(x[axis]);
                assert!((place[axis] - x).abs() < 0.011, "{what}: {place:?}");
                let factor = (a * of_a + s * of_s) / (a * a + s * s);
                let bound = 0.011 * (1.0 + factor.abs());
                assert!(
                    (marginal[axis] + factor * x).abs() < bound,
                    "{what}: {marginal:?}"
                );
                let factor = of_a / a;
                let bound = 0.011 * (1.0 + factor.abs());
                assert!(
                    (learned[axis] + factor * x).abs() < bound,
                    "{what}: {learned:?}"
                );
                // u(x | x_0) spreads by |a′ − a s′/s| s/√v.
                let spread = (of_a - a * of_s / s).abs() * s / (a * a + s * s).sqrt();
                let [value, error] = mean[axis];
                let expected = spread / 40.0_f64.sqrt();
                assert!(
                    (error / expected - 1.0).abs() < 0.4,
                    "{what}: {error} {expected}"
                );
                let away = (value - marginal[axis]).abs();
                assert!(away < 3.5 * error + 0.011, "{what}: {mean:?} {marginal:?}");
                assert!(
                    (off[axis] - away / error).abs() < 0.06 + 0.02 / error,
                    "{what}"
                );
            }
        }
    }
}

/// As one over the root of the number of draws.
#[test]
fn more_draws_come_nearer() {
    let lab = Zeros::of_a_gaussian(Schedule::Flow);
    let mut window = velocities(&lab, false);
    let mut errors = Vec::new();
    for draws in [10.0, 160.0] {
        let slider = window.get_by_role_and_label(Role::Slider, "Draws of x₀");
        slider.set_value_accesskit(draws);
        window.run_steps(3);
        let [x, y] = means(&window);
        errors.push(x[1].hypot(y[1]));
    }
    let ratio = errors[0] / errors[1];
    assert!((2.5..6.0).contains(&ratio), "{errors:?}");
}

/// The hand drags the point; the camera stays; an x_0 that is clicked is told, until it is clicked again.
#[test]
fn the_hand_drags_the_point_and_takes_an_x_0() {
    let lab = Zeros::of_a_gaussian(Schedule::Flow);
    let mut window = velocities(&lab, false);
    let (camera, canvas) = camera(&window);
    let [from, to] = [[0.2, 0.4], [-1.0, 0.6]].map(|x| camera.to_screen(canvas, x));
    set_time(&mut window, 0.05);
    press(&mut window, from);
    window.hover_at(to);
    window.run_steps(2);
    window.drop_at(to);
    window.run_steps(4);
    let place = pair(&read(&window, "x"));
    assert!((place[0] + 1.0).abs() < 0.011 && (place[1] - 0.6).abs() < 0.011);
    assert!(window.state().desk.here.cameras.is_empty());
    // Half way to noise x_0 given x is N(x, ½): some draw lies apart from the point.
    set_time(&mut window, 0.5);
    assert!(find(&window, "x₀  ").is_none());
    let image = window.render().unwrap();
    assert!(image.width() > 0);
    let mut told = None;
    'search: for row in -30..30 {
        for column in -30..30 {
            let at = to + 8.0 * egui::vec2(column as f32, row as f32);
            if at.distance(to) < 40.0 || !canvas.shrink(60.0).contains(at) {
                continue;
            }
            window.hover_at(at);
            window.run_steps(2);
            if let Some(text) = find(&window, "x₀  ") {
                told = Some((at, text));
                break 'search;
            }
        }
    }
    let (at, text) = told.expect("some x_0 is on show");
    put(&mut window, at);
    window.hover_at(canvas.left_bottom() + egui::vec2(30.0, -60.0));
    window.run_steps(2);
    assert_eq!(find(&window, "x₀  ").as_ref(), Some(&text), "it is kept");
    // x = a x_0 + s ε, and −u(x | x_0) = x_0 − ε of the flow.
    let x_0 = pair(&text["x₀  ".len()..]);
    let epsilon = pair(&find(&window, "ε  ").unwrap()["ε  ".len()..]);
    let back = find(&window, "−u(x | x₀)  ").unwrap();
    let back = pair(&back["−u(x | x₀)  ".len()..]);
    let still = pair(&read(&window, "x"));
    for axis in 0..2 {
        assert!((0.5 * (x_0[axis] + epsilon[axis]) - still[axis]).abs() < 0.02);
        assert!((x_0[axis] - epsilon[axis] - back[axis]).abs() < 0.02);
    }
    assert!((still[0] - place[0]).abs() < 1e-9, "the point stays");
    put(&mut window, at);
    window.hover_at(canvas.left_bottom() + egui::vec2(30.0, -60.0));
    window.run_steps(2);
    assert!(find(&window, "x₀  ").is_none(), "it is let go");
}

/// For every schedule, at every end of the clock: numbers, or a sentence, and nothing that is not finite.
#[test]
fn every_schedule_at_every_clock_says_something_finite() {
    for schedule in Schedule::every() {
        let lab = Zeros::of_a_gaussian(schedule);
        let mut window = velocities(&lab, false);
        for tau in [0.0, 0.5, 1.0] {
            set_time(&mut window, tau);
            for name in ["marginal −u(x)", "learned −u(x)"] {
                let said = pair(&read(&window, name));
                assert!(said.iter().all(|c| c.is_finite()), "{schedule} at {tau}");
            }
            let texts: Vec<String> = painted(&window).into_iter().map(|p| p.text).collect();
            assert!(
                !texts.iter().any(|t| t.contains("NaN") || t.contains("inf")),
                "{schedule} at {tau}"
            );
        }
        let still = find(&window, "At this t the schedule changes neither");
        if !matches!(schedule, Schedule::Custom(_)) {
            assert_eq!(still.is_some(), schedule == Schedule::Cosine, "{schedule}");
        }
    }
}

/// The arrows on the grid are −u, so many times as long: of N(0, I) on the flow at t = 0.8 −u is −0.6 x/0.68.
#[test]
fn the_grid_has_the_velocity_by_the_network_and_in_closed_form() {
    let lab = Zeros::of_a_gaussian(Schedule::Flow);
    let mut window = velocities(&lab, false);
    set_time(&mut window, 0.8);
    let runs = lab.snapshots().a.runs.clone();
    for (slot, factor) in [
        (Slot::ExactArrows, -0.6 / 0.68),
        // ε̂ = 0: −u = x̂_0 = x/a.
        (Slot::LearnedArrows, 1.0 / 0.2),
    ] {
        let done = runs[&slot].done.clone().unwrap();
        let host = done.host.as_ref().unwrap();
        let count = done.recording.particles;
        for (x, v) in host[..count].iter().zip(&host[count..]) {
            for axis in 0..2 {
                let expected = 2.0 * factor * f64::from(x[axis]);
                let found = f64::from(v[axis]);
                assert!(
                    (found - expected).abs() < 1e-3 * (1.0 + expected.abs()),
                    "{slot:?} at {x:?}: {v:?}"
                );
            }
        }
    }
    window.get_by_label("Key to the arrows: this long = 5");
    // What is only of the score is not asked for.
    assert!(!runs.contains_key(&Slot::LearnedDraws) && !runs.contains_key(&Slot::ExactDraws));
    click(&mut window, "Show: Score");
    window.get_by_label("Key to the arrows: this long = 10");
    assert!(find(&window, "score error under p_t").is_some());
}

/// The thick arrow is painted along −u from the point.
#[test]
fn the_marginal_arrow_is_painted_where_it_points() {
    let lab = Zeros::of_a_gaussian(Schedule::Flow);
    let mut window = velocities(&lab, true);
    let (camera, canvas) = camera(&window);
    set_time(&mut window, 0.8);
    click(&mut window, "Behind: None");
    let x = [1.5_f32, -1.0];
    put(&mut window, camera.to_screen(canvas, x));
    window.hover_at(canvas.left_bottom() + egui::vec2(30.0, -60.0));
    window.run_steps(2);
    let key = find(&window, "Key to the arrows, at x: the way in Δt / T = ").unwrap();
    let stride = number(key.rsplit('=').next().unwrap()) as f32;
    let tip = x.map(|c| c * (1.0 - stride * 0.6 / 0.68));
    let image = window.render().unwrap();
    let exact = theme::palette(true, Side::A).exact;
    let [from, to] = [x, tip].map(|x| camera.to_screen(canvas, x));
    // Behind the point's disc, as far as the head.
    for share in [0.4, 0.6, 0.8, 0.9] {
        let at = from + share * (to - from);
        let pixel = image.get_pixel(at.x as u32, at.y as u32).0;
        assert_eq!(pixel[..3], exact.to_array()[..3], "{share} of the arrow");
    }
}

/// ½ g² is between the two: the map of s |learned − exact| is one, whether scores or velocities are subtracted.
#[test]
fn the_error_map_is_that_of_the_score() {
    let lab = Zeros::of_a_gaussian(Schedule::Flow);
    let maps = ["Score", "Velocity"].map(|field| {
        let mut window = window(lab.clone(), Chapter::ScoreField, true);
        click(&mut window, &format!("Show: {field}"));
        click(&mut window, "Arrows: Learned");
        set_time(&mut window, 0.5);
        let (camera, canvas) = camera(&window);
        if field == "Velocity" {
            put(&mut window, camera.to_screen(canvas, [2.2, 0.0]));
            window.hover_at(canvas.right_bottom() - egui::vec2(30.0, 200.0));
            window.run_steps(2);
        }
        // Away from the bundle, and from arrows: half a step from their places.
        let runs = lab.snapshots().a.runs.clone();
        let done = runs[&Slot::LearnedArrows].done.clone().unwrap();
        let count = done.recording.particles;
        let places = done.host.as_ref().unwrap()[..count].to_vec();
        let half = 0.5 * (places[1][0] - places[0][0]);
        let mut seen = Vec::new();
        let painted = ["None", "Error"].map(|behind| {
            click(&mut window, &format!("Behind: {behind}"));
            window.run_steps(3);
            window.render().unwrap()
        });
        for [x, y] in places {
            let at = camera.to_screen(canvas, [x + half, y + half]);
            if x > -0.3 || x.hypot(y) > 1.4 || !canvas.shrink(80.0).contains(at) {
                continue;
            }
            let [before, after] = [0, 1].map(|i| painted[i].get_pixel(at.x as u32, at.y as u32).0);
            seen.push(
                (0..3)
                    .map(|c| f64::from(before[c]) - f64::from(after[c]))
                    .sum::<f64>(),
            );
        }
        seen
    });
    assert!(maps[0].len() > 40 && maps[0].len() == maps[1].len());
    assert!(
        maps[0].iter().fold(0.0_f64, |a, b| a.max(*b)) > 60.0,
        "{maps:?}"
    );
    let apart = maps[0].iter().zip(&maps[1]).map(|(a, b)| (a - b).abs());
    let apart = apart.sum::<f64>() / maps[0].len() as f64;
    assert!(apart < 4.0, "{apart}: {maps:?}");
}

/// Two experiments over one another: one bundle where they have one truth, two in their own tints with the stride of each where not, and
/// one point for both.
#[test]
fn two_experiments_on_one_canvas_have_one_point_and_each_its_stride() {
    let lab = common::Driven::new(common::small(), EngineChoice::Cpu);
    let compare = |schedule| {
        let other = Experiment {
            schedule,
            ..common::small()
        };
        lab.send(Order::Compare(Box::new([common::small(), other])));
    };
    compare(common::small().schedule);
    let mut window = window(lab.clone(), Chapter::ScoreField, false);
    click(&mut window, "Show: Velocity");
    click(&mut window, "Canvas: Overlay");
    set_time(&mut window, 0.8);
    common::settle(&mut window);
    let strides = |window: &Harness<'_, LabApp>| {
        ["A", "B"].map(|side| {
            let name = format!("Key to the arrows, at x, {side}: the way in Δt / T = ");
            find(window, &name).map(|text| number(text.rsplit('=').next().unwrap()))
        })
    };
    let [a, b] = strides(&window);
    assert!(a.is_some() && a == b, "{a:?} {b:?}");
    let legend = |window: &Harness<'_, LabApp>, part: &str| {
        let texts = painted(window).into_iter();
        texts.filter(|painted| painted.text.contains(part)).count()
    };
    assert_eq!(legend(&window, "exact marginal"), 1);
    compare(Schedule::Ve);
    common::settle(&mut window);
    let b = lab.snapshots().b.map(|b| b.experiment.schedule);
    assert_eq!(b, Some(Schedule::Ve));
    // A wish that the training before left unanswered is repeated after a second.
    let asked = std::time::Instant::now();
    while strides(&window)[1].is_none() && asked.elapsed().as_secs() < 10 {
        common::settle(&mut window);
    }
    let [a, b] = strides(&window);
    assert!(a.is_some() && b.is_some() && a != b, "{a:?} {b:?}");
    assert_eq!(legend(&window, "exact marginal"), 2);
    let x = [-1.0_f32, 1.2];
    let canvas = window.get_by_label("Score field canvas, A").rect();
    let camera = Camera::fit(HOME, canvas);
    put(&mut window, camera.to_screen(canvas, x));
    let place = pair(&read(&window, "x"));
    assert!(
        (place[0] + 1.0).abs() < 0.02 && (place[1] - 1.2).abs() < 0.02,
        "{place:?}"
    );
}

/// The picture of a fresh experiment.
fn picture(light: bool) {
    let lab = common::Driven::new(Experiment::default(), EngineChoice::Cpu);
    let mut window = window(lab, Chapter::ScoreField, light);
    click(&mut window, "Show: Velocity");
    common::settle(&mut window);
    let theme = if light { "light" } else { "dark" };
    compare(&mut window, &format!("score_velocity_{theme}"));
}

#[test]
fn the_bundle_looks_as_it_did_in_the_dark() {
    picture(false);
}

#[test]
fn the_bundle_looks_as_it_did_in_the_light() {
    picture(true);
}
