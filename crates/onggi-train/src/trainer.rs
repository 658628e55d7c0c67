//! The training loop.
//!
//! One epoch: a pass over the shuffled, augmented training data, a step a batch; then the model is
//! measured in eval mode on the validation data and on a fixed subset of the training data without
//! augmentation, so that the two figures may be compared. The weights of the epoch with the lowest
//! validation loss are kept and returned.

use crate::evaluate::input;
use crate::run::EpochRecord;
use crate::{EarlyStopping, Subset, TrainError, predict};
use burn::tensor::Device;
use onggi_data::{Dataset, Loader, LoaderConfig, View};
use onggi_nn::loss::CrossEntropy;
use onggi_nn::optim::{AdamW, ClipNorm, Gradients, Optimizer, Sgd};
use onggi_nn::schedule::{OneCycle, Schedule};
use onggi_nn::state::{self, StateDict};
use onggi_nn::{Classifier, Mode};
use std::sync::Arc;
use std::time::Instant;

/// Training samples that the train figures are measured on: enough for a standard error of two
/// points, few enough not to be felt.
pub const TRAIN_SUBSET: usize = 500;

/// Share of the steps in which the learning rate rises.
const WARM_UP: f64 = 0.2;

/// Batches that the loader makes ahead.
const PREFETCH: usize = 4;

/// Which optimiser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerChoice {
    /// [`AdamW`].
    AdamW,
    /// [`Sgd`] with Nesterov's momentum.
    Sgd {
        /// Share of the last step's direction that is kept.
        momentum: f64,
    },
}

/// How to train.
#[derive(Clone, Debug)]
pub struct FitSettings {
    /// Passes over the training data, at most.
    pub epochs: usize,
    /// Samples a step.
    pub batch: usize,
    /// Highest learning rate of the one-cycle schedule.
    pub lr: f64,
    /// Optimiser.
    pub optimizer: OptimizerChoice,
    /// Weight decay: decoupled for AdamW, added to the gradient for SGD.
    pub weight_decay: f64,
    /// Label smoothing of the training loss.
    pub label_smoothing: f64,
    /// Largest global norm of the gradients; `None` does not clip.
    pub clip_norm: Option<f64>,
    /// Epochs without a lower validation loss after which training stops; `None` never stops early.
    pub early_stopping: Option<usize>,
    /// Seed of the order, of augmentation and of dropout.
    pub seed: u64,
    /// Threads that read and augment samples.
    pub workers: usize,
}

/// How far training has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Step of the epoch, from 1.
    pub batch: usize,
    /// Steps of an epoch.
    pub batches: usize,
    /// The step's training loss.
    pub loss: f64,
}

/// What is told about a training while it runs, and asked whether it should go on.
pub trait Observer {
    /// After each step.
    fn step(&mut self, progress: Progress) {
        let _ = progress;
    }

    /// After each epoch; with the weights if they are the best so far.
    ///
    /// # Errors
    /// Ends the training with this error.
    fn epoch(&mut self, record: &EpochRecord, best: Option<&StateDict>) -> Result<(), TrainError> {
        let _ = (record, best);
        Ok(())
    }

    /// Whether training should end now, with the best weights so far.
    fn interrupted(&self) -> bool {
        false
    }
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All epochs were done.
    AllEpochs,
    /// The validation loss stopped improving.
    EarlyStopping,
    /// [`Observer::interrupted`] said so.
    Interrupted,
    /// The loss or a gradient became infinite or NaN.
    Diverged,
}

impl Stopped {
    /// In words, for a report.
    pub fn words(self) -> &'static str {
        match self {
            Self::AllEpochs => "all epochs done",
            Self::EarlyStopping => "early stopping",
            Self::Interrupted => "interrupted",
            Self::Diverged => "diverged: the loss was no longer finite",
        }
    }
}

/// A trained model.
#[derive(Debug)]
pub struct Fit<M> {
    /// The model with the best epoch's weights.
    pub model: M,
    /// One record an epoch.
    pub records: Vec<EpochRecord>,
    /// Index of the best epoch's record.
    pub best: usize,
    /// Why training ended.
    pub stopped: Stopped,
}

