//! The curves that built-in shapes are made of.

use std::f64::consts::TAU;

/// A circle about the origin by angle.
pub(super) fn circle(radius: f64) -> impl Fn(f64) -> [f64; 2] {
    move |u| [radius * u.cos(), radius * u.sin()]
}

/// An Archimedean spiral by angle, of radius 1 at the angle `full`, turned by `turn`.
pub(super) fn spiral(full: f64, turn: f64) -> impl Fn(f64) -> [f64; 2] {
    move |u| [u / full * (u + turn).cos(), u / full * (u + turn).sin()]
}

/// A circle as a closed polyline.
pub(super) fn ring(centre: [f64; 2], radius: f64) -> Vec<[f64; 2]> {
    polyline(
        |u| [centre[0] + radius * u.cos(), centre[1] + radius * u.sin()],
        0.0,
        TAU,
    )
}

/// A curve as a polyline fine enough to look smooth.
pub(super) fn polyline(curve: impl Fn(f64) -> [f64; 2], from: f64, to: f64) -> Vec<[f64; 2]> {
    let segments = 256;
    (0..=segments)
        .map(|i| curve(from + (to - from) * f64::from(i) / f64::from(segments)))
        .collect()
}

/// The middles of `count` pieces of equal length of a curve: found on a polyline 32 times finer.
pub(super) fn evenly_along(
    curve: impl Fn(f64) -> [f64; 2],
    from: f64,
    to: f64,
    count: usize,
) -> Vec<[f64; 2]> {
    let fine = 32 * count;
    let parameter = |i: usize| from + (to - from) * i as f64 / fine as f64;
    let mut length = vec![0.0];
    let mut total = 0.0;
    for i in 0..fine {
        let ([x0, y0], [x1, y1]) = (curve(parameter(i)), curve(parameter(i + 1)));
        total += (x1 - x0).hypot(y1 - y0);
        length.push(total);
    }
    (0..count)
        .map(|k| {
            let wanted = total * (k as f64 + 0.5) / count as f64;
            let next = length.partition_point(|&l| l < wanted).clamp(1, fine);
            let within = (wanted - length[next - 1]) / (length[next] - length[next - 1]);
            curve(parameter(next - 1) + within * (parameter(next) - parameter(next - 1)))
        })
        .collect()
}
