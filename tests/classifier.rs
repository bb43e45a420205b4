//! Guidance by a classifier, exact or trained, and by a weaker model: the fields against finite differences, both engines, the lab, the
//! commands.

#[path = "common/command.rs"]
mod command;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use command::{directory, fails, ok, said, wrong_usage};

use noise_compass::data::mixture::Mixture;
use noise_compass::data::reference::Reference;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{Plan, Sampler};
use noise_compass::diffusion::target::{Quantity, Target};
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::{
    self, Classifier, ClassifierSpec, Denoiser, Engine, Frames, Guidance, GuideBy, ModelState,
    Noised, Run, Start, WeakModel,
};
use noise_compass::lab::choice::told_of;
use noise_compass::lab::classifier::{ClassifierWork, TrainedClassifier};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Command, Notice, Order, Restart, Side};
use noise_compass::lab::pair::Pair;
use noise_compass::lab::session::Session;
use noise_compass::lab::setup::Setup;
use noise_compass::measure::floor::sliced_quality;

fn experiment(shape: Shape) -> Experiment {
    Experiment {
        data: DataSource::Shape(shape),
        timesteps: 100,
        width: 64,
        depth: 2,
        ..Experiment::default()
    }
}

const SMALL: ClassifierSpec = ClassifierSpec {
    width: 32,
    depth: 2,
    updates: 800,
    batch: 256,
    learning_rate: 3e-3,
    seed: 1,
};

fn train(setup: &Setup, spec: ClassifierSpec) -> TrainedClassifier {
    let mut work = ClassifierWork::begin(spec, setup).unwrap();
    work.advance(&|_| true).unwrap()
}

/// One classifier of the moons for all tests.
fn of_moons() -> &'static TrainedClassifier {
    static TRAINED: OnceLock<TrainedClassifier> = OnceLock::new();
    TRAINED.get_or_init(|| train(&Setup::new(experiment(Shape::Moons)).unwrap(), SMALL))
}

fn class_of(setup: &Setup, class: u32) -> Arc<Mixture> {
    let labels = setup.dataset.labels.as_ref().unwrap();
    Arc::new(labels.mixture_of(&setup.dataset.mixture, class).unwrap())
}

fn led(setup: &Setup, label: Option<u32>, weight: f64, by: GuideBy) -> Guidance {
    Guidance {
        label,
        weight,
        log_snr: Guidance::EVERYWHERE,
        class: label.map(|label| class_of(setup, label)),
        by,
    }
}

fn posterior(setup: &Setup) -> GuideBy {
    GuideBy::Posterior(setup.dataset.mixture.clone())
}

fn weak(setup: &Setup, state: &ModelState) -> GuideBy {
    let timetable = setup.spec.timetable.clone();
    let weak = WeakModel::new(setup.spec.shape, state.ema.clone(), timetable);
    GuideBy::WeakModel(Arc::new(weak.unwrap()))
}

fn loaded(mut engine: impl Engine + 'static, setup: &Setup, state: &ModelState) -> Box<dyn Engine> {
    engine.load(&setup.spec, state).unwrap();
    Box::new(engine)
}

fn ends(engine: &mut dyn Engine, run: &Run<'_>) -> Vec<[f32; 2]> {
    let recording = engine.run(run, &|_| true).unwrap().unwrap();
    recording.points.to_host().unwrap().to_vec()
}

fn fresh(setup: &Setup, seed: u64) -> ModelState {
    ModelState::fresh(initial_weights(setup.spec.shape, seed))
}

