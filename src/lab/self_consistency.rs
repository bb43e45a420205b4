//! The self-consistency of a model along exact paths: where it says that a path ends, asked at every time of the path.

use engine::{Denoiser, Engine, EngineError, Frames, Run, Start, Weights};
use maths::diffusion::solver::Sampler;
use maths::diffusion::target::Combination;
use maths::measure::self_consistency::errors;

use super::setup::Setup;

/// Steps of the exact paths.
const STEPS: u32 = 64;
/// So many steps lie between two times at which the model is asked.
const EVERY: u32 = 2;

/// What a model says along the exact paths of its data.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfConsistency {
    /// t/T, falling from 1.
    pub taus: Vec<f64>,
    /// x̂_0 of each particle at each of these, [times, particles].
    pub said: Vec<Vec<[f32; 2]>>,
    /// Where the paths end.
    pub ends: Vec<[f32; 2]>,
    /// Root mean square distance of what is said to the ends, at each time.
    pub errors: Vec<f64>,
}

/// Lead so many particles along the exact probability flow, and ask the averaged weights of an engine's model on the way.
///
/// # Errors
/// The engine's.
pub fn measure(
    engine: &mut dyn Engine,
    setup: &Setup,
    particles: u32,
    seed: u64,
) -> Result<SelfConsistency, EngineError> {
    let context = setup.experiment.plan_context();
    let plan = Sampler::Heun.plan(STEPS, context, None);
    let run = Run {
        plan: &plan,
        start: &Start::Noise(particles),
        seed,
        denoiser: &Denoiser::Exact(setup.dataset.mixture.clone()),
        frames: Frames::Every(EVERY),
        guidance: None,
    };
    let nothing = || EngineError::Invalid("the exact paths were not computed".to_owned());
    let recording = engine.run(&run, &|_| true)?.ok_or_else(nothing)?;
    let points = recording.points.to_host()?;
    let mut frames: Vec<&[[f32; 2]]> = points.chunks(recording.particles.max(1)).collect();
    let ends = frames.pop().ok_or_else(nothing)?.to_vec();
    let (mut taus, mut said) = (Vec::new(), Vec::new());
    for (&tau, points) in recording.taus.iter().zip(frames) {
        let outputs = engine.predict(tau, points, Weights::Ema)?;
        let scales = context.schedule.scales(tau, context.timesteps);
        let Combination(of_x, of_output) = context.target.to_x0(scales);
        let x0 = points.iter().zip(outputs).map(|(x, output)| {
            [0, 1].map(|axis| of_x as f32 * x[axis] + of_output as f32 * output[axis])
        });
        taus.push(tau);
        said.push(x0.collect());
    }
    let errors = errors(&said, &ends);
    Ok(SelfConsistency {
        taus,
        said,
        ends,
        errors,
    })
}
