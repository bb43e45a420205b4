//! `compare`: samplers side by side on one model, from the same noise, as a table.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::model::ModelArgs;
use super::named::Named;
use super::versus::say_painted;
use super::{print_json, print_lines, round, say};
use lab::contest::{Contest, tell_orders};
use lab::contest_table::{Row, csv_of, is_csv, is_markdown, markdown};
use lab::entrant::{Entrant, Pick};
use lab::experiment::Experiment;
use lab::own_sampler::OwnSampler;
use maths::atomic::Destination;
use maths::diffusion::solver::{Placement, Sampler};
use ui::shell::contest_picture::draw_contest;
use ui::shell::picture::picture_file;

/// Arguments of `compare`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Samplers and plan files, with commas between; or all
    #[arg(long, value_name = "NAME|FILE.json,...", default_value = "ddim,heun,dpmpp-2m,unipc", value_parser = samplers, help = format!("Samplers, with commas between, or all: {}; FILE.json is a plan of one's own, see docs/own-sampler.md", Sampler::known()))]
    samplers: Samplers,
    /// Counts of steps: FROM..TO doubles, or a list with commas between. A plan file has its own
    #[arg(long, value_name = "STEPS", default_value = "4..64", value_parser = counts)]
    steps: Counts,
    /// Where the steps are placed
    #[arg(long, value_name = "NAME", help = format!("Where the steps are placed: {} [default: as each sampler has them]; a plan file says it itself", Placement::known()))]
    placement: Option<Placement>,
    /// Seeds of the noise: numbers are means over them
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Samples of each seed
    #[arg(long, default_value_t = 2048, value_parser = clap::value_parser!(u32).range(64..=1_000_000))]
    n: u32,
    /// By the exact field of the model's data, not by its network
    #[arg(long)]
    exact: bool,
    /// Directory for compare.md, compare.csv and compare.png
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Replace files that are not from this program
    #[arg(long)]
    force: bool,
}

/// Samplers that were asked for.
#[derive(Clone, Debug)]
enum Samplers {
    /// All of the program's that the model's network can be asked by.
    All,
    /// Those of a list.
    Listed(Vec<Named>),
}

fn samplers(text: &str) -> Result<Samplers, String> {
    if text == "all" {
        return Ok(Samplers::All);
    }
    let each = text.split(',').map(|name| name.trim().parse());
    let each: Result<Vec<Named>, _> = each.collect();
    each.map(Samplers::Listed)
        .map_err(|error| error.to_string())
}

impl Samplers {
    /// All of them, the files read and checked for a model.
    fn picks(&self, experiment: &Experiment, exact: bool) -> anyhow::Result<Vec<Pick>> {
        let context = experiment.plan_context();
        let Self::Listed(listed) = self else {
            let all = Sampler::ALL.into_iter().map(Pick::Sampler);
            let can = |pick: &Pick| {
                let refusal = pick.refusal(experiment, exact);
                if let Some(refusal) = &refusal {
                    say(&format!("noise-compass: left out: {refusal}"));
                }
                refusal.is_none()
            };
            return Ok(all.filter(can).collect());
        };
        let mut picks = Vec::new();
        for named in listed {
            let pick = match named {
                Named::Sampler(sampler) => Pick::Sampler(*sampler),
                Named::File(path) => Pick::Own(Arc::new(OwnSampler::open(path, context)?)),
            };
            if let Some(refusal) = pick.refusal(experiment, exact) {
                let refusal = refusal.trim_end_matches('.');
                anyhow::bail!("{refusal}; leave it out, or take --exact");
            }
            let name = pick.to_string();
            let is_taken = |other: &Pick| *other != pick && other.to_string() == name;
            anyhow::ensure!(
                !picks.iter().any(is_taken),
                "two plan files are called {name}; rename one"
            );
            picks.push(pick);
        }
        Ok(picks)
    }
}

/// Counts of steps, ascending.
#[derive(Clone, Debug, PartialEq)]
struct Counts(Vec<u32>);

fn counts(text: &str) -> Result<Counts, String> {
    let wrong =
        || format!("'{text}' is neither FROM..TO nor counts with commas between, from 1 on");
    let count = |text: &str| match text.trim().parse::<u32>() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(wrong()),
    };
    let mut all = match text.split_once("..") {
        Some((from, to)) => {
            let (from, to) = (count(from)?, count(to)?);
            let doubled = std::iter::successors(Some(from), |count| count.checked_mul(2));
            doubled.take_while(|count| *count <= to).collect()
        }
        None => text.split(',').map(count).collect::<Result<Vec<_>, _>>()?,
    };
    all.sort_unstable();
    all.dedup();
    if all.is_empty() {
        return Err(wrong());
    }
    Ok(Counts(all))
}

