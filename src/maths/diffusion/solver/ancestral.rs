//! DDPM: ancestral sampling (Ho et al. 2020, algorithm 2), with the posterior of the stride's own a and β.

use serde::{Deserialize, Serialize};

use super::knots::{Knot, Knots};
use super::transition::{Factors, Transition};
use super::{Mix, Placement, Plan, PlanContext, PlanStep, Row, Widening, families, few_steps};
use crate::data::bounds::Bounds;
use crate::diffusion::schedule::Scales;
use crate::diffusion::target::Combination;
use crate::names::Words;

/// Which variance the ancestral step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Variance {
    /// β̃, the variance of the posterior given x_0 (Ho et al. 2020, eq. 7).
    BetaTilde,
    /// β (Ho et al. 2020, section 3.2).
    Beta,
}

impl Variance {
    /// The step from `now` to the earlier `next`: q(x_r | x_t, x_0) of Ho et al. 2020, eq. 6 and 7.
    pub fn step(self, now: Scales, next: Scales) -> Factors {
        let transition = Transition::between(now, next);
        let now_variance = now.s * now.s;
        let noise = match self {
            Self::BetaTilde => transition.posterior_variance(now, next),
            // The step onto the data takes no noise (Ho et al. 2020, algorithm 2, line 3).
            Self::Beta if next.s == 0.0 => 0.0,
            Self::Beta => transition.variance,
        };
        Factors {
            x: transition.a * next.s * next.s / now_variance,
            x_0: next.a * transition.variance / now_variance,
            z: noise.sqrt(),
        }
    }
}

impl Variance {
    fn stages(self, knots: &Knots) -> Vec<PlanStep> {
        let steps = knots.steps();
        steps
            .map(|(now, next)| now.leads_to(next, self.step(now.scales, next.scales).into()))
            .collect()
    }

    /// All T steps, each in two stages, so that a recording of every stage holds x̂_0 as well: x_T, x̂_0 at x_T, x_{T−1}, and so
    /// on. The first stage puts x̂_0 in the place of x_t, which the memory keeps; the second puts both together and looks at
    /// nothing.
    pub fn line_by_line(self, context: PlanContext, clip: Option<Bounds>) -> Plan {
        let PlanContext {
            schedule,
            target,
            timesteps,
        } = context;
        let stages = |t: u32| {
            let [tau, tau_next] = [t, t - 1].map(|t| f64::from(t) / f64::from(timesteps));
            let now = schedule.scales(tau, timesteps);
            let Combination(x0_x, x0_output) = target.to_x0(now);
            let Factors { x, x_0, z } = self.step(now, schedule.scales(tau_next, timesteps));
            let [_, m_1, m_2, m_3] = PlanStep::KEEP;
            let estimate = PlanStep {
                tau,
                tau_next: tau,
                x0_x,
                x0_output,
                input_scale: target.input_scale(now),
                to_x: Mix::X_0,
                to_memory: [Mix::X, m_1, m_2, m_3],
                scales: now,
                ..PlanStep::default()
            };
            let step = PlanStep {
                tau,
                tau_next,
                predicts: false,
                to_x: Mix {
                    x: x_0,
                    memory: [x, 0.0, 0.0, 0.0],
                    z,
                    ..Mix::default()
                },
                scales: now,
                ..PlanStep::default()
            };
            [estimate, step]
        };
        Plan {
            steps: (1..=timesteps).rev().flat_map(stages).collect(),
            start_std: context.start_std(),
            clip,
            control: None,
            awaits_data: false,
        }
    }
}

/// With the posterior's variance.
pub const POSTERIOR: Row = Row {
    words: Words {
        name: "ddpm",
        title: "DDPM, posterior",
        symbol: "DDPM",
        short: "DDPM",
        help: "ancestral sampling with the posterior's variance",
    },
    family: families::ANCESTRAL,
    steps: u32::MAX,
    few_steps: few_steps::THINNER,
    placement: Placement::Even,
    dial: None,
    embedded: None,
    stages: |knots, _| Variance::BetaTilde.stages(knots),
};

