// Points of the canvas: soft discs at x = a x_0 + s ε, straight from the buffers that the kernels wrote.
// One triangle a point: it holds its disc with half the vertices of a quad.

//!include color

// The twin of `PointsUniform` in src/ui/canvas/points.rs.
struct Points {
    // Clip space = data · scale + offset.
    scale: vec2<f32>,
    offset: vec2<f32>,
    // Clip space per pixel.
    pixel: vec2<f32>,
    // Of the disc, in pixels.
    radius: f32,
    // a
    signal: f32,
    // Straight alpha, gamma space.
    color: vec4<f32>,
    // s
    noise: f32,
    padding_0: f32,
    padding_1: f32,
    padding_2: f32,
}

@group(0) @binding(0) var<uniform> points: Points;
@group(0) @binding(1) var<storage, read> x_0: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> epsilon: array<vec2<f32>>;

struct Vertex {
    @builtin(position) position: vec4<f32>,
    // From the centre, in pixels.
    @location(0) away: vec2<f32>,
}

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> Vertex {
    let point = index / 3u;
    // The corners of the triangle around the unit circle.
    var corners = array<vec2<f32>, 3>(vec2(0.0, 2.0), vec2(-1.7320508, -1.0), vec2(1.7320508, -1.0));
    let away = corners[index % 3u] * (points.radius + 0.5);
    let x = points.signal * x_0[point] + points.noise * epsilon[point];
    var out: Vertex;
    out.position = vec4(x * points.scale + points.offset + away * points.pixel, 0.0, 1.0);
    out.away = away;
    return out;
}

@fragment
fn fragment(in: Vertex) -> @location(0) vec4<f32> {
    let alpha = points.color.a * clamp(points.radius + 0.5 - length(in.away), 0.0, 1.0);
    return painted(points.color.rgb, alpha);
}
