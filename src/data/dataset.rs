//! A data set ready for use: its mixture, its finite training points, its outline and bounds.

use std::sync::Arc;

use super::mixture::Mixture;
use crate::data::bounds::Bounds;

/// Data in standardised units (average variance per axis 1).
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The distribution, in closed form. For a CSV: a kernel density estimate of its points.
    pub mixture: Arc<Mixture>,
    /// The finite training set (or, for fresh training, a draw of the same size, for the picture).
    pub points: Arc<Vec<[f32; 2]>>,
    /// The manifold as polylines, for the dashed outline; empty for a CSV.
    pub outline: Arc<Vec<Vec<[f32; 2]>>>,
    /// Bounding box of `points` × 1.1 about its centre: the box of the samplers' clip.
    pub clip: Bounds,
}
