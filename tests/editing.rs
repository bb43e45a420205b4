//! Editing: up to the noise and back, from a placed cloud, and with a coordinate known.

#[path = "common/command.rs"]
mod command;

use command::{directory, fails, ok, wrong_usage};

/// A small model that has learned a little.
fn model() -> tempfile::TempDir {
    let at = directory();
    ok(
        &at,
        "train --engine cpu --data 8gaussians --width 32 --depth 2 --batch 64 --points 512 --steps 400 --timesteps 100 --out model",
    );
    at
}

fn points(at: &tempfile::TempDir, name: &str) -> Vec<[f64; 2]> {
    let text = std::fs::read_to_string(at.path().join(name)).unwrap();
    let rows = text.lines().skip(1);
    rows.map(|row| {
        let (x, y) = row.split_once(',').unwrap();
        [x.parse().unwrap(), y.parse().unwrap()]
    })
    .collect()
}

fn mean_distance(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
    let pairs = a.iter().zip(b);
    let sum: f64 = pairs.map(|(p, q)| (p[0] - q[0]).hypot(p[1] - q[1])).sum();
    sum / a.len() as f64
}

/// Samples go up to their noise and come back, the nearer the more steps; and a placed cloud strays the farther the later it is
/// let go.
#[test]
fn the_command_goes_up_and_down_and_from_between() {
    let at = model();
    let run = "sample --engine cpu --model model";
    ok(&at, &format!("{run} --n 200 --out data.csv"));
    let data = points(&at, "data.csv");
    let errors = [10, 40, 100].map(|steps| {
        let by = format!("{run} --sampler heun --placement crowded --steps {steps}");
        ok(&at, &format!("{by} --invert data.csv --out latents.csv"));
        ok(&at, &format!("{by} --init latents.csv --out back.csv"));
        mean_distance(&data, &points(&at, "back.csv"))
    });
    println!("there and back by Heun in 10, 40, 100 steps: {errors:?}");
    assert!(
        errors[1] < 0.5 * errors[0] && errors[2] < 0.06,
        "{errors:?}"
    );
    let latents = points(&at, "latents.csv");
    let square: f64 = latents.iter().map(|p| p[0] * p[0] + p[1] * p[1]).sum();
    assert!((square / 400.0 - 1.0).abs() < 0.4, "{}", square / 400.0);

    let rows = (0..200).map(|k| format!("{},0.8\n", 0.002 * f64::from(k)));
    let placed = format!("x,y\n{}", rows.collect::<String>());
    std::fs::write(at.path().join("placed.csv"), placed).unwrap();
    let placed = points(&at, "placed.csv");
    let moved = [0.1, 0.5, 1.0].map(|tau| {
        let by = format!("{run} --sampler ddpm --init placed.csv --from-t {tau}");
        ok(&at, &format!("{by} --trajectory way.csv --out moved.csv"));
        let way = std::fs::read_to_string(at.path().join("way.csv")).unwrap();
        assert!(
            way.lines()
                .nth(1)
                .unwrap()
                .starts_with(&format!("0,0,{tau},"))
        );
        mean_distance(&placed, &points(&at, "moved.csv"))
    });
    println!("a placed cloud moves from t/T = 0.1, 0.5, 1 by {moved:?}");
    assert!(moved[0] < moved[1] && moved[1] < moved[2], "{moved:?}");
}

#[test]
fn what_cannot_be_edited_is_refused_before_the_work() {
    let at = model();
    std::fs::write(at.path().join("p.csv"), "x,y\n0.5,-1\n").unwrap();
    let run = "sample --engine cpu --model model --out out.csv";
    let told = fails(&at, &format!("{run} --sampler ddpm --invert p.csv"));
    assert!(told.contains("ddim, euler, heun, rk4"), "{told}");
    let stage = r#"{"stages": [{"t": 1, "to": 0, "x": {"x_0": 1}}]}"#;
    std::fs::write(at.path().join("mine.json"), stage).unwrap();
    let told = fails(
        &at,
        &format!("{run} --sampler mine.json --init p.csv --from-t 0.5"),
    );
    assert!(told.contains("leave out --from-t"), "{told}");
    for (flags, words) in [
        ("--from-t 0.5", "--init"),
        ("--init p.csv --from-t 0", "above 0"),
        ("--init p.csv --invert p.csv", "--invert"),
    ] {
        let told = wrong_usage(&at, &format!("{run} {flags}"));
        assert!(told.contains(words), "{told}");
    }
}
