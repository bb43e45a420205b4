//! The training step on the device: its buffers, its bind groups, its nine or so dispatches.

use super::context::{GpuContext, STORAGE};
use super::given::Given;
use super::kernel::{DynamicTable, groups_of_64};
use super::kernels::Kernels;
use super::layout::{DeviceLayout, ROW_PADDING};
use super::muon::Muon;
use super::types::{Layer, Step, Training};
use crate::network::optimiser::Scalars;
use crate::{EngineError, LOSS_BINS, ModelState, TrainSpec, TrainingData};

/// Most steps in one submission.
pub const MAX_STEPS_A_SUBMISSION: u32 = 64;
/// Limbs of 32 bits of a bin's sum; the unit of the lowest is 2^-160. See `shaders/head_loss.wgsl`.
pub const LOSS_LIMBS: usize = 10;
/// Words of a bin of the loss histogram: the limbs, the count of the losses, the count of those that are not finite.
pub const BIN_WORDS: usize = LOSS_LIMBS + 2;
/// Bytes of the loss histogram.
pub const HISTOGRAM_BYTES: u64 = (4 * BIN_WORDS * LOSS_BINS) as u64;
/// Most partial gradients.
const MAX_CHUNKS: u32 = 64;

/// The model's vectors, each [`DeviceLayout::parameters`] long.
#[derive(Debug)]
pub struct Parameters {
    pub(super) weights: wgpu::Buffer,
    pub(super) ema: wgpu::Buffer,
    adam_m: wgpu::Buffer,
    adam_v: wgpu::Buffer,
}

impl Parameters {
    /// Upload a model.
    pub fn upload(
        context: &GpuContext,
        layout: &DeviceLayout,
        state: &ModelState,
    ) -> Result<Self, EngineError> {
        let expected = layout.shape().parameters();
        let vectors = [&state.weights, &state.ema, &state.adam_m, &state.adam_v];
        if let Some(wrong) = vectors.iter().find(|v| v.len() != expected) {
            return Err(EngineError::Invalid(format!(
                "a model of {} parameters does not fit this network of {expected}; load weights of the same shape",
                wrong.len()
            )));
        }
        let upload = |label, vector: &[f32]| context.storage(label, &layout.to_device(vector));
        Ok(Self {
            weights: upload("weights", &state.weights),
            ema: upload("ema", &state.ema),
            adam_m: upload("adam m", &state.adam_m),
            adam_v: upload("adam v", &state.adam_v),
        })
    }

    /// Read the model back. Blocks.
    pub fn download(
        &self,
        context: &GpuContext,
        layout: &DeviceLayout,
        step: u64,
    ) -> Result<ModelState, EngineError> {
        let read = |buffer| read(context, layout, buffer);
        Ok(ModelState {
            step,
            weights: read(&self.weights)?,
            ema: read(&self.ema)?,
            adam_m: read(&self.adam_m)?,
            adam_v: read(&self.adam_v)?,
        })
    }

    /// Read the averaged weights back. Blocks.
    pub fn download_ema(
        &self,
        context: &GpuContext,
        layout: &DeviceLayout,
    ) -> Result<Vec<f32>, EngineError> {
        read(context, layout, &self.ema)
    }
}

/// Parameters in a buffer, in the host's order.
fn read(
    context: &GpuContext,
    layout: &DeviceLayout,
    buffer: &wgpu::Buffer,
) -> Result<Vec<f32>, EngineError> {
    let bytes = context.read_buffer(buffer, 0, 4 * layout.parameters() as u64)?;
    Ok(layout.to_host(&bytemuck::pod_collect_to_vec::<u8, f32>(&bytes)))
}

/// Where a workspace gets its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSource {
    /// Drawn by the kernel from the specification's data.
    Drawn,
    /// Written by the host, as many at a time, of so many samples.
    Given {
        /// Batches of one submission.
        slots: u32,
        /// Samples of a batch.
        size: u32,
    },
}