/// Of every weight of a tenth and of the point: −log p(y | x_t) and its gradients in f64 against central differences.
#[test]
fn gradients_of_the_classifier_are_its_finite_differences() {
    let spec = ClassifierSpec { seed: 4, ..SMALL };
    let classifier = Classifier::<f64>::fresh(&spec, 3).unwrap();
    let at = |tau: f64, x: [f64; 2]| Noised {
        x,
        tau,
        scales: Schedule::Cosine.scales(tau, 100),
    };
    let points = [
        at(0.05, [0.3, -1.1]),
        at(0.4, [-0.7, 0.2]),
        at(0.9, [1.4, 0.6]),
    ];
    let labels = [0, 2, 1];
    let (loss, gradient) = classifier.loss_and_gradient(&points, &labels);
    let log_p = classifier.log_probabilities(&points);
    let by_hand = (log_p[0][0] + log_p[1][2] + log_p[2][1]) / -3.0;
    assert!((loss - by_hand).abs() < 1e-12);
    for index in (0..gradient.len()).step_by(11) {
        let moved = |step: f64| {
            let mut weights = classifier.weights().to_vec();
            weights[index] += step;
            let moved = Classifier::<f64>::new(&spec, 3, &weights).unwrap();
            moved.loss_and_gradient(&points, &labels).0
        };
        let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!(
            (gradient[index] - slope).abs() < 1e-8 + 1e-5 * slope.abs(),
            "{index}: {}, not {slope}",
            gradient[index]
        );
    }
    let mut work = classifier.workspace();
    for (point, label) in points.into_iter().zip(labels) {
        let (a, s) = (point.scales.a, point.scales.s);
        for (quantity, factor) in [
            (Quantity::X0, s * s / a),
            (Quantity::Eps, -s),
            (Quantity::Score, 1.0),
        ] {
            let found = classifier.shifts(label, quantity, &[point], &mut work)[0];
            for (axis, found) in found.into_iter().enumerate() {
                let moved = |step: f64| {
                    let mut moved = point;
                    moved.x[axis] += step;
                    classifier.log_probabilities(&[moved])[0][label as usize]
                };
                // What the network sees is in f32.
                let slope = factor * (moved(2e-3) - moved(-2e-3)) / 4e-3;
                assert!(
                    (found - slope).abs() < 2e-4 * (1.0 + factor.abs() + slope.abs()),
                    "{quantity:?}: {found}, not {slope}"
                );
            }
        }
    }
}

/// On draws that it has not seen it is right nearly as often as Bayes is, which nobody beats but by chance; at T both guess the likeliest class, which half of the points are of.
#[test]
fn the_trained_classifier_is_nearly_as_often_right_as_bayes() {
    let rings = train(&Setup::new(experiment(Shape::Rings)).unwrap(), SMALL);
    for (of, behind, guess) in [(of_moons(), 0.02, 0.5), (&rings, 0.03, 0.5)] {
        assert_eq!(of.accuracy.len(), 16);
        for at in &of.accuracy {
            assert!(
                (-4.0 * at.behind.error - 1e-9..behind + 3.0 * at.behind.error)
                    .contains(&at.behind.value),
                "{at:?}"
            );
        }
        let last = of.accuracy[15];
        assert!((last.best.value - guess).abs() < 0.06, "{last:?}");
        assert!(of.accuracy.is_sorted_by(|a, b| a.tau < b.tau));
    }
}

/// The score that an exact run follows is ∇ [ln p_t(x) + w ln p_t(y | x)], by the exact classifier and by the trained one.
#[test]
fn the_field_led_by_a_classifier_is_the_gradient_of_the_tilted_density() {
    let setup = Setup::new(experiment(Shape::Moons)).unwrap();
    let mut engine = loaded(CpuEngine::new(), &setup, &fresh(&setup, 3));
    let (dataset, classifier) = (&setup.dataset, &of_moons().classifier);
    let labels = dataset.labels.as_ref().unwrap();
    let exact = Denoiser::Exact(dataset.mixture.clone());
    let points = vec![[0.3, 0.2], [-0.9, 0.7], [1.1, -0.4]];
    let context = setup.experiment.plan_context();
    for (tau, weight) in [(0.3, 3.0), (0.6, 0.5), (0.6, -1.0)] {
        let scales = context.schedule.scales(tau, 100);
        let marginal = dataset.mixture.marginal(scales);
        for trained in [false, true] {
            let log_p = |x: [f64; 2]| {
                let of_class = if trained {
                    classifier.log_probabilities(&[Noised { x, tau, scales }])[0][1]
                } else {
                    labels.posterior(&marginal, x)[1].ln()
                };
                marginal.log_density(x) + weight * of_class
            };
            let by = if trained {
                GuideBy::Classifier(classifier.clone())
            } else {
                posterior(&setup)
            };
            let guidance = led(&setup, Some(1), weight, by);
            // In the classifier's f32 a finer step would measure rounding.
            let (h, tolerance) = if trained { (5e-3, 1e-2) } else { (1e-5, 2e-3) };
            for quantity in [Quantity::X0, Quantity::Eps, Quantity::Score] {
                let plan = Plan::field(context, tau, quantity);
                let run = Run {
                    plan: &plan,
                    start: &Start::Points(Arc::new(points.clone())),
                    seed: 0,
                    denoiser: &exact,
                    guidance: Some(&guidance),
                    frames: Frames::End,
                };
                let found = ends(engine.as_mut(), &run);
                for (point, found) in points.iter().zip(found) {
                    for axis in 0..2 {
                        let at = |step: f64| {
                            let mut x = point.map(f64::from);
                            x[axis] += step;
                            log_p(x)
                        };
                        let score = (at(h) - at(-h)) / (2.0 * h);
                        let expected = match quantity {
                            Quantity::Score => score,
                            Quantity::Eps => -scales.s * score,
                            Quantity::X0 => {
                                (f64::from(point[axis]) + scales.s.powi(2) * score) / scales.a
                            }
                        };
                        assert!(
                            (f64::from(found[axis]) - expected).abs()
                                < tolerance * (1.0 + expected.abs()),
                            "{trained}, {quantity:?}, {tau}, {weight}: {}, not {expected}",
                            found[axis]
                        );
                    }
                }
            }
        }
    }
}

