//! What a learned field is off by, at timesteps that it was trained at: the score error, and the error of x̂_0 on a common grid.
//!
//! Errors are means over the D = 2 coordinates, (1/D) E ‖·‖², as the loss is (PyTorch's `mse_loss`).

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::Estimate;
use crate::data::mixture::Mixture;
use crate::diffusion::schedule::{Scales, Schedule};
use crate::diffusion::target::{Combination, Target};

/// Strata that the timesteps 1..=T are divided into, one timestep being read from each. They are the finer the nearer to the
/// data, where errors change fastest.
const STRATA: u32 = 16;
/// Draws of x_t at each timestep.
const POINTS: usize = 192;
/// Mixed into seeds ("scor"): these draws are nobody else's, and the same for every model.
const SALT: u64 = 0x7363_6F72;

/// Log SNR of the common grid, ln(a²/s²), from noise to data: with T = 1000 all built-in schedules reach it (VE, with the least
/// noise, ends at −4.6).
pub const LOG_SNR_GRID: [f64; 13] = [
    -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0,
];
/// A level of the grid is read at the timestep nearest to it, unless that is farther than this: half a spacing.
const NEAR: f64 = 0.5;

/// The error of x̂_0 at each level of [`LOG_SNR_GRID`]: (1/D) E ‖x̂_0 − E[x_0 | x_t]‖². `None` where the schedule has no timestep
/// near.
pub type GridErrors = [Option<f64>; LOG_SNR_GRID.len()];

/// The mean over the levels that both have, and how many these are: what compares two models whatever their targets and
/// schedules. `None` where they share none.
pub fn common_mean(one: &GridErrors, other: &GridErrors) -> Option<([f64; 2], usize)> {
    let shared: Vec<(f64, f64)> = one
        .iter()
        .zip(other)
        .filter_map(|(a, b)| a.zip(*b))
        .collect();
    let count = shared.len();
    let mean = |of: fn(&(f64, f64)) -> f64| shared.iter().map(of).sum::<f64>() / count as f64;
    (count > 0).then(|| ([mean(|pair| pair.0), mean(|pair| pair.1)], count))
}

/// Draws of x_t at one timestep, and what is true of them.
#[derive(Clone, Debug)]
pub struct Level {
    /// The timestep, in 1..=T.
    pub t: u32,
    /// t/T.
    pub tau: f64,
    /// (a, s) there.
    pub scales: Scales,
    /// Draws of x_t [n, 2].
    pub x_t: Vec<[f32; 2]>,
    /// Of each draw: the clean point, the noise, and their posterior means E[x_0 | x_t] and ε* = E[ε | x_t].
    truths: Vec<Truth>,
}

#[derive(Clone, Copy, Debug)]
struct Truth {
    x_0: [f64; 2],
    epsilon: [f64; 2],
    best_x_0: [f64; 2],
    best_epsilon: [f64; 2],
}

impl Level {
    fn new(
        mixture: &Mixture,
        schedule: Schedule,
        timesteps: u32,
        t: u32,
        count: usize,
        seed: u64,
    ) -> Self {
        let tau = f64::from(t) / f64::from(timesteps);
        let scales = schedule.scales(tau, timesteps);
        let Scales { a, s } = scales;
        let marginal = mixture.marginal(scales);
        let mut rng = StdRng::seed_from_u64(seed ^ SALT);
        let points = mixture.sample(count, &mut rng);
        let (x_t, truths) = points
            .into_iter()
            .map(|x_0| {
                let epsilon: [f64; 2] = [rng.sample(StandardNormal), rng.sample(StandardNormal)];
                let x_0 = x_0.map(f64::from);
                let x_t = [0, 1].map(|axis| (a * x_0[axis] + s * epsilon[axis]) as f32);
                let at = x_t.map(f64::from);
                let best_epsilon = marginal.score(at).map(|score| -s * score);
                (
                    x_t,
                    Truth {
                        x_0,
                        epsilon,
                        best_x_0: marginal.posterior_mean(at),
                        best_epsilon,
                    },
                )
            })
            .unzip();
        Self {
            t,
            tau,
            scales,
            x_t,
            truths,
        }
    }

    /// (1/D) ‖ε̂ − ε*‖² of each draw, for a network's raw outputs [n, 2]: s² times the squared error of the score.
    pub fn epsilon_errors(&self, target: Target, outputs: &[[f32; 2]]) -> Vec<f64> {
        self.errors(target.to_eps(self.scales), outputs, |truth| {
            truth.best_epsilon
        })
    }

