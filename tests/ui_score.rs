//! Score field and noise compass, driven by name on a session of plain Rust, against closed forms.
//!
//! The data are the single Gaussian: standardised it is N(0, I), so that p_t = N(0, (a² + s²) I).

mod common;

use std::sync::Arc;

use common::{Painted, Zeros, painted};
use egui::Pos2;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use noise_compass::data::bounds::Bounds;
use noise_compass::diffusion::schedule::{Scales, Schedule};
use noise_compass::engine::Start;
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::message::{RunResult, Side, Slot};
use noise_compass::ui::canvas::camera::Camera;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::theme;

/// What the chapters show before the hand moves the camera.
const SCORE_HOME: Bounds = Bounds {
    min: [-3.0, -2.6],
    max: [3.0, 2.6],
};
const COMPASS_HOME: Bounds = Bounds {
    min: [-2.6, -2.0],
    max: [2.6, 2.0],
};

fn run(lab: &Zeros, slot: Slot) -> Option<Arc<RunResult>> {
    let runs = &lab.snapshots().a.runs;
    runs.get(&slot).and_then(|state| state.done.clone())
}

fn window(lab: &Zeros, chapter: Chapter, light: bool) -> Harness<'static, LabApp> {
    common::window(lab.clone(), chapter, light)
}

fn click(harness: &mut Harness<'_, LabApp>, name: &str) {
    harness.get_by_label(name).click();
    harness.run_steps(3);
}

/// The text after `name` in the label that begins with it.
fn read(harness: &Harness<'_, LabApp>, name: &str) -> String {
    find(harness, name).unwrap_or_else(|| panic!("no label begins with '{name}'"))
}

fn find(harness: &Harness<'_, LabApp>, name: &str) -> Option<String> {
    // A read-out's text is its value.
    let begins = |value: Option<String>| value.filter(|text| text.starts_with(&format!("{name} ")));
    let node = harness.query_by(|node| begins(node.value()).is_some())?;
    begins(node.accesskit_node().value()).map(|text| text[name.len()..].trim().to_owned())
}

fn number(text: &str) -> f64 {
    text.trim()
        .replace('−', "-")
        .replace('\u{2009}', "")
        .parse()
        .unwrap()
}

fn pair(text: &str) -> [f64; 2] {
    let (x, y) = text.split_once(',').unwrap();
    [number(x), number(y)]
}

fn camera(harness: &Harness<'_, LabApp>, name: &str, home: Bounds) -> (Camera, egui::Rect) {
    let canvas = harness.get_by_label(name).rect();
    (Camera::fit(home, canvas), canvas)
}

fn variance(schedule: Schedule, tau: f64) -> f64 {
    let Scales { a, s } = schedule.scales(tau, 1000);
    a * a + s * s
}

/// score(x) = −x/(a² + s²), and the network that says 0 is wrong by just that.
#[test]
fn hovering_reads_the_closed_form_of_a_gaussian() {
    let lab = Zeros::of_a_gaussian(Schedule::Flow);
    let mut window = window(&lab, Chapter::ScoreField, false);
    let (camera, canvas) = camera(&window, "Score field canvas", SCORE_HOME);
    for (tau, point) in [(0.2, [1.0_f32, -0.75]), (0.6, [-0.5, 1.25])] {
        window.get_by_label("Time").set_value_accesskit(tau);
        window.run_steps(2);
        window.hover_at(camera.to_screen(canvas, point));
        window.run_steps(4);
        let v = variance(Schedule::Flow, tau);
        let x = pair(&read(&window, "x"));
        let exact = pair(&read(&window, "exact"));
        let log_p = number(&read(&window, "log p"));
        assert_eq!(read(&window, "learned"), "0.00, 0.00");
        let square: f64 = point.iter().map(|p| f64::from(*p).powi(2)).sum();
        for axis in 0..2 {
            assert!((x[axis] - f64::from(point[axis])).abs() < 0.011, "{x:?}");
            assert!(
                (exact[axis] + f64::from(point[axis]) / v).abs() < 0.02,
                "{exact:?} at {tau}"
            );
        }
        assert!(
            (log_p + 0.5 * square / v + (std::f64::consts::TAU * v).ln()).abs() < 0.02,
            "{log_p} at {tau}"
        );
    }
    window.hover_at(Pos2::new(20.0, 400.0));
    window.run_steps(3);
    assert_eq!(find(&window, "exact"), None);
}

