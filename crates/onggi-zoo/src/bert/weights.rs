//! Where a model's tensors come from: a state dict with Hugging Face's names, or a generator.

use super::config::EncoderFamily;
use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use onggi_nn::embedding::Embedding;
use onggi_nn::linear::Linear;
use onggi_nn::norm::{LayerNorm, LayerNormConfig};
use onggi_nn::state::{StateDict, StateTensor};
use onggi_nn::{NnError, init};
use rand_chacha::ChaCha8Rng;

/// Deviation of random weights, as the papers have it.
const DEVIATION: f64 = 0.02;

/// What heads for tasks are called: an encoder has no use for them.
const HEADS: [&str; 9] = [
    "cls.",
    "lm_head.",
    "vocab_transform.",
    "vocab_layer_norm.",
    "vocab_projector.",
    "classifier.",
    "pre_classifier.",
    "qa_outputs.",
    "pooler.",
];

/// Numbers of places that old files hold beside the weights.
const COUNTERS: [&str; 2] = ["embeddings.position_ids", "embeddings.token_type_ids"];

/// A state dict, and what was found wrong with it.
pub(super) struct Given {
    family: EncoderFamily,
    state: StateDict,
    problems: Vec<String>,
}

impl Given {
    pub(super) fn new(family: EncoderFamily, state: StateDict) -> Self {
        let prefix = family.prefix();
        let named = state.into_iter().map(|(name, tensor)| {
            let name = name
                .strip_prefix(prefix)
                .map_or(name.clone(), str::to_owned);
            // TensorFlow's names, in the first models.
            let name = match name.strip_suffix("LayerNorm.gamma") {
                Some(start) => format!("{start}LayerNorm.weight"),
                None => match name.strip_suffix("LayerNorm.beta") {
                    Some(start) => format!("{start}LayerNorm.bias"),
                    None => name,
                },
            };
            (name, tensor)
        });
        Self {
            family,
            state: named.collect(),
            problems: Vec::new(),
        }
    }

    /// Whether it has what BERT calls `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.state.contains_key(&self.family.renamed(name))
    }

    /// The values of what BERT calls `name`; none if they are missing or have another shape.
    fn take(&mut self, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
        let name = self.family.renamed(name);
        match self.state.remove(&name) {
            None => self.problems.push(format!("`{name}` is missing")),
            Some(StateTensor { shape: got, .. }) if got != shape => {
                let problem = format!("`{name}` has shape {got:?}, not {shape:?}");
                self.problems.push(problem);
            }
            Some(tensor) => return Some(tensor.values),
        }
        None
    }

    /// # Errors
    /// What was missing, of another shape, or is left over.
    pub(super) fn finish(mut self) -> Result<(), NnError> {
        let known = |name: &String| {
            COUNTERS.contains(&name.as_str()) || HEADS.iter().any(|head| name.starts_with(head))
        };
        let extra = self.state.into_keys().filter(|name| !known(name));
        self.problems
            .extend(extra.map(|name| format!("`{name}` is not the model's")));
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(NnError::State {
            problems: self.problems,
        })
    }
}

enum Values<'a> {
    Given(&'a mut Given),
    Random(&'a mut ChaCha8Rng),
}

/// Makes layers by name.
pub(super) struct Origin<'a> {
    values: Values<'a>,
    device: &'a Device,
}

impl<'a> Origin<'a> {
    pub(super) fn given(given: &'a mut Given, device: &'a Device) -> Self {
        let values = Values::Given(given);
        Self { values, device }
    }

    pub(super) fn random(rng: &'a mut ChaCha8Rng, device: &'a Device) -> Self {
        let values = Values::Random(rng);
        Self { values, device }
    }

    /// What BERT calls `name`: given, or drawn by `draw`; zeros where what is given is wrong, which the
    /// caller learns from [`Given::finish`].
    pub(super) fn tensor<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
        draw: impl FnOnce(&mut ChaCha8Rng, &Device) -> Tensor<D>,
    ) -> Tensor<D> {
        let device = self.device;
        match &mut self.values {
            Values::Random(rng) => draw(rng, device),
            Values::Given(given) => match given.take(name, &shape) {
                Some(values) => Tensor::from_data(TensorData::new(values, shape), device),
                None => Tensor::zeros(shape, device),
            },
        }
    }

    /// [`tensor`](Self::tensor) of one axis, drawn as zeros, as a parameter.
    pub(super) fn bias(&mut self, name: &str, size: usize) -> Param<Tensor<1>> {
        let zeros = |_: &mut ChaCha8Rng, device: &Device| Tensor::zeros([size], device);
        Param::from_tensor(self.tensor(name, [size], zeros))
    }

    pub(super) fn linear(&mut self, name: &str, outputs: usize, inputs: usize) -> Linear {
        let shape = [outputs, inputs];
        let normal =
            |rng: &mut ChaCha8Rng, device: &Device| init::normal(shape, DEVIATION, rng, device);
        let weight = self.tensor(&format!("{name}.weight"), shape, normal);
        let bias = self.bias(&format!("{name}.bias"), outputs);
        Linear {
            weight: Param::from_tensor(weight),
            bias: Some(bias),
        }
    }

    pub(super) fn embedding(
        &mut self,
        name: &str,
        shape: [usize; 2],
        padding: Option<usize>,
    ) -> Result<Embedding, NnError> {
        let normal = |rng: &mut ChaCha8Rng, device: &Device| {
            let table = init::normal(shape, DEVIATION, rng, device);
            match padding {
                Some(row) => {
                    let zeros = Tensor::zeros([1, shape[1]], device);
                    table.slice_assign([row..row + 1, 0..shape[1]], zeros)
                }
                None => table,
            }
        };
        let weight = self.tensor(&format!("{name}.weight"), shape, normal);
        Embedding::from_pretrained(weight, padding)
    }

    pub(super) fn norm(
        &mut self,
        name: &str,
        width: usize,
        eps: f64,
    ) -> Result<LayerNorm<1>, NnError> {
        let config = LayerNormConfig {
            eps,
            ..LayerNormConfig::new([width])
        };
        let mut norm = config.init(self.device)?;
        let ones = |_: &mut ChaCha8Rng, device: &Device| Tensor::ones([width], device);
        let weight = self.tensor(&format!("{name}.weight"), [width], ones);
        norm.weight = Some(Param::from_tensor(weight));
        norm.bias = Some(self.bias(&format!("{name}.bias"), width));
        Ok(norm)
    }
}
