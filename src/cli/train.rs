//! `train`: the same session as the window's, without the window.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::saver::Saver;
use super::versus::{self, Comparison};
use super::{config, print_json, round, say};
use engine::gpu::GpuContext;
use engine::network::objective::ObjectiveChoice;
use engine::{EngineChoice, EngineKind};
use lab::change::Change;
use lab::experiment::Experiment;
use lab::interrupt::Interrupt;
use lab::message::{Command, InStep, Notice, Order, Side, Snapshot};
use lab::model_dir::{self, ModelDir, Saved};
use lab::pair::Pair;
use lab::record::Metric;
use lab::session::{EngineFactory, Parked, Session};
use lab::setup::Setup;

/// Arguments of `train`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    experiment: Experiment,
    /// Repeat a run: a model, its directory, its experiment.json, or any settings as JSON; flags beside it win. Of a model
    /// it takes the steps too, and the rows of its data file as they were
    #[arg(long, value_name = "DIR|FILE")]
    config: Option<PathBuf>,
    /// Go on with a saved model as if it had never stopped, with --steps more: its settings, weights, optimiser, rows and
    /// losses. Flags beside it change what the weights can stay under
    #[arg(long, value_name = "DIR|FILE", conflicts_with_all = ["config", "vs"])]
    resume: Option<PathBuf>,
    /// Distil a saved model into one of one or two steps: its data, schedule and network, and its target where that tells x_0 at t = T. Flags
    /// beside it win
    #[arg(long, value_name = "DIR|FILE", conflicts_with_all = ["config", "resume", "vs"])]
    teacher: Option<PathBuf>,
    /// Training steps [default: those of the model of --config, else 5000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Which engine trains
    #[arg(long, value_enum, default_value_t)]
    engine: EngineChoice,
    /// Model directory to write; one that is there already is replaced. With --vs it holds both models, `a` and `b`,
    /// and the comparison [default: that of --resume]
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    out: Option<PathBuf>,
    /// Write also into a directory with other files, which stay, and replace files that are not from this program
    #[arg(long)]
    force: bool,
    /// Seconds between two saves on the way; 0 saves only at the end
    #[arg(long, value_name = "SECS", default_value = "60", value_parser = parse_interval)]
    save_every: Duration,
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

/// Training steps where nobody says how many.
const STEPS: u64 = 5000;
/// Length of one slice of training: Ctrl-C is heard this often.
const SLICE: Duration = Duration::from_millis(100);

