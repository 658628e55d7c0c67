//! A pass that computes.

use super::{Activation, Pass, at, nonlinearity, same_padding};
use crate::Norm;
use crate::norm::normalised;
use crate::position::resampled;
use burn::module::Param;
use burn::tensor::Tensor;
use onggi_nn::conv::Conv2d;
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::init::Probe;
use onggi_nn::linear::Linear;
use onggi_nn::norm::LayerNorm;
use onggi_nn::{Mode, NnError};
use onggi_ops::activation::add_relu;
use onggi_ops::attention::{AttentionOptions, multi_head_self_attention};
use onggi_ops::pad::{PadMode, pad};
use onggi_ops::pool::{AvgPoolOptions, MaxPoolOptions, adaptive_avg_pool, avg_pool, max_pool};
use std::collections::BTreeMap;

/// Computes each layer as it comes.
#[derive(Debug)]
pub struct Eager<'a> {
    mode: &'a Mode,
    probe: &'a mut Probe,
    path: Vec<String>,
    wanted: Vec<String>,
    maps: BTreeMap<String, Tensor<4>>,
}

impl<'a> Eager<'a> {
    /// A pass in `mode` that tells `probe` of each layer.
    pub fn new(mode: &'a Mode, probe: &'a mut Probe) -> Self {
        Self {
            mode,
            probe,
            path: Vec::new(),
            wanted: Vec::new(),
            maps: BTreeMap::new(),
        }
    }

    /// Keeps what the parts of these names put out, such as `layer2`.
    #[must_use]
    pub fn keeping(mut self, parts: &[&str]) -> Self {
        self.wanted = parts.iter().map(|part| (*part).to_owned()).collect();
        self
    }

    /// The maps of the parts asked for, by name; a part that the model does not have is missing.
    pub fn into_maps(self) -> BTreeMap<String, Tensor<4>> {
        self.maps
    }
}