/// Every sampler led in every way, learned and exact: both engines alike, bit for bit, for the host carries it out; the weight that changes
/// nothing changes no bit, another does; and a model led away from itself stays as it is.
#[test]
fn every_sampler_is_led_in_every_way() {
    let setup = Setup::new(Experiment {
        learn_variance: true,
        target: Target::V,
        ..experiment(Shape::Moons)
    })
    .unwrap();
    let (state, other) = (fresh(&setup, 3), fresh(&setup, 4));
    let context = GpuContext::headless().unwrap();
    let mut gpu = loaded(GpuEngine::new(context).unwrap(), &setup, &state);
    let mut cpu = loaded(CpuEngine::new(), &setup, &state);
    let exact = Denoiser::Exact(setup.dataset.mixture.clone());
    let classifier = || GuideBy::Classifier(of_moons().classifier.clone());
    let clip = Some(setup.dataset.clip_box(false));
    for sampler in Sampler::ALL {
        let plan = sampler.plan(4, setup.experiment.plan_context(), clip);
        let plan = told_of(&setup.dataset.mixture, plan);
        let start = Start::Noise(70);
        for denoiser in [&Denoiser::Learned, &exact] {
            let run = |guidance| Run {
                plan: &plan,
                start: &start,
                seed: 6,
                denoiser,
                guidance,
                frames: Frames::End,
            };
            let plain = ends(cpu.as_mut(), &run(None));
            let mut kinds = vec![
                (led(&setup, Some(1), 0.0, posterior(&setup)), false),
                (led(&setup, Some(1), 2.0, posterior(&setup)), true),
                (led(&setup, Some(0), 0.0, classifier()), false),
                (led(&setup, Some(0), 2.0, classifier()), true),
            ];
            let nowhere = Guidance {
                log_snr: [100.0, 200.0],
                ..kinds[1].0.clone()
            };
            kinds.push((nowhere, false));
            if matches!(denoiser, Denoiser::Learned) {
                kinds.extend([
                    (led(&setup, None, 1.0, weak(&setup, &other)), false),
                    (led(&setup, None, 2.0, weak(&setup, &other)), true),
                    (led(&setup, None, 3.0, weak(&setup, &state)), false),
                ]);
            }
            for (guidance, moves) in &kinds {
                let found = ends(cpu.as_mut(), &run(Some(guidance)));
                let of = format!("{sampler}, {:?}, {}", guidance.by.kind(), guidance.weight);
                assert!(found.iter().flatten().all(|x| x.is_finite()), "{of}");
                assert_eq!(found != plain, *moves, "{of}");
                assert_eq!(ends(gpu.as_mut(), &run(Some(guidance))), found, "{of}");
            }
        }
    }
}

