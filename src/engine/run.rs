//! What an engine carries out: a plan from its start, whole or in pieces, and what is kept of it.

use std::ops::Range;
use std::sync::Arc;

use crate::network::layout::NetworkShape;
use crate::{Cloud, EngineError};
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::{Effort, Mark, Plan, PlanStep};
use maths::diffusion::target::Quantity;
use maths::philox::{Stream, normal};

/// Where a sampler starts.
#[derive(Clone, Debug)]
pub enum Start {
    /// `n` draws of N(0, start_std² I), by Philox from the sampling seed; of the source, where the training has another.
    Noise(u32),
    /// Given points.
    Points(Arc<Vec<[f32; 2]>>),
}

impl Start {
    /// Number of particles.
    pub fn len(&self) -> usize {
        match self {
            Self::Noise(n) => *n as usize,
            Self::Points(points) => points.len(),
        }
    }

    /// True for no particles.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The points, where noise has this key and standard deviation.
    pub(crate) fn points(&self, seed: u64, std: f64) -> Vec<[f32; 2]> {
        match self {
            Self::Noise(n) => Self::drawn(seed, 0, *n, std),
            Self::Points(points) => points.to_vec(),
        }
    }

    /// The points of the particles `first..first + count`.
    pub(crate) fn slice(&self, seed: u64, (first, count): (u32, u32), std: f64) -> Vec<[f32; 2]> {
        match self {
            Self::Noise(_) => Self::drawn(seed, first, count, std),
            Self::Points(points) => points[first as usize..(first + count) as usize].to_vec(),
        }
    }

    /// The starts of the particles `first..first + count`: N(0, std² I). They depend on nothing but seed and index.
    fn drawn(seed: u64, first: u32, count: u32, std: f64) -> Vec<[f32; 2]> {
        let std = std as f32;
        (first..first + count)
            .map(|index| normal(seed, Stream::SamplerStart, 0, index).map(|z| std * z))
            .collect()
    }
}

/// Which x̂_0 a run follows.
#[derive(Clone, Debug)]
pub enum Denoiser {
    /// The network's, by the EMA weights.
    Learned,
    /// The posterior mean E[x_0 | x_t] of the mixture, in closed form.
    Exact(Arc<Mixture>),
    /// The x_0 that each particle is led to, as if it were known: the chain is then q(x_{t−1} | x_t, x_0) of Ho et al. 2020, eq. 6.
    Given(Arc<Vec<[f32; 2]>>),
}

/// Towards which class a run is led, and how strongly: x̂_0 becomes that of all plus `weight` times what that of the class has more
/// (Ho & Salimans 2022, "Classifier-free guidance", eq. 6, whose w is this one less 1).
#[derive(Clone, Debug, PartialEq)]
pub struct Guidance {
    /// The class.
    pub label: u32,
    /// 0: as without a label; 1: as the class; above: beyond it.
    pub weight: f64,
    /// ln SNR between which the weight counts; elsewhere it is 1 (Kynkäänniemi et al. 2024).
    pub log_snr: [f64; 2],
    /// The distribution of the class alone: what exact runs follow. `None` where only the network is asked.
    pub class: Option<Arc<Mixture>>,
}

impl Guidance {
    /// The weight at one noise level.
    pub fn weight_at(&self, Scales { a, s }: Scales) -> f64 {
        let log_snr = 2.0 * (a / s).ln();
        let [least, most] = self.log_snr;
        if (least..=most).contains(&log_snr) {
            self.weight
        } else {
            1.0
        }
    }
}

/// Both estimates put together: `weight` 0 gives the first, 1 the second.
pub(crate) fn guided(of_all: [f32; 2], of_class: [f32; 2], weight: f32) -> [f32; 2] {
    [0, 1].map(|axis| of_all[axis] + weight * (of_class[axis] - of_all[axis]))
}

/// What is kept of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// Its end.
    End,
    /// Its start, the end of every so many steps, and its end.
    Every(u32),
}

/// A plan to be carried out. Noise has the counter (stream, step of the plan, particle) and the key `seed`, so that the particle
/// with index i starts at the same place whatever their number is.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The table of stages.
    pub plan: &'a Plan,
    /// Where the particles start.
    pub start: &'a Start,
    /// Key of starts and noise.
    pub seed: u64,
    /// Which x̂_0 they follow.
    pub denoiser: &'a Denoiser,
    /// What is kept.
    pub frames: Frames,
    /// Towards which class it is led; `None` for the distribution of all.
    pub guidance: Option<&'a Guidance>,
}

impl<'a> Run<'a> {
    /// Samples of the network: the end of a plan.
    pub fn of_samples(plan: &'a Plan, start: &'a Start, seed: u64) -> Self {
        Self {
            plan,
            start,
            seed,
            denoiser: &Denoiser::Learned,
            frames: Frames::End,
            guidance: None,
        }
    }

    /// The stages after which a frame is kept, ascending.
    pub fn kept_stages(&self) -> Vec<usize> {
        match self.frames {
            Frames::End => self.plan.steps.len().checked_sub(1).into_iter().collect(),
            Frames::Every(every) => self.plan.recorded_stages(every),
        }
    }