/// With the variance β.
pub const FORWARD: Row = Row {
    words: Words {
        name: "ddpm-beta",
        title: "DDPM, variance β",
        symbol: "DDPM β",
        short: "DDPM (variance β)",
        help: "ancestral sampling with the variance β",
    },
    family: families::ANCESTRAL,
    steps: u32::MAX,
    few_steps: few_steps::THINNER,
    placement: Placement::Even,
    dial: None,
    embedded: None,
    stages: |knots, _| Variance::Beta.stages(knots),
};

/// With the variance that the network has learned (Nichol & Dhariwal 2021, section 3.1). The last step takes no noise.
pub const LEARNED: Row = Row {
    words: Words {
        name: "ddpm-learned",
        title: "DDPM, learned variance",
        symbol: "DDPM learned",
        short: "DDPM (learned variance)",
        help: "ancestral sampling with the variance that the network has learned (improved DDPM)",
    },
    stages: |knots, _| {
        let steps = knots.steps();
        let widened = |(now, next): (&Knot, &Knot)| PlanStep {
            widening: (next.scales.s > 0.0).then(|| Widening::between(now.scales, next.scales)),
            ..now.leads_to(
                next,
                Variance::BetaTilde.step(now.scales, next.scales).into(),
            )
        };
        steps.map(widened).collect()
    },
    ..POSTERIOR
};

/// With the variance that is best for x̂_0 = E[x_0 | x_t]: β̃, and what is unknown of x_0 (Bao et al. 2022, "Analytic-DPM", theorem 1). A
/// plan has β̃ until it is told of the data ([`Plan::with_posterior_variance`]).
pub const ANALYTIC: Row = Row {
    words: Words {
        name: "ddpm-analytic",
        title: "DDPM, best variance",
        symbol: "DDPM best",
        short: "DDPM (best variance)",
        help: "ancestral sampling with the variance that is best for these data (Analytic-DPM)",
    },
    ..POSTERIOR
};

