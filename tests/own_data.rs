//! A model needs no other file: the rows it was trained on, their units and the clip are in it.

#[path = "common/command.rs"]
mod command;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use command::{fails, run, said as ok};
use noise_compass::data::shapes::Shape;
use noise_compass::lab::model_dir;
use serde_json::Value;
use tempfile::TempDir;

const SMALL: &str = "--width 32 --depth 1 --batch 32 --timesteps 60 --engine cpu";
/// What [`rows`] does to the two moons: (scale, shift).
const UNITS: [(f64, f64); 2] = [(40.0, 1000.0), (40.0, -3.0)];

/// Two moons in units of their own, as a CSV.
fn rows(n: usize) -> String {
    let mut text = "x,y\n".to_owned();
    for point in Shape::Moons.mixture().draw(n, 5) {
        let [x, y] = [0, 1].map(|axis| UNITS[axis].0 * f64::from(point[axis]) + UNITS[axis].1);
        writeln!(text, "{x},{y}").unwrap();
    }
    text
}

/// A directory with `rows.csv` and a model that was trained on it.
fn workshop() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("rows.csv"), rows(400)).unwrap();
    ok(
        directory.path(),
        &format!("train {SMALL} --data rows.csv --seed 3 --steps 60 --out model"),
    );
    directory
}

