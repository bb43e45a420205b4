//! What every stochastic solver makes of one Gaussian, exactly: each stage is linear in the registers and in fresh noise.

use super::orders::{context, posterior, width};
use super::{Mix, Plan, Sampler, Schedule, Variance};

/// Registers of a particle: x, the base, four memories.
const REGISTERS: usize = 6;

/// Mean and variance of the ends under the exact x̂_0 of N(m, σ²), from those of p_T: the covariance of the registers, stage by stage.
fn moments(plan: &Plan, gaussian: [f64; 2]) -> (f64, f64) {
    let first = plan.steps[0].scales;
    let mut mean = [0.0; REGISTERS];
    let mut covariance = [[0.0; REGISTERS]; REGISTERS];
    mean[..2].fill(first.a * gaussian[0]);
    for row in &mut covariance[..2] {
        row[..2].fill(width(gaussian, first).powi(2));
    }
    for stage in &plan.steps {
        // x̂_0 = offset + gain · x.
        let offset = posterior(gaussian, stage.scales, 0.0);
        let gain = posterior(gaussian, stage.scales, 1.0) - offset;
        let rows = stage.mixes().map(|mix: Mix| {
            let [m_0, m_1, m_2, m_3] = mix.memory;
            [mix.x + gain * mix.x_0, mix.base, m_0, m_1, m_2, m_3]
        });
        let mixes = stage.mixes();
        let dot = |row: &[f64; REGISTERS], of: &[f64; REGISTERS]| -> f64 {
            row.iter().zip(of).map(|(a, b)| a * b).sum()
        };
        let after = rows.map(|row| covariance.map(|column| dot(&row, &column)));
        mean = std::array::from_fn(|i| dot(&rows[i], &mean) + offset * mixes[i].x_0);
        covariance = std::array::from_fn(|i| {
            std::array::from_fn(|j| dot(&rows[j], &after[i]) + mixes[i].z * mixes[j].z)
        });
    }
    (mean[0], covariance[0][0])
}

/// What the mean of the ends is off by, in widths of the data, and their variance, as a share, of 1000 and of 4000 steps. The variance is
/// compared with that of the landing, E[x_0 | x_1], which no number of steps can mend.
fn off(sampler: Sampler, schedule: Schedule, gaussian: [f64; 2]) -> [(f64, f64); 2] {
    [1000, 4000].map(|steps| {
        let plan = sampler.plan(steps, context(schedule, 4000), None);
        let last = plan.steps[plan.steps.len() - 1].scales;
        let [mean, sigma] = gaussian;
        let landed = (last.a * sigma / width(gaussian, last)).powi(2);
        let (found, variance) = moments(&plan, gaussian);
        let share = variance / sigma.powi(2) / landed - 1.0;
        ((found - mean) / sigma, share)
    })
}

/// Four times the steps, a quarter of what is missing to p_0, and of EDM's steps a sixteenth: on every schedule, of wide data and narrow.
#[test]
fn every_stochastic_solver_comes_to_the_data_as_its_steps_become_shorter() {
    let stochastic = [
        (Sampler::Ddim { eta: 0.5 }, 3.0),
        (Sampler::Ddim { eta: 1.0 }, 3.0),
        (Sampler::Ddpm(Variance::BetaTilde), 3.0),
        (Sampler::Ddpm(Variance::Beta), 3.0),
        (Sampler::EulerMaruyama, 3.0),
        (Sampler::Edm { churn: 40.0 }, 12.0),
    ];
    for (sampler, ratio) in stochastic {
        for schedule in Schedule::every() {
            for gaussian in [[0.7, 0.3], [0.0, 3.0]] {
                let [before, after] = off(sampler, schedule, gaussian);
                let what = format!("{sampler}, {schedule}, {gaussian:?}: {before:?}, {after:?}");
                for (before, after) in [(before.0, after.0), (before.1, after.1)] {
                    assert!(after.abs() < 1e-5_f64.max(before.abs() / ratio), "{what}");
                    assert!(after.abs() < 0.02, "{what}");
                }
            }
            // A narrow component is hardly resolved by 4000 even steps.
            let [_, (mean, variance)] = off(sampler, schedule, [-1.3, 0.02]);
            let what = format!("{sampler}, {schedule}: {mean}, {variance}");
            assert!(mean.abs() < 1e-2 && variance.abs() < 0.15, "{what}");
        }
    }
}

/// A step of Langevin's of the length ε leaves N(0, v) wider by the share ε/2v, whatever led there: of the step 0.1 s² at most by 5.3 %, and
/// of a corrector's 2 (0.16 s)² by 2.6 %. That is what is left of them where only noise is left of the data.
#[test]
fn langevin_is_wider_by_what_its_step_explains() {
    for schedule in Schedule::every() {
        for gaussian in [[0.7, 0.3], [0.0, 3.0]] {
            let [_, (mean, variance)] = off(
                Sampler::PredictorCorrector { snr: 0.16 },
                schedule,
                gaussian,
            );
            let what = format!("{schedule}, {gaussian:?}: {mean}, {variance}");
            assert!(
                mean.abs() < 1e-3 && (-0.006..0.027).contains(&variance),
                "{what}"
            );
        }
    }
    // Levels of x_0 + σ ε, as annealed Langevin was made for.
    for gaussian in [[0.7, 0.3], [0.0, 3.0], [-1.3, 0.02]] {
        let [_, (mean, variance)] = off(Sampler::Langevin { step: 0.1 }, Schedule::Ve, gaussian);
        let what = format!("{gaussian:?}: {mean}, {variance}");
        assert!(
            mean.abs() < 1e-3 && (0.0..0.02).contains(&variance),
            "{what}"
        );
    }
    // At one level, pure noise of the width 1, the stationary variance is 1/(1 − ε/2).
    let plan = Sampler::LangevinOne { tau: 1.0 }.plan(1000, context(Schedule::Flow, 1000), None);
    let mut wandering = plan.clone();
    wandering.steps.pop();
    let (_, variance) = moments(&wandering, [0.3, 0.5]);
    assert!((variance - 1.0 / 0.95).abs() < 1e-9, "{variance}");
}
