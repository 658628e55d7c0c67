//! A trained classifier of texts, with a network or without.

use crate::commands::train::TEXT_COLUMN;
use crate::description::{Description, Input, load_linear};
use crate::encoder::Ids;
use crate::failure::Failure;
use crate::train::run::{check_run, files};
use crate::train::{TrainError, read_weights};
use crate::zoo::TextModel;
use crate::zoo::bert::TextClassifier;
use crate::zoo::tokenizer::TextTokenizer;
use anyhow::anyhow;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use onggi_data::Dataset;
use onggi_data::text::{Encode, Texts, TokenDataset, Tokenizer};
use onggi_nn::init::{self, Probe};
use onggi_nn::{Mode, Network, NnError, state};
use onggi_train::linear::TextLinear;
use onggi_train::metrics::log_loss;
use onggi_train::{Predictions, predict};
use std::path::Path;
use std::sync::Arc;

/// A tokenizer's file, at most.
const MOST_BYTES: u64 = 1 << 30;

/// The model of a run of texts, ready to answer.
pub(crate) struct TextRun {
    /// Class names in label order.
    pub(crate) classes: Vec<String>,
    /// The column of the texts; `None` for a folder of files.
    pub(crate) text_column: Option<String>,
    /// The column of the class, likewise.
    pub(crate) target: Option<String>,
    model: Model,
}

#[allow(clippy::large_enum_variant)] // one lives at a time
enum Model {
    Linear(TextLinear),
    Network(TextNetwork),
}

/// A network on token ids, and what makes them.
pub(crate) struct TextNetwork {
    pub(crate) model: AnyTextModel,
    tokenizer: Arc<dyn Encode>,
    max_tokens: usize,
}

/// A network that began at random, or as a published encoder.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // one lives at a time
pub(crate) enum AnyTextModel {
    Random(TextModel),
    Pretrained(TextClassifier),
}

impl Network<Tensor<2, Int>> for AnyTextModel {
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
            Self::Random(model) => model.observed_outputs(x, mode, probe),
            Self::Pretrained(model) => model.observed_outputs(x, mode, probe),
        }
    }
}

/// Texts and labels of one part.
pub(crate) type TextPart<'a> = (Vec<&'a str>, Vec<usize>);

impl TextNetwork {
    /// Texts of `classes` classes as the network reads them; without labels if there are none.
    pub(crate) fn tokens<S: AsRef<str> + Sync>(
        &self,
        (texts, labels): (&[S], &[usize]),
        classes: usize,
    ) -> Result<TokenDataset, Failure> {
        let names = vec![String::new(); texts.len()];
        let (tokenizer, labels) = (self.tokenizer.clone(), labels.to_vec());
        let made = TokenDataset::new(tokenizer, texts, labels, classes, names, self.max_tokens);
        Ok(made?)
    }
}

impl TextRun {
    /// The network; `None` of a linear model.
    pub(crate) fn network(&self) -> Option<&TextNetwork> {
        match &self.model {
            Model::Linear(_) => None,
            Model::Network(network) => Some(network),
        }
    }

    /// Labelled texts as the run was trained on.
    pub(crate) fn read(&self, data: &Path) -> Result<Texts, Failure> {
        if data.is_dir() {
            return Ok(Texts::find(data)?);
        }
        let Some(target) = &self.target else {
            let shown = data.display();
            return Err(anyhow!("{shown}: the run was trained on a folder; give one").into());
        };
        let column = self.text_column.as_deref().unwrap_or(TEXT_COLUMN);
        Ok(Texts::read_for(
            data,
            column,
            Some((target, &self.classes)),
        )?)
    }

    /// The answers to labelled texts, of which there has to be one.
    pub(crate) fn answers(
        &self,
        (texts, labels): &TextPart<'_>,
        threads: usize,
    ) -> Result<Predictions, Failure> {
        let classes = self.classes.len();
        let probabilities = self.probabilities(texts, threads)?;
        Ok(Predictions {
            loss: log_loss(labels, &probabilities, classes)?,
            labels: labels.clone(),
            probabilities,
            classes,
        })
    }

