//! Couplings of points and noise: transport against SciPy (`tests/golden/transport.json`, which `scripts/golden/make_transport.py`
//! wrote), starts from a source on both engines, and reflow.

mod common;

use std::sync::{Arc, OnceLock};

use common::{Driven, click, find, settle};

use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::Sampler;
use noise_compass::diffusion::target::Target;
use noise_compass::engine::EngineChoice;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::{Engine, Frames, ModelState, Piece, Run, Start};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::few_steps::{batch_cost, pairs_of, plan, reflow_plan, reflow_run};
use noise_compass::lab::message::{Command, Order, Side};
use noise_compass::lab::model_dir::{self, Trained};
use noise_compass::lab::setup::Setup;
use noise_compass::measure::straightness::{Straightness, straightness};
use noise_compass::transport::sinkhorn::TransportPlan;
use noise_compass::transport::{Coupling, Source, mean_cost};
use noise_compass::ui::chapters::Chapter;

#[derive(serde::Deserialize)]
struct Golden {
    a: Vec<[f32; 2]>,
    b: Vec<[f32; 2]>,
    partners: Vec<usize>,
    exact: f64,
    entropic: Vec<Entropic>,
}

#[derive(serde::Deserialize)]
struct Entropic {
    eps: f64,
    cost: f64,
    first_row: Vec<f64>,
}

#[test]
fn transport_is_scipys() {
    let golden: Golden = serde_json::from_str(include_str!("golden/transport.json")).unwrap();
    let Golden { a, b, .. } = &golden;
    let partners = Coupling::Optimal.partners(a, b, |_| 0.5);
    assert_eq!(partners, golden.partners);
    let led: Vec<_> = partners.iter().map(|&j| b[j]).collect();
    assert!((mean_cost(a, &led) - golden.exact).abs() < 1e-12);
    let mut above = f64::INFINITY;
    for of in &golden.entropic {
        let plan = TransportPlan::entropic(a, b, of.eps, (1e-11, 200_000));
        let cost = plan.cost(a, b);
        assert!(
            (cost - of.cost).abs() < 1e-7,
            "ε {}: {cost}, {}",
            of.eps,
            of.cost
        );
        for (ours, theirs) in plan.row(0).iter().zip(&of.first_row) {
            assert!(
                (ours - theirs).abs() < 1e-8,
                "ε {}: {ours}, {theirs}",
                of.eps
            );
        }
        // As ε falls, the cost falls towards the exact one.
        assert!(cost - golden.exact < above);
        above = cost - golden.exact;
    }
    assert!(above < 0.02 * golden.exact, "{above}");
}

fn from_8_gaussians() -> Experiment {
    Experiment {
        data: DataSource::Shape(Shape::Moons),
        source: Source::Shape(Shape::EightGaussians),
        schedule: Schedule::Flow,
        target: Target::Velocity,
        width: 64,
        fresh: true,
        ..Experiment::default()
    }
}

fn context() -> Arc<GpuContext> {
    static CONTEXT: OnceLock<Arc<GpuContext>> = OnceLock::new();
    CONTEXT
        .get_or_init(|| GpuContext::headless().unwrap())
        .clone()
}

