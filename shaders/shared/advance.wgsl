// One stage of a plan for one particle, given x̂_0 before the clip. Uses the kernel's bindings `slice`, `plan`, `states`
// and `points`: states [slice][2] as (x, m), (b, 0); points [frames][cloud].

// A NaN passes through: clamp may turn it into a corner of the box, and the fault would look like a sample.
fn clip(x: f32, low: f32, high: f32) -> f32 {
    if is_nan(x) {
        return x;
    }
    return clamp(x, low, high);
}

// Returns the new x.
fn advance(row: u32, x0_unclipped: vec2<f32>) -> vec2<f32> {
    var x_0 = x0_unclipped;
    if plan.clip == 1u {
        x_0 = vec2<f32>(clip(x_0.x, plan.clip_min.x, plan.clip_max.x), clip(x_0.y, plan.clip_min.y, plan.clip_max.y));
    }
    let state = states[2u * row];
    let base = states[2u * row + 1u].xy;
    var x = plan.c_x * state.xy + plan.c_0 * x_0 + plan.c_prev * state.zw + plan.c_base * base;
    if plan.c_z != 0.0 {
        let words = draw(slice.seed, STREAM_SAMPLER_NOISE, plan.index, slice.first + row);
        x += plan.c_z * normal_pair(words.z, words.w);
    }
    states[2u * row] = vec4<f32>(x, plan.m_x * state.xy + plan.m_0 * x_0 + plan.m_prev * state.zw);
    if plan.ends_step == 1u {
        states[2u * row + 1u] = vec4<f32>(x, 0.0, 0.0);
    }
    if plan.write == 1u {
        points[plan.frame + slice.first + row] = x;
    }
    return x;
}
