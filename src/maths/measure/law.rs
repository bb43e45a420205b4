//! The law that samples should follow, in closed form: how surprising they are under it, and whether its parts get their shares.

use std::f64::consts::TAU;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::index;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

use super::chi_square::ChiSquare;
use super::entropy::differential_entropy;
use super::parts::{PARTS, Parts};
use super::{Estimate, MeasureError, check_finite};
use crate::data::mixture::Mixture;
use crate::diffusion::exact::Marginal;
use crate::diffusion::schedule::Scales;

/// The data themselves.
const DATA: Scales = Scales { a: 1.0, s: 0.0 };
/// A part is expected to hold at least this many samples (Cochran 1954), else χ² is not χ².
const LEAST_EXPECTED: f64 = 5.0;
/// Mixed into seeds ("law "): what decides here is apart from every other draw.
const SALT: u64 = 0x6C61_7720;

/// p_0, its entropy, and how many samples are asked at most. Made once for a mixture.
#[derive(Clone, Debug)]
pub struct Law {
    mixture: Arc<Mixture>,
    p_0: Marginal,
    entropy: Estimate,
    /// The median of −ln p_0 under p_0, from so many draws.
    median: f64,
    median_draws: usize,
    most: usize,
}

/// How samples look under a law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// −E ln p_0(samples) − h(p_0), nats: 0 for honest samples, above it for stray ones, below it for samples that crowd where the
    /// density is high. On a curve of thickness σ, samples k times as thick have about (k² − 1)/2. The error is that of the
    /// samples' mean and of h together.
    pub surprise: Estimate,
    /// Share of the samples in the densest half: the region of highest density that holds half of p_0. 0.5 for honest samples, more
    /// for samples that are too thin, whether or not a few are far astray, which the mean surprise sees first.
    pub densest_half: Estimate,
    /// χ² of the shares of the law's parts (see [`Parts`]). `None` for fewer samples than two parts ask for.
    pub shares: Option<ChiSquare>,
    /// Samples that were asked.
    pub n: usize,
}

/// Most samples that are asked, however few components there are.
const MOST_DRAWS: usize = 1 << 18;

impl Law {
    /// The law of a mixture. `evaluations` bounds the work: it is the most components times samples that a measurement, and
    /// four times that the law itself, may ask.
    pub fn new(mixture: Arc<Mixture>, evaluations: usize) -> Self {
        // Of few components that would be millions, and no number gets better by them.
        let most = (evaluations / mixture.components.len().max(1)).clamp(256, MOST_DRAWS);
        let entropy = differential_entropy(&mixture, DATA, 2 * most, SALT);
        let entropy = Estimate {
            value: entropy.nats,
            error: entropy.error,
        };
        let p_0 = mixture.marginal(DATA);
        let draws = mixture.draw(2 * most, SALT);
        let mut minus_log: Vec<f64> = draws
            .par_iter()
            .map(|x| -p_0.log_density(x.map(f64::from)))
            .collect();
        let (_, median, _) = minus_log.select_nth_unstable_by(most, f64::total_cmp);
        Self {
            median: *median,
            median_draws: 2 * most,
            p_0,
            mixture,
            entropy,
            most,
        }
    }

    /// The mixture.
    pub fn mixture(&self) -> &Arc<Mixture> {
        &self.mixture
    }

    /// h(p_0), nats.
    pub fn entropy(&self) -> Estimate {
        self.entropy
    }

    /// Hold samples against the law; too many are thinned by the seed.
    ///
    /// A sample is counted for the part of a component drawn with its posterior probability, so that the counts of honest
    /// samples are multinomial with just the parts' shares, also where parts overlap.
    ///
    /// # Errors
    /// No samples, or one that is not finite.
    pub fn likeness(&self, samples: &[[f32; 2]], seed: u64) -> Result<Likeness, MeasureError> {
        check_finite(samples)?;
        let mut rng = StdRng::seed_from_u64(seed ^ SALT);
        let chosen: Vec<[f32; 2]> = if samples.len() > self.most {
            index::sample(&mut rng, samples.len(), self.most)
                .into_iter()
                .map(|i| samples[i])
                .collect()
        } else {
            samples.to_vec()
        };
        let uniforms: Vec<f64> = chosen.iter().map(|_| rng.random()).collect();
        let located: Vec<(f64, usize)> = chosen
            .par_iter()
            .zip(&uniforms)
            .map(|(x, uniform)| self.p_0.locate(x.map(f64::from), *uniform))
            .collect();
        let minus_log: Vec<f64> = located.iter().map(|(log_p, _)| -log_p).collect();
        let surprise = Estimate::of_mean(&minus_log).less(self.entropy);
        let n = chosen.len();
        let within = minus_log
            .iter()
            .filter(|value| **value < self.median)
            .count() as f64
            / n as f64;
        // Of the samples, and of the draws that the median is from.
        let variance = within * (1.0 - within) / n as f64 + 0.25 / self.median_draws as f64;
        let densest_half = Estimate {
            value: within,
            error: variance.sqrt(),
        };
        Ok(Likeness {
            surprise,
            densest_half,
            shares: self.shares(&chosen, &located),
            n,
        })
    }

