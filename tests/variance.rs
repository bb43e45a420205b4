//! The learned variance of the steps back: its gradient, what it comes to, and how samplers and commands take it.

#[path = "common/command.rs"]
mod command;

use std::sync::Arc;

use command::{directory, fails, ok};

use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{Plan, PlanContext, Sampler, Widening};
use noise_compass::diffusion::target::{Combination, Target};
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::cpu::network::{Network, Samples, Workspace};
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::network::layout::{Activation, NetworkShape};
use noise_compass::engine::network::timetable::{Emphasis, Timetable};
use noise_compass::engine::{Denoiser, Engine, Frames, ModelState, Run, Start};
use noise_compass::lab::elbo::{self, Whose};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::setup::Setup;
use noise_compass::measure::elbo::{Bound, StepVariance};

const SHAPE: NetworkShape = NetworkShape {
    octaves: 1,
    width: 32,
    depth: 2,
    activation: Activation::Silu,
    learns_variance: true,
    classes: 0,
};
const T: u32 = 12;

fn timetable(schedule: Schedule, target: Target, learns_variance: bool) -> Timetable {
    let emphasis = Emphasis {
        learns_variance,
        ..Emphasis::default()
    };
    Timetable::with_emphasis(schedule, target, T, emphasis)
}

/// What is added to the plain loss is λ T times the bound's terms, of nats a coordinate, in which x̂_0 is held where it is: every
/// parameter against central differences of that, in f64. The terms are those of `Widening`, held against the Gaussians elsewhere.
#[test]
fn every_gradient_is_the_slope_of_the_bound_with_the_mean_held() {
    const H: f64 = 1e-5;
    let x = [[0.3, -1.2], [1.5, 0.4], [-0.7, 0.9]];
    let targets = [[1.0, 0.2], [-0.5, 0.8], [0.1, -1.1]];
    let times = [1, T, 6];
    let samples = Samples {
        x: &x,
        t: &times,
        target: &targets,
        labels: &[],
    };
    for (schedule, target) in [
        (Schedule::Linear, Target::Eps),
        (Schedule::Flow, Target::Velocity),
        (Schedule::Ve, Target::Edm),
        (Schedule::Cosine, Target::Score),
    ] {
        let weights: Vec<f64> = initial_weights(SHAPE, 8)
            .into_iter()
            .map(f64::from)
            .collect();
        let mut network = Network::new(SHAPE, &weights);
        let with = network.loss_and_gradient(&timetable(schedule, target, true), samples);
        let without = network.loss_and_gradient(&timetable(schedule, target, false), samples);
        assert_eq!(with.0, without.0, "the loss on show is the target's");
        let added: Vec<f64> = std::iter::zip(&with.1, &without.1)
            .map(|(with, without)| with - without)
            .collect();
        let scales = |t: u32| schedule.scales(f64::from(t) / f64::from(T), T);
        let mut work = Workspace::new(SHAPE);
        let mut answers = |network: &Network<f64>| {
            std::array::from_fn::<_, 3, _>(|i| {
                let bias = network.time_bias(f64::from(times[i]) / f64::from(T), None);
                let scale = target.input_scale(scales(times[i])) as f32;
                let mut one = network.predict(&x[i..=i], scale, &bias, &mut work);
                one.next().unwrap()
            })
        };
        let held = answers(&network).map(|answer| answer.output);
        let mut bound = |network: &Network<f64>| {
            let mut sum = 0.0;
            for (i, answer) in answers(network).into_iter().enumerate() {
                let (widening, _) = Widening::at(schedule, T, times[i]);
                let Combination(of_x, of_output) = target.to_x0(scales(times[i]));
                for axis in 0..2 {
                    // x_0 − x̂_0, both by the target's own conversion.
                    let x_0 = |output: f64| of_x * f64::from(x[i][axis]) + of_output * output;
                    let error = x_0(f64::from(targets[i][axis])) - x_0(held[i][axis]);
                    let w = widening.by_output(answer.variance[axis]);
                    sum += 0.5 * widening.term(w, error);
                }
            }
            0.001 * f64::from(T) * sum / 3.0
        };
        let norm = added.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!(norm > 1e-6, "{schedule}: there is nothing to check");
        for (index, &weight) in weights.iter().enumerate() {
            let mut at = |value: f64| {
                network.change(|parameters| parameters[index] = value);
                bound(&network)
            };
            let difference = (at(weight + H) - at(weight - H)) / (2.0 * H);
            at(weight);
            let error = (added[index] - difference).abs() / norm;
            assert!(
                error < 2e-6,
                "{schedule}, parameter {index}: {} is not {difference}",
                added[index]
            );
        }
    }
}

