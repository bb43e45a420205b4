//! Distances of samples beside the sampling floor: how far apart two honest draws from the data are, on average.
//!
//! A single pair scatters by a third, so both are means over several draws, with their standard errors.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::index;
use rayon::prelude::*;

use super::estimate::variance;
use super::{Estimate, MeasureError, check_finite, sliced_wasserstein2, wasserstein2};
use crate::data::reference::Reference;

/// Samples that the exact distance compares at most: it grows with the cube of their number.
pub const MAX_SAMPLES: usize = 2048;
/// Samples that the sliced distance compares at most.
pub const MAX_SLICED: usize = 32_768;
/// Pairs of draws averaged over.
pub const PAIRS: u64 = 6;
/// Mixed into seeds ("meas"), so that what is measured against is drawn apart from any training set.
const MEASURE_SALT: u64 = 0x6D65_6173;

/// A distance between two sets of equal size.
type Distance = fn(&[[f32; 2]], &[[f32; 2]]) -> Result<f64, MeasureError>;

/// How close samples come to their data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Mean distance of the samples to [`PAIRS`] draws of the same size (see [`distance_to_draws`]).
    pub distance: Estimate,
    /// Mean distance of draws to draws, over as many pairs: what honest samples score on average.
    pub floor: Estimate,
    /// Points on either side.
    pub n: usize,
    /// Disjoint sets of `n` that the samples gave.
    pub sets: usize,
}

impl Quality {
    /// Distance in floors: about 1 for honest samples, more or less by chance.
    pub fn ratio(self) -> f64 {
        self.distance.value / self.floor.value
    }
}

/// The exact 2-Wasserstein distance of samples to what they should be like, in sets of at most [`MAX_SAMPLES`].
///
/// # Errors
/// No samples, or one that is not finite; a reference without rows.
pub fn quality(
    samples: &[[f32; 2]],
    reference: &Reference,
    seed: u64,
) -> Result<Quality, MeasureError> {
    compare(samples, reference, seed, MAX_SAMPLES, wasserstein2)
}

/// As [`quality`], the sliced distance, in sets of at most [`MAX_SLICED`].
///
/// # Errors
/// As [`quality`].
pub fn sliced_quality(
    samples: &[[f32; 2]],
    reference: &Reference,
    seed: u64,
) -> Result<Quality, MeasureError> {
    compare(samples, reference, seed, MAX_SLICED, sliced_wasserstein2)
}

fn compare(
    samples: &[[f32; 2]],
    reference: &Reference,
    seed: u64,
    most: usize,
    distance: Distance,
) -> Result<Quality, MeasureError> {
    check_finite(samples)?;
    let seed = seed ^ MEASURE_SALT;
    let n = size_within(reference, samples.len().min(most))?;
    // As many sets of their own as there are: what is shared does not average out.
    let sets = (samples.len() / n).min(PAIRS as usize);
    let mut rng = StdRng::seed_from_u64(seed);
    let chosen: Vec<[f32; 2]> = index::sample(&mut rng, samples.len(), sets * n)
        .into_iter()
        .map(|i| samples[i])
        .collect();
    // Each draw serves once against samples and once against a draw of its own, so that its luck cancels in the ratio.
    let pairs: Vec<(f64, f64)> = (0..PAIRS)
        .into_par_iter()
        .map(|pair| {
            let [draw, other] = reference.pair(n, nth(seed, pair));
            let set = &chosen[pair as usize % sets * n..][..n];
            Ok((distance(set, &draw)?, distance(&other, &draw)?))
        })
        .collect::<Result<_, MeasureError>>()?;
    let (to_draws, among): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    Ok(Quality {
        distance: distance_to_draws(&to_draws, &among, sets),
        floor: Estimate::of_mean(&among),
        n,
        sets,
    })
}

/// The mean distance of `sets` sets of samples, taken in turn, to as many draws as there are distances. `among` are distances
/// of independent pairs of honest sets of that size.
///
/// Where draws share a set of samples, that set's own luck does not average out, and the spread over the draws does not show
/// it. It is taken from the honest pairs: a distance of two independent sets varies by the luck of either and of both
/// together, so one side's part is at most half its variance.
pub fn distance_to_draws(to_draws: &[f64], among: &[f64], sets: usize) -> Estimate {
    let mean = Estimate::of_mean(to_draws);
    let shared = if sets < to_draws.len() {
        0.5 * variance(among) / sets.max(1) as f64
    } else {
        0.0
    };
    Estimate {
        error: mean.error.hypot(shared.sqrt()),
        ..mean
    }
}

/// The mean exact 2-Wasserstein distance of `pairs` pairs of independent draws of `n` points, or of as many as the reference
/// has. 0 pairs count as 1, whose error is not known.
///
/// # Errors
/// `n` = 0, or a reference without rows.
pub fn sampling_floor(
    reference: &Reference,
    n: usize,
    pairs: u64,
    seed: u64,
) -> Result<Estimate, MeasureError> {
    let n = size_within(reference, n)?;
    let distances: Vec<f64> = (0..pairs.max(1))
        .into_par_iter()
        .map(|pair| {
            let [left, right] = reference.pair(n, nth(seed ^ MEASURE_SALT, pair));
            wasserstein2(&left, &right)
        })
        .collect::<Result<_, MeasureError>>()?;
    Ok(Estimate::of_mean(&distances))
}

