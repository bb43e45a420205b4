// Structs that the host writes. Twins of the `#[repr(C)]` structs in src/engine/gpu/types.rs and
// src/engine/network/timetable.rs; a test compares sizes and offsets.

// One linear layer. Offsets and strides count vec4<f32>; rows of weights are inputs: W[in][out].
struct Layer {
    input_offset: u32,
    input_stride: u32,
    inputs: u32,
    output_offset: u32,
    outputs: u32,
    weight_offset: u32,
    bias_offset: u32,
    // Offset of this layer's ∂L/∂z [rows][outputs] and, for the input side, of the layer before it.
    delta_offset: u32,
    previous_delta_offset: u32,
    // Offset of act'(z) [rows][outputs] of this layer and of the one before it.
    derivative_offset: u32,
    previous_derivative_offset: u32,
    // First tile of this layer in the weight-gradient dispatch.
    first_tile: u32,
}

// What all training kernels share; constant while batch and data stay.
struct Training {
    seed: vec2<u32>,
    batch: u32,
    // Batch padded to a multiple of 64; the rows past `batch` are zero.
    rows: u32,
    data_count: u32,
    // 0: a finite set of points; 1: fresh draws from a mixture.
    data_is_mixture: u32,
    timesteps: u32,
    octaves: u32,
    // Length in vec4 of one input row, and of its coordinate part.
    input_stride: u32,
    coordinate_stride: u32,
    layer_count: u32,
    // Rows that one partial gradient sums over, and how many partial gradients there are.
    chunk_rows: u32,
    chunk_count: u32,
    // Length in vec4 of the parameter vector.
    parameter_stride: u32,
    loss_partials: u32,
    tile_count: u32,
    // The square weight matrices that Muon makes orthogonal, in vec4 of the parameter vector: where the first begins, from one to
    // the next, the length of one, and how many there are; 0 for other optimisers.
    matrix_first: u32,
    matrix_period: u32,
    matrix_length: u32,
    matrix_count: u32,
    // Classes whose labels are learned, and the share of the samples that are told none.
    classes: u32,
    label_dropout: f32,
}

// What changes from step to step.
struct Step {
    // Updates done before this one: the Philox step.
    index: u32,
    loss_slot: u32,
    // The scalars of the optimiser, as `Scalars` of src/engine/network/optimiser.rs explains them.
    learning_rate: f32,
    kept: f32,
    first_decay: f32,
    first_gain: f32,
    bias_correction_1: f32,
    sqrt_bias_correction_2: f32,
    epsilon: f32,
    matrix_rate: f32,
    ema_decay: f32,
    // 1: the update is skipped (gradients only).
    dry: u32,
}

// One product of square matrices [side][side/4] vec4, out = added_factor · added + factor · left · right; offsets in vec4 from
// the beginning of a matrix' scratch [4][side][side/4].
struct Product {
    left: u32,
    right: u32,
    // 1: the right factor is taken transposed.
    transposed: u32,
    added: u32,
    added_factor: f32,
    factor: f32,
    out: u32,
    side: u32,
}

// One timestep of the path and target.
struct TimestepRow {
    a: f32,
    s: f32,
    target_x0: f32,
    target_eps: f32,
    loss_weight: f32,
    weighting: f32,
    input_scale: f32,
    keep: u32,
    other: u32,
    variance_pull: f32,
    variance_span: f32,
    variance_gain: f32,
    variance_base: f32,
}
