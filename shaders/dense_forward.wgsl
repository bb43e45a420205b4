// One hidden layer: h = act(x W + b), and act'(z) beside it when training. One invocation an 8×8 tile of h.
//
// layer: uniform, dynamic. rows: uniform. weights: W [inputs][outputs] at weight_offset. biases [outputs] at bias_offset.
// activations: x [rows][input_stride] at input_offset, h [rows][outputs] at output_offset.
// derivatives: act'(z) [rows][outputs] at derivative_offset (untouched when TRAINING is false).
//
// A tile is four mat4x4 accumulators. A mat4x4 holds four rows of a matrix as its columns, so that the product of a
// block of x (rows m, inputs k) and a block of W (inputs k, outputs n) is `w * x`.

//!include activation
//!include types

override TRAINING: bool = true;

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
    let bias = biases[layer.bias_offset + n];
    store_row(row, n, sums[0] + bias);
    store_row(row + 1u, n, sums[1] + bias);
    store_row(row + 2u, n, sums[2] + bias);
    store_row(row + 3u, n, sums[3] + bias);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let tiles_n = layer.outputs / 2u;
    let row = 8u * (id.x / tiles_n);
    let n = 2u * (id.x % tiles_n);
    if row >= row_count.x {
        return;
    }
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