/// Under p_t = N(0, v I) a learned score of 0 has the mean squared error (1/D) E‖x‖²/v² = 1/v.
#[test]
fn the_weighted_error_of_a_network_that_says_nothing_is_known() {
    let lab = Zeros::of_a_gaussian(Schedule::Flow);
    let mut window = window(&lab, Chapter::ScoreField, false);
    for tau in [0.2, 0.5, 0.9] {
        window.get_by_label("Time").set_value_accesskit(tau);
        window.run_steps(4);
        let v = variance(Schedule::Flow, tau);
        let found = number(&read(&window, "score error under p_t"));
        // ‖x‖²/2v is exponential with mean 1: its mean over 2048 draws is off by 1/√2048 on average.
        assert!(
            (found * v - 1.0).abs() < 4.0 / 2048.0_f64.sqrt() + 0.005,
            "{found} at {tau}, expected {}",
            1.0 / v
        );
        let weighted = number(&read(&window, "the same, times s²"));
        assert!(
            (weighted - tau * tau * found).abs() < 0.011 * found,
            "{weighted}"
        );
    }
}

#[test]
fn every_control_of_the_score_field_acts() {
    let lab = Zeros::of_a_gaussian(Schedule::Linear);
    let mut window = window(&lab, Chapter::ScoreField, false);
    let side = |lab: &Zeros| {
        let done = run(lab, Slot::ExactArrows).unwrap();
        let Start::Points(points) = &done.request.start else {
            panic!("no points")
        };
        assert_eq!(done.recording.points.len(), 2 * points.len());
        points.len().isqrt()
    };
    assert_eq!(side(&lab), 32);
    window
        .get_by_role_and_label(Role::Slider, "Grid")
        .set_value_accesskit(64.0);
    window.run_steps(3);
    assert_eq!(side(&lab), 64);
    let mut before = window.render().unwrap();
    for name in [
        "Arrows: Learned",
        "Arrows: Exact",
        "Behind: Error",
        "Behind: None",
        "Contours: On",
        "Streamlines: On",
        "Length: Log",
        "Length: Unit",
        "Length: True",
    ] {
        click(&mut window, name);
        let now = window.render().unwrap();
        let changed = before
            .pixels()
            .zip(now.pixels())
            .filter(|(a, b)| a != b)
            .count();
        assert!(changed > 3000, "{name} changes {changed} pixels");
        before = now;
    }
    click(&mut window, "Forward");
    assert!(
        lab.snapshots().a.runs.is_empty(),
        "what nobody sees must not run"
    );
}

/// Before any update only the exact arrows teach something, later the learned ones; one kind at a time.
#[test]
fn the_chapter_opens_with_the_arrows_that_have_something_to_show() {
    for (step, chosen) in [(0, "Exact"), (7, "Learned")] {
        let lab = common::Still::new(Experiment::default(), common::card(), step);
        let window = common::window(lab, Chapter::ScoreField, false);
        for name in ["Learned", "Exact", "Both"] {
            let toggled = window
                .get_by_label(&format!("Arrows: {name}"))
                .accesskit_node()
                .toggled();
            let wanted = egui::accesskit::Toggled::from(name == chosen);
            assert_eq!(toggled, Some(wanted), "{name} after {step} updates");
        }
    }
}

