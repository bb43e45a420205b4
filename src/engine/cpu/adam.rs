//! Adam (Kingma & Ba 2015, algorithm 1, in PyTorch's arrangement) and the moving average of the weights.

use crate::network::adam::{BETA_1, BETA_2, Corrections, EPSILON};

/// The scalars of one update, computed in f64.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// Learning rate / (1 − β₁ⁿ).
    step_size: f32,
    /// √(1 − β₂ⁿ).
    correction: f32,
    /// Decay of the moving average.
    decay: f32,
}

/// The same range of every vector that an update changes; all of one length.
pub struct Slices<'a> {
    /// Weights.
    pub weights: &'a mut [f32],
    /// Their moving average.
    pub ema: &'a mut [f32],
    /// First moment.
    pub m: &'a mut [f32],
    /// Second moment.
    pub v: &'a mut [f32],
}

impl Update {
    /// Update number `n` ≥ 1.
    pub fn new(n: u64, learning_rate: f32, ema_decay: f32) -> Self {
        let corrections = Corrections::of(n, ema_decay);
        Self {
            step_size: (f64::from(learning_rate) / corrections.first) as f32,
            correction: corrections.second_root as f32,
            decay: corrections.ema_decay as f32,
        }
    }

    /// w ← w − step · m / (√v / correction + ε), then ema ← d · ema + (1 − d) · w.
    pub fn apply(self, slices: Slices, gradient: &[f32]) {
        let Slices { weights, ema, m, v } = slices;
        let moments = m.iter_mut().zip(v).zip(gradient);
        for (((m, v), g), (w, ema)) in moments.zip(weights.iter_mut().zip(ema)) {
            *m += (1.0 - BETA_1) as f32 * (g - *m);
            *v = BETA_2 as f32 * *v + (1.0 - BETA_2) as f32 * g * g;
            *w -= self.step_size * *m / (v.sqrt() / self.correction + EPSILON);
            *ema = self.decay * *ema + (1.0 - self.decay) * *w;
        }
    }
}
