//! `field`: noise prediction and score of a trained model at given points, beside the exact ones.

use std::path::PathBuf;

use super::model::ModelArgs;
use super::{read_points, say};
use crate::cli::field_csv::{FieldRow, field_csv, field_file};
use maths::diffusion::target::Combination;

/// Arguments of `field`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// The clock t/T, from 1/T, where the network's training begins, to 1. At 0, the data themselves, no network is
    /// trained and an ε̂ says nothing of the score
    #[arg(long, value_name = "0..1", value_parser = parse_tau)]
    t: f64,
    /// Where to evaluate: header x,y, standardised units
    #[arg(long, value_name = "FILE.csv")]
    points: PathBuf,
    /// Where to write the table
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Replace a file that is not from this program
    #[arg(long)]
    force: bool,
}

/// At 0 there is no noise: the score −ε̂/s has no meaning, and no network was trained there.
fn parse_tau(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(tau) if tau > 0.0 && tau <= 1.0 => Ok(tau),
        _ => Err("t is the clock t/T, a number above 0 and up to 1".into()),
    }
}

/// As much below 1/T counts as 1/T, for those who write 0.3333.
const ROUNDING: f64 = 1e-3;

/// Load, evaluate, write.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let out = field_file(&args.out, args.force).sparing(Some(&args.points));
    out.check()?;
    let mut loaded = args.model.load()?;
    super::check_exact(&loaded.setup.experiment)?;
    let timesteps = loaded.setup.experiment.timesteps;
    anyhow::ensure!(
        args.t * f64::from(timesteps) >= 1.0 - ROUNDING,
        "the network was trained from t/T = 1/{timesteps} to 1 and says nothing of t/T = {}; choose --t between",
        args.t
    );
    let points = read_points(&args.points)?;
    let outputs = loaded
        .engine
        .predict(args.t, &points, engine::Weights::Ema)?;
    let experiment = &loaded.setup.experiment;
    let scales = experiment.schedule.scales(args.t, experiment.timesteps);
    let marginal = loaded.setup.dataset.mixture.marginal(scales);
    let (to_eps, to_score) = (
        experiment.target.to_eps(scales),
        experiment.target.to_score(scales),
    );
    let rows = points.iter().zip(&outputs).map(|(&point, &output)| {
        let x = point.map(f64::from);
        let convert = |Combination(k_x, k_o): Combination| {
            [0, 1].map(|axis| k_x * x[axis] + k_o * f64::from(output[axis]))
        };
        FieldRow {
            x: point,
            eps: convert(to_eps),
            score: convert(to_score),
            exact_score: marginal.score(x),
            exact_log_p: marginal.log_density(x),
        }
    });
    out.write(&field_csv(rows))?;
    say(&format!(
        "the field at {} points, t/T = {}, in {}",
        points.len(),
        args.t,
        args.out.display()
    ));
    Ok(())
}
