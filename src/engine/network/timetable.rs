//! What the training kernels need to know of a schedule: one row of coefficients a timestep, and its embedding.

use maths::diffusion::schedule::Schedule;
use maths::diffusion::target::{Combination, Target};

/// Length of the time embedding: 32 sines, then 32 cosines.
pub const TIME_FEATURES: usize = 64;

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
    /// Weight of the squared error in the loss.
    pub loss_weight: f32,
    /// Unused: the row is two vec4.
    pub padding: [f32; 3],
}

impl TimestepRow {
    /// x_t = a x_0 + s ε.
    pub fn noised(&self, x_0: [f32; 2], epsilon: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|axis| self.a * x_0[axis] + self.s * epsilon[axis])
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
}

impl Timetable {
    /// Tabulate a schedule and a target at T timesteps.
    pub fn new(schedule: Schedule, target: Target, timesteps: u32) -> Self {
        let mut rows = Vec::with_capacity(timesteps as usize);
        let mut embedding = Vec::with_capacity(timesteps as usize * TIME_FEATURES);
        for t in 1..=timesteps {
            let tau = f64::from(t) / f64::from(timesteps);
            let scales = schedule.scales(tau, timesteps);
            let Combination(target_x0, target_eps) = target.of_x0_and_eps(scales);
            rows.push(TimestepRow {
                a: scales.a as f32,
                s: scales.s as f32,
                target_x0: target_x0 as f32,
                target_eps: target_eps as f32,
                loss_weight: target.loss_weight(scales) as f32,
                padding: [0.0; 3],
            });
            embedding.extend_from_slice(&time_embedding(tau));
        }
        Self { rows, embedding }
    }

    /// T.
    pub fn timesteps(&self) -> u32 {
        self.rows.len() as u32
    }
}

/// The sinusoidal embedding of 1000·τ: 32 sines, then 32 cosines, freq_i = 10000^(−i/31) (Vaswani et al. 2017).
/// Computed in f64: at 1000 radians an f32 argument has lost five digits.
pub fn time_embedding(tau: f64) -> [f32; TIME_FEATURES] {
    let half = TIME_FEATURES / 2;
    let mut embedding = [0.0; TIME_FEATURES];
    for i in 0..half {
        let frequency = 10_000.0_f64.powf(-(i as f64) / (half - 1) as f64);
        let (sin, cos) = (1000.0 * tau * frequency).sin_cos();
        embedding[i] = sin as f32;
        embedding[half + i] = cos as f32;
    }
    embedding
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of every schedule (one's own at its limits too), target and length, both ends of t among them, against the
    /// targets' definitions in the papers' symbols: what f32 makes of them is theirs to six digits, and finite.
    #[test]
    fn rows_are_the_targets_at_every_timestep_of_every_path() {
        for (schedule, timesteps) in Schedule::every()
            .into_iter()
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
}
