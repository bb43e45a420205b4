//! The one matrix product of the engine: C = start + A·B by register tiles.
//!
//! Every product of the network has this form. B comes in panels of [`LANES`] columns; a tile of a few rows of A by
//! one panel is summed up in registers over the whole inner length. The sum of one element of C runs in one fixed
//! order, whatever tile it falls into, so results do not depend on how rows are grouped.

use super::real::Real;
use super::simd::{Kernel, dispatch};

/// Columns of a panel: two AVX2 registers of f32, or one of AVX-512.
pub const LANES: usize = 16;

/// The smallest multiple of [`LANES`] that holds `columns`.
pub const fn padded(columns: usize) -> usize {
    columns.next_multiple_of(LANES)
}

/// The left factor [rows, inner].
#[derive(Clone, Copy)]
pub enum Left<'a, T> {
    /// Row-major; rows `stride` apart.
    Rows(&'a [T], usize),
    /// Stored transposed, as [inner, rows]; its rows `stride` apart.
    Columns(&'a [T], usize),
}

/// The right factor [inner, columns], read in panels of [`LANES`] columns.
#[derive(Clone, Copy)]
pub struct Right<'a, T> {
    data: &'a [T],
    row_stride: usize,
    panel_stride: usize,
}

impl<'a, T> Right<'a, T> {
    /// A row-major matrix whose rows lie `stride` apart; `stride` is a multiple of [`LANES`], and what pads a row is
    /// read but does not reach the result.
    pub fn rows(data: &'a [T], stride: usize) -> Self {
        debug_assert_eq!(stride % LANES, 0);
        Self { data, row_stride: stride, panel_stride: LANES }
    }

    /// Panels one after another, each [inner, LANES]; `inner` is their full length, of which a product may use less.
    pub fn panels(data: &'a [T], inner: usize) -> Self {
        Self { data, row_stride: LANES, panel_stride: inner * LANES }
    }
}

/// What the sum starts from.
#[derive(Clone, Copy)]
pub enum Start<'a, T> {
    /// Zero.
    Zero,
    /// The same row (padded to [`LANES`]) for every row of C: a bias.
    Row(&'a [T]),
    /// What C holds.
    Accumulate,
}

/// C [rows, columns] = start + A [rows, inner] · B [inner, columns]; rows of C lie `stride` apart.
pub fn multiply<T: Real>(
    (rows, inner, columns): (usize, usize, usize),
    left: Left<T>,
    right: Right<T>,
    start: Start<T>,
    c: &mut [T],
    stride: usize,
) {
    let shape = Shape { rows, inner, columns };
    match left {
        Left::Rows(a, a_stride) => dispatch(Product::<T, false> { shape, a, a_stride, right, start, c, stride }),
        Left::Columns(a, a_stride) => dispatch(Product::<T, true> { shape, a, a_stride, right, start, c, stride }),
    }
}

#[derive(Clone, Copy)]
struct Shape {
    rows: usize,
    inner: usize,
    columns: usize,
}

struct Product<'a, T, const TRANSPOSED: bool> {
    shape: Shape,
    a: &'a [T],
    a_stride: usize,
    right: Right<'a, T>,
    start: Start<'a, T>,
    c: &'a mut [T],
    stride: usize,
}

impl<T: Real, const TRANSPOSED: bool> Kernel for Product<'_, T, TRANSPOSED> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const ROWS: usize>(mut self) {
        let Shape { rows, columns, .. } = self.shape;
        for column in (0..columns).step_by(LANES) {
            let mut row = 0;
            while row + ROWS <= rows {
                self.tile::<FMA, ROWS>(row, column);
                row += ROWS;
            }
            while row < rows {
                self.tile::<FMA, 1>(row, column);
                row += 1;
            }
        }
    }
}

