//! `data`: samples of a data set as CSV, and its mixture as JSON.

use std::path::PathBuf;

use super::say;
use crate::data::csv_io::{write_mixture, write_points};
use crate::data::dataset::{DataSource, Dataset};
use crate::lab::experiment::Experiment;

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
    // A file's density estimate does not depend on the size of a training set.
    let dataset = Dataset::load(&args.data, Experiment::default().points, args.seed)?;
    write_points(&args.out, &dataset.mixture.draw(args.n as usize, args.seed))?;
    if let Some(path) = &args.mixture {
        write_mixture(path, &dataset.mixture)?;
    }
    say(&format!("{} samples of {} in {}", args.n, args.data, args.out.display()));
    Ok(())
}
