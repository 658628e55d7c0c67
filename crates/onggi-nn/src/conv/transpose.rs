//! Transposed convolution.

use super::{check_all, check_groups};
use crate::{NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_ops::conv::{
    ConvTranspose1dOptions, ConvTranspose2dOptions, conv_transpose1d, conv_transpose2d,
};
use rand_chacha::ChaCha8Rng;

/// Configuration of a [`ConvTranspose`] over `R` axes.
#[derive(Clone, Debug)]
pub struct ConvTransposeConfig<const R: usize> {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Size of the kernel.
    pub kernel_size: [usize; R],
    /// Output positions from one place of the kernel to the next. Default: 1.
    pub stride: [usize; R],
    /// Positions that are cut off the output, on each side. Default: 0.
    pub padding: [usize; R],
    /// Positions that the output gets behind. Default: 0.
    pub output_padding: [usize; R],
    /// Groups of channels that see only each other. Default: 1.
    pub groups: usize,
    /// Whether a bias is added. Default: yes.
    pub bias: bool,
    /// Positions from one tap of the kernel to the next. Default: 1.
    pub dilation: [usize; R],
}

/// Configuration of [`ConvTranspose1d`].
pub type ConvTranspose1dConfig = ConvTransposeConfig<1>;
/// Configuration of [`ConvTranspose2d`].
pub type ConvTranspose2dConfig = ConvTransposeConfig<2>;

impl<const R: usize> ConvTransposeConfig<R> {
    /// A kernel of equal sides with stride 1, no padding and a bias.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: usize) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel_size: [kernel_size; R],
            stride: [1; R],
            padding: [0; R],
            output_padding: [0; R],
            groups: 1,
            bias: true,
            dilation: [1; R],
        }
    }

    /// Sets every stride.
    pub fn with_stride(mut self, stride: usize) -> Self {
        self.stride = [stride; R];
        self
    }

    /// Sets every padding.
    pub fn with_padding(mut self, padding: usize) -> Self {
        self.padding = [padding; R];
        self
    }

    /// Sets every output padding.
    pub fn with_output_padding(mut self, output_padding: usize) -> Self {
        self.output_padding = [output_padding; R];
        self
    }

    /// Sets the number of groups.
    pub fn with_groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// Sets whether a bias is added.
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets every dilation.
    pub fn with_dilation(mut self, dilation: usize) -> Self {
        self.dilation = [dilation; R];
        self
    }

    fn build<const D: usize>(
        &self,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<ConvTranspose<R, D>, NnError> {
        let layer = ConvTranspose::<R, D>::NAME;
        let channels = [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
        ];
        check_groups(layer, self.groups, channels)?;
        check_all(layer, "kernel_size", self.kernel_size)?;
        check_all(layer, "stride", self.stride)?;
        check_all(layer, "dilation", self.dilation)?;
        for axis in 0..R {
            let limit = self.stride[axis].max(self.dilation[axis]);
            if self.output_padding[axis] >= limit {
                let expected = format!("below {limit}, the stride or the dilation");
                let got = self.output_padding[axis];
                return Err(NnError::config(layer, "output_padding", expected, got));
            }
        }
        let per_group = self.out_channels / self.groups;
        let fan_in = per_group * self.kernel_size.iter().product::<usize>();
        let shape = std::array::from_fn(|axis| match axis {
            0 => self.in_channels,
            1 => per_group,
            axis => self.kernel_size[axis - 2],
        });
        let weight = init::default_uniform(shape, fan_in, rng, device);
        let bias = self
            .bias
            .then(|| init::default_uniform([self.out_channels], fan_in, rng, device));
        Ok(ConvTranspose {
            weight: init::parameter(weight),
            bias: bias.map(init::parameter),
            stride: self.stride,
            padding: self.padding,
            output_padding: self.output_padding,
            dilation: self.dilation,
            groups: self.groups,
        })
    }
}

