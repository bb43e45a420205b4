//! `train`: the same session as the window's, without the window.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::{print_json, round, say, versus};
use crate::engine::gpu::GpuContext;
use crate::engine::{self, EngineChoice, EngineKind};
use crate::export::model_dir;
use crate::lab::experiment::Experiment;
use crate::lab::message::{Command, InStep, Notice, Order, Side, Snapshot, Status};
use crate::lab::pair::Pair;
use crate::lab::session::{EngineFactory, Session};
use crate::lab::setup::Setup;

/// Arguments of `train`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    experiment: Experiment,
    /// Training steps
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// Which engine trains
    #[arg(long, value_enum, default_value_t)]
    engine: EngineChoice,
    /// Model directory to write; one that is there already is replaced. With --vs it holds both models, `a` and `b`,
    /// and the comparison
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Train a second experiment side by side and compare: experiment.json of a model, a model directory, or any of its
    /// settings as JSON; those that are missing are as in the first
    #[arg(long, value_name = "FILE")]
    vs: Option<PathBuf>,
    /// What both have equal: steps, or seconds of training (the first then does --steps)
    #[arg(long, value_enum, default_value_t, requires = "vs")]
    in_step: InStep,
    /// Print one JSON object with the result
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    steps: u64,
    loss: Option<f32>,
    secs: f64,
    steps_per_sec: f64,
    engine: EngineKind,
    adapter: String,
    out: PathBuf,
}

/// Length of one slice of training: Ctrl-C is heard this often.
const SLICE: Duration = Duration::from_millis(100);

/// Train, show how it goes, save.
pub fn run(args: Args) -> anyhow::Result<()> {
    // What can be refused is refused before the work, not after it.
    let other = args.vs.as_deref().map(|file| versus::experiment(file, &args.experiment)).transpose()?;
    let outs = if other.is_some() { versus::outs(&args.out) } else { vec![args.out.clone()] };
    for out in &outs {
        model_dir::check_target(out)?;
    }
    let setup = Setup::new(args.experiment.clone()).map_err(anyhow::Error::msg)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;

    let mut pair = open(setup, &args, other)?;
    let mut display = Display::new(args.steps);
    let training = |pair: &Pair| sessions(pair).any(Session::is_training);
    let mut measure_at = versus::measure_steps(args.steps);
    while training(&pair) && !interrupted.load(Ordering::Relaxed) {
        pair.tick(SLICE);
        if args.vs.is_some() && measure_at.next_if(|&step| sessions(&pair).all(|s| s.step() >= step)).is_some() {
            versus::measure(&mut pair)?;
        }
        // For equal time the first says when both are done.
        let done = pair.session(Side::A).is_none_or(|a| a.step() >= args.steps);
        if args.in_step == InStep::Time && done {
            break;
        }
        if training(&pair) {
            display.show(&pair);
        }
    }
    pair.handle(Command::Pause.into());
    display.finish();

    let mut faults = Vec::new();
    for (side, out) in Side::BOTH.into_iter().zip(&outs) {
        let Some(session) = pair.session_mut(side) else { continue };
        let status = session.status();
        let state = session.model();
        model_dir::save(out, &session.snapshot().experiment, &state, &session.record().metrics())?;
        if let Status::Fault { message, .. } = status {
            let who = if args.vs.is_some() { format!("{}: ", side.letter()) } else { String::new() };
            let out = out.display();
            faults.push(format!("{who}{message}; the last good weights (step {}) are in {out}", state.step));
        }
    }
    if args.vs.is_none() {
        anyhow::ensure!(faults.is_empty(), "{}", faults.join("; "));
        return report_one(&pair, args);
    }
    let reached = pair.session(Side::A).map_or(0, Session::step);
    say(&format!("{} after {reached} of {} steps; comparing", how(reached, args.steps), args.steps));
    let result = versus::report(pair, &args.out, args.json);
    // A comparison with a spoilt side is written all the same.
    anyhow::ensure!(faults.is_empty(), "{}", faults.join("; "));
    result
}

