//! The numbers beside a training and its samples, against what they must be: loss = least possible loss + score error, a score
//! that is read where the network was trained, and a surprise that sees what samplers differ in.

use std::sync::Arc;

use noise_compass::data::csv_io::points_csv;
use noise_compass::data::mixture::{Component, Mixture};
use noise_compass::data::reference::Reference;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::exact::ExactField;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{PlanContext, Sampler, Variance};
use noise_compass::diffusion::target::Target;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::{Cloud, Denoiser, Engine, Frames, ModelState, Run, Start, Wait};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::QualityPoint;
use noise_compass::lab::quality::QualityMeter;
use noise_compass::lab::setup::Setup;
use noise_compass::measure::{Estimate, Law};
use noise_compass::philox::{Stream, normal};

/// Fresh draws of two moons, and weights without an average: the loss is that of what is measured.
fn experiment(timesteps: u32) -> Experiment {
    let data = DataSource::Shape(Shape::Moons);
    let base = Experiment {
        width: 64,
        depth: 2,
        ema_decay: 0.0,
        fresh: true,
        ..Experiment::default()
    };
    Experiment {
        data,
        timesteps,
        learning_rate: 2e-3,
        ..base
    }
}

fn trained(setup: &Setup, steps: u32) -> CpuEngine {
    let mut engine = CpuEngine::new();
    engine
        .load(
            &setup.spec,
            &ModelState::fresh(initial_weights(setup.spec.shape, 0)),
        )
        .unwrap();
    train(&mut engine, steps);
    engine
}

/// The losses of so many steps.
fn train(engine: &mut CpuEngine, steps: u32) -> Vec<f64> {
    let mut losses = Vec::new();
    let mut done = 0;
    while done < steps {
        done += engine.train(steps - done, 1.0).unwrap();
        losses.extend(
            engine
                .poll(Wait::UntilDone)
                .unwrap()
                .losses
                .iter()
                .map(|(_, loss)| f64::from(*loss)),
        );
    }
    losses
}

fn measured(engine: &mut CpuEngine, setup: &Setup) -> QualityPoint {
    let samples = Cloud::Host(Arc::new(setup.dataset.mixture.draw(256, 77)));
    QualityMeter::default()
        .measure(engine, setup, (&samples, 1), 1, 0.0)
        .unwrap()
        .unwrap()
}

/// The loss that the engine itself reports while its weights stand still, against the two numbers of the meter, which were
/// computed from other draws. Of 16 timesteps the meter reads every one, so that only sampling errors are left.
#[test]
fn the_loss_of_a_trained_model_is_the_least_possible_one_and_its_score_error() {
    for (schedule, steps) in [(Schedule::Linear, 40), (Schedule::Cosine, 400)] {
        let setup = Setup::new(Experiment {
            schedule,
            ..experiment(16)
        })
        .unwrap();
        let mut engine = trained(&setup, steps);
        let point = measured(&mut engine, &setup);
        let still = Experiment {
            learning_rate: 1e-12,
            ..Experiment::clone(&setup.experiment)
        };
        engine.update(&setup.changed(still).unwrap().spec).unwrap();
        let loss = Estimate::of_mean(&train(&mut engine, 400));
        let sum = point.least_loss.value + point.score_error.value;
        let error = loss
            .error
            .hypot(point.least_loss.error)
            .hypot(point.score_error.error);
        println!(
            "{schedule}: loss {loss:?}, least {:?}, score error {:?}",
            point.least_loss, point.score_error
        );
        assert!(
            (loss.value - sum).abs() < 4.0 * error,
            "{schedule}: {loss:?}, not {sum} ± {error}"
        );
        // Sharp enough to tell the score error from its double.
        assert!(
            4.0 * error < point.score_error.value,
            "{schedule}: {point:?} {error}"
        );
    }
}

/// (1/D) E‖ε̂ − ε*‖² at these t/T, by draws of its own.
fn error_at(engine: &mut CpuEngine, setup: &Setup, taus: &[f64]) -> f64 {
    let Experiment {
        schedule,
        timesteps,
        ..
    } = *setup.experiment;
    let field = ExactField {
        mixture: setup.dataset.mixture.clone(),
        schedule,
        timesteps,
    };
    let x_0 = field.mixture.draw(2000, 31);
    let mut sum = 0.0;
    for &tau in taus {
        let scales = field.scales(tau);
        let x_t: Vec<[f32; 2]> = (0_u32..)
            .zip(&x_0)
            .map(|(i, x)| {
                let epsilon = normal(8, Stream::Forward, 0, i);
                [0, 1].map(|axis| {
                    (scales.a * f64::from(x[axis]) + scales.s * f64::from(epsilon[axis])) as f32
                })
            })
            .collect();
        let learned = engine
            .predict(tau, &x_t, noise_compass::engine::Weights::Ema)
            .unwrap();
        for (x, learned) in x_t.iter().zip(learned) {
            let exact = field.eps(x.map(f64::from), tau);
            sum += 0.5
                * (0..2)
                    .map(|axis| (f64::from(learned[axis]) - exact[axis]).powi(2))
                    .sum::<f64>();
        }
    }
    sum / (taus.len() * x_0.len()) as f64
}

