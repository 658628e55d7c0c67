//! A linear head on a frozen backbone: features once, then logistic regression with the penalty chosen by
//! validation.

use super::Start;
use super::features::{Seen, labels, width};
use crate::commands::train::run_folder::RunFolder;
use crate::commands::train::{Job, Prepared, Watch, conclude, introduce};
use crate::failure::{Failure, usage};
use crate::output::say;
use crate::settings::Settings;
use crate::zoo::{Features, ImageModel};
use onggi_data::View;
use onggi_data::image::ImageItem;
use onggi_nn::state;
use onggi_train::linear::{DenseRows, LinearConfig, LinearHead};
use onggi_train::metrics::log_loss;
use onggi_train::run::{EpochRecord, files, write_whole};
use onggi_train::{Fit, Predictions, Stopped, TRAIN_SUBSET, write_weights};
use std::path::Path;
use std::time::Instant;

/// Settings of the trainer, which a head does not go through.
const UNUSED: [&str; 27] = [
    "epochs",
    "time",
    "batch",
    "accumulate",
    "max_memory",
    "lr",
    "schedule",
    "warmup",
    "optimizer",
    "momentum",
    "weight_decay",
    "max_norm",
    "clip_norm",
    "clip_value",
    "sam",
    "ema",
    "swa",
    "mixup",
    "cutmix",
    "label_smoothing",
    "dropout",
    "drop_path",
    "freeze",
    "lr_factor",
    "early_stopping",
    "monitor",
    "norm",
];

/// What a head is made of.
pub(in crate::commands::train) struct Head {
    /// The model, with a classifier that is not trained.
    pub(in crate::commands::train) model: ImageModel,
    pub(in crate::commands::train) start: Start,
    /// Describes the preprocessing and the augmentation.
    pub(in crate::commands::train) made: String,
    /// The images behind the data sets, in their order.
    pub(in crate::commands::train) train: Vec<ImageItem>,
    pub(in crate::commands::train) val: Vec<ImageItem>,
}

impl Head {
    /// What makes the features that are kept.
    fn maker(&self, settings: &Settings) -> String {
        format!("{}; {}; {}", settings.model, self.start.name, self.made)
    }

    /// The backbone with a head fitted to its features: where the training of more than the head begins.
    pub(in crate::commands::train) fn fitted(
        self,
        settings: &Settings,
        prepared: &Prepared,
        watch: &Watch,
    ) -> Result<ImageModel, Failure> {
        let (clock, maker) = (Instant::now(), self.maker(settings));
        let classes = prepared.description.classes.len();
        let backbone = Features {
            model: self.start.put_into(self.model)?,
        };
        let Some(width) = width(&backbone.model) else {
            return Ok(backbone.model);
        };
        let mut seen = Seen::new(&backbone, &maker, width, settings.threads());
        let on_train = seen.features(&self.train, &prepared.train, &[View::Eval], watch)?;
        let on_val = seen.features(&self.val, &prepared.val, &[View::Eval], watch)?;
        seen.keep();
        let (train, val) = (labels(&self.train), labels(&self.val));
        let config = LinearConfig::default();
        let (head, chosen) =
            LinearHead::choose(&on_train, &train, 1, classes, &config, (&on_val, &val))?;
        if !settings.json {
            say(format!(
                "head fitted first, in {:.1} s, L2 penalty with C = {}",
                clock.elapsed().as_secs_f64(),
                chosen.c
            ));
        }
        let model = backbone.model.with_head(head.weight, head.bias);
        Ok(model.map_err(anyhow::Error::from)?)
    }
}

