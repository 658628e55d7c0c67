//! A case of `fixtures/onnx.json` with its tensors, and what an operator makes of it.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use onggi_nn::state::{self, StateTensor};
use onggi_nn::{NnError, init};
use onggi_ops::OpError;
use rand_chacha::ChaCha8Rng;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::path::Path;

/// The outputs in their order, `None` for one that Onggi does not give; or why Onggi has no such
/// thing.
pub(crate) type Outcome = Result<Vec<Option<Array>>, NotApplicable>;

/// Why Onggi has no such thing: what `require` says, or the error of the layer.
#[derive(Debug)]
pub(crate) struct NotApplicable(pub(crate) String);

impl From<&str> for NotApplicable {
    fn from(reason: &str) -> Self {
        Self(reason.to_string())
    }
}

impl From<NnError> for NotApplicable {
    fn from(error: NnError) -> Self {
        Self(error.to_string())
    }
}

impl From<OpError> for NotApplicable {
    fn from(error: OpError) -> Self {
        Self(error.to_string())
    }
}

pub(crate) fn require(condition: bool, reason: &str) -> Result<(), NotApplicable> {
    condition.then_some(()).ok_or_else(|| reason.into())
}

pub(crate) fn device() -> Device {
    onggi_ops::testing::device()
}

pub(crate) fn rng() -> ChaCha8Rng {
    init::generator(1)
}

/// A tensor of any number of axes. `f64` has every value of the fixture's types, their integers
/// being small.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
    pub(crate) boolean: bool,
}

impl Array {
    fn read(file: &SafeTensors, name: &str) -> Self {
        let view = file.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        fn each<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
            bytes.as_chunks().0.iter().map(|&b| value(b)).collect()
        }
        let values = match view.dtype() {
            Dtype::F32 => each(view.data(), |b| f64::from(f32::from_le_bytes(b))),
            Dtype::I32 => each(view.data(), |b| f64::from(i32::from_le_bytes(b))),
            Dtype::I64 => each(view.data(), |b| i64::from_le_bytes(b) as f64),
            Dtype::BOOL => each(view.data(), |[b]| f64::from(b)),
            other => panic!("{name} is {other:?}"),
        };
        Self {
            shape: view.shape().to_vec(),
            values,
            boolean: view.dtype() == Dtype::BOOL,
        }
    }

    pub(crate) fn of<const D: usize>(x: Tensor<D>) -> Self {
        Self {
            shape: x.dims().to_vec(),
            values: x.into_data().iter::<f64>().collect(),
            boolean: false,
        }
    }

    pub(crate) fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The same values in another shape.
    pub(crate) fn reshaped(&self, shape: &[usize]) -> Self {
        let shape = shape.to_vec();
        assert_eq!(shape.iter().product::<usize>(), self.values.len());
        Self {
            shape,
            ..self.clone()
        }
    }

    pub(crate) fn floats(&self) -> Vec<f32> {
        self.values.iter().map(|&v| v as f32).collect()
    }

    pub(crate) fn ints(&self) -> Vec<i64> {
        self.values.iter().map(|&v| v as i64).collect()
    }

    pub(crate) fn tensor<const D: usize>(&self) -> Tensor<D> {
        Tensor::from_data(
            TensorData::new(self.floats(), self.shape.clone()),
            &device(),
        )
    }

    pub(crate) fn indices<const D: usize>(&self) -> Tensor<D, Int> {
        Tensor::from_data(TensorData::new(self.ints(), self.shape.clone()), &device())
    }

    fn state(&self) -> StateTensor {
        StateTensor {
            shape: self.shape.clone(),
            values: self.floats(),
        }
    }
}

/// One output: what a tensor holds.
pub(crate) fn one<const D: usize>(y: Tensor<D>) -> Outcome {
    Ok(vec![Some(Array::of(y))])
}

/// The layer with these parameters and buffers, by PyTorch's names; those that are `None` it does
/// not have.
pub(crate) fn load<M: Module>(layer: M, parts: &[(&str, Option<&Array>)]) -> Result<M, NnError> {
    let given =
        |(name, array): &(&str, Option<&Array>)| Some((name.to_string(), (*array)?.state()));
    state::load(layer, parts.iter().filter_map(given).collect())
}

/// One node with its attributes, all written out, and its tensors by the specification's names.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) op: String,
    attributes: Value,
    inputs: Vec<(String, Option<Array>)>,
    pub(crate) outputs: Vec<(String, Option<Array>)>,
}

impl Case {
    /// All cases of the fixture.
    pub(crate) fn all(fixtures: &Path) -> Vec<Self> {
        let bytes = std::fs::read(fixtures.join("onnx.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let text = std::fs::read_to_string(fixtures.join("onnx.json")).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        let group = |group: &Value| {
            let named = group.as_object().unwrap().iter();
            named
                .map(|(name, key)| {
                    let array = key.as_str().map(|key| Array::read(&tensors, key));
                    (name.clone(), array)
                })
                .collect()
        };
        let cases = json["cases"].as_object().unwrap().iter();
        cases
            .map(|(name, case)| Self {
                name: name.clone(),
                op: case["op"].as_str().unwrap().to_string(),
                attributes: case["attributes"].clone(),
                inputs: group(&case["inputs"]),
                outputs: group(&case["outputs"]),
            })
            .collect()
    }

    /// A case that is only known by what is expected of it.
    pub(crate) fn of_outputs(outputs: Vec<(String, Option<Array>)>) -> Self {
        Self {
            name: String::new(),
            op: String::new(),
            attributes: Value::Null,
            inputs: Vec::new(),
            outputs,
        }
    }

    /// An input, if the node has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Array> {
        let mut named = self.inputs.iter();
        named.find(|(n, _)| n == name)?.1.as_ref()
    }

    pub(crate) fn input(&self, name: &str) -> &Array {
        let missing = || panic!("{} has no {name}", self.name);
        self.get(name).unwrap_or_else(missing)
    }

    pub(crate) fn output_shape(&self, index: usize) -> &[usize] {
        &self.outputs[index].1.as_ref().unwrap().shape
    }

    /// A number, if there is one.
    pub(crate) fn optional(&self, name: &str) -> Option<f64> {
        self.attributes[name].as_f64()
    }

    pub(crate) fn number(&self, name: &str) -> f64 {
        let missing = || panic!("{} has no {name}", self.name);
        self.optional(name).unwrap_or_else(missing)
    }

    pub(crate) fn size(&self, name: &str) -> usize {
        self.number(name) as usize
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.optional(name).is_some_and(|value| value != 0.0)
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.attributes[name].as_str().unwrap_or_default()
    }

    pub(crate) fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        let list = self.attributes[name].as_array()?;
        Some(list.iter().map(|value| value.as_f64().unwrap()).collect())
    }

    /// One size for each of `R` axes.
    pub(crate) fn sizes<const R: usize>(&self, name: &str) -> [usize; R] {
        let list = self.numbers(name).unwrap();
        assert_eq!(list.len(), R, "{} of {}", name, self.name);
        std::array::from_fn(|axis| list[axis] as usize)
    }
}

/// `$body` with the constant `$axes` being a number of axes that is known when the test runs.
macro_rules! by_rank {
    ($rank:expr, $axes:ident in [$($known:literal)*] => $body:expr) => {
        match $rank {
            $($known => {
                const $axes: usize = $known;
                $body
            })*
            rank => panic!("{rank} axes"),
        }
    };
}
pub(crate) use by_rank;