impl Plan {
    /// With the variance that the data ask for, where the sampler waits for it: to that of a step with x_0 known comes c² V(t), for x_0 is
    /// known to its posterior variance V(t) alone, of a coordinate on the mean, and enters the step c times (Bao et al. 2022,
    /// "Analytic-DPM", eq. 6, with 1 − s² Γ = a² V/s²). The last step takes no noise.
    #[must_use]
    pub fn with_posterior_variance(mut self, variance: impl Fn(Scales) -> f64) -> Self {
        if std::mem::take(&mut self.awaits_data) {
            let last = self.steps.len().saturating_sub(1);
            for stage in &mut self.steps[..last] {
                let Mix { x_0, z, .. } = stage.to_x;
                stage.to_x.z = (z * z + x_0 * x_0 * variance(stage.scales)).sqrt();
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::schedule::Schedule;
    use crate::diffusion::solver::{Registers, Sampler};
    use crate::diffusion::target::Target;

    /// For Gaussian data p(x_r | x_t) is a Gaussian, and its variance is the best one: every x_t has its law exactly, however few the steps.
    #[test]
    fn by_the_best_variance_the_law_of_a_gaussian_is_kept_in_a_few_steps() {
        for sigma in [0.02, 0.4, 1.0, 3.0] {
            for schedule in Schedule::every() {
                for (timesteps, steps) in [(10, 10), (1000, 2), (1000, 7), (1000, 50)] {
                    let context = PlanContext {
                        schedule,
                        target: Target::Eps,
                        timesteps,
                    };
                    let said = Sampler::DdpmLearned.plan(steps, context, None);
                    let plan = Sampler::DdpmAnalytic.plan(steps, context, None);
                    let gain = |Scales { a, s }: Scales| {
                        a * sigma * sigma / (a * a * sigma * sigma + s * s)
                    };
                    let unknown = |scales: Scales| {
                        let Scales { a, s } = scales;
                        (sigma * s).powi(2) / (a * a * sigma * sigma + s * s)
                    };
                    assert!(plan.awaits_data);
                    let plan = plan.with_posterior_variance(unknown);
                    assert!(!plan.awaits_data);
                    let law = |Scales { a, s }: Scales| a * a * sigma * sigma + s * s;
                    let mut variance = law(plan.steps[0].scales);
                    for stage in &plan.steps[..plan.steps.len() - 1] {
                        let factor = stage.to_x.x + stage.to_x.x_0 * gain(stage.scales);
                        variance = factor * factor * variance + stage.to_x.z.powi(2);
                        let expected = law(schedule.scales(stage.tau_next, timesteps));
                        assert!(
                            (variance / expected - 1.0).abs() < 1e-9,
                            "{schedule}, T = {timesteps}, {steps} steps, σ = {sigma}: {variance}, not {expected}"
                        );
                    }
                    assert_eq!(plan.steps[plan.steps.len() - 1].to_x.z, 0.0);
                    // The posterior is as wide at every x_t: what is best to say at each is the same.
                    for (said, best) in std::iter::zip(&said.steps, &plan.steps) {
                        let w = said
                            .widening
                            .map_or(1.0, |of| of.by_posterior(unknown(said.scales)));
                        let (found, expected) = (w * said.to_x.z, best.to_x.z);
                        assert!((found - expected).abs() <= 1e-9 * expected, "{schedule}");
                    }
                }
            }
        }
    }

    /// Bao et al. 2022, "Analytic-DPM", eq. 6 with λ² = β̃, in ᾱ and Γ = E|score|²/D, whatever Γ is.
    #[test]
    fn the_best_variance_is_that_of_the_paper() {
        let context = PlanContext {
            schedule: Schedule::Cosine,
            target: Target::Eps,
            timesteps: 100,
        };
        let gamma = |Scales { s, .. }: Scales| 0.3 / (s * s) + 0.1;
        let unknown = |scales: Scales| {
            let Scales { a, s } = scales;
            s * s / (a * a) * (1.0 - s * s * gamma(scales))
        };
        let plan = Sampler::DdpmAnalytic.plan(20, context, None);
        let plan = plan.with_posterior_variance(unknown);
        for stage in &plan.steps[..19] {
            let (now, next) = (stage.scales, Schedule::Cosine.scales(stage.tau_next, 100));
            let (bar, bar_next) = (now.a * now.a, next.a * next.a);
            let (alpha, beta_bar, beta_bar_next) = (bar / bar_next, 1.0 - bar, 1.0 - bar_next);
            let lambda = beta_bar_next / beta_bar * (1.0 - alpha);
            let root = (beta_bar / alpha).sqrt() - (beta_bar_next - lambda).sqrt();
            let expected = lambda + root * root * (1.0 - beta_bar * gamma(now));
            let found = stage.to_x.z * stage.to_x.z;
            assert!(
                (found / expected - 1.0).abs() < 1e-9,
                "{found}, not {expected}"
            );
        }
    }

    /// Stage by stage the same x̂_0 and the same x as the sampler of T steps, with the same noise.
    #[test]
    fn line_by_line_is_the_sampler_of_all_steps() {
        for (schedule, variance) in Schedule::every()
            .into_iter()
            .flat_map(|schedule| [Variance::Beta, Variance::BetaTilde].map(|v| (schedule, v)))
        {
            let context = PlanContext {
                schedule,
                target: Target::V,
                timesteps: 12,
            };
            let lines = variance.line_by_line(context, None);
            let whole = Sampler::Ddpm(variance).plan(12, context, None);
            assert_eq!(lines.steps.len(), 24);
            // Neither linear in x nor the same at all times.
            let x0 = |stage: &PlanStep, x: [f64; 2]| {
                x.map(|x| stage.x0_x * x + stage.x0_output * (1.3 * x + stage.tau).sin())
            };
            let z = |t: usize| [0.7 * (t as f64).cos(), (t as f64).sin()];
            let start = [0.9 * lines.start_std, -0.4 * lines.start_std];
            let (mut a, mut b) = (Registers::at(start), Registers::at(start));
            for (number, stage) in whole.steps.iter().enumerate() {
                let estimate = x0(stage, b.x);
                stage.advance(&mut b, estimate, z(number));
                for (half, expected) in [estimate, b.x].into_iter().enumerate() {
                    let line = &lines.steps[2 * number + half];
                    let seen = x0(line, a.x);
                    line.advance(&mut a, seen, z(number));
                    for (a, b) in a.x.into_iter().zip(expected) {
                        let of = format!("{schedule}, {variance:?}, {number}, {half}");
                        assert!((a - b).abs() <= 1e-12 * (1.0 + b.abs()), "{of}: {a}, {b}");
                    }
                }
                assert_eq!(lines.steps[2 * number].tau, stage.tau);
                assert_eq!(lines.steps[2 * number + 1].tau_next, stage.tau_next);
            }
        }
    }
}
