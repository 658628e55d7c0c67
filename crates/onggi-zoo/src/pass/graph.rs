//! A pass that writes the layers down as operations of ONNX.

use super::shape::{self, MapShape, Window};
use super::{Activation, Pass, at, same_padding};
use crate::Norm;
use crate::norm::Affine;
use crate::onnx::graph::{Attribute, Element, Graph};
use burn::module::Param;
use burn::tensor::Tensor;
use onggi_nn::NnError;
use onggi_nn::conv::{Conv2d, PaddingMode};
use onggi_nn::dropout::{DropPath, Dropout};
use onggi_nn::linear::Linear;
use onggi_nn::norm::GroupNorm;
use onggi_ops::pool::{AvgPoolOptions, MaxPoolOptions};

/// A tensor of the graph, of `R` axes behind the batch.
#[derive(Clone, Debug)]
pub(crate) struct Value<const R: usize> {
    pub(crate) name: String,
    pub(crate) shape: [usize; R],
}

type Map = Value<3>;
type Rows = Value<1>;
type Attributes = Vec<(&'static str, Attribute)>;

/// Writes each layer down as it comes: in evaluation, with each batch normalisation that follows a
/// convolution or a linear layer folded into it.
#[derive(Debug, Default)]
pub(crate) struct Record {
    path: Vec<String>,
    pub(crate) graph: Graph,
}

fn ints(values: impl IntoIterator<Item = usize>) -> Attribute {
    Attribute::Ints(values.into_iter().map(|v| v as i64).collect())
}

fn values<const D: usize>(parameter: &Param<Tensor<D>>) -> Vec<f32> {
    parameter.val().into_data().iter::<f32>().collect()
}

/// `[before of each axis, behind of each axis]`.
fn pads(padding: [[usize; 2]; 2]) -> [usize; 4] {
    let [[top, bottom], [left, right]] = padding;
    [top, left, bottom, right]
}

impl Record {
    /// `name/Op` inside the part entered last; `Op` alone where there is neither.
    fn named(&self, name: &str, op: &str) -> String {
        let path = match name {
            "" => self.path.join("."),
            name => at(&self.path, name),
        };
        match path.as_str() {
            "" => op.to_owned(),
            path => format!("{path}/{op}"),
        }
    }

    fn node<const R: usize>(
        &mut self,
        (op, layer): (&'static str, &str),
        inputs: Vec<String>,
        attributes: Attributes,
        shape: [usize; R],
    ) -> Value<R> {
        let name = self.named(layer, op);
        let of = (Element::F32, shape.as_slice());
        let name = self.graph.node((op, &name), inputs, attributes, of);
        Value { name, shape }
    }

    fn activated<const R: usize>(
        &mut self,
        layer: &str,
        activation: Activation,
        x: Value<R>,
    ) -> Value<R> {
        let shape = x.shape;
        let mut plain = |op, attributes| {
            let inputs = vec![x.name.clone()];
            self.node((op, layer), inputs, attributes, shape)
        };
        match activation {
            Activation::Identity => x,
            Activation::Relu => plain("Relu", vec![]),
            Activation::Hardswish => plain("HardSwish", vec![]),
            Activation::Hardsigmoid => {
                let slope = ("alpha", Attribute::Float(1.0 / 6.0));
                plain("HardSigmoid", vec![slope, ("beta", Attribute::Float(0.5))])
            }
            Activation::Sigmoid => plain("Sigmoid", vec![]),
            Activation::Silu => {
                let gate = plain("Sigmoid", vec![]);
                self.node(("Mul", layer), vec![x.name, gate.name], vec![], shape)
            }
            Activation::Relu6 => {
                let bounds = [("/relu6/min", 0.0), ("/relu6/max", 6.0)];
                let [min, max] = bounds.map(|(name, v)| self.graph.floats(name, &[], &[v]));
                self.node(("Clip", layer), vec![x.name, min, max], vec![], shape)
            }
            // x · (1 + erf(x / √2)) / 2.
            Activation::Gelu => {
                let constants = [
                    ("/gelu/root", std::f32::consts::FRAC_1_SQRT_2),
                    ("/gelu/one", 1.0),
                    ("/gelu/half", 0.5),
                ];
                let [root, one, half] =
                    constants.map(|(name, v)| self.graph.floats(name, &[], &[v]));
                let mut step =
                    |op, inputs: Vec<String>| self.node((op, layer), inputs, vec![], shape);
                let y = step("Mul", vec![x.name.clone(), root]);
                let y = step("Erf", vec![y.name]);
                let y = step("Add", vec![y.name, one]);
                let y = step("Mul", vec![x.name, y.name]);
                step("Mul", vec![y.name, half])
            }
        }
    }

    /// The weight and bias of a layer with the batch normalisation behind it, and whatever else is
    /// behind it.
    fn weights<'a, const D: usize, const R: usize>(
        &mut self,
        name: &str,
        (weight, bias): (&Param<Tensor<D>>, Option<&Param<Tensor<1>>>),
        norm: Option<&'a Norm<R>>,
    ) -> Result<(Vec<String>, Option<&'a GroupNorm>), NnError> {
        let path = at(&self.path, name);
        let shape = weight.dims();
        let mut weight = values(weight);
        let mut bias = bias.map(values);
        let left = match norm {
            Some(Norm::Group(norm)) => Some(norm),
            Some(Norm::Batch(norm) | Norm::FrozenBatch(norm)) => {
                bias = Some(Affine::of(norm)?.fold(&mut weight, bias.as_deref()));
                None
            }
            None => None,
        };
        let weight = self
            .graph
            .floats(&format!("{path}.weight"), &shape, &weight);
        let bias = bias.map(|bias| {
            self.graph
                .floats(&format!("{path}.bias"), &[bias.len()], &bias)
        });
        Ok(([Some(weight), bias].into_iter().flatten().collect(), left))
    }

    /// Group normalisation: the groups as channels of an instance normalisation, then scale and offset.
    fn group_norm<const R: usize>(
        &mut self,
        name: &str,
        norm: &GroupNorm,
        x: Value<R>,
    ) -> Value<R> {
        let path = at(&self.path, name);
        let (groups, whole) = (norm.num_groups(), x.shape.iter().product::<usize>());
        let split = [0, groups as i64, -1];
        let joined: Vec<i64> = [0]
            .into_iter()
            .chain(x.shape.map(|size| size as i64))
            .collect();
        let split = self.graph.ints(&format!("{path}/groups"), &split);
        let joined = self.graph.ints(&format!("{path}/channels"), &joined);
        let ones = self
            .graph
            .floats(&format!("{path}/ones"), &[groups], &vec![1.0; groups]);
        let zeros = self
            .graph
            .floats(&format!("{path}/zeros"), &[groups], &vec![0.0; groups]);
        let inner = [groups, whole / groups.max(1)];
        let y = self.node(("Reshape", name), vec![x.name, split], vec![], inner);
        let eps = vec![("epsilon", Attribute::Float(norm.eps() as f32))];
        let inputs = vec![y.name, ones, zeros];
        let y = self.node(("InstanceNormalization", name), inputs, eps, inner);
        let mut y = self.node(("Reshape", name), vec![y.name, joined], vec![], x.shape);
        let mut each = [1; R];
        each[0] = x.shape[0];
        for (op, end, parameter) in [("Mul", "weight", &norm.weight), ("Add", "bias", &norm.bias)] {
            if let Some(parameter) = parameter {
                let constant = format!("{path}.{end}");
                let constant = self.graph.floats(&constant, &each, &values(parameter));
                y = self.node((op, name), vec![y.name, constant], vec![], x.shape);
            }
        }
        y
    }

    /// Puts values around a map.
    fn padded(&mut self, padding: [[usize; 2]; 2], x: Map) -> Map {
        if padding == [[0; 2]; 2] {
            return x;
        }
        let [c, h, w] = x.shape;
        let shape = [
            c,
            h + padding[0].iter().sum::<usize>(),
            w + padding[1].iter().sum::<usize>(),
        ];
        let [top, left, bottom, right] = pads(padding).map(|size| size as i64);
        // Equal ones are one constant.
        let name = format!("/pads/{top},{left},{bottom},{right}");
        let sizes = [0, 0, top, left, 0, 0, bottom, right];
        let sizes = self.graph.ints(&name, &sizes);
        self.node(("Pad", ""), vec![x.name, sizes], vec![], shape)
    }

    /// A pooling to the map `y`; a last window that does not fit is given room behind the map, which
    /// is not counted.
    fn pool(
        &mut self,
        op: &'static str,
        windows: [Window; 2],
        mut attributes: Attributes,
        (x, y): (Map, MapShape),
    ) -> Map {
        let over = |axis: usize| windows[axis].over(x.shape[axis + 1], y[axis + 1]);
        let padding = [0, 1].map(|axis| {
            let [before, behind] = windows[axis].padding;
            [before, behind + over(axis)]
        });
        attributes.extend([
            ("kernel_shape", ints(windows.map(|window| window.taps))),
            ("strides", ints(windows.map(|window| window.stride))),
            ("pads", ints(pads(padding))),
        ]);
        self.node((op, ""), vec![x.name], attributes, y)
    }
}

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

    fn enter(&mut self, name: &str) {
        self.path.push(name.to_owned());
    }

    fn leave(&mut self, _: &Map) {
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
}
