//! Linear and bilinear layers.

use crate::error::check_positive;
use crate::{NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_ops::linear::linear;
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
    /// Maps the last axis, see [`onggi_ops::linear`](mod@onggi_ops::linear).
    ///
    /// # Shapes
    /// `x: (*, in_features)` → `(*, out_features)`.
    ///
    /// # Errors
    /// A last axis of another size.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        let [_, in_features] = self.weight.dims();
        if x.dims().last() != Some(&in_features) {
            let expected = format!("(*, {in_features})");
            return Err(NnError::Input {
                layer: "Linear",
                expected,
                got: x.dims().to_vec(),
            });
        }
        let bias = self.bias.as_ref().map(Param::val);
        Ok(linear(x, self.weight.val(), bias)?)
    }
}

/// Configuration of [`Bilinear`].
#[derive(Clone, Debug)]
pub struct BilinearConfig {
    /// Size of each row of the first input.
    pub in1_features: usize,
    /// Size of each row of the second input.
    pub in2_features: usize,
    /// Size of each output row.
    pub out_features: usize,
    /// Whether a bias is added. Default: yes.
    pub bias: bool,
}

impl BilinearConfig {
    /// A layer with a bias.
    pub fn new(in1_features: usize, in2_features: usize, out_features: usize) -> Self {
        Self {
            in1_features,
            in2_features,
            out_features,
            bias: true,
        }
    }

    /// The layer, initialised as PyTorch does: weight and bias uniform in `±1/√in1_features`.
    ///
    /// # Errors
    /// A size of 0.
    pub fn init(&self, rng: &mut ChaCha8Rng, device: &Device) -> Result<Bilinear, NnError> {
        let shape = [self.out_features, self.in1_features, self.in2_features];
        let names = ["out_features", "in1_features", "in2_features"];
        for (argument, size) in names.into_iter().zip(shape) {
            check_positive("Bilinear", argument, size)?;
        }
        let fan_in = self.in1_features;
        let weight = init::parameter(init::default_uniform(shape, fan_in, rng, device));
        let bias = self
            .bias
            .then(|| init::default_uniform([self.out_features], fan_in, rng, device));
        Ok(Bilinear {
            weight,
            bias: bias.map(init::parameter),
        })
    }
}

/// `y_o = x1ᵀ · W_o · x2 + b_o`.
#[derive(Module, Debug)]
pub struct Bilinear {
    /// `[out_features, in1_features, in2_features]`.
    pub weight: Param<Tensor<3>>,
    /// `[out_features]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl Bilinear {
    /// Applies the layer to each pair of rows: a linear map of their outer product.
    ///
    /// # Shapes
    /// `x1: (*, in1_features)`, `x2: (*, in2_features)` → `(*, out_features)`.
    ///
    /// # Errors
    /// A last axis of another size, or inputs whose other axes differ.
    pub fn forward<const D: usize>(
        &self,
        x1: Tensor<D>,
        x2: Tensor<D>,
    ) -> Result<Tensor<D>, NnError> {
        let [outputs, in1, in2] = self.weight.dims();
        let mut shape = x1.dims();
        let rows: usize = shape.iter().rev().skip(1).product();
        let refuse = |size: usize, got: &[usize]| NnError::Input {
            layer: "Bilinear",
            expected: format!("(*, {size}), with the same axes before the last for both"),
            got: got.to_vec(),
        };
        if shape.last() != Some(&in1) {
            return Err(refuse(in1, &shape));
        }
        shape[D - 1] = in2;
        if x2.dims() != shape {
            return Err(refuse(in2, &x2.dims()));
        }
        shape[D - 1] = outputs;
        // To `reshape`, a 0 is the old size of that axis.
        if rows == 0 {
            return Ok(Tensor::zeros(shape, (&x1.device(), x1.dtype())));
        }
        let outer = x1.reshape([rows, in1, 1]) * x2.reshape([rows, 1, in2]);
        let weight = self.weight.val().reshape([outputs, in1 * in2]);
        let bias = self.bias.as_ref().map(Param::val);
        let y = linear(outer.reshape([rows, in1 * in2]), weight, bias)?;
        Ok(y.reshape(shape))
    }
}
