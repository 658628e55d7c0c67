//! Convolution: cross-correlation with a bank of kernels.

use super::{check_all, check_groups};
use crate::{NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_ops::conv::{Conv1dOptions, Conv2dOptions, Conv3dOptions, conv1d, conv2d, conv3d};
use onggi_ops::pad::{PadMode, pad};
use rand_chacha::ChaCha8Rng;

/// How many positions are put around the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Padding<const R: usize> {
    /// So many on each side of each axis.
    Each([usize; R]),
    /// As many as keep the input's size; if they are odd, the one more comes behind. For stride 1.
    Same,
}

/// What the positions around the input hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaddingMode {
    /// Zeros.
    #[default]
    Zeros,
    /// The input mirrored at its outermost position.
    Reflect,
    /// The outermost value.
    Replicate,
    /// The input from its other end.
    Circular,
}

/// Configuration of a [`Conv`] over `R` axes.
#[derive(Clone, Debug)]
pub struct ConvConfig<const R: usize> {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Size of the kernel.
    pub kernel_size: [usize; R],
    /// Step of the kernel. Default: 1.
    pub stride: [usize; R],
    /// Positions around the input. Default: 0.
    pub padding: Padding<R>,
    /// Positions from one tap of the kernel to the next. Default: 1.
    pub dilation: [usize; R],
    /// Groups of channels that see only each other. Default: 1.
    pub groups: usize,
    /// Whether a bias is added. Default: yes.
    pub bias: bool,
    /// What the positions around the input hold. Default: zeros.
    pub padding_mode: PaddingMode,
}

/// Configuration of [`Conv1d`].
pub type Conv1dConfig = ConvConfig<1>;
/// Configuration of [`Conv2d`].
pub type Conv2dConfig = ConvConfig<2>;
/// Configuration of [`Conv3d`].
pub type Conv3dConfig = ConvConfig<3>;

impl<const R: usize> ConvConfig<R> {
    /// A kernel of equal sides with stride 1, no padding and a bias.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: usize) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel_size: [kernel_size; R],
            stride: [1; R],
            padding: Padding::Each([0; R]),
            dilation: [1; R],
            groups: 1,
            bias: true,
            padding_mode: PaddingMode::Zeros,
        }
    }

    /// Sets every stride.
    pub fn with_stride(mut self, stride: usize) -> Self {
        self.stride = [stride; R];
        self
    }

    /// Sets every padding.
    pub fn with_padding(mut self, padding: usize) -> Self {
        self.padding = Padding::Each([padding; R]);
        self
    }

    /// Pads so that the output has the input's size.
    pub fn with_same_padding(mut self) -> Self {
        self.padding = Padding::Same;
        self
    }

    /// Sets every dilation.
    pub fn with_dilation(mut self, dilation: usize) -> Self {
        self.dilation = [dilation; R];
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

    /// Sets what the positions around the input hold.
    pub fn with_padding_mode(mut self, padding_mode: PaddingMode) -> Self {
        self.padding_mode = padding_mode;
        self
    }

    fn build<const D: usize>(
        &self,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Conv<R, D>, NnError> {
        let layer = Conv::<R, D>::NAME;
        let channels = [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
        ];
        check_groups(layer, self.groups, channels)?;
        check_all(layer, "kernel_size", self.kernel_size)?;
        check_all(layer, "stride", self.stride)?;
        check_all(layer, "dilation", self.dilation)?;
        let padding = match self.padding {
            Padding::Each(padding) => padding.map(|padding| [padding; 2]),
            Padding::Same if self.stride != [1; R] => {
                let expected = "1 where the padding keeps the input's size";
                let got = format!("{:?}", self.stride);
                return Err(NnError::config(layer, "stride", expected, got));
            }
            Padding::Same => std::array::from_fn(|axis| {
                let whole = self.dilation[axis] * (self.kernel_size[axis] - 1);
                [whole / 2, whole - whole / 2]
            }),
        };
        let per_group = self.in_channels / self.groups;
        let fan_in = per_group * self.kernel_size.iter().product::<usize>();
        let shape = std::array::from_fn(|axis| match axis {
            0 => self.out_channels,
            1 => per_group,
            axis => self.kernel_size[axis - 2],
        });
        let weight = init::default_uniform(shape, fan_in, rng, device);
        let bias = self
            .bias
            .then(|| init::default_uniform([self.out_channels], fan_in, rng, device));
        Ok(Conv {
            weight: init::parameter(weight),
            bias: bias.map(init::parameter),
            stride: self.stride,
            padding,
            dilation: self.dilation,
            groups: self.groups,
            padding_mode: self.padding_mode,
        })
    }
}

impl ConvConfig<1> {
    /// The layer, initialised as PyTorch does: weight and bias uniform in `±1/√fan_in`.
    ///
    /// # Errors
    /// A size, stride or dilation of 0; groups that do not divide the channels; padding to the same
    /// size with a stride above 1.
    pub fn init(&self, rng: &mut ChaCha8Rng, device: &Device) -> Result<Conv1d, NnError> {
        self.build(rng, device)
    }
}

impl ConvConfig<2> {
    /// The layer, initialised as PyTorch does: weight and bias uniform in `±1/√fan_in`.
    ///
    /// # Errors
    /// A size, stride or dilation of 0; groups that do not divide the channels; padding to the same
    /// size with a stride above 1.
    pub fn init(&self, rng: &mut ChaCha8Rng, device: &Device) -> Result<Conv2d, NnError> {
        self.build(rng, device)
    }
}

impl ConvConfig<3> {
    /// The layer, initialised as PyTorch does: weight and bias uniform in `±1/√fan_in`.
    ///
    /// # Errors
    /// A size, stride or dilation of 0; groups that do not divide the channels; padding to the same
    /// size with a stride above 1.
    pub fn init(&self, rng: &mut ChaCha8Rng, device: &Device) -> Result<Conv3d, NnError> {
        self.build(rng, device)
    }
}

/// Convolution over `(N, C, L)`.
pub type Conv1d = Conv<1, 3>;
/// Convolution over `(N, C, H, W)`.
pub type Conv2d = Conv<2, 4>;
/// Convolution over `(N, C, D, H, W)`.
pub type Conv3d = Conv<3, 5>;

/// Cross-correlation of the input with a bank of kernels over `R` axes, of tensors with `D = R + 2`
/// axes; see [`onggi_ops::conv`]:
///
/// `y[n, o, i] = b[o] + Σ_{c, u} w[o, c, u] · x[n, c, i·s + u·d − p]`, in each axis.
#[derive(Module, Debug)]
pub struct Conv<const R: usize, const D: usize> {
    /// `[out_channels, in_channels / groups, *kernel_size]`.
    pub weight: Param<Tensor<D>>,
    /// `[out_channels]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    stride: [usize; R],
    /// Before and behind each axis.
    #[module(skip)]
    padding: [[usize; 2]; R],
    #[module(skip)]
    dilation: [usize; R],
    #[module(skip)]
    groups: usize,
    #[module(skip)]
    padding_mode: PaddingMode,
}

impl<const R: usize, const D: usize> Conv<R, D> {
    const NAME: &'static str = match R {
        1 => "Conv1d",
        2 => "Conv2d",
        _ => "Conv3d",
    };

    /// Step of the kernel.
    pub fn stride(&self) -> [usize; R] {
        self.stride
    }

    /// Positions put before and behind each axis.
    pub fn padding(&self) -> [[usize; 2]; R] {
        self.padding
    }

    /// Positions from one tap of the kernel to the next.
    pub fn dilation(&self) -> [usize; R] {
        self.dilation
    }

    /// Groups of channels that see only each other.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// What the positions around the input hold.
    pub fn padding_mode(&self) -> PaddingMode {
        self.padding_mode
    }

    /// The input with what the operation cannot pad by itself, and what it can.
    fn padded(&self, x: Tensor<D>) -> Result<(Tensor<D>, [usize; R]), NnError> {
        let even = self.padding.iter().all(|[before, behind]| before == behind);
        let mode = match self.padding_mode {
            PaddingMode::Zeros if even => return Ok((x, self.padding.map(|[each, _]| each))),
            PaddingMode::Zeros => PadMode::ZEROS,
            PaddingMode::Reflect => PadMode::Reflect,
            PaddingMode::Replicate => PadMode::Replicate,
            PaddingMode::Circular => PadMode::Circular,
        };
        Ok((pad(x, self.padding, mode)?, [0; R]))
    }

    fn bias(&self) -> Option<Tensor<1>> {
        self.bias.as_ref().map(Param::val)
    }
}

