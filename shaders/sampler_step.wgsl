// The output layer and one step of a plan, then the features for the next one. One invocation a particle.
//
// The cloud is written only in the last step, so that a picture of it never shows particles half-way.
//
// slice: uniform. plan: uniform, dynamic. layer: uniform (the output layer). weights.
// activations: h [rows][inputs] at input_offset; features [rows][coordinate_stride] at 0.
// states [slice] as (x, previous x̂_0). points [cloud].

//!include math
//!include philox
//!include features
//!include types
//!include sampling

override LAST: bool = false;

@group(0) @binding(0) var<uniform> slice: Slice;
@group(0) @binding(1) var<uniform> plan: PlanRow;
@group(0) @binding(2) var<uniform> layer: Layer;
@group(0) @binding(3) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> activations: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> states: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> points: array<vec2<f32>>;

// A NaN passes through: clamp may turn it into a corner of the box, and the fault would look like a sample.
fn clip(x: f32, low: f32, high: f32) -> f32 {
    if is_nan(x) {
        return x;
    }
    return clamp(x, low, high);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if row >= slice.count {
        return;
    }
    let at = layer.input_offset + row * layer.input_stride;
    var output = weights[layer.bias_offset].xy;
    for (var k = 0u; k < layer.inputs; k++) {
        let h = activations[at + k];
        let w = layer.weight_offset + 4u * k * layer.outputs;
        output += h.x * weights[w].xy + h.y * weights[w + layer.outputs].xy
            + h.z * weights[w + 2u * layer.outputs].xy + h.w * weights[w + 3u * layer.outputs].xy;
    }
    let state = states[row];
    var x_0 = plan.x0_x * state.xy + plan.x0_output * output;
    if plan.clip == 1u {
        x_0 = vec2<f32>(clip(x_0.x, plan.clip_min.x, plan.clip_max.x), clip(x_0.y, plan.clip_min.y, plan.clip_max.y));
    }
    var x = plan.c_x * state.xy + plan.c_0 * x_0 + plan.c_prev * state.zw;
    if plan.c_z != 0.0 {
        let words = draw(slice.seed, STREAM_SAMPLER_NOISE, plan.index, slice.first + row);
        x += plan.c_z * normal_pair(words.z, words.w);
    }
    if LAST {
        points[slice.first + row] = x;
        return;
    }
    states[row] = vec4<f32>(x, x_0);
    for (var i = 0u; i < slice.coordinate_stride; i++) {
        activations[row * slice.coordinate_stride + i] = coordinate_features_4(x, slice.octaves, 4u * i);
    }
}