    fn shares(&self, samples: &[[f32; 2]], located: &[(f64, usize)]) -> Option<ChiSquare> {
        let n = samples.len();
        let (numbers, shares): (Vec<usize>, Vec<f64>) = if let [only] = self.mixture.components[..]
        {
            // One lobe is cut into equal sectors about its centre.
            let sectors = PARTS.min((n as f64 / LEAST_EXPECTED) as usize);
            let sector = |x: &[f32; 2]| {
                let turn =
                    f64::from(x[1] - only.mean[1]).atan2(f64::from(x[0] - only.mean[0])) / TAU;
                (turn.rem_euclid(1.0) * sectors as f64) as usize % sectors.max(1)
            };
            (
                samples.iter().map(sector).collect(),
                vec![1.0 / sectors as f64; sectors],
            )
        } else {
            let parts = Parts::of(&self.mixture, LEAST_EXPECTED / n as f64);
            (
                located
                    .iter()
                    .map(|(_, component)| parts.part[*component])
                    .collect(),
                parts.shares,
            )
        };
        if shares.len() < 2 {
            return None;
        }
        let mut counts = vec![0; shares.len()];
        for number in numbers {
            counts[number] += 1;
        }
        Some(ChiSquare::of(&counts, &shares))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mixture::Component;
    use crate::data::shapes::Shape;
    use approx::assert_abs_diff_eq;

    const WORK: usize = 1 << 23;

    fn law(shape: Shape) -> Law {
        Law::new(Arc::new(shape.mixture()), WORK)
    }

    /// The same curve, `factor` times as thick.
    fn thickened(mixture: &Mixture, factor: f32) -> Mixture {
        let thick = |c: &Component| Component {
            sigma: factor * c.sigma,
            ..*c
        };
        Mixture::new(mixture.components.iter().map(thick).collect()).unwrap()
    }

    /// ∫ q (−ln p) by the midpoint rule with cells of a quarter of the thinner σ.
    fn cross_entropy(q: &Mixture, p: &Mixture) -> f64 {
        let [q_0, p_0] = [q, p].map(|m| m.marginal(DATA));
        let bounds = q.bounds().scaled(1.6);
        let width = 0.25 * f64::from(p.components[0].sigma.min(q.components[0].sigma));
        let cells = [0, 1]
            .map(|axis| (f64::from(bounds.max[axis] - bounds.min[axis]) / width).ceil() as usize);
        let row = |j: usize| {
            let y = f64::from(bounds.min[1]) + (j as f64 + 0.5) * width;
            let cell = |i: usize| {
                let x = [f64::from(bounds.min[0]) + (i as f64 + 0.5) * width, y];
                let log_q = q_0.log_density(x);
                if log_q < -30.0 {
                    0.0
                } else {
                    -log_q.exp() * p_0.log_density(x)
                }
            };
            (0..cells[0]).map(cell).sum::<f64>()
        };
        (0..cells[1]).into_par_iter().map(row).sum::<f64>() * width * width
    }

    /// A wrong N(0, k² I) under N(0, I): −E ln p = ln 2π + k², h = ln 2π + 1.
    #[test]
    fn the_surprise_of_gaussians_is_the_closed_form() {
        let law = law(Shape::Gaussian);
        assert_abs_diff_eq!(
            law.entropy().value,
            super::super::entropy::normal_entropy(1.0),
            epsilon = 1e-9
        );
        for k in [0.5, 1.0, 2.0_f32] {
            let samples = thickened(law.mixture(), k).draw(4000, 3);
            let found = law.likeness(&samples, 0).unwrap();
            let k_2 = f64::from(k).powi(2);
            // The densest half of N(0, I) is the disc |x|²/2 < ln 2, and holds 1 − 2^(−1/k²) of N(0, k² I).
            let within = 1.0 - 0.5_f64.powf(1.0 / k_2);
            assert!(
                (found.densest_half.value - within).abs() < 4.0 * found.densest_half.error,
                "{k}: {found:?}"
            );
            let found = found.surprise;
            // |x|²/2 is exponential with mean k²: so is its standard deviation.
            assert_abs_diff_eq!(
                found.error,
                k_2 / 4000.0_f64.sqrt(),
                epsilon = 0.1 * k_2 / 4000.0_f64.sqrt()
            );
            assert!(
                (found.value - (k_2 - 1.0)).abs() < 4.0 * found.error,
                "{k}: {found:?}"
            );
        }
    }

    /// Thickness, to which the distance between sets is all but blind, on a figure-8; against integrals over a grid.
    #[test]
    fn the_surprise_sees_how_thick_a_curve_is() {
        let law = law(Shape::Figure8);
        let p = law.mixture().clone();
        let entropy = cross_entropy(&p, &p);
        assert!(
            (law.entropy().value - entropy).abs() < 4.0 * law.entropy().error,
            "{:?}, not {entropy}",
            law.entropy()
        );
        let fresh = law.likeness(&p.draw(2048, 1), 0).unwrap().surprise;
        assert!(
            fresh.error < 0.04 && fresh.value.abs() < 3.0 * fresh.error,
            "{fresh:?}"
        );
        let twice = thickened(&p, 2.0);
        let expected = cross_entropy(&twice, &p) - entropy;
        let found = law.likeness(&twice.draw(2048, 2), 0).unwrap().surprise;
        assert!(
            (found.value - expected).abs() < 3.0 * found.error,
            "{found:?}, not {expected}"
        );
        // A straight line would have (2² − 1)/2; where the curve bends or crosses itself there is a little less.
        assert!((1.4..1.5).contains(&expected), "{expected}");
        // No thickness at all: the centres themselves, evenly.
        let centres: Vec<[f32; 2]> = p.components.iter().map(|c| c.mean).collect();
        let p_0 = p.marginal(DATA);
        let mean = centres
            .iter()
            .map(|x| -p_0.log_density(x.map(f64::from)))
            .sum::<f64>()
            / centres.len() as f64;
        let found = law.likeness(&centres, 0).unwrap().surprise;
        assert_abs_diff_eq!(
            found.value,
            mean - entropy,
            epsilon = 4.0 * law.entropy().error
        );
        assert_abs_diff_eq!(found.value, -0.51, epsilon = 0.02);
    }

    /// The p-values of honest samples are uniform: of 40, few are extreme.
    #[test]
    fn honest_samples_give_the_parts_their_shares() {
        for shape in Shape::ALL {
            let law = law(shape);
            let values: Vec<ChiSquare> = (0..40)
                .map(|seed| {
                    law.likeness(&law.mixture().draw(1024, seed), seed)
                        .unwrap()
                        .shares
                        .unwrap()
                })
                .collect();
            let expected = if shape == Shape::EightGaussians {
                7
            } else {
                15
            };
            assert!(
                values.iter().all(|found| found.degrees == expected),
                "{shape:?}"
            );
            let extreme = values.iter().filter(|found| found.p < 0.05).count();
            assert!(extreme <= 7, "{shape:?}: {extreme} of 40 below 5 %");
            let mean = values.iter().map(|found| found.reduced()).sum::<f64>() / 40.0;
            // Of 40 values, each with variance 2/degrees.
            let spread = values[0].spread() / 40.0_f64.sqrt();
            assert!((mean - 1.0).abs() < 4.0 * spread, "{shape:?}: {mean}");
        }
    }

    #[test]
    fn a_part_that_got_too_much_is_seen_where_the_distance_is_about_a_floor() {
        let law = law(Shape::EightGaussians);
        let mut components = law.mixture().components.clone();
        components[0].weight *= 1.5;
        let off = Mixture::new(components).unwrap();
        let found = law.likeness(&off.draw(2048, 1), 0).unwrap();
        // Shares 12/68 and 8/68 (7 of them) instead of 1/8: n Σ (q − p)²/p = 2048 · 8 · 0.00303, and 7 of chance.
        let shares = found.shares.unwrap();
        assert!(
            (shares.value - 56.6).abs() < 4.0 * (2.0 * (7.0 + 2.0 * 49.6_f64)).sqrt(),
            "{shares:?}"
        );
        assert!(shares.p < 1e-4);
        assert!(
            found.surprise.value.abs() < 4.0 * found.surprise.error,
            "{found:?}"
        );
    }

    #[test]
    fn too_many_are_thinned_and_none_or_broken_ones_refused() {
        let small = Law::new(Arc::new(Shape::Circle.mixture()), 512 * 300);
        let circle = small.mixture().draw(2000, 1);
        assert_eq!(small.likeness(&circle, 0).unwrap().n, 300);
        assert_eq!(small.likeness(&circle[..100], 0).unwrap().n, 100);
        assert_eq!(small.likeness(&circle[..9], 0).unwrap().shares, None);
        assert_eq!(small.likeness(&[], 0), Err(MeasureError::Empty));
        assert_eq!(
            small.likeness(&[[0.0, 0.0], [f32::NAN, 0.0]], 0),
            Err(MeasureError::NotFinite(1))
        );
    }
}
