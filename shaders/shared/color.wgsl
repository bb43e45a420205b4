// What a fragment of the canvas is painted as. Colours are given in gamma space with straight alpha.

// The target turns linear light into gamma space by itself.
override srgb_target: bool = false;

fn linear_from_gamma(gamma: vec3<f32>) -> vec3<f32> {
    let high = pow((gamma + 0.055) / 1.055, vec3(2.4));
    return select(high, gamma / 12.92, gamma < vec3(0.04045));
}

// Premultiplied, as the target blends.
fn painted(gamma: vec3<f32>, alpha: f32) -> vec4<f32> {
    var rgb = gamma;
    if srgb_target {
        rgb = linear_from_gamma(rgb);
    }
    return vec4(rgb * alpha, alpha);
}
