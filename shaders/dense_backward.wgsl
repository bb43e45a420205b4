// Twin: src/engine/cpu/network.rs backward
//
// The input gradient of a hidden layer: δ_before = (δ Wᵀ) ∘ act'(z_before). One invocation a tile of
// δ_before, 8×8 or 16×8.
//
// layer: uniform, dynamic. row_count: uniform. weights: W [inputs][outputs] at weight_offset.
// deltas: δ [rows][outputs] at delta_offset, δ_before [rows][inputs] at previous_delta_offset.
// derivatives: act'(z_before) [rows][inputs] at previous_derivative_offset.
// Blocks as in dense_forward: a mat4x4 holds four rows as its columns.

//!include types

// Rows of a tile: 8, or 16.
override TILE_ROWS: u32 = 8u;

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

fn tile_8(row: u32, k: u32) {
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

// Twice the rows: faster where a processor does the work, but half the invocations.
fn tile_16(row: u32, k: u32) {
    var d_00: mat4x4<f32>;
    var d_01: mat4x4<f32>;
    var d_10: mat4x4<f32>;
    var d_11: mat4x4<f32>;
    var d_20: mat4x4<f32>;
    var d_21: mat4x4<f32>;
    var d_30: mat4x4<f32>;
    var d_31: mat4x4<f32>;
    for (var n = 0u; n < layer.outputs; n++) {
        let w_0 = load_w_transposed(n, k);
        let w_1 = load_w_transposed(n, k + 1u);
        let delta_0 = load_delta(row, n);
        d_00 += w_0 * delta_0;
        d_01 += w_1 * delta_0;
        let delta_1 = load_delta(row + 4u, n);
        d_10 += w_0 * delta_1;
        d_11 += w_1 * delta_1;
        let delta_2 = load_delta(row + 8u, n);
        d_20 += w_0 * delta_2;
        d_21 += w_1 * delta_2;
        let delta_3 = load_delta(row + 12u, n);
        d_30 += w_0 * delta_3;
        d_31 += w_1 * delta_3;
    }
    store(row, k, d_00);
    store(row, k + 1u, d_01);
    store(row + 4u, k, d_10);
    store(row + 4u, k + 1u, d_11);
    store(row + 8u, k, d_20);
    store(row + 8u, k + 1u, d_21);
    store(row + 12u, k, d_30);
    store(row + 12u, k + 1u, d_31);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = TILE_ROWS * (id.x / (layer.inputs / 2u));
    let k = 2u * (id.x % (layer.inputs / 2u));
    if row >= row_count.x {
        return;
    }
    if TILE_ROWS == 16u {
        tile_16(row, k);
    } else {
        tile_8(row, k);
    }
}
