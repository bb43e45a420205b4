// Twin: src/engine/cpu/network.rs time_bias
//
// The first layer's bias at each evaluation time of a plan: b + W_time · embedding(t), and the column of a label. All particles of a step
// share their time and label, so this replaces 64 of the first layer's inputs, and the classes. One invocation four outputs of one step.
//
// layer: uniform (the first layer; `inputs` counts the coordinate part only, W_time follows it, then W_class). counts: uniform as (rows of
// time_bias, one more than the label or 0, how many rows a time has: the first with the label, a second without). weights.
// embedding [times][16] vec4. time_bias [rows][outputs].

//!include types

@group(0) @binding(0) var<uniform> layer: Layer;
@group(0) @binding(1) var<uniform> counts: vec4<u32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> embedding: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> time_bias: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let bias_row = id.x / layer.outputs;
    let step = bias_row / counts.z;
    let n = id.x % layer.outputs;
    if bias_row >= counts.x {
        return;
    }
    var sum = weights[layer.bias_offset + n];
    var w = layer.weight_offset + 4u * layer.inputs * layer.outputs + n;
    for (var k = 0u; k < 16u; k++) {
        let e = embedding[step * 16u + k];
        sum += e.x * weights[w] + e.y * weights[w + layer.outputs] + e.z * weights[w + 2u * layer.outputs] + e.w * weights[w + 3u * layer.outputs];
        w += 4u * layer.outputs;
    }
    // Here w stands at the first class.
    if counts.y > 0u && bias_row % counts.z == 0u {
        sum += weights[w + (counts.y - 1u) * layer.outputs];
    }
    time_bias[id.x] = sum;
}
