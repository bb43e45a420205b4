//! The GPU engine: WGSL compute shaders through wgpu. One file a concern; one shader a kernel.

mod adapters;
mod cloud;
mod context;
mod density;
mod each;
mod gate;
mod given;
mod groups;
mod inference;
mod kernel;
mod kernels;
mod layout;
mod matmul;
mod muon;
mod plan_rows;
mod reached;
mod readback;
mod refresh;
pub mod shader;
mod training;
pub mod types;
mod underway;

pub use adapters::{AdapterReport, backends, list_adapters};
pub use cloud::GpuCloud;
pub use context::GpuContext;
pub use matmul::bench_matmul;

use crate::Wait;
use std::sync::Arc;
use std::time::Instant;

use super::{
    Cloud, Engine, EngineError, EngineInfo, ModelState, Piece, Progress, Run, TrainSpec, Underway,
};
use crate::adaptive::{AdaptiveRun, AdaptiveSlice, Outputs};
use crate::cpu;
use crate::cpu::checked_samples;
use crate::cpu::network::Network;
use crate::cpu::sample::{CpuRun, Follows};
use crate::network::layout::Activation;
use crate::{Denoiser, GuideKind, Weights};
use context::STORAGE;
use density::DensityKernel;
use each::DeviceOutputs;
use given::HostBatches;
use inference::Times;
use kernels::Kernels;
use layout::DeviceLayout;
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;
use readback::Readback;
use refresh::{PictureRun, PredictRun};
use training::{
    BatchSource, MAX_STEPS_A_SUBMISSION, Moves, Parameters, Workspace, no_model, step_row,
};
use underway::{GpuRun, Kept};

/// A submission is sized to take about this long, so that painting, which shares the queue, waits no longer.
const SUBMISSION_SECS: f64 = 0.004;
/// Submissions in flight at most.
const MAX_IN_FLIGHT: usize = 2;

/// One model in training, in device memory.
pub struct GpuEngine {
    info: EngineInfo,
    context: Arc<GpuContext>,
    kernels: Option<(Activation, Arc<Kernels>)>,
    model: Option<Model>,
    density: DensityKernel,
}

struct Model {
    spec: TrainSpec,
    layout: DeviceLayout,
    parameters: Parameters,
    workspace: Workspace,
    /// What draws the batches where no kernel does.
    host_batches: Option<HostBatches>,
    readback: Readback,
    /// Updates handed to the device.
    step: u64,
    picture: Option<PictureRun>,
    /// A slice whose particles choose their own steps.
    adaptive_slice: Option<AdaptiveSlice>,
    /// By the raw weights and by the averaged ones.
    predict: Option<PredictRun>,
    /// What the last run of few points left.
    kept_run: Kept,
    predict_ema: Option<PredictRun>,
}

impl GpuEngine {
    /// An engine on a device.
    pub fn new(context: Arc<GpuContext>) -> Result<Self, EngineError> {
        context.check()?;
        Ok(Self {
            info: context.info().clone(),
            context,
            kernels: None,
            model: None,
            density: DensityKernel::default(),
        })
    }

    fn kernels(&mut self, activation: Activation) -> Result<Arc<Kernels>, EngineError> {
        if let Some((compiled, kernels)) = &self.kernels
            && *compiled == activation
        {
            return Ok(kernels.clone());
        }
        let kernels = Arc::new(Kernels::new(&self.context, activation)?);
        self.kernels = Some((activation, kernels.clone()));
        Ok(kernels)
    }

    fn loaded(&mut self) -> Result<(&GpuContext, &Kernels, &mut Model), EngineError> {
        match (&self.kernels, &mut self.model) {
            (Some((_, kernels)), Some(model)) => Ok((&self.context, kernels, model)),
            _ => Err(no_model()),
        }
    }

