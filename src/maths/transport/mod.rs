//! Optimal transport between equally weighted points, and the couplings of a training batch that are made by it.
//!
//! Peyré & Cuturi 2019, "Computational Optimal Transport"; the couplings are those of Tong et al. 2024 (arXiv 2302.00482), of
//! Pooladian et al. 2023 (arXiv 2304.14772), and of reflow those of Liu et al. 2023 (arXiv 2209.03003).

mod assignment;
mod coupling;
pub mod sinkhorn;
mod source;

pub use assignment::assign;
pub use coupling::{Coupling, EPS, MOST_COUPLED};
pub use source::Source;

/// |a − b|².
pub fn squared_distance(a: [f32; 2], b: [f32; 2]) -> f64 {
    let [dx, dy] = [0, 1].map(|axis| f64::from(a[axis]) - f64::from(b[axis]));
    dx * dx + dy * dy
}

/// The mean of |a_i − b_i|² over pairs.
pub fn mean_cost(a: &[[f32; 2]], b: &[[f32; 2]]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| squared_distance(*a, *b)).sum();
    sum / a.len().max(1) as f64
}
