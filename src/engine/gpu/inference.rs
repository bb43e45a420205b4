//! Running a plan on the device: slices of particles through all steps, one dispatch a layer and one a step.

use super::context::{GpuContext, STORAGE};
use super::kernel::{DynamicTable, groups_of_64};
use super::kernels::Kernels;
use super::layout::{DeviceLayout, ROW_PADDING};
use super::types::{Layer, PlanRow, Slice};
use crate::diffusion::solver::Plan;
use crate::diffusion::timetable::time_embedding;
use crate::engine::EngineError;

/// Most particles in one slice: their activations are all the memory that sampling takes.
pub const MAX_SLICE: u32 = 16_384;

/// A plan bound to a model and to slices of at most `rows` particles of one cloud.
pub struct PlanRun {
    steps: u32,
    slice_rows: u32,
    layer_count: u32,
    slice: wgpu::Buffer,
    row_count: wgpu::Buffer,
    slice_template: Slice,
    first_layers: DynamicTable,
    layers: DynamicTable,
    plan_rows: DynamicTable,
    time_group: wgpu::BindGroup,
    time_invocations: u32,
    start_group: wgpu::BindGroup,
    first_group: wgpu::BindGroup,
    dense_group: wgpu::BindGroup,
    step_group: wgpu::BindGroup,
    last_group: wgpu::BindGroup,
}

