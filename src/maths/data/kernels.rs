//! The truth of a finite set of rows: a Gaussian kernel on every distinct one.
//!
//! p(x) = Σ w_k N(x; c_k, h² I), w_k the share of the rows that are x_k, c_k = √(1 − h²) x_k: with its centres drawn
//! together so much, the mixture keeps the rows' own mean 0 and average variance per axis 1 (Jones 1991, "On correcting
//! for variance inflation in kernel density estimation").

use std::cmp::Ordering;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::index;
use rayon::prelude::*;

use super::mixture::{Component, Mixture};

/// The most kernels; of more distinct rows a part carries one, always the same.
pub const MAX_KERNELS: usize = 16_384;
/// Kernels that stand together in a mixture's list stand together in the plane: so many to a group.
pub const GROUP: usize = 16;

/// Chooses the rows that carry a kernel where there are too many ("kern").
const SUBSET_SEED: u64 = 0x6B65_726E;
/// Rows at which a bandwidth is judged.
const JUDGED: usize = 1024;
/// How many times Scott's bandwidth is divided by √2, at most: to a thirty-second.
const HALVINGS: u32 = 10;
/// A thousandth of N(0, 4 I) is mixed in where a bandwidth is judged, so that no outlier decides alone.
const OUTLIERS: f64 = 1e-3;
const OUTLIER_VARIANCE: f64 = 4.0;

/// The kernels of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernels {
    /// The mixture.
    pub mixture: Mixture,
    /// Its bandwidth h.
    pub bandwidth: f32,
    /// Distinct rows there are; the mixture has as many components, or [`MAX_KERNELS`].
    pub distinct: usize,
}

/// Kernels on standardised rows (mean 0, average variance per axis 1; at least two different ones). Without a
/// bandwidth the likeliest is taken, by leave-one-out. Neither the order of the rows nor giving all of them
/// twice makes a difference.
pub fn kernels(rows: &[[f32; 2]], bandwidth: Option<f32>) -> Kernels {
    let (counted, total) = carriers(rows);
    let bandwidth = bandwidth.unwrap_or_else(|| likeliest_bandwidth(&counted));
    Kernels {
        mixture: mixture(&counted, f64::from(bandwidth)),
        bandwidth,
        distinct: total,
    }
}

/// The row on which each kernel of these rows stands, in their order: whatever the bandwidth.
pub fn carrying_rows(rows: &[[f32; 2]]) -> Vec<[f32; 2]> {
    carriers(rows).0.into_iter().map(|(row, _)| row).collect()
}

/// The rows that carry a kernel, in the order of the kernels, and how many distinct ones there are.
fn carriers(rows: &[[f32; 2]]) -> (Vec<Counted>, usize) {
    let mut counted = distinct(rows);
    let total = counted.len();
    if total > MAX_KERNELS {
        let mut rng = StdRng::seed_from_u64(SUBSET_SEED);
        let mut chosen = index::sample(&mut rng, total, MAX_KERNELS).into_vec();
        chosen.sort_unstable();
        counted = chosen.into_iter().map(|i| counted[i]).collect();
    }
    group(&mut counted);
    (counted, total)
}

/// A row and how many are like it.
type Counted = ([f32; 2], u32);

fn by_place(a: [f32; 2], b: [f32; 2]) -> Ordering {
    a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]))
}

/// The distinct rows, sorted. 0 and −0 are one number.
fn distinct(rows: &[[f32; 2]]) -> Vec<Counted> {
    let mut sorted: Vec<[f32; 2]> = rows.iter().map(|row| row.map(|c| c + 0.0)).collect();
    sorted.par_sort_unstable_by(|a, b| by_place(*a, *b));
    let alike = sorted.chunk_by(|a, b| a == b);
    alike.map(|alike| (alike[0], alike.len() as u32)).collect()
}

