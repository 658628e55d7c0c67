//! A pass that counts: what each layer takes, from the shapes alone.

use super::{Activation, Pass, at, shape};
use crate::{Backbone, Norm};
use onggi_nn::NnError;
use onggi_nn::conv::Conv2d;
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::linear::Linear;
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
/// As is the field's custom, multiply-adds are those of convolutions and linear layers; biases, norms,
/// activations, pooling, sums and gates are left out.
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

    fn enter(&mut self, name: &str) {
        self.path.push(name.to_owned());
    }

    fn leave(&mut self, _: &MapShape) {
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
}