/// Fits the head and finishes the run.
pub(in crate::commands::train) fn train(
    settings: &Settings,
    prepared: &Prepared,
    head: Head,
    pictures: impl FnOnce(&Path, &Predictions) -> Result<(), Failure>,
    watch: Watch,
    job: &Job,
) -> Result<(), Failure> {
    if let Job::FindLr(_) = job {
        return usage("a head is fitted without a learning rate: there is none to look for");
    }
    if settings.resume.is_some() {
        return usage(
            "a head is fitted in one go, from features that are kept: train it anew with --config",
        );
    }
    if let Some(unused) = settings
        .given
        .iter()
        .find(|name| UNUSED.contains(&name.as_str()))
    {
        return usage(format!(
            "--{} has no part in fitting a head (--tune head), which has an L2 penalty chosen by validation; leave \
             it out, or ask for --tune last-2 or --tune all",
            unused.replace('_', "-")
        ));
    }
    if settings.l1 > 0.0 || settings.elastic_net > 0.0 {
        return usage(
            "--l1 and --elastic-net have no part in fitting a head (--tune head); --l2 LAMBDA has",
        );
    }
    let start = Instant::now();
    let classes = prepared.description.classes.len();
    let maker = head.maker(settings);
    let model = head.start.put_into(head.model)?;
    let backbone = Features { model };
    let Some(width) = width(&backbone.model) else {
        return usage(
            "--tune head is for models with a linear classifier, which this one has not: ask for --tune last-2 or \
             --tune all",
        );
    };
    let parameters = (width + 1) * classes;
    if !settings.json {
        introduce(settings, prepared, parameters);
    }
    watch.writes();
    let mut seen = Seen::new(&backbone, &maker, width, settings.threads());
    let views: Vec<View> = std::iter::once(View::Eval)
        .chain((1..=settings.views as u64).map(|epoch| View::Train {
            seed: settings.seed,
            epoch,
        }))
        .collect();
    let on_train = seen.features(&head.train, &prepared.train, &views, &watch)?;
    let on_val = seen.features(&head.val, &prepared.val, &[View::Eval], &watch)?;
    seen.keep();
    let extracted = start.elapsed().as_secs_f64();
    let computed = seen.computed;
    let (labels, val_labels) = (labels(&head.train), labels(&head.val));
    let mut config = LinearConfig::default();
    let (fitted, chosen) = if settings.l2 > 0.0 {
        config.c = 1.0 / (settings.l2 * labels.len().max(1) as f64);
        let each = labels
            .iter()
            .flat_map(|&label| std::iter::repeat_n(label, views.len()));
        let each: Vec<usize> = each.collect();
        (LinearHead::fit(&on_train, &each, classes, &config)?, None)
    } else {
        let val = (&on_val, val_labels.as_slice());
        let found = LinearHead::choose(&on_train, &labels, views.len(), classes, &config, val)?;
        (found.0, Some(found.1))
    };
    if !settings.json {
        let samples = head.train.len() * views.len() + head.val.len();
        say(format!(
            "features: {} of {} computed in {extracted:.1} s{}; head fitted in {:.1} s{}",
            computed,
            samples,
            if computed < samples {
                ", the others kept from before"
            } else {
                ""
            },
            start.elapsed().as_secs_f64() - extracted,
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
    let subset = labels.len().min(TRAIN_SUBSET);
    let some: Vec<usize> = (0..subset).map(|i| i * labels.len() / subset).collect();
    let first = some
        .iter()
        .flat_map(|&i| on_train.row(i * views.len()))
        .copied();
    let first = DenseRows::new(first.collect(), on_train.columns())?;
    let some_labels: Vec<usize> = some.iter().map(|&i| labels[i]).collect();
    let train = answers(&fitted, &first, &some_labels, classes)?;
    let val = answers(&fitted, &on_val, &val_labels, classes)?;
    let seconds = start.elapsed().as_secs_f64();
    let record = EpochRecord {
        epoch: 1,
        step: 1,
        lr: 0.0,
        train_loss: train.loss,
        train_accuracy: train.accuracy(),
        val_loss: val.loss,
        val_accuracy: val.accuracy(),
        grad_norm: 0.0,
        skipped: 0,
        seconds,
    };
    let model = backbone.model.with_head(fitted.weight, fitted.bias);
    let model = model.map_err(anyhow::Error::from)?;
    let folder = RunFolder::create(settings, &prepared.description.classes, &prepared.split)?;
    let written = || -> Result<(), Failure> {
        let weights = folder.path().join(files::WEIGHTS);
        write_weights(&weights, &state::collect(&model), &prepared.description)?;
        let log = serde_json::to_string(&record)? + "\n";
        Ok(write_whole(
            &folder.path().join(files::LOG),
            log.as_bytes(),
        )?)
    };
    written().inspect_err(|_| folder.remove_if_empty())?;
    watch.end();
    let fit = Fit {
        model,
        records: vec![record],
        best: 0,
        stopped: Stopped::AllEpochs,
        skipped: 0,
        seconds,
    };
    conclude(settings, prepared, &fit, &folder, pictures, parameters)
}

fn answers(
    head: &LinearHead,
    x: &DenseRows,
    labels: &[usize],
    classes: usize,
) -> Result<Predictions, Failure> {
    let probabilities = head.probabilities(x)?;
    Ok(Predictions {
        loss: log_loss(labels, &probabilities, classes)?,
        labels: labels.to_vec(),
        probabilities,
        classes,
    })
}
