//! What the training kernels need to know of a schedule: one row of coefficients a timestep, and its embedding.

use std::sync::LazyLock;

use maths::diffusion::schedule::{Scales, Schedule};
use maths::diffusion::solver::Widening;
use maths::diffusion::target::{Combination, Target};
use maths::diffusion::times::Times;
use maths::diffusion::weighting::Weighting;
use maths::philox::below;

/// Length of the time embedding: 32 sines, then 32 cosines.
pub const TIME_FEATURES: usize = 64;

/// λ, by which the variance's share of the bound is added to the loss (Nichol & Dhariwal 2021, eq. 16).
const VARIANCE_WEIGHT: f64 = 0.001;

/// The coefficients of one timestep, as the kernels read them. The twin of `TimestepRow` in `shaders/shared/types.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct TimestepRow {
    /// Signal scale a.
    pub a: f32,
    /// Noise scale s.
    pub s: f32,
    /// Factor of x_0 in the target.
    pub target_x0: f32,
    /// Factor of ε in the target.
    pub target_eps: f32,
    /// Weight of the squared error in the loss, by the target's own choice of scale.
    pub loss_weight: f32,
    /// What the training weighs the error by besides: it is in the gradient and not in the loss that is shown.
    pub weighting: f32,
    /// What x_t is multiplied by before the network sees it.
    pub input_scale: f32,
    /// Walker's alias table (1977, Vose 1991): of the draws that fall to this row, those below `keep` in units of 2^-32 stay, the
    /// others go to the row `other`.
    pub keep: u32,
    /// See `keep`.
    pub other: u32,
    /// Where the variance is learned, λ T D⁻¹ · span/2 of the step back from t ([`Widening`]): what the bound's term of an axis is
    /// weighed by, times what is constant of its slope by the network's output for the variance. Else 0.
    pub variance_pull: f32,
    /// The span itself.
    pub variance_span: f32,
    /// c_0²/β̃ times the square of what an output counts in x̂_0: what the square of the output's error is to β̃.
    pub variance_gain: f32,
    /// What there is besides: 1, or 0 at t = 1 ([`Widening::base`]); and where no output counts in x̂_0, which is then the mean, all of
    /// c_0²/β̃, for the data have variance 1.
    pub variance_base: f32,
}

/// Which timesteps a training dwells on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Emphasis {
    /// How often each is drawn.
    pub times: Times,
    /// What its error weighs.
    pub weighting: Weighting,
    /// The variance of the step back is learned beside the target (Nichol & Dhariwal 2021, eq. 16): λ times the bound, in nats a
    /// coordinate, in which the mean is held. Where some timesteps are drawn more often, so do their terms count.
    pub learns_variance: bool,
}

impl TimestepRow {
    /// x_t = a x_0 + s ε.
    pub fn noised(&self, x_0: [f32; 2], epsilon: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|axis| self.a * x_0[axis] + self.s * epsilon[axis])
    }

    /// x_t as the network sees it.
    pub fn input(&self, x_t: [f32; 2]) -> [f32; 2] {
        x_t.map(|x| self.input_scale * x)
    }

    /// What the network is to predict of x_t.
    pub fn target(&self, x_0: [f32; 2], epsilon: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|axis| self.target_x0 * x_0[axis] + self.target_eps * epsilon[axis])
    }
}

/// The rows of t = 1..=T (index t − 1) and their embeddings [T, 64].
#[derive(Clone, Debug, PartialEq)]
pub struct Timetable {
    /// Coefficients, index t − 1.
    pub rows: Vec<TimestepRow>,
    /// Embedding of t/T, row-major [T, 64], index t − 1.
    pub embedding: Vec<f32>,
    schedule: Schedule,
    target: Target,
}

impl Timetable {
    /// Tabulate a schedule and a target at T timesteps, of which each is drawn as often and counts alike.
    pub fn new(schedule: Schedule, target: Target, timesteps: u32) -> Self {
        Self::with_emphasis(schedule, target, timesteps, Emphasis::default())
    }

