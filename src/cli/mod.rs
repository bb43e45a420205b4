//! The command line: one file a subcommand. Names, flags, columns and exit statuses are relied on from outside.
//!
//! Exit status: 0 done, 1 failed with one line that says what and what to do, 2 wrong usage. With `--json` stdout
//! holds one JSON object and nothing else; everything else goes to stderr.

mod bench;
mod bench_split;
mod compare;
mod config;
mod data;
mod doctor;
mod elbo;
mod field;
mod field_csv;
mod measure;
mod model;
mod named;
mod reflow;
mod render;
mod sample;
mod samples_csv;
mod saver;
mod schedule;
mod train;
mod versus;

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde::Serialize;

use engine::EngineChoice;
use lab::experiment::Experiment;
use maths::data::csv_io;
use maths::data::mixture::Standardisation;
use maths::data::table::{self, Table};
use maths::measure::{round, round_to};
use ui::FirstView;
use ui::chapters::Chapter;
use ui::shell::lessons::Lesson;

/// A lab for watching a small diffusion model being trained on 2-D data, and for taking it apart.
///
/// Without a command it opens the window as it was left: theme, place and size, chapter, size of type, and the last
/// experiment. Where a setting of the experiment is given, the others are at their defaults, not as they were left.
#[derive(Debug, Parser)]
#[command(
    name = "noise-compass",
    version,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    experiment: Experiment,
    /// Which engine trains
    #[arg(long, value_enum, default_value_t)]
    engine: EngineChoice,
    /// Seconds between two times that the window's trainings are kept for the next start; 0 keeps none
    #[arg(long, value_name = "SECS", default_value_t = 60)]
    save_every: u64,
    /// Open this chapter
    #[arg(long, value_name = "NAME", value_parser = chapter, help = chapters_help())]
    chapter: Option<Chapter>,
    /// Begin this lesson, in a chapter of its own
    #[arg(long, value_name = "NAME", value_parser = lesson, conflicts_with = "chapter", help = lessons_help())]
    lesson: Option<Lesson>,
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn chapters_help() -> String {
    let all = Chapter::ALL.iter().map(|chapter| chapter.name());
    format!("Open the window at this chapter: {}", names(all))
}

fn lessons_help() -> String {
    let all = Lesson::ALL.iter().map(|lesson| lesson.words().name);
    format!("Begin this lesson: {}", names(all))
}

fn chapter(name: &str) -> Result<Chapter, String> {
    let all = || Chapter::ALL.into_iter();
    all().find(|chapter| chapter.name() == name).ok_or_else(|| {
        format!(
            "no chapter is called so; there are {}",
            names(all().map(Chapter::name))
        )
    })
}

fn lesson(name: &str) -> Result<Lesson, String> {
    Lesson::named(name).ok_or_else(|| {
        let all = Lesson::ALL.iter().map(|lesson| lesson.words().name);
        format!("no lesson is called so; there are {}", names(all))
    })
}

/// The headless jobs.
#[derive(Debug, Subcommand)]
enum Command {
    /// Write samples of a data set, and the mixture they are drawn from
    Data(data::Args),
    /// Train a model without a window
    Train(Box<train::Args>),
    /// Draw samples from a trained model
    Sample(sample::Args),
    /// Evaluate a trained model beside the exact field of its data
    Field(field::Args),
    /// Measure how far samples are from a data set, or how likely a model finds its data
    Measure(measure::Args),
    /// Hold samplers against each other on one model: distances, cost, order
    Compare(compare::Args),
    /// Make the pairs of a trained flow, to be trained on anew, and measure how it does in few steps
    Reflow(reflow::Args),
    /// Draw a chapter as PNG, without a window
    Render(render::Args),
    /// Measure training, sampling and field throughput of every engine
    Bench(bench::Args),
    /// Say which adapters and engines this machine has, and whether they work
    Doctor(doctor::Args),
}

/// Run the program: parse, do, report.
pub fn run() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => match schedule::fault(&error) {
            // The usage is right; the file is not.
            Some(fault) => return failure(&anyhow::anyhow!("{fault}")),
            None => error.exit(),
        },
    };
    let cli =
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command()).exit());
    start_logging();
    let result = match cli.command {
        None => {
            let save_every = (cli.save_every > 0).then(|| Duration::from_secs(cli.save_every));
            let first = FirstView {
                chapter: cli.chapter,
                lesson: cli.lesson,
            };
            asked(&matches, cli.experiment)
                .and_then(|asked| ui::run_window(asked, cli.engine, save_every, first))
        }
        Some(Command::Data(args)) => data::run(&args),
        Some(Command::Train(args)) => matches
            .subcommand_matches("train")
            .map_or_else(|| Ok(<_>::default()), config::given)
            .and_then(|given| train::run(&args, &given)),
        Some(Command::Sample(args)) => sample::run(&args),
        Some(Command::Field(args)) => field::run(&args),
        Some(Command::Measure(args)) => measure::run(&args),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Reflow(args)) => reflow::run(&args),
        Some(Command::Render(args)) => render::run(&args),
        Some(Command::Bench(args)) => bench::run(&args),
        Some(Command::Doctor(args)) => doctor::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&error),
    }
}

