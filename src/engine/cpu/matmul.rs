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
        Self {
            data,
            row_stride: stride,
            panel_stride: LANES,
        }
    }

    /// Panels one after another, each [inner, LANES]; `inner` is their full length, of which a product may use less.
    pub fn panels(data: &'a [T], inner: usize) -> Self {
        Self {
            data,
            row_stride: LANES,
            panel_stride: inner * LANES,
        }
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
    let shape = Shape {
        rows,
        inner,
        columns,
    };
    match left {
        Left::Rows(a, a_stride) => dispatch(Product::<T, false> {
            shape,
            a,
            a_stride,
            right,
            start,
            c,
            stride,
        }),
        Left::Columns(a, a_stride) => dispatch(Product::<T, true> {
            shape,
            a,
            a_stride,
            right,
            start,
            c,
            stride,
        }),
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
        let start = match self.start {
            Start::Zero => [Lanes([T::ZERO; LANES]); R],
            Start::Row(values) => [Lanes::read(&values[column..]); R],
            Start::Accumulate => std::array::from_fn(|r| {
                let c = &self.c[(row + r) * self.stride + column..];
                if width == LANES {
                    Lanes::read(c)
                } else {
                    Lanes::read_part(&c[..width])
                }
            }),
        };
        let panel = &self.right.data[column / LANES * self.right.panel_stride..];
        let (a, step): ([&[T]; R], _) = if TRANSPOSED {
            (std::array::from_fn(|r| &self.a[row + r..]), self.a_stride)
        } else {
            (
                std::array::from_fn(|r| &self.a[(row + r) * self.a_stride..][..inner]),
                1,
            )
        };
        let sum = sum_tile::<T, FMA, R>(start, inner, a, step, panel, self.right.row_stride);
        for (r, sum) in sum.iter().enumerate() {
            let c = &mut self.c[(row + r) * self.stride + column..];
            if width == LANES {
                c[..LANES].copy_from_slice(&sum.0);
            } else {
                c[..width].copy_from_slice(&sum.0[..width]);
            }
        }
    }
}

/// One row of a tile. A value of its own, handed in and out whole, so that the compiler keeps it in registers.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Lanes<T>([T; LANES]);

impl<T: Real> Lanes<T> {
    #[inline(always)]
    fn read(from: &[T]) -> Self {
        let from = &from[..LANES];
        Self(std::array::from_fn(|lane| from[lane]))
    }

    #[inline(always)]
    fn read_part(from: &[T]) -> Self {
        let mut lanes = Self([T::ZERO; LANES]);
        lanes.0[..from.len()].copy_from_slice(from);
        lanes
    }

    /// self + a · b.
    #[inline(always)]
    fn plus<const FMA: bool>(mut self, a: T, b: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] = a.multiply_add::<FMA>(b.0[lane], self.0[lane]);
        }
        self
    }
}

/// The sums of a tile; `a` are the rows of A, their elements `step` apart. One slice a row, even where the rows are
/// interleaved: seen as one slice, LLVM vectorises across the rows and scatters the sums.
#[inline(always)]
fn sum_tile<T: Real, const FMA: bool, const R: usize>(
    mut sum: [Lanes<T>; R],
    inner: usize,
    a: [&[T]; R],
    step: usize,
    panel: &[T],
    stride: usize,
) -> [Lanes<T>; R] {
    for p in 0..inner {
        let b = Lanes::read(&panel[p * stride..]);
        for r in 0..R {
            sum[r] = sum[r].plus::<FMA>(a[r][p * step], b);
        }
    }
    sum
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