impl BatchSource {
    /// What a training by this specification takes.
    pub fn of(spec: &TrainSpec) -> Self {
        if spec.draws_on_host() {
            let (slots, size) = (MAX_STEPS_A_SUBMISSION, spec.batch);
            Self::Given { slots, size }
        } else {
            Self::Drawn
        }
    }
}

/// Buffers and bind groups of the training step for one specification and batch size.
pub struct Workspace {
    rows: u32,
    /// Where the host writes its batches; `None` where the kernel draws them.
    pub(super) given: Option<Given>,
    layer_count: u32,
    chunk_count: u32,
    layers: DynamicTable,
    steps: DynamicTable,
    pub(super) partials: wgpu::Buffer,
    pub(super) losses: wgpu::Buffer,
    pub(super) histogram: wgpu::Buffer,
    batch_group: wgpu::BindGroup,
    forward_group: wgpu::BindGroup,
    head_group: wgpu::BindGroup,
    backward_group: wgpu::BindGroup,
    gradient_group: wgpu::BindGroup,
    update_group: wgpu::BindGroup,
    muon: Option<Muon>,
}

impl Workspace {
    /// Allocate and bind.
    pub fn new(
        context: &GpuContext,
        kernels: &Kernels,
        layout: &DeviceLayout,
        parameters: &Parameters,
        spec: &TrainSpec,
        source: BatchSource,
    ) -> Result<Self, EngineError> {
        let batch = match source {
            BatchSource::Drawn => spec.batch,
            BatchSource::Given { size, .. } => size,
        };
        let rows = batch.next_multiple_of(ROW_PADDING);
        let hidden = layout.shape().depth * rows * layout.hidden_stride;
        let widest = 16 * u64::from(hidden + rows * layout.input_stride);
        let limit = context.device().limits().max_storage_buffer_binding_size;
        if widest > limit {
            return Err(EngineError::Device(format!(
                "batch {batch} of this network needs a buffer of {} MiB, and the adapter allows {} MiB",
                widest >> 20,
                limit >> 20
            )));
        }
        let chunk_rows = chunk_rows(rows, context.info().software);
        let chunk_count = rows.div_ceil(chunk_rows);
        let (data, data_count, data_is_mixture) = upload_data(context, &spec.data)?;
        let layers = layout.training_layers(rows);
        let matrices = spec.rule.optimiser.matrices(spec.shape);
        let training = Training {
            seed: [spec.seed as u32, (spec.seed >> 32) as u32],
            batch,
            rows,
            data_count,
            data_is_mixture: u32::from(data_is_mixture),
            timesteps: spec.timetable.timesteps(),
            octaves: layout.shape().octaves,
            input_stride: layout.input_stride,
            coordinate_stride: layout.coordinate_stride,
            layer_count: layers.len() as u32,
            chunk_rows,
            chunk_count,
            parameter_stride: layout.parameter_stride,
            loss_partials: rows / ROW_PADDING,
            tile_count: layout.tile_count,
            matrix_first: layout.first_matrix(),
            matrix_period: layout.matrix_period(),
            matrix_length: (matrices.side * matrices.side / 4) as u32,
            matrix_count: matrices.count,
            classes: if spec.labels.is_some() {
                layout.shape().classes
            } else {
                0
            },
            label_dropout: spec.labels.as_ref().map_or(1.0, |labels| labels.dropout),
        };
        let labels = spec.labels.as_ref().map(|labels| labels.classes.as_slice());
        let labels = context.storage("labels", labels.unwrap_or(&[0]));
        let uniform = context.uniform("training", &training);
        let row_count = context.uniform("row count", &[rows, 0, 0, 0]);
        let timetable = context.storage("timetable", &spec.timetable.rows);
        let embedding = context.storage("embedding", &spec.timetable.embedding);
        let activations = context.buffer("activations", widest, STORAGE);
        let derivatives = context.buffer("derivatives", 16 * u64::from(hidden), STORAGE);
        let deltas = context.buffer("deltas", 16 * u64::from(hidden + 2 * rows), STORAGE);
        let targets = context.buffer("targets", 16 * u64::from(rows), STORAGE);
        let partials = context.buffer(
            "partials",
            16 * u64::from(chunk_count) * u64::from(layout.parameter_stride),
            STORAGE,
        );
        let loss_partials =
            context.buffer("loss partials", 4 * u64::from(rows / ROW_PADDING), STORAGE);
        let losses = context.buffer("losses", 4 * u64::from(MAX_STEPS_A_SUBMISSION), STORAGE);
        let histogram = context.buffer("histogram", HISTOGRAM_BYTES, STORAGE);
        let layer_table = DynamicTable::new::<Layer>(context, "layers", layers.len() as u32);
        layer_table.write(context, &layers);
        let head = context.uniform("output layer", &layers[layers.len() - 1]);
        let mut all_layers = [Layer::default(); 7];
        all_layers[..layers.len()].copy_from_slice(&layers);
        let all_layers = context.uniform("all layers", &all_layers);
        let steps = DynamicTable::new::<Step>(context, "steps", MAX_STEPS_A_SUBMISSION);

        let weights = &parameters.weights;
        let given = match source {
            BatchSource::Drawn => None,
            BatchSource::Given { slots, size } => Some(Given::new(context, size, slots)),
        };
        let batch_group = match &given {
            None => kernels.batch_draw.bind(
                context,
                &[
                    &uniform,
                    &steps.buffer,
                    &data,
                    &timetable,
                    &embedding,
                    &activations,
                    &targets,
                    &labels,
                ],
            ),
            Some(given) => kernels.batch_given.bind(
                context,
                &[
                    &uniform,
                    &steps.buffer,
                    &given.buffer,
                    &timetable,
                    &embedding,
                    &activations,
                    &targets,
                ],
            ),
        };
        let forward_group = kernels.dense_forward.bind(
            context,
            &[
                &layer_table.buffer,
                &row_count,
                weights,
                weights,
                &activations,
                &derivatives,
            ],
        );
        let head_group = kernels.head_loss.bind(
            context,
            &[
                &uniform,
                &head,
                weights,
                &activations,
                &derivatives,
                &deltas,
                &targets,
                &loss_partials,
                &histogram,
                &timetable,
            ],
        );
        let backward_group = kernels.dense_backward.bind(
            context,
            &[
                &layer_table.buffer,
                &row_count,
                weights,
                &deltas,
                &derivatives,
            ],
        );
        let gradient_group = kernels.weight_gradient.bind(
            context,
            &[&uniform, &all_layers, &activations, &deltas, &partials],
        );
        let update_group = kernels.update.bind(
            context,
            &[
                &uniform,
                &steps.buffer,
                &partials,
                weights,
                &parameters.ema,
                &parameters.adam_m,
                &parameters.adam_v,
                &loss_partials,
                &losses,
            ],
        );
        let muon = Muon::new(
            context,
            kernels,
            matrices,
            [&uniform, &steps.buffer],
            [&partials, weights, &parameters.ema],
        );
        context.check()?;
        Ok(Self {
            rows,
            given,
            layer_count: layers.len() as u32,
            chunk_count,
            layers: layer_table,
            steps,
            partials,
            losses,
            histogram,
            batch_group,
            forward_group,
            head_group,
            backward_group,
            gradient_group,
            update_group,
            muon,
        })
    }