/// Train, show how it goes, save.
pub fn run(args: &Args, given: &BTreeSet<String>) -> anyhow::Result<()> {
    // What can be refused is refused before the work, not after it.
    let file = args
        .config
        .as_deref()
        .map(|file| config::read(file, "--config", &Experiment::default()))
        .transpose()?;
    let earlier = args.resume.as_deref().map(Earlier::read).transpose()?;
    let taught = args.teacher.as_deref().map(student_of).transpose()?;
    let base = file.as_ref().map(|file| &file.experiment);
    let base = base.or(taught.as_ref().map(|taught| &*taught.experiment));
    let experiment = match base.or(earlier.as_ref().map(|earlier| &earlier.saved.experiment)) {
        Some(base) => config::overlay(base, &args.experiment, given)?,
        None => args.experiment.clone(),
    };
    anyhow::ensure!(
        taught.is_none() || experiment.objective == ObjectiveChoice::Distillation,
        "--teacher is distilled, and --objective {} has no teacher: leave one of them out",
        experiment.objective.words().name
    );
    let out = match (&args.out, &earlier) {
        (Some(out), _) => out.clone(),
        (None, Some(earlier)) => earlier.directory.clone(),
        (None, None) => anyhow::bail!("say where the model goes: --out DIR"),
    };
    let steps = args
        .steps
        .or_else(|| file.as_ref()?.steps())
        .unwrap_or(STEPS);
    let first = earlier
        .as_ref()
        .map_or(0, |earlier| earlier.saved.state.step);
    let steps = first.saturating_add(steps);
    let other = args
        .vs
        .as_deref()
        .map(|file| config::read(file, "--vs", &experiment))
        .transpose()?;
    let outs = if other.is_some() {
        versus::outs(&out).to_vec()
    } else {
        vec![out.clone()]
    };
    let outs: Vec<_> = outs
        .into_iter()
        .map(|out| ModelDir::new(out, args.force))
        .collect();
    outs.iter().try_for_each(ModelDir::check)?;
    let comparison = other.is_some().then(|| Comparison::new(&out, args.force));
    comparison.iter().try_for_each(Comparison::check)?;
    let setup = match (&file, &earlier, taught) {
        (Some(file), ..) => file.setup(&experiment, given.contains("data"))?,
        (None, Some(earlier), _) => earlier.setup(experiment)?,
        (None, None, Some(taught)) => taught.changed(experiment).map_err(anyhow::Error::msg)?,
        (None, None, None) => Setup::new(experiment).map_err(anyhow::Error::msg)?,
    };
    super::say_notices(&setup.experiment.data.to_string(), &setup.dataset.notices);
    let other = other
        .map(|other| other.setup(&other.experiment, false))
        .transpose()?;
    for warning in std::iter::once(&setup)
        .chain(&other)
        .filter_map(Setup::warning)
    {
        say(&format!("noise-compass: warning: {warning}"));
    }
    let interrupt = Interrupt::listen(|| ())?;

    let mut pair = open(setup, args, steps, other, earlier)?;
    let mut display = Display::new(steps);
    let mut saver = Saver::new(
        outs,
        (!args.save_every.is_zero()).then_some(args.save_every),
    );
    let mut faults = Vec::new();
    let training = |pair: &Pair| sessions(pair).any(Session::is_training);
    let mut measure_at = versus::measure_steps(steps);
    while training(&pair) && !interrupt.is_asked() {
        pair.tick(SLICE);
        if args.vs.is_some()
            && measure_at
                .next_if(|&step| sessions(&pair).all(|s| s.step() >= step))
                .is_some()
        {
            // An engine that cannot measure is no reason to throw away what it has trained.
            if let Err(error) = versus::measure(&mut pair) {
                faults.push(format!("the training ended early: {error:#}"));
                break;
            }
        }
        // For equal time the first says when both are done, or that it has broken.
        let done = pair
            .session(Side::A)
            .is_none_or(|a| a.step() >= steps || !a.is_training());
        if args.in_step == InStep::Time && done {
            break;
        }
        if training(&pair) {
            display.show(&pair);
            saver.save_in_passing(&mut pair);
        }
    }
    pair.handle(Command::Pause.into());
    display.finish();

    // A model that has learned nothing replaces none that has.
    let begun = sessions(&pair).any(|session| session.step() > first || session.has_fault());
    anyhow::ensure!(
        begun,
        "interrupted before the first step; nothing was saved"
    );
    if interrupt.is_asked() {
        say("saving; Ctrl-C again ends at once");
    }
    faults.extend(saver.finish(&mut pair));
    let Some(comparison) = comparison else {
        anyhow::ensure!(faults.is_empty(), "{}", faults.join("; "));
        return report_one(&pair, out, args.json, steps);
    };
    let reached = pair.session(Side::A).map_or(0, Session::step);
    say(&format!(
        "{} after {reached} of {} steps; comparing",
        how(reached, steps),
        steps
    ));
    let result = comparison.report(pair, args.json);
    // A comparison with a spoilt side is written all the same.
    anyhow::ensure!(faults.is_empty(), "{}", faults.join("; "));
    result
}

/// The setup of a student of a saved model.
fn student_of(teacher: &Path) -> anyhow::Result<Setup> {
    let saved = model_dir::load(teacher)?;
    let setup = saved.setup()?;
    let student = setup.student(ObjectiveChoice::Distillation, saved.state.ema);
    student.map_err(anyhow::Error::msg)
}

/// Time between two saves, in seconds.
fn parse_interval(text: &str) -> Result<Duration, String> {
    let secs = text
        .parse()
        .ok()
        .and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    secs.ok_or_else(|| "a number of seconds is needed, 0 or more".into())
}

fn how(step: u64, steps: u64) -> &'static str {
    if step < steps { "interrupted" } else { "done" }
}

fn sessions(pair: &Pair) -> impl Iterator<Item = &Session> {
    Side::BOTH.into_iter().filter_map(|side| pair.session(side))
}

