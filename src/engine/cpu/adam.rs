//! Adam (Kingma & Ba 2015, algorithm 1, in PyTorch's arrangement) and the moving average of the weights.

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f32 = 1e-8;

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
    /// Update number `n` ≥ 1. The average's decay is min(`ema_decay`, (1 + n)/(10 + n)): a constant one would hold the
    /// random start for a thousand steps.
    pub fn new(n: u64, learning_rate: f32, ema_decay: f32) -> Self {
        let n = n as f64;
        Self {
            step_size: (f64::from(learning_rate) / (1.0 - BETA_1.powf(n))) as f32,
            correction: (1.0 - BETA_2.powf(n)).sqrt() as f32,
            decay: f64::from(ema_decay).min((1.0 + n) / (10.0 + n)) as f32,
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
