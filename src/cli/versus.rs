//! The comparison that `train --vs FILE` writes: both models, a table, and a picture.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde::Serialize;
use serde_json::Value;

use super::{print_json, round, say};
use crate::export::atomic::atomic_write;
use crate::export::model_dir;
use crate::lab::difference::{Difference, differences, sentence};
use crate::lab::experiment::Experiment;
use crate::lab::message::{Command, Order, QualityPoint, Side, Snapshot};
use crate::lab::pair::Pair;
use crate::ui::offscreen::render_comparison;

/// Where A's model and B's go.
pub fn outs(out: &Path) -> Vec<PathBuf> {
    ["a", "b"].map(|name| out.join(name)).to_vec()
}

/// The second experiment: the first with what a file says otherwise.
///
/// # Errors
/// A file that cannot be read, is no JSON object, names a setting that there is not, or gives one an impossible value.
pub fn experiment(file: &Path, first: &Experiment) -> anyhow::Result<Experiment> {
    let file = if file.is_dir() { file.join(model_dir::EXPERIMENT) } else { file.to_path_buf() };
    let name = file.display();
    let text = fs::read_to_string(&file)
        .map_err(|error| anyhow!("cannot read {name}: {error}; give --vs the experiment.json of a model"))?;
    let given: Value = serde_json::from_str(&text)
        .map_err(|error| anyhow!("{name} is no JSON ({error}); give --vs settings as in experiment.json"))?;
    let Value::Object(given) = given else {
        bail!("{name} holds no settings; give --vs a JSON object as in experiment.json");
    };
    let Value::Object(mut settings) =
        serde_json::to_value(first).context("the experiment cannot be written as JSON")?
    else {
        bail!("the experiment is no JSON object");
    };
    for (key, value) in given {
        if !settings.contains_key(&key) {
            let known: Vec<_> = settings.keys().map(String::as_str).collect();
            bail!("{name} names a setting '{key}' that there is not; use {}", known.join(", "));
        }
        settings.insert(key, value);
    }
    let second: Experiment = serde_json::from_value(Value::Object(settings))
        .map_err(|error| anyhow!("{name} gives a setting a value that it cannot have: {error}"))?;
    second.validate().map_err(|error| anyhow!("{name}: {error}"))?;
    Ok(second)
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

/// Measure both, write `comparison.md` and `comparison.png`, and say so.
///
/// # Errors
/// An engine that fails, a file that cannot be written, or no adapter to paint the picture: the models and the table
/// are there all the same.
pub fn report(mut pair: Pair, out: &Path, json: bool) -> anyhow::Result<()> {
    let measured = measure(&mut pair)?;
    let snapshots = pair.snapshots();
    let b = snapshots.b.as_ref().context("there is no second experiment")?;
    let both = [&*snapshots.a, &**b];
    let engines = both.map(|snapshot| snapshot.engine.kind);
    let different = differences(&both[0].experiment, &both[1].experiment, engines);
    let table = out.join("comparison.md");
    let text = markdown(&sentence(&different), both, measured);
    atomic_write(&table, text.as_bytes())
        .map_err(|error| anyhow!("cannot write {}: {error}; choose another --out", table.display()))?;
    let path = out.join("comparison.png");
    pair.handle(Order::Both(Command::Hidden(false)));
    let painted = render_comparison(pair, &path);
    say(&format!("{}; the table is {}", sentence(&different), table.display()));
    if json {
        let of = |side: Side| reached(both[side.index()], measured[side.index()], &outs(out)[side.index()]);
        let picture = painted.is_ok().then(|| path.clone());
        print_json(&Report { differences: &different, a: of(Side::A), b: of(Side::B), table, picture })?;
    }
    painted
        .map(drop)
        .map_err(|error| anyhow!("the comparison has no picture: {error:#}; its table and models are written"))
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
    let rows: [(&str, [String; 2]); 8] = [
        ("steps", both.map(|snapshot| snapshot.step.to_string())),
        ("seconds of training", both.map(|snapshot| format!("{:.1}", snapshot.trained_secs))),
        ("loss, smoothed over 50 steps", both.map(|snapshot| number(snapshot.loss.map(f64::from)))),
        ("sliced W₂ of 2048 samples to the data", each(|point| point.distance)),
        ("its sampling floor", each(|point| point.floor)),
        ("in floors", each(|point| point.distance / point.floor)),
        ("score error, mean over t of s² E‖learned − exact‖²", each(|point| point.score_error)),
        ("engine", both.map(|snapshot| format!("{} ({})", snapshot.engine.adapter, snapshot.engine.backend))),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(name, [a, b])| format!("| {name} | {a} | {b} |\n")).collect();
    format!("# {title}\n\n| | A | B |\n|---|---|---|\n{}", rows.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::path::Path as Way;

    fn read(text: &str, first: &Experiment) -> Result<Experiment, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        experiment(file.path(), first).map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_file_does_not_say_is_as_in_the_first() {
        let first = Experiment { width: 32, seed: 7, ..Experiment::default() };
        assert_eq!(read("{}", &first).unwrap(), first);
        let second = read(r#"{"path": "cosine", "batch": 64}"#, &first).unwrap();
        assert_eq!(second, Experiment { path: Way::Cosine, batch: 64, ..first.clone() });
        let whole = serde_json::to_string(&Experiment::default()).unwrap();
        assert_eq!(read(&whole, &first).unwrap(), Experiment::default());
    }

    #[test]
    fn what_cannot_be_is_refused_in_one_sentence() {
        let first = Experiment::default();
        for (text, word) in [
            ("[1, 2]", "JSON object"),
            ("{", "is no JSON"),
            (r#"{"schedule": "cosine"}"#, "'schedule'"),
            (r#"{"path": "sine"}"#, "cannot have"),
            (r#"{"batch": 1}"#, "batch 1"),
        ] {
            let error = read(text, &first).unwrap_err();
            assert!(error.contains(word) && !error.contains('\n'), "{text}: {error}");
        }
        assert!(experiment(Path::new("nowhere.json"), &first).is_err());
    }
}