/// Of ten timesteps a network knows nothing in between, and is not asked there.
#[test]
fn the_score_is_read_where_the_network_was_trained() {
    let setup = Setup::new(experiment(10)).unwrap();
    let mut engine = trained(&setup, 1500);
    let found = measured(&mut engine, &setup).score_error;
    let [at_timesteps, half_way] = [0.0, 0.5].map(|off| {
        (1..=10)
            .map(|k| (f64::from(k) - off) / 10.0)
            .collect::<Vec<_>>()
    });
    let expected = error_at(&mut engine, &setup, &at_timesteps);
    let between = error_at(&mut engine, &setup, &half_way);
    println!("{found:?}; at timesteps {expected}, half-way {between}");
    assert!(
        (found.value - expected).abs() < 4.0 * found.error,
        "{found:?}, not {expected}"
    );
    assert!(
        between > 3.0 * expected,
        "nothing to tell apart: {between} and {expected}"
    );
}

/// The ends of 2048 particles under the exact field of a mixture.
fn ends(mixture: &Arc<Mixture>, schedule: Schedule, sampler: Sampler, steps: u32) -> Vec<[f32; 2]> {
    let mut engine = CpuEngine::new();
    let setup = Setup::new(Experiment {
        width: 32,
        depth: 1,
        ..Experiment::default()
    })
    .unwrap();
    engine
        .load(
            &setup.spec,
            &ModelState::fresh(initial_weights(setup.spec.shape, 0)),
        )
        .unwrap();
    let context = PlanContext {
        schedule,
        target: Target::Eps,
        timesteps: 1000,
    };
    let plan = sampler.plan(steps, context, None);
    let denoiser = Denoiser::Exact(mixture.clone());
    let run = engine
        .run(
            &Run {
                plan: &plan,
                start: &Start::Noise(2048),
                seed: 5,
                denoiser: &denoiser,
                guidance: None,
                frames: Frames::Every(u32::MAX),
            },
            &|_| true,
        )
        .unwrap()
        .unwrap();
    run.points.to_host().unwrap()[run.particles..].to_vec()
}

const DDIM: Sampler = Sampler::Ddim { eta: 0.0 };

/// How much of its width one Gaussian, data N(0, σ² I), keeps under its exact field. From t to r, with σ_z = η √β̃,
/// x_r = (c_x + c_0 a_t σ²/(a_t² σ² + s_t²)) x_t + σ_z z, where c_x = √(s_r² − σ_z²)/s_t and c_0 = a_r − a_t c_x (Song, Meng & Ermon
/// 2021, eq. 12, with E[x_0 | x]): DDIM with η = 0, DDPM with η = 1.
fn width_kept(schedule: Schedule, sigma: f64, steps: u32, eta: f64) -> f64 {
    let at = |step: u32| schedule.scales(f64::from(1000 * step / steps) / 1000.0, 1000);
    let start = at(steps);
    let variance = (1..=steps)
        .rev()
        .fold(start.a.powi(2) + start.s.powi(2), |variance, step| {
            let (t, r) = (at(step), at(step - 1));
            let stride = (t.s.powi(2) - (t.a / r.a * r.s).powi(2)).max(0.0);
            let noise = eta * (stride * r.s.powi(2) / t.s.powi(2)).sqrt();
            let c_x = (r.s.powi(2) - noise.powi(2)).max(0.0).sqrt() / t.s;
            let gain = t.a * sigma.powi(2) / ((t.a * sigma).powi(2) + t.s.powi(2));
            (c_x + (r.a - t.a * c_x) * gain).powi(2) * variance + noise.powi(2)
        });
    variance.sqrt() / sigma
}

/// k times the width of a Gaussian in the plane has a surprise of k² − 1.
#[test]
fn the_surprise_of_samplers_on_one_narrow_gaussian_is_the_closed_form() {
    let sigma = 0.05;
    let mixture = Mixture::new(vec![Component {
        mean: [0.0; 2],
        sigma: 0.05,
        weight: 1.0,
    }])
    .unwrap();
    let mixture = Arc::new(mixture);
    let law = Law::new(mixture.clone(), 1 << 23);
    let ddpm = Sampler::Ddpm(Variance::BetaTilde);
    for (schedule, sampler, steps, eta) in [
        (Schedule::Linear, DDIM, 20, 0.0),
        (Schedule::Linear, DDIM, 50, 0.0),
        (Schedule::Cosine, DDIM, 50, 0.0),
        (Schedule::Flow, DDIM, 50, 0.0),
        (Schedule::Linear, ddpm, 100, 1.0),
        (Schedule::Cosine, ddpm, 100, 1.0),
    ] {
        let width = width_kept(schedule, sigma, steps, eta);
        let expected = width * width - 1.0;
        let found = law
            .likeness(&ends(&mixture, schedule, sampler, steps), 0)
            .unwrap()
            .surprise;
        println!("{schedule} {sampler} {steps}: k = {width:.3}, {found:?}, expected {expected:.3}");
        assert!(
            (found.value - expected).abs() < 4.0 * found.error,
            "{schedule} {sampler} {steps}: {found:?}, not {expected}"
        );
        assert!(width < 0.9);
    }
}

