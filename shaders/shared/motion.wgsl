// A recorded run as the canvas draws it: points [frames][particles], and how they are looked at.

// The twin of `MotionUniform` in src/ui/canvas/motion.rs.
struct Motion {
    // Clip space = place · scale + offset.
    scale: vec2<f32>,
    offset: vec2<f32>,
    // Clip space per pixel.
    pixel: vec2<f32>,
    // Of a disc; half the width of a path. In pixels.
    radius: f32,
    // Of a disc: of the next frame, the rest is the first one's. Of a path: of the colour, on the way ahead of the clock.
    share: f32,
    // Straight alpha, gamma space.
    color: vec4<f32>,
    // A particle begins pale where it is small: towards this colour.
    pale: vec4<f32>,
    // Place = x · view_x + y · view_y + t/T · view_t.
    view_x: vec2<f32>,
    view_y: vec2<f32>,
    view_t: vec2<f32>,
    // Index of each frame's first point.
    first: u32,
    next: u32,
    particles: u32,
    frames: u32,
    // t/T of the clock.
    now: f32,
    // 1 / standard deviation of the starts; 0: all in one colour.
    by_origin: f32,
}

@group(0) @binding(0) var<uniform> motion: Motion;
@group(0) @binding(1) var<storage, read> points: array<vec2<f32>>;

// Where a point lies at this t/T, in clip space.
fn project(x: vec2<f32>, tau: f32) -> vec2<f32> {
    return (x.x * motion.view_x + x.y * motion.view_y + tau * motion.view_t) * motion.scale + motion.offset;
}