    /// True where the first frame is the start: also of a plan without stages, which leaves every particle where it was.
    pub fn keeps_start(&self) -> bool {
        self.frames != Frames::End || self.plan.steps.is_empty()
    }

    /// Refuse a plan that awaits the data, one that asks a network of this shape for what it has not learned, x_0s that are not one for
    /// each particle, and a plan that asks for another quantity than x̂_0 where they are given.
    pub(crate) fn check(&self, shape: NetworkShape) -> Result<(), EngineError> {
        if self.plan.awaits_data {
            let text =
                "the variance of these steps follows from the data: tell the plan of them first";
            return Err(EngineError::Invalid(text.to_owned()));
        }
        let asks_network = matches!(self.denoiser, Denoiser::Learned);
        if asks_network && !shape.learns_variance && self.plan.asks_variance() {
            let text = "these steps take their variance from the network, and it has learned none: train one with --learn-variance, or take ddpm";
            return Err(EngineError::Invalid(text.to_owned()));
        }
        if let Some(guidance) = self.guidance {
            self.check_guidance(guidance, shape)?;
        }
        let Denoiser::Given(clean) = self.denoiser else {
            return Ok(());
        };
        let (given, particles) = (clean.len(), self.start.len());
        if given != particles {
            return Err(EngineError::Invalid(format!(
                "{given} clean points cannot lead {particles} particles"
            )));
        }
        let asks = |stage: &PlanStep| stage.predicts && stage.quantity != Quantity::X0;
        if self.plan.steps.iter().any(asks) {
            let text = "clean points are given in the place of x̂_0 alone, not of noise or score";
            return Err(EngineError::Invalid(text.to_owned()));
        }
        Ok(())
    }

    /// True where the network is asked with the label and without: where some weight is not that of the class alone.
    pub(crate) fn asks_twice(&self) -> bool {
        let other = |guidance: &Guidance| {
            let weight = |stage: &PlanStep| guidance.weight_at(stage.scales);
            self.plan.steps.iter().any(|stage| weight(stage) != 1.0)
        };
        self.guidance.is_some_and(other)
    }

    fn check_guidance(&self, guidance: &Guidance, shape: NetworkShape) -> Result<(), EngineError> {
        let label = Some(guidance.label);
        let text = match self.denoiser {
            Denoiser::Learned if shape.check_label(label).is_err() => {
                return shape.check_label(label).map_err(EngineError::Invalid);
            }
            Denoiser::Exact(_) if guidance.class.is_none() => {
                "the distribution of the class is not given".to_owned()
            }
            Denoiser::Given(_) => "clean points that are given have no label".to_owned(),
            _ if !guidance.weight.is_finite() || guidance.log_snr.iter().any(|at| at.is_nan()) => {
                "the guidance is no number".to_owned()
            }
            _ => return Ok(()),
        };
        Err(EngineError::Invalid(text))
    }

    /// t/T of the frames.
    pub fn taus(&self) -> Vec<f64> {
        let start = self.plan.steps.first().map_or(0.0, |stage| stage.tau);
        let ends = self
            .kept_stages()
            .into_iter()
            .map(|stage| self.plan.steps[stage].tau_next);
        self.keeps_start()
            .then_some(start)
            .into_iter()
            .chain(ends)
            .collect()
    }
}

/// The frames of a run.
#[derive(Clone, Debug)]
pub struct Recording {
    /// t/T of each frame.
    pub taus: Vec<f64>,
    /// Particles in a frame.
    pub particles: usize,
    /// Points [frames, particles].
    pub points: Cloud,
    /// What it took the particles, where they chose their own steps.
    pub own_steps: Option<Arc<OwnSteps>>,
}

impl Recording {
    /// How often x̂_0 was evaluated for a particle by this plan: where each chooses its own steps, the mean.
    pub fn evaluations(&self, plan: &Plan) -> Option<f64> {
        let of_table = plan.evaluations().map(|count| count as f64);
        of_table.or_else(|| {
            let efforts = &self.own_steps.as_ref()?.efforts;
            let sum: f64 = efforts
                .iter()
                .map(|effort| f64::from(effort.evaluations))
                .sum();
            Some(sum / efforts.len().max(1) as f64)
        })
    }
}

/// How far a run on the host has come, stage by stage and particle by particle, and the frames that it keeps.
pub(crate) struct Passage {
    /// The stages after which a frame is kept, ascending.
    kept: Vec<usize>,
    taus: Vec<f64>,
    /// Points [frames so far, particles].
    frames: Vec<[f32; 2]>,
    stages: usize,
    particles: usize,
    /// The stage that comes next, and the first particle that it comes to.
    stage: usize,
    next: usize,
    is_done: bool,
}

