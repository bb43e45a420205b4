//! The compass's needle: from a noise prediction to the clean point that it points to, and back.

use maths::diffusion::schedule::Scales;
use maths::diffusion::target::{Combination, Quantity, Target};

/// a x + b y.
pub(super) fn combine(a: f64, x: [f64; 2], b: f64, y: [f64; 2]) -> [f64; 2] {
    [a * x[0] + b * y[0], a * x[1] + b * y[1]]
}

/// ‖x − y‖.
pub(super) fn distance(x: [f64; 2], y: [f64; 2]) -> f64 {
    (x[0] - y[0]).hypot(x[1] - y[1])
}

/// x̂_0 = (x_t − s ε̂)/a (Ho et al. 2020, eq. 15).
pub(super) fn estimate(x_t: [f64; 2], epsilon: [f64; 2], scales: Scales) -> [f64; 2] {
    let Combination(of_x, of_epsilon) = Target::Eps.to_x0(scales);
    combine(of_x, x_t, of_epsilon, epsilon)
}

/// ε turned by up to a right angle, where it says nothing of ε any more, and shortened to a half.
pub(super) fn imprecise(epsilon: [f64; 2], accuracy: f64) -> [f64; 2] {
    let (sin, cos) = ((1.0 - accuracy) * std::f64::consts::FRAC_PI_2).sin_cos();
    let length = 0.5 + 0.5 * accuracy;
    [
        length * (cos * epsilon[0] - sin * epsilon[1]),
        length * (sin * epsilon[0] + cos * epsilon[1]),
    ]
}

/// The noise that leads from x_0 to x_t.
pub(super) fn noise_of(x_t: [f64; 2], x_0: [f64; 2], scales: Scales) -> [f64; 2] {
    let Combination(of_x, of_x_0) = Target::X0.to(Quantity::Eps, scales);
    combine(of_x, x_t, of_x_0, x_0)
}

/// The data point nearest to x_t/a.
pub(super) fn nearest(
    points: &[[f32; 2]],
    x_t: [f64; 2],
    Scales { a, .. }: Scales,
) -> Option<[f64; 2]> {
    let away = |p: &[f32; 2]| distance(combine(a, p.map(f64::from), 0.0, [0.0; 2]), x_t);
    points
        .iter()
        .min_by(|p, q| away(p).total_cmp(&away(q)))
        .map(|p| p.map(f64::from))
}

/// A data point with probability ∝ exp(−‖x_t − a x_0‖²/2s²), by a uniform number in (0, 1].
pub(super) fn posterior_draw(
    points: &[[f32; 2]],
    x_t: [f64; 2],
    Scales { a, s }: Scales,
    u: f64,
) -> Option<[f64; 2]> {
    let log_weight = |p: &[f32; 2]| {
        let away = distance(combine(a, p.map(f64::from), 0.0, [0.0; 2]), x_t);
        -0.5 * (away / s).powi(2)
    };
    let top = points
        .iter()
        .map(log_weight)
        .fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = points.iter().map(|p| (log_weight(p) - top).exp()).sum();
    let mut left = u * total;
    let chosen = points.iter().find(|p| {
        left -= (log_weight(p) - top).exp();
        left <= 0.0
    });
    chosen.or(points.last()).map(|p| p.map(f64::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALES: Scales = Scales { a: 0.6, s: 0.8 };

    #[test]
    fn the_true_noise_lands_on_x_0_and_none_of_it_is_left_at_no_accuracy() {
        let (x_0, epsilon) = ([0.7, -0.3], [1.2, 0.5]);
        let x_t = combine(SCALES.a, x_0, SCALES.s, epsilon);
        assert!(distance(estimate(x_t, imprecise(epsilon, 1.0), SCALES), x_0) < 1e-12);
        let unrelated = imprecise(epsilon, 0.0);
        assert!((unrelated[0] * epsilon[0] + unrelated[1] * epsilon[1]).abs() < 1e-12);
        // At 50 %: turned by 45 degrees, three quarters as long.
        let half = imprecise([2.0, 0.0], 0.5);
        let expected = 1.5 * 0.5_f64.sqrt();
        assert!(distance(half, [expected, expected]) < 1e-12);
    }

    /// Two data points at ±1: p(x_0 = 1 | x_t) = 1/(1 + exp(−2 a x_t/s²)).
    #[test]
    fn draws_from_the_posterior_have_its_frequencies() {
        let points = [[-1.0, 0.0], [1.0, 0.0]];
        let x_t = [0.4, 0.9];
        let right = (0..4000).filter(|&i| {
            let u = (f64::from(i) + 0.5) / 4000.0;
            posterior_draw(&points, x_t, SCALES, u) == Some([1.0, 0.0])
        });
        let expected = 1.0 / (1.0 + (-2.0 * 0.6 * 0.4 / 0.64_f64).exp());
        assert!((right.count() as f64 / 4000.0 - expected).abs() < 1e-3);
        assert_eq!(nearest(&points, x_t, SCALES), Some([1.0, 0.0]));
        assert_eq!(posterior_draw(&[], x_t, SCALES, 0.5), None);
    }
}
