//! Feature pyramid network: maps of several scales, each told of the coarser ones, with torchvision's
//! names.
//!
//! # Reference
//! Lin et al., *Feature pyramid networks for object detection*, 2017.

use crate::layers::padded;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_nn::NnError;
use onggi_nn::conv::Conv2d;
use onggi_nn::init::{self, FanMode, Nonlinearity, Rule};
use onggi_ops::interpolate::{Interpolation, Size, interpolate};
use rand_chacha::ChaCha8Rng;

/// A pyramid on maps of falling size, such as `layer1` to `layer4` of a [`ResNet`](crate::ResNet):
///
/// ```text
/// p_last = inner_last(x_last)      p_i = inner_i(x_i) + nearest(p_{i+1}, to the size of x_i)
/// y_i = layer_i(p_i)               inner: 1×1, layer: 3×3
/// ```
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_nn::{Mode, init};
/// use onggi_zoo::{Backbone, FeaturePyramid, ModelOptions, ResNet};
///
/// let (device, mut rng) = (Device::flex(), init::generator(1));
/// let options = ModelOptions::new(10);
/// let body = ResNet::new(18, [1, 64], 3, &options, &mut rng, &device)?;
/// let pyramid = FeaturePyramid::new(&[64, 128, 256, 512], 256, &mut rng, &device)?;
///
/// let parts = ["layer1", "layer2", "layer3", "layer4"];
/// let maps = body.maps(Tensor::zeros([1, 3, 64, 64], &device), &Mode::Eval, &parts)?;
/// let maps = parts.iter().map(|part| maps[*part].clone()).collect();
/// assert_eq!(pyramid.forward(maps)?[0].dims(), [1, 256, 16, 16]);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Module, Debug)]
pub struct FeaturePyramid {
    /// 1×1 convolutions, one a map, each at 0 of its place.
    pub inner_blocks: Vec<Vec<Conv2d>>,
    /// 3×3 convolutions, alike.
    pub layer_blocks: Vec<Vec<Conv2d>>,
}

impl FeaturePyramid {
    /// A pyramid of `outputs` channels on maps of so many channels each, initialised by Kaiming's uniform
    /// rule for linear layers.
    ///
    /// # Errors
    /// No maps, no channels.
    pub fn new(
        inputs: &[usize],
        outputs: usize,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        if inputs.is_empty() {
            return Err(NnError::Config {
                layer: "FeaturePyramid",
                argument: "inputs",
                expected: "the channels of one map or more".into(),
                got: "none".into(),
            });
        }
        let (mut inner_blocks, mut layer_blocks) = (Vec::new(), Vec::new());
        for &channels in inputs {
            inner_blocks.push(vec![padded(channels, outputs, 1).init(rng, device)?]);
            layer_blocks.push(vec![padded(outputs, outputs, 3).init(rng, device)?]);
        }
        let model = Self {
            inner_blocks,
            layer_blocks,
        };
        let rule = Rule::KaimingUniform {
            mode: FanMode::FanIn,
            nonlinearity: Nonlinearity::Linear,
        };
        init::apply(model, rule, rng)
    }

    /// The pyramid, in the order of the maps: the finest first.
    ///
    /// # Shapes
    /// `maps[i]: (N, inputs[i], Hᵢ, Wᵢ)` → `(N, outputs, Hᵢ, Wᵢ)`.
    ///
    /// # Errors
    /// Another number of maps, maps of other channels, an empty map.
    pub fn forward(&self, maps: Vec<Tensor<4>>) -> Result<Vec<Tensor<4>>, NnError> {
        let expected = self.inner_blocks.len();
        if maps.len() != expected {
            return Err(NnError::Input {
                layer: "FeaturePyramid",
                expected: format!("{expected} maps"),
                got: vec![maps.len()],
            });
        }
        let blocks = self.inner_blocks.iter().zip(&self.layer_blocks);
        let mut coarser: Option<Tensor<4>> = None;
        let mut pyramid = Vec::with_capacity(expected);
        for (map, (inner, layer)) in maps.into_iter().zip(blocks).rev() {
            let mut x = applied(inner, map)?;
            if let Some(coarser) = coarser {
                let [_, _, height, width] = x.dims();
                let size = Size::To([height, width]);
                x = x + interpolate(coarser, size, Interpolation::Nearest)?;
            }
            coarser = Some(x.clone());
            pyramid.push(applied(layer, x)?);
        }
        pyramid.reverse();
        Ok(pyramid)
    }
}

fn applied(layers: &[Conv2d], x: Tensor<4>) -> Result<Tensor<4>, NnError> {
    layers.iter().try_fold(x, |x, layer| layer.forward(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_other_maps() {
        let (device, rng) = (onggi_ops::testing::device(), &mut init::generator(1));
        assert!(FeaturePyramid::new(&[], 8, rng, &device).is_err());
        let pyramid = FeaturePyramid::new(&[3, 4], 8, rng, &device).unwrap();
        let map = |channels| Tensor::zeros([1, channels, 2, 2], &device);
        assert_eq!(
            pyramid.forward(vec![map(3)]).unwrap_err().to_string(),
            "FeaturePyramid: the input must be 2 maps, but its shape is [1]"
        );
        assert!(pyramid.forward(vec![map(4), map(3)]).is_err());
    }
}
