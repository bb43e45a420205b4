// Contours of the log density, one pixel wide, every `step` below its maximum.

//!include cell
//!include color

// The twin of `ContoursUniform` in src/ui/canvas/field.rs.
struct Contours {
    // Corners of the field in clip space: left, bottom, right, top.
    corners: vec4<f32>,
    // Straight alpha, gamma space.
    color: vec4<f32>,
    // Between two contours, in nats.
    step: f32,
    // No contour lies lower than this many nats below the maximum.
    deepest: f32,
    padding_0: f32,
    padding_1: f32,
}

@group(0) @binding(0) var<uniform> contours: Contours;
@group(0) @binding(1) var log_p: texture_2d<f32>;
@group(0) @binding(2) var smooth_sampler: sampler;

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> Cell {
    return cell_of(contours.corners, index);
}

@fragment
fn fragment(in: Cell) -> @location(0) vec4<f32> {
    let depth = -textureSample(log_p, smooth_sampler, in.at).r;
    let level = depth / contours.step;
    let nearest = round(level);
    // In pixels, by how fast the level changes from one to the next.
    let away = abs(level - nearest) / max(fwidth(level), 1e-6);
    let shown = (nearest >= 1.0) & (depth < contours.deepest);
    let alpha = contours.color.a * select(0.0, clamp(1.0 - away, 0.0, 1.0), shown);
    return painted(contours.color.rgb, alpha);
}
