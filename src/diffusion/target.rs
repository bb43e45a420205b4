//! What the network predicts, and the one place where each target converts to each.
//!
//! With x = a x_0 + s ε every target is a linear combination of (x_0, ε), and x_0 one of (x, target).

use serde::{Deserialize, Serialize};

use super::path::Scales;
use crate::data::names;

/// The regression target of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Target {
    /// The noise ε (Ho et al. 2020, eq. 14).
    Eps,
    /// The clean point x_0.
    X0,
    /// v = a ε − s x_0 (Salimans & Ho 2022).
    V,
    /// The conditional score −ε/s, trained with weight s² (Song & Ermon 2019).
    Score,
    /// The flow velocity u = ε − x_0 (Lipman et al. 2022).
    Velocity,
}

/// Coefficients of a linear combination of two 2-D vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair(pub f64, pub f64);

/// Noise scales below this count as it, and signal scales below it as none, so that no conversion divides by zero at
/// the ends of a path.
const TINY: f64 = 1e-6;

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        names::find(Self::ALL, "a target", text, |one| [one.name()])
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Target {
    /// Every target, in the order of the menus.
    pub const ALL: [Self; 5] = [Self::Eps, Self::X0, Self::V, Self::Score, Self::Velocity];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eps => "eps",
            Self::X0 => "x0",
            Self::V => "v",
            Self::Score => "score",
            Self::Velocity => "velocity",
        }
    }

    /// (c_0, c_ε) with target = c_0 x_0 + c_ε ε.
    pub fn of_x0_and_eps(self, Scales { a, s }: Scales) -> Pair {
        match self {
            Self::Eps => Pair(0.0, 1.0),
            Self::X0 => Pair(1.0, 0.0),
            Self::V => Pair(-s, a),
            Self::Score => Pair(0.0, -1.0 / s.max(TINY)),
            Self::Velocity => Pair(-1.0, 1.0),
        }
    }

    /// (k_x, k_o) with x̂_0 = k_x x + k_o · output. Where no signal is left (a = 0: flow at t = T) neither ε̂ nor the score
    /// knows anything of x_0, and x is independent of it: E[x_0 | x] is the mean of the data, 0.
    pub fn to_x0(self, Scales { a, s }: Scales) -> Pair {
        match self {
            Self::Eps | Self::Score if a < TINY => Pair(0.0, 0.0),
            Self::Eps => Pair(1.0 / a, -s / a),
            Self::X0 => Pair(0.0, 1.0),
            // a² + s² = 1 only where variance is preserved.
            Self::V => Pair(a / (a * a + s * s), -s / (a * a + s * s)),
            Self::Score => Pair(1.0 / a, s * s / a),
            Self::Velocity => Pair(1.0 / (a + s), -s / (a + s)),
        }
    }

    /// (k_x, k_o) with ε̂ = k_x x + k_o · output.
    pub fn to_eps(self, scales: Scales) -> Pair {
        let s = scales.s.max(TINY);
        match self {
            Self::Eps => Pair(0.0, 1.0),
            Self::Score => Pair(0.0, -s),
            _ => {
                let Pair(k_x, k_o) = self.to_x0(scales);
                Pair((1.0 - scales.a * k_x) / s, -scales.a * k_o / s)
            }
        }
    }

    /// (k_x, k_o) with score = k_x x + k_o · output: the score is −ε̂/s, never −ε̂.
    pub fn to_score(self, scales: Scales) -> Pair {
        let Pair(k_x, k_o) = self.to_eps(scales);
        let s = scales.s.max(TINY);
        Pair(-k_x / s, -k_o / s)
    }

    /// Weight of a sample's squared error in the training loss.
    pub fn loss_weight(self, scales: Scales) -> f64 {
        match self {
            Self::Score => scales.s * scales.s,
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::path::Path;
    use proptest::prelude::*;

    proptest! {
        /// Build x from (x_0, ε), form the target, and come back.
        #[test]
        fn every_target_comes_back_to_x0_eps_and_score(
            x0 in -3.0..3.0_f64, eps in -3.0..3.0_f64, tau in prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0_f64],
            which in 0..5_usize, path in proptest::sample::select(Path::every()),
        ) {
            let target = Target::ALL[which];
            let scales = path.scales(tau, 1000);
            let x = scales.a * x0 + scales.s * eps;
            let Pair(c_0, c_eps) = target.of_x0_and_eps(scales);
            let output = c_0 * x0 + c_eps * eps;
            let back = |Pair(k_x, k_o): Pair| k_x * x + k_o * output;
            // At the very ends x may know nothing of x_0 or of ε: then what comes back is a number all the same.
            let back = [target.to_x0(scales), target.to_eps(scales), target.to_score(scales)].map(back);
            prop_assert!(back.iter().all(|v| v.is_finite()), "{back:?}");
            prop_assert!(scales.a * (back[0] - x0).abs() < 1e-6);
            prop_assert!(scales.s * (back[1] - eps).abs() < 1e-6);
            prop_assert!(scales.s * (scales.s * back[2] + eps).abs() < 1e-6);
            // These tell x_0 where no signal is left, too.
            if matches!(target, Target::X0 | Target::V | Target::Velocity) {
                prop_assert!((back[0] - x0).abs() < 1e-6);
            }
        }
    }
}
