// Twin: src/engine/cpu/sample.rs advance
//
// One stage of a plan towards the x_0 that each particle is led to, in the place of a prediction. One invocation a particle.
//
// slice: uniform. plan: uniform, dynamic. clean [cloud]: the x_0 of each particle. states [slice][3] as (x, b), (m_0, m_1), (m_2, m_3).
// points [frames][cloud].

//!include math
//!include philox
//!include sampling
//!include advance

@group(0) @binding(0) var<uniform> slice: Slice;
@group(0) @binding(1) var<uniform> plan: PlanRow;
@group(0) @binding(2) var<storage, read> clean: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> states: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> points: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if row >= slice.count {
        return;
    }
    // What is known has the posterior's variance alone.
    _ = advance(row, clean[slice.first + row], vec2<f32>(1.0));
}
