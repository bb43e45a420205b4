// Twin: src/engine/cpu/network.rs backward
//
// Weight and bias gradients of every layer at once, as partial sums over chunks of rows: no float atomics, so a run is
// the same every time. One invocation an 8×8 tile of one layer's ∂L/∂W (or 8 entries of its ∂L/∂b) in one chunk.
//
// training: uniform. layers: uniform [7]. activations: x [rows][input_stride] of each layer.
// deltas: δ [rows][outputs] of each layer. partials [chunk_count][parameter_stride].
// Tiles of a layer: inputs/2 × outputs/2 for the weight, then outputs/2 for the bias (counted in vec4, two a side).

//!include types

@group(0) @binding(0) var<uniform> training: Training;
@group(0) @binding(1) var<uniform> layers: array<Layer, 7>;
@group(0) @binding(2) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> deltas: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> partials: array<vec4<f32>>;

fn store(at: u32, stride: u32, sums: mat4x4<f32>) {
    partials[at] = sums[0];
    partials[at + stride] = sums[1];
    partials[at + 2u * stride] = sums[2];
    partials[at + 3u * stride] = sums[3];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= training.tile_count {
        return;
    }
    var index = 0u;
    for (var i = 1u; i < training.layer_count; i++) {
        if id.x >= layers[i].first_tile {
            index = i;
        }
    }
    let layer = layers[index];
    let tile = id.x - layer.first_tile;
    let tiles_n = layer.outputs / 2u;
    let n = 2u * (tile % tiles_n);
    let k = 2u * (tile / tiles_n);
    let first_row = id.y * training.chunk_rows;
    let end_row = min(first_row + training.chunk_rows, training.rows);
    let out = id.y * training.parameter_stride;
    let x_stride = layer.input_stride;
    let d_stride = layer.outputs;
    var d_at = layer.delta_offset + first_row * d_stride + n;

    if k >= layer.inputs {
        var b_0 = vec4<f32>(0.0);
        var b_1 = vec4<f32>(0.0);
        for (var row = first_row; row < end_row; row++) {
            b_0 += deltas[d_at];
            b_1 += deltas[d_at + 1u];
            d_at += d_stride;
        }
        partials[out + layer.bias_offset + n] = b_0;
        partials[out + layer.bias_offset + n + 1u] = b_1;
        return;
    }

    var x_at = layer.input_offset + first_row * x_stride + k;
    var g_00: mat4x4<f32>;
    var g_01: mat4x4<f32>;
    var g_10: mat4x4<f32>;
    var g_11: mat4x4<f32>;
    for (var row = first_row; row < end_row; row += 4u) {
        let d_0 = mat4x4<f32>(deltas[d_at], deltas[d_at + d_stride], deltas[d_at + 2u * d_stride], deltas[d_at + 3u * d_stride]);
        let d_1 = mat4x4<f32>(deltas[d_at + 1u], deltas[d_at + d_stride + 1u], deltas[d_at + 2u * d_stride + 1u], deltas[d_at + 3u * d_stride + 1u]);
        let x_0 = transpose(mat4x4<f32>(activations[x_at], activations[x_at + x_stride], activations[x_at + 2u * x_stride], activations[x_at + 3u * x_stride]));
        g_00 += d_0 * x_0;
        g_01 += d_1 * x_0;
        let x_1 = transpose(mat4x4<f32>(activations[x_at + 1u], activations[x_at + x_stride + 1u], activations[x_at + 2u * x_stride + 1u], activations[x_at + 3u * x_stride + 1u]));
        g_10 += d_0 * x_1;
        g_11 += d_1 * x_1;
        d_at += 4u * d_stride;
        x_at += 4u * x_stride;
    }
    let w = out + layer.weight_offset + 4u * k * layer.outputs + n;
    store(w, layer.outputs, g_00);
    store(w + 1u, layer.outputs, g_01);
    store(w + 4u * layer.outputs, layer.outputs, g_10);
    store(w + 4u * layer.outputs + 1u, layer.outputs, g_11);
}
