//! The optimisers. Each is the scalars of one update: the engines carry these out and know no optimiser's name.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::layout::NetworkShape;
use super::rate::RateSchedule;
use maths::names::{self, Words};

/// Decay of Adam's first moment (Kingma & Ba 2015, section 2), and of the momentum of [`Optimiser::Momentum`].
pub const BETA_1: f64 = 0.9;
/// Decay of Adam's second moment.
pub const BETA_2: f64 = 0.999;
/// Keeps Adam's division finite.
pub const EPSILON: f32 = 1e-8;
/// Decay of Muon's momentum (Jordan 2024).
pub const MUON_MOMENTUM: f32 = 0.95;
/// Muon's steps of Newton and Schulz (Jordan 2024).
pub const NEWTON_SCHULZ_STEPS: usize = 5;
/// Coefficients (a, b, c) of X ← a X + (b A + c A²) X with A = X Xᵀ (Jordan 2024).
pub const NEWTON_SCHULZ: [f32; 3] = [3.4445, -4.7750, 2.0315];
/// The smallest Frobenius norm that Muon divides by.
pub const SMALLEST_NORM: f32 = 1e-7;
/// Muon's step counts 0.2 √side times, so that it is as large as one of Adam: one rate serves both (Liu et al. 2025, eq. 4).
const MUON_SCALE: f64 = 0.2;

/// How a gradient changes the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Optimiser {
    /// w ← w − η g (Robbins & Monro 1951).
    Sgd,
    /// w ← w − η Σ 0.9ᵏ g, k updates back (Polyak 1964, as in PyTorch's SGD).
    Momentum,
    /// Algorithm 1 of Kingma & Ba 2015, as PyTorch arranges it.
    #[default]
    Adam,
    /// Adam, and w ← (1 − η λ) w beside it (Loshchilov & Hutter 2019, algorithm 2).
    AdamW,
    /// The momentum of each weight matrix between hidden layers is made orthogonal; all else goes by [`Optimiser::AdamW`]
    /// (Jordan 2024).
    Muon,
}

impl std::str::FromStr for Optimiser {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        names::find(Self::ALL, "an optimiser", text, |one| [one.words().name])
    }
}

impl TryFrom<String> for Optimiser {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Optimiser {
    /// Every optimiser, in the order of the menus.
    pub const ALL: [Self; 5] = [
        Self::Sgd,
        Self::Momentum,
        Self::Adam,
        Self::AdamW,
        Self::Muon,
    ];

    /// What it is called.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Sgd => &Words {
                name: "sgd",
                title: "SGD",
                symbol: "SGD",
                short: "SGD",
                help: "against the gradient, Robbins & Monro 1951",
            },
            Self::Momentum => &Words {
                name: "momentum",
                title: "Momentum",
                symbol: "Momentum",
                short: "momentum",
                help: "SGD with momentum 0.9, Polyak 1964",
            },
            Self::Adam => &Words {
                name: "adam",
                title: "Adam",
                symbol: "Adam",
                short: "Adam",
                help: "Kingma & Ba 2015",
            },
            Self::AdamW => &Words {
                name: "adamw",
                title: "AdamW",
                symbol: "AdamW",
                short: "AdamW",
                help: "Adam with decoupled weight decay, Loshchilov & Hutter 2019",
            },
            Self::Muon => &Words {
                name: "muon",
                title: "Muon",
                symbol: "Muon",
                short: "Muon",
                help: "orthogonal momentum between hidden layers, AdamW elsewhere, Jordan 2024",
            },
        }
    }

    /// True where the weights themselves decay.
    pub const fn decays_weights(self) -> bool {
        matches!(self, Self::AdamW | Self::Muon)
    }

    /// The matrices of this network whose momentum is made orthogonal.
    pub fn matrices(self, shape: NetworkShape) -> Matrices {
        Matrices {
            count: if self == Self::Muon {
                shape.depth - 1
            } else {
                0
            },
            ..Matrices::hidden(shape)
        }
    }
}

