//! A graph of operations on tensors, and the ONNX file that holds it.

use super::message::Message;
use crate::ZooError;
use std::collections::BTreeSet;

/// Version of the file format, and of the operators: those of ONNX 1.12, which every runtime of the
/// years since reads.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;

/// Most bytes of a message of protocol buffers.
const MOST_BYTES: usize = i32::MAX as usize;

/// What a tensor holds, by ONNX's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    F32 = 1,
    I64 = 7,
    Bool = 9,
    F64 = 11,
}

/// A value of a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) op: &'static str,
    pub(crate) inputs: Vec<String>,
    /// Name of its one output, and its own.
    pub(crate) output: String,
    pub(crate) attributes: Vec<(&'static str, Attribute)>,
}

/// A tensor that does not change.
#[derive(Clone, Debug, PartialEq)]
struct Constant {
    name: String,
    element: Element,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// A tensor that an inference computes or is given: its first axis is the batch.
#[derive(Clone, Debug, PartialEq)]
struct Tensor {
    name: String,
    element: Element,
    /// Sizes behind the batch axis.
    shape: Vec<usize>,
    words: &'static str,
}

/// Operations in the order they are done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    constants: Vec<Constant>,
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
    /// What nodes put out, but for the outputs.
    between: Vec<Tensor>,
    names: BTreeSet<String>,
}

impl Graph {
    /// Declares an input of `shape` behind the batch axis.
    pub(crate) fn input(
        &mut self,
        name: &str,
        element: Element,
        shape: &[usize],
        words: &'static str,
    ) {
        self.names.insert(name.to_owned());
        self.inputs.push(Tensor {
            name: name.to_owned(),
            element,
            shape: shape.to_vec(),
            words,
        });
    }

    /// Adds an operation whose output is of `shape` behind the batch axis. The name of the output is
    /// `name`, numbered if there is one of that name already.
    pub(crate) fn node(
        &mut self,
        (op, name): (&'static str, &str),
        inputs: Vec<String>,
        attributes: Vec<(&'static str, Attribute)>,
        (element, shape): (Element, &[usize]),
    ) -> String {
        let output = self.free(name);
        self.names.insert(output.clone());
        self.nodes.push(Node {
            op,
            inputs,
            output: output.clone(),
            attributes,
        });
        self.between.push(Tensor {
            name: output.clone(),
            element,
            shape: shape.to_vec(),
            words: "",
        });
        output
    }

    /// Declares what a node puts out an output of the graph, under another name.
    pub(crate) fn output(&mut self, found: &str, name: &str, words: &'static str) {
        self.names.insert(name.to_owned());
        for node in &mut self.nodes {
            let names = node.inputs.iter_mut().chain([&mut node.output]);
            names
                .filter(|known| *known == found)
                .for_each(|known| name.clone_into(known));
        }
        if let Some(at) = self.between.iter().position(|tensor| tensor.name == found) {
            let tensor = self.between.remove(at);
            self.outputs.push(Tensor {
                name: name.to_owned(),
                words,
                ..tensor
            });
        }
    }

    /// A constant, and its name: `name`, numbered if there is another of that name. Equal ones are one.
    pub(crate) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes());
        self.constant(name, Element::F32, shape, bytes)
    }

