//! How well a model does in few steps: how straight its paths are, what they transport, and how far one Euler step lands.

use std::sync::Arc;

use super::choice::Choice;
use super::setup::Setup;
use engine::cpu::batch::Source;
use engine::{Frames, Run, Start};
use maths::data::dataset::{Dataset, Pairs};
use maths::data::reference::Reference;
use maths::diffusion::solver::{Plan, Sampler};
use maths::measure::straightness::{Straightness, straightness};
use maths::measure::{Estimate, MeasureError, wasserstein2};
use maths::transport::mean_cost;

/// Particles of a sample that is held against the data: their exact distance takes about half a second.
pub const SAMPLES: u32 = 1024;
/// Euler steps of the paths whose straightness is measured.
pub const PATH_STEPS: u32 = 64;
/// What is sampled by, in how many steps.
pub const ADAPTIVE: Sampler = Sampler::Dopri5 { tolerance: 1e-4 };
/// Batches whose transport cost is averaged.
const BATCHES: u32 = 8;
/// Pairs of draws of the data that a distance and its floor are averaged over.
const DRAWS: u64 = 3;
/// Mixed into seeds ("few "): what is measured against is drawn apart from any training set.
const SALT: u64 = 0x6665_7720;

/// A plan of an experiment's model by this sampler.
pub fn plan(setup: &Setup, sampler: Sampler, steps: u32) -> Plan {
    let experiment = &setup.experiment;
    let clip = (experiment.clip).then_some(setup.dataset.clip_box(experiment.fresh));
    let choice = Choice {
        sampler,
        steps,
        placement: None,
    };
    choice.plan(experiment.plan_context(), clip)
}

/// What the pairs of a training cost, E|x_0 − start|², by some of its batches after `step` updates.
pub fn batch_cost(setup: &Setup, step: u64) -> Estimate {
    let (spec, source) = (&setup.spec, Source::new(&setup.spec));
    let cost = |further: u32| {
        let step = (step as u32).wrapping_add(further);
        let samples = source.samples(&spec.timetable, spec.seed, step, spec.batch as usize);
        let (x_0, starts): (Vec<_>, Vec<_>) = samples
            .iter()
            .map(|sample| (sample.x_0, sample.epsilon))
            .unzip();
        mean_cost(&x_0, &starts)
    };
    Estimate::of_mean(&(0..BATCHES).map(cost).collect::<Vec<_>>())
}

/// W₂² of samples to draws of the data, and that of draws to draws: its floor.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Distance {
    /// The mean over some draws.
    pub squared: Estimate,
    /// Of honest samples.
    pub floor: Estimate,
}

/// The exact squared 2-Wasserstein distance of samples to the data.
///
/// # Errors
/// Samples that are not finite, and data with too few rows to judge by.
pub fn distance(
    samples: &[[f32; 2]],
    reference: &Reference,
    seed: u64,
) -> Result<Distance, MeasureError> {
    let n = samples.len().min(reference.most().unwrap_or(usize::MAX));
    let (mut of_samples, mut floors) = (Vec::new(), Vec::new());
    for draw in 0..DRAWS {
        let [fresh, others] = reference.pair(n, (seed ^ SALT).wrapping_add(draw << 32));
        of_samples.push(wasserstein2(&samples[..n], &fresh)?.powi(2));
        floors.push(wasserstein2(&others, &fresh)?.powi(2));
    }
    Ok(Distance {
        squared: Estimate::of_mean(&of_samples),
        floor: Estimate::of_mean(&floors),
    })
}

/// The numbers of one model.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Numbers {
    /// Of the model's own paths.
    pub paths: Straightness,
    /// What the pairs of its training cost.
    pub pairs: Estimate,
    /// After one Euler step.
    pub one_step: Distance,
    /// By an adaptive solver.
    pub adaptive: Distance,
}

/// What is read from an engine for [`Numbers`].
#[derive(Clone, Debug)]
pub struct Recorded {
    /// t/T of the frames of the paths.
    pub taus: Vec<f64>,
    /// The paths [frames, particles].
    pub paths: Arc<Vec<[f32; 2]>>,
    /// Where one Euler step ends.
    pub one_step: Arc<Vec<[f32; 2]>>,
    /// Where the adaptive solver ends.
    pub adaptive: Arc<Vec<[f32; 2]>>,
}

impl Numbers {
    /// Of what was recorded after `step` updates.
    ///
    /// # Errors
    /// As [`distance`].
    pub fn of(setup: &Setup, step: u64, recorded: &Recorded) -> Result<Self, MeasureError> {
        let Dataset { reference, .. } = &*setup.dataset;
        let seed = setup.experiment.seed;
        Ok(Self {
            paths: straightness(&recorded.taus, &recorded.paths)?,
            pairs: batch_cost(setup, step),
            one_step: distance(&recorded.one_step, reference, seed)?,
            adaptive: distance(&recorded.adaptive, reference, seed)?,
        })
    }
}

/// The plan by which pairs are made: enough steps that what is wrong with them is the model.
pub fn reflow_plan(setup: &Setup) -> Plan {
    plan(setup, Sampler::Heun, PATH_STEPS)
}

/// The run that makes pairs by a plan.
pub fn reflow_run<'a>(plan: &'a Plan, start: &'a Start, seed: u64) -> Run<'a> {
    Run {
        frames: Frames::Every(plan.steps.len().max(1) as u32),
        ..Run::of_samples(plan, start, seed)
    }
}

/// The pairs of a recording with its start and its end.
///
/// # Errors
/// One sentence where a point is not finite.
pub fn pairs_of(points: &[[f32; 2]], particles: usize) -> Result<Pairs, String> {
    let starts = points.iter().take(particles).copied().collect();
    let ends = points[points.len().saturating_sub(particles)..].to_vec();
    Pairs::new(starts, ends).ok_or_else(|| {
        "the model leads some starts nowhere: train it longer before reflow".to_owned()
    })
}
