// The coordinate features of a point: x, y, sin(x·f_0..), sin(y·f_0..), cos(x·f_0..), cos(y·f_0..), f_k = 2^k π/3.

// One feature by its index; 0 past the last one.
fn coordinate_feature(point: vec2<f32>, octaves: u32, index: u32) -> f32 {
    if index < 2u {
        return select(point.x, point.y, index == 1u);
    }
    let slot = index - 2u;
    if slot >= 4u * octaves {
        return 0.0;
    }
    let octave = slot % octaves;
    let axis = (slot / octaves) & 1u;
    let frequency = 1.0471975511965976 * f32(1u << octave);
    let sin_cos = sin_cos_accurate(select(point.x, point.y, axis == 1u) * frequency);
    return select(sin_cos.x, sin_cos.y, slot >= 2u * octaves);
}

fn coordinate_features_4(point: vec2<f32>, octaves: u32, first: u32) -> vec4<f32> {
    return vec4<f32>(
        coordinate_feature(point, octaves, first),
        coordinate_feature(point, octaves, first + 1u),
        coordinate_feature(point, octaves, first + 2u),
        coordinate_feature(point, octaves, first + 3u),
    );
}
