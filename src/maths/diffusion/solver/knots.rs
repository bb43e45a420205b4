//! The times between which a sampler steps, and what it needs to know of each.
//!
//! The clock is bounded at both ends on every schedule: with r = √(a² + s²) and ζ = atan2(s, a) the state w = x/r is
//! cos ζ x_0 + sin ζ ε. σ = s/a = tan ζ (Karras et al. 2022, eq. 3) grows beyond all bounds as the signal goes, and so does log SNR.

use super::{Mix, PlanContext, PlanStep};
use crate::diffusion::schedule::Scales;
use crate::diffusion::target::Combination;

/// Halvings of the interval in which a time is sought: f64 holds no more.
const BISECTIONS: u32 = 60;

/// A time between two steps.
#[derive(Clone, Copy, Debug)]
pub struct Knot {
    /// t/T.
    pub tau: f64,
    /// a and s there.
    pub scales: Scales,
    /// Factors of x and of the network's output in x̂_0.
    pub x0: Combination,
    /// What x is multiplied by before the network sees it.
    pub input_scale: f64,
}

impl Knot {
    /// The angle on the clock.
    pub fn zeta(&self) -> f64 {
        self.scales.s.atan2(self.scales.a)
    }

    /// r: x = r w.
    pub fn radius(&self) -> f64 {
        self.scales.a.hypot(self.scales.s)
    }

    /// λ = ln(a/s), half the log SNR (Lu et al. 2022, "DPM-Solver", section 2).
    pub fn half_log_snr(&self) -> f64 {
        (self.scales.a / self.scales.s).ln()
    }

    /// True where there is no signal at all, as of flow matching at t = T: log SNR is −∞.
    pub fn is_pure_noise(&self) -> bool {
        self.scales.a == 0.0
    }

    /// (k_x, k_0) with dw/dζ = cos ζ ε̂ − sin ζ x̂_0 = k_x x + k_0 x̂_0.
    pub fn slope(&self) -> Combination {
        let (Scales { a, s }, r) = (self.scales, self.radius());
        Combination(a / (r * s), -r / s)
    }

    /// ε̂ = (x − a x̂_0)/s.
    pub fn eps(&self) -> Mix {
        let Scales { a, s } = self.scales;
        Mix {
            x: 1.0 / s,
            x_0: -a / s,
            ..Mix::default()
        }
    }

    /// The score (a x̂_0 − x)/s².
    pub fn score(&self) -> Mix {
        let Scales { a, s } = self.scales;
        Mix {
            x: -1.0 / (s * s),
            x_0: a / (s * s),
            ..Mix::default()
        }
    }

    /// A stage that is evaluated here and moves nothing.
    pub fn evaluated(&self) -> PlanStep {
        let Combination(x0_x, x0_output) = self.x0;
        PlanStep {
            tau: self.tau,
            tau_next: self.tau,
            x0_x,
            x0_output,
            input_scale: self.input_scale,
            scales: self.scales,
            ..PlanStep::default()
        }
    }

    /// A stage that is evaluated here and leads to a later knot.
    pub fn leads_to(&self, next: &Self, to_x: Mix) -> PlanStep {
        PlanStep {
            tau_next: next.tau,
            to_x,
            ..self.evaluated()
        }
    }

    /// A stage that is evaluated nowhere: only noise is added, and the level is another.
    pub fn without_prediction(&self, next: &Self, to_x: Mix) -> PlanStep {
        PlanStep {
            predicts: false,
            ..self.leads_to(next, to_x)
        }
    }

    /// The mix of DDIM's step without noise: a_r x̂_0 + s_r ε̂ (Song, Meng & Ermon 2021, eq. 12). Onto the data it is x̂_0 itself.
    pub fn implicit(&self, next: &Self) -> Mix {
        let (now, next) = (self.scales, next.scales);
        let x = next.s / now.s;
        Mix {
            x,
            x_0: next.a - now.a * x,
            ..Mix::default()
        }
    }

    /// DDIM's step without noise.
    pub fn turn(&self, next: &Self) -> PlanStep {
        self.leads_to(next, self.implicit(next))
    }
}

/// The times of a plan, from T down to 0: steps lie between them, the last one is the landing on the data.
pub struct Knots {
    context: PlanContext,
    knots: Vec<Knot>,
}

impl Knots {
    /// At these t/T, which fall from 1 to 0.
    pub fn at(context: PlanContext, taus: impl IntoIterator<Item = f64>) -> Self {
        let clock = Clock(context);
        Self {
            context,
            knots: taus.into_iter().map(|tau| clock.at(tau)).collect(),
        }
    }

