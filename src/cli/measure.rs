//! `measure`: how far samples are from a data set, how surprising they are, and which parts they fill, beside what chance alone
//! gives.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::model::ModelArgs;
use super::{elbo, print_json, read_standardised, round, say_notices, short_error};
use crate::cli::samples_csv::Units;
use engine::EngineChoice;
use lab::experiment::{Experiment, bandwidth_help, parse_bandwidth};
use lab::{model_dir, self_consistency};
use maths::data::dataset::{DataSource, Dataset, Truth};
use maths::data::reference::Reference;
use maths::measure::floor::{PAIRS, Quality, sliced_quality};
use maths::measure::law::Likeness;
use maths::measure::{Estimate, Law, quality};

/// Arguments of `measure`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Samples: header x,y, in --units
    #[arg(long, value_name = "FILE.csv", required_unless_present_any = ["elbo", "self_consistency"])]
    samples: Option<PathBuf>,
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
    /// The class that the samples are of, by its name or number: they are held against it alone
    #[arg(long, value_name = "LABEL", requires = "samples")]
    label: Option<String>,
    /// Seed of the fresh draws that they are compared with
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How likely the model finds its data: the variational bound, term by term, by its network and by the exact denoiser, for each
    /// choice of variance; with samples or without
    #[arg(long, requires = "model", conflicts_with = "data")]
    elbo: bool,
    /// How far from one another the points are that the model says along a path: along exact paths, at each time, its distance to their
    /// ends. A consistency model is to say one
    #[arg(long, requires = "model", conflicts_with = "data")]
    self_consistency: bool,
    /// Points of the data that --elbo takes through all timesteps
    #[arg(long, default_value_t = 1024, requires = "elbo", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    points: u32,
    /// Which engine computes what --elbo and --self-consistency ask for
    #[arg(long, value_enum, default_value_t)]
    engine: EngineChoice,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Mixed into the seed ("slic"): the draws of the sliced distance are neither training points nor those of the exact one.
const SLICED_SALT: u64 = 0x736C_6963;
/// Exact paths that --self-consistency goes along.
const PATHS: u32 = 512;
/// Most components times samples that the surprise asks: a second or so.
const EVALUATIONS: usize = 1 << 27;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Output {
    /// Of samples, where there are any.
    #[serde(flatten)]
    samples: Option<Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elbo: Option<elbo::Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_consistency: Option<Paths>,
}

/// Of exact paths from noise, at falling t/T, the root mean square distance of the model's x̂_0 to their ends, in standardised units.
#[derive(Debug, Serialize)]
struct Paths {
    count: u32,
    t: Vec<f64>,
    error: Vec<f64>,
}

impl Paths {
    /// Those of a model.
    fn of(model: &Path, engine: EngineChoice, seed: u64) -> anyhow::Result<Self> {
        let args = ModelArgs {
            model: model.to_path_buf(),
            engine,
        };
        let mut loaded = args.load()?;
        let found = self_consistency::measure(&mut *loaded.engine, &loaded.setup, PATHS, seed)?;
        Ok(Self {
            count: PATHS,
            t: found.taus.into_iter().map(round).collect(),
            error: found.errors.into_iter().map(round).collect(),
        })
    }

    /// As a few lines to read.
    fn text(&self) -> String {
        let rows = self.t.iter().zip(&self.error);
        let rows: Vec<_> = rows
            .map(|(t, error)| format!("| {t} | {error} |"))
            .collect();
        format!(
            "distance of x̂_0 to the ends of {} exact paths, standardised units\n| t/T | error |\n| --- | --- |\n{}",
            self.count,
            rows.join("\n")
        )
    }
}

/// What is measured of samples. Distances are in standardised units, each the mean over some draws; a floor is the mean distance of
/// draws to draws. Every `_error` is a standard error; that of a distance knows that the draws may share one set of samples.
#[derive(Debug, Serialize)]
struct Report {
    samples: usize,
    /// What they are held against: `mixture` (fresh draws) or `held-out rows`.
    reference: &'static str,
    /// Rows of the file that no training sees, of which the draws are; null where the draws are fresh.
    held_out_rows: Option<usize>,
    /// What surprise and shares are held against: `closed form`, or which kernels on how many rows of the file.
    truth: String,
    /// Samples in a set that the exact distance compares, and how many disjoint sets there were.
    w2_samples: usize,
    w2_sets: usize,
    /// Draws that distances are averaged over, and pairs of draws that floors are.
    draws: u64,
    w2: f64,
    w2_error: f64,
    w2_floor: f64,
    w2_floor_error: f64,
    w2_ratio: f64,
    sliced_w2_samples: usize,
    sliced_w2: f64,
    sliced_w2_error: f64,
    sliced_w2_floor: f64,
    sliced_w2_floor_error: f64,
    /// −E ln p_0(samples) − h(p_0), nats, and h(p_0).
    surprise: f64,
    surprise_error: f64,
    entropy: f64,
    entropy_error: f64,
    /// Share of the samples in the densest half of p_0: 0.5 of honest samples.
    densest_half: f64,
    densest_half_error: f64,
    /// Samples that surprise and shares ask.
    surprise_samples: usize,
    /// χ² of the shares of the data's parts; null for too few samples.
    shares_chi2: Option<f64>,
    shares_degrees: Option<u32>,
    shares_p: Option<f64>,
}