/// Each by each count of steps; a plan file once.
fn entrants(picks: &[Pick], Counts(steps): &Counts, placement: Option<Placement>) -> Vec<Entrant> {
    let of = |pick: &Pick| {
        let each = steps.iter().map(|steps| pick.entrant(*steps, placement));
        let mut all: Vec<Entrant> = each.collect();
        all.dedup();
        all
    };
    picks.iter().flat_map(of).collect()
}

/// What `--json` prints. Distances are in standardised units; every `_error` is a standard error.
#[derive(Debug, Serialize)]
struct Report {
    samples: u32,
    seeds: u64,
    field: &'static str,
    floor: f64,
    floor_error: f64,
    rows: Vec<Row>,
    table: PathBuf,
    /// `None` where no adapter could paint it.
    picture: Option<PathBuf>,
}

/// Load, run all, write the table.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let table = Destination::new(args.out.join("compare.md"), is_markdown, args.force);
    let csv = Destination::new(args.out.join("compare.csv"), is_csv, args.force);
    let picture = picture_file(args.out.join("compare.png"), args.force);
    if args.out.is_dir() {
        table.check()?;
        csv.check()?;
        picture.check()?;
    }
    let mut loaded = args.model.load()?;
    let experiment = &loaded.setup.experiment;
    if args.exact {
        super::check_exact(experiment)?;
    }
    let picks = args.samplers.picks(experiment, args.exact)?;
    let entrants = entrants(&picks, &args.steps, args.placement);
    let timesteps = experiment.timesteps;
    let too_many =
        |entrant: &Entrant| matches!(entrant, Entrant::Choice(choice) if choice.steps > timesteps);
    if let Some(entrant) = entrants.iter().find(|entrant| too_many(entrant)) {
        anyhow::bail!(
            "{} sampling steps are more than the {timesteps} timesteps of the training; choose other --steps",
            entrant.steps()
        );
    }
    std::fs::create_dir_all(&args.out).with_context(|| {
        format!(
            "cannot make the directory {}; choose another --out",
            args.out.display()
        )
    })?;
    let mut contest = Contest::new(&loaded.setup, args.n, args.exact)?;
    let floor = contest.floor();
    let bar = bar(entrants.len() as u64 * args.seeds);
    let mut scored = Vec::new();
    for entrant in &entrants {
        let (who, steps) = (entrant.pick(), entrant.steps());
        bar.set_message(format!("{who}, {steps} steps"));
        let (engine, setup) = (loaded.engine.as_mut(), &loaded.setup);
        let found = contest.score(engine, setup, entrant, args.seeds, || bar.inc(1));
        scored.push(found.with_context(|| format!("{who} in {steps} steps has no score"))?);
    }
    bar.finish_and_clear();
    tell_orders(&mut scored);
    let rows: Vec<Row> = scored.iter().map(|one| Row::of(one, floor)).collect();
    table.write(markdown(&rows).as_bytes())?;
    csv.write(&csv_of(&rows)?)?;
    say(&format!(
        "{} rows, floor {:.4}; the table is {}",
        rows.len(),
        floor.value,
        table.path().display()
    ));
    let field = if args.exact { "exact" } else { "learned" };
    let data = loaded.setup.experiment.data.title();
    let title = format!("{data}, {field} field: mean of {} seeds", args.seeds);
    let painted = draw_contest(&title, &scored, floor, &picture);
    if args.json {
        print_json(&Report {
            samples: args.n,
            seeds: args.seeds,
            field,
            floor: round(floor.value),
            floor_error: round(floor.error),
            rows,
            table: table.path().to_path_buf(),
            picture: painted.is_ok().then(|| picture.path().to_path_buf()),
        })?;
    } else {
        print_lines(markdown(&rows).trim_end())?;
    }
    say_painted(painted, "table is")
}

/// A bar on a terminal, else nothing.
fn bar(runs: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(runs), ProgressDrawTarget::stderr_with_hz(10));
    // The template is a constant; were it wrong, the plain bar would do.
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} runs, {msg}, {eta} left")
    {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_doubled_or_listed() {
        assert_eq!(counts("2..64"), Ok(Counts(vec![2, 4, 8, 16, 32, 64])));
        assert_eq!(counts("5..19"), Ok(Counts(vec![5, 10])));
        assert_eq!(counts("50, 10,50"), Ok(Counts(vec![10, 50])));
        for wrong in ["", "0", "8..4", "..4", "2..", "a", "1..4294967296"] {
            let error = counts(wrong).unwrap_err();
            assert!(
                error.starts_with(&format!("'{wrong}' is neither")),
                "{error}"
            );
        }
    }
}
