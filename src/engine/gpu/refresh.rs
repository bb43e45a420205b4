//! What is asked again and again keeps its buffers: the live picture, sampled in pieces, and the network's output at points.

use std::sync::Arc;

use super::context::{GpuContext, STORAGE};
use super::inference::{MAX_SLICE, PlanJob, PlanRun, Times};
use super::kernels::Kernels;
use super::layout::DeviceLayout;
use super::reached::Reached;
use crate::{EngineError, Piece, Run, Start};
use maths::diffusion::solver::{Mix, Plan, PlanStep};

/// A picture being sampled slice by slice, kept while cloud, plan and seed stay.
pub struct PictureRun {
    run: PlanRun,
    plan: Plan,
    seed: u64,
    points: wgpu::Buffer,
    /// Those at the slice's beginning: training goes on between its pieces.
    weights: wgpu::Buffer,
    last: Option<Piece>,
}

impl PictureRun {
    /// Bind, with room for slices as large as that of the piece.
    pub fn new(
        context: &GpuContext,
        kernels: &Kernels,
        layout: &DeviceLayout,
        points: &wgpu::Buffer,
        ema: &wgpu::Buffer,
        (run, piece): (&Run<'_>, Piece),
    ) -> Result<Self, EngineError> {
        let weights = context.buffer("weights of a slice", ema.size(), STORAGE);
        // What is shown is not written before its last stage.
        let starts = match run.start {
            Start::Noise(_) => None,
            Start::Points(starts) => Some(context.storage("starts of a picture", starts)),
        };
        let job = PlanJob {
            run,
            weights: &weights,
            points,
            starts: starts.as_ref(),
            total: piece.count,
            slice_rows: piece.count,
            times: Times::AStage,
        };
        let bound = PlanRun::new(context, kernels, layout, &job)?;
        let (plan, seed) = (run.plan.clone(), run.seed);
        Ok(Self {
            run: bound,
            plan,
            seed,
            points: points.clone(),
            weights,
            last: None,
        })
    }

    /// True where the piece can be done by what is bound, and begins a slice or goes on with the last one.
    pub fn serves(&self, points: &wgpu::Buffer, run: &Run<'_>, piece: &Piece) -> bool {
        let goes_on = piece.stage == 0 || self.last.is_some_and(|last| piece.follows(&last));
        let same = (self.seed, &self.plan) == (run.seed, run.plan);
        goes_on && self.points == *points && same && self.run.fits(piece.count)
    }

    /// Hand a piece to the device.
    pub fn advance(
        &mut self,
        context: &GpuContext,
        kernels: &Kernels,
        layout: &DeviceLayout,
        ema: &wgpu::Buffer,
        piece: Piece,
    ) {
        let mut encoder = context
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        if piece.stage == 0 {
            self.run.write_slice(context, piece.first, piece.count);
            encoder.copy_buffer_to_buffer(ema, 0, &self.weights, 0, ema.size());
        }
        self.run.encode(
            kernels,
            layout,
            &mut encoder,
            piece.stage..piece.end_stage,
            piece.count,
        );
        context.submit([encoder.finish()]);
        self.last = Some(piece);
    }
}

/// The network's output at points of one time, or each of its own: a plan of one stage, kept while points fit.
pub struct PredictRun {
    run: PlanRun,
    points: wgpu::Buffer,
    room: u32,
}

impl PredictRun {
    /// Bind, with room for so many points.
    pub fn new(
        context: &GpuContext,
        kernels: &Kernels,
        layout: &DeviceLayout,
        weights: &wgpu::Buffer,
        (room, times): (u32, Times),
    ) -> Result<Self, EngineError> {
        let points = context.buffer("field points", 8 * u64::from(room), STORAGE);
        // Its result is the network's output.
        let stage = PlanStep {
            to_x: Mix::X_0,
            ..PlanStep::default()
        };
        let plan = Plan {
            steps: vec![stage],
            start_std: 1.0,
            clip: None,
            control: None,
            awaits_data: false,
        };
        let given = Start::Points(Arc::default());
        let run = Run::of_samples(&plan, &given, 0);
        let job = PlanJob {
            run: &run,
            weights,
            points: &points,
            starts: None,
            total: room,
            slice_rows: room.min(MAX_SLICE),
            times,
        };
        let run = PlanRun::new(context, kernels, layout, &job)?;
        Ok(Self { run, points, room })
    }

    /// True if so many points fit.
    pub fn fits(&self, points: usize) -> bool {
        points <= self.room as usize
    }

    /// Evaluate with a label, the points as the network sees them: at one time, or no more points than one slice has, each at its own. Blocks.
    pub fn predict(
        &self,
        (context, kernels, layout): (&GpuContext, &Kernels, &DeviceLayout),
        taus: &[f64],
        points: &[[f32; 2]],
        label: Option<u32>,
    ) -> Result<Vec<[f32; 2]>, EngineError> {
        self.run.write_label(context, label);
        self.run.write_times(context, taus);
        context
            .queue()
            .write_buffer(&self.points, 0, bytemuck::cast_slice(points));
        let total = points.len() as u32;
        let reached = &mut Reached::default();
        self.run
            .advance(context, kernels, layout, total, reached, &|_| true)?;
        Ok(bytemuck::pod_collect_to_vec(&context.read_buffer(
            &self.points,
            0,
            size_of_val(points) as u64,
        )?))
    }
}