/// How a training moves the weights, besides its learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpdateRule {
    /// The optimiser.
    pub optimiser: Optimiser,
    /// λ of the optimisers that decay the weights.
    pub weight_decay: f32,
    /// What the learning rate is multiplied by, update by update.
    pub schedule: RateSchedule,
}

impl Default for UpdateRule {
    /// Adam at a constant rate.
    fn default() -> Self {
        Self {
            optimiser: Optimiser::Adam,
            weight_decay: 0.01,
            schedule: RateSchedule::default(),
        }
    }
}

/// The square weight matrices between hidden layers: `count` of them, `period` apart in the flat parameter vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrices {
    /// Index of the first one's first weight.
    pub first: usize,
    /// From the first weight of one to that of the next.
    pub period: usize,
    /// Rows, and columns.
    pub side: usize,
    /// How many there are.
    pub count: u32,
}

impl Matrices {
    fn hidden(shape: NetworkShape) -> Self {
        let side = shape.width as usize;
        Self {
            first: shape.layers()[1].weight,
            period: side * side + side,
            side,
            count: shape.depth - 1,
        }
    }

    /// Their ranges in the flat parameter vector, ascending.
    pub fn ranges(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.count as usize).map(move |index| {
            let first = self.first + index * self.period;
            first..first + self.side * self.side
        })
    }
}

/// The scalars of update number n = 1, 2, …:
/// m ← β m + (1 − β) g, v ← β₂ v + (1 − β₂) g², w ← σ w − η/c · m / (√v / c' + ε), and for the matrices of
/// [`Optimiser::matrices`] w ← σ w − η' O with O orthogonal. So m and v are running means of g and g² under every optimiser, and
/// one may take over from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scalars {
    /// η: the learning rate of this update.
    pub rate: f32,
    /// σ: what stays of a weight, 1 − η λ.
    pub kept: f32,
    /// β.
    pub first_decay: f64,
    /// 1 − β.
    pub first_gain: f64,
    /// c: 1 − β₁ⁿ for Adam, 1 − β for plain momentum.
    pub first_correction: f64,
    /// c': √(1 − β₂ⁿ) for Adam, and else so large that v is not felt.
    pub second_root: f64,
    /// ε; 1 where v is not felt.
    pub epsilon: f32,
    /// η'.
    pub matrix_rate: f32,
    /// Decay of the moving average of the weights, min(`ema_decay`, (1 + n)/(10 + n)): a constant one would hold the random
    /// start for a thousand steps.
    pub ema_decay: f64,
}

/// As c' it makes every √v of an f32 vanish beside 1.
const UNFELT: f64 = 1e30;

impl Scalars {
    /// Of update number `n` ≥ 1 of a network of this width. `learning_rate` is that before its schedule, `ema_decay` the
    /// upper limit of the average's decay.
    pub fn of(n: u64, rule: UpdateRule, learning_rate: f32, ema_decay: f32, width: u32) -> Self {
        let rate = rule.schedule.rate(learning_rate, n);
        let kept = if rule.optimiser.decays_weights() {
            1.0 - f64::from(rate) * f64::from(rule.weight_decay)
        } else {
            1.0
        };
        let n = n as f64;
        let (first_decay, first_correction, second_root, epsilon) = match rule.optimiser {
            Optimiser::Sgd => (0.0, 1.0, UNFELT, 1.0),
            // The sum Σ βᵏ g is the mean over 1 − β.
            Optimiser::Momentum => (BETA_1, 1.0 - BETA_1, UNFELT, 1.0),
            Optimiser::Adam | Optimiser::AdamW | Optimiser::Muon => (
                BETA_1,
                1.0 - BETA_1.powf(n),
                (1.0 - BETA_2.powf(n)).sqrt(),
                EPSILON,
            ),
        };
        Self {
            rate,
            kept: kept as f32,
            first_decay,
            first_gain: 1.0 - first_decay,
            first_correction,
            second_root,
            epsilon,
            matrix_rate: (f64::from(rate) * MUON_SCALE * f64::from(width).sqrt()) as f32,
            ema_decay: f64::from(ema_decay).min((1.0 + n) / (10.0 + n)),
        }
    }
}
