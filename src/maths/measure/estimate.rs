//! A number that was measured, beside its standard error.

use serde::Serialize;

/// A measured number and its standard error, both in the same unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its standard error; NaN where a single observation tells none.
    pub error: f64,
}

impl Estimate {
    /// The mean of independent observations, and its standard error sd/√n. NaN of none.
    pub fn of_mean(observations: &[f64]) -> Self {
        let count = observations.len() as f64;
        let value = observations.iter().sum::<f64>() / count;
        Self {
            value,
            error: (variance(observations) / count).sqrt(),
        }
    }

    /// This number less another one that was measured apart from it.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            value: self.value - other.value,
            error: self.error.hypot(other.error),
        }
    }
}

/// Sample variance, by n − 1; NaN of fewer than two.
pub(super) fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / (count - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn a_mean_and_its_error_by_hand() {
        // Deviations −3, −1, 1, 3: variance 20/3, of the mean 5/3.
        let estimate = Estimate::of_mean(&[1.0, 3.0, 5.0, 7.0]);
        assert_abs_diff_eq!(estimate.value, 4.0, epsilon = 1e-15);
        assert_abs_diff_eq!(estimate.error, (5.0_f64 / 3.0).sqrt(), epsilon = 1e-15);
        let difference = estimate.less(Estimate {
            value: 1.0,
            error: 2.0,
        });
        assert_abs_diff_eq!(difference.value, 3.0, epsilon = 1e-15);
        assert_abs_diff_eq!(
            difference.error,
            (5.0_f64 / 3.0 + 4.0).sqrt(),
            epsilon = 1e-15
        );
        assert!(Estimate::of_mean(&[1.0]).error.is_nan());
    }
}