/// Samplers under the exact field of the figure-8: what they do by themselves. All end on E[x_0 | x_t]; across the curve a sampler
/// keeps what it keeps of a Gaussian of that thickness: by 50 steps of DDIM 0.41, by 1000 of DDPM 0.89, with a surprise of
/// (k² − 1)/2. Some samples of few steps end astray, beside the crossing and the bends, which the mean sees first: of 20 steps
/// on the linear schedule it is above 0. That the rest is too thin is seen by how many lie in the densest half.
#[test]
fn a_sampler_that_makes_samples_too_thin_is_found_out() {
    let mixture = Arc::new(Shape::Figure8.mixture());
    let sigma = f64::from(mixture.components[0].sigma);
    let law = Law::new(mixture.clone(), 1 << 23);
    let likeness = |schedule, sampler, steps| {
        let found = law
            .likeness(&ends(&mixture, schedule, sampler, steps), 0)
            .unwrap();
        println!("{schedule} {sampler} {steps}: {found:?}");
        found
    };
    for (schedule, steps) in [(Schedule::Linear, 50), (Schedule::Cosine, 20)] {
        let found = likeness(schedule, DDIM, steps);
        let least = 0.5 * (width_kept(schedule, sigma, steps, 0.0).powi(2) - 1.0);
        assert!(
            (least - 0.02..0.7 * least).contains(&found.surprise.value),
            "{schedule} {steps}: {found:?}, about {least}"
        );
        assert!(
            found.surprise.value < -10.0 * found.surprise.error,
            "{schedule} {steps}: {found:?}"
        );
        assert!(
            found.densest_half.value > 0.7,
            "{schedule} {steps}: {found:?}"
        );
    }
    let astray = likeness(Schedule::Linear, DDIM, 20);
    assert!(astray.surprise.value > 0.0, "{astray:?}");
    assert!(
        astray.densest_half.value > 0.5 + 5.0 * astray.densest_half.error,
        "{astray:?}"
    );
    let ancestral = likeness(Schedule::Linear, Sampler::Ddpm(Variance::BetaTilde), 1000);
    let expected = 0.5 * (width_kept(Schedule::Linear, sigma, 1000, 1.0).powi(2) - 1.0);
    assert!(
        (ancestral.surprise.value - expected).abs() < 3.0 * ancestral.surprise.error,
        "{ancestral:?}, not {expected}"
    );
    assert!(ancestral.densest_half.value < 0.56, "{ancestral:?}");
}

/// A file is judged against its held-out rows, of which there are fewer than samples: fresh draws of the law that the rows came
/// from are as far from them as they are from each other.
#[test]
fn a_file_is_judged_by_rows_that_no_training_saw() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rows.csv");
    let law = Shape::Figure8.mixture();
    std::fs::write(&path, points_csv(&law.draw(4096, 1))).unwrap();
    let setup = Setup::new(Experiment {
        data: DataSource::Csv(path),
        width: 32,
        depth: 1,
        ..Experiment::default()
    })
    .unwrap();
    let Reference::HeldOut(rows) = &setup.dataset.reference else {
        panic!("no rows are held out")
    };
    assert_eq!(rows.len(), 512);
    let mut engine = CpuEngine::new();
    engine
        .load(
            &setup.spec,
            &ModelState::fresh(initial_weights(setup.spec.shape, 0)),
        )
        .unwrap();
    let units = setup.dataset.standardisation;
    let mut measure = |points: Vec<[f32; 2]>| {
        let points = points
            .into_iter()
            .map(|p| units.apply(p.map(f64::from)))
            .collect();
        let samples = Cloud::Host(Arc::new(points));
        QualityMeter::default()
            .measure(&mut engine, &setup, (&samples, 1), 1, 0.0)
            .unwrap()
            .unwrap()
    };
    let fresh = measure(law.draw(2048, 7));
    let difference = fresh.distance.less(fresh.floor);
    assert!(difference.value.abs() < 3.0 * difference.error, "{fresh:?}");
    let shifted = measure(
        law.draw(2048, 7)
            .into_iter()
            .map(|p| [p[0] + 1.0, p[1]])
            .collect(),
    );
    assert!(
        shifted.distance.value > 5.0 * shifted.floor.value,
        "{shifted:?}"
    );
}
