// Arrows of a field, one instance each, straight from a recording's buffer: frame 0 the places, frame 1 the vectors.
// A quad holds its arrow; the fragment's distance to shaft and head softens the edges.

//!include arrow_length
//!include color

// The twin of `ArrowsUniform` in src/ui/canvas/field.rs.
struct Arrows {
    // Clip space = data · scale + offset.
    scale: vec2<f32>,
    offset: vec2<f32>,
    // Clip space per pixel.
    pixel: vec2<f32>,
    // Length of the longest arrow, in pixels.
    longest: f32,
    // Half the shaft's width, in pixels.
    half_width: f32,
    // Straight alpha, gamma space: of weak and of strong vectors.
    weak: vec4<f32>,
    strong: vec4<f32>,
    // Of `arrow_share`.
    rule: u32,
    // Number of arrows.
    count: u32,
    padding: vec2<u32>,
}

@group(0) @binding(0) var<uniform> arrows: Arrows;
@group(0) @binding(1) var<storage, read> points: array<vec2<f32>>;

struct Vertex {
    @builtin(position) position: vec4<f32>,
    // Along the arrow from its tail, and across, in pixels.
    @location(0) at: vec2<f32>,
    @location(1) @interpolate(flat) length: f32,
    @location(2) color: vec4<f32>,
}

@vertex
fn vertex(@builtin(vertex_index) index: u32, @builtin(instance_index) arrow: u32) -> Vertex {
    let vector = points[arrows.count + arrow];
    let magnitude = length(vector);
    let length = arrows.longest * arrow_share(magnitude, arrows.rule);
    let along = vector / max(magnitude, 1e-20);
    let across = vec2(-along.y, along.x);
    let reach = max(0.22 * length, arrows.half_width) + 1.0;
    let corner = vec2(f32(index & 1u), f32(index >> 1u));
    let at = vec2(mix(-1.0, length + 1.0, corner.x), mix(-reach, reach, corner.y));
    // The arrow's middle lies on its place.
    let away = (at.x - 0.5 * length) * along + at.y * across;
    var out: Vertex;
    out.position = vec4(points[arrow] * arrows.scale + arrows.offset + away * arrows.pixel, 0.0, 1.0);
    out.at = at;
    out.length = length;
    out.color = mix(arrows.weak, arrows.strong, arrow_strength(magnitude));
    return out;
}

// How much of a pixel is covered by what begins at this signed distance.
fn covered(distance: f32) -> f32 {
    return clamp(0.5 - distance, 0.0, 1.0);
}

@fragment
fn fragment(in: Vertex) -> @location(0) vec4<f32> {
    let side = abs(in.at.y);
    let head = min(0.42 * in.length, 3.0 + 8.0 * arrows.half_width);
    let wing = 0.5 * head;
    let base = in.length - head;
    // The slanted edge runs from (base, wing) to (length, 0).
    let edge = ((in.at.x - in.length) * wing + side * head) / max(length(vec2(wing, head)), 1e-6);
    let tip = covered(edge) * covered(base - in.at.x);
    let shaft = covered(side - arrows.half_width) * covered(-in.at.x) * covered(in.at.x - base - 0.5);
    // Arrows shorter than a pixel fade away.
    let alpha = in.color.a * max(tip, shaft) * clamp(in.length, 0.0, 1.0);
    return painted(in.color.rgb, alpha);
}
