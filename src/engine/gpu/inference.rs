//! Running a plan on the device: slices of particles through all steps, one dispatch a layer and one a step.

use std::ops::Range;
use std::time::Instant;

use super::context::{GpuContext, STORAGE};
use super::groups::uploaded;
use super::kernel::{DynamicTable, Kernel, groups_of_64};
use super::kernels::Kernels;
use super::layout::{DeviceLayout, ROW_PADDING};
use super::plan_rows::{embedded, input_scale, rows_of};
use super::reached::Reached;
use super::types::{Layer, PlanRow, Slice};
use crate::{Denoiser, EngineError, Run, Start};

/// Most particles in one slice: their activations are all the memory that sampling takes.
pub const MAX_SLICE: u32 = 16_384;
/// A piece of sampling between two questions whether to stop.
const SAMPLING_PIECE_SECS: f64 = 0.05;

/// Which particles have a time in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// All of a stage.
    AStage,
    /// None: each has its own, in a plan of one stage.
    AParticle,
}

/// What to run, on what, and where to.
pub struct PlanJob<'a> {
    /// What is carried out.
    pub run: &'a Run<'a>,
    /// The weights of the learned one.
    pub weights: &'a wgpu::Buffer,
    /// Points [frames, total]: given starts are read from the first frame, results are written.
    pub points: &'a wgpu::Buffer,
    /// Given starts of all particles, where they stand elsewhere.
    pub starts: Option<&'a wgpu::Buffer>,
    /// Particles of the cloud.
    pub total: u32,
    /// Most particles in a slice.
    pub slice_rows: u32,
    /// Which of them have a time in common.
    pub times: Times,
}

/// What takes a step where no network is asked.
enum WithoutNetwork {
    /// By the exact x̂_0.
    Exact(wgpu::BindGroup),
    /// By x_0s that are given.
    Given(wgpu::BindGroup),
}

/// A plan bound to a model and to slices of one cloud.
pub struct PlanRun {
    stages: u32,
    slice_rows: u32,
    layer_count: u32,
    slice: wgpu::Buffer,
    /// Rows of the first layer, and of the others: twice as many where the network is asked with a label and without.
    row_count: wgpu::Buffer,
    all_rows: wgpu::Buffer,
    /// Rows of time biases, the label, and how many a time has.
    bias_count: wgpu::Buffer,
    bias_counts: [u32; 4],
    /// Where the second asking of a slice begins; 0 where there is none.
    second: u32,
    times: wgpu::Buffer,
    slice_template: Slice,
    first_layers: DynamicTable,
    layers: DynamicTable,
    plan_rows: DynamicTable,
    /// Of each stage, whether it asks the network.
    predicts: Vec<bool>,
    time_group: wgpu::BindGroup,
    time_invocations: u32,
    of_times: Times,
    start_group: wgpu::BindGroup,
    first_group: wgpu::BindGroup,
    dense_group: wgpu::BindGroup,
    step_group: wgpu::BindGroup,
    /// Set where no network is evaluated.
    without_network: Option<WithoutNetwork>,
}

