//! Linear layer.

use crate::error::check_positive;
use crate::{NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

/// Configuration of [`Linear`].
#[derive(Clone, Debug)]
pub struct LinearConfig {
    /// Size of each input row.
    pub in_features: usize,
    /// Size of each output row.
    pub out_features: usize,
    /// Whether a bias is added. Default: yes.
    pub bias: bool,
}

impl LinearConfig {
    /// A layer with a bias.
    pub fn new(in_features: usize, out_features: usize) -> Self {
        Self {
            in_features,
            out_features,
            bias: true,
        }
    }

    /// The layer, initialised as PyTorch does: weight and bias uniform in `±1/√in_features`.
    ///
    /// # Errors
    /// A size of 0.
    pub fn init(&self, rng: &mut ChaCha8Rng, device: &Device) -> Result<Linear, NnError> {
        let (fan_in, fan_out) = (self.in_features, self.out_features);
        check_positive("Linear", "in_features", fan_in)?;
        check_positive("Linear", "out_features", fan_out)?;
        let mut draw = |shape| init::default_uniform(shape, fan_in, rng, device);
        let weight = init::parameter(draw([fan_out, fan_in]));
        let bias = self.bias.then(|| draw([1, fan_out]).reshape([fan_out]));
        Ok(Linear {
            weight,
            bias: bias.map(init::parameter),
        })
    }
}

/// `y = x · Wᵀ + b`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out_features, in_features]`.
    pub weight: Param<Tensor<2>>,
    /// `[out_features]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// Applies the layer to each row.
    ///
    /// # Shapes
    /// `x: (N, in_features)` → `(N, out_features)`.
    ///
    /// # Errors
    /// Rows of another size.
    pub fn forward(&self, x: Tensor<2>) -> Result<Tensor<2>, NnError> {
        let [_, in_features] = self.weight.dims();
        if x.dims()[1] != in_features {
            let expected = format!("(N, {in_features})");
            return Err(NnError::Input {
                layer: "Linear",
                expected,
                got: x.dims().to_vec(),
            });
        }
        let y = x.matmul(self.weight.val().transpose());
        Ok(match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        })
    }
}
