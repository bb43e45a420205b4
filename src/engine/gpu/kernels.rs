//! The kernels of one network shape's activation, compiled together.

use super::context::GpuContext;
use super::kernel::Bind::{Dynamic, Read, Uniform, Write};
use super::kernel::Kernel;
use super::types::{Layer, PlanRow, Product, Step};
use crate::EngineError;
use crate::network::layout::Activation;

/// Rows of a matrix kernel's tile: a processor likes few large ones, a GPU many.
pub fn tile_rows(context: &GpuContext) -> u32 {
    if context.info().software { 16 } else { 8 }
}

/// Every kernel of training and sampling. The bindings' shapes stand at the head of each shader.
#[derive(Debug)]
pub struct Kernels {
    /// Rows of a tile of `dense_forward`, `dense_infer` and `dense_backward`.
    pub(super) tile_rows: u32,
    pub(super) batch_draw: Kernel,
    pub(super) batch_given: Kernel,
    pub(super) dense_forward: Kernel,
    pub(super) dense_infer: Kernel,
    /// The same where every row has a bias of its own.
    pub(super) dense_infer_each: Kernel,
    pub(super) head_loss: Kernel,
    pub(super) dense_backward: Kernel,
    pub(super) weight_gradient: Kernel,
    pub(super) update: Kernel,
    pub(super) muon_start: Kernel,
    pub(super) muon_product: Kernel,
    pub(super) muon_apply: Kernel,
    pub(super) time_bias: Kernel,
    pub(super) sampler_start: Kernel,
    pub(super) sampler_step: Kernel,
    pub(super) sampler_step_exact: Kernel,
    pub(super) sampler_step_given: Kernel,
}

impl Kernels {
    /// Compile for an activation.
    pub fn new(context: &GpuContext, activation: Activation) -> Result<Self, EngineError> {
        let index = Activation::ALL
            .iter()
            .position(|a| *a == activation)
            .unwrap_or(0) as f64;
        let (layer, step, plan, product) = (
            size_of::<Layer>() as u64,
            size_of::<Step>() as u64,
            size_of::<PlanRow>() as u64,
            size_of::<Product>() as u64,
        );
        let tile_rows = f64::from(tile_rows(context));
        let kernel = |name, binds: &[_], constants: &[(&str, f64)]| {
            Kernel::new(context, name, binds, constants)
        };
        let dense = [Dynamic(layer), Uniform, Read, Read, Write, Write];
        Ok(Self {
            tile_rows: tile_rows as u32,
            batch_draw: kernel(
                "batch_draw",
                &[Uniform, Dynamic(step), Read, Read, Read, Write, Write, Read],
                &[],
            )?,
            batch_given: kernel(
                "batch_given",
                &[Uniform, Dynamic(step), Read, Read, Read, Write, Write],
                &[],
            )?,
            dense_forward: kernel(
                "dense_forward",
                &dense,
                &[
                    ("ACTIVATION", index),
                    ("TRAINING", 1.0),
                    ("TILE_ROWS", tile_rows),
                ],
            )?,
            dense_infer: kernel(
                "dense_forward",
                &dense,
                &[
                    ("ACTIVATION", index),
                    ("TRAINING", 0.0),
                    ("TILE_ROWS", tile_rows),
                ],
            )?,
            dense_infer_each: kernel(
                "dense_forward",
                &dense,
                &[
                    ("ACTIVATION", index),
                    ("TRAINING", 0.0),
                    ("TILE_ROWS", tile_rows),
                    ("BIAS_A_ROW", 1.0),
                ],
            )?,
            head_loss: kernel(
                "head_loss",
                &[
                    Uniform, Uniform, Read, Read, Read, Write, Read, Write, Write, Read,
                ],
                &[],
            )?,
            dense_backward: kernel(
                "dense_backward",
                &[Dynamic(layer), Uniform, Read, Write, Read],
                &[("TILE_ROWS", tile_rows)],
            )?,
            weight_gradient: kernel(
                "weight_gradient",
                &[Uniform, Uniform, Read, Read, Write],
                &[],
            )?,
            update: kernel(
                "update",
                &[
                    Uniform,
                    Dynamic(step),
                    Write,
                    Write,
                    Write,
                    Write,
                    Write,
                    Read,
                    Write,
                ],
                &[],
            )?,
            muon_start: kernel("muon_start", &[Uniform, Read, Write], &[])?,
            muon_product: kernel("muon_product", &[Dynamic(product), Write], &[])?,
            muon_apply: kernel(
                "muon_apply",
                &[Uniform, Dynamic(step), Read, Write, Write],
                &[],
            )?,
            time_bias: kernel("time_bias", &[Uniform, Uniform, Read, Read, Write], &[])?,
            sampler_start: kernel("sampler_start", &[Uniform, Write, Write, Write], &[])?,
            sampler_step: kernel(
                "sampler_step",
                &[Uniform, Dynamic(plan), Uniform, Read, Write, Write, Write],
                &[],
            )?,
            sampler_step_given: kernel(
                "sampler_step_given",
                &[Uniform, Dynamic(plan), Read, Write, Write],
                &[],
            )?,
            sampler_step_exact: kernel(
                "sampler_step_exact",
                &[Uniform, Dynamic(plan), Read, Read, Write, Write],
                &[],
            )?,
        })
    }
}
