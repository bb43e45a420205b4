//! A sampler as a file, printed and read, and the way of every particle.

#[path = "common/command.rs"]
mod command;

use command::{directory, fails, ok, said, wrong_usage};

fn model(schedule: &str) -> tempfile::TempDir {
    let at = directory();
    let settings = "--engine cpu --data 8gaussians --width 32 --depth 1 --batch 64 --points 512 --steps 20 --timesteps 100";
    ok(
        &at,
        &format!("train {settings} --schedule {schedule} --out model"),
    );
    at
}

fn text(at: &tempfile::TempDir, name: &str) -> String {
    std::fs::read_to_string(at.path().join(name)).unwrap()
}

/// What is printed runs as what it was printed of, bit for bit, with noise and without.
#[test]
fn a_plan_that_was_printed_is_the_sampler() {
    let at = model("cosine");
    for sampler in ["ddpm", "edm:40", "unipc", "pc", "ab4"] {
        let of = format!("sample --engine cpu --model model --sampler {sampler} --steps 12");
        let (plan, _) = said(&at, &format!("{of} --print-plan"));
        std::fs::write(at.path().join("mine.json"), plan).unwrap();
        ok(&at, &format!("{of} --n 200 --out by-name.csv"));
        ok(
            &at,
            "sample --engine cpu --model model --sampler mine.json --n 200 --out by-file.csv",
        );
        assert_eq!(
            text(&at, "by-name.csv"),
            text(&at, "by-file.csv"),
            "{sampler}"
        );
    }
}

/// The example of docs/own-sampler.md is DDIM in two steps.
#[test]
fn the_example_of_the_document_is_what_it_says() {
    let document = include_str!("../docs/own-sampler.md");
    let begin = document.find("    {\"schedule\"").unwrap();
    let json: String = document[begin..].lines().take(4).collect();
    let at = model("flow");
    std::fs::write(at.path().join("mine.json"), json).unwrap();
    let run = "sample --engine cpu --model model --n 100 --no-clip";
    ok(&at, &format!("{run} --sampler mine.json --out mine.csv"));
    ok(
        &at,
        &format!("{run} --sampler ddim --steps 2 --out ddim.csv"),
    );
    let points = |name: &str| -> Vec<f64> {
        let text = text(&at, name);
        let cells = text.lines().skip(1).flat_map(|line| line.split(','));
        cells.map(|cell| cell.parse().unwrap()).collect()
    };
    for (mine, ddim) in points("mine.csv").into_iter().zip(points("ddim.csv")) {
        assert!((mine - ddim).abs() < 1e-5, "{mine}, {ddim}");
    }
}

/// Every particle at every step, from its start to its sample.
#[test]
fn trajectories_begin_at_the_start_and_end_at_the_samples() {
    let at = model("linear");
    std::fs::write(at.path().join("init.csv"), "x,y\n0.5,-1\n2,0.25\n").unwrap();
    ok(
        &at,
        "sample --engine cpu --model model --sampler heun --steps 5 --init init.csv --out ends.csv --trajectory way.csv",
    );
    let way = text(&at, "way.csv");
    let rows: Vec<Vec<&str>> = way.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["particle", "step", "t", "x", "y"]);
    assert_eq!(rows.len(), 1 + 2 * 6);
    assert_eq!(rows[1], ["0", "0", "1", "0.5", "-1"]);
    assert_eq!(rows[7], ["1", "0", "1", "2", "0.25"]);
    let ends = text(&at, "ends.csv");
    for (particle, end) in ends.lines().skip(1).enumerate() {
        let row = &rows[6 * (particle + 1)];
        assert_eq!(row[..3], [&*particle.to_string(), "5", "0"]);
        assert_eq!(row[3..].join(","), end);
    }
}

#[test]
fn what_is_no_plan_for_the_model_is_refused_before_the_work() {
    let at = model("cosine");
    let run = "sample --engine cpu --model model --out out.csv";
    let told = fails(&at, &format!("{run} --sampler none.json"));
    assert!(told.contains("cannot read the plan none.json"), "{told}");
    for (json, words) in [
        ("{", "it is no plan"),
        (r#"{"stages": []}"#, "from 1 to 100000"),
        (
            r#"{"schedule": "flow", "stages": [{"t": 1, "to": 0, "x": {"x_0": 1}}]}"#,
            "the model has cosine",
        ),
    ] {
        std::fs::write(at.path().join("mine.json"), json).unwrap();
        let told = fails(&at, &format!("{run} --sampler mine.json"));
        assert!(told.contains("mine.json") && told.contains(words), "{told}");
    }
    let told = fails(&at, &format!("{run} --sampler mine.json --steps 4"));
    assert!(told.contains("leave out --steps"), "{told}");
    assert!(!at.path().join("out.csv").exists());
    // Without --out there is nothing to do, but with --print-plan.
    let told = wrong_usage(&at, "sample --model model");
    assert!(told.contains("--out"), "{told}");
}
