//! A run that a chapter asks for: the wish, how far it is, and its result.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::setup::Setup;
use engine::{Guidance, GuideBy, Recording, Start};
use maths::diffusion::solver::Plan;

/// A number that nothing else in this process bears: contents with equal versions are the same, of whichever experiment.
pub fn fresh_version() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// A run that a chapter wants recorded: a cloud through a sampler, a few paths, or (by [`Plan::field`]) a field.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The stages, compiled for the experiment that runs.
    pub plan: Plan,
    /// Where the particles start.
    pub start: Start,
    /// Key of starts and noise.
    pub seed: u64,
    /// By the exact x̂_0 of the experiment's data, else by the network's.
    pub exact: bool,
    /// The x_0 of each particle, in the place of any x̂_0; such a run is of no weights, as an exact one.
    pub given: Option<Arc<Vec<[f32; 2]>>>,
    /// Towards which class it is led, with the distribution of that class; `None` for the distribution of all.
    pub guidance: Option<Guidance>,
    /// Keep a frame of the start, of every so many steps, and of the last.
    pub every: u32,
    /// Run again as the weights change, within the live picture's share of the time.
    pub follow: bool,
    /// Copy the frames to the host as well: for a few thousand points that the window reads, not only draws.
    pub read_back: bool,
}

impl RunRequest {
    /// True where the network is asked for the variance of a step.
    pub fn asks_variance(&self) -> bool {
        !self.exact && self.given.is_none() && self.plan.asks_variance()
    }

    /// True where it can be carried out for these data and a network of this kind: one that says the variance that the plan asks for,
    /// or knows the label; of a closed form, where the class is still one of the data.
    pub fn fits(&self, setup: &Setup) -> bool {
        let experiment = &setup.experiment;
        if self.asks_variance() && !experiment.learn_variance {
            return false;
        }
        // A sampler that adds noise leads to the data of noise and points that are drawn apart.
        let learned = !self.exact && self.given.is_none();
        if learned && self.plan.is_noisy() && !experiment.is_plainly_paired() {
            return false;
        }
        let Some(guidance) = &self.guidance else {
            return true;
        };
        let Guidance {
            label, class, by, ..
        } = guidance;
        let told = label.is_some() && by.kind().tells_network();
        if told && !self.exact && !experiment.labels {
            return false;
        }
        if let GuideBy::WeakModel(weak) = by
            && !weak.reads_like(&setup.spec.timetable)
        {
            return false;
        }
        let Some(label) = *label else {
            return true;
        };
        let dataset = &setup.dataset;
        let labels = dataset
            .labels
            .as_ref()
            .filter(|labels| label < labels.count());
        let now = labels.and_then(|labels| labels.mixture_of(&dataset.mixture, label));
        now.is_some() && class.as_deref() == now.as_ref()
    }

    /// Read a plan at points: each stage on the host, by the network again as its weights change.
    pub fn at(points: Arc<Vec<[f32; 2]>>, plan: Plan, exact: bool) -> Self {
        Self {
            plan,
            start: Start::Points(points),
            seed: 0,
            exact,
            given: None,
            guidance: None,
            every: 1,
            follow: !exact,
            read_back: true,
        }
    }
}

/// Where a slot stands.
#[derive(Clone, Debug)]
pub struct RunState {
    /// What is asked for.
    pub request: Arc<RunRequest>,
    /// Waiting or under way: the share of the work done so far, read at any time.
    pub progress: Option<RunProgress>,
    /// The last result; while a run is under way, of the request before.
    pub done: Option<Arc<RunResult>>,
}

/// The share of a run that is done, written by the worker and read by the window.
#[derive(Clone, Debug, Default)]
pub struct RunProgress(Arc<AtomicU32>);

impl RunProgress {
    /// Set the share, 0 to 1.
    pub fn set(&self, share: f32) {
        self.0.store(share.to_bits(), Ordering::Relaxed);
    }

    /// The share, 0 to 1.
    pub fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// What was asked for.
    pub request: Arc<RunRequest>,
    /// The frames.
    pub recording: Recording,
    /// The frames on the host [frames, particles], where [`RunRequest::read_back`] asked for them.
    pub host: Option<Arc<Vec<[f32; 2]>>>,
    /// Updates that the weights had seen.
    pub step: u64,
    /// Another with every result, and larger: the canvas uploads when it changes.
    pub version: u64,
    /// Seconds that it took.
    pub secs: f64,
}
