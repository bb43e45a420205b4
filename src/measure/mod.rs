//! How good samples are: distances between point sets, each beside its sampling floor.

pub mod entropy;
pub mod field_error;
pub mod floor;
pub mod paths;
pub mod sliced;
pub mod wasserstein;

pub use floor::{Quality, quality, sampling_floor};
pub use sliced::sliced_wasserstein2;
pub use wasserstein::wasserstein2;

/// Point sets that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeasureError {
    /// A distance between sets needs as many points on both sides.
    #[error("a distance needs two point sets of the same size, not {0} and {1}")]
    Sizes(usize, usize),
    /// Nothing to measure.
    #[error("there are no samples to measure; make some with `noise-compass sample`")]
    Empty,
    /// A sampler that blew up.
    #[error("sample {0} is not a finite number; sample again with the clip on, or train longer")]
    NotFinite(usize),
}

/// What every distance asks of its point sets.
fn check(a: &[[f32; 2]], b: &[[f32; 2]]) -> Result<(), MeasureError> {
    if a.len() != b.len() {
        return Err(MeasureError::Sizes(a.len(), b.len()));
    }
    if a.is_empty() {
        return Err(MeasureError::Empty);
    }
    let bad = |points: &[[f32; 2]]| points.iter().position(|p| !(p[0].is_finite() && p[1].is_finite()));
    bad(a).or_else(|| bad(b)).map_or(Ok(()), |index| Err(MeasureError::NotFinite(index)))
}
