//! Each layer as operations of ONNX.

use super::{Map, Record, Rows, Tokens, ints, pads, values};
use crate::Norm;
use crate::norm::Affine;
use crate::onnx::graph::Attribute;
use crate::pass::{Activation, Pass, at, same_padding, shape};
use burn::module::Param;
use burn::tensor::Tensor;
use onggi_nn::NnError;
use onggi_nn::conv::{Conv2d, PaddingMode};
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::linear::Linear;
use onggi_nn::norm::LayerNorm;
use onggi_ops::pool::{AvgPoolOptions, MaxPoolOptions};

/// What position `i` of an axis of `size` has in the mean of window `j` of `windows` that share it out.
fn share(i: usize, j: usize, size: usize, windows: usize) -> f32 {
    let window = j * size / windows..((j + 1) * size).div_ceil(windows);
    if window.contains(&i) {
        1.0 / window.len() as f32
    } else {
        0.0
    }
}

impl Pass for Record {
    type Map = Map;
    type Rows = Rows;
    type Tokens = Tokens;

    fn enter(&mut self, name: &str) {
        self.path.push(name.to_owned());
    }

    fn leave(&mut self, _: &Map) {
        self.path.pop();
    }

    fn leave_tokens(&mut self, _: &Tokens) {
        self.path.pop();
    }

    fn conv_norm(
        &mut self,
        (name, conv): (&str, &Conv2d),
        (norm_name, norm): (&str, Option<&Norm<2>>),
        activation: Activation,
        x: Map,
    ) -> Result<Map, NnError> {
        if conv.padding_mode() != PaddingMode::Zeros {
            return Err(NnError::Config {
                layer: "Conv2d",
                argument: "padding_mode",
                expected: "Zeros, to be exported".into(),
                got: format!("{:?}", conv.padding_mode()),
            });
        }
        let shape = shape::convolved(conv, x.shape)?;
        let parameters = (&conv.weight, conv.bias.as_ref());
        let (weights, left) = self.weights(name, parameters, norm)?;
        let [_, _, taps @ ..] = conv.weight.dims();
        let attributes = vec![
            ("kernel_shape", ints(taps)),
            ("strides", ints(conv.stride())),
            ("pads", ints(pads(conv.padding()))),
            ("dilations", ints(conv.dilation())),
            ("group", Attribute::Int(conv.groups() as i64)),
        ];
        let inputs = [vec![x.name], weights].concat();
        let mut y = self.node(("Conv", name), inputs, attributes, shape);
        if let Some(norm) = left {
            y = self.group_norm(norm_name, norm, y);
        }
        Ok(self.activated(name, activation, y))
    }

    fn norm(
        &mut self,
        name: &str,
        norm: &Norm<2>,
        activation: Activation,
        x: Map,
    ) -> Result<Map, NnError> {
        let y = match norm {
            Norm::Group(norm) => self.group_norm(name, norm, x),
            Norm::Batch(norm) | Norm::FrozenBatch(norm) => {
                let Affine { scale, offset } = Affine::of(norm)?;
                let path = at(&self.path, name);
                let mut y = x;
                for (op, end, values) in [("Mul", "scale", scale), ("Add", "offset", offset)] {
                    let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
                    let each = [values.len(), 1, 1];
                    let constant = self.graph.floats(&format!("{path}/{end}"), &each, &values);
                    let shape = y.shape;
                    y = self.node((op, name), vec![y.name, constant], vec![], shape);
                }
                y
            }
        };
        Ok(self.activated(name, activation, y))
    }

    fn activation(&mut self, activation: Activation, x: Map) -> Result<Map, NnError> {
        Ok(self.activated("", activation, x))
    }

    fn pad_same(&mut self, kernel: usize, stride: usize, x: Map) -> Result<Map, NnError> {
        let [_, height, width] = x.shape;
        let padding = [height, width].map(|size| same_padding(size, kernel, stride));
        Ok(self.padded(padding, x))
    }

    fn max_pool(&mut self, options: &MaxPoolOptions<2>, x: Map) -> Result<Map, NnError> {
        let windows = shape::max_windows(options);
        let y = shape::pooled(windows, x.shape)?;
        let dilations = ("dilations", ints(options.dilation));
        Ok(self.pool("MaxPool", windows, vec![dilations], (x, y)))
    }

    fn avg_pool(&mut self, options: &AvgPoolOptions<2>, mut x: Map) -> Result<Map, NnError> {
        if let Some(divisor) = options.divisor_override {
            return Err(NnError::Config {
                layer: "AvgPool2d",
                argument: "divisor_override",
                expected: "none, to be exported".into(),
                got: divisor.to_string(),
            });
        }
        let mut windows = shape::avg_windows(options);
        let y = shape::pooled(windows, x.shape)?;
        if options.count_include_pad {
            // Zeros that count are part of the map; the room for a last window is not.
            x = self.padded(windows.map(|window| window.padding), x);
            windows
                .iter_mut()
                .for_each(|window| window.padding = [0; 2]);
        }
        Ok(self.pool("AveragePool", windows, vec![], (x, y)))
    }

