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
    // 0: the start stands in `points`; 1: it is drawn; 2: it is drawn and written to `points`.
    draw_start: u32,
    start_std: f32,
}

// One stage of a plan, see src/maths/diffusion/solver/mod.rs: x̂_0 = clip(x0_x·x + x0_output·output), then
// x ← c_x·x + c_0·x̂_0 + c_prev·m + c_base·b + c_z·z and m ← m_x·x + m_0·x̂_0 + m_prev·m.
struct PlanRow {
    x0_x: f32,
    x0_output: f32,
    c_x: f32,
    c_0: f32,
    c_prev: f32,
    c_base: f32,
    c_z: f32,
    m_x: f32,
    m_0: f32,
    m_prev: f32,
    // Scales of the path, for the exact x̂_0.
    a: f32,
    s: f32,
    clip_min: vec2<f32>,
    clip_max: vec2<f32>,
    // Index of the stage: the Philox step.
    index: u32,
    // 1: x̂_0 is clipped to the box.
    clip: u32,
    // 1: the new x becomes the base.
    ends_step: u32,
    // 1: the new x is written to `points`, from `frame` on.
    write: u32,
    frame: u32,
    // Which exact quantity, see `PosteriorWeights` in src/maths/diffusion/target.rs.
    exact_mean: f32,
    exact_data: f32,
    exact_one: f32,
}
