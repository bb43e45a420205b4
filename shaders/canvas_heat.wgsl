// The distance of two fields on the same grid as a soft heat map, straight from the buffers of both recordings:
// frame 0 the places, row by row, frame 1 the vectors. Two triangles a cell; the distance is interpolated. It fades where
// there is next to no density: nothing is learned there.

//!include color

// The twin of `HeatUniform` in src/ui/canvas/field.rs.
struct Heat {
    // Clip space = data · scale + offset.
    scale: vec2<f32>,
    offset: vec2<f32>,
    // Straight alpha (that of the largest distance), gamma space.
    color: vec4<f32>,
    // Unseen below, full above: logarithms (base 10) of the distance.
    low: f32,
    high: f32,
    // Places a row, and of all.
    columns: u32,
    count: u32,
    // The box of the density, in data units.
    min: vec2<f32>,
    max: vec2<f32>,
    // Gone below, full above: log p − max log p, as in the texture.
    fade: vec2<f32>,
    padding: vec2<f32>,
}

@group(0) @binding(0) var<uniform> heat: Heat;
@group(0) @binding(1) var<storage, read> left: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> right: array<vec2<f32>>;
@group(0) @binding(3) var log_p: texture_2d<f32>;
@group(0) @binding(4) var smooth_sampler: sampler;

struct Vertex {
    @builtin(position) position: vec4<f32>,
    @location(0) share: f32,
    // In the box of the density.
    @location(1) at: vec2<f32>,
}

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> Vertex {
    var corners = array<vec2<u32>, 6>(
        vec2(0u, 0u), vec2(1u, 0u), vec2(0u, 1u), vec2(1u, 0u), vec2(1u, 1u), vec2(0u, 1u),
    );
    let cell = index / 6u;
    let cells = heat.columns - 1u;
    let corner = vec2(cell % cells, cell / cells) + corners[index % 6u];
    let at = corner.y * heat.columns + corner.x;
    let apart = length(left[heat.count + at] - right[heat.count + at]);
    let decades = log(max(apart, 1e-20)) / log(10.0);
    var out: Vertex;
    out.position = vec4(left[at] * heat.scale + heat.offset, 0.0, 1.0);
    out.at = (left[at] - heat.min) / (heat.max - heat.min);
    out.share = (decades - heat.low) / (heat.high - heat.low);
    return out;
}

@fragment
fn fragment(in: Vertex) -> @location(0) vec4<f32> {
    let density = textureSample(log_p, smooth_sampler, in.at).r;
    let seen = clamp((density - heat.fade.x) / (heat.fade.y - heat.fade.x), 0.0, 1.0);
    let alpha = heat.color.a * seen * clamp(in.share, 0.0, 1.0);
    return painted(heat.color.rgb, alpha);
}
