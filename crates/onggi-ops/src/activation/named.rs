//! Activations as values: what follows a layer, where that is to be chosen.

use super::{gelu, hardsigmoid, hardswish, relu, sigmoid, silu};
use burn::tensor::Tensor;

/// An activation without settings of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// None: `x`.
    #[default]
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x · relu6(x + 3) / 6`.
    Hardswish,
    /// `relu6(x + 3) / 6`.
    Hardsigmoid,
    /// `1 / (1 + e⁻ˣ)`.
    Sigmoid,
    /// `x · sigmoid(x)`, also called swish.
    Silu,
    /// `x · Φ(x)`, with the standard normal distribution `Φ`.
    Gelu,
}

impl Activation {
    /// Applies it.
    ///
    /// # Shapes
    /// `x: *` → `*`.
    pub fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Identity => x,
            Self::Relu => relu(x),
            // Not by `clamp`, whose slope in Burn is 1 at 0 and at 6.
            Self::Relu6 => {
                let high = x.clone().greater_equal_elem(6.0);
                relu(x).mask_fill(high, 6.0)
            }
            Self::Hardswish => hardswish(x),
            Self::Hardsigmoid => hardsigmoid(x),
            Self::Sigmoid => sigmoid(x),
            Self::Silu => silu(x),
            Self::Gelu => gelu(x),
        }
    }
}