/// Put neighbours together, in groups of [`GROUP`]: halves along the longer side, and halves of halves.
fn group(rows: &mut [Counted]) {
    if rows.len() <= GROUP {
        return;
    }
    let extent = |axis: usize| {
        let (low, high) = rows.iter().fold(
            (f32::INFINITY, f32::NEG_INFINITY),
            |(low, high), (row, _)| (low.min(row[axis]), high.max(row[axis])),
        );
        high - low
    };
    let axis = usize::from(extent(1) > extent(0));
    let middle = (rows.len() / 2).next_multiple_of(GROUP);
    rows.select_nth_unstable_by(middle, |(a, _), (b, _)| {
        a[axis].total_cmp(&b[axis]).then(by_place(*a, *b))
    });
    let (left, right) = rows.split_at_mut(middle);
    rayon::join(|| group(left), || group(right));
}

/// Kernels of mean 0 and average variance per axis 1, whatever those of the rows.
fn mixture(rows: &[Counted], bandwidth: f64) -> Mixture {
    let total: f64 = rows.iter().map(|(_, count)| f64::from(*count)).sum();
    let mean = [0, 1].map(|axis| {
        rows.iter()
            .map(|(row, n)| f64::from(*n) * f64::from(row[axis]))
            .sum::<f64>()
            / total
    });
    let square = |row: &[f32; 2]| {
        [0, 1]
            .map(|axis| (f64::from(row[axis]) - mean[axis]).powi(2))
            .iter()
            .sum::<f64>()
    };
    let variance = rows
        .iter()
        .map(|(row, n)| f64::from(*n) * square(row))
        .sum::<f64>()
        / (2.0 * total);
    let shrink = ((1.0 - bandwidth * bandwidth).max(0.0) / variance).sqrt();
    let component = |(row, count): &Counted| Component {
        mean: [0, 1].map(|axis| (shrink * (f64::from(row[axis]) - mean[axis])) as f32),
        sigma: bandwidth as f32,
        weight: (f64::from(*count) / total) as f32,
    };
    Mixture {
        components: rows.iter().map(component).collect(),
    }
}

/// The bandwidth under which each distinct row is likeliest given the others (leave-one-out likelihood, Duin 1976),
/// of those from Scott's, m^(−1/6) for m rows of unit variance (Scott 1992, section 6.3), down to a thirty-second of it.
/// Scott's is right for one blob and washes curves out. The lower end is for rows that are all but equal.
fn likeliest_bandwidth(rows: &[Counted]) -> f32 {
    let scott = (rows.len() as f64).powf(-1.0 / 6.0);
    let likelihood = |halvings: f64| leave_one_out(rows, scott * 2.0_f64.powf(-0.5 * halvings));
    let better = |best: (f64, f64), next: f64| {
        let value = likelihood(next);
        if value > best.1 { (next, value) } else { best }
    };
    let coarse = (0..=HALVINGS)
        .map(f64::from)
        .fold((0.0, f64::NEG_INFINITY), better);
    let fine = [coarse.0 - 0.5, coarse.0 + 0.5]
        .into_iter()
        .filter(|h| (0.0..=f64::from(HALVINGS)).contains(h));
    let (halvings, _) = fine.fold(coarse, better);
    (scott * 2.0_f64.powf(-0.5 * halvings)) as f32
}

