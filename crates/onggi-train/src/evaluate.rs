//! A model's answers on a data set.

use crate::{Input, Subset, TrainError, TrainSettings};
use burn::tensor::Device;
use onggi_data::{Batch, Dataset, Loader, LoaderConfig, View};
use onggi_nn::average::recompute_running_stats;
use onggi_nn::{Mode, Network};
use std::cell::Cell;
use std::sync::Arc;

/// Samples of one forward pass: large enough to fill the kernels, small enough for any memory.
pub(crate) const BATCH: usize = 64;

/// A model's answers on a data set, in the data set's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// Classes.
    pub classes: usize,
    /// Probabilities, `classes` a sample.
    pub probabilities: Vec<f64>,
    /// Mean cross-entropy with the data set's labels, nats.
    pub loss: f64,
    /// The data set's labels.
    pub labels: Vec<usize>,
}

impl Predictions {
    /// The most probable class of each sample; of equal ones, the first.
    pub fn predicted(&self) -> Vec<usize> {
        self.rows().map(argmax).collect()
    }

    /// Each sample's probabilities.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.probabilities.chunks_exact(self.classes.max(1))
    }

    /// Share of samples whose most probable class is their label.
    pub fn accuracy(&self) -> f64 {
        let right = self
            .predicted()
            .iter()
            .zip(&self.labels)
            .filter(|(p, l)| p == l)
            .count();
        right as f64 / self.labels.len().max(1) as f64
    }
}

/// The model's answers in eval mode, without augmentation.
///
/// # Errors
/// Samples that cannot be read, or that do not fit the model.
pub fn predict<X: Input, M: Network<X>>(
    model: &M,
    data: &Arc<dyn Dataset>,
    workers: usize,
) -> Result<Predictions, TrainError> {
    predict_by(model, data, workers, BATCH)
}

/// As [`predict`], `batch` samples at a time.
pub(crate) fn predict_by<X: Input, M: Network<X>>(
    model: &M,
    data: &Arc<dyn Dataset>,
    workers: usize,
    batch: usize,
) -> Result<Predictions, TrainError> {
    let classes = data.num_classes();
    let mut out = Predictions {
        classes,
        probabilities: Vec::new(),
        loss: 0.0,
        labels: Vec::new(),
    };
    outputs(
        model,
        data,
        workers,
        batch,
        View::Eval,
        |logits, labels, _| {
            for (row, &label) in logits.chunks_exact(classes).zip(labels) {
                let log_sum = log_sum_exp(row);
                out.loss += log_sum - f64::from(row[label]);
                out.probabilities
                    .extend(row.iter().map(|&z| (f64::from(z) - log_sum).exp()));
            }
            out.labels.extend(labels);
        },
    )?;
    out.loss /= out.labels.len().max(1) as f64;
    Ok(out)
}

/// What `model` puts out for the samples as they are seen in `view`, in their order and in eval mode: one row a
/// sample. `done` is told how many there are so far. Sequences of like length go through the model together,
/// so that little of what it sees is padding.
///
/// # Errors
/// Samples that cannot be read, or that do not fit the model.
pub fn rows<X: Input, M: Network<X>>(
    model: &M,
    data: &Arc<dyn Dataset>,
    workers: usize,
    view: View,
    mut done: impl FnMut(usize),
) -> Result<Vec<f32>, TrainError> {
    let mut order: Vec<usize> = (0..data.len()).collect();
    order.sort_by_key(|&index| data.sequence_len(index));
    let sorted: Arc<dyn Dataset> = Arc::new(Subset::of(data.clone(), order.clone()));
    let (mut found, mut samples) = (Vec::new(), 0);
    outputs(
        model,
        &sorted,
        workers,
        BATCH / 2,
        view,
        |out, labels, _| {
            found.extend_from_slice(out);
            samples += labels.len();
            done(samples);
        },
    )?;
    let width = found.len() / order.len().max(1);
    let mut rows = vec![0.0; found.len()];
    for (&index, row) in order.iter().zip(found.chunks_exact(width.max(1))) {
        rows[index * width..(index + 1) * width].copy_from_slice(row);
    }
    Ok(rows)
}

/// Gives `each` the outputs of each batch, its labels and its targets.
pub(crate) fn outputs<X: Input, M: Network<X>>(
    model: &M,
    data: &Arc<dyn Dataset>,
    workers: usize,
    batch: usize,
    view: View,
    mut each: impl FnMut(&[f32], &[usize], &[f32]),
) -> Result<(), TrainError> {
    let model = model.valid();
    let config = LoaderConfig {
        batch_size: batch,
        shuffle: None,
        drop_last: false,
        workers,
        prefetch: 2,
    };
    for batch in Loader::new(data.clone(), config)?.epoch(0, view) {
        let batch = batch?;
        let x = X::from_batch(batch.x, batch.shape, &Device::flex())?;
        let outputs = model.outputs(x, &Mode::Eval)?;
        let outputs: Vec<f32> = outputs.into_data().iter::<f32>().collect();
        each(&outputs, &batch.labels, &batch.targets);
    }
    Ok(())
}

/// The model with running statistics that fit its weights: means over the training data, in their
/// order and without augmentation.
pub(crate) fn train_passes<X: Input, M: Network<X>>(
    model: M,
    data: &Arc<dyn Dataset>,
    settings: &TrainSettings,
    batch: usize,
) -> Result<M, TrainError> {
    let config = LoaderConfig {
        batch_size: batch.max(2),
        shuffle: None,
        // A last batch of one sample has no variance.
        drop_last: data.len() % batch.max(2) == 1 && data.len() > 1,
        workers: settings.workers,
        prefetch: 2,
    };
    let device = Device::flex().autodiff();
    // The first error that is none of the model's, which ends the batches.
    let failed: Cell<Option<TrainError>> = Cell::new(None);
    let fail = |error: TrainError| failed.set(Some(error));
    let batches = Loader::new(data.clone(), config)?.epoch(0, View::Eval);
    let batches = batches.map_while(|batch| batch.map_err(|e| fail(e.into())).ok());
    let forward = |model: &M, batch: &Batch| {
        let x = X::from_batch(batch.x.clone(), batch.shape.clone(), &device);
        match x {
            Ok(x) => model.outputs(x, &Mode::train(settings.seed, 0)).map(drop),
            Err(error) => {
                fail(error);
                Ok(())
            }
        }
    };
    let model = recompute_running_stats(model, batches, forward)?;
    failed.take().map_or(Ok(model), Err)
}

/// `ln Σ eᶻ`, without overflow.
fn log_sum_exp(row: &[f32]) -> f64 {
    let max = row
        .iter()
        .fold(f64::NEG_INFINITY, |m, &z| m.max(f64::from(z)));
    max + row
        .iter()
        .map(|&z| (f64::from(z) - max).exp())
        .sum::<f64>()
        .ln()
}

fn argmax(row: &[f64]) -> usize {
    let best = row
        .iter()
        .enumerate()
        .fold((0, f64::NEG_INFINITY), |best, (i, &p)| {
            if p > best.1 { (i, p) } else { best }
        });
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_sum_exp_does_not_overflow() {
        assert!((log_sum_exp(&[1000.0, 1000.0]) - (1000.0 + 2f64.ln())).abs() < 1e-9);
        assert!((log_sum_exp(&[-1000.0]) + 1000.0).abs() < 1e-9);
    }

    #[test]
    fn ties_go_to_the_first() {
        assert_eq!(argmax(&[0.25, 0.5, 0.5]), 1);
        assert_eq!(argmax(&[f64::NAN, f64::NAN]), 0);
    }
}
