//! Editing: up to the noise and back, from a placed cloud, and with a coordinate known.

#[path = "common/command.rs"]
mod command;
mod common;

use std::sync::Arc;

use command::{directory, fails, ok, wrong_usage};
use common::{Zeros, settle};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use noise_compass::data::dataset::Dataset;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::solver::{Plan, Sampler, Variance, Wanted};
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::{Denoiser, Engine, Frames, ModelState, Run, Start};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::setup::Setup;
use noise_compass::measure::slice::Slice;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::shell::app::LabApp;

/// A small model that has learned a little.
fn model() -> tempfile::TempDir {
    let at = directory();
    ok(
        &at,
        "train --engine cpu --data 8gaussians --width 32 --depth 2 --batch 64 --points 512 --steps 400 --timesteps 100 --out model",
    );
    at
}

fn points(at: &tempfile::TempDir, name: &str) -> Vec<[f64; 2]> {
    let text = std::fs::read_to_string(at.path().join(name)).unwrap();
    let rows = text.lines().skip(1);
    rows.map(|row| {
        let (x, y) = row.split_once(',').unwrap();
        [x.parse().unwrap(), y.parse().unwrap()]
    })
    .collect()
}

fn mean_distance(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
    let pairs = a.iter().zip(b);
    let sum: f64 = pairs.map(|(p, q)| (p[0] - q[0]).hypot(p[1] - q[1])).sum();
    sum / a.len() as f64
}

/// Samples go up to their noise and come back, the nearer the more steps; and a placed cloud strays the farther the later it is
/// let go.
#[test]
fn the_command_goes_up_and_down_and_from_between() {
    let at = model();
    let run = "sample --engine cpu --model model";
    ok(&at, &format!("{run} --n 200 --out data.csv"));
    let data = points(&at, "data.csv");
    let errors = [10, 40, 100].map(|steps| {
        let by = format!("{run} --sampler heun --placement crowded --steps {steps}");
        ok(&at, &format!("{by} --invert data.csv --out latents.csv"));
        ok(&at, &format!("{by} --init latents.csv --out back.csv"));
        mean_distance(&data, &points(&at, "back.csv"))
    });
    println!("there and back by Heun in 10, 40, 100 steps: {errors:?}");
    assert!(
        errors[1] < 0.5 * errors[0] && errors[2] < 0.06,
        "{errors:?}"
    );
    let latents = points(&at, "latents.csv");
    let square: f64 = latents.iter().map(|p| p[0] * p[0] + p[1] * p[1]).sum();
    assert!((square / 400.0 - 1.0).abs() < 0.4, "{}", square / 400.0);

    let rows = (0..200).map(|k| format!("{},0.8\n", 0.002 * f64::from(k)));
    let placed = format!("x,y\n{}", rows.collect::<String>());
    std::fs::write(at.path().join("placed.csv"), placed).unwrap();
    let placed = points(&at, "placed.csv");
    let moved = [0.1, 0.5, 1.0].map(|tau| {
        let by = format!("{run} --sampler ddpm --init placed.csv --from-t {tau}");
        ok(&at, &format!("{by} --trajectory way.csv --out moved.csv"));
        let way = std::fs::read_to_string(at.path().join("way.csv")).unwrap();
        assert!(
            way.lines()
                .nth(1)
                .unwrap()
                .starts_with(&format!("0,0,{tau},"))
        );
        mean_distance(&placed, &points(&at, "moved.csv"))
    });
    for (flags, axis, low, high) in [
        ("--sampler ddpm --fix x=0.5 --resample 3", 0, 0.4999, 0.5001),
        ("--fix y=-0.3..0.2 --sampler ddim:1", 1, -0.3001, 0.2001),
    ] {
        ok(
            &at,
            &format!("{run} {flags} --steps 20 --n 100 --out held.csv"),
        );
        let held = points(&at, "held.csv");
        assert!(
            held.iter().all(|p| (low..=high).contains(&p[axis])),
            "{flags}"
        );
    }
    println!("a placed cloud moves from t/T = 0.1, 0.5, 1 by {moved:?}");
    assert!(moved[0] < moved[1] && moved[1] < moved[2], "{moved:?}");
}