    /// What the plan is for.
    pub fn context(&self) -> PlanContext {
        self.context
    }

    /// Where the schedule has this t/T.
    pub fn knot(&self, tau: f64) -> Knot {
        Clock(self.context).at(tau)
    }

    /// Where the clock shows ζ.
    pub fn knot_at_zeta(&self, zeta: f64) -> Knot {
        Clock(self.context).at_zeta(zeta)
    }

    /// Every step, from a knot to the next one.
    pub fn steps(&self) -> impl Iterator<Item = (&Knot, &Knot)> {
        self.knots.iter().zip(self.knots.iter().skip(1))
    }

    /// The knots before the landing.
    pub fn before_landing(&self) -> &[Knot] {
        &self.knots[..self.knots.len() - 1]
    }

    /// The steps before the landing.
    pub fn intervals(&self) -> impl Iterator<Item = (&Knot, &Knot)> {
        let before = self.before_landing();
        before.iter().zip(before.iter().skip(1))
    }

    /// The last step: onto x̂_0 itself.
    pub fn landing(&self) -> Option<PlanStep> {
        let (now, next) = self.steps().last()?;
        Some(now.turn(next))
    }
}

/// The clock of a schedule.
#[derive(Clone, Copy)]
pub struct Clock(pub PlanContext);

impl Clock {
    /// Where it stands at t/T.
    pub fn at(self, tau: f64) -> Knot {
        let PlanContext {
            schedule,
            target,
            timesteps,
        } = self.0;
        let scales = schedule.scales(tau, timesteps);
        Knot {
            tau,
            scales,
            x0: target.to_x0(scales),
            input_scale: target.input_scale(scales),
        }
    }

    /// t/T of t = 1.
    pub fn nearest(self) -> f64 {
        1.0 / f64::from(self.0.timesteps.max(1))
    }

    /// As [`Clock::at_zeta`], to twelve digits of ζ in a tenth of the time: for particles that each ask at a time of their own. The method
    /// of false position, which halves the weight of an end that stays (Dowell & Jarratt 1971, "Illinois").
    pub fn near_zeta(self, zeta: f64) -> Knot {
        let off = |knot: &Knot| knot.zeta() / zeta - 1.0;
        let (mut low, mut high) = (self.at(self.nearest()), self.at(1.0));
        let (mut below, mut above) = (off(&low), off(&high));
        if below >= 0.0 {
            return low;
        }
        if above <= 0.0 {
            return high;
        }
        let mut side = 0;
        for _ in 0..BISECTIONS {
            let tau = (low.tau * above - high.tau * below) / (above - below);
            let knot = self.at(tau);
            let error = off(&knot);
            if error.abs() < 1e-12 || !(low.tau < tau && tau < high.tau) {
                return knot;
            }
            if error < 0.0 {
                (low, below) = (knot, error);
                if side == -1 {
                    above *= 0.5;
                }
                side = -1;
            } else {
                (high, above) = (knot, error);
                if side == 1 {
                    below *= 0.5;
                }
                side = 1;
            }
        }
        self.at_zeta(zeta)
    }

    /// The time at which it shows ζ, between t = T and t = 1.
    pub fn at_zeta(self, zeta: f64) -> Knot {
        let (mut low, mut high) = (self.nearest(), 1.0);
        for _ in 0..BISECTIONS {
            let middle = 0.5 * (low + high);
            if self.at(middle).zeta() < zeta {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.at(0.5 * (low + high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::schedule::Schedule;
    use crate::diffusion::target::Target;

    /// On every schedule, at every T, from end to end.
    #[test]
    fn the_quick_clock_shows_what_the_patient_one_shows() {
        for schedule in Schedule::every() {
            for timesteps in [1, 2, 10, 1000, 4000] {
                let clock = Clock(PlanContext {
                    schedule,
                    target: Target::Eps,
                    timesteps,
                });
                let [first, last] = [1.0, clock.nearest()].map(|tau| clock.at(tau).zeta());
                for k in 0..=200 {
                    let zeta = last * (first / last).powf(f64::from(k) / 200.0);
                    let found = clock.near_zeta(zeta);
                    assert!(
                        (found.zeta() / zeta - 1.0).abs() < 1e-10,
                        "{schedule}, T = {timesteps}: {} for {zeta}",
                        found.zeta()
                    );
                }
            }
        }
    }
}