fn how(step: u64, steps: u64) -> &'static str {
    if step < steps { "interrupted" } else { "done" }
}

fn sessions(pair: &Pair) -> impl Iterator<Item = &Session> {
    Side::BOTH.into_iter().filter_map(|side| pair.session(side))
}

/// The experiments on their engine, about to train.
fn open(setup: Setup, args: &Args, other: Option<Experiment>) -> anyhow::Result<Pair> {
    // One device for both.
    let context = (args.engine != EngineChoice::Cpu).then(GpuContext::headless).and_then(Result::ok);
    let (engine, why) = engine::create_and_say(args.engine, context.as_ref())?;
    let factory: EngineFactory = Arc::new(move |choice| engine::create(choice, context.as_ref()));
    let info = engine.info().clone();
    let parameters = setup.spec.shape.parameters();
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    say(&format!("training on {} ({}) with {parameters} parameters{why}", info.adapter, info.backend));
    let mut pair = Pair::new(Session::new(setup, engine, factory)?);
    if let Some(other) = other {
        pair.handle(Order::Compare(Box::new([args.experiment.clone(), other])));
        let snapshots = pair.snapshots();
        if let (None, Some((_, Notice::Error(text)))) = (&snapshots.b, &snapshots.a.notice) {
            anyhow::bail!("{text}");
        }
        pair.handle(Order::InStep(args.in_step));
    }
    // No picture is wanted, as in a hidden window.
    pair.handle(Command::Hidden(true).into());
    match args.in_step {
        InStep::Steps => pair.train_until(args.steps),
        InStep::Time => {
            if let Some(session) = pair.session_mut(Side::A) {
                session.train_until(args.steps);
            }
        }
    }
    pair.handle(Command::Play.into());
    Ok(pair)
}

fn report_one(pair: &Pair, args: Args) -> anyhow::Result<()> {
    let snapshots = pair.snapshots();
    let Snapshot { step, loss, trained_secs, engine, .. } = &*snapshots.a;
    let out = args.out.display();
    say(&format!("{} after {step} of {} steps; saved in {out}", how(*step, args.steps), args.steps));
    if args.json {
        let steps_per_sec = round(*step as f64 / trained_secs.max(1e-9));
        print_json(&Report {
            steps: *step,
            loss: *loss,
            secs: round(*trained_secs),
            steps_per_sec,
            engine: engine.kind,
            adapter: engine.adapter.clone(),
            out: args.out,
        })?;
    }
    Ok(())
}

/// How it goes: a bar on a terminal, else a line every few seconds.
struct Display {
    bar: Option<ProgressBar>,
    steps: u64,
    told_at: Instant,
}

/// Time between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

impl Display {
    fn new(steps: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(10));
            // The template is a constant; were it wrong, the plain bar would do.
            if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} steps, {msg}, {eta} left") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, steps, told_at: Instant::now() }
    }

    fn show(&mut self, pair: &Pair) {
        if self.bar.is_none() && self.told_at.elapsed() < LINE_INTERVAL {
            return;
        }
        let all: Vec<Snapshot> = sessions(pair).map(Session::snapshot).collect();
        let step = all.iter().map(|snapshot| snapshot.step).min().unwrap_or_default();
        let loss = |snapshot: &Snapshot| snapshot.loss.map_or_else(|| "-".into(), |loss| format!("{loss:.4}"));
        let losses = all.iter().map(loss).collect::<Vec<String>>().join(" and ");
        let steps_per_sec = all.iter().map(|snapshot| snapshot.steps_per_sec).fold(f64::INFINITY, f64::min);
        let text = format!("loss {losses}, {steps_per_sec:.0} steps/s");
        if let Some(bar) = &self.bar {
            bar.set_position(step);
            bar.set_message(text);
        } else {
            self.told_at = Instant::now();
            say(&format!("step {step} of {}, {text}", self.steps));
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