/// The command line.
fn command() -> clap::Command {
    schedule::with_files(Cli::command())
}

fn failure(error: &anyhow::Error) -> ExitCode {
    say(&one_line(&format!("noise-compass: {error:#}")));
    ExitCode::FAILURE
}

/// The experiment that the command line asks for: the one that it says, once it says anything of one. `None` is the last.
fn asked(matches: &ArgMatches, experiment: Experiment) -> anyhow::Result<Option<Experiment>> {
    Ok((!config::given(matches)?.is_empty()).then_some(experiment))
}

/// Who may warn: the crates of this program.
const WARNINGS: &str = "off,noise_compass=warn,maths=warn,engine=warn,lab=warn,ui=warn";

/// Warnings of this program go to stderr in its own voice; those of the graphics stack only where `RUST_LOG` asks.
fn start_logging() {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(WARNINGS))
        .format(|out, record| {
            writeln!(
                out,
                "noise-compass: {}: {}",
                record.level().as_str().to_lowercase(),
                record.args()
            )
        })
        .init();
}

/// A line on stderr. That nobody reads it is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Read points, and say what was taken for granted of their file.
fn read_points(path: &Path) -> anyhow::Result<Vec<[f32; 2]>> {
    let (points, notices) = csv_io::read_points(path)?;
    say_notices(&path.display().to_string(), &notices);
    Ok(points)
}

/// As [`read_points`], of a file whose points this map standardises.
fn read_standardised(path: &Path, map: Standardisation) -> anyhow::Result<Vec<[f32; 2]>> {
    let Table { rows, notices } = table::read(path)?;
    say_notices(&path.display().to_string(), &notices);
    Ok(rows.into_iter().map(|row| map.apply(row)).collect())
}

/// Refuse what is held against the closed form, of a model that learned another field.
fn check_exact(experiment: &Experiment) -> anyhow::Result<()> {
    match experiment.without_exact_field() {
        Some(why) => anyhow::bail!("there is nothing to hold this model against: {why}"),
        None => Ok(()),
    }
}

/// Say what was taken for granted of a file.
fn say_notices(file: &str, notices: &[String]) {
    for notice in notices {
        say(&format!("noise-compass: {file}: {notice}"));
    }
}

/// One JSON object on stdout. A reader that went away is not an error.
fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print_lines(&serde_json::to_string(value)?)
}

/// Text for stdout; a reader that has enough closes it.
fn print_lines(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(anyhow::anyhow!(
            "cannot write to stdout: {error}; check where it is redirected to"
        )),
        _ => Ok(()),
    }
}

/// Driver messages come in many lines; a failure is told in one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A standard error with two digits.
fn short_error(error: f64) -> f64 {
    round_to(2, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    /// One flag of the experiment, and the whole command line stands; of none, the last experiment does.
    #[test]
    fn the_last_experiment_is_opened_where_no_other_is_asked_for() {
        let ask = |line: &str| {
            let matches = Cli::command().get_matches_from(line.split_whitespace());
            let cli = Cli::from_arg_matches(&matches).unwrap();
            asked(&matches, cli.experiment).unwrap()
        };
        assert_eq!(ask("noise-compass"), None);
        assert_eq!(ask("noise-compass --engine cpu --save-every 5"), None);
        let default = Experiment::default();
        assert_eq!(ask("noise-compass --data figure8"), Some(default.clone()));
        assert_eq!(
            ask("noise-compass --engine cpu --width 64"),
            Some(Experiment {
                width: 64,
                ..default
            })
        );
    }

    #[test]
    fn numbers_are_rounded_to_four_digits() {
        assert_eq!(round(1234.56), 1235.0);
        assert_eq!(round(0.001_234_56), 0.001_235);
        assert_eq!(round(0.0), 0.0);
    }

    #[test]
    fn the_defaults_of_the_command_line_are_those_of_the_experiment() {
        let cli = Cli::parse_from(["noise-compass"]);
        assert_eq!(cli.experiment, Experiment::default());
    }
}
