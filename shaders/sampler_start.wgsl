// Twin: src/engine/run.rs drawn
//
// Puts the particles of a slice at their start and writes their features. One invocation a particle.
//
// slice: uniform. points [cloud], read where the start is given. states [slice][3] as (x, b = x), (m_0, m_1) = 0, (m_2, m_3) = 0.
// activations [slice][coordinate_stride].

//!include math
//!include philox
//!include features
//!include sampling

@group(0) @binding(0) var<uniform> slice: Slice;
@group(0) @binding(1) var<storage, read_write> points: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> states: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> activations: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if row >= slice.count {
        return;
    }
    let particle = slice.first + row;
    var x = vec2<f32>(0.0);
    if slice.draw_start > 0u {
        let words = draw(slice.seed, STREAM_SAMPLER_START, 0u, particle);
        x = slice.start_std * normal_pair(words.z, words.w);
        if slice.draw_start == 2u {
            points[particle] = x;
        }
    } else {
        x = points[particle];
    }
    states[3u * row] = vec4<f32>(x, x);
    states[3u * row + 1u] = vec4<f32>(0.0);
    states[3u * row + 2u] = vec4<f32>(0.0);
    for (var i = 0u; i < slice.coordinate_stride; i++) {
        activations[row * slice.coordinate_stride + i] = coordinate_features_4(slice.start_scale * x, slice.octaves, 4u * i);
    }
}
