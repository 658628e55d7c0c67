//! What a model is trained for, and how it is measured.

use crate::evaluate::{outputs, predict_by};
use crate::{Input, TrainError};
use burn::tensor::{Tensor, TensorData};
use onggi_data::{Batch, Dataset, View};
use onggi_nn::Network;
use onggi_nn::loss::{CrossEntropy, HuberLoss, L1Loss, MseLoss};
use std::ops::Range;
use std::sync::Arc;

/// The training loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// Cross-entropy with the labels, nats: a classifier.
    CrossEntropy {
        /// Share of the target that is spread over all classes.
        label_smoothing: f64,
    },
    /// Mean squared error: a regressor of one output.
    Mse,
    /// Mean absolute error.
    Mae,
    /// Squared below `delta`, absolute above.
    Huber {
        /// Where the two meet.
        delta: f64,
    },
}

/// A model measured in eval mode: by the objective's loss without label smoothing, and by accuracy,
/// or R² for a regressor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
}

/// An [`Objective`] with its settings checked.
#[derive(Clone, Debug)]
pub(crate) enum Loss {
    CrossEntropy(CrossEntropy),
    Mse(MseLoss),
    Mae(L1Loss),
    Huber(HuberLoss, f64),
}

impl Loss {
    pub(crate) fn new(objective: Objective) -> Result<Self, TrainError> {
        Ok(match objective {
            Objective::CrossEntropy { label_smoothing } => {
                Self::CrossEntropy(CrossEntropy::new(label_smoothing, None)?)
            }
            Objective::Mse => Self::Mse(MseLoss::default()),
            Objective::Mae => Self::Mae(L1Loss::default()),
            Objective::Huber { delta } => Self::Huber(HuberLoss::new(delta)?, delta),
        })
    }

    /// The mean loss of some samples of a batch. Where it is mixed, the losses with either label are
    /// added in their shares: cross-entropy is linear in the target. A regressor's answers are mixed
    /// already.
    pub(crate) fn of_batch(
        &self,
        outputs: Tensor<2>,
        batch: &Batch,
        part: Range<usize>,
    ) -> Result<Tensor<1>, TrainError> {
        let targets = batch.targets.get(part.clone()).unwrap_or_default();
        let labels = &batch.labels[part.clone()];
        let (Some(mixed), Self::CrossEntropy(loss)) = (&batch.mixed, self) else {
            return self.of(outputs, labels, targets);
        };
        let own = loss.forward(outputs.clone(), labels)?;
        let other = loss.forward(outputs, &mixed.labels[part])?;
        Ok(own * mixed.share + other * (1.0 - mixed.share))
    }

    /// The mean loss of a batch.
    pub(crate) fn of(
        &self,
        outputs: Tensor<2>,
        labels: &[usize],
        targets: &[f32],
    ) -> Result<Tensor<1>, TrainError> {
        if let Self::CrossEntropy(loss) = self {
            return Ok(loss.forward(outputs, labels)?);
        }
        let [n, k] = outputs.dims();
        if k != 1 || targets.len() != n {
            return Err(TrainError::NotRegression {
                outputs: k,
                samples: n,
                targets: targets.len(),
            });
        }
        let data = TensorData::new(targets.to_vec(), [n, 1]);
        let targets = Tensor::<2>::from_data(data, &outputs.device());
        Ok(match self {
            Self::CrossEntropy(loss) => loss.forward(outputs, labels)?,
            Self::Mse(loss) => loss.forward(outputs, targets)?,
            Self::Mae(loss) => loss.forward(outputs, targets)?,
            Self::Huber(loss, _) => loss.forward(outputs, targets)?,
        })
    }

    /// Measures `model` on `data`, `batch` samples at a time.
    pub(crate) fn measure<X: Input, M: Network<X>>(
        &self,
        model: &M,
        data: &Arc<dyn Dataset>,
        workers: usize,
        batch: usize,
    ) -> Result<Measured, TrainError> {
        if let Self::CrossEntropy(_) = self {
            let answers = predict_by(model, data, workers, batch)?;
            return Ok(Measured {
                loss: answers.loss,
                accuracy: answers.accuracy(),
            });
        }
        let (mut answers, mut truth) = (Vec::new(), Vec::new());
        outputs(
            model,
            data,
            workers,
            batch,
            View::Eval,
            |rows, _, targets| {
                answers.extend(rows.iter().map(|&y| f64::from(y)));
                truth.extend(targets.iter().map(|&y| f64::from(y)));
            },
        )?;
        let n = truth.len().max(1) as f64;
        let errors = || answers.iter().zip(&truth).map(|(y, t)| (y - t).abs());
        let squares: f64 = errors().map(|e| e * e).sum();
        let loss = match self {
            Self::CrossEntropy(_) | Self::Mse(_) => squares / n,
            Self::Mae(_) => errors().sum::<f64>() / n,
            Self::Huber(_, delta) => {
                let one = |e: f64| {
                    if e <= *delta {
                        0.5 * e * e
                    } else {
                        delta * (e - 0.5 * delta)
                    }
                };
                errors().map(one).sum::<f64>() / n
            }
        };
        let mean = truth.iter().sum::<f64>() / n;
        let spread: f64 = truth.iter().map(|t| (t - mean) * (t - mean)).sum();
        // Targets that are all alike: R² is 1 for perfect answers, else 0, as scikit-learn has it.
        let accuracy = match (spread > 0.0, squares > 0.0) {
            (true, _) => 1.0 - squares / spread,
            (false, false) => 1.0,
            (false, true) => 0.0,
        };
        Ok(Measured { loss, accuracy })
    }
}
