//! `#[repr(C)]` twins of the structs in `shaders/shared/types.wgsl` and `shaders/shared/sampling.wgsl`; the fields are
//! explained there. A test compares every size and offset by naga's reflection.

#![allow(missing_docs)]

use bytemuck::{Pod, Zeroable};

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Layer {
    pub input_offset: u32,
    pub input_stride: u32,
    pub inputs: u32,
    pub output_offset: u32,
    pub outputs: u32,
    pub weight_offset: u32,
    pub bias_offset: u32,
    pub delta_offset: u32,
    pub previous_delta_offset: u32,
    pub derivative_offset: u32,
    pub previous_derivative_offset: u32,
    pub first_tile: u32,
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Training {
    pub seed: [u32; 2],
    pub batch: u32,
    pub rows: u32,
    pub data_count: u32,
    pub data_is_mixture: u32,
    pub timesteps: u32,
    pub octaves: u32,
    pub input_stride: u32,
    pub coordinate_stride: u32,
    pub layer_count: u32,
    pub chunk_rows: u32,
    pub chunk_count: u32,
    pub parameter_stride: u32,
    pub loss_partials: u32,
    pub tile_count: u32,
    pub matrix_first: u32,
    pub matrix_period: u32,
    pub matrix_length: u32,
    pub matrix_count: u32,
    pub classes: u32,
    pub label_dropout: f32,
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Step {
    pub index: u32,
    pub loss_slot: u32,
    pub learning_rate: f32,
    pub kept: f32,
    pub first_decay: f32,
    pub first_gain: f32,
    pub bias_correction_1: f32,
    pub sqrt_bias_correction_2: f32,
    pub epsilon: f32,
    pub matrix_rate: f32,
    pub ema_decay: f32,
    pub dry: u32,
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Product {
    pub left: u32,
    pub right: u32,
    pub transposed: u32,
    pub added: u32,
    pub added_factor: f32,
    pub factor: f32,
    pub out: u32,
    pub side: u32,
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Slice {
    pub seed: [u32; 2],
    pub first: u32,
    pub count: u32,
    pub octaves: u32,
    pub coordinate_stride: u32,
    pub draw_start: u32,
    pub start_std: f32,
    pub start_scale: f32,
    pub padding: [u32; 3],
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct PlanRow {
    pub x0_x: f32,
    pub x0_output: f32,
    pub a: f32,
    pub s: f32,
    pub clip_min: [f32; 2],
    pub clip_max: [f32; 2],
    pub index: u32,
    pub clip: u32,
    pub write: u32,
    pub frame: u32,
    pub exact_mean: f32,
    pub exact_data: f32,
    pub exact_one: f32,
    pub noise: u32,
    pub next_input_scale: f32,
    pub variance_span: f32,
    pub variance_gain: f32,
    pub variance_base: f32,
    pub guidance_weight: f32,
    pub second: u32,
    pub known: [f32; 2],
    pub known_std: f32,
    pub known_axes: u32,
    pub padding: [u32; 2],
    pub mixes: [[[f32; 4]; 2]; 6],
}

#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct DensityGrid {
    pub min: [f32; 2],
    pub cell: [f32; 2],
    pub resolution: u32,
    pub padding: u32,
    pub first: u32,
    pub end: u32,
}