/// At t = T of flow matching no signal is left: x̂_0 is the mean, whatever ε̂ is, so that all of the data's variance 1 is its error and the
/// best w is √(1 + c_0²/β̃). The mean gradient of a network is 0 there by the outputs for the variance.
#[test]
fn where_no_signal_is_left_the_whole_variance_is_learned() {
    for (timesteps, target) in [2, 4, 10]
        .into_iter()
        .flat_map(|t| [(t, Target::Eps), (t, Target::Score)])
    {
        let emphasis = Emphasis {
            learns_variance: true,
            ..Emphasis::default()
        };
        let table = Timetable::with_emphasis(Schedule::Flow, target, timesteps, emphasis);
        let row = table.rows[timesteps as usize - 1];
        let (widening, _) = Widening::at(Schedule::Flow, timesteps, timesteps);
        let best = widening.by_posterior(1.0);
        let narrower = 1.0 / (best * best);
        let off = f64::from(row.variance_base) + f64::from(row.variance_gain) * 0.7;
        assert!(
            (off * narrower - 1.0).abs() < 1e-6,
            "T = {timesteps}: {off}, {best}"
        );
        assert!(row.variance_pull.abs() > 0.0 && row.variance_gain == 0.0);
    }
}

fn experiment(learn_variance: bool) -> Experiment {
    Experiment {
        data: DataSource::Shape(Shape::EightGaussians),
        timesteps: 40,
        width: 64,
        learn_variance,
        ..Experiment::default()
    }
}

fn trained(experiment: Experiment, steps: u32) -> (Setup, CpuEngine) {
    let setup = Setup::new(experiment).unwrap();
    let weights = initial_weights(setup.spec.shape, 1);
    let mut engine = CpuEngine::new();
    engine
        .load(&setup.spec, &ModelState::fresh(weights))
        .unwrap();
    engine.train(steps, f64::INFINITY).unwrap();
    (setup, engine)
}

/// After some thousand updates the bound by what the network says is below that of β and that of β̃, and near to that of the best variance
/// at each t; and the exact denoiser's, which says the best at each x_t, is below the learned one.
#[test]
fn what_is_learned_tightens_the_bound() {
    let (setup, mut engine) = trained(experiment(true), 4000);
    let mut by = |whose, choice| {
        let draws = elbo::draws(&mut engine, &setup, whose, 1000, 2).unwrap();
        Bound::of(&draws, choice).unwrap().above_entropy
    };
    let said = by(Whose::Learned, StepVariance::Learned);
    for fixed in [StepVariance::Beta, StepVariance::BetaTilde] {
        let looser = by(Whose::Learned, fixed).less(said);
        assert!(looser.value > 5.0 * looser.error, "{fixed:?}: {looser:?}");
    }
    let least = by(Whose::Learned, StepVariance::Least);
    assert!(said.value < least.value + 0.05, "{said:?}, least {least:?}");
    let exact = by(Whose::Exact, StepVariance::Learned);
    let apart = said.less(exact);
    assert!(apart.value > 3.0 * apart.error, "{said:?}, {exact:?}");
}

/// The hidden layers, which both share, learn the target as well as without.
#[test]
fn the_prediction_is_no_worse_for_it() {
    let loss = |learn_variance| {
        let (_, mut engine) = trained(experiment(learn_variance), 3000);
        let losses = engine
            .poll(noise_compass::engine::Wait::UntilDone)
            .unwrap()
            .losses;
        let last = &losses[losses.len() - 1000..];
        last.iter().map(|(_, loss)| f64::from(*loss)).sum::<f64>() / 1000.0
    };
    let [plain, both] = [false, true].map(loss);
    assert!((both / plain - 1.0).abs() < 0.02, "{plain}, {both}");
}

