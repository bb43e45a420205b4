//! The comparison that `train --vs FILE` writes: both models, a table, and a picture.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde::Serialize;

use super::{one_line, print_json, round, say};
use crate::engine::EngineError;
use crate::export::atomic::{Destination, all_lines};
use crate::lab::difference::{Difference, differences, sentence};
use crate::lab::message::{Command, Order, QualityPoint, Side, Snapshot};
use crate::lab::pair::Pair;
use crate::ui::offscreen::render_comparison;
use crate::ui::picture::picture_file;

/// Where A's model and B's go.
pub fn outs(out: &Path) -> [PathBuf; 2] {
    ["a", "b"].map(|name| out.join(name))
}

/// The steps at which both are measured on the way: closer at the beginning, where most happens.
pub fn measure_steps(steps: u64) -> std::iter::Peekable<impl Iterator<Item = u64>> {
    (1..12).map(move |k| steps * k * k / 144).filter(|step| *step > 0).peekable()
}

/// Measure all that have no fault; the clock of their training stands still meanwhile.
///
/// # Errors
/// The engine's.
pub fn measure(pair: &mut Pair) -> anyhow::Result<[Option<QualityPoint>; 2]> {
    let mut measured = [None, None];
    for (side, point) in Side::BOTH.into_iter().zip(&mut measured) {
        if let Some(session) = pair.session_mut(side).filter(|session| !session.has_fault()) {
            *point = session.measure_now()?;
        }
    }
    Ok(measured)
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    differences: &'a [Difference],
    a: Reached,
    b: Reached,
    table: PathBuf,
    picture: Option<PathBuf>,
}

/// What one experiment has reached.
#[derive(Debug, Serialize)]
struct Reached {
    steps: u64,
    /// Of its own training.
    secs: f64,
    loss: Option<f32>,
    /// Sliced W₂ of 2048 samples to the data; `None` where the samples are not finite.
    sliced_w2: Option<f64>,
    /// The sampling floor of that.
    floor: Option<f64>,
    /// Mean over t/T of s² E‖learned − exact score‖².
    score_error: Option<f64>,
    adapter: String,
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
        let b = snapshots.b.as_ref().context("there is no second experiment")?;
        let both = [&*snapshots.a, &**b];
        let engines = both.map(|snapshot| snapshot.engine.kind);
        let different = differences(&both[0].experiment, &both[1].experiment, engines);
        self.table.write(markdown(&sentence(&different), both, measured).as_bytes())?;
        let (table, picture) = (self.table.path(), self.picture.path());
        pair.handle(Order::Both(Command::Hidden(false)));
        let painted = render_comparison(pair, &self.picture).map(drop);
        say(&format!("{}; the table is {}", sentence(&different), table.display()));
        if json {
            let [out_a, out_b] = outs(&self.out);
            print_json(&Report {
                differences: &different,
                a: reached(both[0], measured[0], &out_a),
                b: reached(both[1], measured[1], &out_b),
                table: table.to_path_buf(),
                picture: painted.is_ok().then(|| picture.to_path_buf()),
            })?;
        }
        match painted {
            Err(error) if matches!(error.downcast_ref(), Some(EngineError::NoAdapter(_))) => {
                say(&one_line(&format!("noise-compass: warning: the comparison has no picture: {error}")));
                Ok(())
            }
            other => other
                .map_err(|error| anyhow!("the comparison has no picture: {error:#}; its table and models are written")),
        }
    }
}

fn reached(snapshot: &Snapshot, point: Option<QualityPoint>, out: &Path) -> Reached {
    Reached {
        steps: snapshot.step,
        secs: round(snapshot.trained_secs),
        loss: snapshot.loss,
        sliced_w2: point.map(|point| round(point.distance)),
        floor: point.map(|point| round(point.floor)),
        score_error: point.map(|point| round(point.score_error)),
        adapter: snapshot.engine.adapter.clone(),
        out: out.to_path_buf(),
    }
}

/// The table, for people.
fn markdown(title: &str, both: [&Snapshot; 2], measured: [Option<QualityPoint>; 2]) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    let each = |of: fn(&QualityPoint) -> f64| measured.each_ref().map(|point| number(point.as_ref().map(of)));
    let columns: [[String; 2]; 8] = [
        both.map(|snapshot| snapshot.step.to_string()),
        both.map(|snapshot| format!("{:.1}", snapshot.trained_secs)),
        both.map(|snapshot| number(snapshot.loss.map(f64::from))),
        each(|point| point.distance),
        each(|point| point.floor),
        each(|point| point.distance / point.floor),
        each(|point| point.score_error),
        both.map(|snapshot| format!("{} ({})", snapshot.engine.adapter, snapshot.engine.backend)),
    ];
    let rows: Vec<_> = ROWS.iter().zip(columns).map(|(name, [a, b])| format!("| {name} | {a} | {b} |\n")).collect();
    format!("# {title}\n\n{}\n{}\n{}", HEAD[0], HEAD[1], rows.concat())
}

/// The first two lines of the table.
const HEAD: [&str; 2] = ["| | A | B |", "|---|---|---|"];
/// What is in its rows.
const ROWS: [&str; 8] = [
    "steps",
    "seconds of training",
    "loss, smoothed over 50 steps",
    "sliced W₂ of 2048 samples to the data",
    "its sampling floor",
    "in floors",
    "score error, mean over t of s² E‖learned − exact‖²",
    "engine",
];

/// True for a table that [`markdown`] could have made.
fn is_table(file: &mut dyn BufRead) -> io::Result<bool> {
    let mut lines = 0;
    let right = all_lines(file, |index, line| {
        lines = index + 1;
        match index {
            0 => line.starts_with("# "),
            1 => line.is_empty(),
            2 | 3 => line == HEAD[index - 2],
            _ => ROWS.get(index - 4).is_some_and(|name| {
                line.strip_prefix(&format!("| {name} | ")).is_some_and(|rest| rest.ends_with(" |"))
            }),
        }
    })?;
    Ok(right && lines == 4 + ROWS.len())
}