impl Pass for Eager<'_> {
    type Map = Tensor<4>;
    type Rows = Tensor<2>;
    type Tokens = Tensor<3>;

    fn enter(&mut self, name: &str) {
        self.path.push(name.to_owned());
    }

    fn leave(&mut self, out: &Tensor<4>) {
        if !self.wanted.is_empty() {
            let path = self.path.join(".");
            if self.wanted.contains(&path) {
                self.maps.insert(path, out.clone());
            }
        }
        self.path.pop();
    }

    fn leave_tokens(&mut self, _: &Tensor<3>) {
        self.path.pop();
    }

    fn conv_norm(
        &mut self,
        (name, conv): (&str, &Conv2d),
        (_, norm): (&str, Option<&Norm<2>>),
        activation: Activation,
        x: Tensor<4>,
    ) -> Result<Tensor<4>, NnError> {
        let x = conv.forward(x)?;
        let path = &self.path;
        let layer = || at(path, name);
        normalised(norm, x, self.mode, activation, self.probe, layer)
    }

    fn norm(
        &mut self,
        _: &str,
        norm: &Norm<2>,
        activation: Activation,
        x: Tensor<4>,
    ) -> Result<Tensor<4>, NnError> {
        norm.forward(x, self.mode, activation)
    }

    fn activation(&mut self, activation: Activation, x: Tensor<4>) -> Result<Tensor<4>, NnError> {
        Ok(activation.apply(x))
    }

    fn pad_same(
        &mut self,
        kernel: usize,
        stride: usize,
        x: Tensor<4>,
    ) -> Result<Tensor<4>, NnError> {
        let [_, _, height, width] = x.dims();
        let padding = [height, width].map(|size| same_padding(size, kernel, stride));
        if padding == [[0; 2]; 2] {
            return Ok(x);
        }
        Ok(pad(x, padding, PadMode::ZEROS)?)
    }

    fn max_pool(
        &mut self,
        options: &MaxPoolOptions<2>,
        x: Tensor<4>,
    ) -> Result<Tensor<4>, NnError> {
        Ok(max_pool(x, options)?)
    }

    fn avg_pool(
        &mut self,
        options: &AvgPoolOptions<2>,
        x: Tensor<4>,
    ) -> Result<Tensor<4>, NnError> {
        Ok(avg_pool(x, options)?)
    }

    fn adaptive_avg_pool(&mut self, size: usize, x: Tensor<4>) -> Result<Tensor<4>, NnError> {
        if size == 1 {
            return Ok(x.mean_dim(3).mean_dim(2));
        }
        Ok(adaptive_avg_pool(x, [Some(size); 2])?)
    }

    fn add(
        &mut self,
        a: Tensor<4>,
        b: Tensor<4>,
        activation: Activation,
    ) -> Result<Tensor<4>, NnError> {
        Ok(match activation {
            Activation::Relu => add_relu(a, b)?,
            other => other.apply(a + b),
        })
    }

    fn gate(&mut self, x: Tensor<4>, gate: Tensor<4>) -> Result<Tensor<4>, NnError> {
        Ok(x * gate)
    }

    fn scale(
        &mut self,
        _: &str,
        factor: &Param<Tensor<3>>,
        x: Tensor<4>,
    ) -> Result<Tensor<4>, NnError> {
        Ok(x * factor.val().unsqueeze())
    }

    fn concat(&mut self, maps: Vec<Tensor<4>>) -> Result<Tensor<4>, NnError> {
        Ok(Tensor::cat(maps, 1))
    }

    fn drop_path(&mut self, layer: &DropPath, x: Tensor<4>) -> Result<Tensor<4>, NnError> {
        layer.forward(x, self.mode)
    }

    fn flatten(&mut self, x: Tensor<4>) -> Result<Tensor<2>, NnError> {
        let [n, c, h, w] = x.dims();
        Ok(x.reshape([n, c * h * w]))
    }

    fn unflatten(&mut self, channels: usize, x: Tensor<2>) -> Result<Tensor<4>, NnError> {
        let [n, length] = x.dims();
        if channels == 0 || !length.is_multiple_of(channels) {
            return Err(NnError::Input {
                layer: "unflatten",
                expected: format!("(N, {channels} · L)"),
                got: vec![n, length],
            });
        }
        Ok(x.reshape([n, channels, length / channels, 1]))
    }

    fn linear_norm(
        &mut self,
        (name, linear): (&str, &Linear),
        (_, norm): (&str, Option<&Norm<1>>),
        activation: Activation,
        x: Tensor<2>,
    ) -> Result<Tensor<2>, NnError> {
        let x = linear.forward(x)?;
        let path = &self.path;
        let layer = || at(path, name);
        normalised(norm, x, self.mode, activation, self.probe, layer)
    }

    fn dropout(&mut self, layer: &Dropout, x: Tensor<2>) -> Result<Tensor<2>, NnError> {
        layer.forward(x, self.mode)
    }

    fn tokens(&mut self, x: Tensor<4>) -> Result<Tensor<3>, NnError> {
        let [n, c, h, w] = x.dims();
        Ok(x.reshape([n, c, h * w]).swap_dims(1, 2))
    }

    fn map_like(&mut self, like: &Tensor<4>, x: Tensor<3>) -> Result<Tensor<4>, NnError> {
        let ([n, length, c], [_, _, h, w]) = (x.dims(), like.dims());
        if length != h * w {
            return Err(NnError::Input {
                layer: "map_like",
                expected: format!("(N, {h} · {w}, C)"),
                got: vec![n, length, c],
            });
        }
        Ok(x.swap_dims(1, 2).reshape([n, c, h, w]))
    }

    fn embed(
        &mut self,
        (_, class): (&str, &Param<Tensor<3>>),
        (_, position): (&str, &Param<Tensor<3>>),
        x: Tensor<4>,
    ) -> Result<Tensor<3>, NnError> {
        let [n, c, h, w] = x.dims();
        let position = resampled(position.val(), [h, w])?;
        let class = class.val();
        if class.dims() != [1, 1, c] || position.dims()[2] != c {
            return Err(NnError::Input {
                layer: "embed",
                expected: format!("(N, {}, H, W)", class.dims()[2]),
                got: vec![n, c, h, w],
            });
        }
        let x = self.tokens(x)?;
        Ok(Tensor::cat(vec![class.expand([n, 1, c]), x], 1) + position)
    }

    fn layer_norm(
        &mut self,
        _: &str,
        norm: &LayerNorm<1>,
        x: Tensor<3>,
    ) -> Result<Tensor<3>, NnError> {
        norm.forward(x)
    }

    fn token_linear(
        &mut self,
        name: &str,
        layer: &Linear,
        activation: Activation,
        x: Tensor<3>,
    ) -> Result<Tensor<3>, NnError> {
        let x = layer.forward(x)?;
        if self.probe.is_on() {
            let (layer, units_first) = (at(&self.path, name), x.clone().swap_dims(1, 2));
            let nonlinearity = nonlinearity(activation);
            self.probe.record(&layer, nonlinearity, &units_first);
        }
        Ok(activation.apply(x))
    }

    fn attention(&mut self, _: &str, heads: usize, qkv: Tensor<3>) -> Result<Tensor<3>, NnError> {
        let options = AttentionOptions::default();
        Ok(multi_head_self_attention(qkv, heads, true, options)?)
    }

    fn add_tokens(
        &mut self,
        drop_path: &DropPath,
        a: Tensor<3>,
        b: Tensor<3>,
    ) -> Result<Tensor<3>, NnError> {
        Ok(drop_path.forward(a, self.mode)? + b)
    }

    fn first_token(&mut self, x: Tensor<3>) -> Result<Tensor<2>, NnError> {
        let [n, _, c] = x.dims();
        Ok(x.slice([0..n, 0..1, 0..c]).reshape([n, c]))
    }
}
