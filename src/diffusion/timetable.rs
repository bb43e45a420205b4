//! What the training kernels need to know of a path: one row of coefficients a timestep, and its embedding.

use super::path::Path;
use super::target::{Pair, Target};

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

/// The rows of t = 1..=T (index t − 1) and their embeddings [T, 64].
#[derive(Clone, Debug, PartialEq)]
pub struct Timetable {
    /// Coefficients, index t − 1.
    pub rows: Vec<TimestepRow>,
    /// Embedding of t/T, row-major [T, 64], index t − 1.
    pub embedding: Vec<f32>,
}

impl Timetable {
    /// Tabulate a path and a target at T timesteps.
    pub fn new(path: Path, target: Target, timesteps: u32) -> Self {
        let mut rows = Vec::with_capacity(timesteps as usize);
        let mut embedding = Vec::with_capacity(timesteps as usize * TIME_FEATURES);
        for t in 1..=timesteps {
            let tau = f64::from(t) / f64::from(timesteps);
            let scales = path.scales(tau, timesteps);
            let Pair(target_x0, target_eps) = target.of_x0_and_eps(scales);
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
    use crate::diffusion::log_snr::LogSnr;

    /// The rows of the first timestep, of the last and of those between, as the kernels read them: in f32.
    #[test]
    fn every_row_says_what_its_target_is_on_every_path_and_at_both_ends() {
        let own =
            [[12.0, 6.0, 0.0, -6.0, -12.0], [12.0, 11.75, 11.5, 11.25, 11.0], [-11.0, -11.25, -11.5, -11.75, -12.0]];
        for path in Path::ALL.into_iter().chain(own.map(|handles| Path::Custom(LogSnr::new(handles)))) {
            for (target, timesteps) in
                Target::ALL.into_iter().flat_map(|target| [2, 10, 1000, 10_000].map(|t| (target, t)))
            {
                let table = Timetable::new(path, target, timesteps);
                assert_eq!((table.timesteps(), table.embedding.len()), (timesteps, timesteps as usize * TIME_FEATURES));
                for (t, row) in (1..=timesteps).zip(&table.rows) {
                    let of = format!("{target:?}, {path}, {t} of {timesteps}: {row:?}");
                    let near = |found: f32, known: f64| (f64::from(found) - known).abs() <= 1e-6 * known.abs();
                    let tau = f64::from(t) / f64::from(timesteps);
                    let scales = path.scales(tau, timesteps);
                    assert!(near(row.a, scales.a) && near(row.s, scales.s), "{of}");
                    let (x_0, eps, score) = ((1.0, 0.0), (0.0, 1.0), (0.0, -1.0 / scales.s));
                    let (c_0, c_eps) = match target {
                        Target::X0 => x_0,
                        Target::Eps => eps,
                        Target::Score => score,
                        Target::V => (-scales.s, scales.a),
                        Target::Velocity => (eps.0 - x_0.0, eps.1 - x_0.1),
                    };
                    assert!(near(row.target_x0, c_0) && near(row.target_eps, c_eps), "{of}");
                    // A weighted error of the score is the error of the noise.
                    let unit = if target == Target::Score { f64::from(row.target_eps).powi(2) } else { 1.0 };
                    assert!(near(row.loss_weight, 1.0 / unit), "{of}");
                    if [1, timesteps].contains(&t) {
                        let embedding = &table.embedding[(t as usize - 1) * TIME_FEATURES..][..TIME_FEATURES];
                        assert_eq!(embedding, time_embedding(tau), "{of}");
                    }
                }
            }
        }
    }
}
