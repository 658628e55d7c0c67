//! Training on texts: TF-IDF and logistic regression, the model that nothing simple beats on little data.

use super::run_folder::RunFolder;
use super::{Job, Outcome, Watch};
use crate::description::TextDescription;
use crate::failure::{Failure, usage};
use crate::output::{say, thousands, warn};
use crate::settings::Settings;
use anyhow::anyhow;
use onggi_augment::text::{Pipeline, Recipe, Resources};
use onggi_data::Split;
use onggi_data::text::{Texts, Unit};
use onggi_train::linear::{LinearConfig, Mistake, TextLinear, TextLinearConfig};
use onggi_train::metrics::log_loss;
use onggi_train::run::{
    EpochRecord, TellingNgram, TextMistake, TextSamples, files, write_json, write_whole,
};
use onggi_train::{Predictions, Stopped, TRAIN_SUBSET};
use rayon::prelude::*;
use std::path::Path;
use std::time::Instant;

/// The column of JSON Lines that holds the text where none is named.
pub(crate) const TEXT_COLUMN: &str = "text";

/// N-grams shown of each class, and mistakes.
const TELLING: usize = 15;
const MISTAKES: usize = 24;

/// Characters of a mistake's text shown.
const SHOWN: usize = 300;

/// Texts and labels of one part.
type Part<'a> = (Vec<&'a str>, Vec<usize>);

pub(super) fn train(settings: &Settings, watch: Watch, job: Job) -> Result<(), Failure> {
    if let Job::FindLr(_) = job {
        return usage("texts are fitted without a learning rate: there is none to look for");
    }
    if settings.model != "linear" {
        return usage(format!(
            "--model: there is no text model `{}`; there is: linear",
            settings.model
        ));
    }
    if settings.resume.is_some() {
        return usage("a text model is fitted in one go: train it anew with --config");
    }
    let start = Instant::now();
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
    let split = settings.split(&texts.split_samples());
    let part = |part| -> Result<Part<'_>, Failure> {
        Ok(texts.select(&split.indices(part, texts.ids())?)?)
    };
    let (train, val, test) = (part(Split::Train)?, part(Split::Val)?, part(Split::Test)?);
    if !settings.json {
        let [a, b, c] = split.counts();
        say(format!(
            "{}: {} classes; texts: {} training, {} validation, {} test",
            settings.data,
            texts.classes().len(),
            thousands(a),
            thousands(b),
            thousands(c)
        ));
    }
    let (copies, labels) = copies(settings, &train)?;
    let mut learned = train.0.clone();
    learned.extend(copies.iter().map(String::as_str));
    let classes = texts.classes().len();
    let config = config(settings, learned.len());
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
    let folder = RunFolder::create(settings, texts.classes(), &split)?;
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
        classes: texts.classes().to_vec(),
        text_column: (!path.is_dir()).then(|| column.to_owned()),
        target: settings.target.clone(),
        model,
    };
    let written = || -> Result<(), Failure> {
        let folder = folder.path();
        let json = serde_json::to_vec(&description)?;
        write_whole(&folder.join(files::TEXT_MODEL), &json)?;
        let log = serde_json::to_string(&record)? + "\n";
        write_whole(&folder.join(files::LOG), log.as_bytes())?;
        let part = if test.0.is_empty() {
            Split::Val
        } else {
            Split::Test
        };
        let ids = split.indices(part, texts.ids())?;
        let sources: Vec<&str> = ids.iter().map(|&i| texts.ids()[i].as_str()).collect();
        let shown = samples(&description, held_out, &found, &sources)?;
        let file = folder.join(files::TEXT_SAMPLES);
        std::fs::create_dir_all(file.parent().unwrap_or(folder))?;
        Ok(write_json(&file, &shown)?)
    };
    written().inspect_err(|_| folder.remove_if_empty())?;
    Outcome {
        task: "text",
        classes: texts.classes(),
        records: std::slice::from_ref(&record),
        best: 0,
        stopped: Stopped::AllEpochs,
        skipped_steps: 0,
        seconds: start.elapsed().as_secs_f64(),
        parameters,
        split: split.counts(),
        commonest,
        answers: &found,
        evaluated_on: if test.0.is_empty() { "val" } else { "test" },
        skipped: &[],
        samples: "texts",
    }
    .settle(settings, &folder)
}

/// How the model is fitted to `n` texts: by the penalties asked for, else by a strength that is chosen.
fn config(settings: &Settings, n: usize) -> TextLinearConfig {
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

/// Changed copies of the training texts, and the labels of all: texts first, then copies.
fn copies(settings: &Settings, train: &Part<'_>) -> Result<(Vec<String>, Vec<usize>), Failure> {
    let (texts, labels) = train;
    let Some(name) = &settings.augment_text else {
        return Ok((Vec::new(), labels.clone()));
    };
    let recipe =
        Recipe::by_name(name, texts.len()).or_else(|e| usage(format!("--augment-text: {e}")))?;
    let pipeline = Pipeline::new(recipe.config, &Resources::default())?;
    let made: Vec<_> = texts
        .par_iter()
        .enumerate()
        .map(|(i, text)| pipeline.augment(text, recipe.copies, settings.seed, i as u64))
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

fn answers(
    model: &TextLinear,
    (texts, labels): &Part<'_>,
    classes: usize,
) -> Result<Predictions, Failure> {
    if texts.is_empty() {
        return Err(anyhow!("no texts to measure on").into());
    }
    let probabilities = model.probabilities(texts)?;
    Ok(Predictions {
        loss: log_loss(labels, &probabilities, classes)?,
        labels: labels.clone(),
        probabilities,
        classes,
    })
}

/// What the report shows.
fn samples(
    described: &TextDescription,
    (texts, labels): &Part<'_>,
    found: &Predictions,
    sources: &[&str],
) -> Result<TextSamples, Failure> {
    let (model, classes) = (&described.model, &described.classes);
    let shown = |all: Vec<onggi_train::linear::Telling>| {
        let one = |t: onggi_train::linear::Telling| TellingNgram {
            ngram: t.ngram,
            weight: t.weight,
        };
        all.into_iter().map(one).collect::<Vec<_>>()
    };
    let telling = (0..classes.len())
        .map(|class| shown(model.most_telling(class, Unit::Words, TELLING)))
        .collect();
    let worst = Mistake::worst(labels, &found.probabilities, classes.len(), MISTAKES)?;
    let mistakes = worst.into_iter().map(|mistake| TextMistake {
        source: sources[mistake.sample].to_owned(),
        text: texts[mistake.sample].chars().take(SHOWN).collect(),
        truth: classes[mistake.label].clone(),
        predicted: classes[mistake.predicted].clone(),
        confidence: mistake.probability,
        telling: shown(model.telling_in(texts[mistake.sample], mistake.predicted, 5)),
    });
    Ok(TextSamples {
        telling,
        mistakes: mistakes.collect(),
    })
}
