//! Orthogonal matrices: every singular value is the gain, so that signals and gradients keep their
//! length through any number of linear layers or recurrent steps.

use super::{FanMode, fan};
use crate::NnError;
use crate::error::check_range;
use burn::tensor::{Device, Tensor, TensorData};
use nalgebra::DMatrix;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// `gain` times a random matrix, uniform over those with orthonormal rows (`out ≤ in · Πk`) or else
/// orthonormal columns, for a weight `[out, in, *k]` as a matrix of `out` rows.
///
/// By the QR decomposition of a normal matrix in `f64`: Q, with its columns' signs chosen so that
/// R's diagonal is positive. Work grows with the longer side and with the square of the shorter.
///
/// # Errors
/// A shape with fewer than two axes, a negative or non-finite gain.
///
/// # Reference
/// Saxe et al., *Exact solutions to the nonlinear dynamics of learning in deep linear neural
/// networks*, 2013; Mezzadri, *How to generate random matrices from the classical compact groups*,
/// 2007.
pub fn orthogonal<const D: usize>(
    shape: [usize; D],
    gain: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<Tensor<D>, NnError> {
    check_range("orthogonal", "gain", gain, 0.0..=f64::MAX)?;
    let (rows, columns) = (
        shape.first().copied().unwrap_or(0),
        fan(&shape, FanMode::FanIn)?,
    );
    let normal = DMatrix::from_fn(rows, columns, |_, _| StandardNormal.sample(rng));
    let matrix = orthonormal(normal);
    // nalgebra's matrices are column by column, tensors row by row.
    let values: Vec<f32> = matrix
        .transpose()
        .iter()
        .map(|&q| (gain * q) as f32)
        .collect();
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}

/// Columns that are made orthogonal at once. Householder's method reads the whole matrix for every
/// column; a block's columns stay in the cache, and the rest is products of matrices.
const BLOCK: usize = 64;

/// The Q of `matrix`, or of its transpose if it is wider than high, transposed back.
fn orthonormal(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let wide = matrix.nrows() < matrix.ncols();
    let mut q = if wide { matrix.transpose() } else { matrix };
    for start in (0..q.ncols()).step_by(BLOCK) {
        let end = (start + BLOCK).min(q.ncols());
        // Gram and Schmidt's method between blocks: in f64, what it loses of the orthogonality of
        // random columns is far below what f32 shows.
        let (done, mut block) = q.columns_range_pair_mut(0..start, start..end);
        let along = done.transpose() * &block;
        block.gemm(-1.0, &done, &along, 1.0);
        let qr = block.clone_owned().qr();
        block.copy_from(&qr.q());
        for (mut column, diagonal) in block.column_iter_mut().zip(qr.r().diagonal().iter()) {
            column *= diagonal.signum();
        }
    }
    if wide { q.transpose() } else { q }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::generator;
    use onggi_ops::testing::{Golden, assert_close, values};

    #[track_caller]
    fn assert_orthonormal<const D: usize>(shape: [usize; D], gain: f64) {
        let w = orthogonal(
            shape,
            gain,
            &mut generator(7),
            &onggi_ops::testing::device(),
        )
        .unwrap();
        assert_eq!(w.dims(), shape);
        let (rows, columns) = (shape[0], shape[1..].iter().product::<usize>());
        let w = w.reshape([rows, columns]) / gain;
        let product = if rows <= columns {
            w.clone().matmul(w.transpose())
        } else {
            w.clone().transpose().matmul(w)
        };
        let expected = super::super::eye(product.dims(), &onggi_ops::testing::device());
        assert_close("product", &values(&product), &values(&expected), 1e-5);
    }

    #[test]
    fn the_shorter_side_is_orthonormal() {
        assert_orthonormal([1, 1], 1.0);
        assert_orthonormal([1, 5], 1.0);
        assert_orthonormal([5, 1], 1.0);
        assert_orthonormal([33, 33], 2f64.sqrt());
        assert_orthonormal([20, 70], 0.5);
        assert_orthonormal([70, 20], 1.0);
        assert_orthonormal([16, 3, 3, 3], 1.0);
        assert_orthonormal([40, 2, 3], 1.0);
        assert_orthonormal([200, 150], 1.0);
        let empty = orthogonal(
            [0, 3],
            1.0,
            &mut generator(1),
            &onggi_ops::testing::device(),
        )
        .unwrap();
        assert_eq!(empty.dims(), [0, 3]);
    }

    #[test]
    fn is_pytorchs_matrix_for_the_same_normal_one() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/init.safetensors"
        );
        let golden = Golden::open(path);
        for case in ["square", "wide", "tall"] {
            let (shape, normal) = golden.raw(&format!("orthogonal.{case}.normal"));
            let normal = normal.into_iter().map(f64::from);
            let q = orthonormal(DMatrix::from_row_iterator(shape[0], shape[1], normal));
            let q: Vec<f32> = q.transpose().iter().map(|&q| q as f32).collect();
            let expected = golden.values(&format!("orthogonal.{case}.q"));
            assert_close(case, &q, &expected, 1e-6);
        }
    }

    #[test]
    fn blocks_give_the_whole_matrix_q() {
        let rng = &mut generator(8);
        let matrix = DMatrix::from_fn(170, 170, |_, _| StandardNormal.sample(rng));
        let qr = matrix.clone().qr();
        assert!(qr.r().diagonal().min() > 0.0);
        assert!((orthonormal(matrix) - qr.q()).amax() < 1e-9);
    }

    #[test]
    fn signs_are_even() {
        // Without the choice of signs the first element would always be negative.
        let first = |seed| {
            let w = orthogonal(
                [4, 4],
                1.0,
                &mut generator(seed),
                &onggi_ops::testing::device(),
            )
            .unwrap();
            values(&w)[0]
        };
        let positive = (0..200).filter(|&seed| first(seed) > 0.0).count();
        assert!((70..=130).contains(&positive), "{positive} of 200");
    }

    #[test]
    fn refuses_a_vector() {
        let (rng, device) = (&mut generator(1), onggi_ops::testing::device());
        assert!(orthogonal([3], 1.0, rng, &device).is_err());
        assert!(orthogonal([3, 3], f64::NAN, rng, &device).is_err());
    }
}
