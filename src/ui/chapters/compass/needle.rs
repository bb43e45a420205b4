//! The compass's needle: from a noise prediction to the clean point that it points to, and back.

use maths::diffusion::schedule::Scales;
use maths::diffusion::target::{Combination, Quantity, Target};

/// Whose ε̂ the needle shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needle {
    /// The true ε, turned and shortened.
    Imprecise,
    /// The network's.
    Learned,
    /// The best possible, ε* = E[ε | x_t].
    Exact,
}

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

/// Longest noise that counts as practical: N(0, I) in the plane exceeds it with probability exp(−8), once in 3000 draws.
pub(super) const LONGEST: f64 = 4.0;

/// The noise, shortened to [`LONGEST`] where it is longer.
pub(super) fn practical(epsilon: [f64; 2]) -> [f64; 2] {
    let length = epsilon[0].hypot(epsilon[1]);
    let factor = if length > LONGEST {
        LONGEST / length
    } else {
        1.0
    };
    epsilon.map(|e| factor * e)
}

/// The data point that needs the least noise to come to x_t: the one nearest to x_t/a, for which ‖x_t − a x_0‖ is least.
pub(super) fn nearest(
    points: &[[f32; 2]],
    x_t: [f64; 2],
    Scales { a, .. }: Scales,
) -> Option<[f64; 2]> {
    let away = |p: &[f32; 2]| distance(p.map(|c| a * f64::from(c)), x_t);
    points
        .iter()
        .min_by(|p, q| away(p).total_cmp(&away(q)))
        .map(|p| p.map(f64::from))
}

/// A data point with probability ∝ exp(−‖x_t − a x_0‖²/2s²), drawn by a race: each point has a time, exponential by its number
/// in (0, 1) over its weight, and the first wins. With the same numbers the winner seldom changes as x_t and t do.
pub(super) fn posterior_draw(
    points: &[[f32; 2]],
    x_t: [f64; 2],
    Scales { a, s }: Scales,
    number: impl Fn(u32) -> f64,
) -> Option<[f64; 2]> {
    // ln of the shortest time that a number of 32 bits gives.
    const FASTEST: f64 = -23.0;
    let mut winner: Option<(f64, [f64; 2])> = None;
    for (index, point) in (0..).zip(points) {
        let x_0 = point.map(f64::from);
        let handicap = 0.5 * (distance(x_0.map(|c| a * c), x_t) / s).powi(2);
        let best = winner.map_or(f64::INFINITY, |(time, _)| time);
        if handicap + FASTEST > best {
            continue;
        }
        let time = handicap + (-number(index).ln()).ln();
        if winner.is_none() || time < best {
            winner = Some((time, x_0));
        }
    }
    winner.map(|(_, x_0)| x_0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::philox::{Stream, draw};

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
            let number = |index| {
                let word = draw(3, Stream::Forward, i, index)[0];
                (f64::from(word) + 0.5) / 4_294_967_296.0
            };
            posterior_draw(&points, x_t, SCALES, number) == Some([1.0, 0.0])
        });
        let expected = 1.0 / (1.0 + (-2.0 * 0.6 * 0.4 / 0.64_f64).exp());
        // Four standard deviations of a share of 4000 draws.
        let bound = 4.0 * (expected * (1.0 - expected) / 4000.0).sqrt();
        assert!((right.count() as f64 / 4000.0 - expected).abs() < bound);
        assert_eq!(nearest(&points, x_t, SCALES), Some([1.0, 0.0]));
        assert_eq!(posterior_draw(&[], x_t, SCALES, |_| 0.5), None);
    }

    #[test]
    fn noise_is_shortened_to_what_is_practical() {
        assert_eq!(practical([1.2, -0.5]), [1.2, -0.5]);
        let short = practical([300.0, -400.0]);
        assert!(distance(short, [2.4, -3.2]) < 1e-12);
    }
}
