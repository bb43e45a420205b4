//! `field`: noise prediction and score of a trained model at given points, beside the exact ones.

use std::path::PathBuf;

use super::model::ModelArgs;
use super::{read_points, say};
use crate::diffusion::target::Pair;
use crate::export::field::{FieldRow, field_csv, field_file};

/// Arguments of `field`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// The clock t/T, above 0 and up to 1
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

/// t/T = 0 is allowed: the network can be asked there, though it was never trained there.
fn parse_tau(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(tau) if (0.0..=1.0).contains(&tau) => Ok(tau),
        _ => Err("t is the clock t/T, a number between 0 and 1".into()),
    }
}

/// Load, evaluate, write.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let out = field_file(&args.out, args.force).sparing(Some(&args.points));
    out.check()?;
    let mut loaded = args.model.load()?;
    let points = read_points(&args.points)?;
    let outputs = loaded.engine.predict(args.t, &points, true)?;
    let experiment = &loaded.setup.experiment;
    let scales = experiment.path.scales(args.t, experiment.timesteps);
    let marginal = loaded.setup.dataset.mixture.marginal(scales);
    let (to_eps, to_score) = (experiment.target.to_eps(scales), experiment.target.to_score(scales));
    let rows = points.iter().zip(&outputs).map(|(&point, &output)| {
        let x = point.map(f64::from);
        let convert = |Pair(k_x, k_o): Pair| [0, 1].map(|axis| k_x * x[axis] + k_o * f64::from(output[axis]));
        FieldRow {
            x: point,
            eps: convert(to_eps),
            score: convert(to_score),
            exact_score: marginal.score(x),
            exact_log_p: marginal.log_density(x),
        }
    });
    out.write(&field_csv(rows))?;
    say(&format!("the field at {} points, t/T = {}, in {}", points.len(), args.t, args.out.display()));
    Ok(())
}
