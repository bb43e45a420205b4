// Elementary functions to a few units in the last place. The built-in sin, cos and log may be as coarse as 2^-11 on some
// devices; these follow Cephes (Moshier 1989, sinf, cosf, logf), so that both engines agree.

// (sin x, cos x) for |x| up to a few thousand: reduction by π/2 in three parts, then polynomials on [−π/4, π/4].
fn sin_cos_accurate(x: f32) -> vec2<f32> {
    let quadrant = round(x * 0.6366197723675814);
    var r = fma(quadrant, -1.5703125, x);
    r = fma(quadrant, -4.837512969970703e-4, r);
    r = fma(quadrant, -7.549789948768648e-8, r);
    let r2 = r * r;
    let sin_r = fma(r * r2, fma(r2, fma(r2, -1.9515295891e-4, 8.3321608736e-3), -1.6666654611e-1), r);
    let cos_r = fma(r2 * r2, fma(r2, fma(r2, 2.443315711809948e-5, -1.388731625493765e-3), 4.166664568298827e-2), fma(r2, -0.5, 1.0));
    switch u32(i32(quadrant)) & 3u {
        case 0u: { return vec2<f32>(sin_r, cos_r); }
        case 1u: { return vec2<f32>(cos_r, -sin_r); }
        case 2u: { return vec2<f32>(-sin_r, -cos_r); }
        default: { return vec2<f32>(-cos_r, sin_r); }
    }
}

// Natural logarithm of a positive normal number.
fn log_accurate(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    var exponent = f32(bits >> 23u) - 126.0;
    var m = bitcast<f32>((bits & 0x7fffffu) | 0x3f000000u);
    if m < 0.70710678 {
        m = m + m;
        exponent -= 1.0;
    }
    let f = m - 1.0;
    let f2 = f * f;
    var y = 7.0376836292e-2;
    y = fma(y, f, -1.1514610310e-1);
    y = fma(y, f, 1.1676998740e-1);
    y = fma(y, f, -1.2420140846e-1);
    y = fma(y, f, 1.4249322787e-1);
    y = fma(y, f, -1.6668057665e-1);
    y = fma(y, f, 2.0000714765e-1);
    y = fma(y, f, -2.4999993993e-1);
    y = fma(y, f, 3.3333331174e-1);
    y = y * f * f2;
    y = fma(exponent, -2.12194440e-4, y);
    y = fma(-0.5, f2, y);
    return fma(exponent, 0.693359375, f + y);
}

// By the bits: a compiler may take x != x for false.
fn is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}