#[test]
fn what_cannot_be_edited_is_refused_before_the_work() {
    let at = model();
    std::fs::write(at.path().join("p.csv"), "x,y\n0.5,-1\n").unwrap();
    let run = "sample --engine cpu --model model --out out.csv";
    let told = fails(&at, &format!("{run} --sampler ddpm --invert p.csv"));
    assert!(told.contains("ddim, euler, heun, rk4"), "{told}");
    let stage = r#"{"stages": [{"t": 1, "to": 0, "x": {"x_0": 1}}]}"#;
    std::fs::write(at.path().join("mine.json"), stage).unwrap();
    let told = fails(
        &at,
        &format!("{run} --sampler mine.json --init p.csv --from-t 0.5"),
    );
    assert!(told.contains("leave out --from-t"), "{told}");
    let told = fails(&at, &format!("{run} --sampler heun --fix x=0.5"));
    assert!(told.contains("take ddpm"), "{told}");
    let told = fails(&at, &format!("{run} --fix x=0.5 --fix x=1"));
    assert!(told.contains("holds x twice"), "{told}");
    for (flags, words) in [
        ("--fix z=1", "x=0.5"),
        ("--fix x=2..1", "the lower one first"),
        ("--resample 3", "--fix"),
        ("--from-t 0.5", "--init"),
        ("--init p.csv --from-t 0", "above 0"),
        ("--init p.csv --invert p.csv", "--invert"),
    ] {
        let told = wrong_usage(&at, &format!("{run} {flags}"));
        assert!(told.contains(words), "{told}");
    }
}

fn setup() -> Setup {
    Setup::new(Experiment {
        data: DataSource::Shape(Shape::EightGaussians),
        timesteps: 100,
        width: 32,
        learn_variance: true,
        ..Experiment::default()
    })
    .unwrap()
}

fn every_frame(engine: &mut dyn Engine, plan: &Plan, denoiser: &Denoiser) -> Vec<[f32; 2]> {
    let run = Run {
        plan,
        start: &Start::Noise(300),
        seed: 5,
        denoiser,
        guidance: None,
        frames: Frames::Every(1),
    };
    let recording = engine.run(&run, &|_| true).unwrap().unwrap();
    recording.points.to_host().unwrap().to_vec()
}

/// A coordinate is held alike on both engines, in every frame, by the network and by the exact field, with noise that is widened and
/// without any.
#[test]
fn both_engines_hold_a_coordinate_alike() {
    let setup = setup();
    let context = setup.experiment.plan_context();
    let mut gpu = GpuEngine::new(GpuContext::headless().unwrap()).unwrap();
    let mut cpu = CpuEngine::new();
    let state = ModelState::fresh(initial_weights(setup.spec.shape, 3));
    gpu.load(&setup.spec, &state).unwrap();
    cpu.load(&setup.spec, &state).unwrap();
    let exact = Denoiser::Exact(setup.dataset.mixture.clone());
    for wanted in [
        [Wanted::At(0.4), Wanted::Any],
        [Wanted::Between([-0.2, 0.5]), Wanted::At(-0.7)],
    ] {
        for sampler in [
            Sampler::Ddpm(Variance::BetaTilde),
            Sampler::DdpmLearned,
            Sampler::Ddim { eta: 0.0 },
        ] {
            let clip = setup.dataset.clip_box(false);
            let plan = sampler.plan(8, context, Some(clip));
            let plan = plan.held(wanted, 3, context).unwrap();
            for denoiser in [&Denoiser::Learned, &exact] {
                let [on_gpu, on_cpu] = [&mut gpu as &mut dyn Engine, &mut cpu]
                    .map(|engine| every_frame(engine, &plan, denoiser));
                assert_eq!(on_gpu.len(), 9 * 300);
                let apart = on_gpu.iter().zip(&on_cpu).map(|(p, q)| {
                    let [dx, dy] = [p[0] - q[0], p[1] - q[1]];
                    dx.abs().max(dy.abs())
                });
                let apart = apart.fold(0.0, f32::max);
                assert!(apart < 2e-3, "{sampler}, {wanted:?}: {apart}");
                let ends = &on_cpu[8 * 300..];
                if let Wanted::At(value) = wanted[0] {
                    assert!(
                        ends.iter()
                            .all(|p| f64::from(p[0]) == f64::from(value as f32))
                    );
                } else {
                    assert!(ends.iter().all(|p| (-0.2..=0.5).contains(&p[0])));
                }
            }
        }
    }
}

