//! The result that everything else is for: with the defaults, after 2,500 steps, samples are as close to the data as data are.
//!
//! The exact 2-Wasserstein distance of 2048 samples to 2048 fresh points is itself noisy (two draws of the data lie 0.05
//! to 0.17 apart, by how many points fall into which loop), so it is averaged over four sets of samples and three fresh
//! draws for each, and the floor over 48 pairs of draws. Beside it stand the surprise, which sees what the distance does not (a
//! curve too thin or too thick), and χ² of the shares of the data's parts. A training set of 8192 points has shares of its own,
//! which the network learns: 2048 samples then have a mean χ² of 1.25 a degree.
//! `cargo test --release --test results -- --ignored --nocapture` prints the whole table of the README.

use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{Sampler, Variance};
use noise_compass::diffusion::target::Target;
use noise_compass::diffusion::times::Times;
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::network::rate::Decay;
use noise_compass::engine::{self, Engine, EngineChoice, ModelState, Run, Start, Wait};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::setup::Setup;
use noise_compass::measure::{Estimate, Law, sampling_floor, wasserstein2};
use rayon::prelude::*;

const SAMPLES: u32 = 2048;
const SAMPLE_SETS: u64 = 4;
const FRESH_DRAWS: u64 = 8;
const FLOOR_PAIRS: u64 = 24;
/// Updates of VE's training.
const VE_STEPS: u32 = 5000;

/// The rows of the README's table.
const ROWS: [(EngineChoice, Shape, Schedule); 8] = [
    (EngineChoice::Cpu, Shape::Figure8, Schedule::Linear),
    (EngineChoice::Cpu, Shape::Figure8, Schedule::Cosine),
    (EngineChoice::Cpu, Shape::Circle, Schedule::Linear),
    (EngineChoice::Cpu, Shape::Circle, Schedule::Cosine),
    (EngineChoice::Gpu, Shape::Figure8, Schedule::Linear),
    (EngineChoice::Gpu, Shape::Figure8, Schedule::Cosine),
    (EngineChoice::Gpu, Shape::Circle, Schedule::Linear),
    (EngineChoice::Gpu, Shape::Circle, Schedule::Cosine),
];

/// What the samples of one model score.
#[derive(Clone, Copy)]
struct Scored {
    /// Mean exact 2-Wasserstein distance.
    w2: f64,
    /// Of all samples, nats.
    surprise: Estimate,
    /// Mean χ² per degree of freedom over the sets.
    shares: f64,
}

/// The defaults of the program.
fn defaults(shape: Shape, schedule: Schedule) -> Experiment {
    Experiment {
        data: DataSource::Shape(shape),
        schedule,
        ..Experiment::default()
    }
}

