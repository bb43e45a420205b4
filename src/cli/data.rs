//! `data`: samples of a data set as CSV, and its mixture as JSON.

use std::path::PathBuf;

use anyhow::Context;

use super::say;
use crate::export::atomic::atomic_write;
use crate::export::table::points_csv;
use crate::lab::experiment::{DataSource, Experiment};
use crate::lab::setup::Setup;

/// Arguments of `data`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Data: a built-in name or FILE.csv
    #[arg(long, value_name = "NAME|FILE.csv")]
    data: DataSource,
    /// Number of samples
    #[arg(long, default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    n: u32,
    /// Seed of the draw
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to write the samples: header x,y, standardised units
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Where to write the mixture, in standardised units
    #[arg(long, value_name = "FILE.json")]
    mixture: Option<PathBuf>,
}

/// Draw and write.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let experiment = Experiment { data: args.data.clone(), seed: args.seed, ..Experiment::default() };
    let dataset = Setup::new(experiment).map_err(anyhow::Error::msg)?.dataset;
    atomic_write(&args.out, &points_csv(&dataset.mixture.draw(args.n as usize, args.seed)))?;
    if let Some(path) = &args.mixture {
        let json = serde_json::to_vec_pretty(&*dataset.mixture).context("cannot write the mixture as JSON")?;
        atomic_write(path, &json)?;
    }
    say(&format!("{} samples of {} in {}", args.n, args.data, args.out.display()));
    Ok(())
}
