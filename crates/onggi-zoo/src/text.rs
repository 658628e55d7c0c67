//! Models for texts by name: a row and a variant each.
//!
//! They read token ids `(N, L)` that end in zeros where a text is shorter than the longest. The zeros are
//! padding: they change no logit.

mod bag_of_embeddings;
mod cnn;
mod recurrent;
mod tokens;
mod transformer;

pub use bag_of_embeddings::BagOfEmbeddings;
pub use cnn::TextCnn;
pub use recurrent::TextRecurrent;
pub use transformer::TextTransformer;

use crate::registry::{ModelOptions, ModelRow, ZooError, unknown};
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use onggi_nn::embedding::{Embedding, EmbeddingConfig};
use onggi_nn::init::{self, Nonlinearity, Probe};
use onggi_nn::linear::Linear;
use onggi_nn::{Mode, Network, NnError};
use rand_chacha::ChaCha8Rng;

/// Values of a token's embedding, before the width asked for.
const EMBEDDING: usize = 128;

/// Networks for texts.
pub const TEXT_MODELS: [ModelRow; 5] = [
    ModelRow {
        name: "bag_of_embeddings",
        summary: "mean of the tokens' embeddings: fast, blind to their order",
    },
    ModelRow {
        name: "cnn",
        summary: "convolutions over 3, 4 and 5 tokens, the strongest answer of each",
    },
    ModelRow {
        name: "gru",
        summary: "gated recurrent unit in both directions",
    },
    ModelRow {
        name: "lstm",
        summary: "long short-term memory in both directions",
    },
    ModelRow {
        name: "transformer",
        summary: "two layers of attention, normalised first",
    },
];

/// Any network for texts.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use onggi_nn::{Mode, Network, init};
/// use onggi_zoo::{ModelOptions, TextModel};
///
/// let device = Device::flex();
/// let options = ModelOptions::new(2);
/// let model = TextModel::build("cnn", 1_000, &options, &mut init::generator(1), &device)?;
/// // The second text is shorter.
/// let tokens = Tensor::<2, Int>::from_ints([[5, 17, 999, 4], [8, 17, 0, 0]], &device);
/// assert_eq!(model.outputs(tokens, &Mode::Eval)?.dims(), [2, 2]);
/// # Ok::<(), onggi_zoo::ZooError>(())
/// ```
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // one lives at a time
pub enum TextModel {
    /// `bag_of_embeddings`.
    BagOfEmbeddings(BagOfEmbeddings),
    /// `cnn`.
    Cnn(TextCnn),
    /// `gru`.
    Gru(TextRecurrent<3>),
    /// `lstm`.
    Lstm(TextRecurrent<4>),
    /// `transformer`.
    Transformer(TextTransformer),
}

impl TextModel {
    /// The model called `name` for ids below `vocabulary`.
    ///
    /// # Errors
    /// An unknown name, or options that a layer refuses.
    pub fn build(
        name: &str,
        vocabulary: usize,
        options: &ModelOptions,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self, ZooError> {
        Ok(match name {
            "bag_of_embeddings" => {
                Self::BagOfEmbeddings(BagOfEmbeddings::new(vocabulary, options, rng, device)?)
            }
            "cnn" => Self::Cnn(TextCnn::new(vocabulary, options, rng, device)?),
            "gru" => Self::Gru(TextRecurrent::new("gru", vocabulary, options, rng, device)?),
            "lstm" => Self::Lstm(TextRecurrent::new(
                "lstm", vocabulary, options, rng, device,
            )?),
            "transformer" => {
                Self::Transformer(TextTransformer::new(vocabulary, options, rng, device)?)
            }
            _ => {
                let known = TEXT_MODELS.iter().map(|row| row.name);
                return Err(unknown("text", name, known));
            }
        })
    }
}

impl Network<Tensor<2, Int>> for TextModel {
    fn outputs(&self, x: Tensor<2, Int>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        self.observed_outputs(x, mode, &mut Probe::off())
    }