impl PlanRun {
    /// Bind.
    pub fn new(
        context: &GpuContext,
        kernels: &Kernels,
        layout: &DeviceLayout,
        job: &PlanJob<'_>,
    ) -> Result<Self, EngineError> {
        let PlanJob {
            run:
                Run {
                    plan,
                    start,
                    seed,
                    denoiser,
                    guidance,
                    ..
                },
            weights,
            points,
            slice_rows,
            times: of_times,
            ..
        } = *job;
        let rows = slice_rows.next_multiple_of(ROW_PADDING);
        let stages = plan.steps.len() as u32;
        let time_count = match of_times {
            Times::AStage => stages,
            Times::AParticle => rows,
        };
        // A guided network is asked twice: with the label, and without.
        let askings = if job.run.asks_twice() { 2 } else { 1 };
        let second = (askings - 1) * rows;
        let table = layout.inference_layers(rows, askings);
        let (first, head) = (table[0], table[table.len() - 1]);

        // In stage k the first layer's bias is row k of `time_bias`; of two askings rows 2k, with the label, and 2k + 1.
        let first_rows: Vec<Layer> = (0..stages * askings)
            .map(|row| Layer {
                bias_offset: row * first.outputs,
                output_offset: first.output_offset + (row % askings) * rows * first.outputs,
                ..first
            })
            .collect();
        let first_layers = DynamicTable::new::<Layer>(context, "first layer", stages * askings);
        first_layers.write(context, &first_rows);
        let layers = DynamicTable::new::<Layer>(context, "layers", table.len() as u32);
        layers.write(context, &table);
        let plan_rows = DynamicTable::new::<PlanRow>(context, "plan", stages);
        plan_rows.write(context, &rows_of(job.run, job.total, second));

        let taus = match of_times {
            Times::AStage => plan.steps.iter().map(|step| step.tau).collect(),
            Times::AParticle => vec![0.0; rows as usize],
        };
        let times = context.storage("plan times", &embedded(&taus));
        let time_bias = context.buffer(
            "time bias",
            16 * u64::from(time_count * askings) * u64::from(first.outputs),
            STORAGE,
        );
        let activations = context.buffer(
            "inference activations",
            16 * u64::from(rows)
                * u64::from(layout.coordinate_stride + 2 * askings * layout.hidden_stride),
            STORAGE,
        );
        let states = context.buffer("particle states", 48 * u64::from(rows), STORAGE);
        let unused = context.buffer("unused", 16, STORAGE);
        let row_count = context.uniform("row count", &[rows, 0, 0, 0]);
        let all_rows = context.uniform("rows of all askings", &[second + rows, 0, 0, 0]);
        let label = guidance.map_or(0, |guidance| guidance.label + 1);
        let bias_counts = [time_count * askings, label, askings, 0];
        let bias_count = context.uniform("bias count", &bias_counts);
        let first_layer = context.uniform("first layer", &first);
        let head = context.uniform("output layer", &head);
        let slice_template = Slice {
            seed: [*seed as u32, (seed >> 32) as u32],
            first: 0,
            count: 0,
            octaves: layout.shape().octaves,
            coordinate_stride: layout.coordinate_stride,
            draw_start: match (start, job.run.keeps_start()) {
                (Start::Points(_), _) => 0,
                (Start::Noise(_), false) => 1,
                (Start::Noise(_), true) => 2,
            },
            start_std: plan.start_std as f32,
            start_scale: input_scale(plan, 0),
            padding: [0; 3],
        };
        let slice = context.uniform("slice", &slice_template);

        let without_network = match denoiser {
            Denoiser::Learned => None,
            Denoiser::Given(clean) => {
                let clean = context.storage("clean points", clean);
                let buffers = [&slice, &plan_rows.buffer, &clean, &states, points];
                let group = kernels.sampler_step_given.bind(context, &buffers);
                Some(WithoutNetwork::Given(group))
            }
            Denoiser::Exact(mixture) => {
                let [components, groups] = uploaded(context, mixture);
                let buffers = [
                    &slice,
                    &plan_rows.buffer,
                    &components,
                    &groups,
                    &states,
                    points,
                ];
                let group = kernels.sampler_step_exact.bind(context, &buffers);
                Some(WithoutNetwork::Exact(group))
            }
        };
        let step_buffers = [
            &slice,
            &plan_rows.buffer,
            &head,
            weights,
            &activations,
            &states,
            points,
        ];
        let bound = Self {
            stages,
            predicts: plan.steps.iter().map(|stage| stage.predicts).collect(),
            slice_rows,
            layer_count: table.len() as u32,
            time_group: kernels.time_bias.bind(
                context,
                &[&first_layer, &bias_count, weights, &times, &time_bias],
            ),
            time_invocations: time_count * askings * first.outputs,
            of_times,
            start_group: kernels.sampler_start.bind(
                context,
                &[&slice, job.starts.unwrap_or(points), &states, &activations],
            ),
            first_group: first_kernel(kernels, of_times).bind(
                context,
                &[
                    &first_layers.buffer,
                    &row_count,
                    weights,
                    &time_bias,
                    &activations,
                    &unused,
                ],
            ),
            dense_group: kernels.dense_infer.bind(
                context,
                &[
                    &layers.buffer,
                    &all_rows,
                    weights,
                    weights,
                    &activations,
                    &unused,
                ],
            ),
            step_group: kernels.sampler_step.bind(context, &step_buffers),
            without_network,
            slice,
            row_count,
            all_rows,
            bias_count,
            bias_counts,
            second,
            times,
            slice_template,
            first_layers,
            layers,
            plan_rows,
        };
        context.check()?;
        Ok(bound)
    }

