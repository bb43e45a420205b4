// A field as one square: its corners in clip space, and where in it a fragment lies.

struct Cell {
    @builtin(position) position: vec4<f32>,
    // From 0 at the lower left to 1 at the upper right.
    @location(0) at: vec2<f32>,
}

// Of a strip of two triangles; corners: left, bottom, right, top.
fn cell_of(corners: vec4<f32>, index: u32) -> Cell {
    let at = vec2(f32(index & 1u), f32(index >> 1u));
    return Cell(vec4(mix(corners.xy, corners.zw, at), 0.0, 1.0), at);
}
