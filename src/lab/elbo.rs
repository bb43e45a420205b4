//! The variational bound of a model: its x̂_0, or the exact one, at points noised to every timestep.

use std::sync::Arc;

use super::message::RunRequest;
use super::setup::Setup;
use engine::{Denoiser, Engine, EngineError, Frames, Run, Start};
use maths::data::dataset::Dataset;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::Plan;
use maths::measure::elbo::Draws;
use maths::measure::entropy::{Entropy, differential_entropy};

use super::experiment::Experiment;

/// Most estimates of a run, so that its frames fit everywhere.
const ESTIMATES: u32 = 1 << 18;
/// Draws that the entropy is estimated by.
const ENTROPY_DRAWS: usize = 1 << 14;

/// Whose x̂_0 the bound is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The network's, clipped as samplers clip it.
    Learned,
    /// The posterior mean.
    Exact,
}

/// The plan of one run: x̂_0 at every timestep, clipped where the experiment's samplers clip.
fn plan(experiment: &Experiment, dataset: &Dataset, whose: Whose) -> Plan {
    let clips = experiment.clip && whose == Whose::Learned;
    let clip = clips.then(|| dataset.clip_box(experiment.fresh));
    Plan::estimates(
        experiment.plan_context(),
        clip,
        says_variance(experiment, whose),
    )
}

/// True where a denoiser says the variance of each step: the exact one always can.
pub fn says_variance(experiment: &Experiment, whose: Whose) -> bool {
    experiment.learn_variance || whose == Whose::Exact
}

/// How many points one run takes to all timesteps: at most `wanted`, and at least a few.
pub fn points_of_a_run(timesteps: u32, wanted: u32) -> u32 {
    wanted.min((ESTIMATES / timesteps.max(1)).max(64))
}

/// A run for the window, of so many points, again as the weights change. Its frames are read by [`Draws::of_frames`].
pub fn request(
    experiment: &Experiment,
    dataset: &Dataset,
    whose: Whose,
    points: u32,
) -> RunRequest {
    let x_0 = Draws::points(&dataset.mixture, points as usize, experiment.seed);
    let plan = plan(experiment, dataset, whose);
    RunRequest {
        seed: experiment.seed,
        ..RunRequest::at(Arc::new(x_0), plan, whose == Whose::Exact)
    }
}

/// h(p_0) of the data, nats: what no bound is below.
pub fn entropy(mixture: &Mixture) -> Entropy {
    let data = Scales { a: 1.0, s: 0.0 };
    differential_entropy(mixture, data, ENTROPY_DRAWS, 0)
}

/// Take `count` points of the data through all timesteps on an engine.
///
/// # Errors
/// The engine's, and a network whose answers are not numbers.
pub fn draws(
    engine: &mut dyn Engine,
    setup: &Setup,
    whose: Whose,
    count: u32,
    seed: u64,
) -> Result<Draws, EngineError> {
    let Setup {
        experiment,
        dataset,
        ..
    } = setup;
    let plan = plan(experiment, dataset, whose);
    let denoiser = match whose {
        Whose::Learned => Denoiser::Learned,
        Whose::Exact => Denoiser::Exact(dataset.mixture.clone()),
    };
    let x_0 = Draws::points(&dataset.mixture, count as usize, seed);
    let mut all: Option<Draws> = None;
    let size = points_of_a_run(experiment.timesteps, count).max(1) as usize;
    for (number, points) in x_0.chunks(size).enumerate() {
        let run = Run {
            plan: &plan,
            start: &Start::Points(Arc::new(points.to_vec())),
            // Each run has noise of its own.
            seed: seed ^ ((number as u64) << 32),
            denoiser: &denoiser,
            guidance: None,
            frames: Frames::Every(1),
        };
        let ended = || EngineError::Invalid("the run was ended before its end".to_owned());
        let recording = engine.run(&run, &|_| true)?.ok_or_else(ended)?;
        let frames = recording.points.to_host()?;
        let (schedule, timesteps) = (experiment.schedule, experiment.timesteps);
        let asks = says_variance(experiment, whose);
        let some = Draws::of_frames(&dataset.mixture, schedule, timesteps, &frames, asks);
        let some = some.ok_or_else(ended)?;
        all = Some(match all {
            Some(draws) => draws.with(some),
            None => some,
        });
    }
    let nothing = "there are no points to measure the bound by; take at least one";
    let all = all.ok_or_else(|| EngineError::Invalid(nothing.to_owned()))?;
    if all.is_finite() {
        return Ok(all);
    }
    let text = "the model answers with what is not a number; train it again at a lower --lr";
    Err(EngineError::Invalid(text.to_owned()))
}
