// One stage of a plan by the exact x̂_0 = E[x_0 | x_t] of a mixture, in the responsibilities r_k ∝ w_k N(x; a μ_k, v_k I) of
// its components, v_k = a² σ_k² + s²: Σ r_k (μ_k + a σ_k²/v_k (x − a μ_k)), sound also where a = 0. One invocation a particle.
//
// slice: uniform. plan: uniform, dynamic. components [count] as (μ, σ², log w). states [slice][2] as (x, m), (b, 0).
// points [frames][cloud].

//!include math
//!include philox
//!include sampling
//!include advance

@group(0) @binding(0) var<uniform> slice: Slice;
@group(0) @binding(1) var<uniform> plan: PlanRow;
@group(0) @binding(2) var<storage, read> components: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> states: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> points: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if row >= slice.count {
        return;
    }
    let x = states[2u * row].xy;
    let count = arrayLength(&components);
    let noise_variance = plan.s * plan.s;
    let gain = plan.a * plan.a;
    var largest = -3.0e38;
    for (var k = 0u; k < count; k++) {
        let component = components[k];
        let variance = gain * component.z + noise_variance;
        let away = x - plan.a * component.xy;
        largest = max(largest, component.w - log(variance) - 0.5 * dot(away, away) / variance);
    }
    var mass = 0.0;
    var sum = vec2<f32>(0.0);
    for (var k = 0u; k < count; k++) {
        let component = components[k];
        let variance = gain * component.z + noise_variance;
        let away = x - plan.a * component.xy;
        let weight = exp(component.w - log(variance) - 0.5 * dot(away, away) / variance - largest);
        mass += weight;
        sum += weight * (component.xy + (plan.a * component.z / variance) * away);
    }
    _ = advance(row, sum / mass);
}
