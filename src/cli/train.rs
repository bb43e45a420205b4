//! `train`: the same session as the window's, without the window.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::{print_json, round, say};
use crate::engine::{self, EngineChoice, EngineKind};
use crate::export::model_dir;
use crate::lab::experiment::Experiment;
use crate::lab::message::{Command, Snapshot, Status};
use crate::lab::session::Session;
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
    /// Model directory to write; one that is there already is replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
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
    model_dir::check_target(&args.out)?;
    let setup = Setup::new(args.experiment).map_err(anyhow::Error::msg)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;

    let engine = engine::create(args.engine, None)?;
    let info = engine.info().clone();
    say(&format!("training on {} ({}) with {} parameters", info.adapter, info.backend, setup.spec.shape.parameters()));
    let mut session = Session::new(setup, engine, Arc::new(|choice| engine::create(choice, None)))?;
    // No picture is wanted, as in a hidden window.
    session.handle(Command::Hidden(true));
    session.train_until(args.steps);
    session.handle(Command::Play);

    let mut display = Display::new(args.steps);
    while session.status() == Status::Training && !interrupted.load(Ordering::Relaxed) {
        session.tick(SLICE);
        if session.status() == Status::Training {
            display.show(&session);
        }
    }
    session.handle(Command::Pause);
    display.finish();

    let status = session.status();
    let state = session.model();
    model_dir::save(&args.out, &session.snapshot().experiment, &state, &session.record().metrics())?;
    let out = args.out.display();
    if let Status::Fault { message, .. } = status {
        anyhow::bail!("{message}; the last good weights (step {}) are in {out}", state.step);
    }
    let Snapshot { step, loss, trained_secs, .. } = session.snapshot();
    let how = if step < args.steps { "interrupted" } else { "done" };
    say(&format!("{how} after {step} of {} steps; saved in {out}", args.steps));
    if args.json {
        let steps_per_sec = round(step as f64 / trained_secs.max(1e-9));
        let (engine, adapter, out) = (info.kind, info.adapter, args.out);
        print_json(&Report { steps: step, loss, secs: round(trained_secs), steps_per_sec, engine, adapter, out })?;
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

    fn show(&mut self, session: &Session) {
        if self.bar.is_none() && self.told_at.elapsed() < LINE_INTERVAL {
            return;
        }
        let Snapshot { step, loss, steps_per_sec, .. } = session.snapshot();
        let loss = loss.map_or_else(|| "-".into(), |loss| format!("{loss:.4}"));
        let text = format!("loss {loss}, {steps_per_sec:.0} steps/s");
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
