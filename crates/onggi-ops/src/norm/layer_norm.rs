//! Layer normalisation: each sample by its own mean and variance over the last axes.
//!
//! `y = x̂ · weight + bias` with `x̂ = (x − mean) / √(var + eps)`, mean and biased variance over the
//! `m` values of the normalised axes; weight and bias are one a value. With `g = dy · weight`:
//!
//! ```text
//! dbias   = Σ dy            over the samples
//! dweight = Σ dy · x̂        over the samples
//! dx      = (g − Σ g / m − x̂ · Σ g·x̂ / m) / √(var + eps)    sums over the normalised axes
//! ```
//!
//! # Reference
//! Ba, Kiros and Hinton, *Layer normalization*, 2016.

use super::batch_norm::check_eps;
use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::layer_norm::{self as kernel, Centre};
use crate::kernels::moments::Moments;
use burn::backend::TensorMetadata;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use std::sync::Arc;

/// On any device, of tensor operations whose gradient Burn knows.
mod composed {
    use super::Tensor;

    /// Mean over the last `axes` axes, which stay with size 1.
    pub(in super::super) fn mean<const D: usize>(x: Tensor<D>, axes: usize) -> Tensor<D> {
        (D - axes..D).fold(x, Tensor::mean_dim)
    }

    pub(super) fn layer_norm<const D: usize, const R: usize>(
        x: Tensor<D>,
        weight: Tensor<R>,
        bias: Tensor<R>,
        eps: f64,
    ) -> Tensor<D> {
        let x = x.clone() - mean(x, R);
        let std = (mean(x.clone().square(), R) + eps).sqrt();
        x / std * weight.unsqueeze() + bias.unsqueeze()
    }
}
pub(super) use composed::mean as composed_mean;

/// Of `x`, `weight` and `bias`, by rows of the weight's size.
#[derive(Clone, Debug)]
struct LayerNorm {
    eps: f64,
}

/// What the backward pass of a normalisation by rows needs.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    pub(super) x: FlexTensor,
    pub(super) weight: FlexTensor,
    pub(super) moments: Arc<[Moments]>,
}

impl Saved {
    /// `dx`, and if they are asked for the gradients of weight and bias.
    pub(super) fn backward(
        self,
        dy: &FlexTensor,
        about: (Centre, f64),
        parameters: bool,
    ) -> [Option<FlexTensor>; 3] {
        let (x, weight) = (slice(&self.x), slice(&self.weight));
        let out = kernel::backward(x, slice(dy), weight, &self.moments, about, parameters);
        let shape = self.weight.shape();
        let parameters = out
            .parameters
            .map(|both| both.map(|v| tensor(v, shape.clone())));
        let [dweight, dbias] = parameters.map_or([None, None], |both| both.map(Some));
        [Some(tensor(out.dx, self.x.shape())), dweight, dbias]
    }
}

impl Operation<3> for LayerNorm {
    type Saved = Saved;

    fn forward(&self, [x, weight, bias]: [FlexTensor; 3]) -> (FlexTensor, Saved) {
        let parameters = (slice(&weight), slice(&bias));
        let (y, moments) = kernel::forward(slice(&x), parameters, (Centre::Mean, self.eps));
        let y = tensor(y, x.shape());
        let moments = moments.into();
        (y, Saved { x, weight, moments })
    }

    fn backward(
        &self,
        saved: Saved,
        dy: FlexTensor,
        [_, weight, bias]: [bool; 3],
    ) -> [Option<FlexTensor>; 3] {
        saved.backward(&dy, (Centre::Mean, self.eps), weight || bias)
    }
}

/// Normalises each sample by its own mean and variance over its last axes.
///
/// `y = (x − mean) / √(var + eps) · weight + bias`
///
/// # Shapes
/// `x: (*, normalized_shape)`, `weight, bias: normalized_shape`, each optional → the shape of `x`.
///
/// # Errors
/// An `x` whose last axes are not `normalized_shape`, parameters of another shape, or a negative or
/// non-finite `eps`.
///
/// # Example
/// ```
/// # use burn::tensor::{Device, Tensor};
/// use onggi_ops::norm::layer_norm;
///
/// let x = Tensor::<2>::from_floats([[1.0, 3.0], [10.0, 30.0]], &Device::flex());
/// let y = layer_norm(x, [2], None, None, 0.0)?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().expect("f32"), [-1.0, 1.0, -1.0, 1.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// Ba, Kiros and Hinton, *Layer normalization*, 2016.
pub fn layer_norm<const D: usize, const R: usize>(
    x: Tensor<D>,
    normalized_shape: [usize; R],
    weight: Option<Tensor<R>>,
    bias: Option<Tensor<R>>,
    eps: f64,
) -> Result<Tensor<D>, OpError> {
    let parameters = [("weight", weight.as_ref()), ("bias", bias.as_ref())];
    check("layer_norm", &x, normalized_shape, parameters, eps)?;
    let like = (&x.device(), x.dtype());
    let weight = weight.unwrap_or_else(|| Tensor::ones(normalized_shape, like));
    let bias = bias.unwrap_or_else(|| Tensor::zeros(normalized_shape, like));
    if !has_kernels(&x) {
        return Ok(composed::layer_norm(x, weight, bias, eps));
    }
    let inputs = [
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ];
    Ok(fused::apply(LayerNorm { eps }, inputs).y())
}

/// What layer and root-mean-square normalisation refuse.
pub(super) fn check<const D: usize, const R: usize, const K: usize>(
    op: &'static str,
    x: &Tensor<D>,
    normalized_shape: [usize; R],
    parameters: [(&'static str, Option<&Tensor<R>>); K],
    eps: f64,
) -> Result<(), OpError> {
    if R == 0 || D < R || x.dims()[D - R..] != normalized_shape {
        let expected = match R {
            0 => "a normalized_shape of at least one axis".to_string(),
            _ => format!("{normalized_shape:?} as its last axes"),
        };
        return Err(OpError::Shape {
            op,
            argument: "x",
            expected,
            got: x.dims().to_vec(),
        });
    }
    for (argument, parameter) in parameters {
        if let Some(got) = parameter
            .map(Tensor::dims)
            .filter(|&dims| dims != normalized_shape)
        {
            return Err(OpError::Shape {
                op,
                argument,
                expected: format!("the shape {normalized_shape:?}"),
                got: got.to_vec(),
            });
        }
    }
    check_eps(op, eps)
}

#[cfg(test)]
mod tests;
