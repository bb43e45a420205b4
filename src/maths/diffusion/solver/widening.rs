//! The variance of an ancestral step where the network says it: between β̃ and β (Nichol & Dhariwal 2021, section 3.1).

use serde::{Deserialize, Serialize};

use super::ancestral::Variance;
use super::transition::{Factors, Transition};
use crate::diffusion::schedule::{Scales, Schedule};

/// By how much the noise of a step, whose deviation is √β̃, is to be widened: σ = w √β̃ for each axis. The network says it by an output
/// o for each axis, the truth by the posterior variance of x_0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Widening {
    /// ln √(β/β̃). With v = (1 + o)/2 it is w = e^{v span}, which is σ² = e^{v ln β + (1 − v) ln β̃} (eq. 15).
    pub span: f64,
    /// c_0²/β̃, where x_0 enters the mean c_0 times.
    pub gain: f64,
    /// The share of w² that is there where x_0 is known: 1, or 0 onto the data, where β̃ stands in for nothing.
    pub base: f64,
}

impl Widening {
    /// Nothing is widened, whatever is said.
    pub const NONE: Self = Self {
        span: 0.0,
        gain: 0.0,
        base: 1.0,
    };

    /// Of the step from `now` to the earlier `next`, which is not the data: β and β̃ are those of the stride.
    pub fn between(now: Scales, next: Scales) -> Self {
        let Factors { x_0, z, .. } = Variance::BetaTilde.step(now, next);
        Self {
            // β̃ = β s_r²/s_t².
            span: (now.s / next.s).ln(),
            gain: (x_0 / z).powi(2),
            base: 1.0,
        }
    }

    /// Of the step from t in 1..=T to t − 1, and the β̃ that it is of. At t = 1, where β̃ is 0, it is that of t = 2, as in the code of Nichol &
    /// Dhariwal 2021; with one timestep β.
    pub fn at(schedule: Schedule, timesteps: u32, t: u32) -> (Self, f64) {
        let scales = |t: u32| schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
        let beta_tilde = |t: u32| {
            let (now, next) = (scales(t), scales(t - 1));
            Transition::between(now, next).posterior_variance(now, next)
        };
        let (now, next) = (scales(t), scales(t.saturating_sub(1)));
        if t > 1 {
            return (Self::between(now, next), beta_tilde(t));
        }
        let beta = Transition::between(now, next).variance;
        let least = if timesteps > 1 { beta_tilde(2) } else { beta };
        let onto_data = Self {
            span: 0.5 * (beta / least).ln(),
            gain: next.a * next.a / least,
            base: 0.0,
        };
        (onto_data, least)
    }

    /// w by an output of the network.
    pub fn by_output(self, output: f64) -> f64 {
        (0.5 * self.span * (1.0 + output)).exp()
    }

    /// The w that makes the bound's term least, where x_0 has this variance given x_t: w² β̃ = β̃ + c_0² Var (Bao et al. 2022,
    /// "Analytic-DPM", theorem 1, at one x_t and axis).
    pub fn by_posterior(self, variance: f64) -> f64 {
        (self.base + self.gain * variance).sqrt()
    }

    /// The bound's term on one axis, nats, by w and the error of x̂_0 there, but for ln √(2π β̃) at t = 1: of KL(N(m, β̃) ‖ N(m̂, w² β̃)),
    /// ln w + (1 + c_0² e²/β̃)/2w² − ½, and of −ln N(x_0; m̂, w² β̃), ln w + c_0² e²/2w²β̃.
    pub fn term(self, w: f64, error: f64) -> f64 {
        w.ln() + 0.5 * (self.base + self.gain * error * error) / (w * w) - 0.5 * self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::log_snr::LogSnr;

    fn every() -> impl Iterator<Item = (Schedule, u32)> {
        let schedules = Schedule::every().into_iter();
        let cliffs = LogSnr::CLIFFS.map(Schedule::Custom);
        let all: Vec<Schedule> = schedules.chain(cliffs).collect();
        all.into_iter()
            .flat_map(|schedule| [2, 10, 1000].map(|timesteps| (schedule, timesteps)))
    }

    /// At o = −1 it is β̃, at o = 1 β, between them by the logarithm: eq. 15 written out, for every t of every schedule.
    #[test]
    fn outputs_lead_from_the_least_variance_to_the_largest() {
        for (schedule, timesteps) in every() {
            let scales = |t: u32| schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
            for t in 1..=timesteps {
                let (now, next) = (scales(t), scales(t - 1));
                let transition = Transition::between(now, next);
                let beta = transition.variance;
                let own = transition.posterior_variance(now, next);
                let second = Transition::between(scales(2), scales(1))
                    .posterior_variance(scales(2), scales(1));
                let beta_tilde = if t == 1 { second } else { own };
                let (widening, least) = Widening::at(schedule, timesteps, t);
                assert!((least / beta_tilde - 1.0).abs() < 1e-12);
                for output in [-1.0, -0.3, 0.0, 0.5, 1.0] {
                    let v = 0.5 * (1.0 + output);
                    let expected = (v * beta.ln() + (1.0 - v) * beta_tilde.ln()).exp();
                    let found = widening.by_output(output).powi(2) * least;
                    let of = format!("{schedule}, T = {timesteps}, t = {t}, o = {output}");
                    assert!(
                        (found / expected - 1.0).abs() < 1e-6,
                        "{of}: {found}, {expected}"
                    );
                }
            }
        }
    }

    /// Against KL(N(m, β̃) ‖ N(m̂, σ²)) and −ln N(x_0; m̂, σ²) as they are written, with the means of the step.
    #[test]
    fn terms_are_the_divergences_of_the_gaussians() {
        for (schedule, timesteps) in every() {
            for t in [1, 2, timesteps.div_ceil(2).max(1), timesteps] {
                let (widening, beta_tilde) = Widening::at(schedule, timesteps, t);
                let scales =
                    |t: u32| schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
                let c_0 = Variance::BetaTilde.step(scales(t), scales(t - 1)).x_0;
                for (output, error) in [(0.3, 0.1), (-0.8, 0.0), (1.4, -0.7)] {
                    let w = widening.by_output(output);
                    let variance = w * w * beta_tilde;
                    let apart = (c_0 * error).powi(2);
                    let expected = if t == 1 {
                        0.5 * (variance / beta_tilde).ln() + 0.5 * apart / variance
                    } else {
                        0.5 * ((variance / beta_tilde).ln() + (beta_tilde + apart) / variance - 1.0)
                    };
                    let found = widening.term(w, error);
                    let of = format!("{schedule}, T = {timesteps}, t = {t}");
                    assert!(
                        (found - expected).abs() < 1e-9 * (1.0 + expected.abs()),
                        "{of}: {found}, not {expected}"
                    );
                }
            }
        }
    }

    /// The w of the posterior is where the mean term is least: its slope by ln w is 0 there.
    #[test]
    fn the_best_width_is_where_the_term_is_least() {
        for (schedule, timesteps) in every() {
            for t in [1, 2, timesteps] {
                let (widening, _) = Widening::at(schedule, timesteps, t);
                for variance in [1e-4, 0.02, 0.5] {
                    let best = widening.by_posterior(variance);
                    // The mean of the term over errors of this variance is the term at its root.
                    let mean = |w: f64| widening.term(w, variance.sqrt());
                    for factor in [0.99, 1.01] {
                        assert!(
                            mean(best) < mean(factor * best),
                            "{schedule}, {t}, {variance}"
                        );
                    }
                }
            }
        }
    }
}