    /// (1/D) ‖x̂_0 − E[x_0 | x_t]‖² of each draw.
    pub fn x0_errors(&self, target: Target, outputs: &[[f32; 2]]) -> Vec<f64> {
        self.errors(target.to_x0(self.scales), outputs, |truth| truth.best_x_0)
    }

    /// (1/D) w ‖target − output‖² of each draw: the loss.
    pub fn losses(&self, target: Target, outputs: &[[f32; 2]]) -> Vec<f64> {
        let (Combination(c_0, c_eps), weight) = (
            target.of_x0_and_eps(self.scales),
            target.loss_weight(self.scales),
        );
        let wanted =
            |truth: &Truth| [0, 1].map(|axis| c_0 * truth.x_0[axis] + c_eps * truth.epsilon[axis]);
        let losses = self.truths.iter().zip(outputs);
        losses
            .map(|(truth, output)| weight * mean_square(wanted(truth), output.map(f64::from)))
            .collect()
    }

    /// The loss of each draw under the best prediction there is, E[target | x_t].
    fn least_losses(&self, target: Target) -> Vec<f64> {
        let (Combination(c_0, c_eps), weight) = (
            target.of_x0_and_eps(self.scales),
            target.loss_weight(self.scales),
        );
        let combine = |x_0: [f64; 2], epsilon: [f64; 2]| {
            [0, 1].map(|axis| c_0 * x_0[axis] + c_eps * epsilon[axis])
        };
        let least = |truth: &Truth| {
            weight
                * mean_square(
                    combine(truth.x_0, truth.epsilon),
                    combine(truth.best_x_0, truth.best_epsilon),
                )
        };
        self.truths.iter().map(least).collect()
    }

    fn errors(
        &self,
        Combination(k_x, k_o): Combination,
        outputs: &[[f32; 2]],
        best: fn(&Truth) -> [f64; 2],
    ) -> Vec<f64> {
        let draws = self.x_t.iter().zip(outputs).zip(&self.truths);
        draws
            .map(|((x, output), truth)| {
                let learned =
                    [0, 1].map(|axis| k_x * f64::from(x[axis]) + k_o * f64::from(output[axis]));
                mean_square(learned, best(truth))
            })
            .collect()
    }
}

/// (1/D) ‖a − b‖².
fn mean_square(a: [f64; 2], b: [f64; 2]) -> f64 {
    0.5 * ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2))
}

/// Where a model of one data set and schedule is read, with the truth there.
#[derive(Clone, Debug)]
pub struct Levels {
    /// A timestep of each stratum, with the stratum's share of 1..=T.
    uniform: Vec<(Level, f64)>,
    /// The timestep nearest to each level of the grid.
    grid: Vec<Option<Level>>,
}

/// What [`Levels::read`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreError {
    /// Mean over t = 1..=T of (1/D) E ‖ε̂ − ε*‖² = (s²/D) E ‖learned − exact score‖² under p_t. An ε-model's loss is the least
    /// possible loss and this (Vincent 2011). The error is of the draws at the timesteps that were read.
    pub epsilon: Estimate,
    /// The error of x̂_0 on the grid.
    pub x0: GridErrors,
}

impl Levels {
    /// At the timesteps that a schedule of T timesteps is trained at.
    pub fn new(mixture: &Mixture, schedule: Schedule, timesteps: u32) -> Self {
        Self::with_points(mixture, schedule, timesteps, POINTS)
    }

    fn with_points(mixture: &Mixture, schedule: Schedule, timesteps: u32, points: usize) -> Self {
        let timesteps = timesteps.max(1);
        let level = |t, seed| Level::new(mixture, schedule, timesteps, t, points, seed);
        let mut rng = StdRng::seed_from_u64(SALT);
        // Uniform within its stratum, so that the sum over the strata is right on average.
        let chosen: Vec<(u32, f64)> = strata(timesteps)
            .map(|[below, last]| {
                (
                    rng.random_range(below + 1..=last),
                    f64::from(last - below) / f64::from(timesteps),
                )
            })
            .collect();
        let uniform = chosen
            .into_par_iter()
            .map(|(t, share)| (level(t, u64::from(t)), share))
            .collect();
        let log_snr: Vec<f64> = (1..=timesteps)
            .map(|t| {
                schedule
                    .scales(f64::from(t) / f64::from(timesteps), timesteps)
                    .snr()
                    .ln()
            })
            .collect();
        let nearest = |wanted: f64| {
            let away = |t: &u32| (log_snr[*t as usize - 1] - wanted).abs();
            let t = (1..=timesteps).min_by(|a, b| away(a).total_cmp(&away(b)))?;
            (away(&t) <= NEAR).then_some(t)
        };
        // The same clean points and noise at a level, whatever the schedule.
        let read =
            |(k, wanted): (usize, &f64)| nearest(*wanted).map(|t| level(t, (k as u64 + 1) << 32));
        let grid = LOG_SNR_GRID.par_iter().enumerate().map(read).collect();
        Self { uniform, grid }
    }

