//! The comparison that `train --vs FILE` writes: both models, a table, and a picture.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::{one_line, print_json, round, say};
use engine::EngineError;
use lab::difference::{Difference, differences, sentence};
use lab::message::{Command, Order, QualityPoint, Side, Snapshot};
use lab::pair::Pair;
use lab::reached::{NUMBERS, Number, Reached, Value};
use maths::atomic::{Destination, all_lines};
use maths::measure::Estimate;
use maths::measure::score_error::LOG_SNR_GRID;
use ui::shell::offscreen::render_comparison;
use ui::shell::picture::picture_file;

/// Where A's model and B's go.
pub fn outs(out: &Path) -> [PathBuf; 2] {
    ["a", "b"].map(|name| out.join(name))
}

/// The steps at which both are measured on the way: closer at the beginning, where most happens.
pub fn measure_steps(steps: u64) -> std::iter::Peekable<impl Iterator<Item = u64>> {
    (1..12)
        .map(move |k| steps * k * k / 144)
        .filter(|step| *step > 0)
        .peekable()
}

/// Measure all that have no fault; the clock of their training stands still meanwhile.
///
/// # Errors
/// The engine's.
pub fn measure(pair: &mut Pair) -> anyhow::Result<[Option<QualityPoint>; 2]> {
    let mut measured = [None, None];
    for (side, point) in Side::BOTH.into_iter().zip(&mut measured) {
        if let Some(session) = pair
            .session_mut(side)
            .filter(|session| !session.has_fault())
        {
            *point = session.measure_now()?;
        }
    }
    Ok(measured)
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    differences: &'a [Difference],
    a: OneSide<'a>,
    b: OneSide<'a>,
    table: PathBuf,
    picture: Option<PathBuf>,
}

/// What one experiment has reached, as JSON: the numbers of [`NUMBERS`] by their keys. Every `_error` that follows a number is
/// its standard error.
#[derive(Debug, Serialize)]
struct OneSide<'a> {
    #[serde(flatten)]
    numbers: Map<String, Json>,
    adapter: &'a str,
    out: PathBuf,
}

/// The files of a comparison beside its models: a table and a picture.
pub struct Comparison {
    out: PathBuf,
    table: Destination,
    picture: Destination,
}

impl Comparison {
    /// In this directory.
    pub fn new(out: &Path, force: bool) -> Self {
        Self {
            out: out.to_path_buf(),
            table: Destination::new(out.join("comparison.md"), is_table, force),
            picture: picture_file(out.join("comparison.png"), force),
        }
    }

    /// Refuse now what could not be written later. Where the directory is still to be made, that of the models says.
    ///
    /// # Errors
    /// A file of somebody else's, or one that cannot be written.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.out.is_dir() {
            self.table.check()?;
            self.picture.check()?;
        }
        Ok(())
    }

    /// Measure both, write the table and the picture, and say so. Without an adapter to paint on there is no picture,
    /// and a warning.
    ///
    /// # Errors
    /// An engine that fails, or a file that cannot be written: the models are there all the same.
    pub fn report(&self, mut pair: Pair, json: bool) -> anyhow::Result<()> {
        let measured = measure(&mut pair)?;
        let snapshots = pair.snapshots();
        let b = snapshots
            .b
            .as_ref()
            .context("there is no second experiment")?;
        let both = [&*snapshots.a, &**b];
        let engines = both.map(|snapshot| snapshot.engine.kind);
        let different = differences(&both[0].experiment, &both[1].experiment, engines);
        let [a, b] = &measured;
        let reached = [
            Reached::by(both[0], a.as_ref(), b.as_ref()),
            Reached::by(both[1], b.as_ref(), a.as_ref()),
        ];
        self.table
            .write(markdown(&sentence(&different), both, &reached).as_bytes())?;
        let (table, picture) = (self.table.path(), self.picture.path());
        pair.handle(Order::Both(Command::Hidden(false)));
        let painted = render_comparison(pair, &self.picture).map(drop);
        say(&format!(
            "{}; the table is {}",
            sentence(&different),
            table.display()
        ));
        if json {
            let [out_a, out_b] = outs(&self.out);
            print_json(&Report {
                differences: &different,
                a: OneSide {
                    numbers: numbers(&reached[0]),
                    adapter: &both[0].engine.adapter,
                    out: out_a,
                },
                b: OneSide {
                    numbers: numbers(&reached[1]),
                    adapter: &both[1].engine.adapter,
                    out: out_b,
                },
                table: table.to_path_buf(),
                picture: painted.is_ok().then(|| picture.to_path_buf()),
            })?;
        }
        say_painted(painted, "table and models are")
    }
}

