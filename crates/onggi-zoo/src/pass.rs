//! What is done at each layer of a backbone: a backbone is written once, over a [`Pass`].
//!
//! A backbone's `features` and `head` say in which order its layers follow each other. [`Eager`]
//! computes them, tells a [`Probe`](onggi_nn::init::Probe) of them and keeps the maps of the parts
//! asked for; [`Cost`] counts their multiply-adds from the shapes alone; [`onnx`](crate::onnx) writes
//! them down as a graph.

mod cost;
mod eager;
pub(crate) mod graph;
mod shape;

pub use cost::{Cost, LayerCost};
pub use eager::Eager;
pub use onggi_nn::activation::Activation;

use crate::Norm;
use burn::module::Param;
use burn::tensor::Tensor;
use onggi_nn::NnError;
use onggi_nn::conv::Conv2d;
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::init::Nonlinearity;
use onggi_nn::linear::Linear;
use onggi_nn::norm::LayerNorm;
use onggi_ops::pool::{AvgPoolOptions, MaxPoolOptions};

/// An activation as a [`Probe`](onggi_nn::init::Probe) takes it.
pub(crate) fn nonlinearity(activation: Activation) -> Nonlinearity {
    match activation {
        Activation::Relu | Activation::Relu6 => Nonlinearity::Relu,
        Activation::Sigmoid => Nonlinearity::Sigmoid,
        _ => Nonlinearity::Linear,
    }
}

/// One way through a backbone: what becomes of images, layer by layer.
///
/// Names of layers are those inside the part that was [entered](Self::enter) last, as in the state
/// dict.
pub trait Pass: Sized {
    /// Maps `(N, C, H, W)`.
    type Map: Clone;
    /// Rows `(N, F)`.
    type Rows: Clone;
    /// Tokens `(N, L, C)`: the places of a map, row by row, and what may stand before them.
    type Tokens: Clone;

    /// What follows lies inside the part `name`, such as `layer1.0`.
    fn enter(&mut self, name: &str);

    /// The part entered last ends, with `out`.
    fn leave(&mut self, out: &Self::Map);

    /// The part entered last ends, with `out`.
    fn leave_tokens(&mut self, out: &Self::Tokens);

    /// The part `name`: [`enter`](Self::enter), `body`, [`leave`](Self::leave).
    ///
    /// # Errors
    /// Those of `body`.
    fn part(
        &mut self,
        name: &str,
        body: impl FnOnce(&mut Self) -> Result<Self::Map, NnError>,
    ) -> Result<Self::Map, NnError> {
        self.enter(name);
        let out = body(self)?;
        self.leave(&out);
        Ok(out)
    }

    /// `activation(norm(conv(x)))`, by the layers' names.
    ///
    /// # Errors
    /// A map that does not fit.
    fn conv_norm(
        &mut self,
        conv: (&str, &Conv2d),
        norm: (&str, Option<&Norm<2>>),
        activation: Activation,
        x: Self::Map,
    ) -> Result<Self::Map, NnError>;

    /// `activation(conv(x))`.
    ///
    /// # Errors
    /// A map that does not fit.
    fn conv(
        &mut self,
        name: &str,
        conv: &Conv2d,
        activation: Activation,
        x: Self::Map,
    ) -> Result<Self::Map, NnError> {
        self.conv_norm((name, conv), ("", None), activation, x)
    }

    /// `activation(norm(x))`, for blocks with the norm first.
    ///
    /// # Errors
    /// A map that does not fit.
    fn norm(
        &mut self,
        name: &str,
        norm: &Norm<2>,
        activation: Activation,
        x: Self::Map,
    ) -> Result<Self::Map, NnError>;

    /// `activation(x)`.
    ///
    /// # Errors
    /// None.
    fn activation(&mut self, activation: Activation, x: Self::Map) -> Result<Self::Map, NnError>;

    /// Zeros around `x`, so that a kernel of size `kernel` with this stride and no padding of its own
    /// gives `⌈size / stride⌉` outputs, as TensorFlow's SAME does: `total = max((⌈size/stride⌉ − 1)·stride
    /// + kernel − size, 0)`, of which `⌊total/2⌋` go before.
    ///
    /// # Errors
    /// A map that does not fit.
    fn pad_same(
        &mut self,
        kernel: usize,
        stride: usize,
        x: Self::Map,
    ) -> Result<Self::Map, NnError>;

    /// Max pooling.
    ///
    /// # Errors
    /// A map smaller than the window.
    fn max_pool(&mut self, options: &MaxPoolOptions<2>, x: Self::Map)
    -> Result<Self::Map, NnError>;

    /// Average pooling.
    ///
    /// # Errors
    /// A map smaller than the window.
    fn avg_pool(&mut self, options: &AvgPoolOptions<2>, x: Self::Map)
    -> Result<Self::Map, NnError>;

    /// Averages over `size × size` windows that share out the map, as PyTorch's `AdaptiveAvgPool2d`;
    /// `size` 1 is the mean of each channel.
    ///
    /// # Errors
    /// An empty map.
    fn adaptive_avg_pool(&mut self, size: usize, x: Self::Map) -> Result<Self::Map, NnError>;

    /// `activation(a + b)`.
    ///
    /// # Errors
    /// Maps of unlike shapes.
    fn add(
        &mut self,
        a: Self::Map,
        b: Self::Map,
        activation: Activation,
    ) -> Result<Self::Map, NnError>;

    /// `x · gate`, with a gate `(N, C, 1, 1)`.
    ///
    /// # Errors
    /// Another number of channels.
    fn gate(&mut self, x: Self::Map, gate: Self::Map) -> Result<Self::Map, NnError>;

