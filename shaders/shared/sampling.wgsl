// Structs of the sampling kernels. Twins of those in src/engine/gpu/types.rs.

// A slice of particles on its way through a plan.
struct Slice {
    seed: vec2<u32>,
    // Index of the slice's first particle in the cloud, and how many there are.
    first: u32,
    count: u32,
    octaves: u32,
    // Length in vec4 of one row of coordinate features.
    coordinate_stride: u32,
    // 1: the start is drawn; 0: it stands in `points` already.
    draw_start: u32,
    start_std: f32,
}

// One step of a plan: x̂_0 = clip(x0_x·x + x0_output·output); x ← c_x·x + c_0·x̂_0 + c_prev·x̂_0,prev + c_z·z.
struct PlanRow {
    x0_x: f32,
    x0_output: f32,
    c_x: f32,
    c_0: f32,
    c_prev: f32,
    c_z: f32,
    // Index of the step: the Philox step.
    index: u32,
    // 1: x̂_0 is clipped to the box.
    clip: u32,
    clip_min: vec2<f32>,
    clip_max: vec2<f32>,
}
