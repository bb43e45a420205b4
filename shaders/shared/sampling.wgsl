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
    // What x is multiplied by before the network sees it in the first stage.
    start_scale: f32,
    padding_0: u32,
    padding_1: u32,
    padding_2: u32,
}

// What a register becomes: factors of x, x̂_0, the first memory and the base; of z and the other memories.
struct Mix {
    head: vec4<f32>,
    tail: vec4<f32>,
}

// One stage of a plan, see src/maths/diffusion/solver/mod.rs: x̂_0 = clip(x0_x·x + x0_output·output), then every register becomes a mix.
struct PlanRow {
    x0_x: f32,
    x0_output: f32,
    // Scales of the path, for the exact x̂_0.
    a: f32,
    s: f32,
    clip_min: vec2<f32>,
    clip_max: vec2<f32>,
    // Index of the stage: the Philox step.
    index: u32,
    // 1: x̂_0 is clipped to the box.
    clip: u32,
    // 1: the new x is written to `points`, from `frame` on.
    write: u32,
    frame: u32,
    // Which exact quantity, see `PosteriorWeights` in src/maths/diffusion/target.rs.
    exact_mean: f32,
    exact_data: f32,
    exact_one: f32,
    // What z is. 0: none; 1: fresh noise; 2: one.
    noise: u32,
    // What x is multiplied by before the network sees it in the next stage.
    next_input_scale: f32,
    // How much z is widened by what is said of the variance, see src/maths/diffusion/solver/widening.rs.
    variance_span: f32,
    variance_gain: f32,
    variance_base: f32,
    // How much what the network says with the label counts against what it says without, whose rows begin at `second`; 1 where it is asked
    // once.
    guidance_weight: f32,
    second: u32,
    // What the coordinates in `known_axes` (1: x, 2: y, 3: both) have in the place of the mix: `known`, and as much noise as `known_std`.
    known: vec2<f32>,
    known_std: f32,
    known_axes: u32,
    padding_0: u32,
    padding_1: u32,
    // The new x, base and memories.
    mixes: array<Mix, 6>,
}
