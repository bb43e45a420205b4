//! Which variance p_θ(x_{t−1}|x_t) has: one row a choice.

use serde::Serialize;

use super::Step;
use crate::names::Words;

/// What is known of a denoiser at one t, as means over draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// (1/D) E‖x_0 − x̂_0‖².
    pub x0_error: f64,
    /// Γ_t = (1/D) E‖score‖² of the denoiser's own score (a x̂_0 − x_t)/s².
    pub gamma: f64,
    /// (1/D) E‖x_0 − E x_0‖²: no posterior is wider on average.
    pub data_variance: f64,
    /// (1/D) E‖w‖², by how much the noise is widened at each x_t (`Widening`); `None` of a denoiser that says no variance.
    pub widening: Option<f64>,
}

impl Moments {
    /// (1/D) E tr Cov(x_0|x_t) as the score tells it: (s/a)² (1 − s² Γ) (Bao et al. 2022a, lemma 3), within 0 and the data's
    /// own, which is the answer where a = 0.
    fn posterior_variance(&self, step: &Step) -> f64 {
        let (a, s) = (step.now.a, step.now.s);
        let told = s * s * (1.0 - s * s * self.gamma) / (a * a);
        if told.is_nan() {
            self.data_variance
        } else {
            told.clamp(0.0, self.data_variance)
        }
    }
}

/// The variance σ_t² of p_θ(x_{t−1}|x_t), per axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum StepVariance {
    /// β: that of q(x_t|x_{t−1}).
    #[serde(rename = "beta")]
    Beta,
    /// β̃: that of q(x_{t−1}|x_t, x_0).
    #[default]
    #[serde(rename = "beta-tilde")]
    BetaTilde,
    /// The best that the score alone can tell.
    #[serde(rename = "analytic")]
    Analytic,
    /// That which makes each term least.
    #[serde(rename = "least")]
    Least,
    /// That which the network has learned to say, at each x_t and axis; of the exact denoiser, what it should have learned.
    #[serde(rename = "learned")]
    Learned,
}

/// A choice of variance: its words, and σ_t² by the step, β̃_2 (`None` for a chain of one step) and the moments at t.
struct Row {
    words: Words,
    sigma_squared: fn(&Step, Option<f64>, &Moments) -> f64,
}

/// β̃, but at t = 1, where it is 0, that of t = 2, as the code of Nichol & Dhariwal 2021 has it.
fn clipped(step: &Step, second: Option<f64>) -> f64 {
    if step.beta_tilde > 0.0 {
        step.beta_tilde
    } else {
        second.unwrap_or(step.beta)
    }
}

impl StepVariance {
    /// Every choice, in the order of the menus.
    pub const ALL: [Self; 5] = [
        Self::Beta,
        Self::BetaTilde,
        Self::Analytic,
        Self::Least,
        Self::Learned,
    ];

    const fn row(self) -> &'static Row {
        match self {
            Self::Beta => &Row {
                words: Words {
                    name: "beta",
                    title: "β",
                    symbol: "β",
                    short: "σ² = β",
                    help: "the variance of one forward step (Ho et al. 2020)",
                },
                sigma_squared: |step, _, _| step.beta,
            },
            Self::BetaTilde => &Row {
                words: Words {
                    name: "beta-tilde",
                    title: "q",
                    symbol: "q's",
                    short: "σ² of q",
                    help: "the variance of the step back that knows x₀ (Ho et al. 2020), at t = 1 that of t = 2",
                },
                sigma_squared: |step, second, _| clipped(step, second),
            },
            // Bao et al. 2022a, "Analytic-DPM", theorem 1. A score too large for any posterior leaves nothing at t = 1.
            Self::Analytic => &Row {
                words: Words {
                    name: "analytic",
                    title: "Analytic",
                    symbol: "σ*",
                    short: "σ² by the score",
                    help: "the best that the size of the score tells (Bao et al. 2022, Analytic-DPM)",
                },
                sigma_squared: |step, second, moments| {
                    let wider = step.c_0 * step.c_0 * moments.posterior_variance(step);
                    let sigma_squared = step.beta_tilde + wider;
                    if sigma_squared > 0.0 {
                        sigma_squared
                    } else {
                        clipped(step, second)
                    }
                },
            },
            // Bao et al. 2022b, "Estimating the optimal covariance with imperfect mean", theorem 2.
            Self::Least => &Row {
                words: Words {
                    name: "least",
                    title: "Least",
                    symbol: "least",
                    short: "σ² by the error",
                    help: "what makes each term least, by how far x̂₀ is off",
                },
                sigma_squared: |step, _, moments| {
                    step.beta_tilde + step.c_0 * step.c_0 * moments.x0_error
                },
            },
            // Its mean: the terms are by what is said at each x_t.
            Self::Learned => &Row {
                words: Words {
                    name: "learned",
                    title: "Learned",
                    symbol: "σ_θ",
                    short: "σ² of the network",
                    help: "what the network says of each x_t and axis, where it has learned that (Nichol & Dhariwal 2021); of the exact denoiser, the best that it could say",
                },
                sigma_squared: |step, second, moments| {
                    clipped(step, second) * moments.widening.unwrap_or(f64::NAN)
                },
            },
        }
    }

    /// What it is called.
    pub const fn words(self) -> &'static Words {
        &self.row().words
    }

    /// σ_t² of a step; `second` is β̃_2.
    pub(super) fn of(self, step: &Step, second: Option<f64>, moments: &Moments) -> f64 {
        (self.row().sigma_squared)(step, second, moments)
    }
}
