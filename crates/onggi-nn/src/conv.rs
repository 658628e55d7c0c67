//! Convolution over images.

use crate::error::check_positive;
use crate::{NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_ops::conv::{Conv2dOptions, conv2d};
use rand_chacha::ChaCha8Rng;

/// Configuration of [`Conv2d`].
#[derive(Clone, Debug)]
pub struct Conv2dConfig {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Height and width of the kernel.
    pub kernel_size: [usize; 2],
    /// Step of the kernel. Default: 1.
    pub stride: [usize; 2],
    /// Zeros around the input, pixels a side. Default: 0.
    pub padding: [usize; 2],
    /// Whether a bias is added. Default: yes.
    pub bias: bool,
}

impl Conv2dConfig {
    /// A square kernel with stride 1, no padding and a bias.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: usize) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel_size: [kernel_size; 2],
            stride: [1; 2],
            padding: [0; 2],
            bias: true,
        }
    }

    /// Sets both strides.
    pub fn with_stride(mut self, stride: usize) -> Self {
        self.stride = [stride; 2];
        self
    }

    /// Sets both paddings.
    pub fn with_padding(mut self, padding: usize) -> Self {
        self.padding = [padding; 2];
        self
    }

    /// Sets whether a bias is added.
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// The layer, initialised as PyTorch does: weight and bias uniform in `±1/√fan_in`.
    ///
    /// # Errors
    /// A size or a stride of 0.
    pub fn init(&self, rng: &mut ChaCha8Rng, device: &Device) -> Result<Conv2d, NnError> {
        let [kh, kw] = self.kernel_size;
        let sizes = [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("kernel_size", kh.min(kw)),
            ("stride", self.stride[0].min(self.stride[1])),
        ];
        for (argument, size) in sizes {
            check_positive("Conv2d", argument, size)?;
        }
        let fan_in = self.in_channels * kh * kw;
        let shape = [self.out_channels, self.in_channels, kh, kw];
        let weight = init::default_uniform(shape, fan_in, rng, device);
        let bias = self
            .bias
            .then(|| init::default_uniform([self.out_channels], fan_in, rng, device));
        Ok(Conv2d {
            weight: init::parameter(weight),
            bias: bias.map(init::parameter),
            stride: self.stride,
            padding: self.padding,
        })
    }
}

/// Cross-correlation of an image with a bank of kernels, see [`onggi_ops::conv::conv2d`]:
///
/// `y[n, o, i, j] = b[o] + Σ_{c, u, v} w[o, c, u, v] · x[n, c, i·s + u − p, j·s + v − p]`.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[out_channels, in_channels, kh, kw]`.
    pub weight: Param<Tensor<4>>,
    /// `[out_channels]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    stride: [usize; 2],
    #[module(skip)]
    padding: [usize; 2],
}

impl Conv2d {
    /// Applies the convolution.
    ///
    /// # Shapes
    /// `x: (N, in_channels, H, W)` → `(N, out_channels, H', W')` with
    /// `H' = ⌊(H + 2·padding − kh) / stride⌋ + 1`.
    ///
    /// # Errors
    /// Another number of channels, or an image that the kernel does not fit into.
    pub fn forward(&self, x: Tensor<4>) -> Result<Tensor<4>, NnError> {
        let options = Conv2dOptions {
            stride: self.stride,
            padding: self.padding,
            ..Conv2dOptions::default()
        };
        let bias = self.bias.as_ref().map(Param::val);
        Ok(conv2d(x, self.weight.val(), bias, &options)?)
    }
}
