//! `measure --elbo`: the variational bound of a model as JSON and as a table.

#[path = "common/command.rs"]
mod command;

use command::{directory, fails, ok, said, wrong_usage};
use serde_json::Value;

/// A small model of N(0, I) in few timesteps, and the directory that holds it as `model`.
fn model(schedule: &str) -> tempfile::TempDir {
    let at = directory();
    let train = format!(
        "train --engine cpu --data gaussian --schedule {schedule} --timesteps 20 --width 32 --depth 2 --points 4096 --steps 1500 --out model"
    );
    ok(&at, &train);
    at
}

fn number(row: &Value, key: &str) -> f64 {
    row[key]
        .as_f64()
        .unwrap_or_else(|| panic!("no {key} in {row}"))
}

/// N(0, I): by the exact denoiser and the best variances all that is lost is at the prior, and that is nothing, so the bound is the
/// entropy ln 2πe, for every T. A network's bound lies above, and the parts add up.
#[test]
fn the_bound_of_a_gaussian_is_its_entropy() {
    for schedule in ["linear", "flow"] {
        let at = model(schedule);
        let run = "measure --engine cpu --model model --elbo --points 3000 --json";
        let json: Value = serde_json::from_str(&ok(&at, run)).unwrap();
        assert!(json.get("w2").is_none(), "no samples were given: {json}");
        let elbo = &json["elbo"];
        assert_eq!(elbo["timesteps"], 20);
        assert_eq!(elbo["points"], 3000);
        let entropy = (std::f64::consts::TAU * std::f64::consts::E).ln();
        assert!((number(elbo, "entropy") - entropy).abs() < 1e-3, "{elbo}");
        for name in ["beta", "beta-tilde", "analytic", "least"] {
            for whose in ["learned", "exact"] {
                let row = &elbo[whose][name];
                let (above, error) = (
                    number(row, "above_entropy"),
                    number(row, "above_entropy_error"),
                );
                assert!(
                    above > -3.0 * error,
                    "{schedule}, {whose}, {name}: {above} ± {error}"
                );
                let parts = ["prior_matching", "denoising", "reconstruction"];
                let sum: f64 = parts.iter().map(|part| number(row, part)).sum();
                let total = number(row, "total");
                assert!(
                    (sum - total).abs() < 2e-3 * (1.0 + total.abs()),
                    "{sum}, {total}"
                );
                let terms = row["terms"].as_array().unwrap();
                assert_eq!(
                    (terms.len(), row["sigma_squared"].as_array().unwrap().len()),
                    (20, 20)
                );
                let later: f64 = terms[1..].iter().map(|term| term.as_f64().unwrap()).sum();
                assert!(
                    (later - number(row, "denoising")).abs() < 1e-2 * (1.0 + later),
                    "{later}"
                );
                assert_eq!(terms[0], row["reconstruction"]);
            }
        }
        let exact = &elbo["exact"]["least"];
        let lost = number(exact, "above_entropy").abs();
        assert!(
            lost < 3.0 * number(exact, "above_entropy_error") + 2e-3,
            "{schedule}: {exact}"
        );
        assert!(number(exact, "above_entropy_error") < 0.1, "{exact}");
        // A network of 1500 updates is near, and not there.
        let learned = number(&elbo["learned"]["least"], "total");
        assert!(
            learned < number(exact, "total") + 0.5,
            "{schedule}: {learned}"
        );
    }
}

#[test]
fn the_bound_stands_beside_what_is_measured_of_samples() {
    let at = model("cosine");
    ok(&at, "sample --engine cpu --model model --n 256 --out s.csv");
    let run = "measure --engine cpu --samples s.csv --model model --elbo --points 64";
    let json: Value = serde_json::from_str(&ok(&at, &format!("{run} --json"))).unwrap();
    assert!(
        json["w2"].is_f64() && json["elbo"]["learned"]["beta"]["total"].is_f64(),
        "{json}"
    );
    let (nothing, told) = said(&at, run);
    assert!(
        nothing.is_empty() && told.contains("| learned | beta-tilde |"),
        "{told}"
    );
    assert!(told.contains("2-Wasserstein"), "{told}");
    let without = ok(&at, "measure --samples s.csv --model model --json");
    assert!(!without.contains("elbo"), "{without}");
}

#[test]
fn a_bound_needs_a_model() {
    let at = directory();
    let told = wrong_usage(&at, "measure --elbo");
    assert!(told.contains("--model"), "{told}");
    let told = wrong_usage(&at, "measure --elbo --data moons");
    assert!(told.contains("--data"), "{told}");
    let told = wrong_usage(&at, "measure --model model --elbo --points 1");
    assert!(told.contains("points"), "{told}");
    let told = wrong_usage(&at, "measure --model model");
    assert!(told.contains("--samples"), "{told}");
    fails(&at, "measure --model nowhere --elbo");
}
