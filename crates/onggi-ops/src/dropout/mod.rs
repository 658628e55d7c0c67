//! Dropout: `y = x · mask / (1 − p)`, each element kept with probability `1 − p`; and its kin, which
//! drop channels, samples or blocks, saturate instead of dropping, or add noise.
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

mod alpha;
mod block;
mod group;
mod noise;

pub use alpha::{alpha_dropout, feature_alpha_dropout};
pub use block::drop_block2d;
pub use group::{channel_dropout, drop_path};
pub use noise::gaussian_noise;

use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::dropout as kernel;
use crate::{Key, OpError};
use burn::backend::TensorMetadata;
use burn::tensor::{Tensor, TensorData};
use burn_flex::FlexTensor;

/// The mask's name and what it does to a kept element: `x · scale` where draw `i` of the key is at
/// least `threshold`, else 0.
#[derive(Clone, Copy, Debug)]
struct Dropout {
    threshold: u32,
    scale: f32,
    key: Key,
}

impl Dropout {
    /// On any device, by the kernel's mask, drawn on the host.
    fn composed<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        let (shape, device) = (x.dims(), x.device());
        let ones = vec![1.0; shape.iter().product()];
        let mask = kernel::apply(&ones, self.threshold, 1.0, self.key);
        let mask = Tensor::<D>::from_data(TensorData::new(mask, shape), &device);
        // Not a product with the mask alone: a dropped infinity would become NaN.
        (x * self.scale).mask_fill(mask.equal_elem(0.0), 0.0)
    }

    fn run<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        if has_kernels(&x) {
            fused::apply(self, [x.into_dispatch()]).y()
        } else {
            self.composed(x)
        }
    }

    fn apply(&self, x: &FlexTensor) -> FlexTensor {
        let y = kernel::apply(slice(x), self.threshold, self.scale, self.key);
        tensor(y, x.shape())
    }
}

impl Operation<1> for Dropout {
    type Saved = ();

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, ()) {
        (self.apply(&x), ())
    }

    fn backward(&self, (): (), dy: FlexTensor, _wanted: [bool; 1]) -> [Option<FlexTensor>; 1] {
        [Some(self.apply(&dy))]
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
    Ok(match rate("dropout", p)? {
        Rate::None => x,
        Rate::All => x.zeros_like(),
        Rate::Some { threshold, dropped } => {
            let scale = (1.0 / (1.0 - dropped)) as f32;
            let dropout = Dropout {
                threshold,
                scale,
                key,
            };
            dropout.run(x)
        }
    })
}

/// How many draws drop.
enum Rate {
    None,
    All,
    /// Those below `threshold`: the share `dropped` of them.
    Some {
        threshold: u32,
        dropped: f64,
    },
}

/// The rate that is nearest to the probability `p`.
fn rate(op: &'static str, p: f64) -> Result<Rate, OpError> {
    if !(0.0..=1.0).contains(&p) {
        let (argument, expected) = ("p", "between 0 and 1");
        return Err(OpError::Range {
            op,
            argument,
            expected,
            got: p,
        });
    }
    let all = f64::from(kernel::STEPS);
    let steps = (p * all).round();
    Ok(if steps == 0.0 {
        Rate::None
    } else if steps == all {
        Rate::All
    } else {
        Rate::Some {
            threshold: steps as u32,
            dropped: steps / all,
        }
    })
}

#[cfg(test)]
mod tests;