/// By weight 1 and the exact posterior the exact field leads to honest samples of the class; by the trained classifier nearly so.
#[test]
fn exact_samples_led_to_a_class_are_its_own() {
    let setup = Setup::new(experiment(Shape::Moons)).unwrap();
    let mut engine = loaded(CpuEngine::new(), &setup, &fresh(&setup, 3));
    let exact = Denoiser::Exact(setup.dataset.mixture.clone());
    let plan = Sampler::Heun.plan(25, setup.experiment.plan_context(), None);
    for (by, most) in [
        (posterior(&setup), 1.3),
        (GuideBy::Classifier(of_moons().classifier.clone()), 4.0),
    ] {
        let guidance = led(&setup, Some(1), 1.0, by);
        let run = Run {
            plan: &plan,
            start: &Start::Noise(2048),
            seed: 2,
            denoiser: &exact,
            guidance: Some(&guidance),
            frames: Frames::End,
        };
        let samples = ends(engine.as_mut(), &run);
        let class = Reference::Mixture(class_of(&setup, 1));
        let ratio = sliced_quality(&samples, &class, 1).unwrap().ratio();
        println!("{:?}: {ratio} floors", guidance.by.kind());
        assert!(ratio < most, "{:?}: {ratio} floors", guidance.by.kind());
    }
}

