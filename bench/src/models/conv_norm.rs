//! Convolution without bias and batch normalisation: what the convolutional rows are made of.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi::nn::activation::Activation;
use onggi::nn::conv::{Conv2d, Conv2dConfig};
use onggi::nn::norm::{BatchNorm2d, BatchNormConfig};
use onggi::nn::{Mode, NnError, init};

/// `activation(norm(conv(x)))`, padded by half the kernel.
#[derive(Module, Debug)]
pub(super) struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm2d,
    #[module(skip)]
    activation: Activation,
}

impl ConvNorm {
    pub(super) fn new(
        [inputs, outputs]: [usize; 2],
        [kernel, stride, groups]: [usize; 3],
        activation: Activation,
        device: &Device,
    ) -> Self {
        let conv = Conv2dConfig::new(inputs, outputs, kernel)
            .with_stride(stride)
            .with_padding(kernel / 2)
            .with_groups(groups)
            .with_bias(false);
        Self {
            conv: conv
                .init(&mut init::generator(1), device)
                .expect("valid sizes"),
            norm: BatchNormConfig::new(outputs)
                .init(device)
                .expect("valid sizes"),
            activation,
        }
    }

    pub(super) fn forward(&self, x: Tensor<4>, mode: &Mode) -> Result<Tensor<4>, NnError> {
        let y = self.conv.forward(x)?;
        self.norm.forward_activated(y, mode, self.activation)
    }
}