    /// Ask a network, by its raw outputs at t/T and points [n, 2], at all levels.
    ///
    /// # Errors
    /// The network's.
    pub fn read<E>(
        &self,
        target: Target,
        mut network: impl FnMut(f64, &[[f32; 2]]) -> Result<Vec<[f32; 2]>, E>,
    ) -> Result<ScoreError, E> {
        let mut at_strata = Vec::with_capacity(self.uniform.len());
        for (level, share) in &self.uniform {
            at_strata.push((
                level.epsilon_errors(target, &network(level.tau, &level.x_t)?),
                *share,
            ));
        }
        let mut x0 = GridErrors::default();
        for (level, error) in self.grid.iter().zip(&mut x0) {
            if let Some(level) = level {
                *error = Some(
                    Estimate::of_mean(&level.x0_errors(target, &network(level.tau, &level.x_t)?))
                        .value,
                );
            }
        }
        Ok(ScoreError {
            epsilon: stratified(&at_strata),
            x0,
        })
    }

    /// The least possible loss of a target: that of the best prediction, E[target | x_t].
    pub fn least_loss(&self, target: Target) -> Estimate {
        let losses: Vec<_> = self
            .uniform
            .iter()
            .map(|(level, share)| (level.least_losses(target), *share))
            .collect();
        stratified(&losses)
    }
}

/// Σ share · mean, and its error.
fn stratified(strata: &[(Vec<f64>, f64)]) -> Estimate {
    strata.iter().fold(
        Estimate {
            value: 0.0,
            error: 0.0,
        },
        |sum, (values, share)| {
            let mean = Estimate::of_mean(values);
            Estimate {
                value: sum.value + share * mean.value,
                error: sum.error.hypot(share * mean.error),
            }
        },
    )
}