    fn observed_outputs(
        &self,
        x: Tensor<2, Int>,
        mode: &Mode,
        probe: &mut Probe,
    ) -> Result<Tensor<2>, NnError> {
        match self {
            Self::BagOfEmbeddings(model) => model.forward(x, mode, probe),
            Self::Cnn(model) => model.forward(x, mode, probe),
            Self::Gru(model) => model.forward(x, mode, probe),
            Self::Lstm(model) => model.forward(x, mode, probe),
            Self::Transformer(model) => model.forward(x, mode, probe),
        }
    }
}

/// An error for what no text model has.
fn plain(options: &ModelOptions, model: &'static str) -> Result<(), NnError> {
    options.no_drop_path(model)?;
    options.no_norm(model)
}

/// A table of `vocabulary` rows with standard deviation `std`, zero for the padding.
fn table(
    vocabulary: usize,
    width: usize,
    std: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Result<Embedding, NnError> {
    let config = EmbeddingConfig::new(vocabulary, width).with_padding_idx(tokens::PADDING);
    let mut table = config.init(rng, device)?;
    table.weight = scaled(table.weight, std);
    Ok(table)
}

/// The logits of `features`, with a note of them.
fn classify(fc: &Linear, features: Tensor<2>, probe: &mut Probe) -> Result<Tensor<2>, NnError> {
    let logits = fc.forward(features)?;
    probe.record("fc", Nonlinearity::Linear, &logits);
    Ok(logits)
}

/// A parameter times `factor`, outside of any graph.
fn scaled(param: Param<Tensor<2>>, factor: f64) -> Param<Tensor<2>> {
    let values = param.val().set_require_grad(false) * factor;
    init::redraw(param, |_, _| values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NormKind;
    use burn::tensor::TensorData;
    use onggi_nn::{loss::CrossEntropy, optim::Gradients, state};
    use onggi_ops::testing::{assert_close, values};

    const VOCABULARY: usize = 50;

    fn options() -> ModelOptions {
        ModelOptions {
            dropout: 0.1,
            width: 0.25,
            ..ModelOptions::new(3)
        }
    }

    fn build(name: &str, seed: u64, device: &Device) -> TextModel {
        let rng = &mut init::generator(seed);
        TextModel::build(name, VOCABULARY, &options(), rng, device).unwrap()
    }

    /// Texts of 1 to 9 tokens, padded to `width`.
    fn texts(width: usize, device: &Device) -> Tensor<2, Int> {
        let lengths = [9, 1, 4, 7, 2];
        let id = |row: usize, at: usize| {
            let inside = at < lengths[row];
            i64::from(inside) * (1 + (row * 11 + at * 7) % (VOCABULARY - 1)) as i64
        };
        let ids: Vec<i64> = (0..lengths.len() * width)
            .map(|i| id(i / width, i % width))
            .collect();
        Tensor::from_data(TensorData::new(ids, [lengths.len(), width]), device)
    }

    /// Gradients reach every parameter, evaluation repeats, and a state dict comes back.
    #[test]
    fn every_text_model_conforms() {
        let device = Device::flex().autodiff();
        for row in TEXT_MODELS {
            let model = build(row.name, 1, &device);
            let logits = model
                .outputs(texts(9, &device), &Mode::train(1, 0))
                .unwrap();
            assert_eq!(logits.dims(), [5, 3]);
            let loss = CrossEntropy::new(0.0, None).unwrap();
            let loss = loss.forward(logits, &[0, 1, 2, 0, 1]).unwrap();
            let gradients = Gradients::of(&model, &loss).unwrap();
            let state = state::collect(&model);
            for name in state.keys() {
                let gradient = gradients
                    .get(name)
                    .unwrap_or_else(|| panic!("{name}: none"));
                let values = gradient.clone().into_data().try_to_vec::<f32>().unwrap();
                assert!(values.iter().all(|v| v.is_finite()), "{name}");
                assert!(values.iter().any(|&v| v != 0.0), "{name}: zero");
            }
            let answer = |model: &TextModel| {
                let texts = texts(9, &Device::flex());
                values(&model.valid().outputs(texts, &Mode::Eval).unwrap())
            };
            let other = build(row.name, 2, &device);
            assert_ne!(answer(&model), answer(&other));
            let restored = state::load(other, state).unwrap();
            assert_eq!(answer(&model), answer(&restored));
        }
    }

    #[test]
    fn padding_changes_no_logit() {
        let device = Device::flex();
        for row in TEXT_MODELS {
            let model = build(row.name, 3, &device);
            let logits = |width| {
                let texts = texts(width, &device);
                values(&model.outputs(texts, &Mode::Eval).unwrap())
            };
            let expected = logits(9);
            for width in [10, 16, 61] {
                assert_close(row.name, &logits(width), &expected, 1e-6);
            }
            // A text alone, without padding, says the same as among longer ones.
            for (i, len) in [9, 1, 4, 7, 2].into_iter().enumerate() {
                let alone = texts(9, &device).slice([i..i + 1, 0..len]);
                let alone = values(&model.outputs(alone, &Mode::Eval).unwrap());
                assert_close(row.name, &alone, &expected[3 * i..3 * i + 3], 1e-6);
            }
        }
    }

    #[test]
    fn recurrent_weights_begin_orthogonal() {
        let device = Device::flex();
        for name in ["gru", "lstm"] {
            let state = state::collect(&build(name, 1, &device));
            for direction in ["", "_reverse"] {
                let weight = &state[&format!("rnn.weight_hh_l0{direction}")];
                let n = weight.shape[1];
                for gate in weight.values.chunks_exact(n * n) {
                    for (i, a) in gate.chunks_exact(n).enumerate() {
                        for (j, b) in gate.chunks_exact(n).enumerate() {
                            let product: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                            let expected = if i == j { 1.0 } else { 0.0 };
                            assert!((product - expected).abs() < 1e-5, "{name}: {product}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_is_told() {
        let device = Device::flex();
        let of = |name: &str, options: &ModelOptions| {
            let rng = &mut init::generator(1);
            let model = TextModel::build(name, VOCABULARY, options, rng, &device);
            model.err().map(|error| error.to_string())
        };
        let error = of("bert", &options()).unwrap();
        assert_eq!(
            error,
            "there is no text model `bert`; there is: bag_of_embeddings, cnn, gru, lstm, transformer"
        );
        for row in TEXT_MODELS {
            let dropping = ModelOptions {
                drop_path: 0.1,
                ..options()
            };
            assert!(of(row.name, &dropping).unwrap().contains("drop_path"));
            let grouped = ModelOptions {
                norm: NormKind::Group,
                ..options()
            };
            assert!(of(row.name, &grouped).unwrap().contains("norm"));
            let model = build(row.name, 1, &device);
            let strange = Tensor::<2, Int>::from_ints([[1, VOCABULARY as i32]], &device);
            assert!(model.outputs(strange, &Mode::Eval).is_err(), "{}", row.name);
            let nothing = Tensor::<2, Int>::zeros([2, 0], &device);
            assert!(model.outputs(nothing, &Mode::Eval).is_err(), "{}", row.name);
            // A text of padding alone is read as one token of it.
            let empty = Tensor::<2, Int>::zeros([1, 3], &device);
            let logits = values(&model.outputs(empty, &Mode::Eval).unwrap());
            assert!(logits.iter().all(|v| v.is_finite()), "{}", row.name);
        }
    }
}
