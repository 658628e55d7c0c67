//! What a weights file says of its model: enough to build it and to feed it.

use crate::encoder::EncoderDescription;
use crate::failure::{Failure, usage};
use crate::settings::NormName;
use crate::train::linear::TextLinear;
use crate::train::run::{self, files};
use crate::train::{TrainError, read_weights};
use crate::zoo::{ImageModel, ModelOptions, TableModel};
use burn::module::Module;
use burn::tensor::Device;
use onggi_data::image::ImagePreprocess;
use onggi_data::table::TablePreprocess;
use onggi_nn::{init, state};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How a sample becomes the model's input.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Input {
    /// An image file.
    Image(ImagePreprocess),
    /// A row of a table.
    Table {
        /// Name of the class column.
        target: String,
        /// The columns and their standardisation.
        preprocess: TablePreprocess,
    },
    /// A text, by the run's `tokenizer.json`.
    Text {
        /// Name of the column of texts; `None` for a folder of files.
        text_column: Option<String>,
        /// Name of the class column, likewise.
        target: Option<String>,
        /// Tokens there are.
        vocabulary: usize,
        /// Tokens of a text that are read.
        max_tokens: usize,
    },
}

impl Input {
    /// `image`, `table` or `text`.
    pub(crate) fn task(&self) -> &'static str {
        match self {
            Self::Image(_) => "image",
            Self::Table { .. } => "table",
            Self::Text { .. } => "text",
        }
    }
}

/// The metadata of `best.safetensors`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Description {
    /// Name in the registry.
    pub(crate) model: String,
    /// Class names in label order.
    pub(crate) classes: Vec<String>,
    /// Dropout the model was built with.
    pub(crate) dropout: f64,
    /// Stochastic depth it was built with.
    #[serde(default)]
    pub(crate) drop_path: f64,
    /// Factor on its channels or hidden units.
    #[serde(default = "plain_width")]
    pub(crate) width: f64,
    /// Its normalisation.
    #[serde(default)]
    pub(crate) norm: NormName,
    /// How a sample becomes the model's input.
    pub(crate) input: Input,
    /// The encoder in a pretrained model of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encoder: Option<EncoderDescription>,
}

/// The width of models from before there was a choice.
fn plain_width() -> f64 {
    1.0
}

impl Description {
    pub(crate) fn options(&self) -> ModelOptions {
        ModelOptions {
            classes: self.classes.len(),
            dropout: self.dropout,
            drop_path: self.drop_path,
            width: self.width,
            norm: self.norm.into(),
        }
    }
}

/// `text_model.json`: a text classifier without a network.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextDescription {
    /// Class names in label order.
    pub(crate) classes: Vec<String>,
    /// The column of the texts; `None` for a folder of files.
    pub(crate) text_column: Option<String>,
    /// The column of the class, likewise.
    pub(crate) target: Option<String>,
    pub(crate) model: TextLinear,
}

/// Whether a run folder is of texts.
fn is_of_texts(dir: &Path) -> bool {
    let files = [files::TEXT_MODEL, files::TOKENIZER];
    files.iter().any(|file| dir.join(file).is_file())
}

/// Largest model of texts that is read.
const MOST_BYTES: u64 = 2 << 30;

/// The linear model of a run of texts; `None` if the run is of something else.
pub(crate) fn load_linear(dir: &Path) -> Result<Option<TextDescription>, Failure> {
    let path = dir.join(files::TEXT_MODEL);
    let Ok(file) = std::fs::File::open(&path) else {
        return Ok(None);
    };
    let damaged = |reason: String| TrainError::File {
        path: path.clone(),
        reason,
    };
    if file.metadata().map_err(|e| damaged(e.to_string()))?.len() > MOST_BYTES {
        return Err(damaged(format!("more than {MOST_BYTES} bytes")).into());
    }
    let found: Result<TextDescription, _> = serde_json::from_reader(std::io::BufReader::new(file));
    let found = found.map_err(|e| damaged(e.to_string()))?;
    if found.classes.len() < 2 || found.classes.len() != found.model.model().classes() {
        return Err(damaged("its classes are not those of its model".into()).into());
    }
    Ok(Some(found))
}

/// A trained model, ready to answer.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // one lives at a time
pub(crate) enum Trained {
    /// For image files.
    Image(ImageModel, ImagePreprocess),
    /// For rows of a table; with the name of its class column.
    Table(TableModel, TablePreprocess, String),
}

/// The model of a run folder, with its class names.
pub(crate) fn load_run(dir: &Path) -> Result<(Trained, Vec<String>), Failure> {
    let (trained, description) = load_described(dir)?;
    Ok((trained, description.classes))
}

/// The model of a run folder, with all that its weights file says of it.
pub(crate) fn load_described(dir: &Path) -> Result<(Trained, Description), Failure> {
    if is_of_texts(dir) {
        return usage(format!(
            "{}: a run of texts; `onggi predict`, `evaluate` and `report` take it, this command does not",
            dir.display()
        ));
    }
    run::check_run(dir)?;
    let path = dir.join(files::WEIGHTS);
    let file = read_weights::<Description>(&path)?;
    let description = file.description;
    let (device, mut rng) = (Device::flex(), init::generator(0));
    let options = description.options();
    let damaged = |reason: String| TrainError::File {
        path: path.clone(),
        reason,
    };
    if description.classes.len() < 2 {
        return Err(damaged("it names fewer than two classes".into()).into());
    }
    let trained = match description.input.clone() {
        Input::Image(input) => {
            let channels = input.shape().channels().count();
            let name = &description.model;
            let model = ImageModel::build(name, channels, &options, &mut rng, &device)
                .map_err(|e| damaged(e.to_string()))?;
            let model = state::load(model, file.state).map_err(|e| damaged(e.to_string()))?;
            Trained::Image(model.valid(), input)
        }
        Input::Table {
            target,
            preprocess: input,
        } => {
            let columns = input.columns().len();
            let name = &description.model;
            let model = TableModel::build(name, columns, &options, &mut rng, &device)
                .map_err(|e| damaged(e.to_string()))?;
            let model = state::load(model, file.state).map_err(|e| damaged(e.to_string()))?;
            Trained::Table(model.valid(), input, target)
        }
        Input::Text { .. } => return Err(damaged("its tokenizer.json is gone".into()).into()),
    };
    Ok((trained, description))
}
