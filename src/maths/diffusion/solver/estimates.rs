//! A plan that samples nothing: it asks for x̂_0 at every timestep, at points that are noised afresh for each.

use super::{Mix, Plan, PlanContext, PlanStep, Widening};
use crate::data::bounds::Bounds;
use crate::diffusion::target::{Combination, Quantity};

impl Plan {
    /// From given points x_0: for t = 1 to T a stage that makes x_t = a x_0 + s z by fresh noise, and one that puts x̂_0 in its place.
    /// Recorded stage by stage it holds x_0, x_1, x̂_0(x_1), x_2, x̂_0(x_2) and so on, [1 + 2T, particles]. The points wait in
    /// the first memory.
    ///
    /// Where variances are asked for as well, a third stage shows by how much the noise of the step from t is widened
    /// ([`Widening::at`]): x_0, then x_t, x̂_0(x_t) and w(x_t), [1 + 3T, particles]. It comes of the same evaluation.
    pub fn estimates(context: PlanContext, clip: Option<Bounds>, asks_variance: bool) -> Self {
        let PlanContext {
            schedule,
            target,
            timesteps,
        } = context;
        let stages = |t: u32| {
            let tau = f64::from(t) / f64::from(timesteps);
            let scales = schedule.scales(tau, timesteps);
            let Combination(x0_x, x0_output) = target.to_x0(scales);
            let [_, m_1, m_2, m_3] = PlanStep::KEEP;
            let noised = Mix {
                z: scales.s,
                ..Mix::default()
            };
            // At the first of them the points are still where they start.
            let (x_0, kept) = if t == 1 {
                (Mix::X, [Mix::X, m_1, m_2, m_3])
            } else {
                (Mix::memory(0), PlanStep::KEEP)
            };
            let still = PlanStep {
                tau,
                tau_next: tau,
                scales,
                ..PlanStep::default()
            };
            let mut stages = vec![
                PlanStep {
                    predicts: false,
                    to_x: noised.plus(scales.a, x_0),
                    to_memory: kept,
                    ..still
                },
                PlanStep {
                    x0_x,
                    x0_output,
                    input_scale: target.input_scale(scales),
                    to_x: Mix::X_0,
                    to_memory: PlanStep::KEEP,
                    ..still
                },
            ];
            if asks_variance {
                let [asks, shows] =
                    with_widening(&stages[1], Widening::at(schedule, timesteps, t).0);
                stages[1] = asks;
                stages.push(shows);
            }
            stages
        };
        Self {
            steps: (1..=timesteps).flat_map(stages).collect(),
            start_std: 1.0,
            clip,
            control: None,
            awaits_data: false,
        }
    }
}

/// A stage that looks at x̂_0 keeps w in the second memory, and one that puts it in the place of the point follows.
fn with_widening(stage: &PlanStep, widening: Widening) -> [PlanStep; 2] {
    let mut asks = PlanStep {
        widening: Some(widening),
        z_is_one: true,
        ..*stage
    };
    asks.to_memory[1] = Mix {
        z: 1.0,
        ..Mix::default()
    };
    let shows = PlanStep {
        predicts: false,
        to_x: Mix::memory(1),
        to_memory: PlanStep::KEEP,
        widening: None,
        z_is_one: false,
        ..asks
    };
    [asks, shows]
}

impl Plan {
    /// From given points x_t: x̂_0 there, and then by how much the noise of the step from t in 1..=T is widened.
    pub fn estimate_and_widening(context: PlanContext, t: u32) -> Self {
        let tau = f64::from(t) / f64::from(context.timesteps);
        let mut plan = Self::field(context, tau, Quantity::X0);
        let (widening, _) = Widening::at(context.schedule, context.timesteps, t);
        plan.steps = with_widening(&plan.steps[0], widening).into();
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::schedule::Schedule;
    use crate::diffusion::solver::Registers;
    use crate::diffusion::target::Target;

    /// A network sees its input as it was trained on it, whatever its target; and w comes of the evaluation of x̂_0.
    #[test]
    fn every_estimate_asks_as_the_training_did() {
        for target in Target::ALL {
            let context = PlanContext {
                schedule: Schedule::Ve,
                target,
                timesteps: 9,
            };
            let plan = Plan::estimates(context, None, true);
            assert_eq!((plan.steps.len(), plan.evaluations()), (27, Some(9)));
            for (index, stage) in plan.steps.iter().enumerate().filter(|(_, s)| s.predicts) {
                assert_eq!(
                    stage.input_scale,
                    target.input_scale(stage.scales),
                    "{target:?}"
                );
                let (widening, _) = Widening::at(Schedule::Ve, 9, index as u32 / 3 + 1);
                assert_eq!(stage.widening, Some(widening));
                let mut registers = Registers::at([0.3, 0.4]);
                stage.advance(&mut registers, [7.0; 2], [1.5, 2.5]);
                plan.steps[index + 1].advance(&mut registers, [0.0; 2], [0.0; 2]);
                assert_eq!(registers.x, [1.5, 2.5]);
            }
        }
    }

    /// Stage by stage against x_t = a x_0 + s z and x̂_0 = (x_t − s ε̂)/a written out.
    #[test]
    fn every_estimate_is_of_the_point_noised_afresh() {
        let timesteps = 7;
        for schedule in [Schedule::Cosine, Schedule::Ve, Schedule::Flow] {
            let context = PlanContext {
                schedule,
                target: Target::Eps,
                timesteps,
            };
            let plan = Plan::estimates(context, None, false);
            assert_eq!(plan.evaluations(), Some(7));
            assert_eq!(plan.recorded_stages(1).len(), 14);
            let x_0 = [0.7, -1.1];
            let z = |t: usize| [(t as f64).sin(), (2.0 * t as f64).cos()];
            let output = [0.3, 0.4];
            let mut registers = Registers::at(x_0);
            for (t, pair) in plan.steps.chunks(2).enumerate().map(|(i, p)| (i + 1, p)) {
                let tau = t as f64 / 7.0;
                let scales = schedule.scales(tau, timesteps);
                pair[0].advance(&mut registers, [0.0; 2], z(t));
                let x_t = [0, 1].map(|i| scales.a * x_0[i] + scales.s * z(t)[i]);
                for (found, wanted) in registers.x.into_iter().zip(x_t) {
                    assert!((found - wanted).abs() < 1e-12, "{schedule} {t}");
                }
                let estimate =
                    [0, 1].map(|i| pair[1].x0_x * x_t[i] + pair[1].x0_output * output[i]);
                pair[1].advance(&mut registers, estimate, z(t + 100));
                assert_eq!(registers.x, estimate);
                if scales.a > 0.0 {
                    let by_noise = (x_t[0] - scales.s * output[0]) / scales.a;
                    assert!((estimate[0] - by_noise).abs() < 1e-9, "{schedule} {t}");
                }
                assert_eq!((pair[1].tau, pair[1].predicts), (tau, true));
            }
        }
    }
}
