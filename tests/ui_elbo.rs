//! The chapter ELBO, driven by name on a session of plain Rust, against closed forms.
//!
//! The data are N(0, I). A network of zeros says ε̂ = 0, so that x̂_0 = x_t/a; as v it says the exact x̂_0 = a x_t.

mod common;

use common::{Zeros, settle};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use noise_compass::data::bounds::Bounds;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{Sampler, Variance};
use noise_compass::diffusion::target::Target;
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Order, Side, Slot};
use noise_compass::ui::canvas::camera::Camera;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle;
use noise_compass::ui::shell::app::LabApp;

/// What the canvas shows before the hand moves the camera.
const HOME: Bounds = Bounds {
    min: [-2.6, -2.0],
    max: [2.6, 2.0],
};
/// T of every experiment here.
const TIMESTEPS: u32 = 20;

/// N(0, I) as data, and a network whose every weight is 0.
fn zero(target: Target) -> Zeros {
    Zeros::new(Experiment {
        data: DataSource::Shape(Shape::Gaussian),
        target,
        timesteps: TIMESTEPS,
        width: 32,
        depth: 1,
        clip: false,
        ..Experiment::default()
    })
}

type Window = Harness<'static, LabApp>;

fn open(target: Target) -> (Zeros, Window) {
    let lab = zero(target);
    let mut window = common::window(lab.clone(), Chapter::Elbo, false);
    settle(&mut window);
    (lab, window)
}

fn click(window: &mut Window, name: &str) {
    window.get_by_label(name).click();
    settle(window);
}

fn number(text: &str) -> f64 {
    let text = text.trim().replace('−', "-").replace('\u{2009}', "");
    text.parse()
        .unwrap_or_else(|_| panic!("'{text}' is no number"))
}

/// The rest of the read-out that begins so.
fn read(window: &Window, name: &str) -> String {
    let begins = |value: Option<String>| value.filter(|text| text.starts_with(name));
    let node = window.get_by(|node| begins(node.value()).is_some());
    begins(node.accesskit_node().value()).unwrap()[name.len()..]
        .trim()
        .to_owned()
}

/// Value and error of the learned bound, then of the exact one.
fn both(window: &Window, name: &str) -> [[f64; 2]; 2] {
    let text = read(window, &format!("{name} learned"));
    let (learned, exact) = text.split_once("exact").unwrap();
    [learned, exact].map(|text| {
        let text = text.trim_end_matches(", pointed at");
        let (value, error) = text
            .split_once('±')
            .unwrap_or_else(|| panic!("{name}: {text}"));
        [number(value), number(error)]
    })
}

fn near(found: [f64; 2], known: f64, what: &str) {
    let [value, error] = found;
    // Two digits behind the point.
    assert!(
        (value - known).abs() < 4.0 * error + 0.006,
        "{what}: {value} ± {error}, not {known}"
    );
    assert!(error < 0.2, "{what}: {error}");
}

/// ᾱ of the linear schedule, written out.
fn alpha_bar(t: u32) -> f64 {
    let tau = f64::from(t) / f64::from(TIMESTEPS);
    (-(0.1 * tau + 9.95 * tau * tau)).exp()
}

/// With x̂_0 = x_t/a all that is lost is the noise: E‖x_0 − x̂_0‖² = 2 (1 − ᾱ)/ᾱ. Ho et al. 2020, eq. 5, 7 and 8, with σ² = β.
#[test]
fn the_bound_of_a_network_that_says_nothing_is_known() {
    let (_, window) = open(Target::Eps);
    let denoising = (2..=TIMESTEPS).map(|t| {
        let alpha = alpha_bar(t) / alpha_bar(t - 1);
        let ratio = (1.0 - alpha_bar(t - 1)) / (1.0 - alpha_bar(t));
        ratio - 1.0 - ratio.ln() + (1.0 - alpha) / (alpha * (1.0 - alpha_bar(t)))
    });
    let denoising: f64 = denoising.sum();
    let alpha = alpha_bar(1);
    let last = (std::f64::consts::TAU * (1.0 - alpha)).ln() + 1.0 / alpha;
    let end = alpha_bar(TIMESTEPS);
    let prior = -end - (1.0 - end).ln() + end;
    let [learned, _] = both(&window, "Σ L_{t−1}");
    near(learned, denoising, "the sum");
    near(both(&window, "L₀")[0], last, "the last step");
    near(both(&window, "L_T")[0], prior, "the prior");
    near(
        both(&window, "bound")[0],
        prior + denoising + last,
        "the bound",
    );
}

