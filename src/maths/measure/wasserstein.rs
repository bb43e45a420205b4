//! The exact 2-Wasserstein distance between two point sets of the same size.
//!
//! Between n equally weighted points on either side the best transport plan is a permutation (Birkhoff), so
//! W₂² = min over permutations π of the mean of |a_i − b_π(i)|²: a linear assignment problem.

use super::{MeasureError, check};
use crate::transport::assign;

/// W₂ between two equally sized point sets. O(n³) at worst; 2048 against 2048 takes about half a second in release, two where the sets
/// differ much.
pub fn wasserstein2(a: &[[f32; 2]], b: &[[f32; 2]]) -> Result<f64, MeasureError> {
    check(a, b)?;
    let a: Vec<[f64; 2]> = a.iter().map(|p| p.map(f64::from)).collect();
    let b: Vec<[f64; 2]> = b.iter().map(|p| p.map(f64::from)).collect();
    // Computed afresh at each look: cheaper than fetching it from a matrix of n² numbers.
    let cost = |i: usize, j: usize| {
        let [dx, dy] = [a[i][0] - b[j][0], a[i][1] - b[j][1]];
        dx * dx + dy * dy
    };
    let column_of = assign(a.len(), cost);
    let total: f64 = column_of.iter().enumerate().map(|(i, &j)| cost(i, j)).sum();
    Ok((total / a.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;
    use proptest::prelude::*;

    fn points(n: std::ops::Range<usize>) -> impl Strategy<Value = (Vec<[f32; 2]>, Vec<[f32; 2]>)> {
        n.prop_flat_map(|n| {
            let set = || prop::collection::vec(prop::array::uniform2(-3.0..3.0_f32), n);
            (set(), set())
        })
    }

    /// Least total cost over all permutations, by trying each.
    fn by_force(a: &[[f32; 2]], b: &[[f32; 2]], taken: &mut Vec<bool>, row: usize) -> f64 {
        if row == a.len() {
            return 0.0;
        }
        let mut least = f64::INFINITY;
        for column in 0..b.len() {
            if !taken[column] {
                taken[column] = true;
                let [dx, dy] =
                    [0, 1].map(|axis| f64::from(a[row][axis]) - f64::from(b[column][axis]));
                least = least.min(dx * dx + dy * dy + by_force(a, b, taken, row + 1));
                taken[column] = false;
            }
        }
        least
    }

    proptest! {
        #[test]
        fn it_is_the_least_over_all_permutations((a, b) in points(1..8)) {
            let least = by_force(&a, &b, &mut vec![false; a.len()], 0);
            prop_assert!((wasserstein2(&a, &b).unwrap() - (least / a.len() as f64).sqrt()).abs() < 1e-9);
        }

        /// On a coarse grid nearly all costs are tied, which is where a start by row reduction can go wrong.
        #[test]
        fn ties_do_not_mislead_it(a in prop::collection::vec((0..3_i8, 0..3_i8), 7), b in prop::collection::vec((0..3_i8, 0..3_i8), 7)) {
            let grid = |set: Vec<(i8, i8)>| set.into_iter().map(|(x, y)| [f32::from(x), f32::from(y)]).collect::<Vec<_>>();
            let (a, b) = (grid(a), grid(b));
            let least = by_force(&a, &b, &mut vec![false; 7], 0);
            prop_assert!((wasserstein2(&a, &b).unwrap() - (least / 7.0).sqrt()).abs() < 1e-9);
        }

        /// On a line the best plan joins the sorted sets in order.
        #[test]
        fn on_a_line_it_is_the_distance_of_the_sorted_sets((a, b) in points(2..200)) {
            let flat = |set: &[[f32; 2]]| set.iter().map(|p| [p[0], 0.5]).collect::<Vec<_>>();
            let sorted = |set: &[[f32; 2]]| {
                let mut xs: Vec<f32> = set.iter().map(|p| p[0]).collect();
                xs.sort_by(f32::total_cmp);
                xs
            };
            let squares = sorted(&a).into_iter().zip(sorted(&b)).map(|(x, y)| (f64::from(x) - f64::from(y)).powi(2));
            let expected = (squares.sum::<f64>() / a.len() as f64).sqrt();
            prop_assert!((wasserstein2(&flat(&a), &flat(&b)).unwrap() - expected).abs() < 1e-9);
        }
    }

    /// A translation is a gradient, hence optimal (Brenier): W₂ is the length of the shift, whatever the set and order.
    #[test]
    fn a_shifted_set_is_as_far_away_as_the_shift() {
        for shape in [Shape::Figure8, Shape::Checkerboard] {
            let a = shape.mixture().draw(600, 1);
            for shift in [[0.0, 0.0], [0.5, -0.25], [40.0, 9.0]] {
                let b: Vec<_> = a
                    .iter()
                    .rev()
                    .map(|p| [p[0] + shift[0], p[1] + shift[1]])
                    .collect();
                let expected = f64::from(shift[0]).hypot(f64::from(shift[1]));
                assert!(
                    (wasserstein2(&a, &b).unwrap() - expected).abs() < 1e-5,
                    "{shape:?} {shift:?}"
                );
            }
        }
    }

    #[test]
    fn unequal_empty_and_exploded_sets_are_refused() {
        assert_eq!(
            wasserstein2(&[[0.0; 2]], &[]),
            Err(MeasureError::Sizes(1, 0))
        );
        assert_eq!(wasserstein2(&[], &[]), Err(MeasureError::Empty));
        assert_eq!(
            wasserstein2(&[[0.0; 2], [f32::NAN, 0.0]], &[[0.0; 2]; 2]),
            Err(MeasureError::NotFinite(1))
        );
    }

    /// A start that explodes (see the clip of the samplers) is far away, and still measured in time.
    #[test]
    fn huge_distances_and_duplicates_come_to_an_end() {
        let a = vec![[1e15_f32, -1e15]; 300];
        let b = Shape::Circle.mixture().draw(300, 1);
        let expected = 1e15 * 2.0_f64.sqrt();
        assert!((wasserstein2(&a, &b).unwrap() / expected - 1.0).abs() < 1e-6);
        assert_eq!(wasserstein2(&a, &a), Ok(0.0));
    }

    #[test]
    fn two_thousand_points_take_seconds_at_most() {
        let mixture = Shape::Figure8.mixture();
        let (a, b) = (mixture.draw(2048, 1), mixture.draw(2048, 2));
        let clock = std::time::Instant::now();
        let distance = wasserstein2(&a, &b).unwrap();
        assert!(
            clock.elapsed().as_secs_f64() < 10.0,
            "{:?}",
            clock.elapsed()
        );
        assert!((0.05..0.15).contains(&distance), "{distance}");
        // Another data set entirely is the slow case: every row wants the same few columns.
        let far = Shape::Gaussian.mixture().draw(2048, 3);
        assert!(wasserstein2(&a, &far).unwrap() > 0.3);
        assert!(
            clock.elapsed().as_secs_f64() < 20.0,
            "{:?}",
            clock.elapsed()
        );
    }
}