/// The exact score of N(0, I) is −x/v at every t, v = a² + s²: half noised on the flow's path v is 1/2, and every arrow twice
/// as long as where v is 1. As long as the key's arrow is one of 10.
#[test]
fn arrows_are_as_long_as_the_key_says_and_compare_along_t() {
    let lab = Zeros::of_a_gaussian(Schedule::Flow);
    let mut window = window(&lab, Chapter::ScoreField, true);
    click(&mut window, "Behind: None");
    window
        .get_by_role_and_label(Role::Slider, "Grid")
        .set_value_accesskit(16.0);
    let exact = theme::palette(true, Side::A).exact;
    for tau in [0.5, 0.25, 0.999] {
        window.get_by_label("Time").set_value_accesskit(tau);
        window.run_steps(4);
        let key = window
            .get_by_label("Key to the arrows: this long = 10")
            .rect();
        let (camera, canvas) = camera(&window, "Score field canvas", SCORE_HOME);
        let done = run(&lab, Slot::ExactArrows).unwrap();
        let Start::Points(points) = &done.request.start else {
            panic!("no points")
        };
        let image = window.render().unwrap();
        let painted = |at: Pos2| {
            let pixel = image.get_pixel(at.x as u32, at.y as u32).0;
            (0..3)
                .map(|c| (i32::from(pixel[c]) - i32::from(exact[c])).abs())
                .sum::<i32>()
                < 260
        };
        let v = variance(Schedule::Flow, tau);
        let (mut count, mut off) = (0, 0.0);
        // Left of the key, below the legend.
        let free = canvas.shrink(70.0).with_max_x(key.left() - 30.0);
        for &[x, y] in points.iter().filter(|p| p[0].hypot(p[1]) > 1.8) {
            let middle = camera.to_screen(canvas, [x, y]);
            if !free.contains(middle) {
                continue;
            }
            let size = x.hypot(y);
            let along = egui::vec2(-x / size, y / size);
            let seen = (-120..=120).filter(|i| painted(middle + 0.25 * *i as f32 * along));
            let length = 0.25 * seen.count() as f32;
            let wanted = key.width() * (size / v as f32 / 10.0).min(1.0);
            assert!(
                (length - wanted).abs() < 3.0,
                "{length} points at {x}, {y}, t = {tau}, not {wanted}"
            );
            off += length - wanted;
            count += 1;
        }
        off /= count as f32;
        assert!(count > 20 && off.abs() < 1.5, "{count} arrows off by {off}");
    }
    click(&mut window, "Length: Log");
    let widths = [1, 10, 100].map(|value| {
        let name = format!("Key to the arrows: {value}");
        window.get_by_label(&name).rect().width()
    });
    // ln(1 + 10 m): equal steps for decades.
    let step = widths[2] - widths[1];
    assert!(
        (widths[1] - widths[0] - step).abs() < 0.05 * step,
        "{widths:?}"
    );
    click(&mut window, "Length: Unit");
    window.get_by_label("Key to the arrows, all alike: directions only");
}

/// A network that says 0 is wrong by x/v, s |x|/v in the map's measure: full at 2. Under N(0, v I) the density falls as
/// exp(−|x|²/2v): from a hundredth of its height on the map fades, and at a ten-thousandth it is gone.
#[test]
fn the_error_map_has_a_key_and_fades_where_there_is_no_density() {
    let lab = Zeros::of_a_gaussian(Schedule::Flow);
    let mut window = window(&lab, Chapter::ScoreField, true);
    click(&mut window, "Arrows: Learned");
    click(&mut window, "Behind: None");
    window.get_by_label("Time").set_value_accesskit(0.5);
    window.run_steps(4);
    let none = window.render().unwrap();
    let colours = "Colours of the error, s |learned − exact|: 0.02, 0.2, 2";
    assert!(window.query_by_label(colours).is_none());
    click(&mut window, "Behind: Error");
    window.run_steps(3);
    window.get_by_label(colours);
    let map = window.render().unwrap();
    let (camera, canvas) = camera(&window, "Score field canvas", SCORE_HOME);
    let painted = |radius: f64| {
        let mut total = 0.0;
        // Away from axes and plates.
        for turn in [0.3_f64, 0.6, 2.8, 3.4, 3.6, 3.9] {
            let at = [radius * turn.cos(), radius * turn.sin()].map(|c| c as f32);
            let at = camera.to_screen(canvas, at);
            let [before, after] =
                [&none, &map].map(|image| image.get_pixel(at.x as u32, at.y as u32).0);
            let differ = |c: usize| (i32::from(before[c]) - i32::from(after[c])).abs();
            total += f64::from((0..3).map(differ).sum::<i32>()) / 6.0;
        }
        total
    };
    // Where nats below the maximum are ln 100, ln 1000 and ln 10 000, at v = 1/2: |x|² = nats.
    let [full, half, gone] = [100.0_f64, 1000.0, 10_000.0].map(|below| below.ln().sqrt());
    let most = painted(full - 0.06);
    assert!(most > 100.0, "{most} at the edge of what is dense");
    let share = painted(half) / most;
    assert!((share - 0.5).abs() < 0.12, "{share} half way");
    assert!(painted(gone + 0.15) < 0.02 * most);
    // Within, the logarithm of the error counts: a tenth of the full one is half way.
    let inner = painted(0.2) / most;
    assert!((inner - 0.5).abs() < 0.12, "{inner} where the error is 0.2");
}