    /// True if slices of `count` particles fit.
    pub fn fits(&self, count: u32) -> bool {
        count <= self.slice_rows
    }

    /// Choose the slice that the next submission works on.
    pub fn write_slice(&self, context: &GpuContext, first: u32, count: u32) {
        debug_assert!(count <= self.slice_rows);
        let slice = Slice {
            first,
            count,
            ..self.slice_template
        };
        context
            .queue()
            .write_buffer(&self.slice, 0, bytemuck::bytes_of(&slice));
        let rows = count.next_multiple_of(ROW_PADDING);
        for (buffer, rows) in [
            (&self.row_count, rows),
            (&self.all_rows, self.second + rows),
        ] {
            let rows = [rows, 0, 0, 0];
            context
                .queue()
                .write_buffer(buffer, 0, bytemuck::cast_slice(&rows));
        }
    }

    /// Ask with another label from now on, or with none.
    pub fn write_label(&self, context: &GpuContext, label: Option<u32>) {
        let mut counts = self.bias_counts;
        counts[1] = label.map_or(0, |label| label + 1);
        context
            .queue()
            .write_buffer(&self.bias_count, 0, bytemuck::cast_slice(&counts));
    }

    /// True where the network is asked as often for a run: once, or with a label and without.
    pub fn asks_as(&self, run: &Run<'_>) -> bool {
        (self.bias_counts[2] == 2) == run.asks_twice()
    }

    /// Follow another plan of as many stages from now on, with this run's seed and label.
    pub fn rewrite(&mut self, context: &GpuContext, job: &PlanJob<'_>) {
        let rows = rows_of(job.run, job.total, self.second);
        self.plan_rows.write(context, &rows);
        let taus: Vec<f64> = job.run.plan.steps.iter().map(|step| step.tau).collect();
        self.write_times(context, &taus);
        let label = job.run.guidance.map(|guidance| guidance.label);
        self.write_label(context, label);
        self.predicts = job
            .run
            .plan
            .steps
            .iter()
            .map(|stage| stage.predicts)
            .collect();
        self.slice_template.seed = [job.run.seed as u32, (job.run.seed >> 32) as u32];
        self.slice_template.start_std = job.run.plan.start_std as f32;
        self.slice_template.start_scale = input_scale(job.run.plan, 0);
    }

    /// Evaluate at these t/T from now on: of the stages, or of the particles of the next slice.
    pub fn write_times(&self, context: &GpuContext, taus: &[f64]) {
        context
            .queue()
            .write_buffer(&self.times, 0, bytemuck::cast_slice(&embedded(taus)));
    }

    /// Take `total` particles on through the plan, slice by slice, in pieces of about [`SAMPLING_PIECE_SECS`]. `goes_on` is told
    /// the share of the work done before each; false where it answered so, with `reached` as far as that.
    pub fn advance(
        &self,
        context: &GpuContext,
        kernels: &Kernels,
        layout: &DeviceLayout,
        total: u32,
        reached: &mut Reached,
        goes_on: &dyn Fn(f32) -> bool,
    ) -> Result<bool, EngineError> {
        while reached.first < total {
            let count = self.slice_rows.min(total - reached.first);
            if reached.stage == 0 {
                self.write_slice(context, reached.first, count);
            }
            while reached.stage < self.stages {
                let of_slice = f64::from(reached.stage) / f64::from(self.stages);
                let share =
                    (f64::from(reached.first) + f64::from(count) * of_slice) / f64::from(total);
                if !goes_on(share as f32) {
                    return Ok(false);
                }
                let stages =
                    reached.stage..(reached.stage + reached.stages_a_piece).min(self.stages);
                let began = Instant::now();
                let mut encoder = context
                    .device()
                    .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                self.encode(kernels, layout, &mut encoder, stages.clone(), count);
                context.submit([encoder.finish()]);
                context.wait()?;
                let secs_a_stage = began.elapsed().as_secs_f64() / stages.len() as f64;
                reached.stages_a_piece =
                    (SAMPLING_PIECE_SECS / secs_a_stage.max(1e-6)).clamp(1.0, 256.0) as u32;
                reached.stage = stages.end;
            }
            (reached.first, reached.stage) = (reached.first + count, 0);
        }
        Ok(true)
    }

