//! `measure`: how far samples are from a data set, beside what chance alone gives.

use std::path::PathBuf;

use serde::Serialize;

use super::{print_json, read_points, round, say_notices};
use crate::data::dataset::{DataSource, Dataset};
use crate::lab::experiment::{Experiment, bandwidth_help, parse_bandwidth};
use crate::measure::{Quality, quality, sliced_wasserstein2};

/// Arguments of `measure`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Samples: header x,y, standardised units
    #[arg(long, value_name = "FILE.csv")]
    samples: PathBuf,
    /// The data they should be like: a built-in name or FILE.csv
    #[arg(long, value_name = "NAME|FILE.csv")]
    data: DataSource,
    /// Bandwidth of the kernels on a file's rows
    #[arg(long, value_name = "H", value_parser = parse_bandwidth, help = bandwidth_help())]
    bandwidth: Option<f32>,
    /// Seed of the fresh draws that they are compared with
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Mixed into the seed ("slic"): the draws of the sliced distance are neither training points nor those of the exact one.
const SLICED_SALT: u64 = 0x736C_6963;

/// What `--json` prints. Distances are in standardised units; a floor is the distance of two draws from the data.
#[derive(Debug, Serialize)]
struct Report {
    samples: usize,
    /// Samples that the exact distance compares.
    w2_samples: usize,
    w2: f64,
    w2_floor: f64,
    w2_ratio: f64,
    sliced_w2: f64,
    sliced_w2_floor: f64,
}

/// Read, compare, tell.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let samples = read_points(&args.samples)?;
    let dataset = Dataset::load(&args.data, Experiment::default().points, args.seed, args.bandwidth)?;
    say_notices(&args.data.to_string(), &dataset.notices);
    let mixture = dataset.mixture;
    let exact: Quality = quality(&samples, &mixture, args.seed)?;
    let draw = mixture.draw(samples.len(), args.seed ^ SLICED_SALT);
    let other = mixture.draw(samples.len(), (args.seed ^ SLICED_SALT).wrapping_add(1));
    let report = Report {
        samples: samples.len(),
        w2_samples: exact.n,
        w2: round(exact.distance),
        w2_floor: round(exact.floor),
        w2_ratio: round(exact.ratio()),
        sliced_w2: round(sliced_wasserstein2(&samples, &draw)?),
        sliced_w2_floor: round(sliced_wasserstein2(&other, &draw)?),
    };
    if args.json {
        return print_json(&report);
    }
    super::say(&format!(
        "2-Wasserstein of {} samples: {} (floor {}, ratio {}); sliced, of {}: {} (floor {})",
        report.w2_samples,
        report.w2,
        report.w2_floor,
        report.w2_ratio,
        report.samples,
        report.sliced_w2,
        report.sliced_w2_floor
    ));
    Ok(())
}
