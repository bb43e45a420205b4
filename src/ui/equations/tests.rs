//! Every formula, read from what is shown, against what runs.

use crate::equations::evaluate::Letters;
use crate::equations::*;
use maths::diffusion::log_snr::LogSnr;
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::{Factors, Variance};
use maths::diffusion::target::{Combination, Target};

/// Every schedule, one's own among them.
fn schedules() -> Vec<Schedule> {
    let own = [
        LogSnr::default(),
        LogSnr::new([11.0, 2.0, 1.0, -3.0, -12.0]),
    ]
    .map(Schedule::Custom);
    Schedule::ALL.into_iter().chain(own).collect()
}

/// ᾱ_t, σ_t and t of the formulas, from their definitions where these are closed forms.
fn letters(schedule: Schedule, tau: f64, timesteps: u32) -> [f64; 3] {
    let alpha_bar = match schedule {
        Schedule::Linear => (-0.1 * tau - 9.95 * tau * tau).exp(),
        _ => schedule.alpha_bar(tau, timesteps),
    };
    [alpha_bar, 0.01 * 1000.0_f64.powf(tau), tau]
}

fn right_side(line: &str) -> &str {
    line.split_once(" = ")
        .or_else(|| line.split_once(" ≈ "))
        .expect("an equation")
        .1
}

#[test]
fn the_jump_shown_has_the_scales_that_run() {
    for schedule in schedules() {
        for (timesteps, tau) in [
            (10, 0.1),
            (10, 1.0),
            (1000, 0.001),
            (1000, 0.2),
            (1000, 0.731),
            (1000, 1.0),
        ] {
            let [alpha_bar, sigma, t] = letters(schedule, tau, timesteps);
            let at = |x_0, epsilon| {
                let letters = [
                    ("ᾱ_t", alpha_bar),
                    ("σ_t", sigma),
                    ("t", t),
                    ("x_0", x_0),
                    ("ε", epsilon),
                ];
                Letters::new(letters).value(right_side(&jump(schedule).text()))
            };
            let Scales { a, s } = schedule.scales(tau, timesteps);
            let [shown_a, shown_s] = [at(1.0, 0.0), at(0.0, 1.0)];
            assert!(
                (shown_a - a).abs() < 1e-9 && (shown_s - s).abs() < 1e-9,
                "{schedule} {tau}: {shown_a} {shown_s}"
            );
        }
    }
}

