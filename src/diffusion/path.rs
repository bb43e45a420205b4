//! Noise schedules as Gaussian paths x_t = a(t) x_0 + s(t) ε.
//!
//! Everything else (SNR, strided steps, the coefficients of samplers, the exact field) follows from the pair (a, s).

use serde::{Deserialize, Serialize};

/// The path from data to noise. `tau` is t/T, the clock in [0, 1] that every view and command uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Path {
    /// Variance preserving, linear β: ᾱ(τ) = exp(−(0.1 τ + 9.95 τ²)) (Song et al. 2021, the limit of Ho et al. 2020).
    Linear,
    /// Variance preserving, cosine: ᾱ(τ) = f(τ)/f(0), f = cos²((τ + 0.008)/1.008 · π/2) (Nichol & Dhariwal 2021, eq. 17).
    Cosine,
    /// Variance exploding: a = 1, s geometric from [`SIGMA_MIN`] to [`SIGMA_MAX`] (Song & Ermon 2019).
    Ve,
    /// Flow matching: a = 1 − τ, s = τ (Lipman et al. 2022).
    Flow,
}

/// The smallest noise level of the variance-exploding path.
pub const SIGMA_MIN: f64 = 0.01;
/// The largest noise level of the variance-exploding path.
pub const SIGMA_MAX: f64 = 10.0;
/// The largest one-step β of the cosine path (Nichol & Dhariwal 2021, section 3.2), which keeps ᾱ_T above 0.
const COSINE_MAX_BETA: f64 = 0.999;

/// Signal and noise scale of a path at one time: x_t = a x_0 + s ε.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// Factor of x_0.
    pub a: f64,
    /// Standard deviation of the added noise.
    pub s: f64,
}

impl Scales {
    /// Signal-to-noise ratio a²/s²; infinite at the data.
    pub fn snr(self) -> f64 {
        (self.a / self.s).powi(2)
    }
}

impl Path {
    /// Every path, in the order of the menus.
    pub const ALL: [Self; 4] = [Self::Linear, Self::Cosine, Self::Ve, Self::Flow];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Cosine => "cosine",
            Self::Ve => "ve",
            Self::Flow => "flow",
        }
    }

    /// Signal variance ᾱ(τ) = a². `timesteps` is T: it matters only for the cosine path, whose β is capped.
    pub fn alpha_bar(self, tau: f64, timesteps: u32) -> f64 {
        let tau = tau.clamp(0.0, 1.0);
        match self {
            Self::Linear => (-(0.1 * tau + 9.95 * tau * tau)).exp(),
            Self::Cosine => cosine_alpha_bar(tau, timesteps),
            Self::Ve => 1.0,
            Self::Flow => (1.0 - tau).powi(2),
        }
    }

    /// (a, s) at τ = t/T in [0, 1].
    pub fn scales(self, tau: f64, timesteps: u32) -> Scales {
        let tau = tau.clamp(0.0, 1.0);
        match self {
            Self::Linear | Self::Cosine => {
                let alpha_bar = self.alpha_bar(tau, timesteps);
                Scales { a: alpha_bar.sqrt(), s: (1.0 - alpha_bar).sqrt() }
            }
            Self::Ve => {
                let s = if tau == 0.0 { 0.0 } else { SIGMA_MIN * (SIGMA_MAX / SIGMA_MIN).powf(tau) };
                Scales { a: 1.0, s }
            }
            Self::Flow => Scales { a: 1.0 - tau, s: tau },
        }
    }

    /// One-step noise variance β_t = 1 − ᾱ_t/ᾱ_{t−1} for t in 1..=T.
    pub fn beta(self, t: u32, timesteps: u32) -> f64 {
        let tau = |t: u32| f64::from(t) / f64::from(timesteps);
        1.0 - self.alpha_bar(tau(t), timesteps) / self.alpha_bar(tau(t - 1), timesteps)
    }
}

/// The cosine ᾱ with β ≤ 0.999. The cap binds only at the last step (the only one whose ratio is below 1e-3), where
/// it holds ᾱ_T at (1 − 0.999) ᾱ_{T−1}; between the last two steps ᾱ is held above that floor, so it stays monotone.
fn cosine_alpha_bar(tau: f64, timesteps: u32) -> f64 {
    let f = |tau: f64| ((tau + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
    let last_but_one = f64::from(timesteps.saturating_sub(1)) / f64::from(timesteps.max(1));
    let floor = (1.0 - COSINE_MAX_BETA) * f(last_but_one) / f(0.0);
    (f(tau) / f(0.0)).max(floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn alpha_bar_at_a_fifth_has_the_published_values() {
        assert_abs_diff_eq!(Path::Linear.alpha_bar(0.2, 1000), 0.658, epsilon = 5e-4);
        assert_abs_diff_eq!(Path::Cosine.alpha_bar(0.2, 1000), 0.899, epsilon = 5e-4);
    }

    /// The literal table of Ho et al. 2020 (β from 1e-4 to 0.02, T = 1000), multiplied out: an independent derivation.
    #[test]
    fn linear_is_the_limit_of_the_literal_table() {
        let mut alpha_bar = 1.0;
        for t in 0..1000 {
            alpha_bar *= 1.0 - (1e-4 + (0.02 - 1e-4) * f64::from(t) / 999.0);
            let tau = f64::from(t + 1) / 1000.0;
            assert_abs_diff_eq!(alpha_bar, Path::Linear.alpha_bar(tau, 1000), epsilon = 2e-3);
        }
    }

    #[test]
    fn cosine_table_is_the_product_of_capped_betas() {
        for timesteps in [10, 100, 1000] {
            let f = |t: u32| {
                let tau = f64::from(t) / f64::from(timesteps);
                ((tau + 0.008) / 1.008 * std::f64::consts::PI / 2.0).cos().powi(2)
            };
            let mut product = 1.0;
            for t in 1..=timesteps {
                product *= 1.0 - (1.0 - f(t) / f(t - 1)).min(0.999);
                let tau = f64::from(t) / f64::from(timesteps);
                assert_abs_diff_eq!(product, Path::Cosine.alpha_bar(tau, timesteps), epsilon = 1e-12);
            }
        }
    }

    #[test]
    fn every_path_runs_from_data_to_noise_and_loses_signal_all_the_way() {
        for path in Path::ALL {
            let start = path.scales(0.0, 1000);
            assert_abs_diff_eq!(start.a, 1.0, epsilon = 1e-12);
            assert_abs_diff_eq!(start.s, 0.0, epsilon = 1e-12);
            let mut last = f64::INFINITY;
            for step in 1..=1000 {
                let snr = path.scales(f64::from(step) / 1000.0, 1000).snr();
                assert!(snr < last || (snr - last).abs() < 1e-12, "{path:?} at {step}");
                last = snr;
            }
            assert!(last < 0.02, "{path:?} ends at SNR {last}");
        }
    }
}
