//! Dropout: `y = x · mask / (1 − p)`, each element kept with probability `1 − p`.
//!
//! The mask is a function of the [`Key`] and of the element's index, so it is drawn again in the
//! backward pass instead of being stored: `dx = dy · mask / (1 − p)` is the same operation on `dy`.
//!
//! `p` is rounded to a multiple of 2⁻¹⁶ (which takes half the random numbers that 2⁻³² would) and
//! the scale is taken from the rounded value, so the expectation of `y` is `x` exactly. A dropped element is 0 whatever `x` holds, infinities and
//! NaN included.
//!
//! # Reference
//! Srivastava et al., *Dropout: a simple way to prevent neural networks from overfitting*, 2014.

use crate::flex::{contiguous, fits_kernels, slice, tensor};
use crate::kernels::dropout as kernel;
use crate::{Key, OpError};
use burn::backend::tensor::{Device, FloatTensor};
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_flex::FlexTensor;

/// Dropout on a back end. The default multiplies by a mask drawn on the host, which has the bits
/// of the kernel's, and runs on any device.
#[backend_extension(Flex, Autodiff)]
pub trait DropoutOps: Backend {
    /// `x · scale` where draw `i` of the stream is at least `threshold`, else 0.
    fn fused_dropout(
        x: FloatTensor<Self>,
        threshold: u32,
        scale: f32,
        seed: u64,
        stream: u64,
    ) -> FloatTensor<Self> {
        composed::<Self>(x, threshold, scale, Key { seed, stream })
    }
}

fn composed<B: Backend>(x: FloatTensor<B>, threshold: u32, scale: f32, key: Key) -> FloatTensor<B> {
    let (shape, device): (_, Device<B>) = (x.shape(), x.device());
    let mask = kernel::apply(&vec![1.0; shape.num_elements()], threshold, 1.0, key);
    let mask = B::float_from_data(TensorData::new(mask, shape), &device);
    // Not a product with the mask alone: a dropped infinity would become NaN.
    let dropped = B::float_equal_elem(mask, 0f32.into(), burn::tensor::BoolDType::Native);
    B::float_mask_fill(B::float_mul_scalar(x, scale.into()), dropped, 0f32.into())
}

impl DropoutOps for Flex {
    fn fused_dropout(
        x: FlexTensor,
        threshold: u32,
        scale: f32,
        seed: u64,
        stream: u64,
    ) -> FlexTensor {
        if !fits_kernels(&x) {
            return composed::<Self>(x, threshold, scale, Key { seed, stream });
        }
        let x = contiguous(x);
        tensor(
            kernel::apply(slice(&x), threshold, scale, Key { seed, stream }),
            x.shape(),
        )
    }
}

/// The drawn mask's name and what it does to a kept element.
#[derive(Clone, Copy, Debug)]
struct Draw {
    threshold: u32,
    scale: f32,
    key: Key,
}

#[derive(Debug)]
struct DropoutBackward;

impl<B: DropoutOps> Backward<B, 1> for DropoutBackward {
    type State = Draw;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let dy = grads.consume::<B>(&ops.node);
        let Draw {
            threshold,
            scale,
            key,
        } = ops.state;
        if let [Some(parent)] = ops.parents {
            let dx = B::fused_dropout(dy, threshold, scale, key.seed, key.stream);
            grads.register::<B>(parent.id, dx);
        }
    }
}

impl<B: DropoutOps, C: CheckpointStrategy> DropoutOps for Autodiff<B, C> {
    fn fused_dropout(
        x: FloatTensor<Self>,
        threshold: u32,
        scale: f32,
        seed: u64,
        stream: u64,
    ) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let y = B::fused_dropout(x.primitive().clone(), threshold, scale, seed, stream);
        match DropoutBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(
                Draw {
                    threshold,
                    scale,
                    key: Key { seed, stream },
                },
                y,
            ),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

/// Sets each element to zero with probability `p` and multiplies the others by `1 / (1 − p)`.
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
/// use onggi_ops::{Key, dropout::dropout};
///
/// let x = Tensor::<1>::ones([1000], &Device::flex());
/// let key = Key { seed: 1, stream: 0 };
/// let y = dropout(x.clone(), 0.25, key)?.into_data().try_to_vec::<f32>().expect("f32");
/// let kept = y.iter().filter(|&&v| v != 0.0).count();
/// assert!((700..800).contains(&kept));
/// assert!(y.iter().all(|&v| v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-6));
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Srivastava et al., *Dropout*, 2014.
///
/// # Differences from PyTorch
/// Which elements are dropped depends on the key alone, not on a global generator.
pub fn dropout<const D: usize>(x: Tensor<D>, p: f64, key: Key) -> Result<Tensor<D>, OpError> {
    if !(0.0..=1.0).contains(&p) {
        let (op, argument, expected) = ("dropout", "p", "between 0 and 1");
        return Err(OpError::Range {
            op,
            argument,
            expected,
            got: p,
        });
    }
    let all = f64::from(kernel::STEPS);
    let steps = (p * all).round();
    if steps == 0.0 {
        return Ok(x);
    }
    if steps == all {
        return Ok(x.zeros_like());
    }
    let scale = (1.0 / (1.0 - steps / all)) as f32;
    let Key { seed, stream } = key;
    let y = Dispatch::fused_dropout(x.into_dispatch(), steps as u32, scale, seed, stream);
    Ok(Tensor::from_dispatch(y))
}

#[cfg(test)]
mod tests;