    /// As [`Timetable::new`], with another emphasis on its timesteps.
    pub fn with_emphasis(
        schedule: Schedule,
        target: Target,
        timesteps: u32,
        emphasis: Emphasis,
    ) -> Self {
        let Emphasis {
            times,
            weighting,
            learns_variance,
        } = emphasis;
        let aliases = aliases(&times.frequencies(schedule, timesteps));
        let mut rows = Vec::with_capacity(timesteps as usize);
        let mut embedding = Vec::with_capacity(timesteps as usize * TIME_FEATURES);
        for (t, (keep, other)) in (1..=timesteps).zip(aliases) {
            let tau = f64::from(t) / f64::from(timesteps);
            let scales = schedule.scales(tau, timesteps);
            let Combination(target_x0, target_eps) = target.of_x0_and_eps(scales);
            let variance = if learns_variance {
                variance_terms(schedule, target, timesteps, t)
            } else {
                [0.0, 0.0, 0.0, 1.0]
            };
            let [variance_pull, variance_span, variance_gain, variance_base] =
                variance.map(|term| term as f32);
            rows.push(TimestepRow {
                a: scales.a as f32,
                s: scales.s as f32,
                target_x0: target_x0 as f32,
                target_eps: target_eps as f32,
                loss_weight: target.loss_weight(scales) as f32,
                weighting: weighting.factor(target, scales) as f32,
                input_scale: target.input_scale(scales) as f32,
                keep,
                other,
                variance_pull,
                variance_span,
                variance_gain,
                variance_base,
            });
            embedding.extend_from_slice(&time_embedding(tau));
        }
        Self {
            rows,
            embedding,
            schedule,
            target,
        }
    }

    /// T.
    pub fn timesteps(&self) -> u32 {
        self.rows.len() as u32
    }

    /// (k_x, k_o) with x̂_0 = k_x x_t + k_o · output at timestep t.
    pub fn to_x0(&self, t: u32) -> Combination {
        let timesteps = self.timesteps();
        let tau = f64::from(t) / f64::from(timesteps);
        self.target.to_x0(self.schedule.scales(tau, timesteps))
    }

    /// The schedule.
    pub fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// What x_t is multiplied by before the network sees it, at any t/T.
    pub fn input_scale(&self, tau: f64) -> f32 {
        let scales = self.schedule.scales(tau, self.timesteps());
        self.target.input_scale(scales) as f32
    }

    /// True where a network that was trained by either is read alike: schedule, target and T are the same.
    pub fn reads_like(&self, other: &Self) -> bool {
        let of = |table: &Self| (table.schedule, table.target, table.timesteps());
        of(self) == of(other)
    }

    /// The timestep in 1..=T that a random word draws.
    pub fn draw(&self, word: u32) -> u32 {
        let timesteps = self.timesteps();
        let index = below(word, timesteps);
        let row = &self.rows[index as usize];
        // What `below` leaves of the word is uniform too.
        let rest = word.wrapping_mul(timesteps);
        1 + if rest < row.keep { index } else { row.other }
    }
}

/// `variance_pull`, `variance_span`, `variance_gain` and `variance_base` of timestep t.
fn variance_terms(schedule: Schedule, target: Target, timesteps: u32, t: u32) -> [f64; 4] {
    let (Widening { span, gain, base }, _) = Widening::at(schedule, timesteps, t);
    let scales: Scales = schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
    let Combination(_, of_output) = target.to_x0(scales);
    // A mean over both axes.
    let pull = 0.5 * VARIANCE_WEIGHT * f64::from(timesteps) * 0.5 * span;
    let base = if of_output == 0.0 { base + gain } else { base };
    [pull, span, gain * of_output * of_output, base]
}

/// (keep, other) of every row, by which row t is drawn as often as its frequency says; their mean is 1 (Vose 1991). Where all
/// are 1, every row keeps all.
fn aliases(frequencies: &[f64]) -> Vec<(u32, u32)> {
    let own = |index: usize| (u32::MAX, index as u32);
    let mut table: Vec<(u32, u32)> = (0..frequencies.len()).map(own).collect();
    let mut left = frequencies.to_vec();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..left.len()).partition(|&index| left[index] < 1.0);
    while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
        table[poor] = ((left[poor] * 2.0_f64.powi(32)) as u32, rich as u32);
        left[rich] -= 1.0 - left[poor];
        if left[rich] < 1.0 {
            large.pop();
            small.push(rich);
        }
    }
    table
}

