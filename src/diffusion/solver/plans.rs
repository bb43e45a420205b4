//! The samplers, each compiled into a [`super::Plan`]: DDPM ancestral and DDIM(η).

use serde::{Deserialize, Serialize};

/// Which variance the ancestral step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Variance {
    /// β̃, the variance of the posterior given x_0 (Ho et al. 2020, eq. 7).
    BetaTilde,
    /// β (Ho et al. 2020, section 3.2).
    Beta,
}

/// A sampler by name.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampler {
    /// Ancestral sampling (Ho et al. 2020, algorithm 2).
    Ddpm(Variance),
    /// DDIM with noise η in [0, 1] (Song, Meng & Ermon 2021, eq. 12 and 16).
    Ddim {
        /// 0 deterministic, 1 ancestral.
        eta: f64,
    },
}

/// A sampler's name that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a sampler: use ddpm, ddpm-beta, ddim, or ddim:ETA with ETA between 0 and 1")]
pub struct SamplerParseError(pub String);
