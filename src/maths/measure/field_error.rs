//! How far a learned score is from the exact one, where the data lie at one noise level.

/// Coordinates of a point.
const D: f64 = 2.0;

/// The error of a field under p_t: a Monte Carlo mean over draws of x_t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldError {
    /// (1/D) E ‖learned − exact‖²: the mean over draws and over the D = 2 coordinates.
    pub mean_square: f64,
    /// Mean of the cosine of the angle between both; a field that vanishes counts as 0.
    pub cosine: f64,
    /// Where among the draws the distance is the largest.
    pub largest_at: [f32; 2],
    /// The largest distance.
    pub largest: f64,
}

impl FieldError {
    /// Compare two fields [n, 2] at draws of x_t [n, 2]. `None` where there are none, or the lengths differ.
    pub fn between(points: &[[f32; 2]], learned: &[[f32; 2]], exact: &[[f32; 2]]) -> Option<Self> {
        if points.is_empty() || points.len() != learned.len() || points.len() != exact.len() {
            return None;
        }
        let mut error = Self {
            mean_square: 0.0,
            cosine: 0.0,
            largest_at: points[0],
            largest: 0.0,
        };
        for (point, (l, e)) in points.iter().zip(learned.iter().zip(exact)) {
            let (l, e) = (l.map(f64::from), e.map(f64::from));
            let square = (l[0] - e[0]).powi(2) + (l[1] - e[1]).powi(2);
            error.mean_square += square;
            let sizes = l[0].hypot(l[1]) * e[0].hypot(e[1]);
            if sizes > 0.0 {
                error.cosine += (l[0] * e[0] + l[1] * e[1]) / sizes;
            }
            if square.sqrt() > error.largest {
                error.largest = square.sqrt();
                error.largest_at = *point;
            }
        }
        let count = points.len() as f64;
        Some(Self {
            mean_square: error.mean_square / (D * count),
            cosine: error.cosine / count,
            ..error
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_vectors_by_hand() {
        let points = [[1.0, 0.0], [0.0, 2.0]];
        let error = FieldError::between(
            &points,
            &[[1.0, 0.0], [0.0, 4.0]],
            &[[1.0, 0.0], [3.0, 0.0]],
        )
        .unwrap();
        // Squares 0 and 9 + 16, over two draws of two coordinates.
        assert_eq!((error.mean_square, error.cosine), (6.25, 0.5));
        assert_eq!((error.largest, error.largest_at), (5.0, [0.0, 2.0]));
        assert!(FieldError::between(&points, &[[0.0; 2]], &[[0.0; 2]; 2]).is_none());
        assert!(FieldError::between(&[], &[], &[]).is_none());
    }
}