/// The exact x̂_0 with the best variances: of a Gaussian nothing is lost, and the bound is ln 2πe, which the entropy reads too.
#[test]
fn the_exact_answer_reaches_the_entropy_and_no_variance_crosses_it() {
    let (_, mut window) = open(Target::V);
    let entropy = (std::f64::consts::TAU * std::f64::consts::E).ln();
    let read_entropy = read(&window, "entropy of the data");
    assert!((number(read_entropy.split('±').next().unwrap()) - entropy).abs() < 2e-3);
    let note = "This network learns no variance";
    for name in ["β", "q", "Analytic", "Learned", "Least"] {
        click(&mut window, &format!("Variance: {name}"));
        let told = window.query_by_label_contains(note).is_some();
        assert_eq!(told, name == "Learned", "{name}");
        if told {
            let text = read(&window, "above entropy learned");
            let (learned, exact) = text.split_once("exact").unwrap();
            assert_eq!(learned.trim(), "–");
            let (above, error) = exact.split_once('±').unwrap();
            near([number(above), number(error)], 0.0, "the exact one");
            continue;
        }
        for [above, error] in both(&window, "above entropy") {
            assert!(above > -4.0 * error - 0.006, "{name}: {above} ± {error}");
        }
    }
    for found in both(&window, "bound") {
        near(found, entropy, "the bound");
    }
    for found in both(&window, "above entropy") {
        near(found, 0.0, "above it");
    }
}

