// Twin: src/engine/cpu/network.rs forward
//
// One hidden layer: h = act(x W + b), and act'(z) beside it when training. One invocation a tile of h, 8×8 or 16×8.
//
// layer: uniform, dynamic. rows: uniform. weights: W [inputs][outputs] at weight_offset. biases [outputs] at bias_offset; [rows][outputs]
// where each row has its own (BIAS_A_ROW).
// activations: x [rows][input_stride] at input_offset, h [rows][outputs] at output_offset.
// derivatives: act'(z) [rows][outputs] at derivative_offset (untouched when TRAINING is false).
//
// A tile is four (or eight) mat4x4 accumulators. A mat4x4 holds four rows of a matrix as its columns, so that the product of a
// block of x (rows m, inputs k) and a block of W (inputs k, outputs n) is `w * x`.

//!include activation
//!include types

override TRAINING: bool = true;

// Rows of a tile: 8, or 16.
override TILE_ROWS: u32 = 8u;

override BIAS_A_ROW: bool = false;

@group(0) @binding(0) var<uniform> layer: Layer;
@group(0) @binding(1) var<uniform> row_count: vec4<u32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> biases: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> activations: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> derivatives: array<vec4<f32>>;

fn load_x(row: u32, k: u32) -> mat4x4<f32> {
    let at = layer.input_offset + row * layer.input_stride + k;
    let stride = layer.input_stride;
    return mat4x4<f32>(activations[at], activations[at + stride], activations[at + 2u * stride], activations[at + 3u * stride]);
}

fn load_w(k: u32, n: u32) -> mat4x4<f32> {
    let at = layer.weight_offset + 4u * k * layer.outputs + n;
    let stride = layer.outputs;
    return mat4x4<f32>(weights[at], weights[at + stride], weights[at + 2u * stride], weights[at + 3u * stride]);
}

fn store_row(row: u32, n: u32, z: vec4<f32>) {
    let h = activate(z);
    activations[layer.output_offset + row * layer.outputs + n] = h.value;
    if TRAINING {
        derivatives[layer.derivative_offset + row * layer.outputs + n] = h.derivative;
    }
}

// Row by row with constant indices: a loop would index the block at run time, which spills it.
fn store(row: u32, n: u32, sums: mat4x4<f32>) {
    if BIAS_A_ROW {
        let at = row * layer.outputs + n;
        store_row(row, n, sums[0] + biases[at]);
        store_row(row + 1u, n, sums[1] + biases[at + layer.outputs]);
        store_row(row + 2u, n, sums[2] + biases[at + 2u * layer.outputs]);
        store_row(row + 3u, n, sums[3] + biases[at + 3u * layer.outputs]);
        return;
    }
    let bias = biases[layer.bias_offset + n];
    store_row(row, n, sums[0] + bias);
    store_row(row + 1u, n, sums[1] + bias);
    store_row(row + 2u, n, sums[2] + bias);
    store_row(row + 3u, n, sums[3] + bias);
}

fn tile_8(row: u32, n: u32) {
    var h_00: mat4x4<f32>;
    var h_01: mat4x4<f32>;
    var h_10: mat4x4<f32>;
    var h_11: mat4x4<f32>;
    for (var k = 0u; k < layer.inputs; k++) {
        let w_0 = load_w(k, n);
        let w_1 = load_w(k, n + 1u);
        let x_0 = load_x(row, k);
        h_00 += w_0 * x_0;
        h_01 += w_1 * x_0;
        let x_1 = load_x(row + 4u, k);
        h_10 += w_0 * x_1;
        h_11 += w_1 * x_1;
    }
    store(row, n, h_00);
    store(row, n + 1u, h_01);
    store(row + 4u, n, h_10);
    store(row + 4u, n + 1u, h_11);
}

// Twice the rows: faster where a processor does the work, but half the invocations.
fn tile_16(row: u32, n: u32) {
    var h_00: mat4x4<f32>;
    var h_01: mat4x4<f32>;
    var h_10: mat4x4<f32>;
    var h_11: mat4x4<f32>;
    var h_20: mat4x4<f32>;
    var h_21: mat4x4<f32>;
    var h_30: mat4x4<f32>;
    var h_31: mat4x4<f32>;
    for (var k = 0u; k < layer.inputs; k++) {
        let w_0 = load_w(k, n);
        let w_1 = load_w(k, n + 1u);
        let x_0 = load_x(row, k);
        h_00 += w_0 * x_0;
        h_01 += w_1 * x_0;
        let x_1 = load_x(row + 4u, k);
        h_10 += w_0 * x_1;
        h_11 += w_1 * x_1;
        let x_2 = load_x(row + 8u, k);
        h_20 += w_0 * x_2;
        h_21 += w_1 * x_2;
        let x_3 = load_x(row + 12u, k);
        h_30 += w_0 * x_3;
        h_31 += w_1 * x_3;
    }
    store(row, n, h_00);
    store(row, n + 1u, h_01);
    store(row + 4u, n, h_10);
    store(row + 4u, n + 1u, h_11);
    store(row + 8u, n, h_20);
    store(row + 8u, n + 1u, h_21);
    store(row + 12u, n, h_30);
    store(row + 12u, n + 1u, h_31);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = TILE_ROWS * (id.x / (layer.outputs / 2u));
    let n = 2u * (id.x % (layer.outputs / 2u));
    if row >= row_count.x {
        return;
    }
    if TILE_ROWS == 16u {
        tile_16(row, n);
    } else {
        tile_8(row, n);
    }
}