/// The exact arrows of N(0, I) point to the origin, on the places of the lattice.
#[test]
fn arrows_are_painted_where_the_axes_say() {
    let lab = Zeros::of_a_gaussian(Schedule::Linear);
    let mut window = window(&lab, Chapter::ScoreField, true);
    for name in ["Arrows: Exact", "Behind: None", "Length: Unit"] {
        click(&mut window, name);
    }
    window
        .get_by_role_and_label(Role::Slider, "Grid")
        .set_value_accesskit(16.0);
    window.run_steps(4);
    let (camera, canvas) = camera(&window, "Score field canvas", SCORE_HOME);
    let done = run(&lab, Slot::ExactArrows).unwrap();
    let Start::Points(points) = &done.request.start else {
        panic!("no points")
    };
    let step = points[1][0] - points[0][0];
    let image = window.render().unwrap();
    let exact = theme::palette(true, Side::A).exact;
    let painted = |at: Pos2| {
        let pixel = image.get_pixel(at.x as u32, at.y as u32).0;
        (0..3)
            .map(|c| (i32::from(pixel[c]) - i32::from(exact[c])).abs())
            .sum::<i32>()
            < 260
    };
    let inside = canvas.shrink(60.0);
    // Away from the axes, whose lines are painted too, and from the plate of the legend.
    let seen = points
        .iter()
        .filter(|p| inside.contains(camera.to_screen(canvas, **p)) && p[0].hypot(p[1]) > 1.2);
    let mut count = 0;
    for &[x, y] in seen {
        let size = x.hypot(y);
        let along = [-x / size, -y / size];
        let place = |forward: f32, side: f32| {
            let by = [
                along[0] * forward - along[1] * side,
                along[1] * forward + along[0] * side,
            ];
            camera.to_screen(canvas, [x + step * by[0], y + step * by[1]])
        };
        assert!(
            painted(place(0.0, 0.0)),
            "the middle of the arrow at {x}, {y}"
        );
        // The head is wide where the shaft's other end is not.
        let wide = |forward: f32| painted(place(forward, 0.05)) && painted(place(forward, -0.05));
        assert!(
            wide(0.22) && !wide(-0.25),
            "the head of the arrow at {x}, {y}"
        );
        assert!(
            !painted(place(0.0, 0.3)) && !painted(place(0.0, -0.3)),
            "beside the arrow at {x}, {y}"
        );
        count += 1;
    }
    assert!(count > 60, "{count} arrows looked at");
}

