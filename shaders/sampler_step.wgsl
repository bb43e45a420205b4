// Twin: src/engine/cpu/sample.rs advance
//
// The output layer and one stage of a plan, then the features for the next one. One invocation a particle.
//
// Points are written only where the plan says so, so that a picture of a cloud never shows particles half-way.
//
// slice: uniform. plan: uniform, dynamic. layer: uniform (the output layer). weights.
// activations: h [rows][inputs] at input_offset, of a guided plan twice, with the label and without; features [rows][coordinate_stride] at 0.
// states [slice][3] as (x, b), (m_0, m_1), (m_2, m_3). points [frames][cloud].

//!include math
//!include philox
//!include features
//!include types
//!include sampling
//!include advance
//!include head

@group(0) @binding(0) var<uniform> slice: Slice;
@group(0) @binding(1) var<uniform> plan: PlanRow;
@group(0) @binding(2) var<uniform> layer: Layer;
@group(0) @binding(3) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> activations: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> states: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> points: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if row >= slice.count {
        return;
    }
    var output = output_at(row);
    if plan.guidance_weight != 1.0 {
        let of_all = output_at(plan.second + row).xy;
        output = vec4<f32>(of_all + plan.guidance_weight * (output.xy - of_all), output.zw);
    }
    let x_0 = plan.x0_x * states[3u * row].xy + plan.x0_output * output.xy;
    let widened = exp(0.5 * plan.variance_span * (1.0 + output.zw));
    let x = advance(row, x_0, widened);
    for (var i = 0u; i < slice.coordinate_stride; i++) {
        activations[row * slice.coordinate_stride + i] = coordinate_features_4(plan.next_input_scale * x, slice.octaves, 4u * i);
    }
}
