//! A pass that counts: what each layer takes, from the shapes alone.

use super::{Activation, Pass, at, shape};
use crate::{Backbone, Norm};
use burn::module::Param;
use burn::tensor::Tensor;
use onggi_nn::NnError;
use onggi_nn::conv::Conv2d;
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::linear::Linear;
use onggi_nn::norm::LayerNorm;
use onggi_ops::pool::{AvgPoolOptions, MaxPoolOptions};
use shape::{MapShape, parameters};

/// What one layer takes for one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerCost {
    /// Path in the state dict.
    pub layer: String,
    /// Sizes of what it puts out, behind the batch axis: `[C, H, W]` or `[F]`.
    pub shape: Vec<usize>,
    /// Multiplications with an addition. 0 for a norm, which evaluation folds into the layer before.
    pub multiply_adds: u64,
    /// Values of its weight and bias.
    pub parameters: usize,
}

/// Counts what convolutions, linear layers and norms take, without computing.
///
/// Multiply-adds are those of convolutions and linear layers, as PyTorch's counter has them (half its
/// FLOPs); biases, norms, activations, pooling, sums and gates are left out. Papers that count some of
/// those too state a little more: 407 M for EfficientNet-Lite0, which here has 385 M.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use onggi_nn::init;
/// use onggi_zoo::pass::Cost;
/// use onggi_zoo::{EfficientNetLite, ModelOptions};
///
/// let (device, mut rng) = (Device::flex(), init::generator(1));
/// let model = EfficientNetLite::new(0, 3, &ModelOptions::new(1000), &mut rng, &device)?;
/// let cost = Cost::of(&model, [3, 224, 224])?;
/// assert_eq!(cost.parameters(), 4_652_008);
/// assert_eq!(cost.layers()[0].layer, "conv_stem");
/// assert_eq!(cost.layers()[0].shape, [32, 112, 112]);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cost {
    path: Vec<String>,
    layers: Vec<LayerCost>,
}

impl Cost {
    /// What a model takes for one image of `[C, H, W]`.
    ///
    /// # Errors
    /// Images that do not fit the model.
    pub fn of(model: &impl Backbone, image: [usize; 3]) -> Result<Self, NnError> {
        let mut cost = Self::default();
        let features = model.features(&mut cost, image)?;
        model.head(&mut cost, features)?;
        Ok(cost)
    }

    /// The layers in the order they are passed.
    pub fn layers(&self) -> &[LayerCost] {
        &self.layers
    }

    /// Multiply-adds for one image.
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().map(|layer| layer.multiply_adds).sum()
    }

    /// Values of all weights and biases.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    fn record(&mut self, name: &str, shape: &[usize], multiply_adds: usize, parameters: usize) {
        self.layers.push(LayerCost {
            layer: at(&self.path, name),
            shape: shape.to_vec(),
            multiply_adds: multiply_adds as u64,
            parameters,
        });
    }

    fn record_norm<const R: usize>(&mut self, name: &str, norm: &Norm<R>, shape: &[usize]) {
        let (weight, bias) = match norm {
            Norm::Batch(norm) | Norm::FrozenBatch(norm) => (&norm.weight, &norm.bias),
            Norm::Group(norm) => (&norm.weight, &norm.bias),
        };
        let values = [weight, bias].map(|p| p.as_ref().map_or(0, |p| p.shape().num_elements()));
        self.record(name, shape, 0, values.iter().sum());
    }
}

impl Pass for Cost {
    type Map = MapShape;
    type Rows = usize;
    /// Tokens and channels.
    type Tokens = [usize; 2];

    fn enter(&mut self, name: &str) {
        self.path.push(name.to_owned());
    }

    fn leave(&mut self, _: &MapShape) {
        self.path.pop();
    }

    fn leave_tokens(&mut self, _: &[usize; 2]) {
        self.path.pop();
    }

    fn conv_norm(
        &mut self,
        (name, conv): (&str, &Conv2d),
        (norm_name, norm): (&str, Option<&Norm<2>>),
        _: Activation,
        x: MapShape,
    ) -> Result<MapShape, NnError> {
        let y @ [_, h, w] = shape::convolved(conv, x)?;
        let weights = conv.weight.shape().num_elements();
        let values = parameters(&conv.weight, conv.bias.as_ref());
        self.record(name, &y, weights * h * w, values);
        if let Some(norm) = norm {
            self.record_norm(norm_name, norm, &y);
        }
        Ok(y)
    }

    fn norm(
        &mut self,
        name: &str,
        norm: &Norm<2>,
        _: Activation,
        x: MapShape,
    ) -> Result<MapShape, NnError> {
        self.record_norm(name, norm, &x);
        Ok(x)
    }

    fn activation(&mut self, _: Activation, x: MapShape) -> Result<MapShape, NnError> {
        Ok(x)
    }

