//! TF-IDF and logistic regression, the model that nothing simple beats on little data.

use super::{Data, Part, answers, linear_config, mistakes, recipe, write_samples};
use crate::commands::train::run_folder::RunFolder;
use crate::commands::train::{Job, Outcome, Watch};
use crate::description::TextDescription;
use crate::failure::{Failure, usage};
use crate::output::{say, thousands};
use crate::settings::Settings;
use onggi_data::Split;
use onggi_data::text::Unit;
use onggi_train::linear::TextLinear;
use onggi_train::run::{EpochRecord, TellingNgram, TextMistake, TextSamples, files, write_whole};
use onggi_train::{Predictions, Stopped, TRAIN_SUBSET};
use rayon::prelude::*;
use std::time::Instant;

/// N-grams shown of each class.
const TELLING: usize = 15;

pub(super) fn train(settings: &Settings, watch: Watch, job: Job) -> Result<(), Failure> {
    if let Job::FindLr(_) = job {
        return usage(
            "--model linear is fitted without a learning rate: there is none to look for",
        );
    }
    if settings.resume.is_some() {
        return usage("--model linear is fitted in one go: train it anew with --config");
    }
    let start = Instant::now();
    let data = Data::read(settings)?;
    let (train, val, test) = (
        data.part(Split::Train)?,
        data.part(Split::Val)?,
        data.part(Split::Test)?,
    );
    if !settings.json {
        let [a, b, c] = data.split.counts();
        say(format!(
            "{}: {} classes; texts: {} training, {} validation, {} test",
            settings.data,
            data.texts.classes().len(),
            thousands(a),
            thousands(b),
            thousands(c)
        ));
    }
    let (copies, labels) = copies(settings, &train)?;
    let mut learned = train.0.clone();
    learned.extend(copies.iter().map(String::as_str));
    let classes = data.texts.classes().len();
    let config = linear_config(settings, learned.len());
    let given = Some((val.0.as_slice(), val.1.as_slice()));
    let (model, chosen) = TextLinear::fit(&learned, &labels, classes, &config, given)?;
    watch.end();
    if !settings.json {
        let features = model.tf_idf().features();
        say(format!(
            "linear: {} n-grams of words and characters{}",
            thousands(features),
            chosen.map_or_else(String::new, |chosen| format!(
                ", L2 penalty with C = {} chosen {}",
                chosen.c,
                match chosen.folds {
                    0 => "on validation data".into(),
                    n => format!("by {n}-fold cross-validation"),
                }
            ))
        ));
    }
    let folder = RunFolder::create(settings, data.texts.classes(), &data.split)?;
    let subset = train.0.len().min(TRAIN_SUBSET);
    let some: Part<'_> = (0..subset)
        .map(|i| i * train.0.len() / subset)
        .map(|i| (train.0[i], train.1[i]))
        .unzip();
    let (on_train, on_val) = (
        answers(&model, &some, classes)?,
        answers(&model, &val, classes)?,
    );
    let held_out = if test.0.is_empty() { &val } else { &test };
    let found = answers(&model, held_out, classes)?;
    let record = EpochRecord {
        epoch: 1,
        step: 1,
        lr: 0.0,
        train_loss: on_train.loss,
        train_accuracy: on_train.accuracy(),
        val_loss: on_val.loss,
        val_accuracy: on_val.accuracy(),
        grad_norm: 0.0,
        skipped: 0,
        seconds: start.elapsed().as_secs_f64(),
    };
    let mut counts = vec![0; classes];
    train.1.iter().for_each(|&label| counts[label] += 1);
    let commonest = counts.into_iter().max().unwrap_or(0) as f64 / train.0.len().max(1) as f64;
    // Two classes need one logit.
    let outputs = if classes == 2 { 1 } else { classes };
    let parameters = (model.tf_idf().features() + 1) * outputs;
    let description = TextDescription {
        classes: data.texts.classes().to_vec(),
        text_column: data.column.clone(),
        target: settings.target.clone(),
        model,
    };
    let written = || -> Result<(), Failure> {
        let folder = folder.path();
        let json = serde_json::to_vec(&description)?;
        write_whole(&folder.join(files::TEXT_MODEL), &json)?;
        let log = serde_json::to_string(&record)? + "\n";
        write_whole(&folder.join(files::LOG), log.as_bytes())?;
        write_samples(
            folder,
            &samples(&data, &description.model, held_out, &found)?,
        )
    };
    written().inspect_err(|_| folder.remove_if_empty())?;
    Outcome {
        task: "text",
        classes: data.texts.classes(),
        records: std::slice::from_ref(&record),
        best: 0,
        stopped: Stopped::AllEpochs,
        skipped_steps: 0,
        seconds: start.elapsed().as_secs_f64(),
        parameters,
        split: data.split.counts(),
        commonest,
        baseline: None,
        answers: &found,
        evaluated_on: if test.0.is_empty() { "val" } else { "test" },
        skipped: &[],
        samples: "texts",
    }
    .settle(settings, &folder)
}

/// Changed copies of the training texts, and the labels of all: texts first, then copies.
fn copies(settings: &Settings, train: &Part<'_>) -> Result<(Vec<String>, Vec<usize>), Failure> {
    let (texts, labels) = train;
    let Some((pipeline, copies)) = recipe(settings, texts.len())? else {
        return Ok((Vec::new(), labels.clone()));
    };
    let made: Vec<_> = texts
        .par_iter()
        .enumerate()
        .map(|(i, text)| pipeline.augment(text, copies, settings.seed, i as u64))
        .collect();
    let (mut all, mut labelled) = (Vec::new(), labels.clone());
    for (outputs, &label) in made.into_iter().zip(labels) {
        for copy in outputs?.texts {
            all.push(copy.text);
            labelled.push(label);
        }
    }
    Ok((all, labelled))
}

/// What the report shows.
fn samples(
    data: &Data,
    model: &TextLinear,
    (texts, _): &Part<'_>,
    found: &Predictions,
) -> Result<TextSamples, Failure> {
    let shown = |all: Vec<onggi_train::linear::Telling>| {
        let one = |t: onggi_train::linear::Telling| TellingNgram {
            ngram: t.ngram,
            weight: t.weight,
        };
        all.into_iter().map(one).collect::<Vec<_>>()
    };
    let telling = (0..data.texts.classes().len())
        .map(|class| shown(model.most_telling(class, Unit::Words, TELLING)))
        .collect();
    let mistakes = mistakes(data, found)?
        .into_iter()
        .map(|(shown_one, mistake)| {
            let telling = model.telling_in(texts[mistake.sample], mistake.predicted, 5);
            TextMistake {
                telling: shown(telling),
                ..shown_one
            }
        });
    Ok(TextSamples {
        telling,
        mistakes: mistakes.collect(),
    })
}