    /// As [`floats`](Self::floats), of 64 bits.
    pub(crate) fn doubles(&mut self, name: &str, shape: &[usize], values: &[f64]) -> String {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes());
        self.constant(name, Element::F64, shape, bytes)
    }

    /// As [`floats`](Self::floats), of whole numbers in a row.
    pub(crate) fn ints(&mut self, name: &str, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes());
        self.constant(name, Element::I64, &[values.len()], bytes)
    }

    fn constant(
        &mut self,
        name: &str,
        element: Element,
        shape: &[usize],
        bytes: impl Iterator<Item = u8>,
    ) -> String {
        let (shape, bytes) = (shape.to_vec(), bytes.collect());
        let mut made = Constant {
            name: name.to_owned(),
            element,
            shape,
            bytes,
        };
        if self.names.contains(name) {
            // Of a layer that is passed twice; with another norm behind it, it is another.
            if self.constants.contains(&made) {
                return made.name;
            }
            made.name = self.free(name);
        }
        self.names.insert(made.name.clone());
        let name = made.name.clone();
        self.constants.push(made);
        name
    }

    /// `name`, numbered if there is one of that name already.
    fn free(&self, name: &str) -> String {
        let numbered = (1..).map(|number| format!("{name}_{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        let free = names.find(|name| !self.names.contains(name));
        free.unwrap_or_else(|| name.to_owned())
    }

    /// The bytes of the ONNX file of a model called `name`.
    ///
    /// # Errors
    /// More than 2 GiB.
    pub(crate) fn to_bytes(
        &self,
        name: &str,
        metadata: &[(&str, String)],
    ) -> Result<Vec<u8>, ZooError> {
        let mut model = Message::default();
        model.int(1, IR_VERSION);
        model.text(2, "onggi");
        model.text(3, env!("CARGO_PKG_VERSION"));
        model.message(7, self.message(name));
        let mut opset = Message::default();
        opset.text(1, "");
        opset.int(2, OPSET);
        model.message(8, opset);
        for (key, value) in metadata {
            let mut entry = Message::default();
            entry.text(1, key);
            entry.text(2, value);
            model.message(14, entry);
        }
        match model.len() {
            bytes if bytes > MOST_BYTES => Err(ZooError::OnnxSize { bytes }),
            _ => Ok(model.into_bytes()),
        }
    }

    /// `GraphProto`.
    fn message<'a>(&'a self, name: &'a str) -> Message<'a> {
        let mut graph = Message::default();
        self.nodes
            .iter()
            .for_each(|node| graph.message(1, node.message()));
        graph.text(2, name);
        let constants = self.constants.iter();
        constants.for_each(|constant| graph.message(5, constant.message()));
        let declared = [(11, &self.inputs), (12, &self.outputs), (13, &self.between)];
        for (field, tensors) in declared {
            let tensors = tensors.iter();
            tensors.for_each(|tensor| graph.message(field, tensor.message()));
        }
        graph
    }
}

impl Node {
    /// `NodeProto`.
    fn message(&self) -> Message<'_> {
        let mut node = Message::default();
        self.inputs.iter().for_each(|input| node.text(1, input));
        node.text(2, &self.output);
        node.text(3, &self.output);
        node.text(4, self.op);
        for (name, value) in &self.attributes {
            let mut attribute = Message::default();
            attribute.text(1, name);
            match value {
                Attribute::Float(value) => {
                    attribute.float(2, *value);
                    attribute.int(20, 1);
                }
                Attribute::Int(value) => {
                    attribute.int(3, *value);
                    attribute.int(20, 2);
                }
                Attribute::Ints(values) => {
                    values.iter().for_each(|&value| attribute.int(8, value));
                    attribute.int(20, 7);
                }
            }
            node.message(5, attribute);
        }
        node
    }
}

impl Constant {
    /// `TensorProto`.
    fn message(&self) -> Message<'_> {
        let mut tensor = Message::default();
        self.shape
            .iter()
            .for_each(|&size| tensor.int(1, size as i64));
        tensor.int(2, self.element as i64);
        tensor.text(8, &self.name);
        tensor.bytes(9, &self.bytes);
        tensor
    }
}

impl Tensor {
    /// `ValueInfoProto`.
    fn message(&self) -> Message<'_> {
        let mut shape = Message::default();
        let mut batch = Message::default();
        batch.text(2, "N");
        shape.message(1, batch);
        for &size in &self.shape {
            let mut axis = Message::default();
            axis.int(1, size as i64);
            shape.message(1, axis);
        }
        let mut tensor = Message::default();
        tensor.int(1, self.element as i64);
        tensor.message(2, shape);
        let mut kind = Message::default();
        kind.message(1, tensor);
        let mut value = Message::default();
        value.text(1, &self.name);
        value.message(2, kind);
        if !self.words.is_empty() {
            value.text(3, self.words);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the onnx package writes it: `tests/fixtures/onnx/generate.py`.
    #[test]
    fn a_graph_has_the_bytes_of_the_reference() {
        let mut graph = Graph::default();
        let count = |n: i16| -> Vec<f32> { (0..n).map(|i| f32::from(i - 3)).collect() };
        graph.input("images", Element::F32, &[2, 4, 4], "in [0, 1]");
        let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
        let attributes = vec![
            ("kernel_shape", ints(&[2, 2])),
            ("pads", ints(&[0; 4])),
            ("strides", ints(&[2, 2])),
        ];
        let map = (Element::F32, [2, 2, 2].as_slice());
        let x = graph.node(("MaxPool", "pool"), vec!["images".into()], attributes, map);
        let slope = vec![
            ("alpha", Attribute::Float(0.25)),
            ("beta", Attribute::Float(0.5)),
        ];
        let x = graph.node(("HardSigmoid", "gate"), vec![x], slope, map);
        let rows = graph.ints("rows", &[0, -1]);
        let (eight, all) = (
            (Element::F32, [8].as_slice()),
            (Element::F32, [75].as_slice()),
        );
        // A second one of that name is numbered.
        let x = graph.node(("Reshape", "gate"), vec![x, rows], vec![], eight);
        let weight = graph.floats("fc.weight", &[75, 8], &count(600));
        let bias = graph.floats("fc.bias", &[75], &count(75));
        assert_eq!(graph.floats("fc.bias", &[75], &count(75)), bias);
        let other = graph.clone().floats("fc.bias", &[1], &[0.0]);
        assert_eq!(other, "fc.bias_1");
        let transposed = vec![("transB", Attribute::Int(1))];
        let x = graph.node(("Gemm", "fc"), vec![x, weight, bias], transposed, all);
        graph.output(&x, "logits", "");
        let expected = include_bytes!("../../tests/fixtures/onnx/graph.bin");
        assert!(graph.message("tiny").into_bytes() == expected);
    }
}
