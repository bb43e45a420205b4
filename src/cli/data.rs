//! `data`: samples of a data set as CSV, and its mixture as JSON.

use std::path::PathBuf;

use super::{say, say_notices};
use lab::experiment::{Experiment, bandwidth_help, parse_bandwidth};
use maths::atomic::same_file;
use maths::data::csv_io::{mixture_file, mixture_json, points_csv, points_file};
use maths::data::dataset::{DataSource, Dataset, Truth};

/// Arguments of `data`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Data: a built-in name or FILE.csv
    #[arg(long, value_name = "NAME|FILE.csv")]
    data: DataSource,
    /// Number of samples
    #[arg(long, default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    n: u32,
    /// Bandwidth of the kernels on a file's rows
    #[arg(long, value_name = "H", value_parser = parse_bandwidth, help = bandwidth_help())]
    bandwidth: Option<f32>,
    /// Seed of the draw
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to write the samples: header x,y, standardised units
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Where to write the mixture, in standardised units
    #[arg(long, value_name = "FILE.json")]
    mixture: Option<PathBuf>,
    /// Replace a file that is not from this program
    #[arg(long)]
    force: bool,
}

/// Draw and write.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let read = match &args.data {
        DataSource::Csv(path) => Some(path.as_path()),
        DataSource::Shape(_) => None,
    };
    let out = points_file(&args.out, args.force).sparing(read);
    let mixture = args
        .mixture
        .as_ref()
        .map(|path| mixture_file(path, args.force).sparing(read));
    out.check()?;
    if let Some(mixture) = &mixture {
        mixture.check()?;
        anyhow::ensure!(
            mixture.path() != out.path() && !same_file(mixture.path(), out.path()),
            "the samples and the mixture cannot both be in {}; choose another --out or --mixture",
            args.out.display()
        );
    }
    // A file is taken whole.
    let dataset = Dataset::load(
        &args.data,
        Experiment::default().points,
        args.seed,
        args.bandwidth,
    )?;
    say_notices(&args.data.to_string(), &dataset.notices);
    out.write(&points_csv(
        &dataset.mixture.draw(args.n as usize, args.seed),
    ))?;
    if let Some(mixture) = mixture {
        mixture.write(&mixture_json(&dataset.mixture)?)?;
    }
    let of = match dataset.truth {
        Truth::Exact => args.data.to_string(),
        truth @ Truth::Kernels { .. } => format!("{} ({})", args.data, truth.words()),
    };
    say(&format!(
        "{} samples of {of} in {}",
        args.n,
        args.out.display()
    ));
    Ok(())
}
