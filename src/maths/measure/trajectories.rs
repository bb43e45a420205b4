//! What recorded paths are measured by: crossings, distances of end points, and whether a line stays a line.

use super::{MeasureError, check, sliced_wasserstein2};
use crate::data::mixture::Mixture;
use crate::diffusion::exact::Marginal;
use crate::diffusion::schedule::Schedule;
use crate::diffusion::solver::{Plan, PlanContext};

/// How often paths cross in the view of one coordinate (0 or 1) against time, counted over pairs: a pair crosses where
/// the sign of its difference changes from a frame to a later one. `points` is [frames, particles]. Paths that begin at
/// one point have not crossed there. O(frames · particles²).
pub fn crossings(points: &[[f32; 2]], particles: usize, coordinate: usize) -> u64 {
    if particles == 0 {
        return 0;
    }
    let mut count = 0;
    for i in 0..particles {
        for j in i + 1..particles {
            let mut side = 0.0_f32;
            for frame in points.chunks_exact(particles) {
                let difference = frame[i][coordinate] - frame[j][coordinate];
                if difference * side < 0.0 {
                    count += 1;
                }
                if difference != 0.0 && !difference.is_nan() {
                    side = difference.signum();
                }
            }
        }
    }
    count
}

/// Root mean square distance of points to their partners.
///
/// # Errors
/// Sets of different sizes, empty ones, or a point that is not finite.
pub fn rms_distance(a: &[[f32; 2]], b: &[[f32; 2]]) -> Result<f64, MeasureError> {
    check(a, b)?;
    let squared = |(a, b): (&[f32; 2], &[f32; 2])| {
        f64::from(a[0] - b[0]).powi(2) + f64::from(a[1] - b[1]).powi(2)
    };
    Ok((a.iter().zip(b).map(squared).sum::<f64>() / a.len() as f64).sqrt())
}

/// Steps of Runge–Kutta to where the exact field leads: twice as many move no end point by 1e-7.
const EXACT_STEPS: u32 = 400;
/// Noise at which the exact flow lands, in widths of the narrowest component: the landing then leaves out 5e-7 of the
/// distance to its centre.
const EXACT_NEAREST: f64 = 1e-3;

/// Where the exact field leads ([`Plan::exact_flow`]), whatever T is: what the end points of a solver are held against.
pub fn exact_ends(mixture: &Mixture, context: PlanContext) -> Plan {
    let narrowest = mixture
        .components
        .iter()
        .map(|c| f64::from(c.sigma))
        .fold(f64::INFINITY, f64::min);
    Plan::exact_flow(context, EXACT_STEPS, EXACT_NEAREST * narrowest)
}

/// The exact field followed to t = 1, and from there onto x̂_0 as every sampler lands: its distance to [`exact_ends`] is
/// the part of a solver's error that no number of steps mends.
pub fn landed_ends(context: PlanContext) -> Plan {
    Plan::exact_flow(context, EXACT_STEPS, context.nearest())
}

/// The mean sliced 2-Wasserstein distance over `blocks` equal parts of two clouds.
///
/// # Errors
/// Clouds of different sizes, with fewer points than blocks, or with a point that is not finite.
pub fn blockwise_sliced(
    a: &[[f32; 2]],
    b: &[[f32; 2]],
    blocks: usize,
) -> Result<f64, MeasureError> {
    check(a, b)?;
    let size = a.len() / blocks.max(1);
    if size == 0 {
        return Err(MeasureError::Empty);
    }
    let pairs = a.chunks_exact(size).zip(b.chunks_exact(size)).take(blocks);
    let distances = pairs
        .map(|(a, b)| sliced_wasserstein2(a, b))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(distances.iter().sum::<f64>() / distances.len() as f64)
}

/// The sampling floor of [`blockwise_sliced`]: the same of `blocks` pairs of independent draws of `size` points.
///
/// # Errors
/// No points.
pub fn sliced_floor(
    mixture: &Mixture,
    size: usize,
    blocks: usize,
    seed: u64,
) -> Result<f64, MeasureError> {
    // Salted ("flor"), so that the draws are apart from any training set.
    let draw =
        |side: u64| mixture.draw(size * blocks, (seed ^ 0x666C_6F72).wrapping_add(side << 32));
    blockwise_sliced(&draw(1), &draw(2), blocks)
}