    fn adaptive_avg_pool(&mut self, size: usize, x: Map) -> Result<Map, NnError> {
        let [c, h, w] = x.shape;
        if size == 1 {
            let inputs = vec![x.name];
            return Ok(self.node(("GlobalAveragePool", ""), inputs, vec![], [c, 1, 1]));
        }
        if [h, w] == [size; 2] {
            return Ok(x);
        }
        // rows · x · columns, as windows may differ in size by one.
        let rows: Vec<f32> = (0..size)
            .flat_map(|j| (0..h).map(move |i| share(i, j, h, size)))
            .collect();
        let columns: Vec<f32> = (0..w)
            .flat_map(|i| (0..size).map(move |j| share(i, j, w, size)))
            .collect();
        let name = format!("/windows/{h},{w},{size}");
        let rows = self
            .graph
            .floats(&format!("{name}/rows"), &[size, h], &rows);
        let columns = self
            .graph
            .floats(&format!("{name}/columns"), &[w, size], &columns);
        let y = self.node(("MatMul", ""), vec![x.name, columns], vec![], [c, h, size]);
        let shape = [c, size, size];
        Ok(self.node(("MatMul", ""), vec![rows, y.name], vec![], shape))
    }

    fn add(&mut self, a: Map, b: Map, activation: Activation) -> Result<Map, NnError> {
        let shape = shape::joined("add", a.shape, b.shape)?;
        let y = self.node(("Add", ""), vec![a.name, b.name], vec![], shape);
        Ok(self.activated("", activation, y))
    }

    fn gate(&mut self, x: Map, gate: Map) -> Result<Map, NnError> {
        let shape = shape::joined("gate", x.shape, gate.shape)?;
        Ok(self.node(("Mul", ""), vec![x.name, gate.name], vec![], shape))
    }

    fn concat(&mut self, maps: Vec<Map>) -> Result<Map, NnError> {
        let shape = shape::concatenated(maps.iter().map(|map| map.shape))?;
        let inputs = maps.into_iter().map(|map| map.name).collect();
        let axis = vec![("axis", Attribute::Int(1))];
        Ok(self.node(("Concat", ""), inputs, axis, shape))
    }

    fn drop_path(&mut self, _: &DropPath, x: Map) -> Result<Map, NnError> {
        Ok(x)
    }

    fn flatten(&mut self, x: Map) -> Result<Rows, NnError> {
        let features = x.shape.iter().product();
        let axis = vec![("axis", Attribute::Int(1))];
        Ok(self.node(("Flatten", ""), vec![x.name], axis, [features]))
    }

    fn unflatten(&mut self, channels: usize, x: Rows) -> Result<Map, NnError> {
        let shape = shape::unflattened(channels, x.shape[0])?;
        let sizes = [0, channels as i64, -1, 1];
        let sizes = self.graph.ints(&format!("/unflatten/{channels}"), &sizes);
        Ok(self.node(("Reshape", ""), vec![x.name, sizes], vec![], shape))
    }

    fn linear_norm(
        &mut self,
        (name, linear): (&str, &Linear),
        (norm_name, norm): (&str, Option<&Norm<1>>),
        activation: Activation,
        x: Rows,
    ) -> Result<Rows, NnError> {
        let features = shape::mapped(linear, x.shape[0])?;
        let parameters = (&linear.weight, linear.bias.as_ref());
        let (weights, left) = self.weights(name, parameters, norm)?;
        let inputs = [vec![x.name], weights].concat();
        let transposed = vec![("transB", Attribute::Int(1))];
        let mut y = self.node(("Gemm", name), inputs, transposed, [features]);
        if let Some(norm) = left {
            y = self.group_norm(norm_name, norm, y);
        }
        Ok(self.activated(name, activation, y))
    }

    fn dropout(&mut self, _: &Dropout, x: Rows) -> Result<Rows, NnError> {
        Ok(x)
    }

    fn scale(&mut self, name: &str, factor: &Param<Tensor<3>>, x: Map) -> Result<Map, NnError> {
        let path = at(&self.path, name);
        let constant = self.graph.floats(&path, &factor.dims(), &values(factor));
        let shape = x.shape;
        Ok(self.node(("Mul", name), vec![x.name, constant], vec![], shape))
    }

    fn tokens(&mut self, _: Map) -> Result<Tokens, NnError> {
        refused()
    }

    fn map_like(&mut self, _: &Map, _: Tokens) -> Result<Map, NnError> {
        refused()
    }

    fn embed(
        &mut self,
        _: (&str, &Param<Tensor<3>>),
        _: (&str, &Param<Tensor<3>>),
        _: Map,
    ) -> Result<Tokens, NnError> {
        refused()
    }

    fn layer_norm(&mut self, _: &str, _: &LayerNorm<1>, _: Tokens) -> Result<Tokens, NnError> {
        refused()
    }

    fn token_linear(
        &mut self,
        _: &str,
        _: &Linear,
        _: Activation,
        _: Tokens,
    ) -> Result<Tokens, NnError> {
        refused()
    }

    fn attention(&mut self, _: &str, _: usize, _: Tokens) -> Result<Tokens, NnError> {
        refused()
    }

    fn add_tokens(&mut self, _: &DropPath, _: Tokens, _: Tokens) -> Result<Tokens, NnError> {
        refused()
    }

    fn first_token(&mut self, _: Tokens) -> Result<Rows, NnError> {
        refused()
    }
}

/// Models of tokens are not written as ONNX.
fn refused<T>() -> Result<T, NnError> {
    Err(NnError::Config {
        layer: "ONNX",
        argument: "model",
        expected: "a convolutional network; ask for safetensors".into(),
        got: "a model of tokens, such as a vision transformer or ConvNeXt".into(),
    })
}
