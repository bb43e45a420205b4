//! `bench`: throughput of training, sampling and fields, engine by engine.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::bench_split::{self, SplitCost};
use super::{print_json, round, say};
use engine::gpu::{GpuContext, bench_matmul};
use engine::network::init::initial_weights;
use engine::{Engine, EngineChoice, EngineInfo, EngineKind, ModelState, Run, Start, Wait};
use lab::experiment::Experiment;
use lab::setup::Setup;
use maths::diffusion::solver::{Sampler, Variance};

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which engine to measure; auto measures all there are
    #[arg(long, value_enum, default_value_t)]
    engine: EngineChoice,
    /// Seconds for each measurement of training
    #[arg(long, default_value_t = 2.0, value_parser = parse_secs)]
    secs: f64,
    /// Seed of data, weights and noise
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn parse_secs(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(secs) if (0.01..=600.0).contains(&secs) => Ok(secs),
        _ => Err("give a number of seconds between 0.01 and 600".into()),
    }
}

/// Batches whose training step is measured.
const BATCHES: [u32; 3] = [256, 1024, 4096];
/// Batches at which one experiment is compared with two.
const SPLIT_BATCHES: [u32; 2] = [256, 1024];
/// Side of the field that is measured.
const FIELD_SIDE: u32 = 64;

/// The bare matrix product: one hidden layer of the default network at batch 4096, as m, k, n.
const MATMUL: [u32; 3] = [4096, 128, 128];
/// Timings that its median is taken of.
const MATMUL_REPEATS: u32 = 15;

/// All that was measured.
#[derive(Debug, Serialize)]
struct Report {
    engines: Vec<EngineReport>,
}

/// What was measured of one engine.
#[derive(Debug, Serialize)]
struct EngineReport {
    #[serde(flatten)]
    info: EngineInfo,
    train: Vec<TrainRate>,
    sample: Vec<SampleRate>,
    /// One experiment against two side by side.
    split: Vec<SplitCost>,
    /// The learned field on a 64×64 grid.
    field_points_per_sec: f64,
    /// The best bare matrix product of this adapter, 4096×128 by 128×128; only on the GPU engine.
    matmul_gflop_per_sec: Option<f64>,
}

/// One training step's rate.
#[derive(Debug, Serialize)]
struct TrainRate {
    batch: u32,
    steps_per_sec: f64,
    samples_per_sec: f64,
    /// Forward, backward; a multiply-add counts as two.
    gflop_per_sec: f64,
}

/// One sampler's rate.
#[derive(Debug, Serialize)]
struct SampleRate {
    sampler: String,
    steps: u32,
    n: u32,
    secs: f64,
    samples_per_sec: f64,
}

