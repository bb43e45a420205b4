//! A run that is carried out in pieces, between which the training goes on.

use std::sync::{Arc, Mutex, PoisonError};

use super::cloud::GpuCloud;
use super::context::{GpuContext, STORAGE};
use super::inference::{MAX_SLICE, PlanJob, PlanRun, Times};
use super::kernels::Kernels;
use super::layout::DeviceLayout;
use super::reached::Reached;
use crate::run::ended;
use crate::{Cloud, Denoiser, EngineError, Recording, Run, Start, Underway};
use maths::diffusion::solver::Plan;

/// Runs of at most so many points, in all frames together, keep their buffers.
const MOST_KEPT_POINTS: usize = 1 << 16;

/// Where the buffers of the last run of few points wait for the next one of its form: one that is asked for again and again, as
/// beneath a moving hand.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Option<Bound>>>);

impl Kept {
    /// Take what serves a run of so many points; what does not goes.
    fn take(&self, job: &PlanJob<'_>, points: usize) -> Option<Bound> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take().filter(|bound| bound.serves(job, points))
    }

    fn put(&self, bound: Bound) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bound);
    }
}

/// A plan bound to buffers of its own.
struct Bound {
    run: PlanRun,
    /// Those at the run's beginning.
    weights: wgpu::Buffer,
    points: wgpu::Buffer,
    total: u32,
    stages: usize,
    draws_start: bool,
    keeps_start: bool,
    denoiser: Denoiser,
}

