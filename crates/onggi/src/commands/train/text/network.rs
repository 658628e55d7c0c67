//! Networks on token ids.

use super::{Data, Part, answers, linear_config, mistakes, recipe, write_samples};
use crate::commands::train::{Job, Prepared, Watch, describe, parts};
use crate::description::Input;
use crate::failure::{Failure, usage};
use crate::output::{thousands, warn};
use crate::settings::Settings;
use crate::zoo::{TEXT_MODELS, TextModel};
use burn::tensor::{Int, Tensor};
use onggi_data::Split;
use onggi_data::text::{TokenDataset, Tokenizer, TokenizerConfig};
use onggi_train::diagnose::Baseline;
use onggi_train::linear::TextLinear;
use onggi_train::run::{TextSamples, files};
use onggi_train::{Measured, Predictions, fingerprint};
use std::path::Path;

pub(super) fn train(settings: &Settings, watch: Watch, job: Job) -> Result<(), Failure> {
    if TEXT_MODELS.iter().all(|row| row.name != settings.model) {
        let known: Vec<_> = TEXT_MODELS.iter().map(|row| row.name).collect();
        return usage(format!(
            "--model: there is no text model `{}`; there is: linear, {}",
            settings.model,
            known.join(", ")
        ));
    }
    let data = Data::read(settings)?;
    let (texts, labels) = data.part(Split::Train)?;
    let config = TokenizerConfig {
        vocabulary: settings.vocabulary(),
        ..TokenizerConfig::default()
    };
    let tokenizer = Tokenizer::train(&texts, &config)?;
    let written = tokenizer.to_json()?;
    let (classes, max_tokens) = (data.texts.classes().len(), settings.max_tokens());
    let mut truncated = 0;
    let dataset = |part| -> Result<TokenDataset, Failure> {
        let (texts, labels) = data.part(part)?;
        let (names, tokenizer) = (data.sources(part)?, tokenizer.clone());
        let made = TokenDataset::new(tokenizer, &texts, labels, classes, names, max_tokens)?;
        truncated += made.truncated();
        Ok(match recipe(settings, texts.len())? {
            Some((pipeline, copies)) if part == Split::Train => {
                made.with_augmentation(pipeline, copies, &texts)
            }
            _ => made,
        })
    };
    let (train_data, val, test) = parts(dataset, &data.split)?;
    if truncated > 0 {
        warn(format!(
            "{} of {} texts have more than {max_tokens} tokens, and what follows is not read: see \
             --max-tokens",
            thousands(truncated),
            thousands(data.split.counts().iter().sum())
        ));
    }
    let baseline = match &job {
        Job::Train => {
            let (train, val) = ((texts, labels), data.part(Split::Val)?);
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
        vocabulary: tokenizer.len(),
        max_tokens,
    };
    let mut content = written.clone();
    for (text, label) in data.texts.texts().iter().zip(data.texts.labels()) {
        content.extend([text.as_str(), "\0", &label.to_string(), "\0"]);
    }
    let prepared = Prepared {
        samples: "texts",
        train: train_data,
        val,
        test,
        split: data.split.clone(),
        skipped: Vec::new(),
        description: describe(settings, data.texts.classes().to_vec(), input),
        content: fingerprint(content.as_bytes()),
        baseline,
        beside: Some((files::TOKENIZER, written)),
    };
    drop(content);
    let options = prepared.description.options();
    crate::commands::train::train::<Tensor<2, Int>, TextModel>(
        settings,
        &prepared,
        |rng, device| {
            TextModel::build(&settings.model, tokenizer.len(), &options, rng, device)
                .map_err(|e| Failure::Usage(format!("--model: {e}")))
        },
        |dir: &Path, found: &Predictions| {
            let shown = mistakes(&data, found)?.into_iter().map(|(shown, _)| shown);
            let samples = TextSamples {
                telling: Vec::new(),
                mistakes: shown.collect(),
            };
            write_samples(dir, &samples)
        },
        watch,
        job,
    )
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
