//! The command line from outside: every command on the plain-Rust engine, small and quick, and every fault.

#[path = "common/command.rs"]
mod command;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use command::{BINARY, command, directory, fails, fault, ok, run, wrong_usage};
use serde_json::Value;
use tempfile::TempDir;

/// The settings of a small model.
const SMALL: &str = "--width 32 --depth 1 --batch 32 --points 256 --engine cpu";

fn with_model() -> TempDir {
    let directory = directory();
    ok(&directory, &format!("train {SMALL} --steps 40 --out model"));
    directory
}

fn csv_rows(path: &Path) -> (String, Vec<Vec<f64>>) {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap().to_owned();
    (
        header,
        lines
            .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
            .collect(),
    )
}

#[test]
fn data_writes_samples_by_seed_and_the_mixture() {
    let directory = directory();
    let stdout = ok(
        &directory,
        "data --data moons --n 500 --seed 3 --out a.csv --mixture m.json",
    );
    assert_eq!(stdout, "", "stdout is for --json alone");
    ok(&directory, "data --data moons --n 500 --seed 3 --out b.csv");
    ok(&directory, "data --data moons --n 500 --seed 4 --out c.csv");
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(read("a.csv"), read("b.csv"));
    assert_ne!(read("a.csv"), read("c.csv"));
    let (header, rows) = csv_rows(&directory.path().join("a.csv"));
    assert_eq!((header.as_str(), rows.len()), ("x,y", 500));

    let mixture: Value = serde_json::from_str(&read("m.json")).unwrap();
    let components = mixture["components"].as_array().unwrap();
    let weight: f64 = components
        .iter()
        .map(|c| c["weight"].as_f64().unwrap())
        .sum();
    assert!((weight - 1.0).abs() < 1e-4);
    assert!(
        components[0]["mean"]
            .as_array()
            .is_some_and(|mean| mean.len() == 2)
            && components[0]["sigma"].is_number()
    );
    // A file is read, standardised and drawn from as well.
    ok(&directory, "data --data a.csv --n 10 --out d.csv");
}