    /// `x · factor`, with a factor `(C, 1, 1)`.
    ///
    /// # Errors
    /// Another number of channels.
    fn scale(
        &mut self,
        name: &str,
        factor: &Param<Tensor<3>>,
        x: Self::Map,
    ) -> Result<Self::Map, NnError>;

    /// Maps one behind the other along the channels.
    ///
    /// # Errors
    /// Maps of unlike sizes.
    fn concat(&mut self, maps: Vec<Self::Map>) -> Result<Self::Map, NnError>;

    /// Stochastic depth.
    ///
    /// # Errors
    /// None for a layer that was made.
    fn drop_path(&mut self, layer: &DropPath, x: Self::Map) -> Result<Self::Map, NnError>;

    /// `(N, C, H, W)` → `(N, C·H·W)`.
    ///
    /// # Errors
    /// None.
    fn flatten(&mut self, x: Self::Map) -> Result<Self::Rows, NnError>;

    /// `(N, C·L)` → `(N, C, L, 1)`: what [`flatten`](Self::flatten) has made of a map of so many
    /// `channels`, but for its sides.
    ///
    /// # Errors
    /// A length that `channels` does not divide.
    fn unflatten(&mut self, channels: usize, x: Self::Rows) -> Result<Self::Map, NnError>;

    /// `activation(norm(linear(x)))`, by the layers' names.
    ///
    /// # Errors
    /// Rows of another length.
    fn linear_norm(
        &mut self,
        linear: (&str, &Linear),
        norm: (&str, Option<&Norm<1>>),
        activation: Activation,
        x: Self::Rows,
    ) -> Result<Self::Rows, NnError>;

    /// `activation(linear(x))`.
    ///
    /// # Errors
    /// Rows of another length.
    fn linear(
        &mut self,
        name: &str,
        layer: &Linear,
        activation: Activation,
        x: Self::Rows,
    ) -> Result<Self::Rows, NnError> {
        self.linear_norm((name, layer), ("", None), activation, x)
    }

    /// Dropout.
    ///
    /// # Errors
    /// None for a layer that was made.
    fn dropout(&mut self, layer: &Dropout, x: Self::Rows) -> Result<Self::Rows, NnError>;

    /// `(N, C, H, W)` → `(N, H·W, C)`.
    ///
    /// # Errors
    /// None.
    fn tokens(&mut self, x: Self::Map) -> Result<Self::Tokens, NnError>;

    /// `(N, H·W, C)` → `(N, C, H, W)`, with the height and width of `like`.
    ///
    /// # Errors
    /// Another number of tokens.
    fn map_like(&mut self, like: &Self::Map, x: Self::Tokens) -> Result<Self::Map, NnError>;

    /// A token of each place with `class` before them, `(1, 1, C)`, and `position` added to all, `(1, 1 +
    /// P·P, C)`, which is resampled to the map's places (bicubic and antialiased).
    ///
    /// # Errors
    /// Another number of channels, an empty map.
    fn embed(
        &mut self,
        class: (&str, &Param<Tensor<3>>),
        position: (&str, &Param<Tensor<3>>),
        x: Self::Map,
    ) -> Result<Self::Tokens, NnError>;

    /// Normalises each token.
    ///
    /// # Errors
    /// Another number of channels.
    fn layer_norm(
        &mut self,
        name: &str,
        norm: &LayerNorm<1>,
        x: Self::Tokens,
    ) -> Result<Self::Tokens, NnError>;

    /// `activation(linear(x))` of each token.
    ///
    /// # Errors
    /// Another number of channels.
    fn token_linear(
        &mut self,
        name: &str,
        layer: &Linear,
        activation: Activation,
        x: Self::Tokens,
    ) -> Result<Self::Tokens, NnError>;

    /// Attention of the tokens to each other with so many `heads`, `name` being that of the part that it
    /// is in; queries, keys and values are the thirds of `qkv`: `(N, L, 3·C)` → `(N, L, C)`.
    ///
    /// # Errors
    /// Channels that three times the heads do not divide.
    fn attention(
        &mut self,
        name: &str,
        heads: usize,
        qkv: Self::Tokens,
    ) -> Result<Self::Tokens, NnError>;

    /// `drop_path(a) + b`.
    ///
    /// # Errors
    /// Tokens of unlike shapes.
    fn add_tokens(
        &mut self,
        drop_path: &DropPath,
        a: Self::Tokens,
        b: Self::Tokens,
    ) -> Result<Self::Tokens, NnError>;

    /// The first token of each image.
    ///
    /// # Errors
    /// No tokens.
    fn first_token(&mut self, x: Self::Tokens) -> Result<Self::Rows, NnError>;

    /// The mean of each channel, `(N, C)`.
    ///
    /// # Errors
    /// An empty map.
    fn pooled(&mut self, x: Self::Map) -> Result<Self::Rows, NnError> {
        let x = self.adaptive_avg_pool(1, x)?;
        self.flatten(x)
    }
}

/// The path of `name` in the state dict.
fn at(path: &[String], name: &str) -> String {
    let parts = path.iter().map(String::as_str).chain([name]);
    parts.collect::<Vec<_>>().join(".")
}

/// What [`Pass::pad_same`] puts before and behind an axis of `size`.
pub(crate) fn same_padding(size: usize, kernel: usize, stride: usize) -> [usize; 2] {
    let covered = (size.div_ceil(stride).max(1) - 1) * stride + kernel;
    let total = covered.saturating_sub(size);
    [total / 2, total - total / 2]
}