/// Runs and the live picture start at the same draws of the source on both engines, and not at noise.
#[test]
fn samples_start_from_the_source_on_both_engines() {
    let setup = Setup::new(from_8_gaussians()).unwrap();
    let state = ModelState::fresh(initial_weights(setup.spec.shape, 3));
    let (mut gpu, mut cpu) = (GpuEngine::new(context()).unwrap(), CpuEngine::new());
    let plan = plan(&setup, Sampler::FlowEuler, 4);
    let start = Start::Noise(300);
    let mut found = Vec::new();
    for engine in [&mut gpu as &mut dyn Engine, &mut cpu] {
        engine.load(&setup.spec, &state).unwrap();
        let run = Run {
            frames: Frames::Every(1),
            ..Run::of_samples(&plan, &start, 9)
        };
        let recording = engine.run(&run, &|_| true).unwrap().unwrap();
        let run = Run::of_samples(&plan, &start, 9);
        let mut cloud = None;
        for (first, count) in [(0, 200), (200, 100)] {
            let piece = Piece {
                first,
                count,
                stage: 0,
                end_stage: plan.steps.len() as u32,
            };
            cloud = Some(engine.refresh(cloud, &run, piece).unwrap());
        }
        let picture = cloud.unwrap().to_host().unwrap();
        found.push((recording.points.to_host().unwrap(), picture));
    }
    let (of_gpu, of_cpu) = (&found[0], &found[1]);
    assert_eq!(of_gpu.0[..300], of_cpu.0[..300]);
    // The ring has nothing near its middle.
    let radius = |p: &[f32; 2]| p[0].hypot(p[1]);
    assert!(of_cpu.0[..300].iter().all(|p| radius(p) > 0.9));
    let near = |a: &[[f32; 2]], b: &[[f32; 2]]| {
        let apart = |(p, q): (&[f32; 2], &[f32; 2])| (p[0] - q[0]).abs().max((p[1] - q[1]).abs());
        let most = a.iter().zip(b).map(apart).fold(0.0, f32::max);
        assert!(most < 1e-3, "{most}");
    };
    near(&of_gpu.0, &of_cpu.0);
    near(&of_gpu.1, &of_cpu.1);
    near(&of_cpu.1, &of_cpu.0[of_cpu.0.len() - 300..]);
    // A sampler that adds noise leads elsewhere, and is refused by both.
    let noisy = noise_compass::lab::few_steps::plan(&setup, Sampler::ALL[0], 4);
    for engine in [&mut gpu as &mut dyn Engine, &mut cpu] {
        let told = engine.run(&Run::of_samples(&noisy, &start, 9), &|_| true);
        assert!(told.unwrap_err().to_string().contains("adds noise"));
    }
}

fn train(engine: &mut CpuEngine, updates: u32) {
    let mut done = 0;
    while done < updates {
        done += engine.train(updates - done, 1.0).unwrap();
    }
}

fn measured(engine: &mut CpuEngine, setup: &Setup) -> Straightness {
    let (plan, start) = (plan(setup, Sampler::FlowEuler, 32), Start::Noise(512));
    let run = Run {
        frames: Frames::Every(1),
        ..Run::of_samples(&plan, &start, 4)
    };
    let recording = engine.run(&run, &|_| true).unwrap().unwrap();
    straightness(&recording.taus, &recording.points.to_host().unwrap()).unwrap()
}

/// From 8 Gaussians to moons: the pairs of a model cost less than chance pairs, its next training straightens the paths to less than a
/// fifth, and a saved model has its pairs.
#[test]
fn reflow_straightens_the_paths_and_its_model_keeps_the_pairs() {
    let setup = Setup::new(from_8_gaussians()).unwrap();
    let mut engine = CpuEngine::new();
    let state = ModelState::fresh(initial_weights(setup.spec.shape, 3));
    engine.load(&setup.spec, &state).unwrap();
    train(&mut engine, 1200);
    let before = measured(&mut engine, &setup);

    let (plan, start) = (reflow_plan(&setup), Start::Noise(4096));
    let recording = engine
        .run(&reflow_run(&plan, &start, 5), &|_| true)
        .unwrap()
        .unwrap();
    let pairs = pairs_of(&recording.points.to_host().unwrap(), 4096).unwrap();
    let refused = Experiment {
        fresh: true,
        coupling: Coupling::Reflow,
        ..from_8_gaussians()
    };
    assert!(refused.validate().unwrap_err().contains("finite"));
    let finite = setup
        .changed(Experiment {
            fresh: false,
            ..from_8_gaussians()
        })
        .unwrap();
    let reflow = finite.with_pairs(Arc::new(pairs)).unwrap();
    let (chance, own) = (batch_cost(&setup, 0), batch_cost(&reflow, 0));
    assert!(own.value < 0.4 * chance.value, "{own:?} {chance:?}");
    // Never more than the paths transport (Liu et al. 2023, theorem 3.5), but for chance.
    assert!((own.value - before.cost.value).abs() < 0.2 * before.cost.value);

    engine.update(&reflow.spec).unwrap();
    train(&mut engine, 1200);
    let after = measured(&mut engine, &reflow);
    assert!(
        after.error.value < 0.2 * before.error.value,
        "{before:?} {after:?}"
    );

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    let state = engine.state().unwrap();
    let trained = Trained {
        experiment: &reflow.experiment,
        dataset: &reflow.dataset,
        teacher: None,
        state: &state,
        metrics: &[],
    };
    model_dir::save(&path, trained).unwrap();
    let opened = model_dir::load(&path).unwrap().setup().unwrap();
    assert_eq!(opened.spec.pairing, reflow.spec.pairing);
    assert_eq!(opened.dataset.pairs, reflow.dataset.pairs);
    // What is held against the closed form is refused.
    assert!(!reflow.experiment.has_exact_field() && !reflow.experiment.has_least_loss());
    // Other data have no pairs.
    let moved = Experiment {
        data: DataSource::Shape(Shape::Circle),
        ..Experiment::clone(&opened.experiment)
    };
    assert!(opened.changed(moved).unwrap_err().contains("pairs"));
}

