//! A training that is gone on with is the one that never stopped.

#[path = "common/command.rs"]
mod command;

use std::fs;
use std::path::Path;

use command::{directory, fails, ok, wrong_usage};
use noise_compass::data::csv_io::points_csv;
use noise_compass::data::shapes::Shape;
use noise_compass::lab::model_dir;
use serde_json::Value;

const SMALL: &str = "--width 32 --depth 2 --batch 32 --points 256";

/// Steps and losses, without the seconds.
fn losses(model: &Path) -> Vec<(u64, f32)> {
    let metrics = model_dir::metrics(model);
    metrics.iter().map(|m| (m.step, m.loss)).collect()
}

/// Half and half is the whole, to the last bit: on both engines, of a finite set, of fresh draws and of a file, also in pieces
/// of other lengths and by way of the settings of a sampler.
#[test]
fn half_and_half_is_the_whole() {
    let directory = directory();
    let rows = points_csv(&Shape::Moons.mixture().draw(300, 1));
    fs::write(directory.path().join("rows.csv"), rows).unwrap();
    let cases = [
        ("--engine cpu", [50, 50]),
        ("--engine cpu --fresh --schedule cosine --target v", [1, 99]),
        (
            "--engine cpu --data rows.csv --schedule flow --target velocity",
            [64, 36],
        ),
        ("--engine gpu --schedule ve", [50, 50]),
        (
            "--engine cpu --optimiser muon --weight-decay 0.1 --warmup 70 --decay cosine --decay-steps 40",
            [50, 50],
        ),
        ("--engine gpu --optimiser muon --decay linear", [50, 50]),
        ("--engine cpu --optimiser momentum", [50, 50]),
    ];
    for (flags, [first, more]) in cases {
        let at = |name: &str| directory.path().join(name);
        for name in ["whole", "half", "both"] {
            let _ = fs::remove_dir_all(at(name));
        }
        ok(
            &directory,
            &format!("train {SMALL} {flags} --steps 100 --out whole"),
        );
        ok(
            &directory,
            &format!("train {SMALL} {flags} --steps {first} --out half"),
        );
        let engine = flags.split(" --").next().unwrap();
        ok(
            &directory,
            &format!("train --resume half --steps {more} {engine} --out both"),
        );
        let model = |name: &str| fs::read(at(name).join("model.safetensors")).unwrap();
        assert!(model("whole") == model("both"), "{flags}: other weights");
        assert_eq!(losses(&at("whole")), losses(&at("both")), "{flags}");
        assert_ne!(
            model("half"),
            model("both"),
            "{flags}: the first half is left as it was"
        );
    }
}

/// Without `--out` it goes on in its place, and says how far it is by now.
#[test]
fn it_goes_on_where_it_lies() {
    let directory = directory();
    ok(
        &directory,
        &format!("train {SMALL} --engine cpu --steps 30 --out model"),
    );
    for (model, steps) in [("model", 50), ("model/model.safetensors", 70)] {
        let report = ok(
            &directory,
            &format!("train --resume {model} --steps 20 --engine cpu --json"),
        );
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(
            (&report["steps"], &report["out"]),
            (&steps.into(), &"model".into())
        );
        let saved = model_dir::load(&directory.path().join("model")).unwrap();
        assert_eq!(saved.state.step, steps);
    }
}

/// Flags beside it change what the weights can stay under; what they cannot is refused before the work.
#[test]
fn flags_change_what_the_weights_can_stay_under() {
    let directory = directory();
    ok(
        &directory,
        &format!("train {SMALL} --engine cpu --steps 30 --out model"),
    );
    ok(
        &directory,
        "train --resume model --lr 0.001 --schedule cosine --steps 5 --engine cpu --out on",
    );
    let on = model_dir::load(&directory.path().join("on")).unwrap();
    assert_eq!(
        (on.experiment.learning_rate, on.experiment.width),
        (0.001, 32)
    );
    assert_eq!(
        (on.experiment.schedule.name(), on.state.step),
        ("cosine", 35)
    );
    let before = fs::read(directory.path().join("model/model.safetensors")).unwrap();
    for flags in ["--width 64", "--target v", "--activation relu"] {
        let line = fails(
            &directory,
            &format!("train --resume model {flags} --steps 5 --engine cpu"),
        );
        assert!(line.contains("train anew without --resume"), "{line}");
    }
    fails(&directory, "train --resume nowhere --steps 5 --engine cpu");
    wrong_usage(&directory, "train --resume model --config model --steps 5");
    wrong_usage(&directory, "train --resume model --vs model --steps 5");
    wrong_usage(&directory, "train --steps 5");
    assert!(fs::read(directory.path().join("model/model.safetensors")).unwrap() == before);
}
