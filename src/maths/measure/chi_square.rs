//! Pearson's χ² of counts, and how often chance alone exceeds it.

use serde::Serialize;

/// A goodness of fit (Pearson 1900): Σ (observed − expected)²/expected, about its degrees of freedom where chance alone is at
/// work.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChiSquare {
    /// The statistic.
    pub value: f64,
    /// One less than the number of cells.
    pub degrees: u32,
    /// The probability that chance alone gives as much or more.
    pub p: f64,
}

impl ChiSquare {
    /// Of counts in cells of known shares, which sum to 1 and are above 0.
    pub fn of(counts: &[u64], shares: &[f64]) -> Self {
        let total = counts.iter().sum::<u64>() as f64;
        let cell = |(&count, share): (&u64, &f64)| {
            (count as f64 - total * share).powi(2) / (total * share)
        };
        let value = counts.iter().zip(shares).map(cell).sum();
        let degrees = (counts.len().max(2) - 1) as u32;
        Self {
            value,
            degrees,
            p: survival(value, degrees),
        }
    }

    /// χ² per degree of freedom: 1 where chance alone is at work.
    pub fn reduced(self) -> f64 {
        self.value / f64::from(self.degrees)
    }

    /// The standard deviation of [`ChiSquare::reduced`] where chance alone is at work, √(2/degrees).
    pub fn spread(self) -> f64 {
        (2.0 / f64::from(self.degrees)).sqrt()
    }
}

/// P(χ² ≥ value) with `degrees` degrees of freedom: Q(degrees/2, value/2), the regularised upper incomplete gamma function.
///
/// Below its mean by the series of 1 − Q, above by the continued fraction (Abramowitz & Stegun 1964, 6.5.29 and 6.5.31; the
/// latter by the method of Lentz 1976).
fn survival(value: f64, degrees: u32) -> f64 {
    let (a, x) = (0.5 * f64::from(degrees), 0.5 * value);
    if x.is_nan() || x <= 0.0 {
        return 1.0;
    }
    let factor = (a * x.ln() - x - ln_gamma_of_half(degrees)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut k) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-16 {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        return (1.0 - factor * sum).max(0.0);
    }
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut fraction = d;
    for i in 1..=10_000 {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / (an * d + b);
        c = b + an / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    factor * fraction
}

/// ln Γ(degrees/2), by Γ(z + 1) = z Γ(z) from Γ(1) = 1 or Γ(1/2) = √π.
fn ln_gamma_of_half(degrees: u32) -> f64 {
    let (first, mut sum) = if degrees.is_multiple_of(2) {
        (2, 0.0)
    } else {
        (1, 0.5 * std::f64::consts::PI.ln())
    };
    let mut k = first;
    while k + 2 <= degrees {
        sum += (0.5 * f64::from(k)).ln();
        k += 2;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    /// Two degrees are an exponential, one is the square of a normal deviate; the others are of the printed tables (upper 5 %,
    /// 1 %, 95 %).
    #[test]
    fn the_survival_function_is_that_of_the_tables() {
        for value in [0.01, 1.0, 7.0, 80.0, 600.0] {
            assert_abs_diff_eq!(
                survival(value, 2) / (-0.5 * value).exp(),
                1.0,
                epsilon = 1e-12
            );
        }
        for (value, degrees, p) in [
            (3.841_458_82, 1, 0.05),
            (6.634_896_6, 1, 0.01),
            (14.067_140_4, 7, 0.05),
            (18.475_306_9, 7, 0.01),
            (24.995_790_1, 15, 0.05),
            (7.260_943_9, 15, 0.95),
            (124.342_113, 100, 0.05),
        ] {
            assert_abs_diff_eq!(survival(value, degrees), p, epsilon = 1e-7);
        }
        assert_abs_diff_eq!(survival(0.0, 7), 1.0, epsilon = 0.0);
        assert!(survival(1e6, 15) < 1e-300);
    }

    #[test]
    fn a_die_by_hand() {
        // Expected 10 each: (25 + 1 + 0 + 0 + 1 + 25)/10 = 5.2.
        let die = ChiSquare::of(&[15, 9, 10, 10, 11, 5], &[1.0 / 6.0; 6]);
        assert_abs_diff_eq!(die.value, 5.2, epsilon = 1e-12);
        assert_eq!(die.degrees, 5);
        assert_abs_diff_eq!(die.reduced(), 1.04, epsilon = 1e-12);
        assert_abs_diff_eq!(die.spread(), 0.4_f64.sqrt(), epsilon = 1e-15);
    }
}