/// The strata of 1..=T as [last of the stratum before, last]: of lengths that grow with the square of their place, none empty.
fn strata(timesteps: u32) -> impl Iterator<Item = [u32; 2]> {
    let count = STRATA.min(timesteps);
    let mut below = 0;
    (1..=count).map(move |i| {
        let place = f64::from(i) / f64::from(count);
        let wanted = (f64::from(timesteps) * place.powi(3)).round() as u32;
        // At least one timestep for each, and one left for each of the following.
        let last = wanted.max(below + 1).min(timesteps - (count - i));
        let stratum = [below, last];
        below = last;
        stratum
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;
    use crate::diffusion::log_snr::LogSnr;
    use approx::assert_abs_diff_eq;

    #[expect(clippy::unnecessary_wraps, reason = "a network may fail")]
    fn zero(_: f64, points: &[[f32; 2]]) -> Result<Vec<[f32; 2]>, ()> {
        Ok(vec![[0.0; 2]; points.len()])
    }

    #[test]
    fn strata_divide_the_timesteps_and_few_timesteps_are_all_read() {
        for timesteps in [1, 2, 10, 16, 17, 20, 100, 250, 1000, 10_000] {
            let strata: Vec<_> = strata(timesteps).collect();
            assert_eq!(strata.len() as u32, timesteps.min(STRATA));
            assert_eq!((strata[0][0], strata[strata.len() - 1][1]), (0, timesteps));
            assert!(
                strata.iter().all(|[below, last]| below < last),
                "{strata:?}"
            );
            assert!(strata.windows(2).all(|pair| pair[0][1] == pair[1][0]));
            let levels =
                Levels::with_points(&Shape::Gaussian.mixture(), Schedule::Linear, timesteps, 2);
            assert_abs_diff_eq!(
                levels.uniform.iter().map(|(_, share)| share).sum::<f64>(),
                1.0,
                epsilon = 1e-12
            );
            for (level, _) in &levels.uniform {
                // Where it was trained: a whole timestep.
                assert_eq!(level.tau, f64::from(level.t) / f64::from(timesteps));
                assert!((1..=timesteps).contains(&level.t));
            }
        }
    }

    /// N(0, I): the best ε is s x, so a network that says 0 has loss 1, the least loss is the mean ᾱ and the error the mean
    /// of 1 − ᾱ.
    #[test]
    fn loss_is_least_loss_and_score_error_in_closed_form() {
        let mixture = Shape::Gaussian.mixture();
        for (schedule, timesteps) in [
            (Schedule::Linear, 1000),
            (Schedule::Cosine, 100),
            (Schedule::Linear, 10),
        ] {
            let levels = Levels::with_points(&mixture, schedule, timesteps, 4000);
            let mean_alpha_bar = (1..=timesteps)
                .map(|t| schedule.alpha_bar(f64::from(t) / f64::from(timesteps), timesteps))
                .sum::<f64>()
                / f64::from(timesteps);
            if (schedule, timesteps) == (Schedule::Linear, 1000) {
                assert_abs_diff_eq!(mean_alpha_bar, 0.2755, epsilon = 5e-5);
            }
            let error = levels.read(Target::Eps, zero).unwrap().epsilon;
            let least = levels.least_loss(Target::Eps);
            // Of T timesteps sixteen are read: the rest of the difference is that of the strata, below 0.01 here.
            let strata = if timesteps > STRATA { 0.01 } else { 0.0 };
            assert!(
                (error.value - (1.0 - mean_alpha_bar)).abs() < 4.0 * error.error + strata,
                "{schedule} {error:?}"
            );
            assert!(
                (least.value - mean_alpha_bar).abs() < 4.0 * least.error + strata,
                "{schedule} {least:?}"
            );
            assert!(error.error < 0.01 && least.error < 0.01);
        }
    }

    /// With v as the target, an output of 0 is the posterior mean of N(0, I): nothing is wrong, in either number.
    #[test]
    fn a_network_that_happens_to_be_right_has_no_error() {
        let levels = Levels::new(&Shape::Gaussian.mixture(), Schedule::Linear, 1000);
        let found = levels.read(Target::V, zero).unwrap();
        assert!(found.epsilon.value < 1e-9, "{found:?}");
        assert!(
            found
                .x0
                .iter()
                .all(|error| error.is_some_and(|error| error < 1e-9)),
            "{found:?}"
        );
    }

    /// x̂_0 of an x_0-network that says 0 is off by E[x_0 | x_t], whose mean square for N(0, I) is SNR/(1 + SNR): at one log SNR
    /// the same on every schedule.
    #[test]
    fn the_grid_weighs_every_path_alike() {
        let mixture = Shape::Gaussian.mixture();
        let own = Schedule::Custom(LogSnr::new([12.0, 6.0, 1.0, -5.0, -12.0]));
        let all: Vec<GridErrors> = Schedule::ALL
            .into_iter()
            .chain([own])
            .map(|schedule| {
                Levels::with_points(&mixture, schedule, 1000, 2000)
                    .read(Target::X0, zero)
                    .unwrap()
                    .x0
            })
            .collect();
        for errors in &all {
            for (error, log_snr) in errors.iter().zip(LOG_SNR_GRID) {
                let expected = 1.0 / (1.0 + (-log_snr).exp());
                // ‖x‖²/2 is exponential; and the nearest timestep is a little off, by at most 0.4 nats at the ends.
                let error = error.unwrap();
                assert!(
                    (error / expected - 1.0).abs() < 0.2,
                    "{error} at {log_snr}, not {expected}"
                );
            }
            let ([one, other], count) = common_mean(&all[0], errors).unwrap();
            assert_eq!(count, 13);
            assert!((one / other - 1.0).abs() < 0.02, "{one} and {other}");
        }
    }

    #[test]
    fn levels_that_a_path_does_not_reach_are_left_out_on_both_sides() {
        let mixture = Shape::Gaussian.mixture();
        let of = |schedule, timesteps| {
            Levels::new(&mixture, schedule, timesteps)
                .read(Target::X0, zero)
                .unwrap()
                .x0
        };
        // ᾱ = exp(−(0.01 k + 0.0995 k²)): ln SNR = 2.16, 0.65, −0.42, −1.41, −2.46, −3.62, −4.9, …
        let short = of(Schedule::Linear, 10);
        let found = |errors: &GridErrors| errors.map(|error| u8::from(error.is_some()));
        assert_eq!(found(&short), [1, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
        // The literal table of T = 250 ends at ᾱ = 0.0797, −2.45.
        let literal = of(Schedule::Literal, 250);
        assert_eq!(found(&literal), [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
        let ([of_short, of_literal], count) = common_mean(&short, &literal).unwrap();
        assert_eq!(count, 5);
        let mean = |errors: &GridErrors| errors[2..7].iter().flatten().sum::<f64>() / 5.0;
        assert_abs_diff_eq!(of_short, mean(&short), epsilon = 1e-12);
        assert_abs_diff_eq!(of_literal, mean(&literal), epsilon = 1e-12);
        assert_eq!(common_mean(&[None; 13], &short), None);
    }
}