impl Passage {
    /// Of a run whose particles start here.
    pub fn begin(run: &Run<'_>, starts: Vec<[f32; 2]>) -> Self {
        Self {
            kept: run.kept_stages(),
            taus: run.taus(),
            particles: starts.len(),
            frames: if run.keeps_start() {
                starts
            } else {
                Vec::new()
            },
            stages: run.plan.steps.len(),
            stage: 0,
            next: 0,
            is_done: false,
        }
    }

    /// The stage that comes next and the particles that it comes to, of at most so many; `None` where all is done.
    ///
    /// # Errors
    /// A run that was done before.
    pub fn next(&self, most: usize) -> Result<Option<(usize, Range<usize>)>, EngineError> {
        if self.is_done {
            return Err(ended());
        }
        let end = (self.next + most).min(self.particles);
        Ok((self.stage < self.stages).then_some((self.stage, self.next..end)))
    }

    /// The share of the work done.
    pub fn share(&self) -> f32 {
        let of_stage = self.next as f32 / self.particles.max(1) as f32;
        (self.stage as f32 + of_stage) / self.stages as f32
    }

    /// The particles before `end` are through the stage; `seen` says where all are, for a frame.
    pub fn pass<P: Iterator<Item = [f32; 2]>>(&mut self, end: usize, seen: impl FnOnce() -> P) {
        self.next = end;
        if end == self.particles {
            if self.kept.binary_search(&self.stage).is_ok() {
                self.frames.extend(seen());
            }
            (self.stage, self.next) = (self.stage + 1, 0);
        }
    }

    /// The end: its frames.
    pub fn recording(&mut self, own_steps: Option<Arc<OwnSteps>>) -> Recording {
        self.is_done = true;
        Recording {
            taus: std::mem::take(&mut self.taus),
            particles: self.particles,
            points: Cloud::Host(Arc::new(std::mem::take(&mut self.frames))),
            own_steps,
        }
    }
}

/// The steps of particles that chose them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnSteps {
    /// Of each particle, what it took.
    pub efforts: Vec<Effort>,
    /// Of each particle, the ends of the steps that it tried; empty where they are not kept.
    pub marks: Vec<Vec<Mark>>,
}

/// A run under way. Dropping it gives it up.
pub trait Underway: Send {
    /// Go on until it is done, or until `goes_on` answers false: `Ok(None)`, and the next call goes on from there. `goes_on` is
    /// told the share of the work done, 0 to 1, between pieces of it that last no longer than painting can wait.
    ///
    /// # Errors
    /// The engine's, and a run that was done before.
    fn advance(&mut self, goes_on: &dyn Fn(f32) -> bool) -> Result<Option<Recording>, EngineError>;
}

/// What a run says that is asked to go on after its end.
pub(crate) fn ended() -> EngineError {
    EngineError::Invalid("this run is done: begin another".to_owned())
}

/// A piece of the work on a picture: a slice of its particles through some stages of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// First particle of the slice.
    pub first: u32,
    /// Particles of the slice.
    pub count: u32,
    /// First stage; 0 begins the slice.
    pub stage: u32,
    /// The stage after the last one.
    pub end_stage: u32,
}

impl Piece {
    /// Refuse a run that is not done in pieces, a cloud of another size, and what is not all among the run's particles and its
    /// plan's stages.
    pub(crate) fn check(
        &self,
        cloud: Option<&Cloud>,
        run: &Run<'_>,
        shape: NetworkShape,
    ) -> Result<(), EngineError> {
        run.check(shape)?;
        let Self {
            first,
            count,
            stage,
            end_stage,
        } = *self;
        let Run {
            plan,
            start,
            denoiser,
            frames,
            ..
        } = run;
        let invalid = |text| Err(EngineError::Invalid(text));
        let plain = run.guidance.is_none();
        let (Start::Noise(total), Denoiser::Learned, Frames::End, true) =
            (start, denoiser, frames, plain)
        else {
            return invalid(
                "only the end of a run from noise by the network, without a label, is made in pieces".to_owned(),
            );
        };
        let total = *total;
        if let Some(cloud) = cloud.filter(|cloud| cloud.len() != total as usize) {
            return invalid(format!(
                "a cloud of {} particles cannot be refreshed as {total}",
                cloud.len()
            ));
        }
        if first.checked_add(count).is_none_or(|end| end > total) {
            return invalid(format!(
                "particles {first} to {first}+{count} are not all among {total}"
            ));
        }
        if stage > end_stage || end_stage as usize > plan.steps.len() {
            let stages = plan.steps.len();
            return invalid(format!(
                "stages {stage} to {end_stage} are not all among {stages}"
            ));
        }
        Ok(())
    }

    /// True where this piece goes on with a slice whose last piece was `before`.
    pub(crate) fn follows(&self, before: &Self) -> bool {
        (self.first, self.count, self.stage) == (before.first, before.count, before.end_stage)
    }

    /// Why a piece was refused that has nothing to go on from.
    pub(crate) fn not_begun(&self) -> EngineError {
        let stage = self.stage;
        EngineError::Invalid(format!(
            "a slice cannot go on at stage {stage} that was not begun: begin it at stage 0"
        ))
    }
}
