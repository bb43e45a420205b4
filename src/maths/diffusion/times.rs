//! Which timesteps a training draws, and how often.

use serde::{Deserialize, Serialize};

use super::schedule::Schedule;
use crate::names::{self, Words};

/// Mean and standard deviation of ln(σ/σ_data) (Karras et al. 2022, table 1: −1.2 and 1.2 of ln σ, at σ_data = 0.5).
const LOG_NORMAL: (f64, f64) = (-1.2 + std::f64::consts::LN_2, 1.2);
/// Mean and standard deviation of logit(t/T) (Esser et al. 2024, section 3.1: `rf/lognorm(0.00, 1.00)`).
const LOGIT_NORMAL: (f64, f64) = (0.0, 1.0);

/// How the timestep of a training sample is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum Times {
    /// Each as often as any other (Ho et al. 2020, algorithm 1).
    #[default]
    Uniform,
    /// ln(s/a) is normal (Karras et al. 2022, table 1).
    LogNormal,
    /// logit(t/T) is normal (Esser et al. 2024, eq. 19).
    LogitNormal,
}

impl std::str::FromStr for Times {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        names::find(Self::ALL, "a way to draw times", text, |one| {
            [one.words().name]
        })
    }
}

impl TryFrom<String> for Times {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Times {
    /// Every way, in the order of the menus.
    pub const ALL: [Self; 3] = [Self::Uniform, Self::LogNormal, Self::LogitNormal];

    /// What it is called.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Uniform => &Words {
                name: "uniform",
                title: "Uniform",
                symbol: "Uniform",
                short: "uniform times",
                help: "each timestep as often, Ho et al. 2020",
            },
            Self::LogNormal => &Words {
                name: "log-normal",
                title: "Log-normal",
                symbol: "Log-normal",
                short: "log-normal times",
                help: "ln(s/a) is normal, Karras et al. 2022",
            },
            Self::LogitNormal => &Words {
                name: "logit-normal",
                title: "Logit-normal",
                symbol: "Logit-normal",
                short: "logit-normal times",
                help: "the logit of t/T is normal, Esser et al. 2024",
            },
        }
    }

    /// How often each timestep t = 1..=T is drawn (index t − 1), against a uniform draw: T p_t, of mean 1. A timestep stands for
    /// the times from half a step before it to half a step after, the first and the last also for all beyond.
    pub fn frequencies(self, schedule: Schedule, timesteps: u32) -> Vec<f64> {
        let count = f64::from(timesteps);
        let (place, (mean, deviation)): (&dyn Fn(f64) -> f64, _) = match self {
            Self::Uniform => return vec![1.0; timesteps as usize],
            Self::LogNormal => (
                &|tau| {
                    let scales = schedule.scales(tau, timesteps);
                    (scales.s / scales.a).ln()
                },
                LOG_NORMAL,
            ),
            Self::LogitNormal => (&|tau| (tau / (1.0 - tau)).ln(), LOGIT_NORMAL),
        };
        let below = |t: u32| match t {
            0 => 0.0,
            _ if t == timesteps => 1.0,
            _ => normal_below((place((f64::from(t) + 0.5) / count) - mean) / deviation),
        };
        (1..=timesteps)
            .map(|t| count * (below(t) - below(t - 1)).max(0.0))
            .collect()
    }
}

/// Φ(z), the share of a normal distribution below z: by its Taylor series (Abramowitz & Stegun 1964, 26.2.11) near 0 and its
/// continued fraction (26.2.14) beyond 3, to 12 digits of 1.
fn normal_below(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z.abs() < 3.0 {
        let (mut term, mut sum) = (z, z);
        for k in 1..60 {
            term *= z * z / f64::from(2 * k + 1);
            sum += term;
        }
        return 0.5 + density * sum;
    }
    let fraction = (1..60)
        .rev()
        .fold(z.abs(), |fraction, k| z.abs() + f64::from(k) / fraction);
    let tail = density / fraction;
    if z < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Φ against tabulated values (Abramowitz & Stegun 1964, table 26.1).
    #[test]
    fn the_normal_distribution_is_the_table_s() {
        for (z, expected) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_543),
            (2.0, 0.977_249_868_051_821),
            (2.98, 0.998_558_758_082_660),
            (3.0, 0.998_650_101_968_370),
            (4.0, 0.999_968_328_758_167),
            (f64::INFINITY, 1.0),
        ] {
            assert!(
                (normal_below(z) - expected).abs() < 1e-12,
                "{z}: {}",
                normal_below(z)
            );
            assert!((normal_below(-z) - (1.0 - expected)).abs() < 1e-12, "−{z}");
        }
    }

    /// The density of the papers, summed numerically over the times that a timestep stands for.
    #[test]
    fn frequencies_are_the_papers_densities() {
        const PIECES: u32 = 64;
        let normal = |x: f64, mean: f64, deviation: f64| {
            (-0.5 * ((x - mean) / deviation).powi(2)).exp()
                / (deviation * (2.0 * std::f64::consts::PI).sqrt())
        };
        for schedule in [
            Schedule::Linear,
            Schedule::Cosine,
            Schedule::Ve,
            Schedule::Flow,
        ] {
            let timesteps = 50;
            // With D's σ_data = 0.5 the σ of the paper is half of ours.
            let log_sigma = |tau: f64| {
                let scales = schedule.scales(tau, timesteps);
                (0.5 * scales.s / scales.a).ln()
            };
            let logit = |tau: f64| (tau / (1.0 - tau)).ln();
            for times in [Times::LogNormal, Times::LogitNormal] {
                let found = times.frequencies(schedule, timesteps);
                let total: f64 = found.iter().sum();
                assert!(
                    (total / f64::from(timesteps) - 1.0).abs() < 1e-12,
                    "{total}"
                );
                for t in 2..timesteps {
                    let mass: f64 = (0..PIECES)
                        .map(|piece| {
                            let at = |p: f64| {
                                (f64::from(t) - 0.5 + p / f64::from(PIECES)) / f64::from(timesteps)
                            };
                            let [from, to] = [at(f64::from(piece)), at(f64::from(piece + 1))];
                            let middle = at(f64::from(piece) + 0.5);
                            if times == Times::LogNormal {
                                normal(log_sigma(middle), -1.2, 1.2)
                                    * (log_sigma(to) - log_sigma(from))
                            } else {
                                normal(logit(middle), 0.0, 1.0) * (logit(to) - logit(from))
                            }
                        })
                        .sum();
                    let found = found[t as usize - 1] / f64::from(timesteps);
                    assert!(
                        (found - mass).abs() < 1e-4 * (mass + 0.01),
                        "{times:?} on {schedule}, {t}: {found}, not {mass}"
                    );
                }
            }
        }
    }
}