    /// Probabilities of each text's classes, text by text.
    pub(crate) fn probabilities<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        threads: usize,
    ) -> Result<Vec<f64>, Failure> {
        let network = match &self.model {
            Model::Linear(model) => return Ok(model.probabilities(texts)?),
            Model::Network(network) => network,
        };
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let data: Arc<dyn Dataset> = Arc::new(network.tokens((texts, &[]), self.classes.len())?);
        Ok(predict(&network.model, &data, threads)?.probabilities)
    }
}

/// The model of a run of texts; `None` if the run is of something else.
pub(crate) fn load_text(dir: &Path) -> Result<Option<TextRun>, Failure> {
    if let Some(linear) = load_linear(dir)? {
        return Ok(Some(TextRun {
            classes: linear.classes,
            text_column: linear.text_column,
            target: linear.target,
            model: Model::Linear(linear.model),
        }));
    }
    Ok(load_network(dir)?.map(|(run, _)| run))
}

/// The network of a run of texts, with all that its weights file says of it; `None` if the run has none.
pub(crate) fn load_network(dir: &Path) -> Result<Option<(TextRun, Description)>, Failure> {
    let beside = dir.join(files::TOKENIZER);
    if !beside.is_file() {
        return Ok(None);
    }
    check_run(dir)?;
    let wrong = |path: &Path, reason: String| TrainError::File {
        path: path.to_path_buf(),
        reason,
    };
    let bytes = std::fs::metadata(&beside).map_err(|e| wrong(&beside, e.to_string()))?;
    if bytes.len() > MOST_BYTES {
        return Err(wrong(&beside, format!("more than {MOST_BYTES} bytes")).into());
    }
    let path = dir.join(files::WEIGHTS);
    let file = read_weights::<Description>(&path)?;
    let description = file.description;
    let damaged = |reason: String| wrong(&path, reason);
    let Input::Text {
        text_column,
        target,
        vocabulary,
        max_tokens,
    } = description.input.clone()
    else {
        return Err(damaged("they are no text model's, as the run is".into()).into());
    };
    if description.classes.len() < 2 || max_tokens == 0 {
        return Err(damaged("it names fewer than two classes, or no tokens".into()).into());
    }
    let (rng, device) = (&mut init::generator(0), Device::flex());
    let classes = description.classes.len();
    let tokenizer: Arc<dyn Encode>;
    let tokens;
    let model = if let Some(encoder) = &description.encoder {
        let own = TextTokenizer::read(&beside, max_tokens);
        let own = own.map_err(|e| wrong(&beside, e.to_string()))?;
        tokens = own.vocab_size();
        tokenizer = Arc::new(Ids(own));
        let model = encoder.build(classes, 0.0, rng, &device);
        let model = model.map_err(|e| damaged(e.to_string()))?;
        let model = state::load(model, file.state).map_err(|e| damaged(e.to_string()))?;
        AnyTextModel::Pretrained(model.merged())
    } else {
        let json = std::fs::read(&beside).map_err(|e| wrong(&beside, e.to_string()))?;
        let own = Tokenizer::from_json(&json).map_err(|e| wrong(&beside, e.to_string()))?;
        tokens = own.len();
        tokenizer = Arc::new(own);
        let (name, options) = (&description.model, description.options());
        let model = TextModel::build(name, vocabulary, &options, rng, &device);
        let model = model.map_err(|e| damaged(e.to_string()))?;
        AnyTextModel::Random(state::load(model, file.state).map_err(|e| damaged(e.to_string()))?)
    };
    if tokens != vocabulary {
        let reason = format!("{tokens} tokens, but the model was trained on {vocabulary}");
        return Err(wrong(&beside, reason).into());
    }
    let run = TextRun {
        classes: description.classes.clone(),
        text_column,
        target,
        model: Model::Network(TextNetwork {
            model: model.valid(),
            tokenizer,
            max_tokens,
        }),
    };
    Ok(Some((run, description)))
}

impl TextRun {
    /// The network's parameters; of a linear model none.
    pub(crate) fn state(&self) -> state::StateDict {
        match &self.model {
            Model::Linear(_) => state::StateDict::new(),
            Model::Network(network) => state::collect(&network.model),
        }
    }
}