/// The experiments on their engine, about to train.
fn open(
    setup: Setup,
    args: &Args,
    steps: u64,
    other: Option<Setup>,
    earlier: Option<Earlier>,
) -> anyhow::Result<Pair> {
    // One device for both.
    let context = (args.engine != EngineChoice::Cpu)
        .then(GpuContext::headless)
        .and_then(Result::ok);
    let (engine, why) = engine::create_and_say(args.engine, context.as_ref())?;
    let factory: EngineFactory = Arc::new(move |choice| engine::create(choice, context.as_ref()));
    let info = engine.info().clone();
    let parameters = setup.spec.shape.parameters();
    let first = setup.experiment.clone();
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    say(&format!(
        "training on {} ({}) with {parameters} parameters{why}",
        info.adapter, info.backend
    ));
    let mut session = Session::new(setup.clone(), engine, factory)?;
    if let Some(Earlier { saved, metrics, .. }) = earlier {
        session.unpark(Parked::of_model(setup, saved.state, &metrics))?;
    }
    let mut pair = Pair::new(session);
    if let Some(other) = other {
        // On the data of the first, so that no file is read again; then on its own.
        let alike = Experiment {
            data: first.data.clone(),
            ..Experiment::clone(&other.experiment)
        };
        pair.handle(Order::Compare(Box::new([Experiment::clone(&first), alike])));
        let snapshots = pair.snapshots();
        if let (None, Some(Notice::Error(text))) = (&snapshots.b, snapshots.a.notices.last()) {
            anyhow::bail!("{text}");
        }
        if let Some(b) = pair.session_mut(Side::B) {
            b.begin(other)?;
        }
        pair.handle(Order::InStep(args.in_step));
    }
    // No picture is wanted, as in a hidden window.
    pair.handle(Command::Hidden(true).into());
    match args.in_step {
        InStep::Steps => pair.train_until(steps),
        InStep::Time => {
            if let Some(session) = pair.session_mut(Side::A) {
                session.train_until(steps);
            }
        }
    }
    pair.handle(Command::Play.into());
    Ok(pair)
}

/// A model to go on with.
struct Earlier {
    saved: Saved,
    metrics: Vec<Metric>,
    /// Where it lies.
    directory: PathBuf,
}

impl Earlier {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let saved = model_dir::load(path)?;
        let directory = model_dir::home_of(path);
        let metrics = model_dir::metrics(&directory);
        Ok(Self {
            saved,
            metrics,
            directory,
        })
    }

    /// Its rows under these settings.
    fn setup(&self, experiment: Experiment) -> anyhow::Result<Setup> {
        let change = self.saved.experiment.change_to(&experiment);
        anyhow::ensure!(
            change < Change::Weights,
            "the weights of {} are of another network or predict something else; leave these flags out, or train anew without \
             --resume",
            self.directory.display()
        );
        let mut setup = self.saved.setup()?;
        if let Some(remark) = setup.meet_file() {
            say(&format!("noise-compass: warning: {remark}"));
        }
        if change == Change::Nothing {
            return Ok(setup);
        }
        setup.changed(experiment).map_err(anyhow::Error::msg)
    }
}

fn report_one(pair: &Pair, out: PathBuf, json: bool, steps: u64) -> anyhow::Result<()> {
    let snapshots = pair.snapshots();
    let Snapshot {
        step,
        loss,
        trained_secs,
        engine,
        ..
    } = &*snapshots.a;
    say(&format!(
        "{} after {step} of {} steps; saved in {}",
        how(*step, steps),
        steps,
        out.display()
    ));
    if json {
        let steps_per_sec = round(*step as f64 / trained_secs.max(1e-9));
        print_json(&Report {
            steps: *step,
            loss: *loss,
            secs: round(*trained_secs),
            steps_per_sec,
            engine: engine.kind,
            adapter: engine.adapter.clone(),
            out,
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
            let bar =
                ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(10));
            // The template is a constant; were it wrong, the plain bar would do.
            if let Ok(style) =
                ProgressStyle::with_template("{bar:32} {pos}/{len} steps, {msg}, {eta} left")
            {
                bar.set_style(style);
            }
            bar
        });
        Self {
            bar,
            steps,
            told_at: Instant::now(),
        }
    }

    fn show(&mut self, pair: &Pair) {
        if self.bar.is_none() && self.told_at.elapsed() < LINE_INTERVAL {
            return;
        }
        let all: Vec<Snapshot> = sessions(pair).map(Session::snapshot).collect();
        let step = all
            .iter()
            .map(|snapshot| snapshot.step)
            .min()
            .unwrap_or_default();
        let loss = |snapshot: &Snapshot| {
            snapshot
                .loss
                .map_or_else(|| "-".into(), |loss| format!("{loss:.4}"))
        };
        let losses = all.iter().map(loss).collect::<Vec<String>>().join(" and ");
        let steps_per_sec = all
            .iter()
            .map(|snapshot| snapshot.steps_per_sec)
            .fold(f64::INFINITY, f64::min);
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
