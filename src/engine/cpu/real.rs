//! The two number types that the network runs in: `f32` to train, `f64` to check gradients by finite differences.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A floating-point number. `exp` and `tanh` are branch-free, so that loops over them vectorise.
pub trait Real:
    Copy
    + Send
    + Sync
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;

    /// The nearest number.
    fn from_f32(value: f32) -> Self;
    /// The nearest number.
    fn from_f64(value: f64) -> Self;
    /// The value, widened.
    fn to_f64(self) -> f64;
    /// e^self.
    #[must_use]
    fn exp(self) -> Self;
    /// tanh(self).
    #[must_use]
    fn tanh(self) -> Self;
    /// self · factor + term, in one rounding if `FMA`.
    #[must_use]
    fn multiply_add<const FMA: bool>(self, factor: Self, term: Self) -> Self;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    /// Moshier's Cephes `expf`: e^x = 2^n e^r with |r| ≤ ln 2 / 2 and a polynomial for e^r; relative error below 2e-7.
    /// Arguments beyond ±87 count as ±87, where the result is still a normal number; NaN stays NaN.
    #[inline(always)]
    fn exp(self) -> Self {
        // Adding 1.5·2^23 rounds to an integer and leaves it in the low bits.
        const ROUND: f32 = 12_582_912.0;
        const LN2_HIGH: f32 = 0.693_359_4;
        const LN2_LOW: f32 = -2.121_944_4e-4;
        let x = self.clamp(-87.0, 87.0);
        let rounded = x * std::f32::consts::LOG2_E + ROUND;
        let n = rounded - ROUND;
        let r = x - n * LN2_HIGH - n * LN2_LOW;
        let mut p = 1.987_569_1e-4;
        for coefficient in [
            1.398_199_9e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            0.166_666_65,
            0.5,
        ] {
            p = p * r + coefficient;
        }
        let exponent = rounded
            .to_bits()
            .wrapping_sub(ROUND.to_bits())
            .wrapping_add(127);
        (p * r * r + r + 1.0) * f32::from_bits(exponent << 23)
    }

    /// Cephes `tanhf`: a polynomial up to 0.625, beyond it 1 − 2/(e^{2|x|} + 1).
    #[inline(always)]
    fn tanh(self) -> Self {
        let square = self * self;
        let mut p = -5.704_988_7e-3;
        for coefficient in [2.063_909e-2, -5.373_971_6e-2, 0.133_314_42, -0.333_332_8] {
            p = p * square + coefficient;
        }
        let near = p * square * self + self;
        let far = (1.0 - 2.0 / (Real::exp(2.0 * self.abs()) + 1.0)).copysign(self);
        if self.abs() < 0.625 { near } else { far }
    }

    #[inline(always)]
    fn multiply_add<const FMA: bool>(self, factor: Self, term: Self) -> Self {
        if FMA {
            self.mul_add(factor, term)
        } else {
            self * factor + term
        }
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        f64::from(value)
    }
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn exp(self) -> Self {
        f64::exp(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    #[inline(always)]
    fn multiply_add<const FMA: bool>(self, factor: Self, term: Self) -> Self {
        if FMA {
            self.mul_add(factor, term)
        } else {
            self * factor + term
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_tanh_agree_with_the_library_in_f64() {
        for i in -870_000..=870_000 {
            let x = i as f32 * 1e-4;
            let exact = f64::from(x).exp();
            assert!(
                (f64::from(Real::exp(x)) / exact - 1.0).abs() < 2e-7,
                "exp({x})"
            );
            let exact = f64::from(x).tanh();
            let error = (f64::from(Real::tanh(x)) - exact).abs();
            assert!(error <= 2e-7 * exact.abs(), "tanh({x}) is off by {error}");
        }
    }

    #[test]
    fn not_a_number_stays_visible() {
        assert!(Real::exp(f32::NAN).is_nan());
        assert!(Real::tanh(f32::NAN).is_nan());
        assert_eq!(Real::tanh(f32::INFINITY), 1.0);
        assert_eq!(Real::tanh(f32::NEG_INFINITY), -1.0);
    }
}
