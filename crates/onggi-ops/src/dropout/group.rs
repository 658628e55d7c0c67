//! Dropout of groups: channels of a batch, or whole samples (stochastic depth).
//!
//! `y = x · mask / (1 − p)` with one draw for all elements that share their indices along the first
//! axes. The gradient is the same operation on `dy`.
//!
//! # Reference
//! Tompson et al., *Efficient object localization using convolutional networks*, 2015 (channels);
//! Huang et al., *Deep networks with stochastic depth*, 2016 (samples).

use super::{Rate, rate};
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::{dropout as draw, groups as kernel};
use crate::{Key, OpError};
use burn::backend::TensorMetadata;
use burn::tensor::{Tensor, TensorData};
use burn_flex::FlexTensor;
use std::sync::Arc;

/// One factor for each index of the first axes: 0 or one scale.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    factors: Arc<[f32]>,
}

impl Groups {
    pub(super) fn new(groups: usize, threshold: u32, scale: f32, key: Key) -> Self {
        Self {
            factors: draw::apply(&vec![1.0; groups], threshold, scale, key).into(),
        }
    }

    /// The factors as a tensor that broadcasts over `x`.
    pub(super) fn factors<const D: usize>(&self, x: &Tensor<D>, axes: usize) -> Tensor<D> {
        let mut shape = x.dims();
        shape[axes..].fill(1);
        Tensor::from_data(TensorData::new(self.factors.to_vec(), shape), &x.device())
    }

    /// On any device.
    fn composed<const D: usize>(&self, x: Tensor<D>, axes: usize) -> Tensor<D> {
        let factors = self.factors(&x, axes).expand(x.dims());
        // Not a product alone: a dropped infinity would become NaN.
        (x * factors.clone()).mask_fill(factors.equal_elem(0.0), 0.0)
    }

    pub(super) fn apply<const D: usize>(self, x: Tensor<D>, axes: usize) -> Tensor<D> {
        if has_kernels(&x) {
            fused::apply(self, [x.into_dispatch()]).y()
        } else {
            self.composed(x, axes)
        }
    }

    fn scale(&self, x: &FlexTensor) -> FlexTensor {
        tensor(kernel::scale(slice(x), &self.factors), x.shape())
    }
}

impl Operation<1> for Groups {
    type Saved = ();

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, ()) {
        (self.scale(&x), ())
    }

    fn backward(&self, (): (), dy: FlexTensor, _wanted: [bool; 1]) -> [Option<FlexTensor>; 1] {
        [Some(self.scale(&dy))]
    }
}

/// Sets each channel of each sample to zero with probability `p` and multiplies the others by
/// `1 / (1 − p)`.
///
/// # Shapes
/// `x: (N, C, *)` → the same.
///
/// # Errors
/// `p` outside of `[0, 1]`, or fewer than two axes.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::{Key, dropout::channel_dropout};
///
/// let x = Tensor::<3>::ones([4, 8, 16], &Device::flex());
/// let y = channel_dropout(x, 0.5, Key { seed: 1, stream: 0 })?;
/// let sums = y.sum_dim(2).into_data().try_to_vec::<f32>().expect("f32");
/// assert!(sums.iter().all(|&sum| sum == 0.0 || sum == 32.0));
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Tompson et al., *Efficient object localization using convolutional networks*, 2015.
pub fn channel_dropout<const D: usize>(
    x: Tensor<D>,
    p: f64,
    key: Key,
) -> Result<Tensor<D>, OpError> {
    leading("channel_dropout", x, 2, p, true, key)
}

/// Sets each sample to zero with probability `p`; with `scale_by_keep` the others are multiplied by
/// `1 / (1 − p)`. On the branch of a residual block this is stochastic depth.
///
/// # Shapes
/// `x: (N, *)` → the same.
///
/// # Errors
/// `p` outside of `[0, 1]`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::{Key, dropout::drop_path};
///
/// let x = Tensor::<2>::ones([64, 3], &Device::flex());
/// let y = drop_path(x, 0.25, true, Key { seed: 1, stream: 0 })?;
/// let y = y.into_data().try_to_vec::<f32>().expect("f32");
/// assert!(y.chunks(3).all(|row| row == [0.0; 3] || row == [4.0 / 3.0; 3]));
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Huang et al., *Deep networks with stochastic depth*, 2016.
pub fn drop_path<const D: usize>(
    x: Tensor<D>,
    p: f64,
    scale_by_keep: bool,
    key: Key,
) -> Result<Tensor<D>, OpError> {
    leading("drop_path", x, 1, p, scale_by_keep, key)
}

fn leading<const D: usize>(
    op: &'static str,
    x: Tensor<D>,
    axes: usize,
    p: f64,
    scale_by_keep: bool,
    key: Key,
) -> Result<Tensor<D>, OpError> {
    check_axes(op, &x, axes)?;
    Ok(match rate(op, p)? {
        Rate::None => x,
        Rate::All => x.zeros_like(),
        Rate::Some { threshold, dropped } => {
            let scale = if scale_by_keep {
                (1.0 / (1.0 - dropped)) as f32
            } else {
                1.0
            };
            let groups = x.dims()[..axes].iter().product();
            Groups::new(groups, threshold, scale, key).apply(x, axes)
        }
    })
}

/// An error if `x` has fewer than `axes` axes.
pub(super) fn check_axes<const D: usize>(
    op: &'static str,
    x: &Tensor<D>,
    axes: usize,
) -> Result<(), OpError> {
    if D >= axes {
        return Ok(());
    }
    Err(OpError::Shape {
        op,
        argument: "x",
        expected: "at least two axes (N, C, …)".to_string(),
        got: x.dims().to_vec(),
    })
}

#[cfg(test)]
mod tests;
