//! The sampling floor: how far apart two honest draws from the data are. No model can be asked for less.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::index;
use rayon::prelude::*;
use serde::Serialize;

use super::{MeasureError, wasserstein2};
use crate::data::mixture::Mixture;

/// Samples compared at most: the exact distance grows with the cube of their number.
pub const MAX_SAMPLES: usize = 2048;
/// Fresh draws averaged over, for the distance and for the floor.
pub const REPEATS: u64 = 4;
/// Mixed into seeds ("meas"), so that what is measured against is drawn apart from any training set.
const MEASURE_SALT: u64 = 0x6D65_6173;

/// How close samples come to their data set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Mean exact 2-Wasserstein distance of the samples to [`REPEATS`] fresh draws of the same size.
    pub distance: f64,
    /// The same of draws against draws: what a perfect model would score.
    pub floor: f64,
    /// Points on either side.
    pub n: usize,
}

impl Quality {
    /// Distance in floors; 1 is perfect.
    pub fn ratio(self) -> f64 {
        self.distance / self.floor
    }
}

/// Compare samples with the distribution they should have. More than [`MAX_SAMPLES`] are thinned by the seed.
///
/// # Errors
/// No samples, or one that is not finite.
pub fn quality(samples: &[[f32; 2]], mixture: &Mixture, seed: u64) -> Result<Quality, MeasureError> {
    let seed = seed ^ MEASURE_SALT;
    let chosen: Vec<[f32; 2]> = if samples.len() > MAX_SAMPLES {
        let mut rng = StdRng::seed_from_u64(seed);
        index::sample(&mut rng, samples.len(), MAX_SAMPLES).into_iter().map(|i| samples[i]).collect()
    } else {
        samples.to_vec()
    };
    let n = chosen.len();
    // Each draw serves once against the samples and once against a draw of its own, so that its luck cancels in the ratio.
    let pairs: Vec<(f64, f64)> = (0..REPEATS)
        .into_par_iter()
        .map(|pair| {
            let (draw, other) = draws(mixture, n, seed, pair);
            Ok((wasserstein2(&chosen, &draw)?, wasserstein2(&other, &draw)?))
        })
        .collect::<Result<_, MeasureError>>()?;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / REPEATS as f64;
    Ok(Quality { distance: mean(|pair| pair.0), floor: mean(|pair| pair.1), n })
}

/// The mean exact 2-Wasserstein distance of `pairs` pairs of independent draws of `n` points; 0 pairs count as 1.
///
/// # Errors
/// `n` = 0.
pub fn sampling_floor(mixture: &Mixture, n: usize, pairs: u64, seed: u64) -> Result<f64, MeasureError> {
    let pairs = pairs.max(1);
    let distances: Vec<f64> = (0..pairs)
        .into_par_iter()
        .map(|pair| {
            let (left, right) = draws(mixture, n, seed ^ MEASURE_SALT, pair);
            wasserstein2(&left, &right)
        })
        .collect::<Result<_, MeasureError>>()?;
    Ok(distances.iter().sum::<f64>() / pairs as f64)
}

/// Two independent draws, another two for each number of the pair.
fn draws(mixture: &Mixture, n: usize, seed: u64, pair: u64) -> (Vec<[f32; 2]>, Vec<[f32; 2]>) {
    let mut rng = StdRng::seed_from_u64(seed.wrapping_add(pair.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    (mixture.sample(n, &mut rng), mixture.sample(n, &mut rng))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;

    /// The value that an independent implementation measured for figure-8 at 2048 points.
    #[test]
    fn the_floor_of_figure8_is_the_known_one() {
        let floor = sampling_floor(&Shape::Figure8.mixture(), 2048, 6, 0).unwrap();
        assert!((floor - 0.085).abs() < 0.015, "{floor}");
    }

    #[test]
    fn honest_samples_score_about_one_floor_and_wrong_ones_many() {
        let mixture = Shape::EightGaussians.mixture();
        let honest = quality(&mixture.draw(1000, 9), &mixture, 0).unwrap();
        assert_eq!(honest.n, 1000);
        assert!((0.6..1.6).contains(&honest.ratio()), "{honest:?}");
        let wrong = quality(&Shape::Gaussian.mixture().draw(1000, 9), &mixture, 0).unwrap();
        assert!(wrong.ratio() > 2.0, "{wrong:?}");
    }

    #[test]
    fn many_samples_are_thinned_and_none_or_broken_ones_refused() {
        let mixture = Shape::Gaussian.mixture();
        assert_eq!(quality(&mixture.draw(3000, 1), &mixture, 0).unwrap().n, MAX_SAMPLES);
        assert_eq!(quality(&[], &mixture, 0), Err(MeasureError::Empty));
        assert_eq!(quality(&[[f32::INFINITY, 0.0]], &mixture, 0), Err(MeasureError::NotFinite(0)));
    }
}