#[test]
fn full_accuracy_lands_on_the_clean_point_and_less_does_not() {
    let lab = Zeros::of_a_gaussian(Schedule::Linear);
    let mut window = window(&lab, Chapter::Compass, false);
    let accuracy = |window: &mut Harness<'_, LabApp>, percent: f64| {
        window
            .get_by_role_and_label(Role::Slider, "Accuracy")
            .set_value_accesskit(percent);
        window.run_steps(3);
    };
    accuracy(&mut window, 100.0);
    assert_eq!(read(&window, "error ‖x̂₀ − x₀‖"), "0.0000");
    assert_eq!(read(&window, "x̂₀"), read(&window, "x₀"));
    let mut last = 0.0;
    for percent in [90.0, 60.0, 30.0, 0.0] {
        accuracy(&mut window, percent);
        let error = number(&read(&window, "error ‖x̂₀ − x₀‖"));
        assert!(error > last, "{error} at {percent} %");
        last = error;
    }
    // At 0 %: ε̂ is orthogonal to ε and half as long, so ‖ε̂ − ε‖ = √(5/4) ‖ε‖.
    let Scales { a, s } = Schedule::Linear.scales(0.2, 1000);
    let size = number(&read(&window, "length of ε"));
    assert!(
        (last - s / a * size * 1.25_f64.sqrt()).abs() < 0.01,
        "{last}"
    );
    // ε̂ = 0 points to x_t/a, and the best x̂_0 of N(0, I) where variance is preserved is a x_t.
    let x_t = pair(&read(&window, "x_t"));
    for (name, factor) in [("Needle: Learned", 1.0 / a), ("Needle: Exact", a)] {
        click(&mut window, name);
        let found = pair(&read(&window, "x̂₀"));
        assert!(
            (0..2).all(|i| (found[i] - factor * x_t[i]).abs() < 0.02),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn the_hand_places_x_t_and_drags_it_while_a_held_x_0_stays() {
    let lab = Zeros::of_a_gaussian(Schedule::Linear);
    let mut window = window(&lab, Chapter::Compass, false);
    let (camera, canvas) = camera(&window, "Noise compass canvas", COMPASS_HOME);
    let close = |found: [f64; 2], wanted: [f32; 2]| {
        (0..2).all(|i| (found[i] - f64::from(wanted[i])).abs() < 0.011)
    };
    let first = pair(&read(&window, "x₀"));
    let placed = camera.to_screen(canvas, [-1.0, -0.5]);
    window.drag_at(placed);
    window.run_steps(2);
    assert!(close(pair(&read(&window, "x_t")), [-1.0, -0.5]));
    let x_0 = pair(&read(&window, "x₀"));
    assert_ne!(x_0, first, "a point placed elsewhere comes from elsewhere");
    // The nearest to x_t/a of 8192 draws of N(0, I) is close by.
    let Scales { a, .. } = Schedule::Linear.scales(0.2, 1000);
    assert!((x_0[0] + 1.0 / a).hypot(x_0[1] + 0.5 / a) < 0.15, "{x_0:?}");
    window.drop_at(placed);
    window.run_steps(2);
    // Dragged, it is the nearest still; held, it stays.
    let drag = |window: &mut Harness<'_, LabApp>, from: [f32; 2], to: [f32; 2]| {
        let [from, to] = [from, to].map(|at| camera.to_screen(canvas, at));
        window.hover_at(from);
        window.run_steps(1);
        window.drag_at(from);
        window.run_steps(2);
        window.hover_at(to);
        window.run_steps(2);
        window.drop_at(to);
        window.run_steps(2);
        assert!(close(
            pair(&read(window, "x_t")),
            camera.to_data(canvas, to)
        ));
    };
    drag(&mut window, [-1.0, -0.5], [-0.7, 0.1]);
    let x_0 = pair(&read(&window, "x₀"));
    assert!((x_0[0] + 0.7 / a).hypot(x_0[1] - 0.1 / a) < 0.15, "{x_0:?}");
    click(&mut window, "True x0: Held");
    drag(&mut window, [-0.7, 0.1], [-0.2, 0.4]);
    assert_eq!(pair(&read(&window, "x₀")), x_0);
    window.get_by_label("Time").set_value_accesskit(0.5);
    window.run_steps(3);
    assert_eq!(pair(&read(&window, "x₀")), x_0);
    assert!(
        window.state().desk.here.cameras.is_empty(),
        "the camera stays"
    );
    click(&mut window, "Forward");
    assert!(lab.snapshots().a.runs.is_empty());
}

/// Ho et al. 2020, eq. 7, at T = 1000 and t = 200, as the panel says it.
#[test]
fn one_step_of_a_thousand_reads_the_published_coefficients() {
    let lab = Zeros::of_a_gaussian(Schedule::Linear);
    let mut window = window(&lab, Chapter::Compass, false);
    click(&mut window, "Show: Next step");
    window
        .get_by_role_and_label(Role::Slider, "Steps to 0")
        .set_value_accesskit(1000.0);
    window.run_steps(3);
    let alpha_bar = |t: f64| (-(0.1 * t / 1000.0 + 9.95 * (t / 1000.0_f64).powi(2))).exp();
    let (now, before) = (alpha_bar(200.0), alpha_bar(199.0));
    let beta = 1.0 - now / before;
    let c_0 = before.sqrt() * beta / (1.0 - now);
    let c_t = (1.0 - beta).sqrt() * (1.0 - before) / (1.0 - now);
    assert!((number(&read(&window, "A₂ = c₀, of x̂₀")) - c_0).abs() < 1e-5);
    assert!((number(&read(&window, "A₁ = c_t, of x_t")) - c_t).abs() < 1e-5);
    let posterior = (beta * (1.0 - before) / (1.0 - now)).sqrt();
    assert!((number(&read(&window, "σ, circle")) - posterior).abs() < 6e-4);
    click(&mut window, "Variance: Forward step");
    assert!((number(&read(&window, "σ, circle")) - beta.sqrt()).abs() < 6e-4);
    let [mean, x_0, x_t] = ["mean μ", "x̂₀", "x_t"].map(|name| pair(&read(&window, name)));
    assert!((0..2).all(|i| (mean[i] - c_0 * x_0[i] - c_t * x_t[i]).abs() < 0.02));
}

/// Of data N(0, I) the step as it is has the variance β (Ho et al. 2020, section 3.2): by the exact needle it is the Gaussian of the forward
/// step, and from that of the posterior it is away by r − 1 − ln r, r = β/β̃.
#[test]
fn the_step_as_it_is_is_held_against_the_gaussian_of_the_sampler() {
    let lab = Zeros::of_a_gaussian(Schedule::Linear);
    let mut window = window(&lab, Chapter::Compass, false);
    window.get_by_label("Time").set_value_accesskit(0.4);
    window.run_steps(2);
    click(&mut window, "Show: Next step");
    click(&mut window, "Needle: Exact");
    let alpha_bar = |tau: f64| (-(0.1 * tau + 9.95 * tau * tau)).exp();
    for steps in [4.0, 5.0, 20.0, 1000.0] {
        window
            .get_by_role_and_label(Role::Slider, "Steps to 0")
            .set_value_accesskit(steps);
        window.run_steps(3);
        let (now, before) = (alpha_bar(0.4), alpha_bar(0.4 - 1.0 / steps));
        let r = (1.0 - now) / (1.0 - before);
        click(&mut window, "Variance: Posterior");
        let said = number(&read(&window, "KL, step to Gaussian"));
        let expected = r - 1.0 - r.ln();
        assert!(
            (said - expected).abs() < 6e-4 * (1.0 + expected),
            "{steps}: {said} {expected}"
        );
        click(&mut window, "Variance: Forward step");
        assert!(number(&read(&window, "KL, step to Gaussian")).abs() < 6e-4);
    }
}

/// At every clock, of every schedule: the point stands where the hand put it, or where ε is 4 long on the way there, always in
/// view; the x_0 called nearest is the one nearest to x_t/a; and what is bounded is said.
#[test]
fn the_placed_point_stays_in_view_and_its_noise_is_bounded_at_every_clock() {
    for schedule in Schedule::every() {
        let lab = Zeros::of_a_gaussian(schedule);
        let points = lab.snapshots().a.dataset.points.clone();
        let mut window = window(&lab, Chapter::Compass, false);
        let (camera, canvas) = camera(&window, "Noise compass canvas", COMPASS_HOME);
        let time = |window: &mut Harness<'_, LabApp>, tau: f64| {
            window.get_by_label("Time").set_value_accesskit(tau);
            window.run_steps(2);
        };
        for (placed_at, at) in [
            (0.01, [-2.5_f32, -1.8]),
            (0.3, [1.9, -1.7]),
            (1.0, [0.3, -0.4]),
        ] {
            time(&mut window, placed_at);
            let place = camera.to_screen(canvas, at);
            window.drag_at(place);
            window.run_steps(1);
            window.drop_at(place);
            window.run_steps(2);
            let mut pulled = 0;
            for tau in [0.0, 0.01, 0.05, 0.2, 0.6, 0.99, 1.0] {
                time(&mut window, tau);
                let what = format!("{schedule}, placed at {placed_at}, {tau}");
                let last = if schedule == Schedule::Flow {
                    999.0
                } else {
                    1000.0
                };
                let tau = (tau * 1000.0).clamp(1.0, last) / 1000.0;
                let Scales { a, s } = schedule.scales(tau, 1000);
                let x_t = pair(&read(&window, "x_t"));
                let x_0 = pair(&read(&window, "x₀"));
                assert!(
                    canvas.contains(camera.to_screen(canvas, x_t.map(|v| v as f32))),
                    "{what}: {x_t:?}"
                );
                let at = at.map(f64::from);
                let needed = |x: [f64; 2]| (at[0] - a * x[0]).hypot(at[1] - a * x[1]) / s;
                let least = points.iter().map(|p| needed(p.map(f64::from)));
                let least = least.fold(f64::INFINITY, f64::min);
                // Numbers are read with two decimals.
                assert!(
                    needed(x_0) <= least + 0.015 * a / s + 1e-9,
                    "{what}: {x_0:?} needs {}, {least} would do",
                    needed(x_0)
                );
                let note = window.query_by_label_contains("Where you put x_t (the ring)");
                let length = read(&window, "length of ε");
                let shown = number(length.split(' ').next().unwrap());
                assert!(
                    (shown - least.min(4.0)).abs() < 0.006 + 0.011 / s,
                    "{what}: {length}"
                );
                if least > 4.02 + 0.011 / s {
                    pulled += 1;
                    assert!(note.is_some() && length.contains("where put"), "{what}");
                    let away = (x_t[0] - a * x_0[0]).hypot(x_t[1] - a * x_0[1]);
                    assert!((away - 4.0 * s).abs() < 0.02, "{what}: {away}");
                } else if least < 3.98 - 0.011 / s {
                    assert!(note.is_none(), "{what}");
                    let moved = (x_t[0] - at[0]).hypot(x_t[1] - at[1]);
                    assert!(moved < 0.02, "{what}: it moved by {moved}");
                }
            }
            // Beside the data nothing leads there near t = 0.
            let known = !matches!(schedule, Schedule::Custom(_));
            assert!(!(known && placed_at < 0.02) || pulled > 0, "{schedule}");
        }
    }
}

