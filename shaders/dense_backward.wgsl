// The input gradient of a hidden layer: δ_before = (δ Wᵀ) ∘ act'(z_before). One invocation an 8×8 tile of δ_before.
//
// layer: uniform, dynamic. row_count: uniform. weights: W [inputs][outputs] at weight_offset.
// deltas: δ [rows][outputs] at delta_offset, δ_before [rows][inputs] at previous_delta_offset.
// derivatives: act'(z_before) [rows][inputs] at previous_derivative_offset.
// Blocks as in dense_forward: a mat4x4 holds four rows as its columns.

//!include types

@group(0) @binding(0) var<uniform> layer: Layer;
@group(0) @binding(1) var<uniform> row_count: vec4<u32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> deltas: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> derivatives: array<vec4<f32>>;

fn load_delta(row: u32, n: u32) -> mat4x4<f32> {
    let at = layer.delta_offset + row * layer.outputs + n;
    let stride = layer.outputs;
    return mat4x4<f32>(deltas[at], deltas[at + stride], deltas[at + 2u * stride], deltas[at + 3u * stride]);
}

// Block (outputs n, inputs k) of Wᵀ.
fn load_w_transposed(n: u32, k: u32) -> mat4x4<f32> {
    let at = layer.weight_offset + 4u * k * layer.outputs + n;
    let stride = layer.outputs;
    return transpose(mat4x4<f32>(weights[at], weights[at + stride], weights[at + 2u * stride], weights[at + 3u * stride]));
}

fn store_row(row: u32, k: u32, delta: vec4<f32>) {
    let at = row * layer.inputs + k;
    deltas[layer.previous_delta_offset + at] = delta * derivatives[layer.previous_derivative_offset + at];
}

fn store(row: u32, k: u32, sums: mat4x4<f32>) {
    store_row(row, k, sums[0]);
    store_row(row + 1u, k, sums[1]);
    store_row(row + 2u, k, sums[2]);
    store_row(row + 3u, k, sums[3]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let tiles_k = layer.inputs / 2u;
    let row = 8u * (id.x / tiles_k);
    let k = 2u * (id.x % tiles_k);
    if row >= row_count.x {
        return;
    }
    var d_00: mat4x4<f32>;
    var d_01: mat4x4<f32>;
    var d_10: mat4x4<f32>;
    var d_11: mat4x4<f32>;
    for (var n = 0u; n < layer.outputs; n++) {
        let w_0 = load_w_transposed(n, k);
        let w_1 = load_w_transposed(n, k + 1u);
        let delta_0 = load_delta(row, n);
        d_00 += w_0 * delta_0;
        d_01 += w_1 * delta_0;
        let delta_1 = load_delta(row + 4u, n);
        d_10 += w_0 * delta_1;
        d_11 += w_1 * delta_1;
    }
    store(row, k, d_00);
    store(row, k + 1u, d_01);
    store(row + 4u, k, d_10);
    store(row + 4u, k + 1u, d_11);
}
