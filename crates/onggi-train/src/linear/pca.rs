//! Principal components: the directions in which rows vary most.

use super::DenseRows;
use crate::TrainError;
use crate::metrics::refuse;
use burn::tensor::{Device, Tensor, TensorData};
use nalgebra::{DMatrix, SymmetricEigen};

const WHAT: &str = "principal components";

/// Most rows or columns, whichever are fewer: the eigenproblem grows with their cube.
const MOST: usize = 8192;

/// The rows by their first `dims` principal components: centred, and projected on the directions of the largest
/// variance, the largest first. Each direction's largest weight in absolute value is positive.
///
/// Eigenvectors of `XᵀX`, or of `XXᵀ` where there are fewer rows than columns, of the centred rows `X`.
///
/// # Errors
/// No components, or more than rows or columns; more than 8,192 of both.
///
/// # Example
/// ```
/// use onggi_train::linear::{DenseRows, principal_components};
///
/// let x = DenseRows::new(vec![0.0, 0.0, 1.0, 1.0, 2.0, 2.0], 2)?;
/// let y = principal_components(&x, 1)?;
/// assert!((y.row(2)[0] - y.row(0)[0] - 8f32.sqrt()).abs() < 1e-5);
/// # Ok::<(), onggi_train::TrainError>(())
/// ```
///
/// # Reference
/// Pearson, "On lines and planes of closest fit to systems of points in space", 1901.
pub fn principal_components(x: &DenseRows, dims: usize) -> Result<DenseRows, TrainError> {
    let (n, f) = (x.rows(), x.columns());
    let side = n.min(f);
    if dims == 0 || dims > side || side > MOST {
        return refuse(WHAT, format!("1 to {} components", side.min(MOST)), dims);
    }
    let mut mean = vec![0.0; f];
    for row in x.values().chunks_exact(f) {
        mean.iter_mut()
            .zip(row)
            .for_each(|(m, &v)| *m += f64::from(v) / n as f64);
    }
    let centred = x.values().chunks_exact(f);
    let centred = centred.flat_map(|row| {
        row.iter()
            .zip(&mean)
            .map(|(&v, m)| (f64::from(v) - m) as f32)
    });
    let data = TensorData::new(centred.collect::<Vec<f32>>(), [n, f]);
    let centred: Tensor<2> = Tensor::from_data(data, &Device::flex());
    let transposed = centred.clone().transpose();
    let few_rows = n < f;
    let products = if few_rows {
        centred.clone().matmul(transposed.clone())
    } else {
        transposed.clone().matmul(centred.clone())
    };
    let products = products.into_data();
    let products = products.iter::<f32>().map(f64::from);
    let eigen = SymmetricEigen::new(DMatrix::from_row_iterator(side, side, products));
    let mut order: Vec<usize> = (0..side).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let mut directions = Vec::with_capacity(dims * side);
    for &place in order.iter().take(dims) {
        directions.extend(eigen.eigenvectors.column(place).iter().map(|&v| v as f32));
    }
    let data = TensorData::new(directions, [dims, side]);
    let mut directions: Tensor<2> = Tensor::from_data(data, &Device::flex());
    if few_rows {
        // From combinations of rows to directions among the columns.
        directions = directions.matmul(centred.clone());
    }
    let mut values: Vec<f32> = directions.into_data().iter::<f32>().collect();
    for direction in values.chunks_exact_mut(f) {
        let length: f64 = direction.iter().map(|&v| f64::from(v).powi(2)).sum();
        let largest = direction
            .iter()
            .fold(0f32, |m, &v| if v.abs() > m.abs() { v } else { m });
        // A direction without variance stays zero.
        let scale = if length > 0.0 {
            f64::from(largest.signum()) / length.sqrt()
        } else {
            0.0
        };
        direction
            .iter_mut()
            .for_each(|v| *v = (f64::from(*v) * scale) as f32);
    }
    let directions: Tensor<2> =
        Tensor::from_data(TensorData::new(values, [dims, f]), &Device::flex());
    let out = centred.matmul(directions.transpose()).into_data();
    DenseRows::new(out.iter::<f32>().collect(), dims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(i: usize) -> f32 {
        ((i * 7919 + 13) % 1009) as f32 / 1009.0 - 0.5
    }

    /// A plane in five dimensions: two components hold all distances, in either shape of the matrix.
    #[test]
    fn a_plane_is_found() {
        for n in [4, 60] {
            let row = |i: usize| {
                let (a, b) = (noise(i), noise(i * 31 + 7));
                [a + b, a - b, 3.0 * a, 0.5 * b + 2.0, 7.0]
            };
            let x = DenseRows::new((0..n).flat_map(row).collect(), 5).unwrap();
            let y = principal_components(&x, 2).unwrap();
            let distance = |rows: &DenseRows, i: usize, j: usize| -> f32 {
                let pairs = rows.row(i).iter().zip(rows.row(j));
                pairs.map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
            };
            for i in 1..n {
                assert!(
                    (distance(&x, 0, i) - distance(&y, 0, i)).abs() < 1e-4,
                    "{n} rows, row {i}"
                );
            }
            let variance = |place: usize| (0..n).map(|i| y.row(i)[place].powi(2)).sum::<f32>();
            assert!(variance(0) >= variance(1));
        }
    }

    #[test]
    fn too_many_are_refused() {
        let x = DenseRows::new(vec![0.0, 1.0, 2.0, 3.0], 2).unwrap();
        assert!(principal_components(&x, 3).is_err() && principal_components(&x, 0).is_err());
    }
}