/// A freshly trained model's samples, measured.
fn train_and_measure(
    engine: &mut dyn Engine,
    experiment: &Experiment,
    seed: u64,
    steps: u32,
) -> Scored {
    let setup = Setup::new(Experiment {
        seed,
        ..experiment.clone()
    })
    .unwrap();
    let (spec, dataset) = (&setup.spec, &setup.dataset);
    engine
        .load(spec, &ModelState::fresh(initial_weights(spec.shape, seed)))
        .unwrap();
    let mut done = 0;
    while done < steps {
        done += engine.train(steps - done, 1.0).unwrap();
        engine.poll(Wait::No).unwrap();
    }
    let clip = dataset.clip_box(experiment.fresh);
    let plan = Sampler::Ddpm(Variance::BetaTilde).plan(
        experiment.timesteps,
        experiment.plan_context(),
        Some(clip),
    );
    let cloud = engine
        .run(
            &Run::of_samples(&plan, &Start::Noise(SAMPLES * SAMPLE_SETS as u32), seed),
            &|_| true,
        )
        .unwrap()
        .unwrap()
        .points;
    let samples = cloud.to_host().unwrap();
    let distances: Vec<f64> = (0..FRESH_DRAWS)
        .into_par_iter()
        .map(|k| {
            let fresh = dataset
                .mixture
                .draw(SAMPLES as usize, 1_000_000 + FRESH_DRAWS * seed + k);
            let set = &samples[(k % SAMPLE_SETS) as usize * SAMPLES as usize..][..SAMPLES as usize];
            wasserstein2(set, &fresh).unwrap()
        })
        .collect();
    let law = Law::new(dataset.mixture.clone(), 1 << 24);
    let sets: Vec<_> = samples
        .chunks(SAMPLES as usize)
        .map(|set| law.likeness(set, seed).unwrap())
        .collect();
    let shares = sets
        .iter()
        .map(|set| set.shares.unwrap().reduced())
        .sum::<f64>()
        / sets.len() as f64;
    // All sets at once: the error is that of all samples.
    let surprise = law.likeness(&samples, seed).unwrap().surprise;
    Scored {
        w2: mean(&distances),
        surprise,
        shares,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// What an experiment comes to over three seeds.
struct Row {
    /// Mean exact 2-Wasserstein distance, in floors.
    ratio: f64,
    text: String,
}

/// Train an experiment by three seeds, and print what it comes to.
fn row(engine: &mut dyn Engine, experiment: &Experiment, steps: u32) -> Row {
    let reference = Setup::new(experiment.clone())
        .unwrap()
        .dataset
        .reference
        .clone();
    let floor = sampling_floor(&reference, SAMPLES as usize, FLOOR_PAIRS, 7).unwrap();
    let scored: Vec<Scored> = (0..3)
        .map(|seed| train_and_measure(engine, experiment, seed, steps))
        .collect();
    let each = |of: fn(&Scored) -> f64| scored.iter().map(of).collect::<Vec<_>>();
    let (w2, surprise, shares) = (
        each(|s| s.w2),
        each(|s| s.surprise.value),
        each(|s| s.shares),
    );
    let error = scored.iter().map(|s| s.surprise.error).fold(0.0, f64::max);
    let ratio = mean(&w2) / floor.value;
    let text = format!(
        "{:?} {} {}: W2 {w2:.3?}, mean {:.3}, floor {:.3} ± {:.3}, ratio {ratio:.2}; surprise {surprise:.3?} ± {error:.3}; \
         χ²/dof {shares:.2?}",
        engine.info().kind,
        experiment.data,
        experiment.schedule,
        mean(&w2),
        floor.value,
        floor.error,
    );
    println!("{text}");
    Row { ratio, text }
}

/// The rows of one engine and shape, the mean over three seeds held against the floor (one seed's training set of 8192 points
/// is itself off by half a floor in places, and the network learns it); all misses in one report.
fn check(choice: EngineChoice, shape: Shape) {
    let mut engine = engine::create(choice, None).unwrap();
    let misses: Vec<String> = ROWS
        .into_iter()
        .filter(|row| (row.0, row.1) == (choice, shape))
        .map(|(_, _, schedule)| row(engine.as_mut(), &defaults(shape, schedule), 2500))
        .filter(|row| row.ratio > 1.3)
        .map(|row| row.text)
        .collect();
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

/// A software adapter takes minutes a row, so one is left to it, of one seed, and held against more than the floor: the two
/// engines draw the same numbers, so one's samples are as far from the data as the other's, and as surprising.
#[test]
fn the_gpu_engine_ends_where_plain_rust_ends() {
    let [cpu, gpu] = [EngineChoice::Cpu, EngineChoice::Gpu].map(|choice| {
        let mut engine = engine::create(choice, None).unwrap();
        let experiment = defaults(Shape::Figure8, Schedule::Linear);
        train_and_measure(engine.as_mut(), &experiment, 0, 2500)
    });
    let (difference, error) = (gpu.surprise.value - cpu.surprise.value, gpu.surprise.error);
    println!(
        "W2 {:.4} and {:.4}; surprise {difference:+.4} apart, ± {error:.4}",
        cpu.w2, gpu.w2
    );
    assert!(
        (gpu.w2 / cpu.w2 - 1.0).abs() < 0.05,
        "plain Rust {:.4}, GPU {:.4}",
        cpu.w2,
        gpu.w2
    );
    assert!(
        difference.abs() < error,
        "surprise: {difference} apart, {error} is chance"
    );
}

#[test]
fn the_plain_rust_engine_reaches_the_floor_in_2500_steps() {
    check(EngineChoice::Cpu, Shape::Figure8);
    check(EngineChoice::Cpu, Shape::Circle);
}

/// The flags that the README gives for VE. By four times as many samples the three seeds come to 1.03, 0.91 and 1.16 floors;
/// by as few as here one of them scatters above 1.3, so the mean is asked for.
#[test]
fn variance_exploding_reaches_the_floor_by_the_flags_of_the_readme() {
    let mut engine = engine::create(EngineChoice::Cpu, None).unwrap();
    let experiment = Experiment {
        fresh: true,
        target: Target::Edm,
        times: Times::LogNormal,
        decay: Decay::Cosine,
        decay_steps: VE_STEPS,
        ..defaults(Shape::Figure8, Schedule::Ve)
    };
    let row = row(engine.as_mut(), &experiment, VE_STEPS);
    assert!(row.ratio <= 1.3, "{}", row.text);
}

#[test]
#[ignore = "the rest of the table: some minutes on a software adapter"]
fn the_gpu_engine_reaches_the_floor_in_2500_steps() {
    check(EngineChoice::Gpu, Shape::Figure8);
    check(EngineChoice::Gpu, Shape::Circle);
}

/// 10,000 steps of batch 1024 beside the rows of `tests/golden/reference.json`, which PyTorch made.
#[test]
#[ignore = "ten thousand steps four times over: some minutes on two cores"]
fn ten_thousand_steps_end_where_pytorch_ends() {
    let schedule = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/reference.json");
    let reference: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(schedule).unwrap()).unwrap();
    let mut engine = engine::create(EngineChoice::Cpu, None).unwrap();
    for schedule in [Schedule::Linear, Schedule::Cosine] {
        let of_pytorch: Vec<f64> = reference["rows"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| {
                row["data"] == "figure8"
                    && row["schedule"] == schedule.name()
                    && row["steps"] == 10_000
            })
            .map(|row| row["w2_mean"].as_f64().unwrap())
            .collect();
        assert!(of_pytorch.len() >= 4);
        let spread = |values: &[f64]| {
            let centre = mean(values);
            (values.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
                .sqrt()
        };
        let experiment = Experiment {
            batch: 1024,
            ..defaults(Shape::Figure8, schedule)
        };
        let ours: Vec<f64> = (0..2)
            .map(|seed| train_and_measure(engine.as_mut(), &experiment, seed, 10_000).w2)
            .collect();
        println!(
            "{}: ours {ours:.4?}, PyTorch {of_pytorch:.4?}",
            schedule.name()
        );
        let allowed = mean(&of_pytorch) + 2.0 * spread(&of_pytorch);
        assert!(
            ours.iter().all(|w2| *w2 <= allowed),
            "{}: {ours:?} above {allowed}",
            schedule.name()
        );
    }
}
