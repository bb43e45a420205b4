//! The part of `measure` that asks how likely a model finds the data: the variational bound, term by term.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::model::ModelArgs;
use super::round;
use engine::EngineChoice;
use lab::elbo::{self, Whose};
use maths::measure::Estimate;
use maths::measure::elbo::{Bound, Draws, StepVariance};
use maths::measure::entropy::Entropy;

/// What `--json` prints as `elbo`: nats per point, every `_error` a standard error.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Points of the data that were taken through all timesteps.
    points: usize,
    timesteps: usize,
    /// h(p_0): what no bound is below.
    entropy: f64,
    entropy_error: f64,
    /// By the name of the choice of variance.
    learned: BTreeMap<&'static str, Row>,
    exact: BTreeMap<&'static str, Row>,
}

/// The bound of one denoiser by one choice of variance.
#[derive(Debug, Serialize)]
struct Row {
    /// L_T.
    prior_matching: f64,
    prior_matching_error: f64,
    /// Σ L_{t−1} over t > 1.
    denoising: f64,
    denoising_error: f64,
    /// L_0.
    reconstruction: f64,
    reconstruction_error: f64,
    total: f64,
    total_error: f64,
    /// Total − entropy, over the same points.
    above_entropy: f64,
    above_entropy_error: f64,
    /// From t = 1 to T: L_0, then L_{t−1}.
    terms: Vec<f64>,
    terms_error: Vec<f64>,
    /// σ_t² from t = 1 to T.
    sigma_squared: Vec<f64>,
}

impl Row {
    fn of(bound: &Bound) -> Self {
        let rounded = |values: &mut dyn Iterator<Item = f64>| values.map(round).collect();
        let [value, error] = [|e: Estimate| round(e.value), |e: Estimate| round(e.error)];
        Self {
            prior_matching: value(bound.prior),
            prior_matching_error: error(bound.prior),
            denoising: value(bound.denoising),
            denoising_error: error(bound.denoising),
            reconstruction: value(bound.reconstruction),
            reconstruction_error: error(bound.reconstruction),
            total: value(bound.total),
            total_error: error(bound.total),
            above_entropy: value(bound.above_entropy),
            above_entropy_error: error(bound.above_entropy),
            terms: rounded(&mut bound.terms.iter().map(|term| term.value)),
            terms_error: rounded(&mut bound.terms.iter().map(|term| term.error)),
            sigma_squared: rounded(&mut bound.sigma_squared.iter().copied()),
        }
    }
}

fn rows(draws: &Draws) -> BTreeMap<&'static str, Row> {
    let row =
        |choice: StepVariance| Some((choice.words().name, Row::of(&Bound::of(draws, choice)?)));
    StepVariance::ALL.into_iter().filter_map(row).collect()
}

/// Measure the bound of a model by so many points.
///
/// # Errors
/// A model that cannot be read, and the engine's.
pub fn measure(
    model: &Path,
    engine: EngineChoice,
    points: u32,
    seed: u64,
) -> anyhow::Result<Report> {
    let args = ModelArgs {
        model: model.to_path_buf(),
        engine,
    };
    let mut loaded = args.load()?;
    super::check_exact(&loaded.setup.experiment)?;
    let mut of = |whose| elbo::draws(&mut *loaded.engine, &loaded.setup, whose, points, seed);
    let (learned, exact) = (of(Whose::Learned)?, of(Whose::Exact)?);
    let Entropy { nats, error } = elbo::entropy(&loaded.setup.dataset.mixture);
    Ok(Report {
        points: learned.len(),
        timesteps: learned.chain().steps.len(),
        entropy: round(nats),
        entropy_error: round(error),
        learned: rows(&learned),
        exact: rows(&exact),
    })
}

impl Report {
    /// As a few lines to read.
    pub fn text(&self) -> String {
        let mut text = format!(
            "variational bound of {} points at {} timesteps, nats; the entropy, which no model crosses: {} ± {}\n",
            self.points,
            self.timesteps,
            self.entropy,
            super::short_error(self.entropy_error)
        );
        text += "| denoiser | σ² | L_T | Σ L_{t−1} | L_0 | total | above the entropy |\n| --- | --- | --- | --- | --- | --- | --- |\n";
        for (whose, rows) in [("learned", &self.learned), ("exact", &self.exact)] {
            for choice in StepVariance::ALL {
                let name = choice.words().name;
                let Some(row) = rows.get(name) else { continue };
                let cell =
                    |value: f64, error: f64| format!("{value} ± {}", super::short_error(error));
                let row = format!(
                    "| {whose} | {name} | {} | {} | {} | {} | {} |\n",
                    cell(row.prior_matching, row.prior_matching_error),
                    cell(row.denoising, row.denoising_error),
                    cell(row.reconstruction, row.reconstruction_error),
                    cell(row.total, row.total_error),
                    cell(row.above_entropy, row.above_entropy_error),
                );
                text.push_str(&row);
            }
        }
        text.trim_end().to_owned()
    }
}
