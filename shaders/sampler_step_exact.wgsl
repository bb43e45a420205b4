// Twin: src/engine/cpu/exact.rs mean
//
// One stage of a plan by the exact x̂_0 = E[x_0 | x_t] of a mixture, in the responsibilities r_k ∝ w_k N(x; a μ_k, v_k I) of
// its components, v_k = a² σ_k² + s²: Σ r_k (μ_k + a σ_k²/v_k (x − a μ_k)), sound also where a = 0. One invocation a particle.
// In its place ε̂ or the score, by other factors: Σ r_k (mean·μ_k + (data·σ_k² + one)/v_k (x − a μ_k)).
//
// slice: uniform. plan: uniform, dynamic. components [count] as (μ, σ², log w). groups [⌈count / 16⌉][2], of 16 components that
// follow one another, as (least μ, largest μ), (least σ², largest σ², largest log w, 0). states [slice][3] as (x, b), (m_0, m_1), (m_2, m_3).
// points [frames][cloud].

//!include math
//!include philox
//!include sampling
//!include advance
//!include groups

@group(0) @binding(0) var<uniform> slice: Slice;
@group(0) @binding(1) var<uniform> plan: PlanRow;
@group(0) @binding(2) var<storage, read> components: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> groups: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> states: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> points: array<vec2<f32>>;

fn variance_of(data_variance: f32) -> f32 {
    return plan.a * plan.a * data_variance + plan.s * plan.s;
}

// No component of a group has a log of its responsibility, but for a constant, above this at x.
fn highest(group: u32, x: vec2<f32>) -> f32 {
    let extremes = groups[2u * group + 1u];
    let squared = squared_distance(x, plan.a * groups[2u * group]);
    return extremes.z - log(variance_of(extremes.x)) - 0.5 * squared / variance_of(extremes.y);
}

fn log_responsibility(component: vec4<f32>, x: vec2<f32>) -> f32 {
    let variance = variance_of(component.z);
    let away = x - plan.a * component.xy;
    return component.w - log(variance) - 0.5 * dot(away, away) / variance;
}

// Var[x_0 | x] of each coordinate, where the mean is known and the largest log of a responsibility: Σ r_k ((E[x_0 | x, k] − mean)² + σ_k² s²/v_k).
fn posterior_variance(x: vec2<f32>, mean: vec2<f32>, largest: f32) -> vec2<f32> {
    let count = arrayLength(&components);
    let group_count = (count + GROUP - 1u) / GROUP;
    var mass = 0.0;
    var sum = vec2<f32>(0.0);
    for (var group = 0u; group < group_count; group++) {
        if highest(group, x) < largest - NEGLIGIBLE {
            continue;
        }
        for (var k = GROUP * group; k < min(GROUP * (group + 1u), count); k++) {
            let component = components[k];
            let variance = variance_of(component.z);
            let weight = exp(log_responsibility(component, x) - largest);
            mass += weight;
            let gain = plan.exact_data * component.z / variance;
            let apart = plan.exact_mean * component.xy + gain * (x - plan.a * component.xy) - mean;
            sum += weight * (apart * apart + plan.s * plan.s * component.z / variance);
        }
    }
    return sum / mass;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if row >= slice.count {
        return;
    }
    let x = states[3u * row].xy;
    let count = arrayLength(&components);
    let group_count = (count + GROUP - 1u) / GROUP;
    let best = best_group(group_count, x);
    var largest = LOWEST;
    for (var k = GROUP * best; k < min(GROUP * (best + 1u), count); k++) {
        largest = max(largest, log_responsibility(components[k], x));
    }
    var mass = 0.0;
    var sum = vec2<f32>(0.0);
    for (var group = 0u; group < group_count; group++) {
        if group != best && highest(group, x) < largest - NEGLIGIBLE {
            continue;
        }
        for (var k = GROUP * group; k < min(GROUP * (group + 1u), count); k++) {
            let component = components[k];
            let log_share = log_responsibility(component, x);
            if log_share > largest {
                let shrink = exp(largest - log_share);
                mass *= shrink;
                sum *= shrink;
                largest = log_share;
            }
            let weight = exp(log_share - largest);
            mass += weight;
            let gain = (plan.exact_data * component.z + plan.exact_one) / variance_of(component.z);
            sum += weight * (plan.exact_mean * component.xy + gain * (x - plan.a * component.xy));
        }
    }
    let mean = sum / mass;
    var widened = vec2<f32>(1.0);
    if plan.variance_gain > 0.0 || plan.variance_base != 1.0 {
        widened = sqrt(plan.variance_base + plan.variance_gain * posterior_variance(x, mean, largest));
    }
    _ = advance(row, mean, widened);
}
