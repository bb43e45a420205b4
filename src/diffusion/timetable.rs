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
