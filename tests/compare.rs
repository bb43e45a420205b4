//! `compare`: samplers side by side as a table, a CSV file and JSON.

#[path = "common/command.rs"]
mod command;

use command::{directory, fails, ok, said, wrong_usage};
use serde_json::Value;

/// A small model, and the directory that holds it as `model`.
fn model() -> tempfile::TempDir {
    let at = directory();
    ok(
        &at,
        "train --engine cpu --data 8gaussians --width 32 --depth 1 --batch 64 --points 512 --steps 30 --out model",
    );
    at
}

#[test]
fn every_sampler_has_its_rows_in_table_csv_and_json() {
    let at = model();
    let run = "compare --engine cpu --model model --samplers ddim,heun,edm:20,langevin --steps 4..8 --seeds 2 --n 256 --out out";
    let table = ok(&at, run);
    let file = std::fs::read_to_string(at.path().join("out/compare.md")).unwrap();
    assert_eq!(table, file, "what is printed is what is kept");
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), 8);
    // The landing takes one evaluation, Heun's other steps two, and churn none; five at each of Langevin's levels.
    for (row, cells) in [
        (0, "| ddim | even | 4 | 4 |"),
        (3, "| heun | crowded | 8 | 15 |"),
        (5, "| edm:20 | karras | 8 | 15 |"),
        (7, "| langevin | log-snr | 8 | 36 |"),
    ] {
        assert!(rows[row].starts_with(cells), "{}", rows[row]);
    }
    let csv = std::fs::read_to_string(at.path().join("out/compare.csv")).unwrap();
    assert_eq!(csv.lines().count(), 9);
    // The picture is for print: white, and with the colours of three samplers and their names' ink.
    let picture = at.path().join("out/compare.png");
    let painted = image::open(&picture).unwrap().to_rgb8();
    assert_eq!(painted.dimensions(), (1600, 900));
    let has = |wanted: [u8; 3]| painted.pixels().filter(|pixel| pixel.0 == wanted).count();
    for color in [[0, 114, 178], [190, 120, 0], [0, 130, 95], [168, 70, 128]] {
        assert!(has(color) > 150, "{color:?}: {}", has(color));
    }
    // Ours is replaced, and JSON is one object with the same rows.
    let (json, told) = said(&at, &format!("{run} --json --placement log-snr --exact"));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(told.contains("8 rows"), "{told}");
    assert_eq!(json["field"], "exact");
    assert!(
        json["picture"].as_str().unwrap().ends_with("compare.png"),
        "{json}"
    );
    let of = |row: usize, key: &str| json["rows"][row][key].clone();
    assert_eq!(of(2, "placement"), "log-snr");
    // The handles of one's own have commas, and are one cell in CSV.
    said(&at, &format!("{run} --placement own:0.8,0.5,0.2"));
    let csv = std::fs::read_to_string(at.path().join("out/compare.csv")).unwrap();
    assert!(
        csv.lines()
            .skip(1)
            .all(|row| row.contains(",\"own:0.8,0.5,0.2\",")),
        "{csv}"
    );
    // From the same noise by the same field a deterministic sampler has an order; one with noise of its own has none.
    assert!(of(1, "order").as_f64().unwrap() > 0.5, "{json}");
    assert!(of(3, "apart").as_f64().unwrap() < of(2, "apart").as_f64().unwrap());
    assert!(of(5, "apart").is_null() && of(0, "order").is_null());
}

#[test]
fn what_cannot_be_compared_is_refused_before_the_work() {
    let at = model();
    let run = "compare --engine cpu --model model --seeds 1 --n 64 --out out";
    let told = wrong_usage(&at, &format!("{run} --samplers heun,hein"));
    assert!(told.contains("'hein' is not a sampler"), "{told}");
    let told = wrong_usage(&at, &format!("{run} --steps 8..4"));
    assert!(told.contains("neither FROM..TO"), "{told}");
    let told = fails(&at, &format!("{run} --steps 2000"));
    assert!(told.contains("more than the 1000 timesteps"), "{told}");
    assert!(!at.path().join("out").exists());
    std::fs::create_dir(at.path().join("out")).unwrap();
    std::fs::write(at.path().join("out/compare.md"), "my notes\n").unwrap();
    let told = fails(&at, &format!("{run} --steps 4"));
    assert!(told.contains("compare.md"), "{told}");
    let notes = std::fs::read_to_string(at.path().join("out/compare.md")).unwrap();
    assert_eq!(notes, "my notes\n");
}

