//! Networks on token ids.

use super::{Data, Part, answers, linear_config, mistakes, recipe, write_samples};
use crate::commands::train::{Job, Prepared, Watch, describe, parts};
use crate::description::Input;
use crate::failure::Failure;
use crate::output::{thousands, warn};
use crate::settings::Settings;
use crate::zoo::TextModel;
use burn::tensor::{Int, Tensor};
use onggi_data::Split;
use onggi_data::text::{Encode, TokenDataset, Tokenizer, TokenizerConfig};
use onggi_train::diagnose::Baseline;
use onggi_train::linear::TextLinear;
use onggi_train::run::{TextSamples, files};
use onggi_train::{Measured, Predictions, fingerprint};
use std::path::Path;
use std::sync::Arc;

pub(super) fn train(settings: &Settings, watch: Watch, job: Job) -> Result<(), Failure> {
    let data = Data::read(settings)?;
    let (texts, _) = data.part(Split::Train)?;
    let config = TokenizerConfig {
        vocabulary: settings.vocabulary(),
        ..TokenizerConfig::default()
    };
    let tokenizer = Tokenizer::train(&texts, &config)?;
    let tokens = Tokens {
        vocabulary: tokenizer.len(),
        max_tokens: settings.max_tokens(),
        written: tokenizer.to_json()?,
        ids: Arc::new(tokenizer),
    };
    let vocabulary = tokens.vocabulary;
    let prepared = prepare(settings, &data, tokens, &job)?;
    let options = prepared.description.options();
    crate::commands::train::train::<Tensor<2, Int>, TextModel>(
        settings,
        &prepared,
        |rng, device| {
            TextModel::build(&settings.model, vocabulary, &options, rng, device)
                .map_err(|e| Failure::Usage(format!("--model: {e}")))
        },
        |dir, found| show(&data, dir, found),
        watch,
        job,
    )
}

/// How texts become token ids.
pub(super) struct Tokens {
    pub(super) ids: Arc<dyn Encode>,
    /// Ids there are.
    pub(super) vocabulary: usize,
    /// Tokens of a text that are read.
    pub(super) max_tokens: usize,
    /// The file that says so.
    pub(super) written: String,
}

/// The parts as token ids, and what stands beside them.
pub(super) fn prepare(
    settings: &Settings,
    data: &Data,
    tokens: Tokens,
    job: &Job,
) -> Result<Prepared, Failure> {
    let (classes, max_tokens) = (data.texts.classes().len(), tokens.max_tokens);
    let mut truncated = 0;
    let dataset = |part| -> Result<TokenDataset, Failure> {
        let (texts, labels) = data.part(part)?;
        let (names, ids) = (data.sources(part)?, tokens.ids.clone());
        let made = TokenDataset::new(ids, &texts, labels, classes, names, max_tokens)?;
        truncated += made.truncated();
        Ok(match recipe(settings, texts.len())? {
            Some((pipeline, copies)) if part == Split::Train => {
                made.with_augmentation(pipeline, copies, &texts)
            }
            _ => made,
        })
    };
    let (train, val, test) = parts(dataset, &data.split)?;
    if truncated > 0 {
        warn(format!(
            "{} of {} texts have more than {max_tokens} tokens, and what follows is not read: see \
             --max-tokens",
            thousands(truncated),
            thousands(data.split.counts().iter().sum())
        ));
    }
    let baseline = match job {
        Job::Train => {
            let (train, val) = (data.part(Split::Train)?, data.part(Split::Val)?);
            let simple = baseline(settings, &train, &val, classes)?;
            Some(Measured {
                accuracy: simple.val_accuracy,
                samples: val.0.len(),
            })
        }
        Job::FindLr(_) => None,
    };
    let input = Input::Text {
        text_column: data.column.clone(),
        target: settings.target.clone(),
        vocabulary: tokens.vocabulary,
        max_tokens,
    };
    let mut content = tokens.written.clone();
    for (text, label) in data.texts.texts().iter().zip(data.texts.labels()) {
        content.extend([text.as_str(), "\0", &label.to_string(), "\0"]);
    }
    Ok(Prepared {
        samples: "texts",
        train,
        val,
        test,
        split: data.split.clone(),
        skipped: Vec::new(),
        description: describe(settings, data.texts.classes().to_vec(), input),
        content: fingerprint(content.as_bytes()),
        baseline,
        beside: Some((files::TOKENIZER, tokens.written)),
    })
}

/// Writes what the report shows of the answers `found`.
pub(super) fn show(data: &Data, dir: &Path, found: &Predictions) -> Result<(), Failure> {
    let shown = mistakes(data, found)?.into_iter().map(|(shown, _)| shown);
    let samples = TextSamples {
        telling: Vec::new(),
        mistakes: shown.collect(),
    };
    write_samples(dir, &samples)
}

/// What `linear` reaches on the validation data with its own settings: what a network has to beat.
pub(crate) fn baseline(
    settings: &Settings,
    train: &Part<'_>,
    val: &Part<'_>,
    classes: usize,
) -> Result<Baseline, Failure> {
    let plain = Settings {
        l1: 0.0,
        l2: 0.0,
        elastic_net: 0.0,
        ..settings.clone()
    };
    let samples = train.0.len();
    let config = linear_config(&plain, samples);
    let given = Some((val.0.as_slice(), val.1.as_slice()));
    let (model, chosen) = TextLinear::fit(&train.0, &train.1, classes, &config, given)?;
    let c = chosen.map_or(config.linear.c, |chosen| chosen.c);
    let (on_train, on_val) = (
        answers(&model, train, classes)?,
        answers(&model, val, classes)?,
    );
    Ok(Baseline {
        train_accuracy: on_train.accuracy(),
        val_accuracy: on_val.accuracy(),
        val_loss: on_val.loss,
        l2: 1.0 / (c * samples as f64),
        samples,
        features: model.tf_idf().features(),
    })
}
