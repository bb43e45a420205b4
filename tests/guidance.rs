//! Samples of a class: what is learned with labels, and how a run is led towards one, on both engines.

#[path = "common/command.rs"]
mod command;

use std::sync::{Arc, OnceLock};

use command::{directory, fails, ok, wrong_usage};

use noise_compass::data::dataset::Dataset;
use noise_compass::data::mixture::Mixture;
use noise_compass::data::reference::Reference;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{Plan, PlanContext, Sampler, Variance};
use noise_compass::diffusion::target::{Quantity, Target};
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::network::rate::Decay;
use noise_compass::engine::{
    Denoiser, Engine, Frames, Guidance, GuideBy, ModelState, Run, Start, TrainSpec,
};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::setup::Setup;
use noise_compass::measure::floor::sliced_quality;

const EVERYWHERE: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

fn experiment(shape: Shape) -> Experiment {
    Experiment {
        data: DataSource::Shape(shape),
        timesteps: 100,
        width: 64,
        labels: true,
        learn_variance: true,
        ..Experiment::default()
    }
}

fn context(experiment: &Experiment) -> PlanContext {
    experiment.plan_context()
}

/// Both engines with one model of random weights.
fn engines(spec: &TrainSpec) -> [Box<dyn Engine>; 2] {
    static CONTEXT: OnceLock<Arc<GpuContext>> = OnceLock::new();
    let context = CONTEXT.get_or_init(|| GpuContext::headless().unwrap());
    let mut engines: [Box<dyn Engine>; 2] = [
        Box::new(GpuEngine::new(context.clone()).unwrap()),
        Box::new(CpuEngine::new()),
    ];
    let state = ModelState::fresh(initial_weights(spec.shape, 3));
    for engine in &mut engines {
        engine.load(spec, &state).unwrap();
    }
    engines
}

fn ends(engine: &mut dyn Engine, run: &Run<'_>) -> Vec<[f32; 2]> {
    let recording = engine.run(run, &|_| true).unwrap().unwrap();
    recording.points.to_host().unwrap().to_vec()
}

