// One frame of a recorded run as soft discs, straight from the recording's buffer: between two frames where the run has
// no noise, and coloured by where each particle began, which is frame 0 of the same buffer.

//!include color
//!include motion

struct Vertex {
    @builtin(position) position: vec4<f32>,
    // From the centre, in pixels.
    @location(0) away: vec2<f32>,
    @location(1) @interpolate(flat) rgb: vec3<f32>,
}

// Four colours of Okabe & Ito (2008) around the wheel, at the angles of a compass; the twin of `origin_color`.
fn origin_color(start: vec2<f32>) -> vec3<f32> {
    var wheel = array<vec3<f32>, 5>(
        vec3(0.902, 0.624, 0.0),
        vec3(0.0, 0.62, 0.451),
        vec3(0.0, 0.447, 0.698),
        vec3(0.8, 0.475, 0.655),
        vec3(0.902, 0.624, 0.0),
    );
    let turn = fract(atan2(start.y, start.x) / 6.2831853 + 1.0) * 4.0;
    let sector = min(u32(turn), 3u);
    let hue = mix(wheel[sector], wheel[sector + 1u], turn - f32(sector));
    return mix(motion.pale.rgb, hue, clamp(0.25 + 0.5 * length(start), 0.0, 1.0));
}

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> Vertex {
    let particle = index / 3u;
    // The corners of the triangle around the unit circle.
    var corners = array<vec2<f32>, 3>(vec2(0.0, 2.0), vec2(-1.7320508, -1.0), vec2(1.7320508, -1.0));
    let away = corners[index % 3u] * (motion.radius + 0.5);
    let x = mix(points[motion.first + particle], points[motion.next + particle], motion.share);
    var out: Vertex;
    out.position = vec4(project(x, motion.now) + away * motion.pixel, 0.0, 1.0);
    out.away = away;
    // No branch: see `no_shader_of_the_canvas_branches_on_a_uniform`.
    out.rgb = select(motion.color.rgb, origin_color(points[particle] * motion.by_origin), motion.by_origin > 0.0);
    return out;
}

@fragment
fn fragment(in: Vertex) -> @location(0) vec4<f32> {
    let alpha = motion.color.a * clamp(motion.radius + 0.5 - length(in.away), 0.0, 1.0);
    return painted(in.rgb, alpha);
}
