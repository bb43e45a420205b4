//! Mixtures that do not keep the variance: noise that is only added, and weights without their roots.

use maths::diffusion::schedule::{Scales, Schedule};
use maths::diffusion::solver::Transition;

/// The variances that the steps of a schedule add, summed up to t = 0..=T: Σ σ²_{i|i−1}, which is Σ β_i where variance is
/// preserved and σ_t² where it explodes.
pub fn summed_noise(schedule: Schedule, timesteps: u32) -> Vec<f64> {
    let scales = |t: u32| schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
    let sums = (1..=timesteps).scan(0.0, |sum, t| {
        *sum += Transition::between(scales(t), scales(t - 1)).variance;
        Some(*sum)
    });
    std::iter::once(0.0).chain(sums).collect()
}

/// (a, s) of noise that is only added: x_t = x_0 + √(Σ σ²_{i|i−1}) ε by [`summed_noise`], whose sums are taken as linear
/// between whole timesteps.
pub fn growing_scales(sums: &[f64], tau: f64) -> Scales {
    let last = sums.len() - 1;
    let place = tau.clamp(0.0, 1.0) * last as f64;
    let before = (place as usize).min(last.saturating_sub(1));
    let after = (before + 1).min(last);
    let sum = sums[before] + (place - before as f64) * (sums[after] - sums[before]);
    Scales {
        a: 1.0,
        s: sum.sqrt(),
    }
}

/// Signal and noise weighed by a² and s², as if variances were lengths.
pub fn squared(Scales { a, s }: Scales) -> Scales {
    Scales { a: a * a, s: s * s }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::equations;
    use crate::equations::evaluate::Letters;
    use maths::diffusion::log_snr::LogSnr;

    /// Σ β_i, σ_t², and on the straight line Σ (2 i (T − i + 1) − T) / (T (T − i + 1)²), which is
    /// (i/T)² − ((T − i)/(T − i + 1))² ((i − 1)/T)² written as one fraction.
    #[test]
    fn noise_that_is_only_added_is_that_of_the_paths_own_steps() {
        for timesteps in [1, 10, 1000] {
            for schedule in Schedule::ALL
                .into_iter()
                .chain([Schedule::Custom(LogSnr::default())])
            {
                let sums = summed_noise(schedule, timesteps);
                let (betas, whole) = (schedule.summed_betas(timesteps), f64::from(timesteps));
                let mut flow = 0.0;
                for t in 0..=timesteps {
                    let (i, left) = (f64::from(t), f64::from(timesteps - t + 1));
                    flow += if t > 0 {
                        (2.0 * i * left - whole) / (whole * left * left)
                    } else {
                        0.0
                    };
                    let expected = match schedule {
                        Schedule::Flow => flow,
                        Schedule::Ve if t == 0 => 0.0,
                        Schedule::Ve => 1e-4 * 1e6_f64.powf(i / whole),
                        _ => betas[t as usize],
                    };
                    let sum = sums[t as usize];
                    assert!(
                        (sum - expected).abs() < 1e-8 * expected.max(1.0),
                        "{schedule} {t} of {timesteps}: {sum}"
                    );
                }
            }
        }
    }

    /// The formula as it is read from the screen, its sum taken over the steps by the formula's own second line.
    #[test]
    fn what_grows_is_what_is_shown() {
        let timesteps = 50;
        for schedule in Schedule::ALL
            .into_iter()
            .chain([Schedule::Custom(LogSnr::default())])
        {
            let text = equations::growing(schedule).text();
            let lines: Vec<_> = text
                .lines()
                .map(|line| line.split_once(" = ").unwrap().1)
                .collect();
            let sums = summed_noise(schedule, timesteps);
            let tau = |t: u32| f64::from(t) / f64::from(timesteps);
            let mut own = 0.0;
            for t in 1..=timesteps {
                if let [_, square, rest] = lines[..] {
                    let quotient = rest.split_once(",  r = ").unwrap().0;
                    let letters =
                        |a| Letters::new([("u", tau(t)), ("r", tau(t - 1)), ("a_{u|r}", a)]);
                    own += letters(letters(f64::NAN).value(quotient)).value(square);
                }
                let betas = (1..=t).map(|t| schedule.beta(t, timesteps)).sum();
                let at = |x_0, epsilon| {
                    let letters = [
                        ("x_0", x_0),
                        ("ε", epsilon),
                        ("∑_{i ≤ t} β_i", betas),
                        ("∑_{u ≤ t} σ_{u|r}²", own),
                        ("σ_t", 0.01 * 1000.0_f64.powf(tau(t))),
                    ];
                    Letters::new(letters).value(lines[0])
                };
                let runs = growing_scales(&sums, tau(t));
                let [a, s] = [at(1.0, 0.0), at(0.0, 1.0)];
                assert!(
                    (a - runs.a).abs() < 1e-9 && (s - runs.s).abs() < 1e-9,
                    "{schedule} {t}: {s} and not {}",
                    runs.s
                );
            }
        }
    }
}