/// The best x̂_0 of N(0, I) is its posterior mean a x_t: the exact needle is off the true x_0 and not off the mean, and it is
/// said why, there.
#[test]
fn the_exact_needle_points_to_the_mean_and_it_is_said() {
    let lab = Zeros::of_a_gaussian(Schedule::Linear);
    let mut window = window(&lab, Chapter::Compass, false);
    let told =
        |window: &Harness<'_, LabApp>, part: &str| window.query_by_label_contains(part).is_some();
    assert!(!told(&window, "does not miss"));
    click(&mut window, "Needle: Exact");
    let Scales { a, .. } = Schedule::Linear.scales(0.2, 1000);
    let [x_t, x_0, mean] = ["x_t", "x₀", "m = E[x₀ | x_t]"].map(|name| pair(&read(&window, name)));
    assert!(
        (0..2).all(|i| (mean[i] - a * x_t[i]).abs() < 0.011),
        "{mean:?}"
    );
    assert_eq!(read(&window, "error ‖x̂₀ − m‖"), "0.0000");
    let apart = (x_0[0] - mean[0]).hypot(x_0[1] - mean[1]);
    let error = number(&read(&window, "error ‖x̂₀ − x₀‖"));
    assert!(
        (error - apart).abs() < 0.015 && error > 0.1,
        "{error} {apart}"
    );
    assert!(told(&window, "does not miss: it points to m"));
    // The network that says ε̂ = 0 points to x_t/a: off the mean by (1/a − a) ‖x_t‖.
    click(&mut window, "Needle: Learned");
    let error = number(&read(&window, "error ‖x̂₀ − m‖"));
    let size = x_t[0].hypot(x_t[1]);
    assert!((error - (1.0 / a - a) * size).abs() < 0.01, "{error}");
    assert!(told(&window, "ε_θ learns to point to m") && !told(&window, "does not miss"));
    // The mean is painted as a diamond where it is.
    let (camera, canvas) = camera(&window, "Noise compass canvas", COMPASS_HOME);
    let at = camera.to_screen(canvas, mean.map(|v| v as f32));
    let pixel = window
        .render()
        .unwrap()
        .get_pixel(at.x as u32, at.y as u32)
        .0;
    assert_eq!(
        pixel[..3],
        theme::palette(false, Side::A).exact.to_array()[..3]
    );
}