    /// Record some stages of a slice of `count` particles; stage 0 puts them at their start before.
    pub fn encode(
        &self,
        kernels: &Kernels,
        layout: &DeviceLayout,
        encoder: &mut wgpu::CommandEncoder,
        stages: Range<u32>,
        count: u32,
    ) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        if stages.start == 0 {
            self.encode_times(kernels, &mut pass);
            self.encode_start(kernels, &mut pass, count);
        }
        for stage in stages {
            self.encode_stage(kernels, layout, &mut pass, stage, count);
        }
    }

    /// Record the time biases, once before the first stage.
    fn encode_times(&self, kernels: &Kernels, pass: &mut wgpu::ComputePass<'_>) {
        if self.without_network.is_none() {
            kernels.time_bias.dispatch(
                pass,
                &self.time_group,
                &[],
                [groups_of_64(self.time_invocations), 1],
            );
        }
    }

    /// Record the start of a slice of `count` particles.
    fn encode_start(&self, kernels: &Kernels, pass: &mut wgpu::ComputePass<'_>, count: u32) {
        kernels
            .sampler_start
            .dispatch(pass, &self.start_group, &[], [groups_of_64(count), 1]);
    }

    /// Record one stage of the plan on a slice of `count` particles.
    fn encode_stage(
        &self,
        kernels: &Kernels,
        layout: &DeviceLayout,
        pass: &mut wgpu::ComputePass<'_>,
        stage: u32,
        count: u32,
    ) {
        let plan_row = self.plan_rows.offset(stage);
        let particle_groups = [groups_of_64(count), 1];
        if let Some(bound) = &self.without_network {
            let (kernel, group) = match bound {
                WithoutNetwork::Exact(group) => (&kernels.sampler_step_exact, group),
                WithoutNetwork::Given(group) => (&kernels.sampler_step_given, group),
            };
            kernel.dispatch(pass, group, &[plan_row], particle_groups);
            return;
        }
        if self.predicts[stage as usize] {
            self.encode_network(kernels, layout, pass, stage, count);
        }
        kernels
            .sampler_step
            .dispatch(pass, &self.step_group, &[plan_row], particle_groups);
    }

    /// Record the hidden layers of the network on a slice of `count` particles.
    fn encode_network(
        &self,
        kernels: &Kernels,
        layout: &DeviceLayout,
        pass: &mut wgpu::ComputePass<'_>,
        stage: u32,
        count: u32,
    ) {
        let rows = count.next_multiple_of(ROW_PADDING);
        let tile_groups = |rows: u32| {
            let tiles = rows / kernels.tile_rows * (layout.hidden_stride / 2);
            [groups_of_64(tiles), 1]
        };
        let askings = self.bias_counts[2];
        for asking in 0..askings {
            first_kernel(kernels, self.of_times).dispatch(
                pass,
                &self.first_group,
                &[self.first_layers.offset(askings * stage + asking)],
                tile_groups(rows),
            );
        }
        let tile_groups = tile_groups(self.second + rows);
        for layer in 1..self.layer_count - 1 {
            kernels.dense_infer.dispatch(
                pass,
                &self.dense_group,
                &[self.layers.offset(layer)],
                tile_groups,
            );
        }
    }
}

/// What the first layer runs by.
fn first_kernel(kernels: &Kernels, times: Times) -> &Kernel {
    match times {
        Times::AStage => &kernels.dense_infer,
        Times::AParticle => &kernels.dense_infer_each,
    }
}