/// True where the exact score on the line through 0 along a coordinate points along the line at every time: for data
/// that are symmetric about it. The probability-flow ODE then has one dimension there, and keeps the order of its paths.
pub fn keeps_line(
    mixture: &Mixture,
    schedule: Schedule,
    timesteps: u32,
    coordinate: usize,
) -> bool {
    const TIMES: u32 = 12;
    const PLACES: i32 = 16;
    const TOLERANCE: f64 = 1e-4;
    (1..=TIMES).all(|k| {
        let scales = schedule.scales(f64::from(k) / f64::from(TIMES), timesteps);
        let (marginal, reach) = (Marginal::new(mixture, scales), scales.a.hypot(scales.s));
        (-PLACES..=PLACES).all(|place| {
            let mut x = [0.0; 2];
            x[coordinate] = 3.0 * reach * f64::from(place) / f64::from(PLACES);
            (marginal.score(x)[1 - coordinate] * scales.s).abs() < TOLERANCE
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;

    /// Drawn by hand: a rises through b and c, falls back through c; b and c part from one point.
    #[test]
    fn crossings_are_counted_as_drawn_by_hand() {
        let frames = [
            [[0.0, 5.0], [1.0, 0.0], [1.0, 0.0]],
            [[1.5, 0.0], [1.0, 0.0], [2.0, 0.0]],
            [[3.0, 0.0], [1.0, 0.0], [2.0, 0.0]],
            [[3.0, 0.0], [1.0, 0.0], [3.0, 0.0]],
            [[0.5, 5.0], [1.0, 0.0], [4.0, 0.0]],
        ];
        let points: Vec<[f32; 2]> = frames.concat();
        // a–b at frames 1 and 4, a–c at frames 2 and 4 (touching in frame 3), b–c never.
        assert_eq!(crossings(&points, 3, 0), 4);
        // In the other coordinate a leaves 5 and comes back to it without passing 0.
        assert_eq!(crossings(&points, 3, 1), 0);
        assert_eq!(crossings(&[], 0, 0), 0);
    }

    #[test]
    fn a_touch_through_an_equal_frame_is_one_crossing_and_a_rebound_none() {
        let through: Vec<[f32; 2]> = [-1.0, 0.0, 0.0, 1.0]
            .iter()
            .flat_map(|&x| [[x, 0.0], [0.0, 0.0]])
            .collect();
        let rebound: Vec<[f32; 2]> = [-1.0, 0.0, -1.0]
            .iter()
            .flat_map(|&x| [[x, 0.0], [0.0, 0.0]])
            .collect();
        assert_eq!(
            (crossings(&through, 2, 0), crossings(&rebound, 2, 0)),
            (1, 0)
        );
    }

    #[test]
    fn distances_of_partners_are_those_of_pythagoras() {
        let distance = rms_distance(&[[0.0, 0.0], [1.0, 1.0]], &[[3.0, 4.0], [1.0, 1.0]]).unwrap();
        assert!((distance - 12.5_f64.sqrt()).abs() < 1e-12);
        assert!(rms_distance(&[[0.0; 2]], &[[f32::NAN, 0.0]]).is_err());
    }

    #[test]
    fn lines_of_symmetry_are_kept_and_others_are_not() {
        for shape in [
            Shape::Gaussian,
            Shape::EightGaussians,
            Shape::Figure8,
            Shape::Circle,
        ] {
            for coordinate in 0..2 {
                assert!(
                    keeps_line(&shape.mixture(), Schedule::Linear, 1000, coordinate),
                    "{shape:?} {coordinate}"
                );
            }
        }
        for shape in [Shape::Moons, Shape::Spirals, Shape::Pinwheel] {
            assert!(
                !keeps_line(&shape.mixture(), Schedule::Cosine, 1000, 0),
                "{shape:?}"
            );
        }
    }

    /// Independent draws lie about one floor apart, shifted ones farther.
    #[test]
    fn the_floor_is_the_distance_of_honest_draws() {
        let mixture = Shape::EightGaussians.mixture();
        let floor = sliced_floor(&mixture, 512, 4, 1).unwrap();
        let (a, b) = (mixture.draw(2048, 5), mixture.draw(2048, 6));
        let ratio = blockwise_sliced(&a, &b, 4).unwrap() / floor;
        assert!((0.5..2.0).contains(&ratio), "{ratio}");
        let shifted: Vec<_> = b.iter().map(|p| [p[0] + 0.5, p[1]]).collect();
        assert!(blockwise_sliced(&a, &shifted, 4).unwrap() > 3.0 * floor);
        assert!(blockwise_sliced(&a[..3], &b[..3], 4).is_err());
    }
}
