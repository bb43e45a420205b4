//! How straight the paths from a source to the data are.
//!
//! Liu et al. 2023 (arXiv 2209.03003), eq. 5: S = ∫ E|(X_1 − X_0) − dX_t/dt|² dt, over t from 0 to 1; 0 where every particle goes
//! along its chord at an even speed, so that one Euler step is enough.

use super::estimate::Estimate;
use super::{MeasureError, check_finite};
use crate::transport::squared_distance;

/// What recorded paths come to.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Straightness {
    /// S, a sum over both axes, in squared units of the data.
    pub error: Estimate,
    /// E|start − end|², what these paths transport.
    pub cost: Estimate,
}

/// Of paths with frames at these t/T, from 1 to 0; `points` is [frames, particles]. Between two frames the velocity is taken as even, so
/// that more frames find more bends.
///
/// # Errors
/// Fewer than two frames or particles, and points that are not finite.
pub fn straightness(taus: &[f64], points: &[[f32; 2]]) -> Result<Straightness, MeasureError> {
    check_finite(points)?;
    let particles = points.len() / taus.len().max(1);
    let frames: Vec<_> = points.chunks_exact(particles.max(1)).collect();
    let (Some(starts), Some(ends)) = (frames.first(), frames.get(taus.len().wrapping_sub(1)))
    else {
        return Err(MeasureError::Empty);
    };
    if taus.len() < 2 || particles < 2 {
        return Err(MeasureError::Empty);
    }
    let error = |particle: usize| -> f64 {
        let chord = [0, 1].map(|axis| f64::from(starts[particle][axis] - ends[particle][axis]));
        let pieces = taus.windows(2).zip(frames.windows(2));
        let each = pieces.map(|(taus, frames)| {
            let span = taus[0] - taus[1];
            if span <= 0.0 {
                return 0.0;
            }
            let off = |axis: usize| {
                let gone = f64::from(frames[0][particle][axis] - frames[1][particle][axis]);
                (gone / span - chord[axis]).powi(2)
            };
            span * (off(0) + off(1))
        });
        each.sum()
    };
    let errors: Vec<f64> = (0..particles).map(error).collect();
    let costs: Vec<f64> = (starts.iter().zip(*ends))
        .map(|(start, end)| squared_distance(*start, *end))
        .collect();
    Ok(Straightness {
        error: Estimate::of_mean(&errors),
        cost: Estimate::of_mean(&costs),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A straight path has none; one that goes a whole way in its first half is off by 1 all the time.
    #[test]
    fn a_path_that_hurries_and_one_that_bends_are_off_by_what_was_computed_by_hand() {
        let taus = [1.0, 0.5, 0.0];
        let straight = [
            [0.0, 0.0],
            [2.0, 0.0],
            [0.5, 0.0],
            [1.0, 0.0],
            [1.0, 0.0],
            [0.0, 0.0],
        ];
        let found = straightness(&taus, &straight).unwrap();
        assert_eq!((found.error.value, found.cost.value), (0.0, 2.5));
        let hurries = [
            [0.0, 0.0],
            [0.0, 0.0],
            [1.0, 0.0],
            [0.5, 0.5],
            [1.0, 0.0],
            [1.0, 0.0],
        ];
        // The first: |1|² throughout. The second: velocities (1, 1) and (1, −1) on a chord of (1, 0).
        let found = straightness(&taus, &hurries).unwrap();
        assert!((found.error.value - 1.0).abs() < 1e-12, "{found:?}");
        assert_eq!(found.cost.value, 1.0);
        assert!(straightness(&[1.0], &hurries).is_err());
        assert!(straightness(&taus, &[[f32::NAN; 2]; 6]).is_err());
    }
}