impl PlanRun {
    /// Bind. `draw_start` draws the start, else it is read from `points`, which receives the result either way.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        context: &GpuContext,
        kernels: &Kernels,
        layout: &DeviceLayout,
        weights: &wgpu::Buffer,
        plan: &Plan,
        points: &wgpu::Buffer,
        slice_rows: u32,
        seed: u64,
        draw_start: bool,
    ) -> Result<Self, EngineError> {
        let rows = slice_rows.next_multiple_of(ROW_PADDING);
        let steps = plan.steps.len() as u32;
        let table = layout.inference_layers(rows);
        let (first, head) = (table[0], table[table.len() - 1]);

        // In step k the first layer's bias is row k of `time_bias`.
        let first_rows: Vec<Layer> =
            (0..steps).map(|step| Layer { bias_offset: step * first.outputs, ..first }).collect();
        let first_layers = DynamicTable::new::<Layer>(context, "first layer", steps);
        first_layers.write(context, &first_rows);
        let layers = DynamicTable::new::<Layer>(context, "layers", table.len() as u32);
        layers.write(context, &table);
        let plan_rows = DynamicTable::new::<PlanRow>(context, "plan", steps);
        plan_rows.write(context, &rows_of(plan));

        let embedding: Vec<f32> = plan.steps.iter().flat_map(|step| time_embedding(step.tau)).collect();
        let embedding = context.storage("plan times", &embedding);
        let time_bias = context.buffer("time bias", 16 * u64::from(steps * first.outputs), STORAGE);
        let activations = context.buffer(
            "inference activations",
            16 * u64::from(rows) * u64::from(layout.coordinate_stride + 2 * layout.hidden_stride),
            STORAGE,
        );
        let states = context.buffer("particle states", 16 * u64::from(rows), STORAGE);
        let unused = context.buffer("unused", 16, STORAGE);
        let row_count = context.uniform("row count", &[rows, 0, 0, 0]);
        let step_count = context.uniform("step count", &[steps, 0, 0, 0]);
        let first_layer = context.uniform("first layer", &first);
        let head = context.uniform("output layer", &head);
        let slice_template = Slice {
            seed: [seed as u32, (seed >> 32) as u32],
            first: 0,
            count: 0,
            octaves: layout.shape().octaves,
            coordinate_stride: layout.coordinate_stride,
            draw_start: u32::from(draw_start),
            start_std: plan.start_std as f32,
        };
        let slice = context.uniform("slice", &slice_template);

        let step_buffers = [&slice, &plan_rows.buffer, &head, weights, &activations, &states, points];
        let run = Self {
            steps,
            slice_rows,
            layer_count: table.len() as u32,
            time_group: kernels.time_bias.bind(context, &[&first_layer, &step_count, weights, &embedding, &time_bias]),
            time_invocations: steps * first.outputs,
            start_group: kernels.sampler_start.bind(context, &[&slice, points, &states, &activations]),
            first_group: kernels
                .dense_infer
                .bind(context, &[&first_layers.buffer, &row_count, weights, &time_bias, &activations, &unused]),
            dense_group: kernels
                .dense_infer
                .bind(context, &[&layers.buffer, &row_count, weights, weights, &activations, &unused]),
            step_group: kernels.sampler_step.bind(context, &step_buffers),
            last_group: kernels.sampler_last_step.bind(context, &step_buffers),
            slice,
            row_count,
            slice_template,
            first_layers,
            layers,
            plan_rows,
        };
        context.check()?;
        Ok(run)
    }

    /// Steps of the plan.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// True if slices of `count` particles fit.
    pub fn fits(&self, count: u32) -> bool {
        count <= self.slice_rows
    }

    /// Choose the slice that the next submission works on.
    pub fn write_slice(&self, context: &GpuContext, first: u32, count: u32) {
        debug_assert!(count <= self.slice_rows);
        let slice = Slice { first, count, ..self.slice_template };
        context.queue().write_buffer(&self.slice, 0, bytemuck::bytes_of(&slice));
        let rows = count.next_multiple_of(ROW_PADDING);
        context.queue().write_buffer(&self.row_count, 0, bytemuck::cast_slice(&[rows, 0, 0, 0]));
    }

    /// Record the time biases, once before the first step.
    pub fn encode_times(&self, kernels: &Kernels, pass: &mut wgpu::ComputePass<'_>) {
        kernels.time_bias.dispatch(pass, &self.time_group, &[], [groups_of_64(self.time_invocations), 1]);
    }

    /// Record the start of a slice of `count` particles.
    pub fn encode_start(&self, kernels: &Kernels, pass: &mut wgpu::ComputePass<'_>, count: u32) {
        kernels.sampler_start.dispatch(pass, &self.start_group, &[], [groups_of_64(count), 1]);
    }

    /// Record one step of the plan on a slice of `count` particles.
    pub fn encode_step(
        &self,
        kernels: &Kernels,
        layout: &DeviceLayout,
        pass: &mut wgpu::ComputePass<'_>,
        step: u32,
        count: u32,
    ) {
        let rows = count.next_multiple_of(ROW_PADDING);
        let tile_groups = [groups_of_64(rows / 8 * (layout.hidden_stride / 2)), 1];
        kernels.dense_infer.dispatch(pass, &self.first_group, &[self.first_layers.offset(step)], tile_groups);
        for layer in 1..self.layer_count - 1 {
            kernels.dense_infer.dispatch(pass, &self.dense_group, &[self.layers.offset(layer)], tile_groups);
        }
        let (kernel, group) = if step + 1 == self.steps {
            (&kernels.sampler_last_step, &self.last_group)
        } else {
            (&kernels.sampler_step, &self.step_group)
        };
        kernel.dispatch(pass, group, &[self.plan_rows.offset(step)], [groups_of_64(count), 1]);
    }
}

fn rows_of(plan: &Plan) -> Vec<PlanRow> {
    (0..)
        .zip(&plan.steps)
        .map(|(index, step)| PlanRow {
            x0_x: step.x0_x as f32,
            x0_output: step.x0_output as f32,
            c_x: step.c_x as f32,
            c_0: step.c_0 as f32,
            c_prev: step.c_prev as f32,
            c_z: step.c_z as f32,
            index,
            clip: u32::from(plan.clip.is_some()),
            clip_min: plan.clip.map_or([0.0; 2], |b| b.min),
            clip_max: plan.clip.map_or([0.0; 2], |b| b.max),
        })
        .collect()
}
