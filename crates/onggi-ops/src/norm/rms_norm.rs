//! Root-mean-square normalisation: layer normalisation about zero, without a bias.
//!
//! `y = x̂ · weight` with `x̂ = x / √(mean(x²) + eps)`, the mean over the `m` values of the last
//! axes. With `g = dy · weight`:
//!
//! ```text
//! dweight = Σ dy · x̂                                over the samples
//! dx      = (g − x̂ · Σ g·x̂ / m) / √(mean(x²) + eps)    sums over the normalised axes
//! ```
//!
//! # Reference
//! Zhang and Sennrich, *Root mean square layer normalization*, 2019.

use super::layer_norm::{Saved, check, composed_mean as mean};
use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::layer_norm::{self as kernel, Centre};
use burn::backend::TensorMetadata;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

/// On any device, of tensor operations whose gradient Burn knows.
fn composed<const D: usize, const R: usize>(
    x: Tensor<D>,
    weight: Tensor<R>,
    eps: f64,
) -> Tensor<D> {
    let rms = (mean(x.clone().square(), R) + eps).sqrt();
    x / rms * weight.unsqueeze()
}

/// Of `x` and `weight`, by rows of the weight's size.
#[derive(Clone, Debug)]
struct RmsNorm {
    eps: f64,
}

impl Operation<2> for RmsNorm {
    type Saved = Saved;

    fn forward(&self, [x, weight]: [FlexTensor; 2]) -> (FlexTensor, Saved) {
        let scale = slice(&weight);
        let bias = vec![0.0; scale.len()];
        let (y, moments) = kernel::forward(slice(&x), (scale, &bias), (Centre::Zero, self.eps));
        let y = tensor(y, x.shape());
        let moments = moments.into();
        (y, Saved { x, weight, moments })
    }

    fn backward(
        &self,
        saved: Saved,
        dy: FlexTensor,
        [_, weight]: [bool; 2],
    ) -> [Option<FlexTensor>; 2] {
        let [dx, dweight, _] = saved.backward(&dy, (Centre::Zero, self.eps), weight);
        [dx, dweight]
    }
}

/// Divides each sample by the root mean square of its last axes.
///
/// `y = x / √(mean(x²) + eps) · weight`; an `eps` of `None` is the distance from 1 to the next
/// `f32`, 1.19e-7.
///
/// # Shapes
/// `x: (*, normalized_shape)`, `weight: normalized_shape`, optional → the shape of `x`.
///
/// # Errors
/// An `x` whose last axes are not `normalized_shape`, a weight of another shape, or a negative or
/// non-finite `eps`.
///
/// # Example
/// ```
/// # use burn::tensor::{Device, Tensor};
/// use onggi_ops::norm::rms_norm;
///
/// let x = Tensor::<2>::from_floats([[1.0, 7.0]], &Device::flex());
/// let y = rms_norm(x, [2], None, None)?.into_data().try_to_vec::<f32>().expect("f32");
/// assert!((y[0] - 0.2).abs() < 1e-6 && (y[1] - 1.4).abs() < 1e-6);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Zhang and Sennrich, *Root mean square layer normalization*, 2019.
pub fn rms_norm<const D: usize, const R: usize>(
    x: Tensor<D>,
    normalized_shape: [usize; R],
    weight: Option<Tensor<R>>,
    eps: Option<f64>,
) -> Result<Tensor<D>, OpError> {
    let eps = eps.unwrap_or(f64::from(f32::EPSILON));
    let parameters = [("weight", weight.as_ref())];
    check("rms_norm", &x, normalized_shape, parameters, eps)?;
    let like = (&x.device(), x.dtype());
    let weight = weight.unwrap_or_else(|| Tensor::ones(normalized_shape, like));
    if !has_kernels(&x) {
        return Ok(composed(x, weight, eps));
    }
    let inputs = [x.into_dispatch(), weight.into_dispatch()];
    Ok(fused::apply(RmsNorm { eps }, inputs).y())
}

#[cfg(test)]
mod tests;