/// Trains a model whose tensors are on an autodiff device ([`burn::module::Module::train`]).
///
/// The result depends on the model, the data and the settings, not on `workers` or the number of
/// threads.
///
/// # Errors
/// An empty split, settings out of range, samples that cannot be read, an error of the observer;
/// a loss that is not finite, or an interruption, before the first epoch was done.
pub fn fit<const D: usize, M: Classifier<D>>(
    mut model: M,
    train: &Arc<dyn Dataset>,
    val: &Arc<dyn Dataset>,
    settings: &FitSettings,
    observer: &mut dyn Observer,
) -> Result<Fit<M>, TrainError> {
    for (split, data) in [("train", train), ("validation", val)] {
        if data.is_empty() {
            return Err(TrainError::Empty { split });
        }
    }
    if settings.epochs == 0 {
        let (setting, expected) = ("epochs", "at least 1");
        return Err(TrainError::Setting {
            setting,
            expected,
            got: "0".into(),
        });
    }
    if let Some(clip_norm) = settings
        .clip_norm
        .filter(|norm| !(*norm > 0.0 && norm.is_finite()))
    {
        let (setting, expected) = ("clip_norm", "above 0 and finite");
        return Err(TrainError::Setting {
            setting,
            expected,
            got: clip_norm.to_string(),
        });
    }
    let subset: Arc<dyn Dataset> = Arc::new(Subset::evenly(train.clone(), TRAIN_SUBSET));
    let loader = Loader::new(
        train.clone(),
        LoaderConfig {
            batch_size: settings.batch,
            shuffle: Some(settings.seed),
            drop_last: false,
            workers: settings.workers,
            prefetch: PREFETCH,
        },
    )?;
    let batches = loader.num_batches();
    let schedule = Schedule::OneCycle(OneCycle {
        total_steps: (batches * settings.epochs) as u64,
        warm_up: WARM_UP,
    });
    schedule.check()?;
    let loss_function = CrossEntropy::new(settings.label_smoothing, None)?;
    let mut optimizer = optimizer(settings)?;
    let mut stopping = settings
        .early_stopping
        .map(|p| EarlyStopping::new(p, 0.0))
        .transpose()?;
    let mut lowest = EarlyStopping::new(usize::MAX, 0.0)?;

    let device = Device::flex().autodiff();
    let start = Instant::now();
    let mut records: Vec<EpochRecord> = Vec::new();
    let mut best: Option<(usize, StateDict)> = None;
    let mut step = 0;
    let mut stopped = Stopped::AllEpochs;
    'training: for epoch in 1..=settings.epochs {
        let view = View::Train {
            seed: settings.seed,
            epoch: epoch as u64,
        };
        let (mut lr, mut norms) = (0.0, 0.0);
        for (index, batch) in loader.epoch(epoch as u64, view).enumerate() {
            if observer.interrupted() {
                stopped = Stopped::Interrupted;
                break 'training;
            }
            let batch = batch?;
            lr = settings.lr * schedule.factor(step);
            let labels = batch.labels.clone();
            let logits = model.forward(
                input::<D>(batch, &device),
                &Mode::train(settings.seed, step),
            )?;
            let loss = loss_function.forward(logits, &labels)?;
            let mut gradients = Gradients::of(&model, &loss)?;
            let norm = match settings.clip_norm {
                Some(max_norm) => gradients.clip_norm(&ClipNorm::new(max_norm))?,
                None => gradients.norm(),
            };
            let loss = f64::from(loss.into_scalar::<f32>());
            if !(loss.is_finite() && norm.is_finite()) {
                if best.is_none() {
                    return Err(TrainError::Diverged {
                        step: step + 1,
                        loss,
                        lr,
                    });
                }
                stopped = Stopped::Diverged;
                break 'training;
            }
            model = optimizer.step(model, gradients, lr)?;
            norms += norm;
            step += 1;
            observer.step(Progress {
                epoch,
                batch: index + 1,
                batches,
                loss,
            });
        }
        let on_train = predict(&model, &subset, settings.workers)?;
        let on_val = predict(&model, val, settings.workers)?;
        if !(on_val.loss.is_finite() && on_train.loss.is_finite()) {
            if best.is_none() {
                return Err(TrainError::Diverged {
                    step,
                    loss: on_val.loss,
                    lr,
                });
            }
            stopped = Stopped::Diverged;
            break;
        }
        let record = EpochRecord {
            epoch,
            step,
            lr,
            train_loss: on_train.loss,
            train_accuracy: on_train.accuracy(),
            val_loss: on_val.loss,
            val_accuracy: on_val.accuracy(),
            grad_norm: norms / batches as f64,
            seconds: start.elapsed().as_secs_f64(),
        };
        if lowest.improves(record.val_loss) {
            best = Some((records.len(), state::collect(&model)));
        }
        let is_best = best.as_ref().filter(|(at, _)| *at == records.len());
        observer.epoch(&record, is_best.map(|(_, state)| state))?;
        records.push(record);
        if let Some(stopping) = &mut stopping {
            stopping.improves(on_val.loss);
            if stopping.stops() && epoch < settings.epochs {
                stopped = Stopped::EarlyStopping;
                break;
            }
        }
    }
    let Some((best, state)) = best else {
        return Err(TrainError::Interrupted);
    };
    Ok(Fit {
        model: state::load(model, state)?,
        records,
        best,
        stopped,
    })
}

fn optimizer(settings: &FitSettings) -> Result<Optimizer, TrainError> {
    let weight_decay = settings.weight_decay;
    Ok(match settings.optimizer {
        OptimizerChoice::AdamW => Optimizer::new(AdamW {
            weight_decay,
            ..AdamW::default()
        })?,
        OptimizerChoice::Sgd { momentum } => Optimizer::new(Sgd {
            momentum,
            nesterov: momentum > 0.0,
            weight_decay,
            ..Sgd::default()
        })?,
    })
}
