//! Embeddings of places, resampled to images of other sizes.

use burn::tensor::{Device, Tensor, TensorData};
use onggi_nn::NnError;

/// Keys's cubic with `a = −1/2`.
fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

/// The matrix `to × from` of a cubic resampling along one axis, by rows: where there are fewer outputs
/// than inputs the cubic is as much wider, which keeps out what the outputs cannot show.
fn weights(from: usize, to: usize) -> Vec<f64> {
    let ratio = from as f64 / to as f64;
    let width = ratio.max(1.0);
    let mut matrix = Vec::with_capacity(to * from);
    for j in 0..to {
        let centre = (j as f64 + 0.5) * ratio;
        let begin = (centre - 2.0 * width + 0.5).max(0.0) as usize;
        let end = ((centre + 2.0 * width + 0.5) as usize).min(from);
        let weight = |i: usize| {
            let inside = (begin..end).contains(&i);
            f64::from(inside) * cubic((i as f64 + 0.5 - centre) / width)
        };
        let row: Vec<f64> = (0..from).map(weight).collect();
        let total: f64 = row.iter().sum();
        matrix.extend(row.into_iter().map(|weight| weight / total));
    }
    matrix
}

/// Embeddings of a class token and of a square of places, for a rectangle of `grid` places: bicubic and
/// antialiased, as Pillow resizes images.
///
/// # Shapes
/// `embedding: (1, 1 + P², C)` → `(1, 1 + grid[0] · grid[1], C)`.
///
/// # Errors
/// Embeddings that are not those of a square; no places.
pub(crate) fn resampled(embedding: Tensor<3>, grid: [usize; 2]) -> Result<Tensor<3>, NnError> {
    let [one, length, width] = embedding.dims();
    let places = length.saturating_sub(1);
    let side = places.isqrt();
    let [height, breadth] = grid;
    if one != 1 || side == 0 || side * side != places || height * breadth == 0 {
        return Err(NnError::Input {
            layer: "position embedding",
            expected: "(1, 1 + P · P, C), for at least one place".into(),
            got: vec![one, length, width, height, breadth],
        });
    }
    if grid == [side; 2] {
        return Ok(embedding);
    }
    let class = embedding.clone().slice([0..1, 0..1, 0..width]);
    let square = embedding.slice([0..1, 1..length, 0..width]);
    let matrix = matrix(side, grid, &square.device());
    let square = matrix.matmul(square.reshape([places, width]));
    let square = square.reshape([1, height * breadth, width]);
    Ok(Tensor::cat(vec![class, square], 1))
}

/// The resampling of both axes as one matrix.
fn matrix(side: usize, [height, breadth]: [usize; 2], device: &Device) -> Tensor<2> {
    let (down, across) = (weights(side, height), weights(side, breadth));
    let mut values = Vec::with_capacity(height * breadth * side * side);
    for i in down.chunks(side) {
        for j in across.chunks(side) {
            for a in i {
                values.extend(j.iter().map(|b| (a * b) as f32));
            }
        }
    }
    let shape = [height * breadth, side * side];
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_constant() {
        for (from, to) in [(14, 4), (14, 24), (3, 1), (1, 5), (14, 13)] {
            for row in weights(from, to).chunks(from) {
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn only_a_square_is_resampled() {
        let device = onggi_ops::testing::device();
        let of = |length, grid| resampled(Tensor::zeros([1, length, 2], &device), grid);
        assert_eq!(of(10, [2, 5]).unwrap().dims(), [1, 11, 2]);
        assert!(of(11, [2, 5]).is_err() && of(1, [1, 1]).is_err());
        assert!(of(10, [0, 5]).is_err());
    }
}
