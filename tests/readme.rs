//! README's snippet opens a model in PyTorch: its very text is run, and says what the lab says.
//!
//! Where PyTorch is not installed it runs on a stand-in of NumPy, `tests/stand_in`, which knows no more of PyTorch than the
//! snippet needs. Python is needed, and one of the two.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const BINARY: &str = env!("CARGO_BIN_EXE_noise-compass");

/// The one block of Python in the README.
fn snippet() -> String {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let blocks: Vec<&str> = readme
        .split("```python\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let [block] = blocks[..] else {
        panic!("{} blocks of Python", blocks.len())
    };
    block.to_owned()
}

fn text(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn lab(directory: &Path, arguments: &str) {
    text(
        &Command::new(BINARY)
            .current_dir(directory)
            .args(arguments.split_whitespace())
            .output()
            .unwrap(),
    );
}

/// Python that can run the snippet: the first on the path may not be the system's, which has the system's packages.
fn python() -> Command {
    let found = |modules: &str| {
        ["python3", "/usr/bin/python3", "python"]
            .into_iter()
            .find(|python| {
                let output = Command::new(python).args(["-c", modules]).output();
                output.is_ok_and(|output| output.status.success())
            })
    };
    if let Some(python) = found("import torch, safetensors") {
        return Command::new(python);
    }
    let python = found("import numpy").expect(
        "README's snippet needs Python with torch and safetensors, or with numpy: apt-get install python3-numpy",
    );
    let mut python = Command::new(python);
    python
        .env("PYTHONPATH", Path::new(ROOT).join("tests/stand_in"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

#[test]
fn the_snippet_of_the_readme_says_what_the_lab_says() {
    let program = snippet() + "\nprint(*(float(value) for value in eps.flatten()))\n";
    for (activation, octaves) in [("silu", 3), ("gelu", 0), ("relu", 6), ("tanh", 1)] {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        fs::write(directory.join("points.csv"), "x,y\n0.5,-1\n").unwrap();
        fs::write(directory.join("snippet.py"), &program).unwrap();
        let shape = format!("--width 32 --depth 2 --activation {activation} --octaves {octaves}");
        lab(
            directory,
            &format!("train {shape} --points 256 --batch 32 --steps 50 --engine cpu --out model"),
        );
        lab(
            directory,
            "field --model model --t 0.4 --points points.csv --out field.csv --engine cpu",
        );
        let field = fs::read_to_string(directory.join("field.csv")).unwrap();
        let row: Vec<f64> = field
            .lines()
            .nth(1)
            .unwrap()
            .split(',')
            .map(|cell| cell.parse().unwrap())
            .collect();
        let said = text(
            &python()
                .current_dir(directory)
                .arg("snippet.py")
                .output()
                .unwrap(),
        );
        let said: Vec<f64> = said
            .split_whitespace()
            .map(|number| number.parse().unwrap())
            .collect();
        assert_eq!(said.len(), 2);
        for (said, expected) in said.iter().zip(&row[2..4]) {
            assert!(
                (said - expected).abs() < 1e-5 * expected.abs().max(1.0),
                "{activation}: {said} is not {expected}"
            );
        }
    }
}