/// A built-in sampler that was printed has one row, at its own number of steps, with the numbers of its name's.
#[test]
fn a_plan_file_is_compared_like_a_name() {
    let at = model();
    let plan = ok(
        &at,
        "sample --engine cpu --model model --sampler heun --steps 6 --print-plan",
    );
    std::fs::write(at.path().join("mine.json"), plan).unwrap();
    let run = "compare --engine cpu --model model --samplers ddim,mine.json,heun --steps 3,6 --seeds 2 --n 256 --out out --json";
    let json: Value = serde_json::from_str(&ok(&at, run)).unwrap();
    let rows = json["rows"].as_array().unwrap();
    let named = |name: &'static str| rows.iter().filter(move |row| row["sampler"] == name);
    let [mine] = named("mine.json").collect::<Vec<_>>()[..] else {
        panic!("{json:#}")
    };
    assert_eq!(
        (rows.len(), &rows[2]),
        (5, mine),
        "in the order of the list"
    );
    assert_eq!(
        [&mine["placement"], &mine["steps"], &mine["evaluations"]],
        [&Value::from("file"), &Value::from(6), &Value::from(11)]
    );
    let heun = named("heun").find(|row| row["steps"] == 6).unwrap();
    for key in [
        "sliced_w2",
        "sliced_w2_error",
        "floors",
        "surprise",
        "apart",
    ] {
        assert!(mine[key].is_number(), "{key}");
        assert_eq!(mine[key], heun[key], "{key}");
    }
    assert!(mine["order"].is_null() && heun["order"].is_number());
    let file = |name: &str| std::fs::read_to_string(at.path().join("out").join(name)).unwrap();
    assert!(file("compare.md").contains("| mine.json | file | 6 | 11 |"));
    assert!(file("compare.csv").contains("\nmine.json,file,6,11,"));
    // Its curve has the second colour.
    let painted = image::open(at.path().join("out/compare.png")).unwrap();
    let has = |wanted: [u8; 3]| painted.to_rgb8().pixels().any(|pixel| pixel.0 == wanted);
    assert!(has([190, 120, 0]));
    // No name of a built-in one is taken by a file, and more steps than T are refused of names alone.
    std::fs::copy(at.path().join("mine.json"), at.path().join("heun.json")).unwrap();
    let table = ok(
        &at,
        "compare --engine cpu --model model --samplers heun.json --steps 2000 --seeds 1 --n 64 --out out",
    );
    assert!(table.contains("| heun.json | file | 6 |"), "{table}");
}

#[test]
fn a_file_that_is_no_plan_for_the_model_is_refused_before_the_work() {
    let at = model();
    let run = "compare --engine cpu --model model --seeds 1 --n 64 --out out --samplers ddim";
    let told = fails(&at, &format!("{run},none.json"));
    assert!(told.contains("cannot read the plan none.json"), "{told}");
    for (json, words) in [
        ("{", "it is no plan"),
        (r#"{"stages": []}"#, "from 1 to 100000"),
        (
            r#"{"schedule": "flow", "stages": [{"t": 1, "to": 0, "x": {"x_0": 1}}]}"#,
            "made for the schedule flow, and the model has",
        ),
        (
            r#"{"timesteps": 7, "stages": [{"t": 1, "to": 0, "x": {"x_0": 1}}]}"#,
            "made for T = 7",
        ),
    ] {
        std::fs::write(at.path().join("mine.json"), json).unwrap();
        let told = fails(&at, &format!("{run},mine.json"));
        let begin = "noise-compass: mine.json is no plan for this model: ";
        assert!(told.starts_with(begin) && told.contains(words), "{told}");
    }
    let told = fails(&at, &format!("{run},model/experiment.json"));
    assert!(told.contains("the settings of an experiment"), "{told}");
    // A row is known by its name.
    let stage = r#"{"stages": [{"t": 1, "to": 0, "x": {"x_0": 1}}]}"#;
    std::fs::write(at.path().join("mine.json"), stage).unwrap();
    std::fs::write(
        at.path().join("model/mine.json"),
        stage.replace(": 1}", ": 0.5}"),
    )
    .unwrap();
    let told = fails(&at, &format!("{run},mine.json,model/mine.json"));
    assert!(
        told.contains("two plan files are called mine.json"),
        "{told}"
    );
    assert!(!at.path().join("out").exists());
}