impl<T: Real, const TRANSPOSED: bool> Product<'_, T, TRANSPOSED> {
    /// C[row..row + R, column..column + LANES], as far as C reaches.
    #[inline(always)]
    fn tile<const FMA: bool, const R: usize>(&mut self, row: usize, column: usize) {
        let Shape { inner, columns, .. } = self.shape;
        let width = LANES.min(columns - column);
        let mut sum = [[T::ZERO; LANES]; R];
        match self.start {
            Start::Zero => {}
            Start::Row(values) => {
                for sum in &mut sum {
                    sum.copy_from_slice(&values[column..column + LANES]);
                }
            }
            Start::Accumulate => {
                for (r, sum) in sum.iter_mut().enumerate() {
                    let from = (row + r) * self.stride + column;
                    sum[..width].copy_from_slice(&self.c[from..from + width]);
                }
            }
        }
        let panel = &self.right.data[column / LANES * self.right.panel_stride..];
        let panel_rows = panel.chunks(self.right.row_stride).take(inner);
        if TRANSPOSED {
            for (a_row, b_row) in self.a.chunks(self.a_stride).zip(panel_rows) {
                rank_one::<T, FMA, R>(&mut sum, &lanes(&a_row[row..]), &lanes(b_row));
            }
        } else {
            let a: [&[T]; R] = std::array::from_fn(|r| &self.a[(row + r) * self.a_stride..][..inner]);
            for (p, b_row) in panel_rows.enumerate() {
                rank_one::<T, FMA, R>(&mut sum, &std::array::from_fn(|r| a[r][p]), &lanes(b_row));
            }
        }
        for (r, sum) in sum.iter().enumerate() {
            let to = (row + r) * self.stride + column;
            self.c[to..to + width].copy_from_slice(&sum[..width]);
        }
    }
}

/// The first `N` elements.
#[inline(always)]
fn lanes<T: Real, const N: usize>(slice: &[T]) -> [T; N] {
    let slice = &slice[..N];
    std::array::from_fn(|lane| slice[lane])
}

/// sum += a ⊗ b.
#[inline(always)]
fn rank_one<T: Real, const FMA: bool, const R: usize>(sum: &mut [[T; LANES]; R], a: &[T; R], b: &[T; LANES]) {
    for (sum, a) in sum.iter_mut().zip(a) {
        for (sum, b) in sum.iter_mut().zip(b) {
            *sum = a.multiply_add::<FMA>(*b, *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Small integers, so that every order of summation gives the same number.
    fn value(seed: usize, i: usize) -> f32 {
        ((i * 7919 + seed * 104_729) % 13) as f32 - 6.0
    }

    fn matrix(seed: usize, len: usize) -> Vec<f32> {
        (0..len).map(|i| value(seed, i)).collect()
    }

    proptest! {
        /// Against the three-line definition, for odd sizes, both layouts of A and all starts.
        #[test]
        fn product_is_the_definition(
            rows in 1..40_usize, inner in 1..40_usize, columns in 1..70_usize, transposed: bool, start in 0..3_usize,
        ) {
            let a = matrix(1, rows * inner);
            let b_stride = padded(columns);
            let b = matrix(2, inner * b_stride);
            let bias = matrix(3, b_stride);
            let mut c = matrix(4, rows * columns);
            let before = c.clone();
            let (left, start_from) = (
                if transposed { Left::Columns(&a[..], rows) } else { Left::Rows(&a[..], inner) },
                [Start::Zero, Start::Row(&bias[..]), Start::Accumulate][start],
            );
            multiply((rows, inner, columns), left, Right::rows(&b, b_stride), start_from, &mut c, columns);
            for i in 0..rows {
                for j in 0..columns {
                    let mut expected = [0.0, bias[j], before[i * columns + j]][start];
                    for p in 0..inner {
                        let a = if transposed { a[p * rows + i] } else { a[i * inner + p] };
                        expected += a * b[p * b_stride + j];
                    }
                    prop_assert_eq!(c[i * columns + j], expected);
                }
            }
        }
    }
}