#[test]
fn train_writes_a_directory_that_the_other_commands_read() {
    let directory = directory();
    let arguments = format!(
        "train {SMALL} --data circle --schedule cosine --steps 120 --seed 9 --out deep/model --json"
    );
    let output = run(&directory, &arguments);
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (report["steps"].as_u64(), report["engine"].as_str()),
        (Some(120), Some("cpu"))
    );
    assert!(
        report["loss"].as_f64().unwrap() < 1.2 && report["steps_per_sec"].as_f64().unwrap() > 0.0
    );

    let model = directory.path().join("deep/model");
    let experiment: Value =
        serde_json::from_str(&fs::read_to_string(model.join("experiment.json")).unwrap()).unwrap();
    assert_eq!(
        (
            experiment["schedule"].as_str(),
            experiment["width"].as_u64(),
            experiment["seed"].as_u64()
        ),
        (Some("cosine"), Some(32), Some(9))
    );
    let metrics = fs::read_to_string(model.join("metrics.jsonl")).unwrap();
    let steps: Vec<u64> = metrics
        .lines()
        .map(|line| {
            let metric: Value = serde_json::from_str(line).unwrap();
            assert!(
                metric["loss"].as_f64().unwrap() > 0.0 && metric["secs"].as_f64().unwrap() >= 0.0
            );
            metric["step"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(steps, (1..=120).collect::<Vec<_>>());

    ok(
        &directory,
        "sample --model deep/model --sampler ddpm --steps 20 --n 100 --seed 1 --engine cpu --out a.csv",
    );
    ok(
        &directory,
        "sample --model deep/model/model.safetensors --sampler ddpm --steps 20 --n 100 --seed 1 --engine cpu --out b.csv",
    );
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(
        read("a.csv"),
        read("b.csv"),
        "a directory and its file are the same model"
    );
    let (_, rows) = csv_rows(&directory.path().join("a.csv"));
    assert_eq!(rows.len(), 100);

    let measured = ok(&directory, "measure --samples a.csv --data circle --json");
    let measured: Value = serde_json::from_str(&measured).unwrap();
    for key in ["w2", "w2_floor", "sliced_w2", "sliced_w2_floor", "surprise"] {
        assert!(measured[key].as_f64().unwrap() > 0.0, "{key}: {measured}");
        assert!(
            measured[format!("{key}_error")].as_f64().unwrap() > 0.0,
            "{key}: {measured}"
        );
    }
    assert_eq!(
        (&measured["reference"], &measured["draws"]),
        (&"mixture".into(), &6.into())
    );

    // Honest samples beside them: what they score is what chance alone gives.
    ok(
        &directory,
        "data --data circle --n 500 --seed 3 --out honest.csv",
    );
    let honest: Value = serde_json::from_str(&ok(
        &directory,
        "measure --samples honest.csv --data circle --json",
    ))
    .unwrap();
    let number = |key: &str| honest[key].as_f64().unwrap();
    for (key, expected) in [("w2", "w2_floor"), ("sliced_w2", "sliced_w2_floor")] {
        let error = number(&format!("{key}_error")).hypot(number(&format!("{expected}_error")));
        assert!(
            (number(key) - number(expected)).abs() < 3.0 * error,
            "{key}: {honest}"
        );
    }
    assert!(
        number("surprise").abs() < 3.0 * number("surprise_error"),
        "{honest}"
    );
    assert!(
        (number("densest_half") - 0.5).abs() < 3.0 * number("densest_half_error"),
        "{honest}"
    );
    assert!(
        number("shares_p") > 0.003 && number("shares_degrees") == 15.0,
        "{honest}"
    );
    let output = run(&directory, "measure --samples honest.csv --data circle");
    let text = String::from_utf8(output.stderr).unwrap();
    for word in ["floor", "±", "surprise", "densest half", "χ²"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn the_same_seed_trains_the_same_model() {
    let directory = directory();
    for name in ["a", "b"] {
        ok(
            &directory,
            &format!("train {SMALL} --steps 25 --seed 5 --out {name}"),
        );
    }
    ok(
        &directory,
        &format!("train {SMALL} --steps 25 --seed 6 --out c"),
    );
    let weights =
        |name: &str| fs::read(directory.path().join(name).join("model.safetensors")).unwrap();
    assert!(weights("a") == weights("b"));
    assert!(weights("a") != weights("c"));
}

/// Two experiments in one job: both models, a table, a picture; what the file does not say is as in the first.
#[test]
fn train_compares_two_experiments() {
    let directory = directory();
    fs::write(directory.path().join("b.json"), r#"{"path": "cosine"}"#).unwrap();
    let text = ok(
        &directory,
        &format!("train {SMALL} --steps 60 --out both --vs b.json --json"),
    );
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&report["a"]["steps"], &report["b"]["steps"]),
        (&60.into(), &60.into())
    );
    assert_eq!(report["differences"][0]["b"], "cosine");
    // Scripts read these by name.
    let keys = "steps secs loss least_loss sliced_w2 sliced_w2_error floor floor_error sampler_w2 sampler_w2_error surprise surprise_error densest_half \
                densest_half_error shares_chi2 shares_p score_error score_error_error x0_error x0_levels adapter out";
    let keys: BTreeSet<&str> = keys.split_whitespace().collect();
    for side in ["a", "b"] {
        let there: BTreeSet<&str> = report[side]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert!(keys.is_subset(&there), "{there:?}");
        // A loss is an f32 and is written as short as one.
        assert!(
            report[side]["loss"].to_string().len() <= 11,
            "{}",
            report[side]["loss"]
        );
        let errors = [
            "sliced_w2_error",
            "floor_error",
            "surprise_error",
            "score_error_error",
            "densest_half_error",
        ];
        let measured = [
            "least_loss",
            "sliced_w2",
            "floor",
            "surprise",
            "score_error",
            "x0_error",
            "shares_chi2",
        ];
        for number in ["loss", "secs"].into_iter().chain(measured).chain(errors) {
            assert!(
                report[side][number].as_f64().unwrap() > 0.0,
                "{side} {number}: {report}"
            );
        }
        let experiment = fs::read_to_string(
            directory
                .path()
                .join(format!("both/{side}/experiment.json")),
        )
        .unwrap();
        let experiment: Value = serde_json::from_str(&experiment).unwrap();
        assert_eq!(
            experiment["schedule"],
            if side == "a" { "linear" } else { "cosine" }
        );
        assert_eq!(experiment["width"], 32);
        ok(
            &directory,
            &format!("sample --engine cpu --model both/{side} --steps 4 --n 20 --out {side}.csv"),
        );
    }
    let table = fs::read_to_string(directory.path().join("both/comparison.md")).unwrap();
    assert!(
        table.starts_with("# A linear · B cosine, the rest alike"),
        "{table}"
    );
    assert!(
        table.contains("| steps | 60 | 60 |") && table.contains("sampling floor"),
        "{table}"
    );
    let row = |name: &str| {
        table
            .lines()
            .find(|line| line.starts_with(&format!("| {name}")))
            .unwrap()
    };
    assert!(
        row("loss").contains("compares only under one target, schedule and data set"),
        "{table}"
    );
    assert!(
        row("score error").contains("compares only under one schedule"),
        "{table}"
    );
    // Linear and cosine with T = 1000 both reach log SNR from −4 to 8.
    assert!(
        row("x̂₀ error").contains("compares any two")
            && row("x̂₀ error").contains("(13 of 13 levels)"),
        "{table}"
    );
    assert!(
        row("surprise").contains('±') && row("χ² of the shares").contains(", p "),
        "{table}"
    );
    let picture = image::open(directory.path().join("both/comparison.png"))
        .unwrap()
        .to_rgb8();
    // A is blue and B vermilion, each in its half.
    let near = |color: [u8; 3], half: u32| {
        let alike = |p: &&image::Rgb<u8>| (0..3).all(|c| p.0[c].abs_diff(color[c]) < 40);
        let columns = picture.width() / 2;
        picture
            .enumerate_pixels()
            .filter(|(x, _, p)| x / columns == half && alike(p))
            .count()
    };
    assert!(near([0, 114, 178], 0) > 500 && near([204, 85, 0], 1) > 500);
    // The first is what it would be alone.
    ok(&directory, &format!("train {SMALL} --steps 60 --out alone"));
    let model =
        |path: &str| fs::read(directory.path().join(path).join("model.safetensors")).unwrap();
    assert_eq!(model("alone"), model("both/a"));
    assert_ne!(model("both/a"), model("both/b"));
    // A whole model serves as the second experiment, and equal ones learn the same.
    ok(
        &directory,
        &format!("train {SMALL} --steps 60 --out same --vs alone"),
    );
    assert_eq!(model("same/a"), model("same/b"));
    // For equal time the first does its steps.
    let text = ok(
        &directory,
        &format!("train {SMALL} --steps 40 --out timed --vs b.json --in-step time --json"),
    );
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["a"]["steps"], 40);
}

#[test]
fn a_second_experiment_that_cannot_be_is_told_before_the_work() {
    let directory = directory();
    fs::write(directory.path().join("bad.json"), r#"{"noise": "cosine"}"#).unwrap();
    let line = fails(
        &directory,
        &format!("train {SMALL} --steps 9 --out both --vs bad.json"),
    );
    assert!(
        line.contains("'noise'") && line.contains("schedule"),
        "{line}"
    );
    let line = fails(
        &directory,
        &format!("train {SMALL} --steps 9 --out both --vs nowhere.json"),
    );
    assert!(
        line.contains("nowhere.json") && line.contains("--vs"),
        "{line}"
    );
    assert!(!directory.path().join("both").exists());
    wrong_usage(
        &directory,
        &format!("train {SMALL} --out both --in-step time"),
    );
}

#[test]
fn sampling_can_start_from_given_points() {
    let directory = with_model();
    ok(&directory, "data --data gaussian --n 12 --out init.csv");
    ok(
        &directory,
        "sample --model model --init init.csv --steps 5 --no-clip --engine cpu --out s.csv",
    );
    assert_eq!(csv_rows(&directory.path().join("s.csv")).1.len(), 12);
    let stderr = wrong_usage(
        &directory,
        "sample --model model --init init.csv --n 5 --out s.csv",
    );
    assert!(stderr.contains("--init"), "{stderr}");
}

#[test]
fn steps_lie_where_one_puts_them() {
    let directory = with_model();
    let run = "sample --engine cpu --model model --n 3 --steps 5 --out points.csv --force";
    let placed = "--trajectory paths.csv --placement own:0.8,0.5,0.2";
    ok(&directory, &format!("{run} --sampler heun {placed}"));
    let (header, rows) = csv_rows(&directory.path().join("paths.csv"));
    assert_eq!(header, "particle,step,t,x,y");
    // Four intervals from T to t = 1, of T = 1000, and the landing.
    let times: Vec<f64> = rows.iter().map(|row| row[2]).collect();
    assert_eq!(times, [1.0, 0.8, 0.5, 0.2, 0.001, 0.0].repeat(3));
    let refused = |placement: &str| {
        let told = wrong_usage(&directory, &format!("{run} --placement {placement}"));
        told.replace(char::is_whitespace, " ")
    };
    let told = refused("own:0.2,0.5,0.8");
    assert!(
        told.contains("'0.2,0.5,0.8' are not the handles of a placement")
            && told.contains("as in own:0.8,0.5,0.2"),
        "{told}"
    );
    let told = refused("mine:0.8,0.5,0.2");
    assert!(
        told.contains("'mine:0.8,0.5,0.2' is not a placement"),
        "{told}"
    );
    // A training keeps it in its settings.
    ok(
        &directory,
        &format!("train {SMALL} --steps 1 --out own --placement own:0.7,0.4,0.1"),
    );
    let settings = fs::read_to_string(directory.path().join("own/experiment.json")).unwrap();
    let settings: Value = serde_json::from_str(&settings).unwrap();
    assert_eq!(settings["placement"], "own:0.7,0.4,0.1");
    ok(
        &directory,
        "train --engine cpu --config own --steps 1 --out again",
    );
    let again = fs::read_to_string(directory.path().join("again/experiment.json")).unwrap();
    assert!(again.contains("own:0.7,0.4,0.1"), "{again}");
}

#[test]
fn field_has_the_columns_and_the_exact_answer_of_a_gaussian() {
    let directory = directory();
    ok(
        &directory,
        &format!("train {SMALL} --data gaussian --steps 10 --out model"),
    );
    fs::write(directory.path().join("p.csv"), "x,y\n0.5,-1\n2,0.25\n").unwrap();
    ok(
        &directory,
        "field --model model --t 0.4 --points p.csv --engine cpu --out f.csv",
    );
    let (header, rows) = csv_rows(&directory.path().join("f.csv"));
    assert_eq!(
        header,
        "x,y,eps_x,eps_y,score_x,score_y,exact_score_x,exact_score_y,exact_log_p"
    );
    // A standard Gaussian stays one under a variance-preserving path: score −x, log p = −|x|²/2 − ln 2π.
    let alpha_bar = (-(0.1 * 0.4 + 9.95 * 0.4_f64 * 0.4)).exp();
    for row in rows {
        let [
            x,
            y,
            eps_x,
            eps_y,
            score_x,
            score_y,
            exact_x,
            exact_y,
            log_p,
        ] = row[..]
        else {
            panic!("{row:?}")
        };
        assert!((exact_x + x).abs() < 1e-4 && (exact_y + y).abs() < 1e-4);
        assert!((log_p + 0.5 * (x * x + y * y) + std::f64::consts::TAU.ln()).abs() < 1e-4);
        let s = (1.0 - alpha_bar).sqrt();
        assert!(
            (score_x + eps_x / s).abs() < 1e-6 && (score_y + eps_y / s).abs() < 1e-6,
            "the score is −ε/s"
        );
    }
}

#[test]
fn doctor_and_bench_print_one_json_object() {
    let directory = directory();
    let doctor: Value = serde_json::from_str(&ok(&directory, "doctor --json")).unwrap();
    assert_eq!(doctor["philox_ok"], Value::Bool(true));
    assert!(doctor["cpu"]["error"].is_null() && doctor["auto"]["adapter"].is_string());
    let bench: Value =
        serde_json::from_str(&ok(&directory, "bench --engine cpu --secs 0.05 --json")).unwrap();
    let engine = &bench["engines"][0];
    assert_eq!(engine["train"].as_array().unwrap().len(), 3);
    assert!(engine["train"][0]["gflop_per_sec"].as_f64().unwrap() > 0.0);
    assert!(engine["field_points_per_sec"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_model_directory_is_replaced_but_nothing_else_is() {
    let directory = with_model();
    ok(&directory, &format!("train {SMALL} --steps 3 --out model"));
    assert_eq!(
        fs::read_to_string(directory.path().join("model/metrics.jsonl"))
            .unwrap()
            .lines()
            .count(),
        3
    );
    fs::write(directory.path().join("model/notes.txt"), "mine").unwrap();
    let line = fails(&directory, &format!("train {SMALL} --steps 3 --out model"));
    assert!(
        line.contains("notes.txt") && line.contains("choose another --out"),
        "{line}"
    );
    assert_eq!(
        fs::read_to_string(directory.path().join("model/notes.txt")).unwrap(),
        "mine"
    );
    let names: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["model"], "nothing temporary is left");
}

#[test]
fn an_interrupted_training_saves_what_it_has() {
    let directory = directory();
    let mut child = std::process::Command::new(BINARY)
        .args(format!("train {SMALL} --steps 100000000 --out model --json").split_whitespace())
        .current_dir(&directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let sent = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("Ctrl-C was not heard");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let steps = report["steps"].as_u64().unwrap();
    assert!(
        steps > 0 && stderr.contains(&format!("interrupted after {steps} of 100000000 steps")),
        "{stderr}"
    );
    ok(
        &directory,
        "sample --model model --n 10 --steps 3 --engine cpu --out s.csv",
    );
}

#[test]
fn a_loss_that_is_not_finite_fails_but_saves_the_last_good_weights() {
    let directory = directory();
    // Seven layers of 256, each weight moved by 10 a step, on inputs up to 30 with the loss weighted by up to 100:
    // the loss overflows within some hundred updates.
    let arguments = "train --width 256 --depth 6 --activation relu --schedule ve --target score --batch 32 --lr 10 \
                     --steps 3000 --engine cpu --out model";
    let output = run(&directory, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let last = stderr.lines().last().unwrap();
    assert!(
        last.contains("lower the learning rate") && last.contains("the last good weights"),
        "{stderr}"
    );
    ok(
        &directory,
        "sample --model model --n 10 --steps 3 --engine cpu --out s.csv",
    );
}

/// All numbers stay finite, and nothing is learned.
#[test]
fn a_training_that_diverges_fails_and_saves_what_was_there_before() {
    let directory = directory();
    let output = run(
        &directory,
        "train --width 32 --depth 2 --lr 10 --steps 3000 --engine cpu --out model",
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let last = stderr.lines().last().unwrap();
    assert!(
        last.contains("the loss rose to") && last.contains("the last good weights (step "),
        "{stderr}"
    );
    ok(
        &directory,
        "sample --model model --n 10 --steps 3 --engine cpu --out s.csv",
    );
}

#[test]
fn models_that_are_none_are_told_apart() {
    let directory = with_model();
    let write = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    let whole = fs::read(directory.path().join("model/model.safetensors")).unwrap();
    write("text.safetensors", b"this is no model");
    write("cut.safetensors", &whole[..whole.len() / 2]);
    write("empty.safetensors", b"");
    // A sound safetensors file of somebody else's network.
    let header = br#"{"conv.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let mut foreign = (header.len() as u64).to_le_bytes().to_vec();
    foreign.extend_from_slice(header);
    foreign.extend_from_slice(&1.0_f32.to_le_bytes());
    write("foreign.safetensors", &foreign);
    for name in [
        "text.safetensors",
        "cut.safetensors",
        "empty.safetensors",
        "foreign.safetensors",
        "missing.safetensors",
    ] {
        let line = fails(
            &directory,
            &format!("sample --model {name} --engine cpu --out s.csv"),
        );
        assert!(line.contains(name), "{line}");
    }
    assert!(!directory.path().join("s.csv").exists());
}

#[test]
fn data_files_that_cannot_be_used_are_told_apart() {
    let directory = directory();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("text.csv", "x,y\n1,2\n3,four\n");
    write("empty.csv", "");
    write("header.csv", "x,y\n");
    write("one.csv", "x,y\n1,2\n");
    write("infinite.csv", "x,y\n1,2\n3,inf\n");
    write("binary.csv", "\u{0}\u{1}\u{2}\n");
    for name in [
        "text.csv",
        "empty.csv",
        "header.csv",
        "one.csv",
        "infinite.csv",
        "binary.csv",
        "missing.csv",
    ] {
        for arguments in [
            format!("data --data {name} --out o.csv"),
            format!("train {SMALL} --data {name} --out model"),
        ] {
            let line = fails(&directory, &arguments);
            assert!(line.contains(name), "{line}");
        }
    }
    assert!(fails(&directory, "data --data text.csv --out o.csv").contains("line 3"));
    assert!(!directory.path().join("o.csv").exists() && !directory.path().join("model").exists());
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let directory = with_model();
    fs::write(directory.path().join("file"), "").unwrap();
    ok(&directory, "data --data circle --n 5 --out p.csv");
    for arguments in [
        "data --data circle --n 5 --out file/o.csv".to_owned(),
        "data --data circle --n 5 --out p.csv --mixture file/o.json".to_owned(),
        format!("train {SMALL} --steps 1000000 --out file/o"),
        "sample --model model --n 5 --steps 2 --engine cpu --out file/o.csv".to_owned(),
        "field --model model --t 0.5 --points p.csv --engine cpu --out file/o.csv".to_owned(),
    ] {
        let output = run(&directory, &arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {stderr}");
        let last = stderr.lines().last().unwrap();
        assert!(
            last.starts_with("noise-compass: cannot write file/o")
                && last.contains("choose another --out"),
            "{last}"
        );
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let directory = directory();
    for arguments in [
        "train",
        "train --out m --frobnicate",
        "train --out m --data triangle",
        "train --out m --steps 0",
        "train --out m --schedule quadratic",
        "train --out m --engine tpu",
        "sample --model m --sampler leapfrog --out s.csv",
        "field --model m --t 1.5 --points p.csv --out f.csv",
        "bench --secs nan",
        "dance",
    ] {
        wrong_usage(&directory, arguments);
    }
    assert!(wrong_usage(&directory, "train --out m --data triangle").contains("figure8"));
}

#[test]
fn settings_beyond_their_limits_are_named() {
    let directory = directory();
    for (flag, part) in [
        ("--width 33", "width 33"),
        ("--depth 7", "depth 7"),
        ("--batch 5", "batch 5"),
        ("--timesteps 1", "timesteps 1"),
        ("--lr -1", "learning rate"),
        ("--octaves 9", "octaves"),
    ] {
        let line = fails(
            &directory,
            &format!(
                "train --engine cpu {} --out m",
                flag.replace("--lr -1", "--lr=-1")
            ),
        );
        assert!(line.contains(part), "{line}");
    }
    let with_model = with_model();
    let line = fails(
        &with_model,
        "sample --model model --steps 1001 --engine cpu --out s.csv",
    );
    assert!(line.contains("1001 sampling steps"), "{line}");
}

#[test]
fn without_an_adapter_gpu_fails_and_auto_trains_on_plain_rust() {
    let directory = directory();
    let blind = |arguments: &str| {
        let mut command = command(&directory, arguments);
        command
            .env("VK_ICD_FILENAMES", "/nonexistent")
            .env("VK_DRIVER_FILES", "/nonexistent");
        command.env("WGPU_BACKEND", "vulkan").env_remove("RUST_LOG");
        command.output().unwrap()
    };
    let small = "--width 32 --depth 1 --batch 32 --steps 5";
    let line = fault(
        &blind(&format!("train {small} --engine gpu --out m")),
        "train --engine gpu",
    );
    assert!(
        line.contains("no usable graphics adapter") && line.contains("--engine cpu"),
        "{line}"
    );
    let output = blind(&format!("train {small} --engine auto --out m --json"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(
        stderr.contains("no usable graphics adapter") && stderr.contains("plain-Rust"),
        "{stderr}"
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["engine"], "cpu");
    assert_eq!(blind("doctor").status.code(), Some(0), "plain Rust works");
    assert_eq!(blind("doctor --engine gpu").status.code(), Some(1));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let directory = with_model();
    ok(&directory, "data --data circle --n 50 --out p.csv");
    let script = format!(
        "'{BINARY}' measure --samples p.csv --data circle --json | true; exit ${{PIPESTATUS[0]}}"
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(&directory)
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    assert_eq!(output.status.code(), Some(0));
}

/// `auto` takes a graphics card where there is one, else plain Rust, and says why; doctor says the same.
#[test]
fn auto_takes_a_graphics_card_else_plain_rust_and_says_why() {
    let directory = directory();
    let doctor: Value = serde_json::from_str(&ok(&directory, "doctor --json")).unwrap();
    let adapters = doctor["adapters"].as_array().unwrap();
    let card = adapters.iter().any(|adapter| adapter["kind"] != "Cpu");
    let engine = if card { "gpu" } else { "cpu" };
    assert_eq!(doctor["auto"]["kind"], engine);
    let small = "--width 32 --depth 1 --batch 32 --steps 5";
    let output = command(&directory, &format!("train {small} --out m --json"))
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["engine"], engine);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains(doctor["auto_because"].as_str().unwrap()),
        "{stderr}"
    );
    if !adapters.is_empty() {
        let asked = ok(
            &directory,
            &format!("train {small} --engine gpu --out m --json"),
        );
        assert_eq!(
            serde_json::from_str::<Value>(&asked).unwrap()["engine"],
            "gpu",
            "what is asked for is obeyed"
        );
    }
}

#[test]
fn names_are_understood_however_they_are_written() {
    let directory = directory();
    let settings = "--data figure-8 --schedule COSINE --target Eps --activation Si-LU --width 32 --depth 1 --batch 32";
    ok(
        &directory,
        &format!("train {settings} --steps 5 --engine cpu --out m"),
    );
    let saved = std::fs::read_to_string(directory.path().join("m/experiment.json")).unwrap();
    for written in ["\"figure8\"", "\"cosine\"", "\"eps\"", "\"silu\""] {
        assert!(saved.contains(written), "{saved}");
    }
    ok(
        &directory,
        "sample --model m --sampler DDPM_beta --n 16 --engine cpu --out s.csv",
    );
}

/// OpenGL's drivers, which look for a Wayland display, are asked only where no other backend has an adapter.
#[test]
fn without_a_runtime_directory_nothing_complains() {
    let directory = directory();
    let doctor: Value = serde_json::from_str(&ok(&directory, "doctor --json")).unwrap();
    if doctor["adapters"]
        .as_array()
        .unwrap()
        .iter()
        .all(|adapter| adapter["backend"] == "gl")
    {
        eprintln!("not tested: this machine has no adapter but OpenGL's");
        return;
    }
    // As scripts/run does: the other that complains is a layer of Mesa's, before any backend. What glibc's loader tells
    // shows whether OpenGL is asked, where it is not installed as well.
    let mut command = command(&directory, "doctor");
    let output = command
        .env_remove("XDG_RUNTIME_DIR")
        .env("NODEVICE_SELECT", "1")
        .env("LD_DEBUG", "libs")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success());
    for word in ["XDG_RUNTIME_DIR", "libEGL"] {
        assert!(
            !stderr.contains(word),
            "{word}: {:?}",
            stderr.lines().find(|line| line.contains(word))
        );
    }
}

/// The network knows t/T from 1/T on; at 0 there is no noise that it could have told.
#[test]
fn field_is_asked_only_where_a_network_was_trained() {
    let directory = directory();
    ok(
        &directory,
        &format!("train {SMALL} --timesteps 30 --steps 5 --out model"),
    );
    fs::write(directory.path().join("p.csv"), "x,y\n0.5,-1\n").unwrap();
    let field =
        |t: &str| format!("field --model model --t {t} --points p.csv --engine cpu --out f.csv");
    for t in ["0", "1.01", "nan", "half"] {
        assert!(
            wrong_usage(&directory, &field(t)).contains("above 0 and up to 1"),
            "{t}"
        );
    }
    for t in ["0.001", "0.033"] {
        let text = fails(&directory, &field(t));
        assert!(
            text.contains("from t/T = 1/30 to 1") && text.contains(t),
            "{text}"
        );
    }
    // 1/30, as somebody writes it.
    for t in ["0.03333", "0.05", "1"] {
        ok(&directory, &field(t));
        let (_, rows) = csv_rows(&directory.path().join("f.csv"));
        assert!(
            rows[0]
                .iter()
                .all(|number| number.is_finite() && number.abs() < 1e4),
            "{t}: {rows:?}"
        );
    }
}

#[test]
fn a_clip_that_is_missed_is_told_in_one_line() {
    let directory = directory();
    let said = |arguments: &str| {
        let output = run(&directory, arguments);
        assert!(output.status.success(), "{arguments}");
        let text = String::from_utf8(output.stderr).unwrap();
        text.lines()
            .filter(|line| line.starts_with("noise-compass: warning: without the clip"))
            .count()
    };
    let train = |more: &str| format!("train {SMALL} --steps 5 --out model {more}");
    assert_eq!(said(&train("--schedule cosine --clip false")), 1);
    assert_eq!(said(&train("--schedule cosine")), 0);
    assert_eq!(
        said("sample --model model --n 5 --engine cpu --no-clip --out s.csv"),
        1
    );
    assert_eq!(
        said("sample --model model --n 5 --engine cpu --out s.csv"),
        0
    );
    assert_eq!(said(&train("--schedule cosine --target v --clip false")), 0);
    assert_eq!(said(&train("--schedule flow --clip false")), 0);
}