impl Conv1d {
    /// Applies the convolution.
    ///
    /// # Shapes
    /// `x: (N, in_channels, L)` → `(N, out_channels, L')` with
    /// `L' = ⌊(L + 2·padding − dilation·(k − 1) − 1) / stride⌋ + 1`.
    ///
    /// # Errors
    /// Another number of channels, or an input that the kernel or the padding does not fit.
    pub fn forward(&self, x: Tensor<3>) -> Result<Tensor<3>, NnError> {
        let (x, [padding]) = self.padded(x)?;
        let options = Conv1dOptions {
            stride: self.stride[0],
            padding,
            dilation: self.dilation[0],
            groups: self.groups,
        };
        Ok(conv1d(x, self.weight.val(), self.bias(), &options)?)
    }
}

impl Conv2d {
    /// Applies the convolution.
    ///
    /// # Shapes
    /// `x: (N, in_channels, H, W)` → `(N, out_channels, H', W')` with
    /// `H' = ⌊(H + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1`.
    ///
    /// # Errors
    /// Another number of channels, or an image that the kernel or the padding does not fit.
    pub fn forward(&self, x: Tensor<4>) -> Result<Tensor<4>, NnError> {
        let (x, padding) = self.padded(x)?;
        let options = Conv2dOptions {
            stride: self.stride,
            padding,
            dilation: self.dilation,
            groups: self.groups,
        };
        Ok(conv2d(x, self.weight.val(), self.bias(), &options)?)
    }
}

impl Conv3d {
    /// Applies the convolution.
    ///
    /// # Shapes
    /// `x: (N, in_channels, D, H, W)` → `(N, out_channels, D', H', W')` with
    /// `D' = ⌊(D + 2·padding − dilation·(kd − 1) − 1) / stride⌋ + 1`, and so the others.
    ///
    /// # Errors
    /// Another number of channels, or a volume that the kernel or the padding does not fit.
    pub fn forward(&self, x: Tensor<5>) -> Result<Tensor<5>, NnError> {
        let (x, padding) = self.padded(x)?;
        let options = Conv3dOptions {
            stride: self.stride,
            padding,
            dilation: self.dilation,
            groups: self.groups,
        };
        Ok(conv3d(x, self.weight.val(), self.bias(), &options)?)
    }
}
