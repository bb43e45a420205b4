//! Isotropic Gaussian mixtures in the plane.

use serde::{Deserialize, Serialize};

/// One isotropic component.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Centre, standardised units.
    pub mean: [f32; 2],
    /// Standard deviation per axis.
    pub sigma: f32,
    /// Probability; the weights of a mixture sum to 1.
    pub weight: f32,
}

/// A mixture of at least one component. On disk: `{"components": [{"mean": [x, y], "sigma": s, "weight": w}, ...]}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// The components.
    pub components: Vec<Component>,
}