    /// Hand over the scalars of the next submission's steps; at most [`MAX_STEPS_A_SUBMISSION`].
    pub fn write_steps(&self, context: &GpuContext, steps: &[Step]) {
        self.steps.write(context, steps);
    }

    /// Record one training step whose scalars stand at `slot` of the written steps.
    pub fn encode(
        &self,
        kernels: &Kernels,
        layout: &DeviceLayout,
        pass: &mut wgpu::ComputePass<'_>,
        slot: u32,
    ) {
        let step = self.steps.offset(slot);
        let row_groups = [groups_of_64(self.rows), 1];
        let tile_groups = |stride: u32| {
            [
                groups_of_64(self.rows / kernels.tile_rows * (stride / 2)),
                1,
            ]
        };
        let draws = match self.given {
            None => &kernels.batch_draw,
            Some(_) => &kernels.batch_given,
        };
        draws.dispatch(pass, &self.batch_group, &[step], row_groups);
        for layer in 0..self.layer_count - 1 {
            let offset = self.layers.offset(layer);
            kernels.dense_forward.dispatch(
                pass,
                &self.forward_group,
                &[offset],
                tile_groups(layout.hidden_stride),
            );
        }
        kernels
            .head_loss
            .dispatch(pass, &self.head_group, &[], row_groups);
        for layer in (1..self.layer_count - 1).rev() {
            let offset = self.layers.offset(layer);
            kernels.dense_backward.dispatch(
                pass,
                &self.backward_group,
                &[offset],
                tile_groups(layout.hidden_stride),
            );
        }
        let gradient_groups = [groups_of_64(layout.tile_count), self.chunk_count];
        kernels
            .weight_gradient
            .dispatch(pass, &self.gradient_group, &[], gradient_groups);
        kernels.update.dispatch(
            pass,
            &self.update_group,
            &[step],
            [groups_of_64(layout.parameter_stride), 1],
        );
        if let Some(muon) = &self.muon {
            muon.encode(kernels, pass, step);
        }
    }
}

