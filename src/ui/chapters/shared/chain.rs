//! A chain from noise to data: what it depends on, and its frame at the clock.

use std::sync::Arc;

use crate::canvas::motion::FrameAt;
use crate::desk::Desk;
use engine::{Guidance, Start};
use lab::entrant::Entrant;
use lab::message::{RunRequest, RunResult};
use maths::data::bounds::Bounds;
use maths::diffusion::solver::PlanContext;

/// Most frames that are kept beside the start: a buffer holds 128 MiB on the smallest adapters, these fill 77.
const FRAMES: u32 = 100;

/// Which x̂_0 a chain follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The network's.
    Learned,
    /// E[x_0 | x_t].
    Exact,
    /// The one x_0 of each particle, as if it were known.
    Given,
}

impl Field {
    /// The exact one or the network's.
    pub fn exact(exact: bool) -> Self {
        if exact { Self::Exact } else { Self::Learned }
    }
}

/// The x_0 of each particle: equal where it is the same list.
#[derive(Clone, Debug)]
struct Clean(Arc<Vec<[f32; 2]>>);

impl PartialEq for Clean {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What is chosen of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// How it is sampled.
    pub entrant: Entrant,
    /// How many particles.
    pub particles: u32,
    /// By which x̂_0.
    pub field: Field,
    /// Run again as the weights change.
    pub follow: bool,
    /// Which noise, beside that of the experiment.
    pub noise: u64,
}

/// What a chain depends on besides weights and data.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainWish {
    chain: Chain,
    context: PlanContext,
    clip: Option<Bounds>,
    seed: u64,
    clean: Option<Clean>,
    guidance: Option<Guidance>,
    /// Why it cannot run, as a sentence.
    refusal: Option<String>,
}

impl ChainWish {
    /// The chain of the experiment that runs, in as many steps as it has timesteps at most.
    pub fn new(desk: &Desk, chain: Chain) -> Self {
        let snapshot = &desk.here.snapshot;
        let experiment = &snapshot.experiment;
        let exact = chain.field != Field::Learned;
        let refusal = chain.entrant.pick().refusal(experiment, exact);
        Self {
            context: experiment.plan_context(),
            // The exact x̂_0 lies where it should: clipping would only falsify it.
            clip: (experiment.clip && chain.field == Field::Learned)
                .then_some(snapshot.dataset.clip_box(experiment.fresh)),
            seed: experiment.seed.wrapping_add(chain.noise),
            chain: Chain {
                entrant: chain.entrant.within(experiment.timesteps),
                ..chain
            },
            clean: None,
            guidance: None,
            refusal,
        }
    }

    /// Led to these x_0, one a particle.
    #[must_use]
    pub fn led_to(self, clean: Arc<Vec<[f32; 2]>>) -> Self {
        Self {
            clean: Some(Clean(clean)),
            ..self
        }
    }

    /// Led towards a class.
    #[must_use]
    pub fn guided(self, guidance: Guidance) -> Self {
        Self {
            guidance: Some(guidance),
            ..self
        }
    }

    /// The context and the box that plans are compiled for.
    pub fn compiled_for(&self) -> (PlanContext, Option<Bounds>) {
        (self.context, self.clip)
    }

    /// To be drawn at any time: with frames, which stay on the device. `None` where it cannot run.
    pub fn request(&self) -> Option<RunRequest> {
        let entrant = &self.chain.entrant;
        if self.refusal.is_some() {
            return None;
        }
        Some(RunRequest {
            plan: entrant.plan(self.context, self.clip).ok()?,
            start: Start::Noise(self.chain.particles),
            seed: self.seed,
            exact: self.chain.field != Field::Learned,
            given: self.clean.as_ref().map(|Clean(clean)| clean.clone()),
            guidance: self.guidance.clone(),
            every: entrant.steps().div_ceil(FRAMES),
            follow: self.chain.follow,
            read_back: false,
        })
    }

    /// To be measured once: the ends alone, on the host.
    pub fn request_ends(&self) -> Option<RunRequest> {
        Some(RunRequest {
            every: u32::MAX,
            follow: false,
            read_back: true,
            ..self.request()?
        })
    }
}

/// The frame at t/T. Frames of a noisy run are never mixed: the mean of two would be less noisy than either.
pub fn frame_at(result: &RunResult, tau: f64) -> FrameAt {
    let taus = &result.recording.taus;
    if result.request.plan.is_noisy() {
        FrameAt::nearest(taus, tau)
    } else {
        FrameAt::between(taus, tau)
    }
}
