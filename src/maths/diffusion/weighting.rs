//! How much the error of a timestep counts in what a training descends.

use serde::{Deserialize, Serialize};

use super::schedule::Scales;
use super::target::{Combination, SIGMA_DATA, Target};
use crate::names::{self, Words};

/// γ of min-SNR-γ (Hang et al. 2023, section 3.4).
const MIN_SNR_GAMMA: f64 = 5.0;
/// k and γ of P2 (Choi et al. 2022, section 3.2).
const P2: (f64, i32) = (1.0, 1);

/// The weight of a timestep's error, besides that of its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum Weighting {
    /// None: the error of the target counts as it is (Ho et al. 2020, eq. 14).
    #[default]
    Plain,
    /// min(SNR, γ) on the error of x̂_0, γ = 5 (Hang et al. 2023, section 3.4).
    MinSnr,
    /// 1/(k + SNR)^γ on the error of ε̂, k = γ = 1 (Choi et al. 2022, eq. 8).
    P2,
    /// λ(σ) = (σ² + σ_data²)/(σ σ_data)² on the error of x̂_0, σ = s/a (Karras et al. 2022, table 1).
    Edm,
}

impl std::str::FromStr for Weighting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        names::find(Self::ALL, "a weighting", text, |one| [one.words().name])
    }
}

impl TryFrom<String> for Weighting {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Weighting {
    /// Every weighting, in the order of the menus.
    pub const ALL: [Self; 4] = [Self::Plain, Self::MinSnr, Self::P2, Self::Edm];

    /// What it is called.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Plain => &Words {
                name: "plain",
                title: "Plain",
                symbol: "1",
                short: "plain weights",
                help: "every timestep counts alike, Ho et al. 2020",
            },
            Self::MinSnr => &Words {
                name: "min-snr",
                title: "Min-SNR-5",
                symbol: "min(SNR, 5)",
                short: "min-SNR-5",
                help: "min(SNR, 5) on the error of x̂₀, Hang et al. 2023",
            },
            Self::P2 => &Words {
                name: "p2",
                title: "P2",
                symbol: "1/(1 + SNR)",
                short: "P2",
                help: "1/(1 + SNR) on the error of ε̂, Choi et al. 2022",
            },
            Self::Edm => &Words {
                name: "edm",
                title: "EDM",
                symbol: "λ(σ)",
                short: "EDM weights",
                help: "1 + 1/σ² on the error of x̂₀, Karras et al. 2022",
            },
        }
    }

    /// The weight of the squared error of this target, over the target's own ([`Target::loss_weight`]). 1 for [`Self::Plain`].
    pub fn factor(self, target: Target, scales: Scales) -> f64 {
        let Scales { a, s } = scales;
        let [signal, noise] = [a * a, s * s];
        // An error e of the output is one of k_o e in x̂_0 or ε̂.
        let Combination(_, of_x0) = target.to_x0(scales);
        let Combination(_, of_eps) = target.to_eps(scales);
        let weight = match self {
            Self::Plain => return 1.0,
            // min(SNR, γ) E‖x̂_0 − x_0‖² = min(1, γ/SNR) E‖ε̂ − ε‖², which knows no infinite SNR.
            Self::MinSnr => (MIN_SNR_GAMMA * noise / signal).min(1.0) * of_eps * of_eps,
            Self::P2 => (noise / (P2.0 * noise + signal)).powi(P2.1) * of_eps * of_eps,
            Self::Edm => {
                let data = SIGMA_DATA * SIGMA_DATA;
                (noise + signal * data) / (noise * data) * of_x0 * of_x0
            }
        };
        weight / target.loss_weight(scales)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::schedule::Schedule;

    /// On every schedule the papers' own formulae, in σ and SNR: Hang et al. 2023 give min-SNR for ε, x_0 and v of paths that keep
    /// the variance, Choi et al. 2022 P2 for ε, Karras et al. 2022 λ(σ) for D.
    #[test]
    fn weights_are_those_of_the_papers() {
        for schedule in [
            Schedule::Linear,
            Schedule::Cosine,
            Schedule::Ve,
            Schedule::Flow,
        ] {
            for t in 1..1000 {
                let scales = schedule.scales(f64::from(t) / 1000.0, 1000);
                let (snr, sigma) = (scales.snr(), scales.s / scales.a);
                let weight = |weighting: Weighting, target: Target| {
                    weighting.factor(target, scales) * target.loss_weight(scales)
                };
                let mut rows = vec![
                    (Weighting::MinSnr, Target::X0, snr.min(5.0)),
                    (Weighting::MinSnr, Target::Eps, snr.min(5.0) / snr),
                    (Weighting::P2, Target::Eps, 1.0 / (1.0 + snr)),
                    (Weighting::P2, Target::X0, snr / (1.0 + snr)),
                    (
                        Weighting::Edm,
                        Target::X0,
                        (sigma * sigma + 1.0) / (sigma * sigma),
                    ),
                    (Weighting::Edm, Target::Eps, sigma * sigma + 1.0),
                    (Weighting::Plain, Target::V, 1.0),
                    (Weighting::Plain, Target::Score, scales.s * scales.s),
                    // ε̂ = −s · score.
                    (
                        Weighting::MinSnr,
                        Target::Score,
                        snr.min(5.0) / snr * scales.s * scales.s,
                    ),
                ];
                if matches!(schedule, Schedule::Linear | Schedule::Cosine) {
                    rows.push((Weighting::MinSnr, Target::V, snr.min(5.0) / (snr + 1.0)));
                }
                for (weighting, target, expected) in rows {
                    let found = weight(weighting, target);
                    assert!(
                        (found / expected - 1.0).abs() < 1e-9,
                        "{weighting:?} of {target:?} on {schedule}, {t}: {found}, not {expected}"
                    );
                }
            }
        }
    }

    /// Every weight of every target on every schedule is a finite number, at both ends too.
    #[test]
    fn weights_are_finite() {
        for schedule in Schedule::every() {
            for t in [1, 2, 500, 999, 1000] {
                let scales = schedule.scales(f64::from(t) / 1000.0, 1000);
                for target in Target::ALL {
                    for weighting in Weighting::ALL {
                        let factor = weighting.factor(target, scales);
                        assert!(
                            factor.is_finite() && factor >= 0.0,
                            "{weighting:?}, {target:?}, {schedule}, {t}: {factor}"
                        );
                    }
                }
            }
        }
    }
}