/// The first number of what is said of a row of the table.
fn said(
    window: &egui_kittest::Harness<'_, noise_compass::ui::shell::app::LabApp>,
    name: &str,
) -> f64 {
    // With a blank: the row's name alone stands there too.
    let text = find(window, &format!("{name} ")).unwrap_or_else(|| panic!("no {name}"));
    let number = text[name.len()..].trim().split(' ').next().unwrap();
    number
        .replace('−', "-")
        .replace('\u{2009}', "")
        .parse()
        .unwrap_or(f64::NAN)
}

/// The chapter: a coupling is chosen by its name, its numbers are those of the paths, and one click lets B train on the model's pairs.
#[test]
fn the_chapter_couples_measures_and_reflows_into_b() {
    let lab = Driven::new(
        Experiment {
            fresh: false,
            width: 32,
            depth: 2,
            ..from_8_gaussians()
        },
        EngineChoice::Cpu,
    );
    let train_to = |step: u64| {
        lab.train_until(step);
        lab.pair(|pair| pair.handle(Order::Both(Command::Play)));
    };
    let mut window = common::window(lab.clone(), Chapter::FewSteps, false);
    assert!(find(&window, "Train first").is_some());
    train_to(500);
    settle(&mut window);
    common::compare(&mut window, "few_steps_dark");
    let before = said(&window, "Straightness error");
    assert!(before > 0.5, "{before}");
    assert!(said(&window, "Cost of the pairs") > 3.0);
    lab.asked();
    click(&mut window, "Reflow into B");
    settle(&mut window);
    let asked = lab.asked();
    let led = |order: &Order| matches!(order, Order::To(Side::B, Command::TrainOnPairs(pairs)) if pairs.starts.len() == 8192);
    assert!(
        asked.iter().any(|order| matches!(order, Order::Equalise)),
        "{}",
        asked.len()
    );
    assert!(asked.iter().any(led));
    let coupling = |side| lab.pair(|pair| pair.session(side).unwrap().setup().experiment.coupling);
    assert_eq!(
        (coupling(Side::A), coupling(Side::B)),
        (Coupling::Independent, Coupling::Reflow)
    );
    train_to(1000);
    settle(&mut window);
    let (a, b) = (
        said(&window, "A Straightness error"),
        said(&window, "B Straightness error"),
    );
    assert!(b < 0.4 * a, "{a} {b}");
    let mut light = common::window(lab.clone(), Chapter::FewSteps, true);
    common::compare(&mut light, "few_steps_split_light");
    let results = window.take_snapshot_results();
    light.take_snapshot_results().extend(results);
    // Another coupling, by its name.
    click(&mut light, "Coupling: OT");
    assert_eq!(coupling(Side::A), Coupling::Optimal);
}
