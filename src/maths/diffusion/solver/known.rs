//! Inpainting: a coordinate that is known is held at its noised value at the end of every step, and each step is taken several times
//! (Lugmayr et al. 2022, "RePaint", algorithm 1). A coordinate that is to lie between two values is held by the box of x̂_0.

use super::transition::Transition;
use super::{Mix, Plan, PlanContext, PlanStep};
use crate::data::bounds::Bounds;
use crate::diffusion::schedule::Scales;

/// What the end of a stage puts in the place of coordinates that are known: the value scaled as the data are at that time, and fresh noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// a · value; `None` for a coordinate that is free.
    pub at: [Option<f64>; 2],
    /// s, the standard deviation of the noise. It is the stage's z before it is widened, of which a known coordinate has no other use.
    pub std: f64,
}

impl Known {
    /// Where a coordinate of a particle is, by the stage's noise z.
    #[inline]
    pub fn value(&self, axis: usize, z: f64) -> Option<f64> {
        self.at[axis].map(|at| at + self.std * z)
    }
}

/// What is asked of a coordinate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Wanted {
    /// Nothing.
    #[default]
    Any,
    /// It has this value.
    At(f64),
    /// It lies between these.
    Between([f64; 2]),
}

/// Why a plan cannot be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnownError {
    /// A step of it looks back.
    #[error(
        "each of its steps would have to stand by itself, and this sampler remembers or goes by several stages: take ddpm, ddpm-beta, ddim or euler"
    )]
    Remembers,
}

impl Plan {
    /// Hold coordinates, each step taken `times` times: after all but the last the particles are noised to where the step began. The step
    /// onto the data is taken once.
    ///
    /// A value is held as RePaint holds it: what is drawn is nearer to p(y | x = value), the more often each step is taken. Between two
    /// values x̂_0 is taken to the nearest point that is wanted: samples lie there, but not as the data do.
    ///
    /// # Errors
    /// A plan whose steps do not stand by themselves.
    pub fn held(
        self,
        wanted: [Wanted; 2],
        times: u32,
        context: PlanContext,
    ) -> Result<Self, KnownError> {
        let alone = |stage: &PlanStep| {
            let reads =
                |mix: &Mix| mix.base != 0.0 || mix.memory.iter().any(|&factor| factor != 0.0);
            stage.ends_step && !reads(&stage.to_x)
        };
        if self.control.is_some() || self.awaits_data || !self.steps.iter().all(alone) {
            return Err(KnownError::Remembers);
        }
        let scales = |tau: f64| context.schedule.scales(tau, context.timesteps);
        let times = times.max(1);
        let mut steps = Vec::with_capacity(self.steps.len() * (2 * times as usize - 1));
        for stage in &self.steps {
            let next = scales(stage.tau_next);
            let value = |of: Wanted| match of {
                Wanted::At(value) => Some(next.a * value),
                Wanted::Any | Wanted::Between(_) => None,
            };
            let at = wanted.map(value);
            let held = PlanStep {
                known: at
                    .iter()
                    .any(Option::is_some)
                    .then_some(Known { at, std: next.s }),
                ..*stage
            };
            // Onto the data there is nothing to be drawn again.
            let again = if next.s == 0.0 { 1 } else { times };
            for _ in 1..again {
                let unseen = PlanStep {
                    ends_step: false,
                    to_base: Some(held.to_x),
                    ..held
                };
                steps.extend([unseen, back(stage, next)]);
            }
            steps.push(held);
        }
        Ok(Self {
            steps,
            clip: narrowed(self.clip, wanted),
            ..self
        })
    }
}

/// From where a step ends to where it began, by the forward process.
fn back(stage: &PlanStep, next: Scales) -> PlanStep {
    let Transition { a, variance } = Transition::between(stage.scales, next);
    PlanStep {
        tau: stage.tau_next,
        tau_next: stage.tau,
        to_x: Mix {
            x: a,
            z: variance.sqrt(),
            ..Mix::default()
        },
        to_base: Some(Mix::default()),
        to_memory: PlanStep::KEEP,
        predicts: false,
        ends_step: false,
        widening: None,
        known: None,
        ..*stage
    }
}

/// The box of x̂_0 within what is wanted.
fn narrowed(clip: Option<Bounds>, wanted: [Wanted; 2]) -> Option<Bounds> {
    let everywhere = Bounds {
        min: [f32::MIN; 2],
        max: [f32::MAX; 2],
    };
    let mut bounds = clip.unwrap_or(everywhere);
    let mut is_narrower = false;
    for (axis, wanted) in wanted.into_iter().enumerate() {
        if let Wanted::Between([low, high]) = wanted {
            bounds.min[axis] = low.min(high) as f32;
            bounds.max[axis] = low.max(high) as f32;
            is_narrower = true;
        }
    }
    if is_narrower { Some(bounds) } else { clip }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::schedule::Schedule;
    use crate::diffusion::solver::Sampler;
    use crate::diffusion::target::Target;

    const CONTEXT: PlanContext = PlanContext {
        schedule: Schedule::Linear,
        target: Target::Eps,
        timesteps: 1000,
    };

    #[test]
    fn only_steps_that_stand_by_themselves_are_held() {
        for sampler in Sampler::ALL {
            let held =
                sampler
                    .plan(9, CONTEXT, None)
                    .held([Wanted::At(0.0), Wanted::Any], 3, CONTEXT);
            let name = sampler.name();
            let alone = ["ddpm", "ddpm-beta", "ddpm-learned", "ddim", "euler"];
            if alone.contains(&name) {
                // Eight steps three times with two ways back, and the landing.
                assert_eq!(held.unwrap().steps.len(), 8 * 5 + 1, "{name}");
            } else if ["heun", "rk4", "dpmpp-2m", "dopri5"].contains(&name) {
                assert_eq!(held, Err(KnownError::Remembers), "{name}");
            }
        }
    }
}