/// The sinusoidal embedding of 1000·τ: 32 sines, then 32 cosines, freq_i = 10000^(−i/31) (Vaswani et al. 2017).
/// Computed in f64: at 1000 radians an f32 argument has lost five digits.
pub fn time_embedding(tau: f64) -> [f32; TIME_FEATURES] {
    const HALF: usize = TIME_FEATURES / 2;
    // Particles that choose their own steps ask at a time each: powers are taken once.
    static FREQUENCIES: LazyLock<[f64; HALF]> = LazyLock::new(|| {
        std::array::from_fn(|i| 10_000.0_f64.powf(-(i as f64) / (HALF - 1) as f64))
    });
    let mut embedding = [0.0; TIME_FEATURES];
    for (i, frequency) in FREQUENCIES.iter().enumerate() {
        let (sin, cos) = (1000.0 * tau * frequency).sin_cos();
        embedding[i] = sin as f32;
        embedding[HALF + i] = cos as f32;
    }
    embedding
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::diffusion::log_snr::LogSnr;
    use maths::philox::{Stream, draw};

    /// Every row of every schedule (one's own at its limits too), target and length, both ends of t among them, against the
    /// targets' definitions in the papers' symbols: what f32 makes of them is theirs to six digits, and finite.
    #[test]
    fn rows_are_the_targets_at_every_timestep_of_every_path() {
        for (schedule, timesteps) in Schedule::every()
            .into_iter()
            .chain(LogSnr::CLIFFS.map(Schedule::Custom))
            .flat_map(|schedule| [2, 10, 1000, 10_000].map(|t| (schedule, t)))
        {
            for target in Target::ALL {
                let table = Timetable::new(schedule, target, timesteps);
                assert_eq!(
                    (table.timesteps(), table.embedding.len()),
                    (timesteps, timesteps as usize * TIME_FEATURES)
                );
                for (row, t) in table.rows.iter().zip(1..) {
                    let scales = schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
                    let (a, s) = (scales.a, scales.s);
                    for (x_0, eps) in [(1.5, -0.5), (-2.0, 0.0), (0.0, 3.0)] {
                        let (expected, size) = match target {
                            Target::Eps => (eps, 1.0),
                            Target::X0 => (x_0, 1.0),
                            Target::V => (a * eps - s * x_0, a + s),
                            Target::Score => (-eps / s, 1.0 / s),
                            Target::Velocity => (eps - x_0, 2.0),
                            Target::Edm => ((s * x_0 - a * eps) / a.hypot(s), 2.0),
                        };
                        let found =
                            f64::from(row.target_x0) * x_0 + f64::from(row.target_eps) * eps;
                        let of = format!("{target:?} on {schedule}, {t} of {timesteps}");
                        assert!(
                            (found - expected).abs() < 1e-6 * size,
                            "{of}: {found}, not {expected}"
                        );
                        let x = f64::from(row.a) * x_0 + f64::from(row.s) * eps;
                        assert!(
                            (x - (a * x_0 + s * eps)).abs() < 1e-6 * (a + s),
                            "{of}: x_t = {x}"
                        );
                    }
                    // Weighted, an error of the score counts as the error of the noise that it stands for.
                    let weight = if target == Target::Score { s * s } else { 1.0 };
                    assert!(
                        (f64::from(row.loss_weight) / weight - 1.0).abs() < 1e-6,
                        "{target:?} on {schedule}, {t}: weight"
                    );
                }
            }
        }
    }

    /// How often each timestep is drawn, on every schedule, against its probability: χ² of so many draws lies within five standard
    /// deviations of its mean.
    #[test]
    fn timesteps_are_drawn_as_often_as_they_should_be() {
        const DRAWS: u32 = 400_000;
        let timesteps = 100;
        for schedule in Schedule::ALL {
            for times in Times::ALL {
                let emphasis = Emphasis {
                    times,
                    ..Emphasis::default()
                };
                let table = Timetable::with_emphasis(schedule, Target::Eps, timesteps, emphasis);
                let mut counts = vec![0_u32; timesteps as usize];
                for index in 0..DRAWS {
                    let words = draw(7, Stream::Batch, 0, index);
                    counts[table.draw(words[1]) as usize - 1] += 1;
                }
                let (mut chi_squared, mut cells) = (0.0, 0.0);
                let (mut rest, mut rest_expected) = (0.0, 0.0);
                let per_step = f64::from(DRAWS) / f64::from(timesteps);
                for (count, frequency) in counts
                    .into_iter()
                    .zip(times.frequencies(schedule, timesteps))
                {
                    let expected = frequency * per_step;
                    // What is drawn too seldom for χ² is counted as one.
                    if expected < 10.0 {
                        rest += f64::from(count);
                        rest_expected += expected;
                        continue;
                    }
                    chi_squared += (f64::from(count) - expected).powi(2) / expected;
                    cells += 1.0;
                }
                let of = format!("{times:?} on {schedule}");
                assert!(
                    (rest - rest_expected).abs() < 6.0 * (rest_expected + 1.0).sqrt(),
                    "{of}: {rest}, not {rest_expected}"
                );
                let freedom: f64 = cells - 1.0;
                assert!(
                    (chi_squared - freedom).abs() < 5.0 * (2.0 * freedom).sqrt() + 5.0,
                    "{of}: {chi_squared} of {freedom}"
                );
            }
        }
    }

    /// A uniform draw is the high half of word · T, as it always was.
    #[test]
    fn a_uniform_draw_is_the_word_itself() {
        for timesteps in [2, 7, 1000, 10_000] {
            let table = Timetable::new(Schedule::Linear, Target::Eps, timesteps);
            for word in (0..u32::MAX).step_by(999_983).chain([u32::MAX]) {
                assert_eq!(table.draw(word), 1 + below(word, timesteps));
            }
            assert!(
                table
                    .rows
                    .iter()
                    .all(|row| row.weighting == 1.0 && row.input_scale == 1.0)
            );
        }
    }
}