/// By the exact field of the figure-8, x held: the samples come to p(y | x) as each step is taken more often.
#[test]
fn what_is_filled_in_comes_to_the_exact_conditional() {
    let setup = setup();
    let context = setup.experiment.plan_context();
    let mut cpu = CpuEngine::new();
    let state = ModelState::fresh(initial_weights(setup.spec.shape, 3));
    cpu.load(&setup.spec, &state).unwrap();
    let mixture = &Dataset::of_shape(Shape::Figure8, 512, 0).mixture;
    let exact = Denoiser::Exact(Arc::clone(mixture));
    let wanted = [Wanted::At(0.7), Wanted::Any];
    let law = Slice::of(mixture, 1, wanted[0]);
    let far = [1, 10].map(|times| {
        let plan = Sampler::Ddpm(Variance::BetaTilde).plan(50, context, None);
        let plan = plan.held(wanted, times, context).unwrap();
        let frames = every_frame(&mut cpu, &plan, &exact);
        let ends = frames[frames.len() - 300..].iter();
        law.distance(&ends.map(|p| f64::from(p[1])).collect::<Vec<_>>())
            .unwrap()
    });
    println!("W1 to p(y | x = 0.7) of the figure-8, each step once and ten times: {far:?}");
    assert!(far[1] < 0.7 * far[0], "{far:?}");
}

type Window = Harness<'static, LabApp>;

/// The chapter on eight Gaussians and a network that has learned nothing: it opens by the exact field.
fn open(light: bool) -> Window {
    let lab = Zeros::new(Experiment {
        data: DataSource::Shape(Shape::EightGaussians),
        timesteps: 200,
        width: 32,
        depth: 1,
        ..Experiment::default()
    });
    let mut window = common::window(lab, Chapter::Editing, light);
    rest(&mut window);
    window
}

/// One run follows another: let all come.
fn rest(window: &mut Window) {
    settle(window);
    window.run_steps(12);
}

fn click(window: &mut Window, name: &str) {
    window.get_by_label(name).click();
    rest(window);
}

/// The number of the read-out of this name.
fn read(window: &Window, name: &str) -> f64 {
    let begins = |value: Option<String>| value.filter(|text| text.starts_with(name));
    let node = window.get_by(|node| begins(node.value()).is_some());
    let text = begins(node.accesskit_node().value()).unwrap();
    let text = text[name.len()..].trim().replace('−', "-");
    text.parse()
        .unwrap_or_else(|_| panic!("'{text}' is no number"))
}

