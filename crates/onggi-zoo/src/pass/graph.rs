//! A pass that writes the layers down as operations of ONNX.

mod layers;

use super::shape::{MapShape, Window};
use super::{Activation, at};
use crate::Norm;
use crate::norm::Affine;
use crate::onnx::graph::{Attribute, Element, Graph};
use burn::module::Param;
use burn::tensor::Tensor;
use onggi_nn::NnError;
use onggi_nn::norm::GroupNorm;

/// A tensor of the graph, of `R` axes behind the batch.
#[derive(Clone, Debug)]
pub(crate) struct Value<const R: usize> {
    pub(crate) name: String,
    pub(crate) shape: [usize; R],
}

type Map = Value<3>;
type Rows = Value<1>;
type Tokens = Value<2>;
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