/// A click places x_0, a drag x_t; what is read out is the divergence of the two Gaussians, from where the hand put both.
#[test]
fn the_divergence_of_the_two_gaussians_is_of_where_the_hand_put_them() {
    let (lab, mut window) = open(Target::Eps);
    let t = 8;
    window.get_by_label("Time").set_value_accesskit(0.4);
    settle(&mut window);
    let canvas = window.get_by_label("ELBO canvas").rect();
    let camera = Camera::fit(HOME, canvas);
    let x_0 = [-0.9_f32, 0.4];
    window.hover_at(camera.to_screen(canvas, x_0));
    window.run_steps(1);
    window.drag_at(camera.to_screen(canvas, x_0));
    window.run_steps(1);
    window.drop_at(camera.to_screen(canvas, x_0));
    settle(&mut window);
    let alpha_bar = alpha_bar;
    let (a, s) = (alpha_bar(t).sqrt(), (1.0 - alpha_bar(t)).sqrt());
    let mut epsilon = [0.9, -0.7];
    let known = |epsilon: [f64; 2]| {
        let alpha = alpha_bar(t) / alpha_bar(t - 1);
        let ratio = (1.0 - alpha_bar(t - 1)) / (1.0 - alpha_bar(t));
        let square = epsilon[0] * epsilon[0] + epsilon[1] * epsilon[1];
        // β²/(2β α (1 − ᾱ)) ‖ε − ε̂‖², with ε̂ = 0.
        ratio - 1.0 - ratio.ln() + (1.0 - alpha) / (2.0 * alpha * (1.0 - alpha_bar(t))) * square
    };
    let found = |window: &Window| {
        let text = read(window, &format!("KL at this x_t, t = {t}"));
        number(text.trim_end_matches("nats"))
    };
    let (first, expected) = (found(&window), known(epsilon));
    assert!(
        (first / expected - 1.0).abs() < 0.01,
        "{first}, not {expected}"
    );
    // From x_t to another place: the noise follows.
    let x_t = [0, 1].map(|i| (a * f64::from(x_0[i]) + s * epsilon[i]) as f32);
    let to = [x_t[0] + 0.5, x_t[1] + 0.8];
    window.drag_at(camera.to_screen(canvas, x_t));
    window.run_steps(1);
    window.hover_at(camera.to_screen(canvas, [x_t[0] + 0.2, x_t[1] + 0.3]));
    window.run_steps(1);
    window.hover_at(camera.to_screen(canvas, to));
    window.run_steps(1);
    window.drop_at(camera.to_screen(canvas, to));
    settle(&mut window);
    epsilon = [0, 1].map(|i| (f64::from(to[i]) - a * f64::from(x_0[i])) / s);
    let (second, expected) = (found(&window), known(epsilon));
    assert!(
        (second / expected - 1.0).abs() < 0.03,
        "{second}, not {expected}"
    );
    // By the exact x̂_0 = a x_t it is another.
    click(&mut window, "On the canvas: Exact");
    let third = found(&window);
    let c_0 =
        alpha_bar(t - 1).sqrt() * (1.0 - alpha_bar(t) / alpha_bar(t - 1)) / (1.0 - alpha_bar(t));
    let ratio = (1.0 - alpha_bar(t - 1)) / (1.0 - alpha_bar(t));
    let beta = 1.0 - alpha_bar(t) / alpha_bar(t - 1);
    let square: f64 = (0..2)
        .map(|i| (f64::from(x_0[i]) - a * f64::from(to[i])).powi(2))
        .sum();
    let expected = ratio - 1.0 - ratio.ln() + c_0 * c_0 / (2.0 * beta) * square;
    assert!(
        (third / expected - 1.0).abs() < 0.03,
        "{third}, not {expected}"
    );
    // What nobody sees does not run.
    assert!(lab.snapshots().a.runs.contains_key(&Slot::Bound));
    click(&mut window, "Forward");
    assert!(lab.snapshots().a.runs.is_empty());
}

/// A line of the derivation under the pointer names its terms, and both charts are there.
#[test]
fn a_line_of_the_derivation_lights_its_terms() {
    let (_, mut window) = open(Target::Eps);
    window.get_by_label("Terms of the bound along t");
    window.get_by_label("Weight of the loss against the bound");
    click(&mut window, "Second chart: Steps");
    window.get_by_label("Bound by the number of steps");
    // All lines are in sight.
    window.set_size(egui::vec2(1280.0, 1000.0));
    settle(&mut window);
    let terms = ["L_T", "Σ L_{t−1}", "L₀"];
    let lit = |window: &Window| {
        terms.map(|name| read(window, &format!("{name} learned")).ends_with("pointed at"))
    };
    assert_eq!(lit(&window), [false; 3]);
    for (line, wanted) in [
        (1, [true; 3]),
        (3, [true, false, false]),
        (4, [false, true, false]),
        (5, [false, true, false]),
        (6, [false, false, true]),
    ] {
        let at = window
            .get_by_label_contains(&format!("Line {line}: "))
            .rect();
        window.hover_at(at.center());
        window.run_steps(3);
        assert_eq!(lit(&window), wanted, "line {line}");
    }
}

/// The schedule of an experiment changes its bound: flow ends without signal, so that nothing is left at the prior.
#[test]
fn flow_loses_nothing_at_the_prior() {
    let (lab, mut window) = open(Target::V);
    let mut experiment = Experiment::clone(&lab.snapshots().a.experiment);
    experiment.schedule = Schedule::Flow;
    let restart = noise_compass::lab::message::Restart::Keep;
    lab.send(Order::To(
        Side::A,
        noise_compass::lab::message::Command::Configure {
            experiment: Box::new(experiment),
            restart,
        },
    ));
    settle(&mut window);
    for found in both(&window, "L_T") {
        near(found, 0.0, "the prior");
    }
    click(&mut window, "Variance: Least");
    near(both(&window, "above entropy")[1], 0.0, "the exact bound");
}

