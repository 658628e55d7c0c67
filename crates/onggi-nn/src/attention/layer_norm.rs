//! Layer normalisation over the last axis, of tensor operations.
// replaced by norm::LayerNorm at merge

use crate::{NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// `y = (x − mean) / √(var + eps) · weight + bias` over the last axis.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Scale.
    pub weight: Param<Tensor<1>>,
    /// Offset.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    eps: f64,
}

/// A layer with weight 1 and bias 0.
pub(super) fn layer_norm(
    size: usize,
    eps: f64,
    bias: bool,
    device: &Device,
) -> Result<LayerNorm, NnError> {
    Ok(LayerNorm {
        weight: init::parameter(Tensor::ones([size], device)),
        bias: bias.then(|| init::parameter(Tensor::zeros([size], device))),
        eps,
    })
}

impl LayerNorm {
    pub(super) fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        let x = x.clone() - x.mean_dim(D - 1);
        let var = x.clone().square().mean_dim(D - 1);
        let y = x / (var + self.eps).sqrt() * self.weight.val().unsqueeze();
        Ok(match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        })
    }
}