    fn pad_same(&mut self, kernel: usize, stride: usize, x: MapShape) -> Result<MapShape, NnError> {
        Ok(shape::padded(kernel, stride, x))
    }

    fn max_pool(&mut self, options: &MaxPoolOptions<2>, x: MapShape) -> Result<MapShape, NnError> {
        shape::pooled(shape::max_windows(options), x)
    }

    fn avg_pool(&mut self, options: &AvgPoolOptions<2>, x: MapShape) -> Result<MapShape, NnError> {
        shape::pooled(shape::avg_windows(options), x)
    }

    fn adaptive_avg_pool(&mut self, size: usize, [c, ..]: MapShape) -> Result<MapShape, NnError> {
        Ok([c, size, size])
    }

    fn add(&mut self, a: MapShape, b: MapShape, _: Activation) -> Result<MapShape, NnError> {
        shape::joined("add", a, b)
    }

    fn gate(&mut self, x: MapShape, gate: MapShape) -> Result<MapShape, NnError> {
        shape::joined("gate", x, gate)
    }

    fn concat(&mut self, maps: Vec<MapShape>) -> Result<MapShape, NnError> {
        shape::concatenated(maps.into_iter())
    }

    fn drop_path(&mut self, _: &DropPath, x: MapShape) -> Result<MapShape, NnError> {
        Ok(x)
    }

    fn flatten(&mut self, x: MapShape) -> Result<usize, NnError> {
        Ok(x.iter().product())
    }

    fn unflatten(&mut self, channels: usize, x: usize) -> Result<MapShape, NnError> {
        shape::unflattened(channels, x)
    }

    fn linear_norm(
        &mut self,
        (name, linear): (&str, &Linear),
        (norm_name, norm): (&str, Option<&Norm<1>>),
        _: Activation,
        x: usize,
    ) -> Result<usize, NnError> {
        let y = shape::mapped(linear, x)?;
        let weights = linear.weight.shape().num_elements();
        let values = parameters(&linear.weight, linear.bias.as_ref());
        self.record(name, &[y], weights, values);
        if let Some(norm) = norm {
            self.record_norm(norm_name, norm, &[y]);
        }
        Ok(y)
    }

    fn dropout(&mut self, _: &Dropout, x: usize) -> Result<usize, NnError> {
        Ok(x)
    }

    fn scale(
        &mut self,
        name: &str,
        factor: &Param<Tensor<3>>,
        x: MapShape,
    ) -> Result<MapShape, NnError> {
        self.record(name, &x, 0, factor.shape().num_elements());
        Ok(x)
    }

    fn tokens(&mut self, [c, h, w]: MapShape) -> Result<[usize; 2], NnError> {
        Ok([h * w, c])
    }

    fn map_like(&mut self, like: &MapShape, [_, c]: [usize; 2]) -> Result<MapShape, NnError> {
        Ok([c, like[1], like[2]])
    }

    fn embed(
        &mut self,
        (class_name, class): (&str, &Param<Tensor<3>>),
        (name, position): (&str, &Param<Tensor<3>>),
        [c, h, w]: MapShape,
    ) -> Result<[usize; 2], NnError> {
        let tokens = [1 + h * w, c];
        self.record(class_name, &[1, c], 0, class.shape().num_elements());
        self.record(name, &tokens, 0, position.shape().num_elements());
        Ok(tokens)
    }

    fn layer_norm(
        &mut self,
        name: &str,
        norm: &LayerNorm<1>,
        x: [usize; 2],
    ) -> Result<[usize; 2], NnError> {
        let values =
            [&norm.weight, &norm.bias].map(|p| p.as_ref().map_or(0, |p| p.shape().num_elements()));
        self.record(name, &x, 0, values.iter().sum());
        Ok(x)
    }

    fn token_linear(
        &mut self,
        name: &str,
        layer: &Linear,
        _: Activation,
        [tokens, inputs]: [usize; 2],
    ) -> Result<[usize; 2], NnError> {
        let y = [tokens, shape::mapped(layer, inputs)?];
        let weights = layer.weight.shape().num_elements();
        let values = parameters(&layer.weight, layer.bias.as_ref());
        self.record(name, &y, tokens * weights, values);
        Ok(y)
    }

    fn attention(
        &mut self,
        name: &str,
        _: usize,
        [tokens, c]: [usize; 2],
    ) -> Result<[usize; 2], NnError> {
        let y = [tokens, c / 3];
        // Queries by keys, and the shares by values.
        self.record(name, &y, 2 * tokens * tokens * (c / 3), 0);
        Ok(y)
    }

    fn add_tokens(
        &mut self,
        _: &DropPath,
        a: [usize; 2],
        _: [usize; 2],
    ) -> Result<[usize; 2], NnError> {
        Ok(a)
    }

