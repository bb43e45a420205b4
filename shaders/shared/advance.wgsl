// One stage of a plan for one particle, given x̂_0 before the clip. Uses the kernel's bindings `slice`, `plan`, `states`
// and `points`: states [slice][3] as (x, b), (m_0, m_1), (m_2, m_3); points [frames][cloud].

// A NaN passes through: clamp may turn it into a corner of the box, and the fault would look like a sample.
fn clip(x: f32, low: f32, high: f32) -> f32 {
    if is_nan(x) {
        return x;
    }
    return clamp(x, low, high);
}

// The registers of a particle, x̂_0 and the noise, as a mix takes them.
struct Terms {
    x: vec2<f32>,
    x_0: vec2<f32>,
    base: vec2<f32>,
    z: vec2<f32>,
    memory_0: vec2<f32>,
    memory_1: vec2<f32>,
    memory_2: vec2<f32>,
    memory_3: vec2<f32>,
}

// What a coordinate that is known has in the place of its mix, by the noise before it is widened.
fn held(value: vec2<f32>, drawn: vec2<f32>) -> vec2<f32> {
    let known = plan.known + plan.known_std * drawn;
    let axes = vec2<bool>((plan.known_axes & 1u) != 0u, (plan.known_axes & 2u) != 0u);
    return select(value, known, axes);
}

fn mixed(index: u32, terms: Terms) -> vec2<f32> {
    let head = plan.mixes[index].head;
    let tail = plan.mixes[index].tail;
    return head.x * terms.x + head.y * terms.x_0 + head.z * terms.memory_0 + head.w * terms.base
        + tail.x * terms.z + tail.y * terms.memory_1 + tail.z * terms.memory_2 + tail.w * terms.memory_3;
}

// Takes x̂_0 before the clip and by how much z is widened on each axis. Returns the new x.
fn advance(row: u32, x0_unclipped: vec2<f32>, widened: vec2<f32>) -> vec2<f32> {
    let state = states[3u * row];
    let recent = states[3u * row + 1u];
    let older = states[3u * row + 2u];
    var terms: Terms;
    terms.x = state.xy;
    terms.base = state.zw;
    terms.x_0 = x0_unclipped;
    if plan.clip == 1u {
        terms.x_0 = vec2<f32>(
            clip(x0_unclipped.x, plan.clip_min.x, plan.clip_max.x),
            clip(x0_unclipped.y, plan.clip_min.y, plan.clip_max.y),
        );
    }
    terms.memory_0 = recent.xy;
    terms.memory_1 = recent.zw;
    terms.memory_2 = older.xy;
    terms.memory_3 = older.zw;
    var drawn = vec2<f32>(1.0);
    if plan.noise == 1u {
        let words = draw(slice.seed, STREAM_SAMPLER_NOISE, plan.index, slice.first + row);
        drawn = normal_pair(words.z, words.w);
        terms.z = widened * drawn;
    } else if plan.noise == 2u {
        terms.z = widened;
    }
    let x = held(mixed(0u, terms), drawn);
    states[3u * row] = vec4<f32>(x, held(mixed(1u, terms), drawn));
    states[3u * row + 1u] = vec4<f32>(mixed(2u, terms), mixed(3u, terms));
    states[3u * row + 2u] = vec4<f32>(mixed(4u, terms), mixed(5u, terms));
    if plan.write == 1u {
        points[plan.frame + slice.first + row] = x;
    }
    return x;
}
