//! How x_0 and the point that it is led from come together, in training and where samples start.

use std::sync::Arc;

use crate::draws::Draws;
use crate::{Denoiser, EngineError, Run, Start};
use maths::data::mixture::Mixture;
use maths::philox::{Stream, draw, normal_pair};
use maths::transport::Coupling;

/// The joint distribution of x_0 and of what stands in the place of noise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairing {
    /// Who belongs to whom within a batch.
    pub coupling: Coupling,
    /// What is drawn in the place of noise; `None` for noise.
    pub source: Option<Arc<Mixture>>,
    /// Of [`Coupling::Reflow`], the start of each training point.
    pub starts: Option<Arc<Vec<[f32; 2]>>>,
}

impl Pairing {
    /// Refuse pairs that are not one a point, and a source without components.
    pub(crate) fn check(&self, points: Option<usize>) -> Result<(), EngineError> {
        let invalid = |text: String| Err(EngineError::Invalid(text));
        let pairs = self.starts.as_ref().map(|starts| starts.len());
        if (self.coupling == Coupling::Reflow) != pairs.is_some()
            || (pairs.is_some() && pairs != points)
        {
            return invalid(
                "the pairs of reflow are not one start for each training point".to_owned(),
            );
        }
        match &self.source {
            Some(source) if source.components.is_empty() => {
                invalid("the source has no components".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Refuse a plan that adds noise, by a network that did not learn the score of noise drawn apart.
    pub(crate) fn check_run(&self, run: &Run<'_>) -> Result<(), EngineError> {
        let plain = self.coupling == Coupling::Independent && self.source.is_none();
        if plain || !matches!(run.denoiser, Denoiser::Learned) || !run.plan.is_noisy() {
            return Ok(());
        }
        let text = "this sampler adds noise, which leads to the data only where noise and points are drawn apart in training: take heun, euler or another of the ODE";
        Err(EngineError::Invalid(text.to_owned()))
    }

    /// Where a run starts: one that follows the network at draws of the source in the place of noise. What is exact is of noise.
    pub(crate) fn start(&self, run: &Run<'_>) -> Start {
        let (seed, std) = (run.seed, run.plan.start_std);
        match (&self.source, run.start, run.denoiser) {
            (Some(_), Start::Noise(n), Denoiser::Learned) => {
                Start::Points(Arc::new(self.drawn_starts(*n, seed, std)))
            }
            _ => run.start.clone(),
        }
    }

    /// Where the first `n` particles of a run start, by seed and the plan's standard deviation of noise.
    pub fn drawn_starts(&self, n: u32, seed: u64, std: f64) -> Vec<[f32; 2]> {
        match &self.source {
            Some(source) => {
                let (draws, std) = (Draws::new(source), std as f32);
                let point = |index| {
                    let words = draw(seed, Stream::SamplerStart, 0, index);
                    let (point, _) = draws.point(words[0], normal_pair(words[2], words[3]));
                    point.map(|x| std * x)
                };
                (0..n).map(point).collect()
            }
            None => Start::Noise(n).points(seed, std),
        }
    }
}