/// A network of zeros says o = 0 of the variance, so σ² = √(β β̃), at t = 1 with that of t = 2 for β̃; and x̂_0 = x_t/a.
#[test]
fn the_bound_by_the_variance_that_a_network_says_is_known() {
    let lab = Zeros::new(Experiment {
        learn_variance: true,
        ..Experiment::clone(&zero(Target::Eps).snapshots().a.experiment)
    });
    let mut window = common::window(lab, Chapter::Elbo, false);
    settle(&mut window);
    click(&mut window, "Variance: Learned");
    let denoising = (1..=TIMESTEPS).map(|t| {
        let before = if t == 1 { 1.0 } else { alpha_bar(t - 1) };
        let alpha = alpha_bar(t) / before;
        let beta_tilde = |t: u32| {
            let alpha = alpha_bar(t) / alpha_bar(t - 1);
            (1.0 - alpha_bar(t - 1)) / (1.0 - alpha_bar(t)) * (1.0 - alpha)
        };
        let least = beta_tilde(t.max(2));
        let variance = ((1.0 - alpha) * least).sqrt();
        // c_0² E‖x_0 − x̂_0‖² with c_0 = √ᾱ_{t−1} β/(1 − ᾱ_t).
        let c_0 = before.sqrt() * (1.0 - alpha) / (1.0 - alpha_bar(t));
        let apart = c_0 * c_0 * 2.0 * (1.0 - alpha_bar(t)) / alpha_bar(t);
        if t == 1 {
            (std::f64::consts::TAU * variance).ln() + apart / (2.0 * variance)
        } else {
            let ratio = least / variance;
            ratio - 1.0 - ratio.ln() + apart / (2.0 * variance)
        }
    });
    let terms: Vec<f64> = denoising.collect();
    near(both(&window, "L₀")[0], terms[0], "the last step");
    near(
        both(&window, "Σ L_{t−1}")[0],
        terms[1..].iter().sum(),
        "the sum",
    );
}

/// Switched on beside the network's shape, where the sampler that takes it can be chosen, and off again from a chapter that asks for it.
#[test]
fn the_variance_that_a_network_says_is_switched_on_and_measured() {
    let (lab, mut window) = open(Target::Eps);
    // All of the panel is in sight.
    window.set_size(egui::Vec2::new(1280.0, 1600.0));
    click(&mut window, "Training");
    let menu = |window: &mut Window, name: &str| {
        let begins = |value: Option<String>| value.is_some_and(|label| label.starts_with(name));
        window.get_by(|node| begins(node.label())).click();
        settle(window);
    };
    menu(&mut window, "Sampler: ");
    let learned = "DDPM, learned variance";
    assert!(window.get_by_label(learned).accesskit_node().is_disabled());
    window.key_press(egui::Key::Escape);
    settle(&mut window);
    click(&mut window, "Variance: Learned");
    assert!(lab.snapshots().a.experiment.learn_variance);
    menu(&mut window, "Sampler: ");
    click(&mut window, learned);
    let sampler = || lab.snapshots().a.experiment.sampler;
    assert_eq!(sampler(), Sampler::DdpmLearned);
    click(&mut window, "ELBO");
    click(&mut window, "Variance: Learned");
    assert!(
        window
            .query_by_label_contains("This network learns no variance")
            .is_none()
    );
    // Switched off while the chapter asks for it: nobody asks the new network, and the chapter says what it lacks.
    menu(&mut window, "Net: ");
    assert!(window.query_by_label_contains("σ²").is_some());
    let fixed = "Variance: Fixed";
    click(&mut window, fixed);
    assert_eq!(sampler(), Sampler::Ddpm(Variance::BetaTilde));
    assert!(
        window
            .query_by_label_contains("take their variance from")
            .is_none()
    );
    assert!(
        window
            .query_by_label_contains("This network learns no variance")
            .is_some()
    );
}