fn largest(a: &[[f32; 2]], b: &[[f32; 2]]) -> f32 {
    assert_eq!(a.len(), b.len());
    let apart = |(a, b): (&[f32; 2], &[f32; 2])| (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
    a.iter().zip(b).map(apart).fold(0.0, f32::max)
}

fn class_of(dataset: &Dataset, class: u32) -> Arc<Mixture> {
    let labels = dataset.labels.as_ref().unwrap();
    Arc::new(labels.mixture_of(&dataset.mixture, class).unwrap())
}

/// Every kind of sampler with a label, by the network, all over and in an interval. The exact field is the host's on both.
#[test]
fn both_engines_are_led_alike() {
    let setup = Setup::new(experiment(Shape::Rings)).unwrap();
    let mut engines = engines(&setup.spec);
    let exact = Denoiser::Exact(setup.dataset.mixture.clone());
    let context = PlanContext {
        target: Target::X0,
        ..context(&setup.experiment)
    };
    let clip = setup.dataset.clip_box(false);
    for sampler in [
        Sampler::Ddpm(Variance::Beta),
        Sampler::DdpmLearned,
        Sampler::Heun,
        Sampler::DpmPp2M,
        Sampler::Edm { churn: 10.0 },
        Sampler::Dopri5 { tolerance: 1e-6 },
    ] {
        let plan = sampler.plan(9, context, Some(clip));
        for (weight, log_snr) in [
            (0.0, EVERYWHERE),
            (1.0, EVERYWHERE),
            (3.0, EVERYWHERE),
            (-1.0, EVERYWHERE),
            (2.0, [-1.0, 2.0]),
        ] {
            let guidance = Guidance {
                label: Some(2),
                weight,
                log_snr,
                class: Some(class_of(&setup.dataset, 2)),
                by: GuideBy::ClassifierFree,
            };
            for (denoiser, tolerance) in [(&Denoiser::Learned, 2e-3), (&exact, 2e-3)] {
                let start = Start::Noise(130);
                let run = Run {
                    plan: &plan,
                    start: &start,
                    seed: 6,
                    denoiser,
                    guidance: Some(&guidance),
                    frames: Frames::End,
                };
                let [gpu, cpu] = engines.each_mut().map(|engine| ends(engine.as_mut(), &run));
                let apart = largest(&gpu, &cpu);
                let of = format!("{sampler}, weight {weight} in {log_snr:?}, {denoiser:?}");
                assert!(apart < tolerance, "{}: {apart}", &of[..of.len().min(120)]);
            }
        }
    }
}

/// One model asked for class 0, then 1, then 0 again in runs of one form, then without a label, then by twice as many particles as a slice has:
/// what is kept on the device is never of another run.
#[test]
fn runs_of_one_form_keep_their_own_labels() {
    let setup = Setup::new(experiment(Shape::Moons)).unwrap();
    let mut engines = engines(&setup.spec);
    let context = PlanContext {
        target: Target::X0,
        ..context(&setup.experiment)
    };
    let plan = Sampler::Heun.plan(3, context, None);
    for (particles, label, weight) in [
        (300, Some(0), 2.0),
        (300, Some(1), 2.0),
        (300, Some(0), 2.0),
        (300, Some(1), 1.0),
        (300, None, 1.0),
        (300, Some(0), 1.0),
        (16_384 + 70, Some(1), 3.0),
    ] {
        let guidance = label.map(|label| Guidance {
            label: Some(label),
            weight,
            log_snr: EVERYWHERE,
            class: None,
            by: GuideBy::ClassifierFree,
        });
        let start = Start::Noise(particles);
        let run = Run {
            guidance: guidance.as_ref(),
            ..Run::of_samples(&plan, &start, 2)
        };
        let [gpu, cpu] = engines.each_mut().map(|engine| ends(engine.as_mut(), &run));
        let apart = largest(&gpu, &cpu);
        assert!(apart < 1e-4, "{particles}, {label:?}, {weight}: {apart}");
    }
}

/// Weight 0 is the run without a label, weight 1 that of the class alone: to the digits of f32.
#[test]
fn the_ends_of_the_weight_are_all_and_the_class() {
    let setup = Setup::new(experiment(Shape::Moons)).unwrap();
    let mut engines = engines(&setup.spec);
    let class = class_of(&setup.dataset, 1);
    let [all, own] = [&setup.dataset.mixture, &class].map(|of| Denoiser::Exact(of.clone()));
    // An untrained ε̂ over a would make much of rounding.
    let context = PlanContext {
        target: Target::X0,
        ..context(&setup.experiment)
    };
    let start = Start::Noise(100);
    for sampler in [Sampler::Ddpm(Variance::BetaTilde), Sampler::Heun] {
        let plan = sampler.plan(12, context, None);
        let run = Run {
            plan: &plan,
            start: &start,
            seed: 1,
            denoiser: &all,
            guidance: None,
            frames: Frames::End,
        };
        let led = |weight| Guidance {
            label: Some(1),
            weight,
            log_snr: EVERYWHERE,
            class: Some(class.clone()),
            by: GuideBy::ClassifierFree,
        };
        let [nowhere, to_class] = [0.0, 1.0].map(led);
        let learned = Run {
            denoiser: &Denoiser::Learned,
            ..run
        };
        for engine in &mut engines {
            let engine = engine.as_mut();
            let of_class = ends(
                engine,
                &Run {
                    denoiser: &own,
                    ..run
                },
            );
            let by_weight = |engine: &mut dyn Engine, run: Run<'_>, guidance| {
                let guidance = Some(guidance);
                ends(engine, &Run { guidance, ..run })
            };
            let kind = engine.info().kind;
            let found = by_weight(engine, run, &to_class);
            assert!(largest(&found, &of_class) < 2e-3, "{sampler}, {kind:?}");
            let found = by_weight(engine, run, &nowhere);
            assert!(
                largest(&found, &ends(engine, &run)) < 2e-3,
                "{sampler}, {kind:?}"
            );
            let found = by_weight(engine, learned, &nowhere);
            assert!(
                largest(&found, &ends(engine, &learned)) < 1e-5,
                "{sampler}, {kind:?}"
            );
            // The network says something else with a label.
            let found = by_weight(engine, learned, &to_class);
            assert!(
                largest(&found, &ends(engine, &learned)) > 1e-3,
                "{sampler}, {kind:?}"
            );
        }
    }
}

