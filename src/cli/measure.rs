//! `measure`: how far samples are from a data set, beside what chance alone gives.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::{print_json, round};
use crate::data::csv_io::read_rows;
use crate::data::dataset::{DataSource, Dataset};
use crate::export::model_dir;
use crate::export::samples::Units;
use crate::lab::experiment::{Experiment, bandwidth_help, parse_bandwidth};
use crate::measure::{Quality, quality, sliced_wasserstein2};

/// Arguments of `measure`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Samples: header x,y, in --units
    #[arg(long, value_name = "FILE.csv")]
    samples: PathBuf,
    /// The data they should be like: a built-in name or FILE.csv
    #[arg(long, value_name = "NAME|FILE.csv", required_unless_present = "model")]
    data: Option<DataSource>,
    /// Instead of --data, a model directory or its model.safetensors: the data that it was trained on
    #[arg(long, value_name = "DIR|FILE.safetensors", conflicts_with_all = ["data", "bandwidth"])]
    model: Option<PathBuf>,
    /// Units of the samples: standard, or data, those of the file of --data, or of the model's
    #[arg(long, value_enum, default_value_t)]
    units: Units,
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

/// The samples in standardised units, and the data.
fn read(args: &Args) -> anyhow::Result<(Vec<[f32; 2]>, Arc<Dataset>)> {
    let rows = read_rows(&args.samples)?;
    let dataset = match (&args.model, &args.data) {
        (Some(model), _) => model_dir::load(model)?.setup()?.dataset,
        (None, Some(data)) => Arc::new(Dataset::load(data, Experiment::default().points, args.seed, args.bandwidth)?),
        (None, None) => anyhow::bail!("there is nothing to measure against; give --data or --model"),
    };
    let map = args.units.standardisation(dataset.standardisation);
    Ok((rows.into_iter().map(|row| map.apply(row)).collect(), dataset))
}

/// Read, compare, tell.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let (samples, dataset) = read(args)?;
    let mixture = dataset.mixture.clone();
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