fn read(directory: &Path, name: &str) -> Vec<u8> {
    fs::read(directory.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// It failed from another directory, and after an edit gave other samples without a word.
#[test]
fn neither_another_directory_nor_an_edit_nor_the_loss_of_its_file_changes_what_a_model_says() {
    let workshop = workshop();
    let elsewhere = tempfile::tempdir().unwrap();
    let (home, away) = (workshop.path(), elsewhere.path());
    fs::write(home.join("p.csv"), "x,y\n0.5,-1\n0,0\n").unwrap();
    fs::copy(home.join("p.csv"), away.join("p.csv")).unwrap();
    let ask = |directory: &Path| {
        ok(
            directory,
            "sample --model model --n 50 --seed 2 --engine cpu --out s.csv --force",
        );
        ok(
            directory,
            "field --model model --t 0.4 --points p.csv --engine cpu --out f.csv",
        );
        let (measured, _) = ok(directory, "measure --samples s.csv --model model --json");
        (read(directory, "s.csv"), read(directory, "f.csv"), measured)
    };
    let before = ask(home);
    fs::write(home.join("rows.csv"), "x,y\n1,2\n3,4\n5,7\n").unwrap();
    assert!(ask(home) == before, "after an edit");
    fs::remove_file(home.join("rows.csv")).unwrap();
    assert!(ask(home) == before, "without the file");
    // Whole directories are moved, and the file alone.
    fs::create_dir(away.join("model")).unwrap();
    fs::copy(
        home.join("model/model.safetensors"),
        away.join("model/model.safetensors"),
    )
    .unwrap();
    assert!(ask(away) == before, "elsewhere");
    let settings: Value = serde_json::from_slice(&read(home, "model/experiment.json")).unwrap();
    let path = Path::new(settings["data"]["csv"].as_str().unwrap()).to_path_buf();
    assert!(
        path.is_absolute() && path.ends_with("rows.csv"),
        "{}",
        path.display()
    );
}

/// Mean and scale are those of the rows that are trained on, and samples lead back to where the rows are.
#[test]
fn samples_are_written_in_the_units_of_the_file_and_measured_alike() {
    let workshop = workshop();
    let home = workshop.path();
    ok(
        home,
        "sample --model model --n 300 --seed 2 --engine cpu --out standard.csv",
    );
    let (_, said) = ok(
        home,
        "sample --model model --n 300 --seed 2 --engine cpu --units data --out data.csv",
    );
    assert!(said.contains("in the units of its data"), "{said}");
    let parse = |name: &str| -> Vec<[f64; 2]> {
        let text = String::from_utf8(read(home, name)).unwrap();
        let row = |line: &str| {
            line.split_once(',')
                .map(|(x, y)| [x.parse().unwrap(), y.parse().unwrap()])
        };
        text.lines()
            .skip(1)
            .map(|line| row(line).unwrap())
            .collect()
    };
    let dataset = model_dir::load(&home.join("model"))
        .unwrap()
        .setup()
        .unwrap()
        .dataset;
    let map = dataset.standardisation;
    // Worked out here from the file: the rows that are in the model, found by their standardised place.
    let file: Vec<[f64; 2]> = parse("rows.csv");
    let trained: Vec<_> = file
        .iter()
        .filter(|row| dataset.points.contains(&map.apply(**row)))
        .collect();
    assert_eq!((trained.len(), dataset.points.len()), (350, 350));
    let mean = [0, 1].map(|axis| trained.iter().map(|row| row[axis]).sum::<f64>() / 350.0);
    let square = |row: &[f64; 2]| (row[0] - mean[0]).powi(2) + (row[1] - mean[1]).powi(2);
    let scale = (trained.iter().map(|row| square(row)).sum::<f64>() / 700.0).sqrt();
    assert!(
        (0..2).all(|axis| (map.mean[axis] - mean[axis]).abs() < 1e-9)
            && (map.scale - scale).abs() < 1e-9
    );
    for (standard, own) in parse("standard.csv").into_iter().zip(parse("data.csv")) {
        for axis in 0..2 {
            assert!(
                (own[axis] - (standard[axis] * scale + mean[axis])).abs() < 1e-4,
                "{own:?} {standard:?}"
            );
        }
    }
    let measure = |arguments: &str| ok(home, &format!("measure --json --samples {arguments}")).0;
    let standard = measure("standard.csv --data rows.csv");
    assert_eq!(measure("data.csv --data rows.csv --units data"), standard);
    assert_eq!(measure("data.csv --model model --units data"), standard);
    assert_ne!(
        measure("data.csv --data rows.csv"),
        standard,
        "a thousand away"
    );
    // Points to start from are understood in the same units.
    ok(
        home,
        "sample --model model --engine cpu --init standard.csv --out from-standard.csv",
    );
    ok(
        home,
        "sample --model model --engine cpu --init data.csv --units data --out from-data.csv",
    );
    let back: Vec<_> = parse("from-data.csv")
        .into_iter()
        .map(|row| map.apply(row))
        .collect();
    let straight: Vec<_> = parse("from-standard.csv")
        .into_iter()
        .map(|row| row.map(|c| c as f32))
        .collect();
    assert!(back == straight);
    // A file of samples is replaced by one in other units.
    ok(
        home,
        "sample --model model --n 3 --engine cpu --out data.csv",
    );
}

/// Bit for bit: settings, steps, and rows of a file that is another by now.
#[test]
fn config_repeats_a_run_by_one_command_from_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    fs::write(home.join("rows.csv"), rows(400)).unwrap();
    ok(
        home,
        &format!(
            "train {SMALL} --data rows.csv --schedule cosine --target v --octaves 2 --activation gelu --lr 0.002 \
             --ema-decay 0.99 --seed 11 --sampler heun --sampler-steps 9 --clip false --steps 70 --out first"
        ),
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let first = read(home, "first/model.safetensors");
    let again = |what: &str, more: &str| {
        let config = home.join(what);
        ok(
            elsewhere.path(),
            &format!(
                "train --engine cpu --config {} {more} --out again",
                config.display()
            ),
        )
        .1
    };
    for what in ["first/experiment.json", "first", "first/model.safetensors"] {
        again(what, "");
        assert!(
            read(elsewhere.path(), "again/model.safetensors") == first,
            "{what}"
        );
        assert_eq!(
            read(elsewhere.path(), "again/experiment.json"),
            read(home, "first/experiment.json")
        );
    }
    fs::write(home.join("rows.csv"), rows(300)).unwrap();
    let said = again("first/experiment.json", "");
    assert!(
        read(elsewhere.path(), "again/model.safetensors") == first,
        "its own rows"
    );
    assert_eq!(
        said.matches("rows.csv has changed since then").count(),
        1,
        "{said}"
    );
    let said = again(
        "first",
        &format!("--data {}", home.join("rows.csv").display()),
    );
    let saved = model_dir::load(&elsewhere.path().join("again")).unwrap();
    assert!(!said.contains("has changed"), "{said}");
    assert_eq!(
        saved.setup().unwrap().dataset.points.len(),
        263,
        "who names the file gets the file"
    );
    // A flag beside it wins, also one that says what is so anyway without a file.
    again("first", "--schedule linear --seed 0 --clip --steps 5");
    let saved = model_dir::load(&elsewhere.path().join("again")).unwrap();
    assert_eq!(
        (
            saved.state.step,
            saved.experiment.seed,
            saved.experiment.clip
        ),
        (5, 0, true)
    );
    assert_eq!(
        (saved.experiment.schedule.name(), saved.experiment.octaves),
        ("linear", 2)
    );

    fs::write(home.join("typo.json"), r#"{"widht": 64}"#).unwrap();
    let output = run(home, "train --config typo.json --steps 5 --out typo");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), said.lines().count()),
        (Some(1), 1),
        "{said}"
    );
    assert!(said.contains("'widht'") && said.contains("width"), "{said}");
}

