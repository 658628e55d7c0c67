//! Dropout of square blocks of an image's features.
//!
//! Each place where a block fits into the plane starts one with probability
//! `γ = p · HW / (b² (H − b + 1)(W − b + 1))`, which would drop the share `p` if blocks never
//! overlapped. With `mask` 0 in the blocks and 1 elsewhere,
//!
//! ```text
//! y = x · mask · numel(mask) / (1e-6 + Σ mask)
//! ```
//!
//! # Reference
//! Ghiasi, Lin and Le, *DropBlock: a regularization method for convolutional networks*, 2018.

use super::rate;
use crate::kernels::drop_block::{self as kernel, Dims};
use crate::{Key, OpError};
use burn::tensor::{Tensor, TensorData};

/// Drops square blocks of `block_size` pixels a side (at most the image's), so many that the share
/// of dropped elements is about `p`, and scales the others by the share that was kept.
///
/// # Shapes
/// `x: (N, C, H, W)` → the same.
///
/// # Errors
/// `p` outside of `[0, 1]`, or a block of no size.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::{Key, dropout::drop_block2d};
///
/// let x = Tensor::<4>::ones([2, 4, 16, 16], &Device::flex());
/// let y = drop_block2d(x, 0.2, 3, Key { seed: 1, stream: 0 })?;
/// // The mean stays where it was.
/// assert!((y.mean().into_scalar::<f32>() - 1.0).abs() < 1e-5);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Ghiasi, Lin and Le, *DropBlock*, 2018; `torchvision.ops.drop_block2d`.
///
/// # Differences from PyTorch
/// torchvision's blocks must have an odd side; these may have an even one.
pub fn drop_block2d(
    x: Tensor<4>,
    p: f64,
    block_size: usize,
    key: Key,
) -> Result<Tensor<4>, OpError> {
    let op = "drop_block2d";
    rate(op, p)?;
    if block_size == 0 {
        let (argument, expected) = ("block_size", "at least 1");
        return Err(OpError::Range {
            op,
            argument,
            expected,
            got: 0.0,
        });
    }
    let [n, c, height, width] = x.dims();
    let numel = n * c * height * width;
    if p == 0.0 || numel == 0 {
        return Ok(x);
    }
    let block = block_size.min(height).min(width);
    let starts = (height - block + 1) * (width - block + 1);
    let gamma = p * (height * width) as f64 / (block * block * starts) as f64;
    let dims = Dims {
        planes: n * c,
        height,
        width,
        block,
    };
    // The cast saturates: γ = 1 leaves out one draw of 2³².
    let threshold = (gamma * 2f64.powi(32)) as u32;
    let (mask, kept) = kernel::mask(dims, threshold, key);
    let scale = numel as f64 / (1e-6 + kept as f64);
    let mask = Tensor::from_data(TensorData::new(mask, x.dims()), &x.device());
    Ok(x * mask.mul_scalar(scale))
}

#[cfg(test)]
mod tests;
