//! That no command loses a file or a training: what is replaced, what is refused and when, what a signal, a kill, a broken
//! model or a full place leaves behind.

#![cfg(unix)]

#[path = "common/command.rs"]
mod command;

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use command::{BINARY, directory};
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::GpuContext;
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::{Engine, ModelState, Wait};
use noise_compass::lab::experiment::Experiment;
use noise_compass::lab::model_dir;
use noise_compass::lab::setup::Setup;
use tempfile::TempDir;

/// The settings of a small model.
const SMALL: &str = "--width 32 --depth 1 --batch 32 --points 256 --engine cpu";
/// More steps than anybody waits for.
const ENDLESS: &str = "--steps 1000000000";
/// Whatever takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(2);

fn start(directory: &Path, arguments: &str) -> Child {
    let mut command = Command::new(BINARY);
    command
        .current_dir(directory)
        .args(arguments.split_whitespace());
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The end of a process, which must come in time.
fn end_of(mut child: Child, what: &str) -> Output {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("{what} does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

fn run(directory: &Path, arguments: &str) -> Output {
    end_of(start(directory, arguments), arguments)
}

fn ok(directory: &Path, arguments: &str) -> String {
    let output = run(directory, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}: {stderr}");
    stderr
}

/// Run what must fail with status 1; returns the last line of stderr, which is the reason.
fn fails(directory: &Path, arguments: &str) -> String {
    reason(&run(directory, arguments), arguments)
}

fn reason(output: &Output, what: &str) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{what}: {stderr}");
    let last = stderr.lines().last().unwrap().to_owned();
    assert!(
        last.starts_with("noise-compass: ") && !stderr.contains("panicked"),
        "{what}: {stderr}"
    );
    last
}

fn signal(child: &Child, name: &str) {
    assert!(
        Command::new("kill")
            .args([name, &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
}

/// Wait until something is there.
fn wait_for(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(
            begun.elapsed() < PATIENCE,
            "{} does not come",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn step_of(model: &Path) -> u64 {
    model_dir::load(model).unwrap().state.step
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A small model, points, and settings of a second experiment.
fn workshop() -> TempDir {
    let directory = directory();
    ok(
        directory.path(),
        &format!("train {SMALL} --steps 20 --out model"),
    );
    ok(directory.path(), "data --data circle --n 5 --out p.csv");
    fs::write(directory.path().join("b.json"), r#"{"path": "cosine"}"#).unwrap();
    directory
}

/// Every command that writes, by the file that it writes to. Where it trains, it would train for ever.
fn writers() -> [(String, &'static str); 9] {
    [
        ("data --data circle --n 5 --out out.csv".into(), "out.csv"),
        (
            "data --data circle --n 5 --out fresh.csv --mixture out.json".into(),
            "out.json",
        ),
        (
            "sample --model model --n 5 --steps 2 --engine cpu --out out.csv".into(),
            "out.csv",
        ),
        (
            "field --model model --t 0.5 --points p.csv --engine cpu --out out.csv".into(),
            "out.csv",
        ),
        (
            format!("train {SMALL} {ENDLESS} --out out"),
            "out/model.safetensors",
        ),
        (
            format!("train {SMALL} {ENDLESS} --out out"),
            "out/thesis.tex",
        ),
        (
            format!("train {SMALL} {ENDLESS} --vs b.json --out out"),
            "out/b/experiment.json",
        ),
        (
            format!("train {SMALL} {ENDLESS} --vs b.json --out out"),
            "out/comparison.md",
        ),
        (
            format!("train {SMALL} {ENDLESS} --vs b.json --out out"),
            "out/comparison.png",
        ),
    ]
}

#[test]
fn nobody_elses_file_is_replaced_and_that_is_said_before_the_work() {
    let directory = workshop();
    let render = (
        "render --figure training --out out".to_owned(),
        "out/training.png",
    );
    for (command, file) in writers().into_iter().chain([render]) {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "years of work").unwrap();
        let line = fails(directory.path(), &command);
        assert!(
            line.contains(file.rsplit('/').next().unwrap()) && line.contains("--force"),
            "{command}: {line}"
        );
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "years of work",
            "{command}"
        );
        assert!(
            !directory.path().join("fresh.csv").exists(),
            "nothing is written where something is refused"
        );
        fs::remove_file(&path).unwrap();
        let _ = fs::remove_dir_all(directory.path().join("out"));
    }
}

#[test]
fn force_replaces_and_our_own_files_need_none() {
    let directory = workshop();
    for (command, file) in writers() {
        let command = command.replace(ENDLESS, "--steps 5");
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "years of work").unwrap();
        ok(directory.path(), &format!("{command} --force"));
        let kept = fs::read(&path).unwrap() == b"years of work";
        assert_eq!(
            kept,
            file.ends_with("thesis.tex"),
            "{command}: what has another name stays"
        );
        if !kept {
            ok(directory.path(), &command);
        }
        fs::remove_file(&path).unwrap();
        let _ = fs::remove_dir_all(directory.path().join("out"));
    }
}

#[test]
fn what_is_read_is_not_overwritten_and_two_things_do_not_share_a_file() {
    let directory = workshop();
    let points = fs::read(directory.path().join("p.csv")).unwrap();
    for command in [
        "data --data p.csv --n 9 --out p.csv",
        "data --data p.csv --n 9 --out other.csv --mixture p.csv",
        "data --data p.csv --n 9 --out ./model/../p.csv",
        "data --data circle --n 9 --out twice --mixture twice",
        "sample --model model --init p.csv --steps 2 --engine cpu --out p.csv",
        "field --model model --t 0.5 --points p.csv --engine cpu --out p.csv",
    ] {
        let line = fails(directory.path(), command);
        assert!(line.contains("choose another --out"), "{command}: {line}");
        assert_eq!(
            fs::read(directory.path().join("p.csv")).unwrap(),
            points,
            "{command}"
        );
    }
    assert!(
        !directory.path().join("other.csv").exists() && !directory.path().join("twice").exists()
    );
    ok(
        directory.path(),
        "sample --model model --init p.csv --steps 2 --engine cpu --out p.csv --force",
    );
}

/// The same file comes through a plain path, a link, a pipe and the shell's redirections.
#[test]
fn bytes_go_where_the_path_leads() {
    let directory = directory();
    let path = |name: &str| directory.path().join(name);
    let data = "data --data moons --n 40";
    ok(directory.path(), &format!("{data} --out plain.csv"));
    let plain = fs::read(path("plain.csv")).unwrap();
    let shell = |script: &str| {
        let script = script.replace("DATA", &format!("'{BINARY}' {data} --out"));
        let mut bash = Command::new("timeout");
        let output = bash
            .args(["60", "bash", "-c", &script])
            .current_dir(directory.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{script}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    // Links of the test's own, since a program that replaced them would spoil the machine's.
    std::os::unix::fs::symlink("/proc/self/fd/1", path("stdout")).unwrap();
    assert_eq!(shell("DATA stdout"), plain);
    assert_eq!(shell("DATA /dev/fd/1 | cat"), plain);
    assert_eq!(shell("DATA /proc/self/fd/1 > to.csv; cat to.csv"), plain);
    assert_eq!(
        shell("echo mine > log; DATA stdout >> log; cat log"),
        [b"mine\n", &plain[..]].concat()
    );
    assert_eq!(
        shell("mkfifo pipe; cat pipe & DATA pipe; wait; test -p pipe"),
        plain
    );
    assert_eq!(
        shell("ln -s far.csv near.csv; DATA near.csv; test -L near.csv; cat far.csv"),
        plain
    );
    assert_eq!(
        shell("DATA >(cat > sub.csv); sleep 0.3; cat sub.csv"),
        plain
    );
    shell("set -o pipefail; DATA stdout | true");
    assert!(path("stdout").is_symlink());
    assert!(fs::metadata(path("pipe")).unwrap().file_type().is_fifo());
    // A model is a directory: what is none is refused at once.
    for out in ["pipe", "plain.csv"] {
        let line = fails(
            directory.path(),
            &format!("train {SMALL} {ENDLESS} --out {out}"),
        );
        assert!(line.contains("it is a file, not a directory"), "{line}");
    }
}

#[test]
fn a_model_is_saved_into_the_directory_as_it_stands() {
    let directory = directory();
    for (place, out) in [("here", "."), ("there", "../there"), ("linked", "../link")] {
        let place = directory.path().join(place);
        fs::create_dir(&place).unwrap();
        let _ = std::os::unix::fs::symlink("linked", directory.path().join("link"));
        let before = fs::metadata(&place).unwrap().ino();
        for steps in [3, 4] {
            ok(
                &place,
                &format!("train {SMALL} --steps {steps} --out {out}"),
            );
            assert_eq!(step_of(&place), steps);
        }
        assert_eq!(
            names(&place),
            ["experiment.json", "metrics.jsonl", "model.safetensors"]
        );
        assert_eq!(
            fs::metadata(&place).unwrap().ino(),
            before,
            "it is the same directory"
        );
    }
    let dangling = directory.path().join("dangling");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    for out in ["dangling", "dangling/model"] {
        fails(
            directory.path(),
            &format!("train {SMALL} {ENDLESS} --out {out}"),
        );
    }
    assert!(
        fails(
            directory.path(),
            &format!("train {SMALL} {ENDLESS} --vs nothing --out x")
        )
        .contains("--vs")
    );
}

#[test]
fn a_training_is_kept_where_its_place_was_taken_meanwhile() {
    let directory = directory();
    for many in [false, true] {
        let vs = if many { "--vs b.json" } else { "" };
        fs::write(directory.path().join("b.json"), "{}").unwrap();
        let spoilt = directory.path().join(if many { "out/a" } else { "out" });
        let child = start(
            directory.path(),
            &format!("train {SMALL} {ENDLESS} {vs} --save-every 0.1 --out out"),
        );
        wait_for(&spoilt.join("model.safetensors"));
        fs::write(spoilt.join("thesis.tex"), "years of work").unwrap();
        // Long enough for a save on the way to be refused.
        std::thread::sleep(Duration::from_millis(600));
        let before = step_of(&spoilt);
        signal(&child, "-INT");
        let line = reason(&end_of(child, "train"), "train");
        assert!(line.contains("thesis.tex"), "{line}");
        let (_, kept) = line
            .split_once("the model is kept in ")
            .unwrap_or_else(|| panic!("{line}"));
        assert_eq!(
            Path::new(kept).parent(),
            fs::canonicalize(&spoilt).unwrap().parent()
        );
        assert!(
            step_of(Path::new(kept)) > before,
            "all that was learned is there"
        );
        ok(
            directory.path(),
            &format!("sample --model {kept} --n 5 --steps 2 --engine cpu --out s.csv"),
        );
        assert_eq!(
            fs::read_to_string(spoilt.join("thesis.tex")).unwrap(),
            "years of work"
        );
        if many {
            assert!(
                step_of(&directory.path().join("out/b")) > 0,
                "what happens to A is no harm to B"
            );
        }
        fs::remove_dir_all(directory.path().join("out")).unwrap();
    }
}

#[test]
fn ctrl_c_and_its_kin_save_and_end() {
    for name in ["-INT", "-TERM", "-HUP"] {
        let directory = directory();
        let child = start(
            directory.path(),
            &format!("train {SMALL} {ENDLESS} --save-every 0.1 --out model"),
        );
        wait_for(&directory.path().join("model/model.safetensors"));
        let before = step_of(&directory.path().join("model"));
        std::thread::sleep(Duration::from_millis(300));
        // A terminal that closes tells it twice.
        signal(&child, name);
        signal(&child, name);
        let output = end_of(child, name);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("interrupted after"),
            "{name}"
        );
        assert!(step_of(&directory.path().join("model")) > before, "{name}");
    }
}

/// What is under way here is a wait for somebody who reads the table.
#[test]
fn the_second_ctrl_c_ends_at_once_whatever_is_under_way() {
    let directory = directory();
    let out = directory.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(directory.path().join("b.json"), "{}").unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(out.join("comparison.md"))
            .status()
            .unwrap()
            .success()
    );
    let mut child = start(
        directory.path(),
        &format!("train {SMALL} {ENDLESS} --vs b.json --out out"),
    );
    std::thread::sleep(Duration::from_secs(1));
    signal(&child, "-INT");
    wait_for(&out.join("b/model.safetensors"));
    std::thread::sleep(Duration::from_secs(1));
    assert!(
        child.try_wait().unwrap().is_none(),
        "nobody has read the table"
    );
    signal(&child, "-INT");
    let begun = Instant::now();
    let output = end_of(child, "train");
    assert_eq!(output.status.code(), Some(130));
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert!(step_of(&out.join("a")) > 0 && step_of(&out.join("b")) > 0);
}

#[test]
fn a_killed_training_leaves_what_it_saved_on_the_way() {
    let directory = directory();
    fs::write(directory.path().join("b.json"), r#"{"path": "cosine"}"#).unwrap();
    for (vs, models) in [("", vec!["out"]), ("--vs b.json", vec!["out/a", "out/b"])] {
        let mut child = start(
            directory.path(),
            &format!("train {SMALL} {ENDLESS} {vs} --save-every 0.2 --out out"),
        );
        let models: Vec<PathBuf> = models
            .iter()
            .map(|name| directory.path().join(name))
            .collect();
        for model in &models {
            wait_for(&model.join("model.safetensors"));
        }
        let first: Vec<u64> = models.iter().map(|model| step_of(model)).collect();
        std::thread::sleep(Duration::from_secs(2));
        child.kill().unwrap();
        child.wait().unwrap();
        for (model, first) in models.iter().zip(first) {
            assert!(step_of(model) > first, "it is saved again and again");
        }
        fs::remove_dir_all(directory.path().join("out")).unwrap();
    }
    let child = start(
        directory.path(),
        &format!("train {SMALL} {ENDLESS} --save-every 0 --out out"),
    );
    std::thread::sleep(Duration::from_secs(1));
    signal(&child, "-KILL");
    end_of(child, "train");
    assert!(
        !directory.path().join("out").exists(),
        "0 saves only at the end"
    );
    for text in ["-1", "nan", "inf", "soon"] {
        let output = run(
            directory.path(),
            &format!("train {SMALL} --save-every={text} --out out"),
        );
        assert_eq!(output.status.code(), Some(2), "{text}");
    }
}

#[test]
fn saving_on_the_way_changes_no_bit() {
    let directory = directory();
    let engines: &[&str] = if GpuContext::headless().is_ok() {
        &["cpu", "gpu"]
    } else {
        &["cpu"]
    };
    for engine in engines {
        let small = SMALL.replace("cpu", engine);
        let steps = if *engine == "cpu" { 20_000 } else { 600 };
        let model = |every: &str| {
            let out = format!("{engine}-{every}");
            ok(
                directory.path(),
                &format!("train {small} --steps {steps} --save-every {every} --out {out}"),
            );
            fs::read(directory.path().join(out).join("model.safetensors")).unwrap()
        };
        assert!(model("0") == model("0.001"), "{engine}");
    }
}

/// Settings by which the first update, which moves each weight by 1, makes outputs of about 256^6 and gradients whose
/// squares are beyond an f32, while the loss is not.
const RUINOUS: &str =
    "--width 256 --depth 6 --activation relu --schedule ve --target score --batch 32 --lr 1";

/// The first update after which the model is not finite, though every loss so far is.
fn first_broken_update() -> u64 {
    let experiment: Experiment = serde_json::from_str(
        r#"{"width": 256, "depth": 6, "activation": "relu", "path": "ve", "target": "score", "batch": 32,
            "learning_rate": 1}"#,
    )
    .unwrap();
    let setup = Setup::new(experiment).unwrap();
    let mut engine = CpuEngine::new();
    let state = ModelState::fresh(initial_weights(setup.spec.shape, 0));
    engine.load(&setup.spec, &state).unwrap();
    for step in 1..3000 {
        engine.train(1, 0.0).unwrap();
        let losses = engine.poll(Wait::UntilDone).unwrap().losses;
        assert!(
            losses.iter().all(|(_, loss)| loss.is_finite()),
            "the loss breaks first, at step {step}"
        );
        if !engine.state().unwrap().is_finite() {
            return step;
        }
    }
    panic!("nothing breaks");
}

#[test]
fn a_model_that_the_last_update_broke_is_not_saved_as_a_good_one() {
    let directory = directory();
    let step = first_broken_update();
    let line = fails(
        directory.path(),
        &format!("train {RUINOUS} --engine cpu --steps {step} --out model"),
    );
    assert!(
        line.contains(&format!("step {step}")) && line.contains("lower the learning rate"),
        "{line}"
    );
    let state = model_dir::load(&directory.path().join("model"))
        .unwrap()
        .state;
    assert!(state.is_finite() && state.step < step);
    assert!(
        line.contains(&format!(
            "the last good weights (step {}) are in model",
            state.step
        )),
        "{line}"
    );
    ok(
        directory.path(),
        "sample --model model --n 5 --steps 2 --engine cpu --out s.csv",
    );
    // A training that breaks before it has learned anything is no reason to lose one that had.
    ok(
        directory.path(),
        &format!("train {SMALL} --steps 20 --out model"),
    );
    let line = fails(
        directory.path(),
        &format!("train {RUINOUS} --engine cpu --steps {step} --out model"),
    );
    assert!(
        line.contains("is still there") && step_of(&directory.path().join("model")) == 20,
        "{line}"
    );
}

#[test]
fn a_comparison_for_equal_time_ends_when_the_first_breaks() {
    let directory = directory();
    fs::write(
        directory.path().join("b.json"),
        r#"{"learning_rate": 0.003}"#,
    )
    .unwrap();
    let arguments =
        format!("train {RUINOUS} --engine cpu {ENDLESS} --vs b.json --in-step time --out out");
    let line = fails(directory.path(), &arguments);
    assert!(
        line.contains("A: ") && line.contains("lower the learning rate"),
        "{line}"
    );
    for side in ["a", "b"] {
        assert!(
            model_dir::load(&directory.path().join("out").join(side))
                .unwrap()
                .state
                .is_finite()
        );
    }
    assert!(directory.path().join("out/comparison.md").exists());
}

#[test]
fn a_comparison_without_an_adapter_has_all_but_its_picture() {
    let directory = directory();
    fs::write(directory.path().join("b.json"), r#"{"path": "cosine"}"#).unwrap();
    let mut command = Command::new(BINARY);
    command
        .current_dir(directory.path())
        .env("VK_ICD_FILENAMES", "/nonexistent")
        .env("WGPU_BACKEND", "vulkan");
    command
        .env("VK_DRIVER_FILES", "/nonexistent")
        .env_remove("RUST_LOG");
    command
        .args(format!("train {SMALL} --steps 10 --vs b.json --out out --json").split_whitespace());
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let warnings: Vec<_> = stderr
        .lines()
        .filter(|line| line.contains("warning"))
        .collect();
    assert_eq!(warnings.len(), 1, "{stderr}");
    assert!(
        warnings[0].contains("no picture") && warnings[0].contains("install a Vulkan driver"),
        "{stderr}"
    );
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["picture"].is_null());
    assert_eq!(
        names(&directory.path().join("out")),
        ["a", "b", "comparison.md"]
    );
    assert_eq!(
        (
            step_of(&directory.path().join("out/a")),
            step_of(&directory.path().join("out/b"))
        ),
        (10, 10)
    );
}
