//! How much a sampler without a clip makes of a small error.
//!
//! Of the targets ε and score, x̂_0 = (x − s ε̂)/a. A step of DDIM from t to r gives x_r = a_r x̂_0 + s_r ε̂, so that an
//! error of ε̂ enters x_r (s_r − a_r s/a) times. Where a is all but 0 and a_r is not, that is a large number: 631 for 50
//! steps on the cosine schedule, whose a_T is 4.9e-5. The other targets give x̂_0 without a division.

use super::solver::{Plan, PlanContext};
use super::target::Target;

/// From here on it is worth a warning.
const WORTH_SAYING: f64 = 10.0;

/// The largest factor by which one step of a plan takes an error of ε̂ into x.
pub fn magnification(plan: &Plan, context: PlanContext) -> f64 {
    if !matches!(context.target, Target::Eps | Target::Score) {
        return 1.0;
    }
    let stages = plan.steps.iter().filter(|stage| stage.x0_output != 0.0);
    let factor = stages.map(|stage| {
        let (now, next) = (
            stage.scales,
            context.schedule.scales(stage.tau_next, context.timesteps),
        );
        (next.a * now.s / now.a - next.s).abs()
    });
    factor.fold(0.0, f64::max)
}

/// One sentence where a plan without a clip makes much of a small error.
pub fn warning(plan: &Plan, context: PlanContext) -> Option<String> {
    if plan.clip.is_some() {
        return None;
    }
    let factor = magnification(plan, context);
    (factor > WORTH_SAYING).then(|| {
        format!(
            "without the clip one step takes an error of ε̂ {factor:.0}-fold into the sample, since a is {:.1e} at t = T: \
             samples may fly apart; clip, or train another target, as v",
            context.schedule.scales(1.0, context.timesteps).a
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::schedule::Schedule;
    use crate::diffusion::solver::Sampler;

    const DDIM: Sampler = Sampler::Ddim { eta: 0.0 };

    fn context(schedule: Schedule, target: Target) -> PlanContext {
        PlanContext {
            schedule,
            target,
            timesteps: 1000,
        }
    }

    /// Samples of N(0, 1) on one axis by a network whose ε̂ is the exact one, s x/(a² + s²), and `bias` more.
    fn end_of(start: f64, bias: f64, context: PlanContext) -> f64 {
        let plan = DDIM.plan(50, context, None);
        plan.steps.iter().fold(start, |x, stage| {
            let (a, s) = (stage.scales.a, stage.scales.s);
            let eps = s * x / (a * a + s * s) + bias;
            let output = if context.target == Target::Score {
                -eps / s
            } else {
                eps
            };
            stage.to_x.x * x + stage.to_x.x_0 * (stage.x0_x * x + stage.x0_output * output)
        })
    }

    /// With a floor under a, an error of 0.01 became 200 on the schedule of flow matching.
    #[test]
    fn where_no_signal_is_left_a_small_error_stays_small() {
        for target in [Target::Eps, Target::Score] {
            let context = context(Schedule::Flow, target);
            for start in [-2.0, 0.0, 1.0] {
                let (right, wrong) = (end_of(start, 0.0, context), end_of(start, 0.01, context));
                assert!(
                    (right - start).abs() < 0.1 * start.abs() + 1e-9,
                    "the flow of N(0, 1) stands still: {right}"
                );
                // dw/dζ = δ/cos ζ, backwards from σ = tan ζ = 49, where a step first asks the network: δ asinh(49) = 0.0459.
                let expected = 0.01 * 49.0_f64.asinh();
                assert!(
                    (right - wrong - expected).abs() < 0.2 * expected,
                    "{target:?} from {start}: {wrong} {right}"
                );
            }
            assert_eq!(warning(&DDIM.plan(50, context, None), context), None);
        }
    }

    /// The factor is what an error at that step does to x: the plan followed twice, one of them with the error.
    #[test]
    fn the_factor_is_the_derivative_of_a_step() {
        for schedule in Schedule::ALL {
            for target in [Target::Eps, Target::Score] {
                let context = context(schedule, target);
                let plan = DDIM.plan(20, context, None);
                let largest = plan.steps.iter().map(|stage| {
                    let step = |eps: f64| {
                        let output = if target == Target::Score {
                            -eps / stage.scales.s
                        } else {
                            eps
                        };
                        stage.to_x.x * 0.3
                            + stage.to_x.x_0 * (stage.x0_x * 0.3 + stage.x0_output * output)
                    };
                    (step(1.0) - step(0.0)).abs()
                });
                let largest = largest.fold(0.0, f64::max);
                let told = magnification(&plan, context);
                assert!(
                    (told - largest).abs() < 1e-6 * (1.0 + largest),
                    "{schedule:?}: {told}, not {largest}"
                );
            }
        }
    }

    #[test]
    fn only_what_flies_apart_is_warned_of() {
        let says = |schedule, target, clip| {
            let context = context(schedule, target);
            warning(&DDIM.plan(50, context, clip), context)
        };
        let text = says(Schedule::Cosine, Target::Eps, None).unwrap();
        assert!(
            text.contains("631-fold") && text.contains("4.9e-5"),
            "{text}"
        );
        assert!(says(Schedule::Cosine, Target::Score, None).is_some());
        for target in [Target::X0, Target::V, Target::Velocity] {
            assert_eq!(says(Schedule::Cosine, target, None), None);
        }
        let clip = crate::data::bounds::Bounds {
            min: [-1.0; 2],
            max: [1.0; 2],
        };
        assert_eq!(says(Schedule::Cosine, Target::Eps, Some(clip)), None);
        for schedule in [
            Schedule::Linear,
            Schedule::Ve,
            Schedule::Flow,
            Schedule::Literal,
        ] {
            assert_eq!(says(schedule, Target::Eps, None), None, "{schedule:?}");
        }
    }
}