/// The guided score is ∇ ln [p_t(x) p_t(y | x)^w]: the exact score that a run follows against central differences of that.
#[test]
fn the_exact_guided_field_is_the_gradient_of_the_tilted_density() {
    for shape in [Shape::Figure8, Shape::EightGaussians, Shape::Pinwheel] {
        let setup = Setup::new(experiment(shape)).unwrap();
        let mut engine = CpuEngine::new();
        let state = ModelState::fresh(initial_weights(setup.spec.shape, 3));
        engine.load(&setup.spec, &state).unwrap();
        let dataset = &setup.dataset;
        let labels = dataset.labels.as_ref().unwrap();
        let exact = Denoiser::Exact(dataset.mixture.clone());
        let points = vec![[0.3, 0.2], [-0.9, 0.7], [1.1, -0.4]];
        for schedule in [Schedule::Cosine, Schedule::Ve, Schedule::Flow] {
            let context = PlanContext {
                schedule,
                ..context(&setup.experiment)
            };
            for (tau, weight) in [(0.4, 3.0), (0.7, 0.5), (0.7, -1.0)] {
                let scales = schedule.scales(tau, 100);
                let plan = Plan::field(context, tau, Quantity::Score);
                let guidance = Guidance {
                    label: Some(1),
                    weight,
                    log_snr: EVERYWHERE,
                    class: Some(class_of(dataset, 1)),
                    by: GuideBy::ClassifierFree,
                };
                let start = Start::Points(Arc::new(points.clone()));
                let run = Run {
                    plan: &plan,
                    start: &start,
                    seed: 0,
                    denoiser: &exact,
                    guidance: Some(&guidance),
                    frames: Frames::End,
                };
                let found = ends(&mut engine, &run);
                let marginal = dataset.mixture.marginal(scales);
                let tilted = |x: [f64; 2]| {
                    let posterior = labels.posterior(&marginal, x)[1];
                    marginal.log_density(x) + weight * posterior.ln()
                };
                for (x, found) in points.iter().zip(found) {
                    let h = 1e-5;
                    for axis in 0..2 {
                        let at = |step: f64| {
                            let mut x = x.map(f64::from);
                            x[axis] += step;
                            tilted(x)
                        };
                        let slope = (at(h) - at(-h)) / (2.0 * h);
                        assert!(
                            (f64::from(found[axis]) - slope).abs() < 2e-3 * (1.0 + slope.abs()),
                            "{shape:?}, {schedule}, {tau}, {weight}: {}, not {slope}",
                            found[axis]
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_led_is_refused() {
    let setup = Setup::new(experiment(Shape::Moons)).unwrap();
    let plain = Setup::new(Experiment {
        labels: false,
        ..experiment(Shape::Moons)
    })
    .unwrap();
    let plan = Sampler::Heun.plan(4, context(&setup.experiment), None);
    let start = Start::Noise(5);
    let class = class_of(&setup.dataset, 0);
    let given = Denoiser::Given(Arc::new(vec![[0.0; 2]; 5]));
    let exact = Denoiser::Exact(setup.dataset.mixture.clone());
    let guidance = |label, weight, class: Option<&Arc<Mixture>>| Guidance {
        label: Some(label),
        weight,
        log_snr: EVERYWHERE,
        class: class.cloned(),
        by: GuideBy::ClassifierFree,
    };
    for (spec, denoiser, guidance, words) in [
        (
            &plain.spec,
            &Denoiser::Learned,
            guidance(0, 1.0, None),
            "--labels",
        ),
        (
            &setup.spec,
            &Denoiser::Learned,
            guidance(2, 1.0, None),
            "0 to 1, not 2",
        ),
        (
            &setup.spec,
            &exact,
            guidance(0, 1.0, None),
            "of the class is not given",
        ),
        (
            &setup.spec,
            &given,
            guidance(0, 1.0, Some(&class)),
            "have no label",
        ),
        (
            &setup.spec,
            &Denoiser::Learned,
            guidance(0, f64::NAN, None),
            "no number",
        ),
    ] {
        for mut engine in engines(spec) {
            let run = Run {
                plan: &plan,
                start: &start,
                seed: 0,
                denoiser,
                guidance: Some(&guidance),
                frames: Frames::End,
            };
            let told = engine.run(&run, &|_| true).unwrap_err().to_string();
            assert!(told.contains(words), "{told}");
        }
    }
}

/// After a few thousand updates a class's samples are as close to it as honest draws of it are, and those without a label to the whole:
/// within 1.3 floors, by the sliced distance.
#[test]
fn a_labelled_network_learns_each_class_and_the_whole() {
    let setup = Setup::new(Experiment {
        learn_variance: false,
        width: 128,
        label_dropout: 0.25,
        fresh: true,
        decay: Decay::Cosine,
        decay_steps: 8000,
        ..experiment(Shape::Moons)
    })
    .unwrap();
    let mut engine = CpuEngine::new();
    let state = ModelState::fresh(initial_weights(setup.spec.shape, 1));
    engine.load(&setup.spec, &state).unwrap();
    engine.train(8000, f64::INFINITY).unwrap();
    let clip = setup.dataset.clip_box(true);
    let plan = Sampler::Heun.plan(20, context(&setup.experiment), Some(clip));
    let start = Start::Noise(4096);
    let guided = [None, Some(0), Some(1)];
    for label in guided {
        let guidance = label.map(|label| Guidance {
            label: Some(label),
            weight: 1.0,
            log_snr: EVERYWHERE,
            class: None,
            by: GuideBy::ClassifierFree,
        });
        let run = Run {
            guidance: guidance.as_ref(),
            ..Run::of_samples(&plan, &start, 3)
        };
        let samples = ends(&mut engine, &run);
        let truth = match label {
            None => setup.dataset.mixture.clone(),
            Some(label) => class_of(&setup.dataset, label),
        };
        let quality = sliced_quality(&samples, &Reference::Mixture(truth), 1).unwrap();
        assert!(
            quality.ratio() < 1.3,
            "{label:?}: {} floors",
            quality.ratio()
        );
    }
}

/// By the commands: trained, sampled by name and number, led beyond the class, and refused in one line.
#[test]
fn the_commands_learn_labels_and_take_them() {
    let at = directory();
    let train = "train --engine cpu --timesteps 20 --width 32 --depth 1 --steps 40 --data";
    ok(
        &at,
        &format!("{train} moons --labels --label-dropout 0.2 --out model"),
    );
    ok(&at, &format!("{train} moons --out plain"));
    let told = fails(&at, &format!("{train} circle --labels --out wrong"));
    assert!(
        told.contains("circle has no labels") && told.contains("moons"),
        "{told}"
    );
    let sample = "sample --engine cpu --n 30 --steps 5 --out s.csv --model";
    for flags in [
        "--label upper",
        "--label 1 --guidance 4",
        "--label lower --guidance -1 --guidance-interval -2,3",
    ] {
        ok(&at, &format!("{sample} model {flags}"));
    }
    for (flags, words) in [
        ("plain --label upper", "has learned no labels"),
        ("model --label middle", "use upper, lower"),
    ] {
        let told = fails(&at, &format!("{sample} {flags}"));
        assert!(told.contains(words), "{told}");
    }
    for flags in [
        "--guidance 2",
        "--label upper --guidance 11",
        "--label upper --guidance-interval 3,1",
    ] {
        wrong_usage(&at, &format!("{sample} model {flags}"));
    }
}

/// Honest draws of a class are as close to it as its floor says, and far from the whole.
#[test]
fn samples_of_a_class_are_measured_against_it() {
    let at = directory();
    let dataset = Dataset::of_shape(Shape::Rings, 100, 0);
    let draws = class_of(&dataset, 2).draw(1500, 9);
    let rows: Vec<String> = draws.iter().map(|[x, y]| format!("{x},{y}")).collect();
    let rows = format!("x,y\n{}\n", rows.join("\n"));
    std::fs::write(at.path().join("outer.csv"), rows).unwrap();
    let ratio = |flags: &str| {
        let report = ok(
            &at,
            &format!("measure --samples outer.csv --data rings --json {flags}"),
        );
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        report["w2_ratio"].as_f64().unwrap()
    };
    let (own, other, all) = (ratio("--label outer"), ratio("--label 0"), ratio(""));
    assert!((0.7..1.4).contains(&own), "{own}");
    assert!(other > 5.0 && all > 3.0, "{other}, {all}");
    let told = fails(
        &at,
        "measure --samples outer.csv --data circle --label outer",
    );
    assert!(told.contains("no labels"), "{told}");
    let told = fails(
        &at,
        "measure --samples outer.csv --data rings --label fourth",
    );
    assert!(told.contains("inner, middle, outer"), "{told}");
}
