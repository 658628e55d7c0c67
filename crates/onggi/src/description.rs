//! What a weights file says of its model: enough to build it and to feed it.

use crate::failure::Failure;
use crate::settings::NormName;
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
}

impl Input {
    /// `image` or `table`.
    pub(crate) fn task(&self) -> &'static str {
        match self {
            Self::Image(_) => "image",
            Self::Table { .. } => "table",
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
    let trained = match description.input {
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
    };
    Ok((trained, description.classes))
}