/// The samples in standardised units, and the data.
fn read(args: &Args, samples: &Path) -> anyhow::Result<(Vec<[f32; 2]>, Arc<Dataset>)> {
    let dataset = match (&args.model, &args.data) {
        (Some(model), _) => model_dir::load(model)?.setup()?.dataset,
        (None, Some(data)) => Arc::new(Dataset::load(
            data,
            Experiment::default().points,
            args.seed,
            args.bandwidth,
        )?),
        (None, None) => {
            anyhow::bail!("there is nothing to measure against; give --data or --model")
        }
    };
    if let Some(data) = &args.data {
        say_notices(&data.to_string(), &dataset.notices);
    }
    let dataset = match &args.label {
        Some(label) => Arc::new(dataset.of_class(label).map_err(anyhow::Error::msg)?),
        None => dataset,
    };
    Ok((
        read_standardised(samples, args.units.standardisation(dataset.standardisation))?,
        dataset,
    ))
}

/// Measure, tell.
pub fn run(args: &Args) -> anyhow::Result<()> {
    // First what a bad file ends: the bound takes longer.
    let samples = args.samples.as_deref();
    let samples = samples.map(|samples| compare(args, samples)).transpose()?;
    let elbo = match &args.model {
        Some(model) if args.elbo => {
            Some(elbo::measure(model, args.engine, args.points, args.seed)?)
        }
        _ => None,
    };
    let self_consistency = match &args.model {
        Some(model) if args.self_consistency => Some(Paths::of(model, args.engine, args.seed)?),
        _ => None,
    };
    if args.json {
        let samples = samples.map(|(report, _)| report);
        return print_json(&Output {
            samples,
            elbo,
            self_consistency,
        });
    }
    for text in samples
        .map(|(_, text)| text)
        .into_iter()
        .chain(elbo.map(|elbo| elbo.text()))
        .chain(self_consistency.map(|paths| paths.text()))
    {
        super::say(&text);
    }
    Ok(())
}

/// Hold samples against the data: the report, and the same in lines to read.
fn compare(args: &Args, samples: &Path) -> anyhow::Result<(Report, String)> {
    let (samples, dataset) = read(args, samples)?;
    let exact: Quality = quality(&samples, &dataset.reference, args.seed)?;
    let sliced = sliced_quality(&samples, &dataset.reference, args.seed ^ SLICED_SALT)?;
    let law = Law::new(dataset.mixture.clone(), EVALUATIONS);
    let Likeness {
        surprise,
        densest_half,
        shares,
        n,
    } = law.likeness(&samples, args.seed)?;
    let entropy = law.entropy();
    let held_out = match &dataset.reference {
        Reference::Mixture(_) => None,
        Reference::HeldOut(rows) => Some(rows.len()),
    };
    let report = Report {
        samples: samples.len(),
        reference: match dataset.reference {
            Reference::Mixture(_) => "mixture",
            Reference::HeldOut(_) => "held-out rows",
        },
        held_out_rows: held_out,
        truth: dataset.truth.words(),
        w2_samples: exact.n,
        w2_sets: exact.sets,
        draws: PAIRS,
        w2: round(exact.distance.value),
        w2_error: round(exact.distance.error),
        w2_floor: round(exact.floor.value),
        w2_floor_error: round(exact.floor.error),
        w2_ratio: round(exact.ratio()),
        sliced_w2_samples: sliced.n,
        sliced_w2: round(sliced.distance.value),
        sliced_w2_error: round(sliced.distance.error),
        sliced_w2_floor: round(sliced.floor.value),
        sliced_w2_floor_error: round(sliced.floor.error),
        surprise: round(surprise.value),
        surprise_error: round(surprise.error),
        entropy: round(entropy.value),
        entropy_error: round(entropy.error),
        densest_half: round(densest_half.value),
        densest_half_error: round(densest_half.error),
        surprise_samples: n,
        shares_chi2: shares.map(|shares| round(shares.value)),
        shares_degrees: shares.map(|shares| shares.degrees),
        shares_p: shares.map(|shares| round(shares.p)),
    };
    let text = |estimate: Estimate| {
        format!(
            "{} ± {}",
            round(estimate.value),
            short_error(estimate.error)
        )
    };
    let distance = |name: &str, of: Quality| {
        let (distance, floor) = (text(of.distance), text(of.floor));
        format!(
            "{name} of {} samples: {distance} (floor {floor}, ratio {})",
            of.n,
            round(of.ratio())
        )
    };
    let shares = shares.map_or_else(
        || "too few samples for the shares of the data's parts".to_owned(),
        |shares| {
            let p = if shares.p < 1e-4 {
                "below 0.0001".to_owned()
            } else {
                round(shares.p).to_string()
            };
            format!(
                "shares of the data's {} parts: χ² {}, p {p}",
                shares.degrees + 1,
                round(shares.value)
            )
        },
    );
    let against = match (dataset.truth, held_out) {
        (Truth::Exact, _) => String::new(),
        (truth, None) => format!("held against the file's truth: {}\n", truth.words()),
        (truth, Some(rows)) => {
            format!(
                "held against the file's {rows} held-out rows, which no training sees; surprise and shares, its truth: {}\n",
                truth.words()
            )
        }
    };
    let told = format!(
        "{against}{}\n{}\nsurprise of {n} samples: {} nats (0: as the data; above: astray; below: too thin)\n\
         samples in the densest half of the data: {} (0.5: as the data; above: too thin)\n{shares}",
        distance("2-Wasserstein", exact),
        distance("sliced 2-Wasserstein", sliced),
        text(surprise),
        text(densest_half),
    );
    Ok((report, told))
}
