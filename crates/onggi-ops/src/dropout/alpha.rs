//! Alpha dropout, for networks that keep their activations at mean 0 and variance 1 (SELU).
//!
//! A dropped element becomes `α' = −λα`, the value that SELU saturates at, and an affine map gives
//! the result mean 0 and variance 1 again if the input had them:
//!
//! ```text
//! y = a · (x · mask + α' · (1 − mask)) + b
//! a = 1 / √((1 − p)(1 + p α'²))        b = −a · p · α'
//! ```
//!
//! # Reference
//! Klambauer et al., *Self-normalizing neural networks*, 2017.

use super::group::{Groups, check_axes};
use super::{Dropout, Rate, rate};
use crate::kernels::dropout as kernel;
use crate::{Key, OpError};
use burn::tensor::{Tensor, TensorData};

/// SELU's limit for large negative inputs, `−λα`.
const SATURATION: f64 = -1.758_099_340_847_376_6;

/// What becomes of an element: `x · scale + kept`, or `dropped`.
struct Affine {
    scale: f32,
    kept: f32,
    dropped: f32,
}

impl Affine {
    /// For the share `p` of dropped elements.
    fn new(p: f64) -> Self {
        let a = 1.0 / ((1.0 - p) * (1.0 + p * SATURATION * SATURATION)).sqrt();
        let b = -a * p * SATURATION;
        Self {
            scale: a as f32,
            kept: b as f32,
            dropped: (a * SATURATION + b) as f32,
        }
    }
}

/// Sets each element to SELU's saturation value with probability `p`, and scales and shifts so that
/// mean 0 and variance 1 are kept.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Errors
/// `p` outside of `[0, 1]`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::{Key, dropout::alpha_dropout};
///
/// let x = Tensor::<1>::zeros([1000], &Device::flex());
/// let y = alpha_dropout(x, 0.5, Key { seed: 1, stream: 0 })?;
/// // a = 0.8865, b = 0.7793: kept zeros become b, dropped ones b − 1.7581 a.
/// let y = y.into_data().try_to_vec::<f32>().expect("f32");
/// assert!(y.iter().all(|y| (y.abs() - 0.7793).abs() < 1e-3));
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Klambauer et al., *Self-normalizing neural networks*, 2017.
///
/// # Differences from PyTorch
/// Which elements are dropped depends on the key alone, not on a global generator.
pub fn alpha_dropout<const D: usize>(x: Tensor<D>, p: f64, key: Key) -> Result<Tensor<D>, OpError> {
    Ok(match rate("alpha_dropout", p)? {
        Rate::None => x,
        Rate::All => x.zeros_like(),
        Rate::Some { threshold, dropped } => {
            let to = Affine::new(dropped);
            let ones = vec![1.0; x.dims().iter().product()];
            // b for kept elements, else the saturation value: in two steps, as the draw gives 0.
            let mut offset = kernel::apply(&ones, threshold, 1.0, key);
            for offset in &mut offset {
                *offset = if *offset == 0.0 { to.dropped } else { to.kept };
            }
            let offset = Tensor::from_data(TensorData::new(offset, x.dims()), &x.device());
            let dropout = Dropout {
                threshold,
                scale: to.scale,
                key,
            };
            dropout.run(x) + offset
        }
    })
}

/// [`alpha_dropout`] of whole channels: one draw for each sample and channel.
///
/// # Shapes
/// `x: (N, C, *)` → the same.
///
/// # Errors
/// `p` outside of `[0, 1]`, or fewer than two axes.
///
/// # Reference
/// Klambauer et al., *Self-normalizing neural networks*, 2017.
pub fn feature_alpha_dropout<const D: usize>(
    x: Tensor<D>,
    p: f64,
    key: Key,
) -> Result<Tensor<D>, OpError> {
    let op = "feature_alpha_dropout";
    check_axes(op, &x, 2)?;
    Ok(match rate(op, p)? {
        Rate::None => x,
        Rate::All => x.zeros_like(),
        Rate::Some { threshold, dropped } => {
            let to = Affine::new(dropped);
            let groups = Groups::new(x.dims()[..2].iter().product(), threshold, to.scale, key);
            let factors = groups.factors(&x, 2);
            let offset = factors.full_like(to.kept);
            let offset = offset.mask_fill(factors.equal_elem(0.0), to.dropped);
            groups.apply(x, 2) + offset
        }
    })
}

#[cfg(test)]
mod tests;