/// Away from its own state of fewer updates, a training's samples are less surprising under the data.
#[test]
fn away_from_a_weaker_model_samples_lie_more_often_where_the_data_are() {
    let setup = Setup::new(Experiment {
        fresh: true,
        ..experiment(Shape::Moons)
    })
    .unwrap();
    let mut engine = loaded(CpuEngine::new(), &setup, &fresh(&setup, 3));
    engine.train(150, f64::INFINITY).unwrap();
    let early = engine.state().unwrap();
    engine.train(450, f64::INFINITY).unwrap();
    let plan = Sampler::Heun.plan(20, setup.experiment.plan_context(), None);
    let data = Reference::Mixture(setup.dataset.mixture.clone());
    let p_0 = setup
        .dataset
        .mixture
        .marginal(noise_compass::diffusion::schedule::Scales { a: 1.0, s: 0.0 });
    let mut measure = |weight: f64| {
        let guidance = led(&setup, None, weight, weak(&setup, &early));
        let run = Run {
            guidance: Some(&guidance),
            ..Run::of_samples(&plan, &Start::Noise(2048), 2)
        };
        let samples = ends(engine.as_mut(), &run);
        // In place: at least as likely as all but one in a hundred honest draws.
        let mut honest: Vec<f64> = setup
            .dataset
            .mixture
            .draw(4000, 8)
            .iter()
            .map(|x| p_0.log_density(x.map(f64::from)))
            .collect();
        honest.sort_by(f64::total_cmp);
        let inside = samples
            .iter()
            .filter(|x| p_0.log_density(x.map(f64::from)) > honest[40])
            .count();
        let ratio = sliced_quality(&samples, &data, 1).unwrap().ratio();
        (inside as f64 / samples.len() as f64, ratio)
    };
    let (plain, away) = (measure(1.0), measure(2.0));
    println!(
        "in place {:.3}, {:.2} floors; led {:.3}, {:.2} floors",
        plain.0, plain.1, away.0, away.1
    );
    assert!(away.0 > plain.0 + 0.05, "{plain:?}, {away:?}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let setup = Setup::new(experiment(Shape::Moons)).unwrap();
    let state = fresh(&setup, 3);
    let other = |change: fn(&mut Experiment)| {
        let mut experiment = experiment(Shape::Moons);
        change(&mut experiment);
        let setup = Setup::new(experiment).unwrap();
        weak(&setup, &fresh(&setup, 1))
    };
    let exact = Denoiser::Exact(setup.dataset.mixture.clone());
    let given = Denoiser::Given(Arc::new(vec![[0.0; 2]; 5]));
    let learned = Denoiser::Learned;
    let classifier = || GuideBy::Classifier(of_moons().classifier.clone());
    let plan = Sampler::Heun.plan(4, setup.experiment.plan_context(), None);
    let start = Start::Noise(5);
    let context = GpuContext::headless().unwrap();
    let mut engines = [
        loaded(CpuEngine::new(), &setup, &state),
        loaded(GpuEngine::new(context).unwrap(), &setup, &state),
    ];
    let no_class = Guidance {
        class: None,
        ..led(&setup, Some(0), 1.0, posterior(&setup))
    };
    let unknown = Guidance {
        label: Some(2),
        ..led(&setup, Some(0), 1.0, classifier())
    };
    for (denoiser, guidance, words) in [
        (&learned, no_class, "of the class is not given"),
        (&learned, unknown, "knows the classes 0 to 1"),
        (
            &learned,
            led(&setup, None, 1.0, classifier()),
            "give it a label",
        ),
        (
            &learned,
            led(&setup, Some(0), f64::NAN, classifier()),
            "no number",
        ),
        (&given, led(&setup, Some(0), 1.0, classifier()), "not led"),
        (
            &exact,
            led(&setup, None, 2.0, weak(&setup, &state)),
            "no weaker version",
        ),
        (
            &learned,
            led(&setup, None, 2.0, other(|e| e.target = Target::X0)),
            "another schedule",
        ),
        (
            &learned,
            led(&setup, None, 2.0, other(|e| e.schedule = Schedule::Flow)),
            "another schedule",
        ),
        (
            &learned,
            led(&setup, None, 2.0, other(|e| e.timesteps = 50)),
            "another schedule",
        ),
        (
            &learned,
            led(&setup, Some(0), 2.0, weak(&setup, &state)),
            "--labels",
        ),
    ] {
        for engine in &mut engines {
            let run = Run {
                denoiser,
                guidance: Some(&guidance),
                ..Run::of_samples(&plan, &start, 0)
            };
            let told = engine.run(&run, &|_| true).unwrap_err().to_string();
            assert!(told.contains(words), "{told}");
        }
    }
    let timetable = &setup.spec.timetable;
    let wrong = |weights: Vec<f32>| WeakModel::new(setup.spec.shape, weights, timetable.clone());
    assert!(
        wrong(vec![0.0; 3])
            .unwrap_err()
            .to_string()
            .contains("3 numbers")
    );
    let nan = vec![f32::NAN; setup.spec.shape.parameters()];
    assert!(
        wrong(nan)
            .unwrap_err()
            .to_string()
            .contains("not all numbers")
    );
    let bare = Setup::new(experiment(Shape::Circle)).unwrap();
    let told = ClassifierWork::begin(SMALL, &bare)
        .err()
        .unwrap()
        .to_string();
    assert!(told.contains("no classes"), "{told}");
}

const SLICE: Duration = Duration::from_millis(10);

/// Asked for by the window, a classifier comes in pieces beside the training; for other data it is trained anew, and goes where these have no
/// classes. A weak model is an earlier state or what the other side trains.
#[test]
fn the_lab_trains_a_classifier_and_takes_weak_models() {
    let factory = Arc::new(|choice| engine::create(choice, None));
    let small = || Experiment {
        width: 32,
        timesteps: 20,
        ..experiment(Shape::Moons)
    };
    let session = |experiment| {
        let engine = Box::new(CpuEngine::new());
        Session::new(Setup::new(experiment).unwrap(), engine, factory.clone()).unwrap()
    };
    let mut pair = Pair::new(session(small()));
    let settle = |pair: &mut Pair| while !pair.tick(SLICE).idle {};
    let spec = ClassifierSpec {
        updates: 200,
        ..SMALL
    };
    let mut pieces = 0;
    pair.train_until(60);
    pair.handle(Command::Play.into());
    pair.handle(Command::TrainClassifier(spec).into());
    let done = |pair: &Pair| pair.snapshots().a.classifier.clone().unwrap().done;
    while done(&pair).is_none() {
        pair.tick(SLICE);
        pieces += 1;
    }
    let first = done(&pair).unwrap();
    assert!(pieces > 3, "{pieces}");
    assert!(first.accuracy.iter().all(|at| at.behind.value < 0.1));
    // The same without a lab.
    let by_itself = train(&Setup::new(small()).unwrap(), spec);
    assert_eq!(
        (
            *by_itself.classifier == *first.classifier,
            by_itself.accuracy == first.accuracy
        ),
        (true, true)
    );
    settle(&mut pair);
    let change = |experiment: Experiment| {
        Order::from(Command::Configure {
            experiment: Box::new(experiment),
            restart: Restart::Keep,
        })
    };
    pair.handle(change(Experiment {
        learning_rate: 1e-3,
        ..small()
    }));
    assert!(Arc::ptr_eq(&done(&pair).unwrap(), &first));
    pair.handle(change(Experiment {
        data: DataSource::Shape(Shape::Rings),
        ..small()
    }));
    assert!(done(&pair).is_none());
    settle(&mut pair);
    assert_eq!(done(&pair).unwrap().classifier.classes(), 3);
    pair.handle(change(Experiment {
        data: DataSource::Shape(Shape::Circle),
        ..small()
    }));
    assert!(pair.snapshots().a.classifier.is_none());
    pair.handle(Command::TrainClassifier(spec).into());
    settle(&mut pair);
    let snapshot = pair.snapshots().a;
    assert!(snapshot.classifier.is_none());
    assert!(
        matches!(snapshot.notices.last(), Some(Notice::Error(text)) if text.contains("no classes"))
    );

    let take = |from, most_updates| Order::TakeWeak {
        from,
        to: Side::A,
        most_updates,
    };
    let weak = |pair: &Pair| pair.snapshots().a.weak.as_ref().map(|weak| weak.step);
    pair.handle(take(Side::A, Some(10)));
    assert_eq!(weak(&pair), Some(0));
    pair.handle(take(Side::A, None));
    assert_eq!(weak(&pair), Some(60));
    pair.handle(Order::Compare(Box::new([
        small(),
        Experiment {
            schedule: Schedule::Flow,
            target: Target::Velocity,
            ..small()
        },
    ])));
    assert_eq!(weak(&pair), None, "other data");
    pair.handle(take(Side::B, None));
    let told = pair.snapshots().a.notices.last().cloned();
    assert!(matches!(told, Some(Notice::Error(text)) if text.contains("another schedule")));
    pair.handle(Order::Equalise);
    pair.handle(take(Side::B, None));
    assert_eq!(weak(&pair), Some(0));
}

#[test]
fn the_commands_lead_by_every_kind() {
    let at = directory();
    let train = "train --engine cpu --timesteps 20 --depth 1 --data";
    ok(
        &at,
        &format!("{train} moons --width 64 --steps 60 --out model"),
    );
    ok(
        &at,
        &format!("{train} moons --width 32 --steps 20 --out weak"),
    );
    ok(
        &at,
        &format!("{train} moons --width 32 --steps 5 --schedule cosine --out cosine"),
    );
    ok(
        &at,
        &format!("{train} circle --width 32 --steps 5 --out circle"),
    );
    let sample = "sample --engine cpu --n 30 --steps 5 --out s.csv --model";
    for flags in [
        "model --label upper --guide-by posterior --guidance 2",
        "model --weak-model weak --guidance 2",
        "model --weak-model weak --guide-by model --guidance 2 --guidance-interval -2,3",
    ] {
        ok(&at, &format!("{sample} {flags}"));
    }
    let (_, told) = said(
        &at,
        &format!("{sample} model --label lower --guide-by classifier"),
    );
    assert!(told.contains("t/T") && told.contains("best"), "{told}");
    for (flags, words) in [
        ("model --label upper", "--guide-by posterior"),
        (
            "model --label upper --guide-by model",
            "--weak-model goes with",
        ),
        (
            "model --weak-model weak --guide-by posterior",
            "--weak-model goes with",
        ),
        ("model --weak-model cosine --guidance 2", "another schedule"),
        (
            "model --weak-model weak --guidance 2 --label upper",
            "learned no labels",
        ),
        ("circle --label upper --guide-by posterior", "no classes"),
        (
            "model --label middle --guide-by posterior",
            "use upper, lower",
        ),
    ] {
        let told = fails(&at, &format!("{sample} {flags}"));
        assert!(told.contains(words), "{told}");
    }
    for flags in [
        "--guide-by posterior",
        "--weak-model weak --guide-by nothing",
    ] {
        wrong_usage(&at, &format!("{sample} model {flags}"));
    }
}
