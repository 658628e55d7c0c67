//! What a batch becomes for a model.

use crate::TrainError;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// A type that a model is fed with, made from a batch's numbers.
pub trait Input: Sized {
    /// A batch of `shape` `(N, …)`, whose `values` lie in row-major order.
    ///
    /// # Errors
    /// Values or a shape that the type cannot hold.
    fn from_batch(values: Vec<f32>, shape: Vec<usize>, device: &Device)
    -> Result<Self, TrainError>;
}

/// Images `(N, C, H, W)`, rows of a table `(N, F)`, and whatever else is made of numbers.
impl<const D: usize> Input for Tensor<D> {
    fn from_batch(
        values: Vec<f32>,
        shape: Vec<usize>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        check_axes::<D>(&shape)?;
        Ok(Self::from_data(TensorData::new(values, shape), device))
    }
}

/// Sequences of token ids `(N, L)`, padded by their data set. Ids are whole numbers below 2²⁴, which
/// `f32` holds exactly.
impl Input for Tensor<2, Int> {
    fn from_batch(
        values: Vec<f32>,
        shape: Vec<usize>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        check_axes::<2>(&shape)?;
        let whole = |id: &&f32| id.fract() != 0.0 || !(0.0..16_777_216.0).contains(*id);
        if let Some(id) = values.iter().find(whole) {
            let expected = "a whole number from 0 to 16,777,215";
            return Err(TrainError::setting("token id", expected, id));
        }
        let ids: Vec<i64> = values.into_iter().map(|id| id as i64).collect();
        Ok(Self::from_data(TensorData::new(ids, shape), device))
    }
}

fn check_axes<const D: usize>(shape: &[usize]) -> Result<(), TrainError> {
    if shape.len() == D {
        return Ok(());
    }
    Err(TrainError::Shape {
        expected: D,
        got: shape.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_whole_numbers() {
        let device = Device::flex();
        let tokens = |values| <Tensor<2, Int>>::from_batch(values, vec![1, 2], &device);
        let ids: Vec<i64> = tokens(vec![3.0, 0.0])
            .unwrap()
            .into_data()
            .iter::<i64>()
            .collect();
        assert_eq!(ids, [3, 0]);
        for bad in [0.5, -1.0, f32::NAN, 2e7] {
            assert!(tokens(vec![0.0, bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn another_number_of_axes_is_an_error() {
        let error = <Tensor<4>>::from_batch(vec![0.0; 2], vec![1, 2], &Device::flex());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("4 axes"), "{error}");
    }
}
