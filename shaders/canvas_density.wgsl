// The exact density as a soft heat map: log p − max log p in a texture, exp after the interpolation, so that a
// Gaussian stays smooth on a coarse grid.

//!include cell
//!include color

// The twin of `DensityUniform` in src/ui/canvas/density.rs.
struct Density {
    // Corners of the field in clip space: left, bottom, right, top.
    corners: vec4<f32>,
    // Straight alpha (that of the maximum), gamma space.
    color: vec4<f32>,
}

@group(0) @binding(0) var<uniform> density: Density;
@group(0) @binding(1) var log_p: texture_2d<f32>;
@group(0) @binding(2) var smooth_sampler: sampler;

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> Cell {
    return cell_of(density.corners, index);
}

@fragment
fn fragment(in: Cell) -> @location(0) vec4<f32> {
    // The square root lifts the tails, where the eye wants to see the shape end.
    let glow = exp(0.5 * textureSample(log_p, smooth_sampler, in.at).r);
    // Half a grey level of interleaved gradient noise (Jimenez 2014) hides the steps of 8 bits.
    let dither = fract(52.982918 * fract(dot(in.position.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
    let alpha = clamp(density.color.a * glow + dither / 255.0 * step(0.004, glow), 0.0, 1.0);
    return painted(density.color.rgb, alpha);
}
