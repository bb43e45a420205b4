//! `sample`: points drawn from a trained model.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;

use super::model::ModelArgs;
use super::{read_standardised, say};
use crate::cli::samples_csv::{Units, samples_csv, samples_file};
use engine::{Run, Start};
use maths::diffusion::magnification;
use maths::diffusion::solver::{Placement, Sampler};

/// Arguments of `sample`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Sampler
    #[arg(long, value_name = "NAME", default_value = "ddim", help = format!("Sampler: {}", Sampler::known()))]
    sampler: Sampler,
    /// Sampling steps [default: T for ddpm and the other stochastic ones, 50 for those that need few]
    #[arg(long)]
    steps: Option<u32>,
    /// Where the steps are placed
    #[arg(long, value_name = "NAME", help = format!("Where the steps are placed: {} [default: as the sampler has them]", Placement::known()))]
    placement: Option<Placement>,
    /// Number of samples; with --init, its number of points
    #[arg(long, default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    n: u32,
    /// Seed of the noise
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Start from these points (header x,y, in --units) instead of noise
    #[arg(long, value_name = "FILE.csv", conflicts_with = "n")]
    init: Option<PathBuf>,
    /// Do not clip x̂_0 to the data's bounding box × 1.1
    #[arg(long)]
    no_clip: bool,
    /// Units of the samples and of --init: data writes them as they are in the file that the model was trained on. The
    /// header is x,y in both; tell `measure --units` which
    #[arg(long, value_enum, default_value_t)]
    units: Units,
    /// Where to write the samples: header x,y
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Replace a file that is not from this program
    #[arg(long)]
    force: bool,
}

/// Load, sample, write.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let out = samples_file(&args.out, args.force).sparing(args.init.as_deref());
    out.check()?;
    let mut loaded = args.model.load()?;
    let experiment = &loaded.setup.experiment;
    let timesteps = experiment.timesteps;
    let steps = args
        .steps
        .unwrap_or_else(|| args.sampler.default_steps(timesteps));
    anyhow::ensure!(
        (1..=timesteps).contains(&steps),
        "{steps} sampling steps are not between 1 and the {timesteps} timesteps of the training; choose another --steps"
    );
    let clip = (!args.no_clip).then_some(loaded.setup.dataset.clip_box(experiment.fresh));
    let plan = args
        .sampler
        .plan_placed(args.placement, steps, experiment.plan_context(), clip);
    if let Some(warning) = magnification::warning(&plan, experiment.plan_context()) {
        say(&format!("noise-compass: warning: {warning}"));
    }
    let of_data = loaded.setup.dataset.standardisation;
    let start = match &args.init {
        Some(path) => Start::Points(Arc::new(read_standardised(
            path,
            args.units.standardisation(of_data),
        )?)),
        None => Start::Noise(args.n),
    };
    let samples = loaded
        .engine
        .run(&Run::of_samples(&plan, &start, args.seed), &|_| true)?;
    let points = samples
        .context("the sampling was stopped; run it again")?
        .points
        .to_host()?;
    out.write(&samples_csv(&points, args.units, of_data))?;
    let units = match args.units {
        Units::Data => ", in the units of its data",
        Units::Standard => "",
    };
    say(&format!(
        "{} samples in {steps} steps{units}, in {}",
        points.len(),
        args.out.display()
    ));
    Ok(())
}
