//! How the learning rate goes along with the updates: a warm-up, then a decay.

use serde::{Deserialize, Serialize};

use maths::names::{self, Words};

/// How the learning rate falls after its warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Decay {
    /// It does not.
    #[default]
    Constant,
    /// Along a straight line.
    Linear,
    /// Along half a cosine (Loshchilov & Hutter 2017, eq. 5, without restarts).
    Cosine,
}

impl std::str::FromStr for Decay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        names::find(Self::ALL, "a decay", text, |one| [one.words().name])
    }
}

impl TryFrom<String> for Decay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Decay {
    /// Every decay, in the order of the menus.
    pub const ALL: [Self; 3] = [Self::Constant, Self::Linear, Self::Cosine];

    /// What it is called.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Constant => &Words {
                name: "constant",
                title: "Constant",
                symbol: "Constant",
                short: "constant rate",
                help: "the rate stays",
            },
            Self::Linear => &Words {
                name: "linear",
                title: "Linear",
                symbol: "Linear",
                short: "linear decay",
                help: "along a straight line",
            },
            Self::Cosine => &Words {
                name: "cosine",
                title: "Cosine",
                symbol: "Cosine",
                short: "cosine decay",
                help: "along half a cosine, Loshchilov & Hutter 2017",
            },
        }
    }
}

/// What the learning rate is multiplied by, update by update.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RateSchedule {
    /// Updates of the warm-up: update n of the first N goes at n/N (Goyal et al. 2017, section 2.2). 0: none.
    pub warmup: u32,
    /// How it falls after these.
    pub decay: Decay,
    /// Updates from the end of the warm-up to the end of the fall.
    pub updates: u32,
    /// Where the fall ends and stays: a factor of the rate.
    pub end: f32,
}

impl RateSchedule {
    /// The learning rate of update number `n` ≥ 1.
    pub fn rate(&self, learning_rate: f32, n: u64) -> f32 {
        (f64::from(learning_rate) * self.factor(n)) as f32
    }

    /// The factor of update number `n` ≥ 1: with no fall and no warm-up exactly 1.
    pub fn factor(&self, n: u64) -> f64 {
        let (n, warmup) = (n as f64, f64::from(self.warmup));
        if n <= warmup {
            return n / warmup;
        }
        let gone = ((n - 1.0 - warmup) / f64::from(self.updates.max(1))).min(1.0);
        let left = match self.decay {
            Decay::Constant => return 1.0,
            Decay::Linear => 1.0 - gone,
            Decay::Cosine => 0.5 + 0.5 * (std::f64::consts::PI * gone).cos(),
        };
        let end = f64::from(self.end);
        end + (1.0 - end) * left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind at every kind of update: the first, in the warm-up, at its end, half way, at the end, long after.
    #[test]
    fn rates_are_the_closed_forms() {
        let schedule = |warmup, decay| RateSchedule {
            warmup,
            decay,
            updates: 100,
            end: 0.1,
        };
        for warmup in [0, 1, 10] {
            for n in 1..=u64::from(warmup) {
                for decay in Decay::ALL {
                    let expected = n as f64 / f64::from(warmup);
                    assert_eq!(schedule(warmup, decay).factor(n), expected);
                }
            }
            // At the full rate, at a quarter, half and three quarters of the fall, at its end and after.
            for (gone, linear, cosine) in [
                (0, 1.0, 1.0),
                (25, 0.775, 0.1 + 0.45 * (1.0 + 0.5_f64.sqrt())),
                (50, 0.55, 0.55),
                (75, 0.325, 0.1 + 0.45 * (1.0 - 0.5_f64.sqrt())),
                (100, 0.1, 0.1),
                (100_000, 0.1, 0.1),
            ] {
                let n = u64::from(warmup) + 1 + gone;
                for (decay, expected) in [
                    (Decay::Constant, 1.0),
                    (Decay::Linear, linear),
                    (Decay::Cosine, cosine),
                ] {
                    let found = schedule(warmup, decay).factor(n);
                    // The end is held in f32.
                    assert!(
                        (found - expected).abs() < 1e-8,
                        "{decay:?}, update {n}: {found}"
                    );
                }
            }
        }
    }

    /// A training without a schedule goes at the very rate that it was given.
    #[test]
    fn no_schedule_is_the_rate_itself() {
        for rate in [3e-3_f32, 1e-12, 10.0] {
            for n in [1, 2, 1000, u64::from(u32::MAX) + 7] {
                assert_eq!(
                    RateSchedule::default().rate(rate, n).to_bits(),
                    rate.to_bits()
                );
            }
        }
    }
}
