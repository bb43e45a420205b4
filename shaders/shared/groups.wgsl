// Components of a mixture in groups that follow one another: of a group that is far away, none needs to be looked at.

// GROUP in src/maths/data/kernels.rs.
const GROUP = 16u;
// Components whose share of the density is below e^-30 are left out: 16,384 of them are below the resolution of f32.
const NEGLIGIBLE = 30.0;
const LOWEST = -3.0e38;

// The group whose bound at x is the highest. Who includes this says which bound: fn highest(group: u32, x: vec2<f32>) -> f32.
fn best_group(group_count: u32, x: vec2<f32>) -> u32 {
    var best = 0u;
    var best_height = LOWEST;
    for (var group = 0u; group < group_count; group++) {
        let height = highest(group, x);
        if height > best_height {
            best = group;
            best_height = height;
        }
    }
    return best;
}

// From a point to a box (min, max).
fn squared_distance(x: vec2<f32>, box: vec4<f32>) -> f32 {
    let d = x - clamp(x, box.xy, box.zw);
    return dot(d, d);
}