    /// One step on a given batch. Leaves the gradient in the workspace's partials.
    fn given_step(
        &mut self,
        x: &[[f32; 2]],
        t: &[u32],
        target: &[[f32; 2]],
        moves: Moves,
    ) -> Result<(f32, Vec<f32>), EngineError> {
        let (context, kernels, model) = self.loaded()?;
        let samples = checked_samples(&model.spec, x, t, target)?;
        let size = x.len() as u32;
        let workspace = Workspace::new(
            context,
            kernels,
            &model.layout,
            &model.parameters,
            &model.spec,
            BatchSource::Given { slots: 1, size },
        )?;
        if let Some(given) = &workspace.given {
            given.write(context, 0, &samples);
        }
        workspace.write_steps(context, &[step_row(&model.spec, model.step, 0, moves)]);
        let mut encoder = context
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            workspace.encode(kernels, &model.layout, &mut pass, 0);
        }
        context.submit([encoder.finish()]);
        let loss: Vec<f32> =
            bytemuck::pod_collect_to_vec(&context.read_buffer(&workspace.losses, 0, 4)?);
        let gradient: Vec<f32> = bytemuck::pod_collect_to_vec(&context.read_buffer(
            &workspace.partials,
            0,
            4 * model.layout.parameters() as u64,
        )?);
        if moves == Moves::Weights {
            model.step += 1;
            model.readback.advance(model.step);
        }
        Ok((loss[0], model.layout.to_host(&gradient)))
    }
}