/// It opens with two points and two arrows; the next step is one click away, and each kind of mark stands in the legend.
#[test]
fn the_compass_opens_simple_and_names_every_mark() {
    let lab = Zeros::of_a_gaussian(Schedule::Linear);
    let mut window = window(&lab, Chapter::Compass, false);
    let named = |window: &Harness<'_, LabApp>, text: &str| {
        painted(window).iter().any(|painted| painted.text == text)
    };
    let simple = [
        "x₀, true",
        "−s ε, true noise",
        "−s ε̂, imprecise",
        "on by 1/a",
    ];
    let step = [
        "μ, mean of the next step",
        "its σ and 2σ",
        "μ by the network",
        "error x̂₀ − x₀",
    ];
    let mean = ["m = E[x₀ | x_t]", "x₀ that could be here"];
    // A symbol is set with its index as letters of their own.
    let plain = |text: &str| text.replace('₀', "0").replace('_', "");
    let expect = |window: &Harness<'_, LabApp>, texts: &[&str], there: bool| {
        for text in texts {
            // The panel says m as well: the legend says it once more.
            let count = painted(window)
                .iter()
                .filter(|painted| plain(&painted.text) == plain(text))
                .count();
            let panel = usize::from(*text == "m = E[x₀ | x_t]")
                + usize::from(*text == "μ by the network" && find(window, text).is_some());
            assert_eq!(count, panel + usize::from(there), "{text}");
        }
    };
    expect(&window, &simple, true);
    expect(&window, &step, false);
    expect(&window, &mean, false);
    assert!(find(&window, "mean μ").is_none());
    assert!(
        window
            .query_by_role_and_label(Role::Slider, "Steps to 0")
            .is_none()
    );
    let canvas = window.get_by_label("Noise compass canvas").rect();
    click(&mut window, "Show: Next step");
    expect(&window, &simple, true);
    expect(&window, &step, true);
    expect(&window, &mean[..1], true);
    assert!(find(&window, "mean μ").is_some());
    assert!(
        window
            .query_by_role_and_label(Role::Slider, "Steps to 0")
            .is_some()
    );
    assert!(!named(&window, "−s ε*, exact"));
    click(&mut window, "Needle: Exact");
    expect(&window, &mean, true);
    assert!(named(&window, "−s ε*, exact") && !named(&window, "−s ε̂, imprecise"));
    // The plots take their room from the canvas, and give it back.
    assert!(window.get_by_label("Noise compass canvas").rect().height() < canvas.height() - 100.0);
    click(&mut window, "Show: Simple");
    assert_eq!(window.get_by_label("Noise compass canvas").rect(), canvas);
}

