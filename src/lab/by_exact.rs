//! What the sampler does alone: samples by the exact x̂_0, held against the data as the network's are. No network is at fault in
//! what they lack.

use std::sync::Arc;

use super::picture::{LIVE_SAMPLES, LIVE_SEED};
use super::setup::Setup;
use engine::{Denoiser, Engine, EngineError, Frames, Run, Start};
use maths::data::dataset::Dataset;
use maths::diffusion::solver::Plan;
use maths::measure::Estimate;

/// Most components times stages times particles: a few tenths of a second, once for a plan. Beyond it nothing is measured: a plan of
/// a thousand stages has hardly an error of its own.
const EVALUATIONS: usize = 1 << 27;

/// The distance of samples by the exact x̂_0, and what it is of.
#[derive(Debug, Default)]
pub struct ByExact {
    of: Option<(Arc<Dataset>, Arc<Plan>)>,
    distance: Option<Estimate>,
}

impl ByExact {
    /// What `compare` says of samples by the live picture's plan and the exact x̂_0, from the same noise; `None` where that would
    /// take long. Asked again for the same data and plan it is remembered.
    ///
    /// # Errors
    /// The engine's.
    pub fn distance(
        &mut self,
        engine: &mut dyn Engine,
        setup: &Setup,
        compare: impl FnOnce(&[[f32; 2]]) -> Option<Estimate>,
    ) -> Result<Option<Estimate>, EngineError> {
        let same = |(dataset, plan): &(Arc<Dataset>, Arc<Plan>)| {
            Arc::ptr_eq(dataset, &setup.dataset) && Arc::ptr_eq(plan, &setup.plan)
        };
        if self.of.as_ref().is_some_and(same) {
            return Ok(self.distance);
        }
        let mixture = &setup.dataset.mixture;
        let particles = LIVE_SAMPLES as usize;
        let evaluations = mixture.components.len() * setup.plan.steps.len() * particles;
        self.distance = if evaluations > EVALUATIONS {
            None
        } else {
            let run = Run {
                plan: &setup.plan,
                start: &Start::Noise(LIVE_SAMPLES),
                seed: LIVE_SEED,
                denoiser: &Denoiser::Exact(mixture.clone()),
                guidance: None,
                frames: Frames::End,
            };
            match engine.run(&run, &|_| true)? {
                Some(recording) => compare(&recording.points.to_host()?),
                None => None,
            }
        };
        self.of = Some((setup.dataset.clone(), setup.plan.clone()));
        Ok(self.distance)
    }
}