impl ConvTransposeConfig<1> {
    /// The layer, initialised as PyTorch does: weight and bias uniform in `±1/√fan_in`, where the
    /// fan counts the *output's* channels of a group, as of a convolution with this weight.
    ///
    /// # Errors
    /// A size, stride or dilation of 0; groups that do not divide the channels; an output padding
    /// that is neither below the stride nor below the dilation.
    pub fn init(&self, rng: &mut ChaCha8Rng, device: &Device) -> Result<ConvTranspose1d, NnError> {
        self.build(rng, device)
    }
}

impl ConvTransposeConfig<2> {
    /// The layer, initialised as PyTorch does: weight and bias uniform in `±1/√fan_in`, where the
    /// fan counts the *output's* channels of a group, as of a convolution with this weight.
    ///
    /// # Errors
    /// A size, stride or dilation of 0; groups that do not divide the channels; an output padding
    /// that is neither below the stride nor below the dilation.
    pub fn init(&self, rng: &mut ChaCha8Rng, device: &Device) -> Result<ConvTranspose2d, NnError> {
        self.build(rng, device)
    }
}

/// Transposed convolution over `(N, C, L)`.
pub type ConvTranspose1d = ConvTranspose<1, 3>;
/// Transposed convolution over `(N, C, H, W)`.
pub type ConvTranspose2d = ConvTranspose<2, 4>;

/// Transposed convolution over `R` axes, of tensors with `D = R + 2` axes; see
/// [`onggi_ops::conv::conv_transpose2d`]:
///
/// `y[n, o, i·s + u·d − p] = b[o] + Σ_{c, u} w[c, o, u] · x[n, c, i]`, in each axis.
#[derive(Module, Debug)]
pub struct ConvTranspose<const R: usize, const D: usize> {
    /// `[in_channels, out_channels / groups, *kernel_size]`.
    pub weight: Param<Tensor<D>>,
    /// `[out_channels]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    stride: [usize; R],
    #[module(skip)]
    padding: [usize; R],
    #[module(skip)]
    output_padding: [usize; R],
    #[module(skip)]
    dilation: [usize; R],
    #[module(skip)]
    groups: usize,
}

impl<const R: usize, const D: usize> ConvTranspose<R, D> {
    const NAME: &'static str = match R {
        1 => "ConvTranspose1d",
        _ => "ConvTranspose2d",
    };
}

impl ConvTranspose1d {
    /// Applies the transposed convolution.
    ///
    /// # Shapes
    /// `x: (N, in_channels, L)` → `(N, out_channels, L')` with
    /// `L' = (L − 1)·stride − 2·padding + dilation·(k − 1) + output_padding + 1`.
    ///
    /// # Errors
    /// Another number of channels, an empty input, an output without positions.
    pub fn forward(&self, x: Tensor<3>) -> Result<Tensor<3>, NnError> {
        let options = ConvTranspose1dOptions {
            stride: self.stride[0],
            padding: self.padding[0],
            output_padding: self.output_padding[0],
            dilation: self.dilation[0],
            groups: self.groups,
        };
        let bias = self.bias.as_ref().map(Param::val);
        Ok(conv_transpose1d(x, self.weight.val(), bias, &options)?)
    }
}

impl ConvTranspose2d {
    /// Applies the transposed convolution.
    ///
    /// # Shapes
    /// `x: (N, in_channels, H, W)` → `(N, out_channels, H', W')` with
    /// `H' = (H − 1)·stride − 2·padding + dilation·(kh − 1) + output_padding + 1`.
    ///
    /// # Errors
    /// Another number of channels, an empty image, an output without pixels.
    pub fn forward(&self, x: Tensor<4>) -> Result<Tensor<4>, NnError> {
        let options = ConvTranspose2dOptions {
            stride: self.stride,
            padding: self.padding,
            output_padding: self.output_padding,
            dilation: self.dilation,
            groups: self.groups,
        };
        let bias = self.bias.as_ref().map(Param::val);
        Ok(conv_transpose2d(x, self.weight.val(), bias, &options)?)
    }
}
