//! Vectors and matrices as the parity vector needs them.

/// The scalar product of two vectors.
pub(in crate::detect) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor; false if the matrix is not
/// positive definite.
pub(super) fn cholesky(matrix: &mut [Vec<f64>]) -> bool {
    for i in 0..matrix.len() {
        for k in 0..=i {
            let mut value = matrix[i][k];
            for j in 0..k {
                value -= matrix[i][j] * matrix[k][j];
            }
            if i == k {
                if value <= 0.0 {
                    return false;
                }
                matrix[i][i] = value.sqrt();
            } else {
                matrix[i][k] = value / matrix[k][k];
            }
        }
    }
    true
}