impl Engine for GpuEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn load(&mut self, spec: &TrainSpec, state: &ModelState) -> Result<(), EngineError> {
        spec.check_data()?;
        spec.shape.validate().map_err(EngineError::Invalid)?;
        let kernels = self.kernels(spec.shape.activation)?;
        let layout = DeviceLayout::new(spec.shape);
        let parameters = Parameters::upload(&self.context, &layout, state)?;
        let workspace = Workspace::new(
            &self.context,
            &kernels,
            &layout,
            &parameters,
            spec,
            BatchSource::of(spec),
        )?;
        let mut readback = Readback::default();
        readback.restart(state.step);
        self.model = Some(Model {
            spec: spec.clone(),
            layout,
            parameters,
            workspace,
            host_batches: spec.draws_on_host().then(|| HostBatches::new(spec)),
            readback,
            step: state.step,
            picture: None,
            adaptive_slice: None,
            predict: None,
            kept_run: Kept::default(),
            predict_ema: None,
        });
        Ok(())
    }

    fn update(&mut self, spec: &TrainSpec) -> Result<(), EngineError> {
        spec.check_data()?;
        let (context, kernels, model) = self.loaded()?;
        if spec.shape != model.spec.shape {
            return Err(EngineError::Invalid(
                "another network shape needs a new model".into(),
            ));
        }
        let same_workspace = spec.batch == model.spec.batch
            && spec.seed == model.spec.seed
            && spec.rule.optimiser == model.spec.rule.optimiser
            && Arc::ptr_eq(&spec.timetable, &model.spec.timetable)
            && spec.data.is_same(&model.spec.data)
            && spec.labels == model.spec.labels
            && spec.pairing == model.spec.pairing
            && spec.objective == model.spec.objective;
        if !same_workspace {
            while model.readback.in_flight() > 0 {
                model.readback.wait_oldest(context)?;
            }
            model.workspace = Workspace::new(
                context,
                kernels,
                &model.layout,
                &model.parameters,
                spec,
                BatchSource::of(spec),
            )?;
            // What is on its way started elsewhere.
            (model.picture, model.adaptive_slice) = (None, None);
            model.host_batches = spec.draws_on_host().then(|| HostBatches::new(spec));
            model.readback.restart(model.step);
        }
        model.spec = spec.clone();
        Ok(())
    }

    fn train(&mut self, max_steps: u32, budget_secs: f64) -> Result<u32, EngineError> {
        let (context, kernels, model) = self.loaded()?;
        let mut done = 0;
        let began = Instant::now();
        let mut planned_secs = 0.0;
        while done < max_steps
            && (done == 0
                || (planned_secs < budget_secs && began.elapsed().as_secs_f64() < budget_secs))
        {
            while model.readback.in_flight() >= MAX_IN_FLIGHT {
                model.readback.wait_oldest(context)?;
            }
            // Untimed steps go one by one until one has been timed.
            let secs_per_step = model
                .readback
                .secs_per_step()
                .unwrap_or(SUBMISSION_SECS)
                .max(1e-7);
            let fitting = (SUBMISSION_SECS / secs_per_step)
                .clamp(1.0, f64::from(MAX_STEPS_A_SUBMISSION)) as u32;
            let mut count = fitting.min(max_steps - done);
            if let (Some(host), Some(given)) = (&mut model.host_batches, &model.workspace.given) {
                let (device, steps) = ((context, kernels, &model.layout), (model.step, count));
                let by = (given, &model.parameters.weights);
                count = host.fill(device, by, &model.spec, steps, SUBMISSION_SECS)?;
            }
            let rows: Vec<_> = (0..count)
                .map(|slot| {
                    step_row(
                        &model.spec,
                        model.step + u64::from(slot),
                        slot,
                        Moves::Weights,
                    )
                })
                .collect();
            model.workspace.write_steps(context, &rows);
            let mut encoder = context
                .device()
                .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                for slot in 0..count {
                    model
                        .workspace
                        .encode(kernels, &model.layout, &mut pass, slot);
                }
            }
            model
                .readback
                .submit(context, &model.workspace, encoder, model.step, count);
            context.check()?;
            model.step += u64::from(count);
            done += count;
            planned_secs += f64::from(count) * secs_per_step;
        }
        Ok(done)
    }

    fn poll(&mut self, wait: Wait) -> Result<Progress, EngineError> {
        let (context, _, model) = self.loaded()?;
        model.readback.collect(context)?;
        while wait == Wait::UntilDone && model.readback.in_flight() > 0 {
            model.readback.wait_oldest(context)?;
        }
        if wait == Wait::UntilDone {
            // Refreshes of the picture have no read-back of their own.
            context.wait()?;
        }
        Ok(model.readback.report())
    }

    fn state(&mut self) -> Result<ModelState, EngineError> {
        let (context, _, model) = self.loaded()?;
        model
            .parameters
            .download(context, &model.layout, model.step)
    }

    fn begin(&mut self, run: &Run<'_>) -> Result<Box<dyn Underway>, EngineError> {
        let (Some((_, kernels)), Some(model)) = (&self.kernels, &self.model) else {
            return Err(no_model());
        };
        let shape = model.layout.shape();
        run.check(shape, &model.spec.timetable)?;
        model.spec.pairing.check_run(run)?;
        let start = model.spec.pairing.start(run);
        let run = &Run {
            start: &start,
            ..*run
        };
        // Classifiers and a second model are the host's: it has the averaged weights as they are now.
        if (run.guidance).is_some_and(|led| led.by.kind() != GuideKind::ClassifierFree) {
            let ema = model
                .parameters
                .download_ema(&self.context, &model.layout)?;
            return Ok(cpu::begin(run, || Network::new(shape, &ema)));
        }
        let device = (self.context.clone(), kernels.clone(), model.layout.clone());
        if let Some(control) = run.plan.control {
            let network = DeviceOutputs::new(device, &model.parameters.ema, run.start.len())?;
            return Ok(Box::new(AdaptiveRun::begin(
                control,
                run,
                Box::new(network),
            )));
        }
        // Two posteriors at once are no kernel's.
        if run.guidance.is_some()
            && let Denoiser::Exact(mixture) = run.denoiser
        {
            let follows = Follows::Exact(mixture.clone());
            return Ok(Box::new(CpuRun::begin(follows, run)));
        }
        let by = (&model.parameters.ema, &model.kept_run);
        Ok(Box::new(GpuRun::begin(device, by, run)?))
    }

    fn refresh(
        &mut self,
        cloud: Option<Cloud>,
        run: &Run<'_>,
        piece: Piece,
    ) -> Result<Cloud, EngineError> {
        let (_, _, model) = self.loaded()?;
        let fitting = (model.layout.shape(), &*model.spec.timetable);
        piece.check(cloud.as_ref(), run, fitting)?;
        let total = run.start.len();
        let shared = self.context.clone();
        let shared_kernels = self.kernels.as_ref().map(|(_, kernels)| kernels.clone());
        let shared_kernels = shared_kernels.ok_or_else(no_model)?;
        let (context, kernels, model) = self.loaded()?;
        let start = model.spec.pairing.start(run);
        let run = &Run {
            start: &start,
            ..*run
        };
        let cloud = match cloud {
            Some(Cloud::Gpu(cloud)) if Arc::ptr_eq(cloud.context(), &shared) => cloud,
            _ => {
                let buffer = context.buffer("picture", 8 * total as u64, STORAGE);
                GpuCloud::new(shared.clone(), buffer, total)
            }
        };
        if piece.count == 0 || piece.stage == piece.end_stage {
            return Ok(Cloud::Gpu(cloud));
        }
        let ema = &model.parameters.ema;
        if let Some(control) = run.plan.control {
            let kept = model.adaptive_slice.take();
            let device = (shared.clone(), shared_kernels, model.layout.clone());
            let network = || -> Result<Box<dyn Outputs>, _> {
                let outputs = DeviceOutputs::new(device, ema, piece.count as usize)?;
                Ok(Box::new(outputs))
            };
            let mut slice = AdaptiveSlice::for_piece(kept, (control, run, piece), network)?;
            if let Some(fresh) = slice.advance(piece)? {
                let (to, bytes) = (8 * u64::from(piece.first), bytemuck::cast_slice(fresh));
                context.queue().write_buffer(cloud.buffer(), to, bytes);
            }
            model.adaptive_slice = Some(slice);
            return Ok(Cloud::Gpu(cloud));
        }
        let kept = model
            .picture
            .take()
            .filter(|kept| kept.serves(cloud.buffer(), run, &piece));
        let mut kept = match kept {
            Some(kept) => kept,
            None if piece.stage > 0 => return Err(piece.not_begun()),
            None => PictureRun::new(
                context,
                kernels,
                &model.layout,
                cloud.buffer(),
                ema,
                (run, piece),
            )?,
        };
        kept.advance(context, kernels, &model.layout, ema, piece);
        context.check()?;
        model.picture = Some(kept);
        Ok(Cloud::Gpu(cloud))
    }

    fn predict_labelled(
        &mut self,
        tau: f64,
        points: &[[f32; 2]],
        weights: Weights,
        label: Option<u32>,
    ) -> Result<Vec<[f32; 2]>, EngineError> {
        self.loaded()?
            .2
            .layout
            .shape()
            .check_label(label)
            .map_err(EngineError::Invalid)?;
        let (context, kernels, model) = self.loaded()?;
        if points.is_empty() {
            return Ok(Vec::new());
        }
        let (weights, kept) = match weights {
            Weights::Raw => (&model.parameters.weights, &mut model.predict),
            Weights::Ema => (&model.parameters.ema, &mut model.predict_ema),
        };
        let run = match kept.take().filter(|kept| kept.fits(points.len())) {
            Some(run) => run,
            None => PredictRun::new(
                context,
                kernels,
                &model.layout,
                weights,
                (points.len() as u32, Times::AStage),
            )?,
        };
        let scale = model.spec.timetable.input_scale(tau);
        let inputs: Vec<_> = points.iter().map(|x| x.map(|x| scale * x)).collect();
        kept.insert(run)
            .predict((context, kernels, &model.layout), &[tau], &inputs, label)
    }

    fn log_density(
        &mut self,
        mixture: &Mixture,
        scales: Scales,
        bounds: Bounds,
        resolution: u32,
    ) -> Result<Vec<f32>, EngineError> {
        self.density
            .log_density(&self.context, mixture, scales, bounds, resolution)
    }

    fn gradient(
        &mut self,
        x: &[[f32; 2]],
        t: &[u32],
        target: &[[f32; 2]],
    ) -> Result<(f32, Vec<f32>), EngineError> {
        self.given_step(x, t, target, Moves::Nothing)
    }

    fn step_on(
        &mut self,
        x: &[[f32; 2]],
        t: &[u32],
        target: &[[f32; 2]],
    ) -> Result<f32, EngineError> {
        self.given_step(x, t, target, Moves::Weights)
            .map(|(loss, _)| loss)
    }
}