impl Bound {
    fn new(
        context: &GpuContext,
        kernels: &Kernels,
        layout: &DeviceLayout,
        job: &PlanJob<'_>,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            run: PlanRun::new(context, kernels, layout, job)?,
            weights: job.weights.clone(),
            points: job.points.clone(),
            total: job.total,
            stages: job.run.plan.steps.len(),
            draws_start: matches!(job.run.start, Start::Noise(_)),
            keeps_start: job.run.keeps_start(),
            denoiser: job.run.denoiser.clone(),
        })
    }

    /// True where a run of so many points is of the form that is bound.
    fn serves(&self, job: &PlanJob<'_>, points: usize) -> bool {
        let run = job.run;
        let same_denoiser = match (&self.denoiser, run.denoiser) {
            (Denoiser::Learned, Denoiser::Learned) => true,
            (Denoiser::Exact(a), Denoiser::Exact(b)) => Arc::ptr_eq(a, b),
            (Denoiser::Given(a), Denoiser::Given(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        let draws_start = matches!(run.start, Start::Noise(_));
        same_denoiser
            && self.run.asks_as(run)
            && self.points.size() == buffer_size(points)
            && self.weights.size() == job.weights.size()
            && (self.total, self.stages) == (job.total, run.plan.steps.len())
            && (self.draws_start, self.keeps_start) == (draws_start, run.keeps_start())
    }
}

/// Bytes of a buffer of so many points; none is empty.
fn buffer_size(points: usize) -> u64 {
    (8 * points as u64).max(16)
}

/// Most particles of a slice whose stage takes no longer than painting can wait: all components may matter to each.
fn exact_slice(denoiser: &Denoiser, plan: &Plan) -> u32 {
    const MOST_PAIRS: u32 = 1 << 24;
    match denoiser {
        Denoiser::Learned | Denoiser::Given(_) => MAX_SLICE,
        Denoiser::Exact(mixture) => {
            // For a variance they are gone through once more.
            let pairs = MOST_PAIRS >> u32::from(plan.asks_variance());
            (pairs / mixture.components.len().max(1) as u32).clamp(64, MAX_SLICE)
        }
    }
}

/// A run under way.
pub struct GpuRun {
    context: Arc<GpuContext>,
    kernels: Arc<Kernels>,
    layout: DeviceLayout,
    /// `None` where there is nothing to do: the starts are the end.
    bound: Option<Bound>,
    /// Where its buffers go at its end, where they are kept.
    kept: Option<Kept>,
    /// Given starts of a run without stages.
    starts: Vec<[f32; 2]>,
    taus: Vec<f64>,
    particles: usize,
    reached: Reached,
    is_done: bool,
}

impl GpuRun {
    /// Bind, or take what is bound. `ema` are the averaged weights, of which it makes a copy.
    pub fn begin(
        (context, kernels, layout): (Arc<GpuContext>, Arc<Kernels>, DeviceLayout),
        (ema, kept): (&wgpu::Buffer, &Kept),
        run: &Run<'_>,
    ) -> Result<Self, EngineError> {
        let (taus, particles) = (run.taus(), run.start.len());
        let (frames, points) = (taus.len(), taus.len() * particles);
        let limit = context.device().limits().max_storage_buffer_binding_size;
        if 8 * points as u64 > limit {
            return Err(EngineError::Invalid(format!(
                "{frames} frames of {particles} particles do not fit into a buffer of {} MiB; take fewer particles or steps",
                limit >> 20
            )));
        }
        let total = particles as u32;
        let keeps = points <= MOST_KEPT_POINTS;
        let job = PlanJob {
            run,
            weights: ema,
            points: ema,
            starts: None,
            total,
            slice_rows: total.min(exact_slice(run.denoiser, run.plan)),
            times: Times::AStage,
        };
        let bound = if particles == 0 || run.plan.steps.is_empty() {
            None
        } else if let Some(mut bound) = kept.take(&job, points).filter(|_| keeps) {
            bound.run.rewrite(&context, &job);
            Some(bound)
        } else {
            let weights = context.buffer("weights of a run", ema.size(), STORAGE);
            let cloud = context.buffer("run", buffer_size(points), STORAGE);
            let job = PlanJob {
                weights: &weights,
                points: &cloud,
                ..job
            };
            Some(Bound::new(&context, &kernels, &layout, &job)?)
        };
        let mut starts = Vec::new();
        match (&bound, run.start) {
            (Some(bound), Start::Points(points)) => {
                let bytes = bytemuck::cast_slice(points);
                context.queue().write_buffer(&bound.points, 0, bytes);
            }
            (None, Start::Points(points)) => starts.extend_from_slice(points),
            _ => {}
        }
        if let Some(bound) = &bound {
            copy(&context, ema, &bound.weights);
            context.check()?;
        }
        Ok(Self {
            context,
            kernels,
            layout,
            bound,
            kept: keeps.then(|| kept.clone()),
            starts,
            taus,
            particles,
            reached: Reached::default(),
            is_done: false,
        })
    }
}

impl Underway for GpuRun {
    fn advance(&mut self, goes_on: &dyn Fn(f32) -> bool) -> Result<Option<Recording>, EngineError> {
        if self.is_done {
            return Err(ended());
        }
        let context = &self.context;
        if let Some(bound) = &self.bound {
            let (kernels, layout) = (&self.kernels, &self.layout);
            if !bound.run.advance(
                context,
                kernels,
                layout,
                bound.total,
                &mut self.reached,
                goes_on,
            )? {
                return Ok(None);
            }
        }
        self.is_done = true;
        let points = self.taus.len() * self.particles;
        let cloud = match &self.bound {
            // The kept buffers are used again: what is handed out is a copy.
            Some(bound) if self.kept.is_some() => {
                let cloud = context.buffer("cloud", buffer_size(points), STORAGE);
                copy(context, &bound.points, &cloud);
                cloud
            }
            Some(bound) => bound.points.clone(),
            None => context.storage("cloud", &self.starts),
        };
        context.check()?;
        Ok(Some(Recording {
            taus: std::mem::take(&mut self.taus),
            particles: self.particles,
            points: Cloud::Gpu(GpuCloud::new(context.clone(), cloud, points)),
            own_steps: None,
        }))
    }
}

impl Drop for GpuRun {
    fn drop(&mut self) {
        if let (Some(kept), Some(bound)) = (&self.kept, self.bound.take()) {
            kept.put(bound);
        }
    }
}

/// Copy a buffer into another of its size.
pub fn copy(context: &GpuContext, from: &wgpu::Buffer, to: &wgpu::Buffer) {
    let mut encoder = context
        .device()
        .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
    context.submit([encoder.finish()]);
}
