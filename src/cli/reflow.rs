//! `reflow`: the pairs of a trained model, to be trained on anew (Liu et al. 2023).

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde::Serialize;

use super::{print_json, round, say, short_error};
use engine::{EngineChoice, Start};
use lab::few_steps::{
    ADAPTIVE, Numbers, PATH_STEPS, Recorded, SAMPLES, pairs_of, plan, reflow_plan, reflow_run,
};
use lab::interrupt::Interrupt;
use lab::model_dir::{self, ModelDir, Trained};
use lab::setup::Setup;
use maths::data::dataset::Pairs;
use maths::diffusion::solver::Sampler;
use maths::transport::mean_cost;

/// Arguments of `reflow`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A model of --schedule flow: its directory, or its model.safetensors
    #[arg(long, value_name = "DIR|FILE.safetensors")]
    model: PathBuf,
    /// Directory of the model to write: the same weights, with the pairs as its data. Go on with `train --resume DIR`
    #[arg(long, value_name = "DIR", required_unless_present = "measure_only")]
    out: Option<PathBuf>,
    /// Pairs to make
    #[arg(long, default_value_t = 8192, value_parser = clap::value_parser!(u32).range(32..=1_000_000))]
    pairs: u32,
    /// Measure how the model does in few steps, and make no pairs
    #[arg(long, conflicts_with = "out")]
    measure_only: bool,
    /// Seed of the starts
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Which engine computes
    #[arg(long, value_enum, default_value_t)]
    engine: EngineChoice,
    /// Write also into a directory with other files, which stay, and replace files that are not from this program
    #[arg(long)]
    force: bool,
    /// Print one JSON object: how straight the model's paths are, what they transport, W₂² of one Euler step and of an adaptive solver
    #[arg(long)]
    json: bool,
}

/// What `--json` prints. Distances are squared, in standardised units; every `_error` is a standard error.
#[derive(Debug, Serialize)]
struct Report {
    pairs: Option<usize>,
    /// E|start − end|² of the pairs.
    pairs_cost: Option<f64>,
    step: u64,
    straightness: f64,
    straightness_error: f64,
    paths_cost: f64,
    paths_cost_error: f64,
    batches_cost: f64,
    batches_cost_error: f64,
    one_step_w2_squared: f64,
    one_step_w2_squared_error: f64,
    adaptive_w2_squared: f64,
    adaptive_w2_squared_error: f64,
    floor_w2_squared: f64,
    floor_w2_squared_error: f64,
    out: Option<PathBuf>,
}

/// Make the pairs and the model that is trained on them next.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let out = args.out.as_ref().map(|out| ModelDir::new(out, args.force));
    out.iter().try_for_each(ModelDir::check)?;
    let saved = model_dir::load(&args.model)?;
    let setup = saved.setup()?;
    // What is refused is refused before anything is computed.
    if out.is_some() {
        let one = Pairs::new(vec![[0.0; 2]], vec![[0.0; 2]]);
        let one = one.context("one pair is a pair")?;
        setup.with_pairs(one.into()).map_err(anyhow::Error::msg)?;
    }
    let mut engine = engine::create(args.engine, None)?;
    engine.load(&setup.spec, &saved.state)?;
    let interrupt = Interrupt::listen(|| say("noise-compass: stopping"))?;
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr_with_hz(10))
    } else {
        ProgressBar::hidden()
    };
    let mut record = |run: &engine::Run<'_>| -> anyhow::Result<(Vec<f64>, _)> {
        let goes_on = |share: f32| {
            bar.set_position((1000.0 * share) as u64);
            !interrupt.is_asked()
        };
        let recording = engine.run(run, &goes_on)?;
        let recording = recording.context("it was stopped, and nothing is written")?;
        Ok((recording.taus.clone(), recording.points.to_host()?))
    };
    let mut pairs = None;
    if out.is_some() {
        let (plan, start) = (reflow_plan(&setup), Start::Noise(args.pairs));
        let (_, points) = record(&reflow_run(&plan, &start, args.seed))?;
        let made = pairs_of(&points, args.pairs as usize).map_err(anyhow::Error::msg)?;
        pairs = Some(made);
    }
    let start = Start::Noise(SAMPLES);
    let paths = plan(&setup, Sampler::FlowEuler, PATH_STEPS);
    let run = engine::Run {
        frames: engine::Frames::Every(1),
        ..engine::Run::of_samples(&paths, &start, args.seed)
    };
    let (taus, paths) = record(&run)?;
    let one_step = plan(&setup, Sampler::FlowEuler, 1);
    let (_, one_step) = record(&engine::Run::of_samples(&one_step, &start, args.seed))?;
    let adaptive = plan(&setup, ADAPTIVE, PATH_STEPS);
    let (_, adaptive) = record(&engine::Run::of_samples(&adaptive, &start, args.seed))?;
    bar.finish_and_clear();
    let recorded = Recorded {
        taus,
        paths,
        one_step,
        adaptive,
    };
    let numbers = Numbers::of(&setup, saved.state.step, &recorded)?;
    let pairs_cost = pairs
        .as_ref()
        .map(|pairs| mean_cost(&pairs.starts, &pairs.ends));
    let count = pairs.as_ref().map(|pairs| pairs.starts.len());
    if let (Some(out), Some(pairs)) = (&out, pairs) {
        write(out, &setup, &saved.state, pairs)?;
        say(&format!(
            "{} pairs; go on with: noise-compass train --resume {} --steps 5000",
            args.pairs,
            out.path().display()
        ));
    }
    let report = Report {
        pairs: count,
        pairs_cost: pairs_cost.map(round),
        step: saved.state.step,
        straightness: round(numbers.paths.error.value),
        straightness_error: short_error(numbers.paths.error.error),
        paths_cost: round(numbers.paths.cost.value),
        paths_cost_error: short_error(numbers.paths.cost.error),
        batches_cost: round(numbers.pairs.value),
        batches_cost_error: short_error(numbers.pairs.error),
        one_step_w2_squared: round(numbers.one_step.squared.value),
        one_step_w2_squared_error: short_error(numbers.one_step.squared.error),
        adaptive_w2_squared: round(numbers.adaptive.squared.value),
        adaptive_w2_squared_error: short_error(numbers.adaptive.squared.error),
        floor_w2_squared: round(numbers.adaptive.floor.value),
        floor_w2_squared_error: short_error(numbers.adaptive.floor.error),
        out: args.out.clone(),
    };
    if args.json {
        return print_json(&report);
    }
    say(&format!(
        "straightness error {} ± {}, transport cost {}, W₂² of one Euler step {}, adaptive {} (floor {})",
        report.straightness,
        report.straightness_error,
        report.paths_cost,
        report.one_step_w2_squared,
        report.adaptive_w2_squared,
        report.floor_w2_squared
    ));
    Ok(())
}

/// The same weights, whose data are the pairs from here on.
fn write(
    out: &ModelDir,
    setup: &Setup,
    state: &engine::ModelState,
    pairs: Pairs,
) -> anyhow::Result<()> {
    let next = setup.with_pairs(pairs.into()).map_err(anyhow::Error::msg)?;
    out.save(Trained {
        experiment: &next.experiment,
        dataset: &next.dataset,
        teacher: None,
        state,
        metrics: &[],
    })
}