/// Wherever the point stands, whatever the needle: the names on the canvas neither overlap nor leave it.
#[test]
fn names_on_the_compass_stand_apart_and_in_view() {
    const NAMES: [&str; 9] = [
        "xt",
        "x0",
        "x̂0",
        "x̂0 = m",
        "m",
        "μ",
        "−s ε",
        "−s ε̂",
        "−s ε*",
    ];
    let lab = Zeros::of_a_gaussian(Schedule::Linear);
    let mut window = window(&lab, Chapter::Compass, false);
    click(&mut window, "Show: Next step");
    let (camera, canvas) = camera(&window, "Noise compass canvas", COMPASS_HOME);
    let mut looked = 0;
    for needle in ["Exact", "Imprecise"] {
        click(&mut window, &format!("Needle: {needle}"));
        for tau in [0.003, 0.1, 0.5, 1.0] {
            window.get_by_label("Time").set_value_accesskit(tau);
            for at in [
                [-2.4_f32, -1.4],
                [0.1, 0.05],
                [2.4, 1.0],
                [-0.9, 0.8],
                [0.6, -1.4],
            ] {
                let place = camera.to_screen(canvas, at);
                window.drag_at(place);
                window.run_steps(1);
                window.drop_at(place);
                window.run_steps(2);
                // Set as symbols. The read-outs and the legend have these names too, in a smaller size.
                let names: Vec<Painted> = painted(&window)
                    .into_iter()
                    .filter(|name| name.size >= 14.0 && canvas.contains(name.rect.center()))
                    .filter(|name| NAMES.contains(&&*name.text) || name.text.starts_with("x̂0 at"))
                    .collect();
                for (index, Painted { text, rect, .. }) in names.iter().enumerate() {
                    let what = format!("{needle} at {tau}, {at:?}: {text} {rect:?}");
                    assert!(canvas.contains_rect(*rect), "{what}");
                    for other in &names[..index] {
                        let what = format!("{what} and {} {:?}", other.text, other.rect);
                        assert!(!other.rect.intersects(*rect), "{what}");
                    }
                }
                looked += names.len();
            }
        }
    }
    assert!(looked > 160, "{looked} names looked at");
}

/// Along the whole axis: c_0 = A_2 rises as a sampler goes, from √ᾱ_{T−1} β_T/(1 − ᾱ_T) to 1; c_t = A_1 rises and then falls to 0
/// where variance is preserved, and falls alone where only noise is added.
#[test]
fn it_is_said_whether_the_coefficients_rise_or_fall() {
    // Of 20 steps of VE each multiplies s by 1000^(−1/20), but for the last, which lands on the data: A₁ stays, then falls.
    for (schedule, a_1) in [
        (Schedule::Linear, "rises, then falls"),
        (Schedule::Flow, "rises, then falls"),
        (Schedule::Ve, "falls"),
    ] {
        let lab = Zeros::of_a_gaussian(schedule);
        let mut window = window(&lab, Chapter::Compass, false);
        click(&mut window, "Show: Next step");
        let (rises, other) = ("A₂ = c₀, of x̂₀: rises", format!("A₁ = c_t, of x_t: {a_1}"));
        for said in [rises, &other] {
            assert!(window.query_by_label(said).is_some(), "{schedule}: {said}");
        }
        assert!(
            painted(&window)
                .iter()
                .any(|painted| painted.text == "← a sampler goes this way")
        );
        let before = window.render().unwrap();
        click(&mut window, "Axis: Log");
        assert!(before != window.render().unwrap(), "the axis changes");
    }
}
