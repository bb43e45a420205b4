//! The sliced 2-Wasserstein distance: fast enough to follow a training, and as sharp for shapes in the plane.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::{MeasureError, check, check_finite};

/// Directions projected on, equally spaced over the half circle.
pub const PROJECTIONS: u32 = 64;

/// A point set as the sliced distance sees it: its projections on every direction, sorted. Made once for a set that is
/// compared often.
#[derive(Clone, Debug)]
pub struct Projections {
    lines: Vec<Vec<f64>>,
    count: usize,
}

impl Projections {
    /// Project and sort. O(n log n).
    ///
    /// # Errors
    /// No points, or one that is not finite.
    pub fn of(points: &[[f32; 2]]) -> Result<Self, MeasureError> {
        check_finite(points)?;
        let line = |k: u32| {
            let (sin, cos) = (PI * f64::from(k) / f64::from(PROJECTIONS)).sin_cos();
            let mut line: Vec<f64> = points
                .iter()
                .map(|p| cos * f64::from(p[0]) + sin * f64::from(p[1]))
                .collect();
            line.sort_unstable_by(f64::total_cmp);
            line
        };
        Ok(Self {
            lines: (0..PROJECTIONS).into_par_iter().map(line).collect(),
            count: points.len(),
        })
    }

    /// The root mean square over the directions of the one-dimensional W₂ (Bonneel et al. 2015).
    ///
    /// # Errors
    /// Sets of different sizes.
    pub fn distance(&self, other: &Self) -> Result<f64, MeasureError> {
        if self.count != other.count {
            return Err(MeasureError::Sizes(self.count, other.count));
        }
        let squared = |(a, b): (&Vec<f64>, &Vec<f64>)| {
            a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>()
        };
        let total: f64 = self.lines.iter().zip(&other.lines).map(squared).sum();
        Ok((total / (self.count as f64 * f64::from(PROJECTIONS))).sqrt())
    }
}

/// The root mean square over [`PROJECTIONS`] fixed directions of the one-dimensional W₂ of the projected sets
/// (Bonneel et al. 2015); each is the distance between the sorted projections. Sizes must be equal. O(n log n).
pub fn sliced_wasserstein2(a: &[[f32; 2]], b: &[[f32; 2]]) -> Result<f64, MeasureError> {
    check(a, b)?;
    Projections::of(a)?.distance(&Projections::of(b)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;
    use crate::measure::wasserstein2;

    /// The mean of (d·θ)² over directions is |d|²/2.
    #[test]
    fn a_shifted_set_is_the_shift_over_root_two_away() {
        let a = Shape::Moons.mixture().draw(500, 1);
        for shift in [[1.0, 0.0], [0.6, -0.8], [0.0, 3.0]] {
            let b: Vec<_> = a
                .iter()
                .rev()
                .map(|p| [p[0] + shift[0], p[1] + shift[1]])
                .collect();
            let expected = f64::from(shift[0]).hypot(f64::from(shift[1])) / 2.0_f64.sqrt();
            assert!((sliced_wasserstein2(&a, &b).unwrap() - expected).abs() < 1e-6);
        }
    }

    /// Projections shorten: W₂ sliced ≤ W₂/√2 (Bonnotte 2013, proposition 5.1.3, in two dimensions).
    #[test]
    fn it_is_at_most_the_exact_distance_over_root_two() {
        for shape in Shape::ALL {
            let (a, b) = (
                shape.mixture().draw(300, 1),
                Shape::Gaussian.mixture().draw(300, 2),
            );
            let (sliced, exact) = (
                sliced_wasserstein2(&a, &b).unwrap(),
                wasserstein2(&a, &b).unwrap(),
            );
            assert!(
                sliced > 0.0 && sliced <= exact / 2.0_f64.sqrt() + 1e-9,
                "{shape:?}: {sliced} and {exact}"
            );
        }
    }

    #[test]
    fn unequal_sets_are_refused() {
        assert_eq!(
            sliced_wasserstein2(&[[0.0; 2]], &[]),
            Err(MeasureError::Sizes(1, 0))
        );
    }
}
