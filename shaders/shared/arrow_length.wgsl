// How an arrow's length follows from its vector's magnitude: one scale at every time, so that lengths of two times compare.
// The twin of `ArrowLength` in src/ui/canvas/arrow_length.rs.

// Magnitude of the longest arrow in proportion; by the logarithm, and where that begins.
const LONGEST_TRUE = 10.0;
const LONGEST_LOG = 1000.0;
const LOG_FROM = 0.1;

// Share of the way to `longest` by the logarithm.
fn arrow_log_share(magnitude: f32, longest: f32) -> f32 {
    return min(log(1.0 + magnitude / LOG_FROM) / log(1.0 + longest / LOG_FROM), 1.0);
}

// How strong an arrow's colour is, whatever its length.
fn arrow_strength(magnitude: f32) -> f32 {
    return arrow_log_share(magnitude, LONGEST_TRUE);
}

// Share of the greatest length: 0 in proportion, 1 logarithmic, 2 all alike.
fn arrow_share(magnitude: f32, rule: u32) -> f32 {
    // No branch: see `no_shader_of_the_canvas_branches_on_a_uniform`.
    let curved = select(0.8, arrow_log_share(magnitude, LONGEST_LOG), rule == 1u);
    return select(curved, min(magnitude / LONGEST_TRUE, 1.0), rule == 0u);
}
