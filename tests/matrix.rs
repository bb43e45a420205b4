//! Every target on every schedule, trained small and sampled: thirty trainings of a second or two on two cores.
//!
//! The circle, because its samples lie about as far from it as draws do (a figure 8 of as many points is decided by how many
//! fall into which loop); 8192 points; 200 timesteps (the literal table needs its 1000 to end in noise); 3000 steps of batch 256,
//! three layers of 64. Two sets of 512 samples are held against three draws each.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use noise_compass::data::dataset::Dataset;
use noise_compass::data::mixture::Mixture;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::path::Path;
use noise_compass::diffusion::solver::{PlanContext, Sampler, Variance};
use noise_compass::diffusion::target::Target;
use noise_compass::diffusion::timetable::Timetable;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::{Engine, ModelState, Start, TrainSpec, TrainingData};
use noise_compass::measure::wasserstein2;
use noise_compass::nn::init::initial_weights;
use noise_compass::nn::layout::{Activation, NetworkShape};
use rayon::prelude::*;

const STEPS: u32 = 3000;
const STAGES: u32 = 200;
const POINTS: usize = 512;
const SETS: usize = 2;
const DRAWS: u64 = 6;
/// Floors that every pair must reach.
const MOST_FLOORS: f64 = 1.5;

/// Mean distance of draws of the data to other draws.
fn floor(mixture: &Mixture) -> f64 {
    let pair = |k: u64| wasserstein2(&mixture.draw(POINTS, 500 + k), &mixture.draw(POINTS, 600 + k)).unwrap();
    (0..24).into_par_iter().map(pair).sum::<f64>() / 24.0
}

/// Train, sample, measure: the mean distance to draws of the data; `None` where samples are not finite.
fn distance(dataset: &Dataset, path: Path, target: Target) -> Option<f64> {
    let timesteps = if path == Path::Literal { 1000 } else { 200 };
    let spec = TrainSpec {
        shape: NetworkShape { octaves: 3, width: 64, depth: 3, activation: Activation::Silu },
        timetable: Arc::new(Timetable::new(path, target, timesteps)),
        data: TrainingData::Finite(dataset.points.clone()),
        batch: 256,
        learning_rate: 3e-3,
        seed: 1,
        ema_decay: 0.999,
    };
    let mut engine = CpuEngine::new();
    engine.load(&spec, &ModelState::fresh(initial_weights(spec.shape, 1))).unwrap();
    let mut done = 0;
    while done < STEPS {
        done += engine.train(STEPS - done, 1.0).unwrap();
    }
    let context = PlanContext { path, target, timesteps };
    let plan = Sampler::Ddpm(Variance::BetaTilde).plan(STAGES, context, Some(dataset.clip));
    let start = Start::Noise((POINTS * SETS) as u32);
    let samples = engine.sample(&plan, &start, 3, &|| false).unwrap().unwrap().to_host().unwrap();
    if !samples.iter().flatten().all(|c| c.is_finite()) {
        return None;
    }
    let against = |k: u64| {
        let set = &samples[(k as usize % SETS) * POINTS..][..POINTS];
        wasserstein2(set, &dataset.mixture.draw(POINTS, 700 + k)).unwrap()
    };
    Some((0..DRAWS).into_par_iter().map(against).sum::<f64>() / DRAWS as f64)
}

/// `cargo test --release --test matrix -- --nocapture` prints the table.
#[test]
fn every_target_on_every_schedule_reaches_the_data() {
    let dataset = Dataset::of_shape(Shape::Circle, 8192, 0);
    let floor = floor(&dataset.mixture);
    let began = Instant::now();
    let mut misses = String::new();
    for path in Path::ALL.into_iter().chain([Path::Custom(LogSnr::default())]) {
        for target in Target::ALL {
            let begun = Instant::now();
            let floors = distance(&dataset, path, target).map_or(f64::NAN, |distance| distance / floor);
            let secs = begun.elapsed().as_secs_f64();
            let row = format!("{:<8} {:<8} {floors:.2} floors, {secs:.1} s", path.name(), target.name());
            println!("{row}");
            // NaN is a miss.
            if floors.is_nan() || floors > MOST_FLOORS {
                let _ = writeln!(misses, "{row}");
            }
        }
    }
    println!("thirty trainings in {:.0} s; the floor is {floor:.3}", began.elapsed().as_secs_f64());
    assert!(misses.is_empty(), "more than {MOST_FLOORS} floors:\n{misses}");
}