/// Measure and tell.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut engines = Vec::new();
    if args.engine != EngineChoice::Cpu {
        match engine::create(EngineChoice::Gpu, None) {
            Ok(engine) => engines.push(engine),
            Err(error) if args.engine == EngineChoice::Auto => {
                say(&format!("no GPU engine: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if args.engine != EngineChoice::Gpu {
        engines.push(engine::create(EngineChoice::Cpu, None)?);
    }
    let mut report = Report {
        engines: Vec::new(),
    };
    for mut engine in engines {
        report.engines.push(measure(engine.as_mut(), args)?);
    }
    if args.json {
        print_json(&report)
    } else {
        Ok(())
    }
}

fn measure(engine: &mut dyn Engine, args: &Args) -> anyhow::Result<EngineReport> {
    let info = engine.info().clone();
    let name = if info.kind == EngineKind::Gpu {
        "gpu"
    } else {
        "cpu"
    };
    say(&format!("{name}: {} ({})", info.adapter, info.backend));
    let setup_of = |batch| {
        Setup::new(Experiment {
            batch,
            seed: args.seed,
            ..Experiment::default()
        })
        .map_err(anyhow::Error::msg)
    };
    let mut train = Vec::new();
    for batch in BATCHES {
        let rate = train_rate(engine, &setup_of(batch)?, args.secs)?;
        say(&format!(
            "  training, batch {batch:5}: {:8.1} steps/s {:9.0} samples/s {:7.2} GFLOP/s",
            rate.steps_per_sec, rate.samples_per_sec, rate.gflop_per_sec
        ));
        train.push(rate);
    }
    let setup = setup_of(BATCHES[0])?;
    let mut sample = Vec::new();
    for (sampler, steps, n) in [
        (Sampler::Ddim { eta: 0.0 }, 20, 10_000),
        (Sampler::Ddpm(Variance::BetaTilde), 100, 2048),
    ] {
        let rate = sample_rate(engine, &setup, sampler, steps, n, args.seed)?;
        say(&format!(
            "  {sampler}-{steps} of {n:6}: {:8.3} s {:9.0} samples/s",
            rate.secs, rate.samples_per_sec
        ));
        sample.push(rate);
    }
    let field_points_per_sec = field_rate(engine, &setup, args.secs)?;
    say(&format!(
        "  field {FIELD_SIDE}×{FIELD_SIDE}: {field_points_per_sec:.0} points/s"
    ));
    let matmul_gflop_per_sec = if info.kind == EngineKind::Gpu {
        let rate = 1e-9 * bench_matmul(&*GpuContext::headless()?, MATMUL, MATMUL_REPEATS)?;
        let [m, k, n] = MATMUL;
        say(&format!(
            "  bare matrix product {m}×{k}×{n}: {rate:.2} GFLOP/s"
        ));
        Some(round(rate))
    } else {
        None
    };
    let mut split = Vec::new();
    for batch in SPLIT_BATCHES {
        split.push(bench_split::measure(&info, batch, args.seed, args.secs)?);
    }
    Ok(EngineReport {
        info,
        train,
        sample,
        split,
        field_points_per_sec,
        matmul_gflop_per_sec,
    })
}

fn train_rate(engine: &mut dyn Engine, setup: &Setup, secs: f64) -> anyhow::Result<TrainRate> {
    let shape = setup.spec.shape;
    engine.load(
        &setup.spec,
        &ModelState::fresh(initial_weights(shape, setup.spec.seed)),
    )?;
    // Pipelines compiled, caches warm, clocks up.
    train_for(engine, 0.25 * secs)?;
    let (steps, spent) = train_for(engine, secs)?;
    let steps_per_sec = f64::from(steps) / spent.as_secs_f64();
    let samples_per_sec = steps_per_sec * f64::from(setup.spec.batch);
    Ok(TrainRate {
        batch: setup.spec.batch,
        steps_per_sec: round(steps_per_sec),
        samples_per_sec: round(samples_per_sec),
        gflop_per_sec: round(samples_per_sec * shape.step_flops() * 1e-9),
    })
}

/// Train in slices, as the session does, until all handed over is done.
fn train_for(engine: &mut dyn Engine, secs: f64) -> anyhow::Result<(u32, Duration)> {
    engine.poll(Wait::UntilDone)?;
    let begun = Instant::now();
    let mut steps = 0;
    while begun.elapsed().as_secs_f64() < secs {
        steps += engine.train(u32::MAX, 0.1_f64.min(secs))?;
        engine.poll(Wait::No)?;
    }
    engine.poll(Wait::UntilDone)?;
    Ok((steps, begun.elapsed()))
}

fn sample_rate(
    engine: &mut dyn Engine,
    setup: &Setup,
    sampler: Sampler,
    steps: u32,
    n: u32,
    seed: u64,
) -> anyhow::Result<SampleRate> {
    let plan = sampler.plan(
        steps,
        setup.experiment.plan_context(),
        Some(setup.dataset.clip),
    );
    let begun = Instant::now();
    if let Some(samples) = engine.run(&Run::of_samples(&plan, &Start::Noise(n), seed), &|_| true)? {
        samples.points.to_host()?;
    }
    let secs = begun.elapsed().as_secs_f64();
    let samples_per_sec = round(f64::from(n) / secs);
    Ok(SampleRate {
        sampler: sampler.to_string(),
        steps,
        n,
        secs: round(secs),
        samples_per_sec,
    })
}

fn field_rate(engine: &mut dyn Engine, setup: &Setup, secs: f64) -> anyhow::Result<f64> {
    let bounds = setup.dataset.clip;
    let side = FIELD_SIDE as f32;
    let at = |i: u32, axis: usize| {
        bounds.min[axis] + (bounds.max[axis] - bounds.min[axis]) * (i as f32 + 0.5) / side
    };
    let points: Vec<[f32; 2]> = (0..FIELD_SIDE * FIELD_SIDE)
        .map(|i| [at(i % FIELD_SIDE, 0), at(i / FIELD_SIDE, 1)])
        .collect();
    engine.predict(0.5, &points, engine::Weights::Ema)?;
    let begun = Instant::now();
    let mut evaluated = 0;
    while begun.elapsed().as_secs_f64() < 0.5 * secs {
        evaluated += engine.predict(0.5, &points, engine::Weights::Ema)?.len();
    }
    Ok(round(evaluated as f64 / begun.elapsed().as_secs_f64()))
}
