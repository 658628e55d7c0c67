//! Networks on token ids.

use super::{Data, answers, linear_config, mistakes, recipe, write_samples};
use crate::commands::train::{Job, Prepared, Watch, describe, parts};
use crate::description::Input;
use crate::failure::{Failure, usage};
use crate::output::{thousands, warn};
use crate::settings::Settings;
use crate::zoo::{TEXT_MODELS, TextModel};
use burn::tensor::{Int, Tensor};
use onggi_data::Split;
use onggi_data::text::{TokenDataset, Tokenizer, TokenizerConfig};
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
        Job::Train => Some(baseline(settings, &data, &texts, &labels)?),
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
fn baseline(
    settings: &Settings,
    data: &Data,
    texts: &[&str],
    labels: &[usize],
) -> Result<Measured, Failure> {
    let plain = Settings {
        l1: 0.0,
        l2: 0.0,
        elastic_net: 0.0,
        ..settings.clone()
    };
    let val = data.part(Split::Val)?;
    let classes = data.texts.classes().len();
    let config = linear_config(&plain, texts.len());
    let given = Some((val.0.as_slice(), val.1.as_slice()));
    let (model, _) = TextLinear::fit(texts, labels, classes, &config, given)?;
    Ok(Measured {
        accuracy: answers(&model, &val, classes)?.accuracy(),
        samples: val.0.len(),
    })
}