/// The size of sets that the reference can give.
pub fn size_within(reference: &Reference, n: usize) -> Result<usize, MeasureError> {
    match reference.most() {
        Some(0) => Err(MeasureError::NoReference),
        most => Ok(most.map_or(n, |most| n.min(most))),
    }
}

/// Another seed for each number.
fn nth(seed: u64, number: u64) -> u64 {
    seed.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;
    use std::sync::Arc;

    fn reference(shape: Shape) -> Reference {
        Reference::Mixture(Arc::new(shape.mixture()))
    }

    /// The value that an independent implementation measured for figure-8 at 2048 points.
    #[test]
    fn the_floor_of_figure8_is_the_known_one() {
        let floor = sampling_floor(&reference(Shape::Figure8), 2048, 6, 0).unwrap();
        assert!((floor.value - 0.085).abs() < 0.015, "{floor:?}");
        assert!((0.001..0.02).contains(&floor.error), "{floor:?}");
    }

    #[test]
    fn honest_samples_score_about_one_floor_and_wrong_ones_many() {
        let data = reference(Shape::EightGaussians);
        let honest = quality(&Shape::EightGaussians.mixture().draw(1000, 9), &data, 0).unwrap();
        assert_eq!((honest.n, honest.sets), (1000, 1));
        let difference = honest.distance.less(honest.floor);
        assert!(
            difference.value.abs() < 3.0 * difference.error,
            "{honest:?}"
        );
        let wrong = quality(&Shape::Gaussian.mixture().draw(1000, 9), &data, 0).unwrap();
        assert!(wrong.ratio() > 2.0, "{wrong:?}");
    }

    /// The truth by brute force: the mean distance over many sets of samples, of which a measurement sees one. The errors that
    /// it states are as large as its deviations are.
    #[test]
    fn the_error_knows_that_the_draws_share_one_set_of_samples() {
        let data = reference(Shape::Moons);
        let mixture = Shape::Moons.mixture();
        let truth = sampling_floor(&data, 64, 4000, 99).unwrap();
        let (mut deviation, mut stated, mut by_draws) = (0.0, 0.0, 0.0);
        for seed in 0..200 {
            let found = quality(&mixture.draw(64, 5000 + seed), &data, seed).unwrap();
            deviation += (found.distance.value - truth.value).powi(2) / 200.0;
            stated += found.distance.error.powi(2) / 200.0;
            let spread = sampling_floor(&data, 64, PAIRS, seed).unwrap();
            by_draws += spread.error.powi(2) / 200.0;
        }
        // Mean squares over 200 trials, each known to about 10 %.
        assert!(
            (0.75..1.8).contains(&(stated / deviation)),
            "{stated} stated, {deviation} found"
        );
        assert!(
            deviation > 1.5 * by_draws,
            "one set is as good as six: {deviation} against {by_draws}"
        );
    }

    /// Why there is a surprise beside it: evenly spaced points on a curve without any thickness are about as close to draws of the
    /// data as these are to each other.
    #[test]
    fn the_distance_is_all_but_blind_to_thickness() {
        let data = reference(Shape::Figure8);
        let centres: Vec<[f32; 2]> = Shape::Figure8
            .mixture()
            .components
            .iter()
            .map(|c| c.mean)
            .collect();
        let between = |share: f32| {
            let pairs = centres.iter().zip(centres.iter().cycle().skip(1));
            pairs
                .map(move |(a, b)| [0, 1].map(|axis| a[axis] + share * (b[axis] - a[axis])))
                .collect::<Vec<_>>()
        };
        let thin = [0.0, 0.25, 0.5, 0.75].map(between).concat();
        let found = quality(&thin, &data, 0).unwrap();
        assert_eq!(found.n, 2048);
        assert!((0.6..1.15).contains(&found.ratio()), "{found:?}");
    }

    #[test]
    fn many_samples_become_several_sets() {
        let mixture = Shape::Gaussian.mixture();
        let data = reference(Shape::Gaussian);
        let found = compare(&mixture.draw(1000, 1), &data, 0, 128, wasserstein2).unwrap();
        assert_eq!((found.n, found.sets), (128, 6));
        assert_eq!(
            quality(&mixture.draw(3000, 1), &data, 0).unwrap().n,
            MAX_SAMPLES
        );
    }

    #[test]
    fn no_samples_and_broken_ones_are_refused_and_rows_of_a_file_are_as_many_as_they_are() {
        let data = reference(Shape::Gaussian);
        assert_eq!(quality(&[], &data, 0), Err(MeasureError::Empty));
        assert_eq!(
            quality(&[[f32::INFINITY, 0.0]], &data, 0),
            Err(MeasureError::NotFinite(0))
        );
        let mixture = Shape::Moons.mixture();
        let rows = |count| Reference::HeldOut(Arc::new(mixture.draw(count, 4)));
        let found = quality(&mixture.draw(200, 1), &rows(101), 0).unwrap();
        assert_eq!((found.n, found.sets), (50, 4));
        assert_eq!(
            quality(&mixture.draw(200, 1), &rows(1), 0),
            Err(MeasureError::NoReference)
        );
        assert_eq!(
            sampling_floor(&rows(0), 10, 3, 0),
            Err(MeasureError::NoReference)
        );
    }
}
