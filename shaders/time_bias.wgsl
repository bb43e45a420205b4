// Twin: src/engine/cpu/network.rs time_bias
//
// The first layer's bias at each evaluation time of a plan: b + W_time · embedding(t). All particles of a step share their
// time, so this replaces 64 of the first layer's inputs. One invocation four outputs of one step.
//
// layer: uniform (the first layer; `inputs` counts the coordinate part only, W_time follows it). step_count: uniform.
// weights. embedding [steps][16] vec4. time_bias [steps][outputs].

//!include types

@group(0) @binding(0) var<uniform> layer: Layer;
@group(0) @binding(1) var<uniform> step_count: vec4<u32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> embedding: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> time_bias: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let step = id.x / layer.outputs;
    let n = id.x % layer.outputs;
    if step >= step_count.x {
        return;
    }
    var sum = weights[layer.bias_offset + n];
    var w = layer.weight_offset + 4u * layer.inputs * layer.outputs + n;
    for (var k = 0u; k < 16u; k++) {
        let e = embedding[step * 16u + k];
        sum += e.x * weights[w] + e.y * weights[w + layer.outputs] + e.z * weights[w + 2u * layer.outputs] + e.w * weights[w + 3u * layer.outputs];
        w += 4u * layer.outputs;
    }
    time_bias[id.x] = sum;
}