/// What the bound is measured by: x̂_0 and w at every t, t = 1 and T among them, by the network and by the exact field.
#[test]
fn both_engines_say_the_same_variances_at_every_timestep() {
    let setup = Setup::new(experiment(true)).unwrap();
    let context = |schedule| PlanContext {
        schedule,
        target: Target::X0,
        timesteps: 12,
    };
    let mut engines: [Box<dyn Engine>; 2] = [
        Box::new(GpuEngine::new(GpuContext::headless().unwrap()).unwrap()),
        Box::new(CpuEngine::new()),
    ];
    let state = ModelState::fresh(initial_weights(setup.spec.shape, 3));
    for engine in &mut engines {
        engine.load(&setup.spec, &state).unwrap();
    }
    let exact = Denoiser::Exact(Arc::clone(&setup.dataset.mixture));
    let points = Arc::new(setup.dataset.mixture.draw(200, 5));
    for schedule in [Schedule::Cosine, Schedule::Ve, Schedule::Flow] {
        let plan = Plan::estimates(context(schedule), None, true);
        for (denoiser, tolerance) in [(&Denoiser::Learned, 1e-4), (&exact, 3e-3)] {
            let [gpu, cpu] = engines.each_mut().map(|engine| {
                let run = Run {
                    plan: &plan,
                    start: &Start::Points(points.clone()),
                    seed: 4,
                    denoiser,
                    guidance: None,
                    frames: Frames::Every(1),
                };
                let recording = engine.run(&run, &|_| true).unwrap().unwrap();
                recording.points.to_host().unwrap()
            });
            assert_eq!((gpu.len(), cpu.len()), (200 * 37, 200 * 37));
            for t in 1..=12 {
                for (i, frame) in [(1, "x̂_0"), (2, "w")] {
                    let at = 200 * (3 * (t - 1) + 1 + i);
                    let of = |frames: &[[f32; 2]]| frames[at..at + 200].to_vec();
                    for (gpu, cpu) in of(&gpu).iter().flatten().zip(of(&cpu).iter().flatten()) {
                        let apart = (gpu - cpu).abs() / (1.0 + cpu.abs());
                        assert!(
                            apart < tolerance,
                            "{schedule}, t = {t}, {frame}: {gpu}, {cpu}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_network_that_says_no_variance_is_not_asked_for_one() {
    let (setup, mut engine) = trained(experiment(false), 1);
    let context: PlanContext = setup.experiment.plan_context();
    let plan = Sampler::DdpmLearned.plan(5, context, None);
    let start = Start::Noise(10);
    let run = Run::of_samples(&plan, &start, 0);
    let refused = engine.run(&run, &|_| true).unwrap_err().to_string();
    assert!(refused.contains("--learn-variance"), "{refused}");
    let exact = Denoiser::Exact(Arc::clone(&setup.dataset.mixture));
    let run = Run {
        denoiser: &exact,
        ..run
    };
    assert!(engine.run(&run, &|_| true).unwrap().is_some());
    let asked = Experiment {
        sampler: Sampler::DdpmLearned,
        ..experiment(false)
    };
    assert!(asked.validate().unwrap_err().contains("--learn-variance"));
}

/// Trained, saved, sampled and measured by the commands.
#[test]
fn the_commands_learn_it_and_take_it() {
    let at = directory();
    let train =
        "train --engine cpu --data 8gaussians --timesteps 20 --width 32 --depth 1 --steps 50 --out";
    ok(
        &at,
        &format!("{train} both --learn-variance --sampler ddpm-learned"),
    );
    ok(&at, &format!("{train} plain"));
    let told = fails(&at, &format!("{train} wrong --sampler ddpm-learned"));
    assert!(told.contains("--learn-variance"), "{told}");
    assert!(!at.path().join("wrong").exists());
    let sample = "sample --engine cpu --sampler ddpm-learned --n 50 --out points.csv --model";
    ok(&at, &format!("{sample} both"));
    let told = fails(&at, &format!("{sample} plain"));
    assert!(told.contains("has learned none"), "{told}");
    let measure = "measure --engine cpu --elbo --json --points 64 --model";
    let learned = |model: &str| {
        let report = ok(&at, &format!("{measure} {model}"));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        report["elbo"]["learned"]["learned"]["total"].as_f64()
    };
    assert!(learned("both").is_some_and(f64::is_finite));
    assert_eq!(learned("plain"), None);
    // The table of such a sampler is a file like any other, and asks the same of a model.
    let table = ok(
        &at,
        "sample --model both --sampler ddpm-learned --steps 4 --print-plan",
    );
    std::fs::write(at.path().join("own.json"), table).unwrap();
    let sample = "sample --engine cpu --sampler own.json --n 50 --out own.csv --model";
    ok(&at, &format!("{sample} both"));
    let told = fails(&at, &format!("{sample} plain"));
    assert!(told.contains("has learned none"), "{told}");
}