/// Whatever the network predicts, for any x and any output.
#[test]
fn the_score_shown_is_the_one_that_the_networks_output_is_turned_into() {
    for schedule in schedules() {
        for target in Target::ALL {
            for tau in [0.05, 0.2, 0.5, 0.93] {
                let scales = schedule.scales(tau, 1000);
                let [alpha_bar, sigma, t] = letters(schedule, tau, 1000);
                let text = score(schedule, target).text();
                for (x, output) in [(1.0, 0.0), (0.0, 1.0), (-0.7, 1.9)] {
                    let outputs = [
                        "ε_θ(x, t)",
                        "x_θ(x, t)",
                        "v_θ(x, t)",
                        "s_θ(x, t)",
                        "u_θ(x, t)",
                        "F_θ(x, t)",
                    ];
                    // Only the present target's output is a letter of its formula.
                    let output = |name| {
                        (
                            name,
                            if name == outputs[target as usize] {
                                output
                            } else {
                                f64::NAN
                            },
                        )
                    };
                    let [e, x_0, v, s, u, f] = outputs.map(output);
                    let known = [
                        ("ᾱ_t", alpha_bar),
                        ("σ_t", sigma),
                        ("t", t),
                        ("x", x),
                        e,
                        x_0,
                        v,
                        s,
                        u,
                        f,
                        ("ε\u{302}", f64::NAN),
                    ];
                    let mut lines = text.lines();
                    let first = lines.next().expect("a line");
                    let mut all = known;
                    if let Some(line) = lines.next() {
                        all[10].1 = Letters::new(known).value(right_side(line));
                    }
                    let shown = Letters::new(all).value(right_side(first));
                    let Combination(k_x, k_o) = target.to_score(scales);
                    let expected = k_x * x + k_o * [e, x_0, v, s, u, f][target as usize].1;
                    let room = 1e-9 * (1.0 + k_x.abs() + k_o.abs());
                    assert!(
                        (shown - expected).abs() < room,
                        "{schedule} {target:?} {tau}: {shown} {expected}\n{text}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_posterior_shown_is_that_of_the_step_that_runs() {
    for schedule in schedules() {
        for (tau, earlier) in [
            (1.0, 0.95),
            (0.9, 0.85),
            (0.2, 0.15),
            (0.201, 0.2),
            (0.05, 0.0),
        ] {
            let (now, next) = (schedule.scales(tau, 1000), schedule.scales(earlier, 1000));
            let [alpha_bar, alpha_bar_next] =
                [tau, earlier].map(|tau| schedule.alpha_bar(tau, 1000));
            let alpha = alpha_bar / alpha_bar_next;
            let letters = Letters::new([
                ("ᾱ", alpha_bar),
                ("ᾱ′", alpha_bar_next),
                ("α", alpha),
                ("β", 1.0 - alpha),
                ("a", now.a),
                ("a′", next.a),
                ("s", now.s),
                ("s′", next.s),
            ]);
            let shown = posterior(schedule);
            for (variance, formula) in [
                (Variance::BetaTilde, shown.variance),
                (Variance::Beta, shown.forward),
            ] {
                let Factors {
                    x: c_t,
                    x_0: c_0,
                    z: sigma,
                } = variance.step(now, next);
                let [mine_0, mine_t, squared] =
                    [shown.c_0, shown.c_t, formula].map(|formula| letters.value(formula));
                let what = format!("{schedule} {tau} {variance:?}");
                assert!(
                    (mine_0 - c_0).abs() < 1e-9 && (mine_t - c_t).abs() < 1e-9,
                    "{what}: {mine_0} {mine_t}"
                );
                // The last step to the data adds nothing, by either variance.
                assert!(
                    earlier == 0.0 || (squared - sigma * sigma).abs() < 1e-9,
                    "{what}: {squared} {}",
                    sigma * sigma
                );
            }
        }
    }
}

/// A schedule's family is its own: neither words nor signs of another.
#[test]
fn every_family_is_told_apart_in_signs_and_in_words() {
    for schedule in schedules() {
        let mut all = vec![
            jump(schedule),
            step(schedule),
            growing(schedule),
            rootless(schedule),
        ];
        all.extend(Target::ALL.map(|target| score(schedule, target)));
        for Equation { spoken, .. } in &all[..3] {
            let signs = [
                spoken.contains("alpha bar") || spoken.contains("beta"),
                spoken.contains("sigma t "),
            ];
            let expected = match schedule.family() {
                Family::Preserving => [true, false],
                Family::Exploding => [false, true],
                Family::Flow => [false, false],
            };
            assert_eq!(signs, expected, "{schedule}: {spoken}");
        }
        let texts: Vec<_> = all.iter().map(Equation::text).collect();
        assert_eq!(
            texts.iter().any(|text| text.contains("α\u{304}")),
            schedule.preserves_variance(),
            "{schedule}: {texts:?}"
        );
    }
}

/// The lines of the paper: what the network is shown at line 5 of the training is x_t, and line 4 of the sampling is the step
/// with x̂_0 = (x_t − √(1 − ᾱ_t) ε̂)/√ᾱ_t, of every schedule that has the paper's letters; of the others what stands beside it.
#[test]
fn the_lines_of_the_algorithms_are_what_runs() {
    let timesteps = 1000;
    for schedule in schedules() {
        for t in [1, 2, 130, 500, 999] {
            let at = |t: u32| f64::from(t) / f64::from(timesteps);
            let [now, next] = [t, t - 1].map(|t| schedule.scales(at(t), timesteps));
            let [alpha_bar, ..] = letters(schedule, at(t), timesteps);
            let [before, ..] = letters(schedule, at(t - 1), timesteps);
            for (x_0, x_t, epsilon, z) in [(0.7, -0.9, 1.3, 0.4), (-1.1, 0.2, -0.6, -1.7)] {
                let of_variance = Variance::Beta.step(now, next);
                let Factors {
                    x,
                    x_0: c_0,
                    z: sigma,
                } = of_variance;
                let estimate = (x_t - now.s * epsilon) / now.a;
                let expected = x * x_t + c_0 * estimate + sigma * z;
                let values = Letters::new([
                    ("ᾱ_t", alpha_bar),
                    ("α_t", alpha_bar / before),
                    ("x_0", x_0),
                    ("x_t", x_t),
                    ("ε_θ(x_t, t)", epsilon),
                    ("ε", epsilon),
                    ("σ_t", sigma),
                    ("z", z),
                    ("c_t", x),
                    ("c_0", c_0),
                    ("x̂_0", estimate),
                ]);
                let own = algorithms::step(schedule);
                assert_eq!(own.is_none(), schedule.preserves_variance());
                let line = own.unwrap_or_else(|| algorithms::sampling()[3].clone());
                let shown = values.value(right_side(&line.text()));
                let size = 1.0 + expected.abs();
                assert!(
                    (shown - expected).abs() < 1e-7 * size,
                    "{schedule}, {t}: {shown}, {expected}"
                );
                if schedule.preserves_variance() {
                    let text = algorithms::training()[4].text();
                    let seen = text.split_once("ε_θ(").unwrap().1;
                    let seen = seen.rsplit_once(", t)").unwrap().0;
                    let expected = now.a * x_0 + now.s * epsilon;
                    assert!((values.value(seen) - expected).abs() < 1e-9, "{seen}");
                }
            }
        }
    }
}
