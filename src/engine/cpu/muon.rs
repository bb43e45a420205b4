//! The orthogonal part of a matrix by Newton and Schulz, as Muon takes it (Jordan 2024).

use super::matmul::{Left, Right, Start, multiply};
use crate::network::optimiser::{NEWTON_SCHULZ, NEWTON_SCHULZ_STEPS, SMALLEST_NORM};

/// About U Vᵀ of a matrix U Σ Vᵀ, row-major [side, side] with `side` a multiple of 16: five times
/// X ← a X + X (b A + c A²) with A = Xᵀ X, from X over its Frobenius norm. Every singular value comes to between 0.7 and 1.2,
/// but for those that are nearly 0.
pub fn orthogonalise(mut x: Vec<f32>, side: usize) -> Vec<f32> {
    let squares = x.iter().map(|x| f64::from(*x) * f64::from(*x));
    let scale = 1.0 / (squares.sum::<f64>().sqrt() as f32).max(SMALLEST_NORM);
    for x in &mut x {
        *x *= scale;
    }
    let shape = (side, side, side);
    let [a, b, c] = NEWTON_SCHULZ;
    let mut gram = vec![0.0; x.len()];
    let mut polynomial = vec![0.0; x.len()];
    let mut next = vec![0.0; x.len()];
    for _ in 0..NEWTON_SCHULZ_STEPS {
        let right = Right::rows(&x, side);
        multiply(
            shape,
            Left::Columns(&x, side),
            right,
            Start::Zero,
            &mut gram,
            side,
        );
        let right = Right::rows(&gram, side);
        multiply(
            shape,
            Left::Rows(&gram, side),
            right,
            Start::Zero,
            &mut polynomial,
            side,
        );
        for (square, gram) in polynomial.iter_mut().zip(&gram) {
            *square = b * gram + c * *square;
        }
        for (next, x) in next.iter_mut().zip(&x) {
            *next = a * x;
        }
        let right = Right::rows(&polynomial, side);
        multiply(
            shape,
            Left::Rows(&x, side),
            right,
            Start::Accumulate,
            &mut next,
            side,
        );
        std::mem::swap(&mut x, &mut next);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::philox::{Stream, normal};

    /// A diagonal matrix stays one, and each entry follows the scalar polynomial: its singular values are known.
    #[test]
    fn singular_values_follow_the_scalar_iteration() {
        let side = 32;
        let mut matrix = vec![0.0; side * side];
        let entries: Vec<f64> = (0..side).map(|i| 0.3 + i as f64).collect();
        for (i, entry) in entries.iter().enumerate() {
            // Not on the diagonal itself, so that a wrong transpose is seen.
            matrix[i * side + (i + 5) % side] = *entry as f32;
        }
        let found = orthogonalise(matrix, side);
        let norm = entries.iter().map(|x| x * x).sum::<f64>().sqrt();
        for (i, entry) in entries.iter().enumerate() {
            let mut x = entry / norm;
            for _ in 0..5 {
                x = 3.4445 * x - 4.7750 * x.powi(3) + 2.0315 * x.powi(5);
            }
            for j in 0..side {
                let expected = if j == (i + 5) % side { x } else { 0.0 };
                let found = f64::from(found[i * side + j]);
                assert!(
                    (found - expected).abs() < 1e-4,
                    "{i}, {j}: {found}, not {expected}"
                );
            }
        }
    }

    /// O of a random matrix: |O z| / |z| lies between the limits of the singular values, and a zero matrix stays zero.
    #[test]
    fn what_comes_is_nearly_orthogonal() {
        let side = 64;
        let matrix: Vec<f32> = (0..(side * side / 2) as u32)
            .flat_map(|i| normal(3, Stream::Forward, 0, i))
            .collect();
        let found = orthogonalise(matrix, side);
        let norm = found.iter().map(|x| x * x).sum::<f32>() / side as f32;
        assert!(
            (0.6..1.3).contains(&norm),
            "mean squared singular value {norm}"
        );
        assert!(
            orthogonalise(vec![0.0; side * side], side)
                .iter()
                .all(|x| *x == 0.0)
        );
    }
}
