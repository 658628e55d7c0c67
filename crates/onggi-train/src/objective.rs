//! What a model is trained for, and how it is measured.

use crate::evaluate::{outputs, predict_by};
use crate::{Input, TrainError};
use burn::tensor::{Tensor, TensorData};
use onggi_data::{Batch, Dataset, View};
use onggi_nn::Network;
use onggi_nn::loss::{CrossEntropy, HuberLoss, L1Loss, MseLoss, Reduction};
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
    /// The same with a weight a class, as a sum.
    Weighted(CrossEntropy),
    Mse(MseLoss),
    Mae(L1Loss),
    Huber(HuberLoss, f64),
}

impl Loss {
    /// With `weights`, samples count by those of their classes.
    pub(crate) fn new(objective: Objective, weights: Option<Vec<f32>>) -> Result<Self, TrainError> {
        Ok(match objective {
            Objective::CrossEntropy { label_smoothing } if weights.is_some() => {
                let loss = CrossEntropy::new(label_smoothing, weights)?;
                Self::Weighted(loss.with_reduction(Reduction::Sum))
            }
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
        let (Some(mixed), Self::CrossEntropy(_) | Self::Weighted(_)) = (&batch.mixed, self) else {
            return self.of(outputs, labels, targets);
        };
        let own = self.of(outputs.clone(), labels, targets)?;
        let other = self.of(outputs, &mixed.labels[part], targets)?;
        Ok(own * mixed.share + other * (1.0 - mixed.share))
    }

    /// The mean loss of a batch.
    pub(crate) fn of(
        &self,
        outputs: Tensor<2>,
        labels: &[usize],
        targets: &[f32],
    ) -> Result<Tensor<1>, TrainError> {
        let [n, k] = outputs.dims();
        match self {
            Self::CrossEntropy(loss) => return Ok(loss.forward(outputs, labels)?),
            // By the samples and not by their weights, so that the parts of a batch add up to its mean.
            Self::Weighted(loss) => return Ok(loss.forward(outputs, labels)? / n.max(1) as f64),
            _ => {}
        }
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
            Self::CrossEntropy(loss) | Self::Weighted(loss) => loss.forward(outputs, labels)?,
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
        if let Self::CrossEntropy(_) | Self::Weighted(_) = self {
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
            Self::CrossEntropy(_) | Self::Weighted(_) | Self::Mse(_) => squares / n,
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

/// The weight of each class with which all weigh the same, 1 on average over the samples: as
/// scikit-learn's `balanced` has it. A class without samples has 0.
pub(crate) fn balanced(data: &Arc<dyn Dataset>) -> Vec<f32> {
    let (n, classes) = (data.len(), data.num_classes());
    let mut counts = vec![0usize; classes];
    (0..n).for_each(|index| counts[data.label(index)] += 1);
    let present = counts.iter().filter(|count| **count > 0).count();
    let weight = |count: usize| match count {
        0 => 0.0,
        count => n as f64 / (present * count) as f64,
    };
    counts
        .into_iter()
        .map(|count| weight(count) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use onggi_data::DataError;

    /// Nine samples of class 0, three of class 1, none of class 2.
    struct Uneven;

    impl Dataset for Uneven {
        fn len(&self) -> usize {
            12
        }
        fn sample_shape(&self) -> Vec<usize> {
            vec![1]
        }
        fn label(&self, index: usize) -> usize {
            usize::from(index >= 9)
        }
        fn num_classes(&self) -> usize {
            3
        }
        fn source(&self, index: usize) -> String {
            index.to_string()
        }
        fn load(&self, _: usize, _: View, _: &mut [f32]) -> Result<(), DataError> {
            Ok(())
        }
    }

    #[test]
    fn balanced_classes_weigh_the_same_and_parts_add_up() {
        let data: Arc<dyn Dataset> = Arc::new(Uneven);
        let weights = balanced(&data);
        assert_eq!(weights, [12.0 / 18.0, 2.0, 0.0]);
        let objective = Objective::CrossEntropy {
            label_smoothing: 0.0,
        };
        let loss = Loss::new(objective, Some(weights)).unwrap();
        let of = |labels: &[usize]| {
            let logits = Tensor::zeros([labels.len(), 3], &Device::flex());
            loss.of(logits, labels, &[]).unwrap().into_scalar::<f32>()
        };
        let labels: Vec<usize> = (0..12).map(|i| Uneven.label(i)).collect();
        assert!((of(&labels) - 3f32.ln()).abs() < 1e-6);
        let parts = (of(&labels[..5]) * 5.0 + of(&labels[5..]) * 7.0) / 12.0;
        assert!((of(&labels) - parts).abs() < 1e-6);
    }
}