/// What a step does to the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// It moves them.
    Weights,
    /// Nothing: the gradient alone is wanted.
    Nothing,
}

/// The scalars of update number `index` + 1.
pub fn step_row(spec: &TrainSpec, index: u64, loss_slot: u32, moves: Moves) -> Step {
    let scalars = Scalars::of(
        index + 1,
        spec.rule,
        spec.learning_rate,
        spec.ema_decay,
        spec.shape.width,
    );
    Step {
        index: index as u32,
        loss_slot,
        learning_rate: scalars.rate,
        kept: scalars.kept,
        first_decay: scalars.first_decay as f32,
        first_gain: scalars.first_gain as f32,
        bias_correction_1: scalars.first_correction as f32,
        sqrt_bias_correction_2: scalars.second_root as f32,
        epsilon: scalars.epsilon,
        matrix_rate: scalars.matrix_rate,
        ema_decay: scalars.ema_decay as f32,
        dry: u32::from(moves == Moves::Nothing),
    }
}

/// Rows a partial gradient sums over. A GPU wants many small sums in parallel; a processor wants few to add up.
fn chunk_rows(rows: u32, software: bool) -> u32 {
    let wanted = if software { 512 } else { 64 };
    wanted.max(rows.div_ceil(MAX_CHUNKS)).next_multiple_of(4)
}

fn upload_data(
    context: &GpuContext,
    data: &TrainingData,
) -> Result<(wgpu::Buffer, u32, bool), EngineError> {
    let empty =
        || EngineError::Invalid("there is nothing to train on: the data set is empty".into());
    match data {
        TrainingData::Finite(points) if points.is_empty() => Err(empty()),
        TrainingData::Finite(points) => Ok((
            context.storage("points", points),
            points.len() as u32,
            false,
        )),
        TrainingData::Fresh(mixture) if mixture.components.is_empty() => Err(empty()),
        TrainingData::Fresh(mixture) => {
            let mut cumulative = 0.0_f64;
            let rows: Vec<[f32; 4]> = mixture
                .components
                .iter()
                .map(|c| {
                    cumulative += f64::from(c.weight);
                    [c.mean[0], c.mean[1], c.sigma, cumulative as f32]
                })
                .collect();
            Ok((context.storage("mixture", &rows), rows.len() as u32, true))
        }
    }
}

/// What an engine says that holds no model.
pub(super) fn no_model() -> EngineError {
    EngineError::Invalid("no model is loaded".into())
}
