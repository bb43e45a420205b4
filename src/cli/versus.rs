//! The comparison that `train --vs FILE` writes: both models, a table, and a picture.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde::Serialize;

use super::{one_line, print_json, round, say};
use engine::EngineError;
use lab::difference::{Difference, differences, sentence};
use lab::message::{Command, Order, QualityPoint, Side, Snapshot};
use lab::pair::Pair;
use maths::atomic::{Destination, all_lines};
use maths::measure::Estimate;
use maths::measure::score_error::{LOG_SNR_GRID, common_mean};
use ui::shell::offscreen::render_comparison;
use ui::shell::picture::picture_file;

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

/// What one experiment has reached. Every `_error` that follows a number is its standard error.
#[derive(Debug, Serialize)]
struct Reached {
    steps: u64,
    /// Of its own training.
    secs: f64,
    /// (1/D) E‖target − prediction‖², smoothed. Does not compare between targets, schedules or data.
    loss: Option<f32>,
    /// The least possible loss.
    least_loss: Option<f64>,
    /// Sliced W₂ of 2048 samples to the data; `None` where the samples are not finite.
    sliced_w2: Option<f64>,
    sliced_w2_error: Option<f64>,
    /// The sampling floor of that.
    floor: Option<f64>,
    floor_error: Option<f64>,
    /// −E ln p_0(samples) − h(p_0), nats.
    surprise: Option<f64>,
    surprise_error: Option<f64>,
    /// Share of the samples in the densest half of the data.
    densest_half: Option<f64>,
    densest_half_error: Option<f64>,
    /// χ² of the shares of the data's parts, and the probability that chance alone gives as much.
    shares_chi2: Option<f64>,
    shares_p: Option<f64>,
    /// Mean over the trained timesteps of (s²/D) E‖learned − exact score‖². Does not compare between schedules.
    score_error: Option<f64>,
    score_error_error: Option<f64>,
    /// (1/D) E‖x̂_0 − E[x_0 | x_t]‖², mean over the levels of log SNR −4 to 8 that both reach. Compares targets and schedules.
    x0_error: Option<f64>,
    /// How many levels that is, of 13.
    x0_levels: usize,
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
        self.table.write(markdown(&sentence(&different), both, &measured).as_bytes())?;
        let (table, picture) = (self.table.path(), self.picture.path());
        pair.handle(Order::Both(Command::Hidden(false)));
        let painted = render_comparison(pair, &self.picture).map(drop);
        say(&format!("{}; the table is {}", sentence(&different), table.display()));
        if json {
            let [out_a, out_b] = outs(&self.out);
            let on_grid = on_grid(&measured);
            print_json(&Report {
                differences: &different,
                a: reached(both[0], measured[0].as_ref(), on_grid.map(|(means, levels)| (means[0], levels)), &out_a),
                b: reached(both[1], measured[1].as_ref(), on_grid.map(|(means, levels)| (means[1], levels)), &out_b),
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

/// The errors of x̂_0 over the levels of log SNR that both reach.
fn on_grid(measured: &[Option<QualityPoint>; 2]) -> Option<([f64; 2], usize)> {
    let [Some(a), Some(b)] = measured else { return None };
    common_mean(&a.x0_errors, &b.x0_errors)
}

fn reached(snapshot: &Snapshot, point: Option<&QualityPoint>, on_grid: Option<(f64, usize)>, out: &Path) -> Reached {
    let number = |of: fn(&QualityPoint) -> f64| point.map(of).map(round);
    let shares = point.and_then(|point| point.shares);
    Reached {
        steps: snapshot.step,
        secs: round(snapshot.trained_secs),
        loss: snapshot.loss,
        least_loss: number(|point| point.least_loss.value),
        sliced_w2: number(|point| point.distance.value),
        sliced_w2_error: number(|point| point.distance.error),
        floor: number(|point| point.floor.value),
        floor_error: number(|point| point.floor.error),
        surprise: number(|point| point.surprise.value),
        surprise_error: number(|point| point.surprise.error),
        densest_half: number(|point| point.densest_half.value),
        densest_half_error: number(|point| point.densest_half.error),
        shares_chi2: shares.map(|shares| round(shares.value)),
        shares_p: shares.map(|shares| round(shares.p)),
        score_error: number(|point| point.score_error.value),
        score_error_error: number(|point| point.score_error.error),
        x0_error: on_grid.map(|(mean, _)| round(mean)),
        x0_levels: on_grid.map_or(0, |(_, levels)| levels),
        adapter: snapshot.engine.adapter.clone(),
        out: out.to_path_buf(),
    }
}

/// The table, for people.
fn markdown(title: &str, both: [&Snapshot; 2], measured: &[Option<QualityPoint>; 2]) -> String {
    let none = || "–".to_owned();
    let number = |value: Option<f64>| value.map_or_else(none, |value| format!("{value:.4}"));
    let each = |of: fn(&QualityPoint) -> f64| measured.each_ref().map(|point| number(point.as_ref().map(of)));
    let estimate = |of: fn(&QualityPoint) -> Estimate| {
        let text = |Estimate { value, error }: Estimate| format!("{value:.4} ± {error:.4}");
        measured.each_ref().map(|point| point.as_ref().map(of).map_or_else(none, text))
    };
    let shares = measured.each_ref().map(|point| {
        let shares = point.as_ref().and_then(|point| point.shares);
        shares.map_or_else(none, |s| format!("{:.1} of {}, p {:.3}", s.value, s.degrees, s.p))
    });
    let x_0 = match on_grid(measured) {
        Some((means, levels)) => means.map(|mean| format!("{mean:.5} ({levels} of {} levels)", LOG_SNR_GRID.len())),
        None => [none(), none()],
    };
    let columns: [[String; 2]; 13] = [
        both.map(|snapshot| snapshot.step.to_string()),
        both.map(|snapshot| format!("{:.1}", snapshot.trained_secs)),
        both.map(|snapshot| number(snapshot.loss.map(f64::from))),
        each(|point| point.least_loss.value),
        estimate(|point| point.score_error),
        x_0,
        estimate(|point| point.distance),
        estimate(|point| point.floor),
        each(|point| point.distance.value / point.floor.value),
        estimate(|point| point.surprise),
        estimate(|point| point.densest_half),
        shares,
        both.map(|snapshot| format!("{} ({})", snapshot.engine.adapter, snapshot.engine.backend)),
    ];
    let rows: Vec<_> = ROWS.iter().zip(columns).map(|(name, [a, b])| format!("| {name} | {a} | {b} |\n")).collect();
    format!("# {title}\n\n{}\n{}\n{}", HEAD[0], HEAD[1], rows.concat())
}

/// The first two lines of the table.
const HEAD: [&str; 2] = ["| | A | B |", "|---|---|---|"];
/// What is in its rows.
const ROWS: [&str; 13] = [
    "steps",
    "seconds of training",
    "loss, (1/D) E‖target − prediction‖², smoothed over 50 steps (compares only under one target, schedule and data set)",
    "least possible loss",
    "score error, mean over the trained t of (s²/D) E‖learned − exact‖² (compares only under one schedule)",
    "x̂₀ error, (1/D) E‖x̂₀ − E[x₀ given x_t]‖², mean over log SNR −4 to 8 (compares any two)",
    "sliced W₂ of at most 2048 samples to the data",
    "its sampling floor",
    "in floors",
    "surprise, −E ln p₀(samples) − h(p₀), nats (above 0: astray; below: too thin)",
    "share of the samples in the densest half of the data (above 0.5: too thin)",
    "χ² of the shares of the data's parts",
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