    fn first_token(&mut self, [_, c]: [usize; 2]) -> Result<usize, NnError> {
        Ok(c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IMAGE_MODELS, ImageModel, ModelOptions, NormKind, TableModel};
    use burn::tensor::Device;
    use onggi_nn::{Mode, init, state};

    fn build(name: &str, options: &ModelOptions, device: &Device) -> ImageModel {
        ImageModel::build(name, 3, options, &mut init::generator(1), device).unwrap()
    }

    /// What PyTorch 2.15.0 counts (`torch.utils.flop_counter`, halved) in timm 1.0.31's models.
    #[test]
    fn counts_are_those_of_pytorch() {
        for (name, side, multiply_adds, parameters) in [
            ("efficientnet_lite0", 224, 385_187_552, 4_652_008),
            ("efficientnet_lite1", 240, 600_185_232, 5_416_680),
            ("efficientnet_lite2", 260, 859_736_272, 6_092_072),
        ] {
            let model = build(name, &ModelOptions::new(1000), &Device::flex());
            let cost = Cost::of(&model, [3, side, side]).unwrap();
            let found = (cost.multiply_adds(), cost.parameters());
            assert_eq!(found, (multiply_adds, parameters), "{name}");
        }
    }

    /// By hand: a stem, a block without and two with a shortcut of their own, a classifier.
    #[test]
    fn a_small_network_by_hand() {
        let model = build("small_resnet", &ModelOptions::new(10), &Device::flex());
        let cost = Cost::of(&model, [3, 28, 28]).unwrap();
        let conv =
            |inputs: u64, outputs: u64, taps: u64, side: u64| inputs * outputs * taps * side * side;
        let stem = conv(3, 32, 9, 14) + 2 * conv(32, 32, 9, 14);
        let second = conv(32, 64, 9, 7) + conv(64, 64, 9, 7) + conv(32, 64, 1, 7);
        let third = conv(64, 128, 9, 4) + conv(128, 128, 9, 4) + conv(64, 128, 1, 4);
        assert_eq!(cost.multiply_adds(), stem + second + third + 1280);
        let layer = |name| {
            cost.layers()
                .iter()
                .find(|layer| layer.layer == name)
                .unwrap()
        };
        let expected = LayerCost {
            layer: "layers.1.downsample.1".into(),
            shape: vec![64, 7, 7],
            multiply_adds: 0,
            parameters: 128,
        };
        assert_eq!(layer("layers.1.downsample.1"), &expected);
        assert_eq!(layer("fc").shape, [10]);
        let error = Cost::of(&model, [1, 28, 28]).unwrap_err().to_string();
        assert!(error.contains("(N, 3, H, W)"), "{error}");
    }

    /// Every layer of every model is counted once, under its name in the state dict, and what it puts
    /// out is as large as the model's own.
    #[test]
    fn every_model_is_counted_whole() {
        // Parameters are told by their gradients.
        let device = Device::flex().autodiff();
        for row in IMAGE_MODELS {
            for norm in [NormKind::Batch, NormKind::Group, NormKind::None] {
                let options = ModelOptions {
                    norm,
                    width: 0.25,
                    ..ModelOptions::new(5)
                };
                let rng = &mut init::generator(1);
                let Ok(model) = ImageModel::build(row.name, 3, &options, rng, &device) else {
                    // The registry's own test says which may be refused.
                    assert_ne!(norm, NormKind::Batch, "{}", row.name);
                    continue;
                };
                let image = [3, 37, 50];
                let mut cost = Cost::default();
                let features = model.features(&mut cost, image).unwrap();
                let x = Tensor::<4>::zeros([1, image[0], image[1], image[2]], &device);
                let computed = model.pooled(x, &Mode::Eval).unwrap();
                assert_eq!([1, features], computed.dims(), "{}", row.name);
                model.head(&mut cost, features).unwrap();
                let parameters = state::num_parameters(&model);
                assert_eq!(cost.parameters(), parameters, "{}", row.name);
                let state = state::collect(&model);
                for layer in cost.layers().iter().filter(|layer| layer.parameters > 0) {
                    let names = [format!("{}.weight", layer.layer), layer.layer.clone()];
                    let known = names.iter().any(|name| state.contains_key(name));
                    assert!(known, "{}: {}", row.name, layer.layer);
                }
            }
        }
        let rng = &mut init::generator(1);
        let model = TableModel::build("mlp", 7, &ModelOptions::new(3), rng, &device).unwrap();
        let mut cost = Cost::default();
        assert_eq!(model.apply(&mut cost, 7).unwrap(), 3);
        assert_eq!(cost.multiply_adds(), (7 + 64 + 3) * 64);
        assert_eq!(cost.parameters(), state::num_parameters(&model));
    }
}
