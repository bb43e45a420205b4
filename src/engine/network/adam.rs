//! Adam's constants, and the scalars of an update that both engines compute alike.

/// Decay of the first moment (Kingma & Ba 2015, section 2).
pub const BETA_1: f64 = 0.9;
/// Decay of the second moment.
pub const BETA_2: f64 = 0.999;
/// Keeps the division finite.
pub const EPSILON: f32 = 1e-8;

/// The scalars of update number n = 1, 2, ….
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corrections {
    /// 1 − β₁ⁿ.
    pub first: f64,
    /// √(1 − β₂ⁿ).
    pub second_root: f64,
    /// Decay of the moving average of the weights, min(`ema_decay`, (1 + n)/(10 + n)): a constant one would hold the random
    /// start for a thousand steps.
    pub ema_decay: f64,
}

impl Corrections {
    /// Of update number `n` ≥ 1, with this upper limit of the average's decay.
    pub fn of(n: u64, ema_decay: f32) -> Self {
        let n = n as f64;
        Self {
            first: 1.0 - BETA_1.powf(n),
            second_root: (1.0 - BETA_2.powf(n)).sqrt(),
            ema_decay: f64::from(ema_decay).min((1.0 + n) / (10.0 + n)),
        }
    }
}