/// Σ_i ln p(x_i) over at most [`JUDGED`] distinct rows, evenly chosen from the groups, p of the kernels of all others,
/// each of the same weight.
fn leave_one_out(rows: &[Counted], bandwidth: f64) -> f64 {
    // Farther than this a kernel adds less than e^−45 of its height.
    const REACH: f64 = 45.0;
    let inverse = 0.5 / (bandwidth * bandwidth);
    let shrink = (1.0 - bandwidth * bandwidth).max(0.0).sqrt();
    let centres: Vec<[f64; 2]> = rows
        .iter()
        .map(|(row, _)| row.map(|c| shrink * f64::from(c)))
        .collect();
    let height = 1.0 / (std::f64::consts::TAU * bandwidth * bandwidth * (rows.len() - 1) as f64);
    let judged = rows.len().min(JUDGED);
    let log_likelihood = |k: usize| {
        let i = k * rows.len() / judged;
        let [x, y] = rows[i].0.map(f64::from);
        let sum = |centres: &[[f64; 2]]| -> f64 {
            let exponents = centres
                .iter()
                .map(|c| ((c[0] - x).powi(2) + (c[1] - y).powi(2)) * inverse);
            exponents
                .filter(|&exponent| exponent < REACH)
                .map(|exponent| (-exponent).exp())
                .sum()
        };
        let kernels = height * (sum(&centres[..i]) + sum(&centres[i + 1..]));
        let outlier = (-0.5 * (x * x + y * y) / OUTLIER_VARIANCE).exp()
            / (std::f64::consts::TAU * OUTLIER_VARIANCE);
        ((1.0 - OUTLIERS) * kernels + OUTLIERS * outlier)
            .max(f64::MIN_POSITIVE)
            .ln()
    };
    // Summed in order: the same on any number of threads.
    (0..judged)
        .into_par_iter()
        .map(log_likelihood)
        .collect::<Vec<_>>()
        .into_iter()
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mixture::Standardisation;
    use crate::data::shapes::Shape;
    use proptest::prelude::*;

    /// Rows of mean 0 and average variance per axis 1, as they must be.
    fn standard(rows: &[[f32; 2]]) -> Vec<[f32; 2]> {
        let n = rows.len() as f64;
        let mean = [0, 1].map(|axis| rows.iter().map(|r| f64::from(r[axis])).sum::<f64>() / n);
        let square = |r: &[f32; 2]| {
            (0..2)
                .map(|a| (f64::from(r[a]) - mean[a]).powi(2))
                .sum::<f64>()
        };
        let scale = (rows.iter().map(square).sum::<f64>() / (2.0 * n)).sqrt();
        rows.iter()
            .map(|r| Standardisation { mean, scale }.apply(r.map(f64::from)))
            .collect()
    }

    /// The estimate's variance was 1 + h²: 1.156 for the rows of one blob.
    #[test]
    fn variance_stays_1_at_every_bandwidth_and_for_every_number_of_rows() {
        for (shape, n) in [
            (Shape::Gaussian, 60),
            (Shape::Moons, 3000),
            (Shape::Figure8, MAX_KERNELS + 4000),
        ] {
            let rows = standard(&shape.mixture().draw(n, 1));
            for bandwidth in [None, Some(1e-3), Some(0.3), Some(0.99)] {
                let made = kernels(&rows, bandwidth);
                let trace = made.mixture.covariance_trace();
                assert!(
                    (trace - 2.0).abs() < 1e-4,
                    "{shape:?} {n} {bandwidth:?}: {trace}"
                );
                assert!(
                    made.mixture.mean().iter().all(|m| m.abs() < 1e-5),
                    "{shape:?} {n}"
                );
                assert!((made.mixture.total_weight() - 1.0).abs() < 1e-4);
                assert_eq!(
                    (made.mixture.components.len(), made.distinct),
                    (n.min(MAX_KERNELS), n)
                );
            }
        }
    }

    /// Every row carries a kernel, at √(1 − h²) of its place.
    #[test]
    fn centres_are_the_rows_drawn_together() {
        let rows = standard(&Shape::Moons.mixture().draw(700, 4));
        let made = kernels(&rows, Some(0.6));
        let mut expected: Vec<[f32; 2]> = rows.iter().map(|row| row.map(|c| 0.8 * c)).collect();
        let mut found: Vec<[f32; 2]> = made.mixture.components.iter().map(|c| c.mean).collect();
        expected.sort_unstable_by(|a, b| by_place(*a, *b));
        found.sort_unstable_by(|a, b| by_place(*a, *b));
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (0..2).all(|axis| (found[axis] - expected[axis]).abs() < 1e-5),
                "{found:?} {expected:?}"
            );
        }
    }

    /// 200 rows given twice made the kernels a sixteenth as wide.
    #[test]
    fn rows_given_twice_or_in_another_order_make_the_same_truth() {
        let once = standard(&Shape::Figure8.mixture().draw(200, 7));
        let made = kernels(&once, None);
        let twice: Vec<_> = once.iter().rev().chain(&once).copied().collect();
        assert_eq!(kernels(&twice, None), made);
        // One row given more often weighs more, and has no other kernel.
        let more: Vec<_> = once.iter().chain([&once[3]; 50]).copied().collect();
        let heavier = kernels(&more, Some(0.1));
        assert_eq!(heavier.mixture.components.len(), 200);
        let most = heavier
            .mixture
            .components
            .iter()
            .map(|c| c.weight)
            .fold(0.0, f32::max);
        assert!((most - 51.0 / 250.0).abs() < 1e-6);
    }

    #[test]
    fn the_bandwidth_of_a_blob_is_near_scotts_and_that_of_a_curve_follows_the_curve() {
        for (n, seed) in [(400, 2), (4000, 3)] {
            let blob = kernels(&standard(&Shape::Gaussian.mixture().draw(n, seed)), None);
            let scott = (n as f32).powf(-1.0 / 6.0);
            assert!(
                blob.bandwidth <= 1.0001 * scott && blob.bandwidth > 0.6 * scott,
                "{}",
                blob.bandwidth
            );
        }
        // Scott alone gives 0.26 where the curve is 0.036 thick.
        let curve = kernels(&standard(&Shape::Figure8.mixture().draw(3000, 1)), None);
        assert!(
            (0.01..0.06).contains(&curve.bandwidth),
            "{}",
            curve.bandwidth
        );
    }

    /// The likelihood that is maximised, against sums written out, two rows of which the one is all but a copy.
    #[test]
    fn the_likelihood_leaves_out_the_row_itself() {
        let rows = [([-1.0, 0.2], 1), ([0.4, 0.3], 5), ([0.6, -0.5], 1)];
        let h = 0.5_f64;
        let normal = |d2: f64, v: f64| (-0.5 * d2 / v).exp() / (std::f64::consts::TAU * v);
        let mut expected = 0.0;
        for i in 0..3 {
            let x = rows[i].0.map(f64::from);
            let others = (0..3)
                .filter(|j| *j != i)
                .map(|j| rows[j].0.map(|c| 0.75_f64.sqrt() * f64::from(c)));
            let p: f64 = others
                .map(|c| 0.5 * normal((c[0] - x[0]).powi(2) + (c[1] - x[1]).powi(2), h * h))
                .sum();
            expected += (0.999 * p + 0.001 * normal(x[0] * x[0] + x[1] * x[1], 4.0)).ln();
        }
        let found = leave_one_out(&rows, h);
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        /// Groups hold neighbours: together they cover much less than the same number of rows taken as they come.
        #[test]
        fn grouping_keeps_every_row_and_puts_neighbours_together(n in 2..3000_usize, seed in 0..99_u64) {
            let drawn = Shape::Moons.mixture().draw(n, seed);
            let mut rows = distinct(&drawn);
            let before = rows.clone();
            group(&mut rows);
            let area = |rows: &[Counted]| -> f64 {
                let side = |chunk: &[Counted], axis: usize| {
                    let all = chunk.iter().map(|(row, _)| row[axis]);
                    f64::from(all.clone().fold(f32::MIN, f32::max) - all.fold(f32::MAX, f32::min))
                };
                rows.chunks(GROUP).map(|chunk| side(chunk, 0) + side(chunk, 1)).sum()
            };
            prop_assert!(n < 1000 || area(&rows) < 0.7 * area(&before));
            rows.sort_unstable_by(|a, b| by_place(a.0, b.0));
            prop_assert_eq!(rows, before);
        }
    }
}
