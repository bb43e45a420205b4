//! A noise schedule as a file: what is printed of it, what is kept, and what is refused.

#[path = "common/command.rs"]
mod command;

use std::fs;

use command::{directory, fails, said, wrong_usage};
use noise_compass::diffusion::schedule::Schedule;
use serde_json::Value;
use tempfile::TempDir;

const SMALL: &str = "--engine cpu --data 8gaussians --width 32 --depth 1 --batch 64 --points 512 --steps 20 --timesteps 100";
const DOCUMENT: &str = include_str!("../docs/own-schedule.md");

/// The tables of the document, in order.
fn tables() -> Vec<String> {
    let tables = DOCUMENT.split("    t,log_snr\n").skip(1).map(|rest| {
        let rows = rest.lines().map_while(|line| line.strip_prefix("    "));
        format!("t,log_snr\n{}\n", rows.collect::<Vec<_>>().join("\n"))
    });
    tables.collect()
}

/// What stands in the document between these words and the next backtick or full stop at a line's end.
fn said_after(words: &str) -> &'static str {
    let rest = DOCUMENT.split_once(words).unwrap().1;
    let line = rest.lines().next().unwrap();
    line.split('`').next().unwrap().trim_end_matches('.')
}

/// Train by a table. Returns the name of its schedule in the model, and what was said.
fn trained(table: &str) -> (String, String) {
    let at = directory();
    fs::write(at.path().join("mine.csv"), table).unwrap();
    let (_, said) = said(
        &at,
        &format!("train {SMALL} --schedule mine.csv --out model"),
    );
    fs::remove_file(at.path().join("mine.csv")).unwrap();
    let name = schedule_of(&at, "model");
    // Without the table the settings say all.
    command::ok(&at, "train --engine cpu --config model --out again");
    let weights = |model: &str| fs::read(at.path().join(model).join("model.safetensors")).unwrap();
    assert!(weights("model") == weights("again"), "{name}");
    command::ok(&at, &format!("train {SMALL} --schedule {name} --out named"));
    assert!(weights("model") == weights("named"), "{name}");
    (name, said)
}

fn schedule_of(at: &TempDir, model: &str) -> String {
    let settings = fs::read(at.path().join(model).join("experiment.json")).unwrap();
    let settings: Value = serde_json::from_slice(&settings).unwrap();
    settings["schedule"].as_str().unwrap().to_owned()
}

/// Names, ᾱ and tables of docs/own-schedule.md are those that run, also when the table is gone.
#[test]
fn the_examples_of_the_document_are_what_they_say() {
    let tables = tables();
    let [handles, line] = &tables[..] else {
        panic!("{tables:?}")
    };
    let (name, said) = trained(handles);
    assert_eq!(name, said_after("`experiment.json` says `"));
    assert_eq!(name, said_after("and `--schedule "));
    assert!(!said.contains("off from"), "{said}");
    let schedule: Schedule = name.parse().unwrap();
    // 1/(1 + exp(−0.5)).
    assert_eq!(
        format!("{:.4}", schedule.alpha_bar(0.5, 100)),
        said_after("At t = ½, ᾱ is ")
    );
    let (name, said) = trained(line);
    assert_eq!(name, said_after("So its name is `"));
    assert!(!said.contains("off from"), "{said}");
}

/// A cliff of a thousandth of t, between two handles.
#[test]
fn how_far_off_the_handles_are_is_said() {
    let at = directory();
    let cliff = "t,log_snr\n0,12\n0.1,10.5\n0.2,9\n0.28,8\n0.281,-8\n0.4,-9\n0.7,-10.5\n1,-12\n";
    fs::write(at.path().join("cliff.csv"), cliff).unwrap();
    let (_, said) = said(
        &at,
        &format!("train {SMALL} --schedule cliff.csv --out model"),
    );
    let notes: Vec<_> = said
        .lines()
        .filter(|line| line.contains("off from"))
        .collect();
    let [note] = notes[..] else { panic!("{said}") };
    assert!(
        note.starts_with("noise-compass: cliff.csv: a schedule has at most 17 handles"),
        "{note}"
    );
    // Worked out from the name, by the handles beside the cliff: none of the rows there is met.
    let schedule: Schedule = schedule_of(&at, "model").parse().unwrap();
    let off = |[t, log_snr]: [f64; 2]| (schedule.scales(t, 100).snr().ln() - log_snr).abs();
    let worst = off([0.28, 8.0]).max(off([0.281, -8.0]));
    let told: f64 = note
        .split_once("up to ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        (told - worst).abs() < 0.01 * worst && worst > 1.0,
        "{note}: {worst}"
    );
}

/// One line, status 1, and no model: the usage was right and the file was not.
#[test]
fn a_file_that_is_no_schedule_stops_the_program_in_one_line() {
    let at = directory();
    fs::create_dir(at.path().join("folder")).unwrap();
    for (name, text, words) in [
        (
            "rising.csv",
            "t,log_snr\n0,9\n0.5,10\n1,-9\n",
            "rising.csv line 3: log SNR 10 is not below",
        ),
        (
            "points.csv",
            "x,y\n0,9\n",
            "does not name the columns t and log_snr",
        ),
        ("short.txt", "t,log_snr\n0,9\n", "needs at least two"),
    ] {
        fs::write(at.path().join(name), text).unwrap();
        let told = fails(&at, &format!("train {SMALL} --schedule {name} --out model"));
        assert!(told.contains(words), "{told}");
        // The window's own flags are the same.
        let told = fails(&at, &format!("--schedule {name}"));
        assert!(told.contains(words), "{told}");
    }
    for name in ["none.csv", "folder"] {
        let told = fails(&at, &format!("train {SMALL} --schedule {name} --out model"));
        assert!(
            told.starts_with(&format!("noise-compass: cannot read {name}: ")),
            "{told}"
        );
    }
    let told = wrong_usage(&at, &format!("train {SMALL} --schedule lineal --out model"));
    assert!(told.contains("'lineal' is not a schedule"), "{told}");
    assert!(!at.path().join("model").exists());
}

/// A file in the place of a setting of a file is not read: settings depend on nothing.
#[test]
fn settings_in_a_file_name_no_table() {
    let at = directory();
    fs::write(at.path().join("mine.csv"), "t,log_snr\n0,9\n1,-9\n").unwrap();
    fs::write(
        at.path().join("settings.json"),
        r#"{"schedule": "mine.csv"}"#,
    )
    .unwrap();
    let told = fails(
        &at,
        &format!("train {SMALL} --config settings.json --out model"),
    );
    assert!(told.contains("'mine.csv' is not a schedule"), "{told}");
}
