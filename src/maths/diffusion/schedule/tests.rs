use super::*;
use approx::assert_abs_diff_eq;

#[test]
fn alpha_bar_at_a_fifth_has_the_published_values() {
    assert_abs_diff_eq!(Schedule::Linear.alpha_bar(0.2, 1000), 0.658, epsilon = 5e-4);
    assert_abs_diff_eq!(Schedule::Cosine.alpha_bar(0.2, 1000), 0.899, epsilon = 5e-4);
}

/// The literal table of Ho et al. 2020 (β from 1e-4 to 0.02, T = 1000), multiplied out: an independent derivation.
#[test]
fn linear_is_the_limit_of_the_literal_table() {
    let mut alpha_bar = 1.0;
    for t in 0..1000 {
        alpha_bar *= 1.0 - (1e-4 + (0.02 - 1e-4) * f64::from(t) / 999.0);
        let tau = f64::from(t + 1) / 1000.0;
        assert_abs_diff_eq!(
            alpha_bar,
            Schedule::Linear.alpha_bar(tau, 1000),
            epsilon = 2e-3
        );
    }
}

#[test]
fn the_literal_table_is_itself_at_every_length() {
    assert_abs_diff_eq!(
        Schedule::Literal.alpha_bar(0.2, 1000),
        0.659,
        epsilon = 5e-4
    );
    for timesteps in [1, 2, 10, 250, 1000] {
        let mut product = 1.0;
        for t in 1..=timesteps {
            // torch.linspace(1e-4, 0.02, T), written as a weighted mean.
            let share = if timesteps == 1 {
                0.0
            } else {
                f64::from(t - 1) / f64::from(timesteps - 1)
            };
            let beta = 1e-4 * (1.0 - share) + 0.02 * share;
            product *= 1.0 - beta;
            let tau = f64::from(t) / f64::from(timesteps);
            assert_abs_diff_eq!(
                product,
                Schedule::Literal.alpha_bar(tau, timesteps),
                epsilon = 1e-12
            );
            assert_abs_diff_eq!(beta, Schedule::Literal.beta(t, timesteps), epsilon = 1e-12);
        }
    }
}

#[test]
fn a_short_literal_table_ends_with_signal_left_and_the_others_do_not() {
    // ln ᾱ_T ≈ −Σ (β + β²/2) with mean β 0.01005: −2.5125 − ½ 250 (0.01005² + 0.0199²/12) = −2.529.
    let left = Schedule::Literal.leftover_signal(250).unwrap();
    assert_abs_diff_eq!(left, (-2.529_f64).exp(), epsilon = 2e-4);
    assert_eq!(Schedule::Literal.leftover_signal(1000), None);
    for schedule in [
        Schedule::Linear,
        Schedule::Cosine,
        Schedule::Ve,
        Schedule::Flow,
        Schedule::Custom(LogSnr::default()),
    ] {
        assert_eq!(schedule.leftover_signal(250), None, "{schedule}");
    }
    let bright = Schedule::Custom(LogSnr::new([9.0, 4.0, 0.0, -2.0, -4.0]));
    assert_abs_diff_eq!(
        bright.leftover_signal(250).unwrap(),
        1.0 / (1.0 + 4.0_f64.exp()),
        epsilon = 1e-12
    );
}

#[test]
fn unshrunk_noise_adds_up_to_the_mean_beta_times_the_steps() {
    let sums = Schedule::Literal.summed_betas(1000);
    assert_eq!(sums.len(), 1001);
    assert_abs_diff_eq!(sums[1], 1e-4, epsilon = 1e-12);
    assert_abs_diff_eq!(sums[1000], 1000.0 * 0.5 * (1e-4 + 0.02), epsilon = 1e-9);
}

#[test]
fn schedules_are_read_as_they_are_written() {
    for schedule in Schedule::ALL
        .into_iter()
        .chain([Schedule::Custom(LogSnr::new([8.0, 1.5, 0.25, -3.0, -7.0]))])
    {
        assert_eq!(schedule.to_string().parse(), Ok(schedule));
        let json = serde_json::to_string(&schedule).unwrap();
        assert_eq!(json, format!("\"{schedule}\""));
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
    }
    for wrong in ["", "lineal", "custom", "custom:1,2,3,4,5", "quadratic"] {
        let error = wrong.parse::<Schedule>().unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("'{wrong}' is not a schedule")),
            "{error}"
        );
    }
}

#[test]
fn cosine_table_is_the_product_of_capped_betas() {
    for timesteps in [10, 100, 1000] {
        let f = |t: u32| {
            let tau = f64::from(t) / f64::from(timesteps);
            ((tau + 0.008) / 1.008 * std::f64::consts::PI / 2.0)
                .cos()
                .powi(2)
        };
        let mut product = 1.0;
        for t in 1..=timesteps {
            product *= 1.0 - (1.0 - f(t) / f(t - 1)).min(0.999);
            let tau = f64::from(t) / f64::from(timesteps);
            assert_abs_diff_eq!(
                product,
                Schedule::Cosine.alpha_bar(tau, timesteps),
                epsilon = 1e-12
            );
        }
    }
}

fn cliffs() -> [Schedule; 3] {
    LogSnr::CLIFFS.map(Schedule::Custom)
}

#[test]
fn every_path_runs_from_data_to_noise_and_loses_signal_all_the_way() {
    for schedule in Schedule::every().into_iter().chain(cliffs()) {
        for timesteps in [1, 10, 1000, 4000] {
            assert_eq!(
                schedule.scales(0.0, timesteps),
                Scales { a: 1.0, s: 0.0 },
                "{schedule}"
            );
            let mut last = f64::INFINITY;
            for step in 1..=timesteps {
                let snr = schedule
                    .scales(f64::from(step) / f64::from(timesteps), timesteps)
                    .snr();
                assert!(
                    snr < last && snr >= 0.0,
                    "{schedule} at {step} of {timesteps}: {snr} after {last}"
                );
                last = snr;
            }
            let reaches_noise = schedule.leftover_signal(timesteps).is_none();
            assert!(
                !reaches_noise || last < 0.011,
                "{schedule}, T = {timesteps} ends at SNR {last}"
            );
        }
    }
}

/// Where a² and s² are formed apart they still add up, and near the data s² keeps its digits: there it is the slope of
/// ᾱ times τ, by another formula (the derivative written out).
#[test]
fn signal_and_noise_are_two_sides_of_one_path_to_the_last_digit() {
    for schedule in Schedule::every()
        .into_iter()
        .chain(cliffs())
        .filter(|schedule| schedule.preserves_variance())
    {
        for timesteps in [1, 10, 100, 1000, 4000] {
            for k in 0..=400 {
                let Scales { a, s } = schedule.scales(f64::from(k) / 400.0, timesteps);
                assert_abs_diff_eq!(a * a + s * s, 1.0, epsilon = 1e-15);
            }
        }
    }
    let tau = 1e-9;
    let angle = 0.008 / 1.008 * std::f64::consts::FRAC_PI_2;
    let cosine_slope = 2.0 * angle.tan() * std::f64::consts::FRAC_PI_2 / 1.008;
    for (schedule, slope) in [
        (Schedule::Linear, 0.1),
        (Schedule::Cosine, cosine_slope),
        (Schedule::Literal, -(-1e-4_f64).ln_1p() * 1e3),
    ] {
        let ratio = schedule.noise_variance(tau, 1000) / (slope * tau);
        assert!((ratio - 1.0).abs() < 2e-7, "{schedule}: {ratio}");
    }
}
