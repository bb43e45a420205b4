//! The nonlinearities and their slopes.

use super::real::Real;
use super::simd::{Kernel, dispatch};
use crate::network::layout::Activation;

/// Replace z by act(z) in `values`, and write act'(z) into `slopes` (same length). The slope of ReLU at 0 is 0.
pub fn activate<T: Real>(activation: Activation, values: &mut [T], slopes: &mut [T]) {
    match activation {
        Activation::Silu => dispatch(Map {
            values,
            slopes,
            function: silu,
        }),
        Activation::Gelu => dispatch(Map {
            values,
            slopes,
            function: gelu,
        }),
        Activation::Relu => dispatch(Map {
            values,
            slopes,
            function: relu,
        }),
        Activation::Tanh => dispatch(Map {
            values,
            slopes,
            function: tanh,
        }),
    }
}

struct Map<'a, T, F> {
    values: &'a mut [T],
    slopes: &'a mut [T],
    function: F,
}

impl<T: Real, F: Fn(T) -> (T, T)> Kernel for Map<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const ROWS: usize>(self) {
        for (value, slope) in self.values.iter_mut().zip(self.slopes) {
            (*value, *slope) = (self.function)(*value);
        }
    }
}

/// z σ(z), and σ(z) (1 + z (1 − σ(z))).
#[inline(always)]
fn silu<T: Real>(z: T) -> (T, T) {
    let sigmoid = T::ONE / (T::ONE + (-z).exp());
    (z * sigmoid, sigmoid * (T::ONE + z * (T::ONE - sigmoid)))
}

/// ½ z (1 + tanh u) with u = √(2/π) (z + 0.044715 z³) (Hendrycks & Gimpel 2016).
#[inline(always)]
fn gelu<T: Real>(z: T) -> (T, T) {
    let scale = T::from_f64((2.0 / std::f64::consts::PI).sqrt());
    let cubic = T::from_f64(0.044_715);
    let half = T::from_f64(0.5);
    let square = z * z;
    let tanh = (scale * (z + cubic * square * z)).tanh();
    let du = scale * (T::ONE + T::from_f64(3.0) * cubic * square);
    (
        half * z * (T::ONE + tanh),
        half * (T::ONE + tanh) + half * z * (T::ONE - tanh * tanh) * du,
    )
}

/// max(z, 0), except that NaN stays NaN.
#[inline(always)]
fn relu<T: Real>(z: T) -> (T, T) {
    (
        if z < T::ZERO { T::ZERO } else { z },
        if z > T::ZERO { T::ONE } else { T::ZERO },
    )
}

/// tanh z, and 1 − tanh² z.
#[inline(always)]
fn tanh<T: Real>(z: T) -> (T, T) {
    let tanh = z.tanh();
    (tanh, T::ONE - tanh * tanh)
}