/// Say so where a comparison has no picture: for want of an adapter it is a warning. The rest of it `is written`.
pub fn say_painted(painted: anyhow::Result<()>, rest: &str) -> anyhow::Result<()> {
    match painted {
        Err(error) if matches!(error.downcast_ref(), Some(EngineError::NoAdapter(_))) => {
            say(&one_line(&format!(
                "noise-compass: warning: the comparison has no picture: {error}"
            )));
            Ok(())
        }
        other => other.map_err(|error| {
            anyhow!("the comparison has no picture: {error:#}; its {rest} written")
        }),
    }
}

/// The numbers by their keys. What is not known is null.
fn numbers(reached: &Reached<'_>) -> Map<String, Json> {
    let mut map = Map::new();
    for Number { key, read, .. } in NUMBERS.iter().filter(|number| !number.key.is_empty()) {
        let mut put = |end: &str, value: Json| drop(map.insert(format!("{key}{end}"), value));
        let rounded = |value: Option<f64>| json!(value.map(round));
        match read(reached) {
            Value::Count(count) => put("", json!(count)),
            Value::Rate(number) | Value::Seconds(number) => put("", json!(round(number))),
            // As short as the f32 is: JSON would print its f64.
            Value::Loss(loss) => put(
                "",
                json!(loss.and_then(|loss| loss.to_string().parse::<f64>().ok())),
            ),
            Value::Plain(number) => put("", rounded(number)),
            Value::Distance(estimate)
            | Value::Signed(estimate)
            | Value::Share(estimate)
            | Value::MeanSquare(estimate) => {
                put("", rounded(estimate.map(|estimate| estimate.value)));
                put("_error", rounded(estimate.map(|estimate| estimate.error)));
            }
            Value::ChiSquare(shares) => {
                put("_chi2", rounded(shares.map(|shares| shares.value)));
                put("_p", rounded(shares.map(|shares| shares.p)));
            }
            Value::OverLevels(error) => {
                put("", rounded(error.map(|(mean, _)| mean)));
                let levels = format!("{}_levels", key.trim_end_matches("_error"));
                map.insert(levels, json!(error.map_or(0, |(_, levels)| levels)));
            }
        }
    }
    map
}

/// A number as the table shows it.
fn text(value: Value) -> String {
    let known = match value {
        Value::Count(count) => Some(count.to_string()),
        Value::Rate(number) | Value::Seconds(number) => Some(format!("{number:.1}")),
        Value::Loss(loss) => loss.map(|loss| format!("{loss:.4}")),
        Value::Plain(number) => number.map(|number| format!("{number:.4}")),
        Value::Distance(estimate)
        | Value::Signed(estimate)
        | Value::Share(estimate)
        | Value::MeanSquare(estimate) => {
            estimate.map(|Estimate { value, error }| format!("{value:.4} ± {error:.4}"))
        }
        Value::ChiSquare(shares) => {
            shares.map(|s| format!("{:.1} of {}, p {:.3}", s.value, s.degrees, s.p))
        }
        Value::OverLevels(error) => error
            .map(|(mean, levels)| format!("{mean:.5} ({levels} of {} levels)", LOG_SNR_GRID.len())),
    };
    known.unwrap_or_else(|| "–".to_owned())
}

/// The table, for people.
fn markdown(title: &str, both: [&Snapshot; 2], reached: &[Reached<'_>; 2]) -> String {
    let engine =
        both.map(|snapshot| format!("{} ({})", snapshot.engine.adapter, snapshot.engine.backend));
    let numbers = NUMBERS.iter().filter(|number| !number.row.is_empty());
    let cells = numbers.map(|number| reached.each_ref().map(|side| text((number.read)(side))));
    let rows = rows()
        .zip(cells.chain([engine]))
        .map(|(name, [a, b])| format!("| {name} | {a} | {b} |\n"));
    format!(
        "# {title}\n\n{}\n{}\n{}",
        HEAD[0],
        HEAD[1],
        rows.collect::<String>()
    )
}

/// The first two lines of the table.
const HEAD: [&str; 2] = ["| | A | B |", "|---|---|---|"];

/// What is in its rows.
fn rows() -> impl Iterator<Item = &'static str> {
    NUMBERS
        .iter()
        .map(|number| number.row)
        .filter(|row| !row.is_empty())
        .chain(["engine"])
}

/// True for a table that [`markdown`] could have made.
fn is_table(file: &mut dyn BufRead) -> io::Result<bool> {
    let mut lines = 0;
    let right = all_lines(file, |index, line| {
        lines = index + 1;
        match index {
            0 => line.starts_with("# "),
            1 => line.is_empty(),
            2 | 3 => line == HEAD[index - 2],
            _ => rows().nth(index - 4).is_some_and(|name| {
                line.strip_prefix(&format!("| {name} | "))
                    .is_some_and(|rest| rest.ends_with(" |"))
            }),
        }
    })?;
    Ok(right && lines == 4 + rows().count())
}
