//! Training on texts: without a network (`linear`), with one, or with a pretrained encoder.

mod encoder;
mod linear;
mod network;

pub(crate) use network::baseline;

use super::{Job, Watch};
use crate::encoder::Encoder;
use crate::failure::{Failure, usage};
use crate::output::{thousands, warn};
use crate::settings::{LINEAR, Settings};
use crate::text_run::TextPart as Part;
use crate::zoo::TEXT_MODELS;
use crate::zoo::bert::TEXT_ENCODERS;
use onggi_augment::text::{Pipeline, Recipe, Resources};
use onggi_data::text::Texts;
use onggi_data::{Split, SplitMap};
use onggi_train::Predictions;
use onggi_train::linear::{LinearConfig, Mistake, TextLinear, TextLinearConfig};
use onggi_train::metrics::log_loss;
use onggi_train::run::{TextMistake, files, write_json};
use std::path::Path;

/// The column of JSON Lines that holds the text where none is named.
pub(crate) const TEXT_COLUMN: &str = "text";

/// Mistakes shown, and characters of their texts.
const MISTAKES: usize = 24;
const SHOWN: usize = 300;

/// The texts, cut into parts.
struct Data {
    texts: Texts,
    split: SplitMap,
    /// The column of the texts; `None` for a folder of files.
    column: Option<String>,
}

impl Data {
    fn read(settings: &Settings) -> Result<Self, Failure> {
        let path = Path::new(&settings.data);
        let column = settings.text_column.as_deref().unwrap_or(TEXT_COLUMN);
        let target = settings.target.as_deref().unwrap_or_default();
        let texts = if path.is_dir() {
            Texts::scan(path)?
        } else {
            Texts::read(path, column, target)?
        };
        if texts.empty() > 0 {
            warn(format!("{} texts are empty", thousands(texts.empty())));
        }
        Ok(Self {
            split: settings.split(&texts.split_samples()),
            texts,
            column: (!path.is_dir()).then(|| column.to_owned()),
        })
    }

    fn part(&self, part: Split) -> Result<Part<'_>, Failure> {
        let indices = self.split.indices(part, self.texts.ids())?;
        Ok(self.texts.select(&indices)?)
    }

    /// Names of a part's texts.
    fn sources(&self, part: Split) -> Result<Vec<String>, Failure> {
        let indices = self.split.indices(part, self.texts.ids())?;
        Ok(indices
            .iter()
            .map(|&i| self.texts.ids()[i].clone())
            .collect())
    }

    /// The part that the final figures are measured on.
    fn held_out(&self) -> Split {
        if self.split.ids(Split::Test).is_empty() {
            Split::Val
        } else {
            Split::Test
        }
    }
}

pub(super) fn train(settings: &Settings, watch: Watch, job: Job) -> Result<(), Failure> {
    let model = &settings.model;
    if model == LINEAR {
        return linear::train(settings, watch, job);
    }
    if TEXT_MODELS.iter().any(|row| row.name == *model) {
        return network::train(settings, watch, job);
    }
    if let Some(encoder) = Encoder::named(model)? {
        return encoder::train(settings, &encoder, watch, job);
    }
    let known: Vec<_> = TEXT_MODELS.iter().map(|row| row.name).collect();
    let pretrained: Vec<_> = TEXT_ENCODERS.iter().map(|row| row.name).collect();
    usage(format!(
        "--model: there is no text model `{model}`; there is: linear, {}; pretrained {}, or the folder of a BERT, \
         MiniLM, DistilBERT or RoBERTa",
        known.join(", "),
        pretrained.join(", ")
    ))
}

/// The recipe asked for, which depends on the number of training texts.
fn asked(settings: &Settings, texts: usize) -> Result<Option<Recipe>, Failure> {
    let name = settings.augment_text.as_ref();
    let recipe = name.map(|name| Recipe::by_name(name, texts)).transpose();
    recipe.or_else(|e| usage(format!("--augment-text: {e}")))
}

/// The recipe asked for, as a pipeline and the number of copies it makes of a text.
fn recipe(settings: &Settings, texts: usize) -> Result<Option<(Pipeline, usize)>, Failure> {
    let Some(recipe) = asked(settings, texts)? else {
        return Ok(None);
    };
    let pipeline = Pipeline::new(recipe.config, &Resources::default())?;
    Ok(Some((pipeline, recipe.copies)))
}

/// How the linear model is fitted to `n` texts: by the penalties asked for, else by a strength that is
/// chosen.
fn linear_config(settings: &Settings, n: usize) -> TextLinearConfig {
    let ratio = settings.l1_ratio;
    let asked = [
        (settings.l1, 1.0),
        (settings.l2, 0.0),
        (settings.elastic_net, ratio),
    ];
    let asked = asked.into_iter().find(|(lambda, _)| *lambda > 0.0);
    let plain = LinearConfig {
        balanced: settings.balanced,
        ..LinearConfig::default()
    };
    let linear = asked.map_or(plain, |(lambda, l1_ratio)| LinearConfig {
        c: 1.0 / (lambda * n.max(1) as f64),
        l1_ratio,
        ..plain
    });
    TextLinearConfig {
        linear,
        choose_c: asked.is_none(),
        ..TextLinearConfig::default()
    }
}

/// The linear model's answers.
fn answers(
    model: &TextLinear,
    (texts, labels): &Part<'_>,
    classes: usize,
) -> Result<Predictions, Failure> {
    if texts.is_empty() {
        return Err(anyhow::anyhow!("no texts to measure on").into());
    }
    let probabilities = model.probabilities(texts)?;
    Ok(Predictions {
        loss: log_loss(labels, &probabilities, classes)?,
        labels: labels.clone(),
        probabilities,
        classes,
    })
}

/// The wrong answers that were given most surely, on the part that the figures are of.
fn mistakes(data: &Data, found: &Predictions) -> Result<Vec<(TextMistake, Mistake)>, Failure> {
    let classes = data.texts.classes();
    let part = data.held_out();
    let (texts, labels) = data.part(part)?;
    let sources = data.sources(part)?;
    let worst = Mistake::worst(&labels, &found.probabilities, classes.len(), MISTAKES)?;
    let shown = |mistake: Mistake| {
        let shown = TextMistake {
            source: sources[mistake.sample].clone(),
            text: texts[mistake.sample].chars().take(SHOWN).collect(),
            truth: classes[mistake.label].clone(),
            predicted: classes[mistake.predicted].clone(),
            confidence: mistake.probability,
            telling: Vec::new(),
        };
        (shown, mistake)
    };
    Ok(worst.into_iter().map(shown).collect())
}

/// Writes what the report shows of texts into the run folder.
fn write_samples(dir: &Path, samples: &onggi_train::run::TextSamples) -> Result<(), Failure> {
    let file = dir.join(files::TEXT_SAMPLES);
    std::fs::create_dir_all(file.parent().unwrap_or(dir))?;
    Ok(write_json(&file, samples)?)
}