/// A second experiment that is a model brings its rows with it.
#[test]
fn a_comparison_with_a_model_takes_the_models_own_rows() {
    let workshop = workshop();
    let home = workshop.path();
    let first = read(home, "model/model.safetensors");
    fs::remove_file(home.join("rows.csv")).unwrap();
    // Without an adapter there is no picture; the models are there all the same.
    ok(
        home,
        &format!("train {SMALL} --data circle --vs model --steps 60 --out both"),
    );
    assert!(read(home, "both/b/model.safetensors") == first);
}

/// The weights of a model of a built-in shape stand as they always stood; what is new is text.
#[test]
fn a_model_of_a_shape_holds_no_rows() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    ok(
        home,
        &format!("train {SMALL} --data moons --steps 5 --out shape"),
    );
    let bytes = read(home, "shape/model.safetensors");
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let names = file.names();
    assert!(
        names.iter().all(|name| name
            .split_once('.')
            .is_some_and(|(first, _)| first != "data")),
        "{names:?}"
    );
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let about: Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["data"]).unwrap();
    assert_eq!(
        (&about["mean"], &about["scale"]),
        (&serde_json::json!([0.0, 0.0]), &serde_json::json!(1.0))
    );
    assert!(
        about["clip"]["min"].is_array() && about["bandwidth"].is_null(),
        "{about}"
    );
}

/// A column of the name label gives classes: they are learned, kept with the model, and led to, also when the file is gone.
#[test]
fn the_classes_of_a_file_are_learned_and_kept_with_the_model() {
    let temp = tempfile::tempdir().unwrap();
    let mut text = String::from("x,y,label\n");
    for i in 0..400_i32 {
        let (side, along) = (i % 2, f64::from(i) / 400.0);
        let x = if side == 0 { -3.0 - along } else { 3.0 + along };
        let y = 0.2 * (f64::from(i) * 0.7).sin();
        writeln!(text, "{x},{y},{}", ["west", "east"][side as usize]).unwrap();
    }
    std::fs::write(temp.path().join("sides.csv"), text).unwrap();
    let train =
        "train --data sides.csv --labels --width 32 --depth 2 --steps 900 --engine cpu --out model";
    let (_, told) = ok(&temp, train);
    assert!(told.contains("can be learned as classes"), "{told}");
    std::fs::remove_file(temp.path().join("sides.csv")).unwrap();
    let sample = "sample --model model --label east --n 200 --steps 20 --units data --engine cpu --out east.csv";
    ok(&temp, sample);
    let samples = std::fs::read_to_string(temp.path().join("east.csv")).unwrap();
    let x = samples
        .lines()
        .skip(1)
        .map(|row| row.split(',').next().unwrap());
    let east = x.filter(|x| x.parse::<f64>().unwrap() > 0.0).count();
    assert!(east > 180, "{east} of 200 lie in the east");
    let wrong = fails(&temp, "sample --model model --label north --out no.csv");
    assert!(wrong.contains("use east, west"), "{wrong}");
    // A file without the column has none.
    std::fs::write(temp.path().join("plain.csv"), "x,y\n0,1\n2,3\n4,4\n").unwrap();
    let wrong = fails(&temp, "train --data plain.csv --labels --steps 1 --out no");
    assert!(wrong.contains("name a column label or class"), "{wrong}");
    assert!(!temp.path().join("no").exists());
}
