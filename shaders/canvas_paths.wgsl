// The paths of a recorded run as thin quads, straight from the recording's buffer: one quad a particle and interval.
// The way behind the clock is full, the way ahead of it faint.

//!include color
//!include motion

// t/T of each frame.
@group(0) @binding(2) var<storage, read> taus: array<f32>;

struct Vertex {
    @builtin(position) position: vec4<f32>,
    // Across the path, in pixels.
    @location(0) across: f32,
    @location(1) tau: f32,
}

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> Vertex {
    let segment = index / 6u;
    let frame = segment / motion.particles;
    let at = segment % motion.particles + frame * motion.particles;
    let begin = project(points[at], taus[frame]);
    let end = project(points[at + motion.particles], taus[frame + 1u]);
    var way = (end - begin) / motion.pixel;
    let long = length(way);
    way = select(vec2(1.0, 0.0), way / long, long > 1e-6);
    // Two triangles: 0 1 2 and 2 1 3, with bit 0 along the path and bit 1 across.
    var corners = array<u32, 6>(0u, 1u, 2u, 2u, 1u, 3u);
    let corner = corners[index % 6u];
    let ahead = (corner & 1u) == 1u;
    let across = select(-1.0, 1.0, corner > 1u) * (motion.radius + 0.5);
    var out: Vertex;
    out.position = vec4(select(begin, end, ahead) + across * vec2(-way.y, way.x) * motion.pixel, 0.0, 1.0);
    out.across = across;
    out.tau = select(taus[frame], taus[frame + 1u], ahead);
    return out;
}

@fragment
fn fragment(in: Vertex) -> @location(0) vec4<f32> {
    let passed = select(motion.share, 1.0, in.tau >= motion.now);
    let alpha = passed * motion.color.a * clamp(motion.radius + 0.5 - abs(in.across), 0.0, 1.0);
    return painted(motion.color.rgb, alpha);
}
