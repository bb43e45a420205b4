//! How good samples are: distances between point sets beside their sampling floors, the surprise of samples under the data's
//! density, and the shares of the data's parts; and how likely a model finds the data, by the variational bound. Every number comes with its standard error.

pub mod chi_square;
pub mod elbo;
pub mod entropy;
pub mod estimate;
pub mod field_error;
pub mod floor;
pub mod law;
pub mod parts;
pub mod score_error;
pub mod self_consistency;
pub mod slice;
pub mod sliced;
pub mod spread;
pub mod straightness;
pub mod trajectories;
pub mod wasserstein;

pub use estimate::Estimate;
pub use floor::{Quality, quality, sampling_floor};
pub use law::Law;
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
    /// A file whose rows all went into the training.
    #[error(
        "the data keep no rows to measure against, since two are needed; use a file with more rows"
    )]
    NoReference,
}

/// What every distance asks of its point sets.
fn check(a: &[[f32; 2]], b: &[[f32; 2]]) -> Result<(), MeasureError> {
    if a.len() != b.len() {
        return Err(MeasureError::Sizes(a.len(), b.len()));
    }
    check_finite(a)?;
    check_finite(b)
}

/// What every measure asks of a point set.
fn check_finite(points: &[[f32; 2]]) -> Result<(), MeasureError> {
    if points.is_empty() {
        return Err(MeasureError::Empty);
    }
    let bad = points
        .iter()
        .position(|p| !(p[0].is_finite() && p[1].is_finite()));
    bad.map_or(Ok(()), |index| Err(MeasureError::NotFinite(index)))
}

/// Round for people: four significant digits at most.
pub fn round(value: f64) -> f64 {
    round_to(4, value)
}

/// So many significant digits at most; 0 and what is not finite as it is.
pub fn round_to(digits: i32, value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10.0_f64.powf(f64::from(digits - 1) - value.abs().log10().floor());
    (value * scale).round() / scale
}
