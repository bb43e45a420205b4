//! How fast the scales of a schedule change.

use super::{
    COSINE_OFFSET, LITERAL_BETAS, SIGMA_MAX, SIGMA_MIN, Scales, Schedule, cosine_angle,
    cosine_floor, uncapped_cosine,
};

/// a′ and s′, derivatives by t/T.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Of the signal's scale.
    pub a: f64,
    /// Of the noise's.
    pub s: f64,
}

impl Schedule {
    /// (a′, s′) at τ = t/T. Where a schedule has a corner (literal at each timestep, the cap of the cosine before its end) they are those
    /// of the side of the data, from where the step to t comes. `None` at s = 0: there s′ has no bounds, or s begins with a leap.
    pub fn rates(self, tau: f64, timesteps: u32) -> Option<Rates> {
        let tau = tau.clamp(0.0, 1.0);
        let Scales { a, s } = self.scales(tau, timesteps);
        if s == 0.0 {
            return None;
        }
        // a² + s² = 1, by the derivative of ln ᾱ.
        let preserving = |log_alpha_bar: f64| {
            let of_a = 0.5 * a * log_alpha_bar;
            Rates {
                a: of_a,
                s: -a * of_a / s,
            }
        };
        Some(match self {
            Self::Linear => preserving(-(0.1 + 19.9 * tau)),
            Self::Cosine => preserving(cosine_slope(tau, timesteps)),
            Self::Literal => preserving(literal_slope(tau, timesteps)),
            // ln ᾱ = −ln(1 + exp(−log SNR))
            Self::Custom(own) => preserving(s * s * own.slope(tau)),
            Self::Ve => Rates {
                a: 0.0,
                s: s * (SIGMA_MAX / SIGMA_MIN).ln(),
            },
            Self::Flow => Rates { a: -1.0, s: 1.0 },
        })
    }
}

/// Of ln ᾱ: nothing changes where β is capped.
fn cosine_slope(tau: f64, timesteps: u32) -> f64 {
    if uncapped_cosine(tau) < cosine_floor(timesteps) {
        return 0.0;
    }
    let turned = std::f64::consts::FRAC_PI_2 / (1.0 + COSINE_OFFSET);
    -2.0 * turned * cosine_angle(tau).tan()
}

/// Of ln ᾱ: T ln(1 − β_t), with t the end of the step in which τ lies.
fn literal_slope(tau: f64, timesteps: u32) -> f64 {
    let timesteps = f64::from(timesteps.max(1));
    // k/T times T may be rounded upwards.
    let step = (tau * timesteps - 1e-6).ceil().clamp(1.0, timesteps);
    let [first, last] = LITERAL_BETAS;
    let beta = first + (last - first) * (step - 1.0) / (timesteps - 1.0).max(1.0);
    timesteps * (-beta).ln_1p()
}
