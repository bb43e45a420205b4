//! Every target on every schedule, trained small and sampled: each pair reaches 1.5 floors.
//!
//! A few thousand steps of a narrow network in plain Rust, then DDPM in 100 steps. The exact 2-Wasserstein distance of sets
//! of 512 samples is the mean over six sets of their own, each against a draw of its own, and the floor is the mean over as
//! many pairs of draws as make its error small.
//! `cargo test --release --test matrix -- --nocapture` prints the table.

use std::sync::Arc;

use noise_compass::data::dataset::Dataset;
use noise_compass::data::reference::Reference;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{PlanContext, Sampler, Variance};
use noise_compass::diffusion::target::Target;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::network::layout::NetworkShape;
use noise_compass::engine::network::optimiser::UpdateRule;
use noise_compass::engine::network::timetable::Timetable;
use noise_compass::engine::{
    Engine, ModelState, Objective, Pairing, Run, Start, TrainSpec, TrainingData, Wait,
};
use noise_compass::measure::{sampling_floor, wasserstein2};
use rayon::prelude::*;

const TIMESTEPS: u32 = 1000;
const STEPS: u32 = 4000;
const SAMPLER_STEPS: u32 = 100;
/// Points of one set, and sets.
const SET: usize = 512;
const SETS: usize = 6;
const FLOOR_PAIRS: u64 = 96;
/// Floors that every pair must reach.
const FLOORS: f64 = 1.5;

/// Samples of a small model of this target on this schedule.
fn samples(dataset: &Dataset, schedule: Schedule, target: Target) -> Vec<[f32; 2]> {
    let seed = 0;
    let spec = TrainSpec {
        shape: NetworkShape {
            width: 64,
            ..NetworkShape::default()
        },
        timetable: Arc::new(Timetable::new(schedule, target, TIMESTEPS)),
        data: TrainingData::Finite(dataset.points.clone()),
        labels: None,
        pairing: Pairing::default(),
        objective: Objective::Denoise,
        batch: 256,
        learning_rate: 3e-3,
        rule: UpdateRule::default(),
        seed,
        ema_decay: 0.999,
    };
    let mut engine = CpuEngine::new();
    engine
        .load(&spec, &ModelState::fresh(initial_weights(spec.shape, seed)))
        .unwrap();
    let mut done = 0;
    while done < STEPS {
        done += engine.train(STEPS - done, 1.0).unwrap();
        engine.poll(Wait::No).unwrap();
    }
    let context = PlanContext {
        schedule,
        target,
        timesteps: TIMESTEPS,
    };
    let plan = Sampler::Ddpm(Variance::BetaTilde).plan(SAMPLER_STEPS, context, Some(dataset.clip));
    let start = Start::Noise((SET * SETS) as u32);
    engine
        .run(&Run::of_samples(&plan, &start, seed), &|_| true)
        .unwrap()
        .unwrap()
        .points
        .to_host()
        .unwrap()
        .to_vec()
}

#[test]
fn every_target_on_every_schedule_reaches_one_and_a_half_floors() {
    let dataset = Dataset::of_shape(Shape::Figure8, 8192, 0);
    let floor = sampling_floor(
        &Reference::Mixture(dataset.mixture.clone()),
        SET,
        FLOOR_PAIRS,
        7,
    )
    .unwrap();
    let draws: Vec<_> = (0..SETS as u64)
        .map(|k| dataset.mixture.draw(SET, 1_000_000 + k))
        .collect();
    let mut misses = Vec::new();
    for schedule in Schedule::ALL
        .into_iter()
        .chain([Schedule::Custom(LogSnr::default())])
    {
        for target in Target::ALL {
            let samples = samples(&dataset, schedule, target);
            let distances: Vec<f64> = samples
                .par_chunks(SET)
                .zip(&draws)
                .map(|(set, draw)| wasserstein2(set, draw).unwrap())
                .collect();
            let ratio = distances.iter().sum::<f64>() / SETS as f64 / floor.value;
            let row = format!(
                "{} on {schedule}: {ratio:.2} floors of {:.3} ± {:.3}",
                target.name(),
                floor.value,
                floor.error
            );
            println!("{row}");
            if ratio.is_nan() || ratio > FLOORS {
                misses.push(row);
            }
        }
    }
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}