#[test]
fn the_chapter_says_how_far_each_edit_is_off() {
    let mut window = open(false);
    let by_heun = read(&window, "there and back");
    click(&mut window, "ODE by: RK4");
    let by_rk4 = read(&window, "there and back");
    click(&mut window, "ODE by: Euler");
    let by_euler = read(&window, "there and back");
    println!("there and back in 40 steps by Euler, Heun, RK4: {by_euler}, {by_heun}, {by_rk4}");
    assert!(by_rk4 < 0.5 * by_heun && by_heun < 0.5 * by_euler);
    assert!(read(&window, "farthest latent, σ") < 5.0);

    click(&mut window, "Edit: Join");
    click(&mut window, "ODE by: Heun");
    let along = ["share on the data", "of the straight line"].map(|name| read(&window, name));
    println!("share of the curve and of the line on the data: {along:?}");
    assert!(along[0] > 2.0 * along[1], "{along:?}");
    click(&mut window, "Between: Straight");
    assert_ne!(read(&window, "share on the data"), along[0]);

    // The runs of one edit are never taken for those of another.
    window.get_by_label("Edit: Fix").click();
    window.run_steps(1);
    window.get_by_label("Edit: Cloud").click();
    rest(&mut window);
    let found = [0.05, 0.4, 1.0].map(|tau| {
        window.get_by_label("Noised to t").set_value_accesskit(tau);
        rest(&mut window);
        [
            read(&window, "moved by"),
            read(&window, "surprise of the cloud"),
        ]
    });
    println!("a cloud from t = 0.05, 0.4, 1 moves and is surprised: {found:?}");
    assert!(
        found[0][0] < found[1][0] && found[1][0] < found[2][0],
        "{found:?}"
    );
    assert!(
        found[0][1] > found[1][1] && found[1][1] > found[2][1],
        "{found:?}"
    );

    click(&mut window, "Edit: Fix");
    window.get_by_label("Each step").set_value_accesskit(10.0);
    rest(&mut window);
    let far = ["distance to the exact", "with each step once"].map(|name| read(&window, name));
    println!("x held at 0.3, each step ten times and once: {far:?}");
    assert!(far[0] < far[1], "{far:?}");
    click(&mut window, "Held to: A region");
    assert!(
        window
            .query_by_label_contains("A region is a projection")
            .is_some()
    );
}

/// A click adds a point to those that go up, and a button brings the drawn ones back; a dab adds to the cloud.
#[test]
fn the_hand_places_points_and_paints() {
    let mut window = open(false);
    let press = |window: &mut Window, share: [f32; 2]| {
        let canvas = window.get_by_label("Editing canvas").rect();
        let at = canvas.min + egui::vec2(share[0], share[1]) * canvas.size();
        window.hover_at(at);
        window.run_steps(1);
        window.drag_at(at);
        window.run_steps(1);
        window.drop_at(at);
        rest(window);
    };
    let drawn = read(&window, "there and back");
    press(&mut window, [0.5, 0.9]);
    let placed = read(&window, "there and back");
    assert_ne!(drawn, placed);
    assert!(read(&window, "farthest latent, σ") > 5.0, "off the data");
    click(&mut window, "Draws of the data");
    assert_eq!(read(&window, "there and back"), drawn);
    click(&mut window, "Edit: Cloud");
    click(&mut window, "Clear cloud");
    assert!(
        window
            .query_by_label_contains("Drag on the canvas to paint")
            .is_some()
    );
    press(&mut window, [0.4, 0.8]);
    assert!(
        window
            .query_by_label_contains("Drag on the canvas to paint")
            .is_none()
    );
    assert!(read(&window, "moved by") > 0.0);
}

/// Each edit by the exact field, with its charts, in both themes.
#[test]
fn the_edits_look_as_they_did() {
    let mut results = egui_kittest::SnapshotResults::new();
    for (light, theme) in [(false, "dark"), (true, "light")] {
        let mut window = open(light);
        for edit in ["Join", "Cloud", "Fix"] {
            click(&mut window, &format!("Edit: {edit}"));
            window.hover_at(egui::pos2(1180.0, 620.0));
            rest(&mut window);
            let name = format!("editing_{}_{theme}", edit.to_lowercase());
            common::compare(&mut window, &name);
            results.extend_harness(&mut window);
        }
    }
}
