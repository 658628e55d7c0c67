//! A linear head on a frozen backbone: features once, then logistic regression with the penalty chosen by
//! validation.

use super::features::{Samples, Seen};
use crate::commands::train::run_folder::RunFolder;
use crate::commands::train::{Job, Prepared, Watch, conclude, introduce};
use crate::failure::{Failure, usage};
use crate::output::say;
use crate::settings::Settings;
use onggi_data::View;
use onggi_nn::{Network, state};
use onggi_train::linear::{DenseRows, LinearConfig, LinearHead};
use onggi_train::metrics::log_loss;
use onggi_train::run::{EpochRecord, files, write_whole};
use onggi_train::{Fit, Input, Predictions, Stopped, TRAIN_SUBSET, write_weights};
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

/// What a head is fitted on.
pub(in crate::commands::train) struct Head<M> {
    /// Answers with features.
    pub(in crate::commands::train) backbone: M,
    /// What makes the features that are kept: model, weights, preprocessing, augmentation.
    pub(in crate::commands::train) maker: String,
    /// Length of a feature vector.
    pub(in crate::commands::train) width: usize,
    /// The samples behind the data sets, in their order.
    pub(in crate::commands::train) train: Samples,
    pub(in crate::commands::train) val: Samples,
}

/// A head, and what it was fitted to.
struct Fitted {
    head: LinearHead,
    on_train: DenseRows,
    on_val: DenseRows,
    /// What there is to say of it.
    words: String,
}

impl<M> Head<M> {
    /// Fits the head to the features of the training samples in all `views`; with the penalty `l2`, else with one
    /// that is chosen.
    fn fit<X: Input>(
        &self,
        settings: &Settings,
        prepared: &Prepared,
        views: &[View],
        l2: Option<f64>,
        watch: &Watch,
    ) -> Result<Fitted, Failure>
    where
        M: Network<X>,
    {
        let clock = Instant::now();
        let classes = prepared.description.classes.len();
        let mut seen = Seen::new(&self.backbone, &self.maker, self.width, settings.threads());
        let on_train = seen.features(&self.train, &prepared.train, views, watch)?;
        let on_val = seen.features(&self.val, &prepared.val, &[View::Eval], watch)?;
        seen.keep();
        let extracted = clock.elapsed().as_secs_f64();
        let (labels, val_labels) = (&self.train.labels, self.val.labels.as_slice());
        let mut config = LinearConfig {
            balanced: settings.balanced,
            ..LinearConfig::default()
        };
        let (head, chosen) = match l2 {
            Some(l2) => {
                config.c = 1.0 / (l2 * labels.len().max(1) as f64);
                let each = labels
                    .iter()
                    .flat_map(|&label| std::iter::repeat_n(label, views.len()));
                let each: Vec<usize> = each.collect();
                (LinearHead::fit(&on_train, &each, classes, &config)?, None)
            }
            None => {
                let val = (&on_val, val_labels);
                let found =
                    LinearHead::choose(&on_train, labels, views.len(), classes, &config, val)?;
                (found.0, Some(found.1))
            }
        };
        let samples = labels.len() * views.len() + val_labels.len();
        let words = format!(
            "features: {} of {} computed in {extracted:.1} s{}; head fitted in {:.1} s{}",
            seen.computed,
            samples,
            if seen.computed < samples {
                ", the others kept from before"
            } else {
                ""
            },
            clock.elapsed().as_secs_f64() - extracted,
            chosen.map_or_else(String::new, |chosen| format!(
                ", L2 penalty with C = {} chosen {}",
                chosen.c,
                match chosen.folds {
                    0 => "on validation data".into(),
                    n => format!("by {n}-fold cross-validation"),
                }
            ))
        );
        Ok(Fitted {
            head,
            on_train,
            on_val,
            words,
        })
    }

    /// The backbone, and a head fitted to its features: where the training of more than the head begins.
    pub(in crate::commands::train) fn begin<X: Input>(
        self,
        settings: &Settings,
        prepared: &Prepared,
        watch: &Watch,
    ) -> Result<(M, LinearHead), Failure>
    where
        M: Network<X>,
    {
        let fitted = self.fit(settings, prepared, &[View::Eval], None, watch)?;
        if !settings.json {
            say(fitted.words);
        }
        Ok((self.backbone, fitted.head))
    }
}

/// Fits the head and finishes the run; `put` makes a model of the backbone and the head.
pub(in crate::commands::train) fn train<X: Input, M: Network<X>, N: Network<X>>(
    settings: &Settings,
    prepared: &Prepared,
    head: Head<M>,
    put: impl FnOnce(M, LinearHead) -> Result<N, Failure>,
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
             it out, or ask for another way of tuning, such as --tune all",
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
    let parameters = (head.width + 1) * classes;
    if !settings.json {
        introduce(settings, prepared, parameters);
    }
    watch.writes();
    let views: Vec<View> = std::iter::once(View::Eval)
        .chain((1..=settings.views as u64).map(|epoch| View::Train {
            seed: settings.seed,
            epoch,
        }))
        .collect();
    let l2 = (settings.l2 > 0.0).then_some(settings.l2);
    let fitted = head.fit(settings, prepared, &views, l2, &watch)?;
    if !settings.json {
        say(&fitted.words);
    }
    let labels = &head.train.labels;
    let subset = labels.len().min(TRAIN_SUBSET);
    let some: Vec<usize> = (0..subset).map(|i| i * labels.len() / subset).collect();
    let first = some
        .iter()
        .flat_map(|&i| fitted.on_train.row(i * views.len()))
        .copied();
    let first = DenseRows::new(first.collect(), head.width)?;
    let some_labels: Vec<usize> = some.iter().map(|&i| labels[i]).collect();
    let train = answers(&fitted.head, &first, &some_labels, classes)?;
    let val = answers(&fitted.head, &fitted.on_val, &head.val.labels, classes)?;
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
    let model = put(head.backbone, fitted.head)?;
    let folder = RunFolder::create(settings, &prepared.description.classes, &prepared.split)?;
    let written = || -> Result<(), Failure> {
        let weights = folder.path().join(files::WEIGHTS);
        if let Some((name, content)) = &prepared.beside {
            write_whole(&folder.path().join(name), content.as_bytes())?;
        }
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
    conclude::<X, N>(settings, prepared, &fit, &folder, pictures, parameters)
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
