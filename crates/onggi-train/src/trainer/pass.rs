//! The gradients of one step: a pass over each of its batches, or over each part of a batch.

use super::TrainSettings;
use crate::objective::Loss;
use crate::{Input, TrainError};
use burn::tensor::Device;
use onggi_data::Batch;
use onggi_nn::optim::Gradients;
use onggi_nn::{Mode, Network};
use std::marker::PhantomData;

/// What the gradients of a step are computed by.
pub(super) struct Passes<'a, X> {
    settings: &'a TrainSettings,
    loss: &'a Loss,
    device: Device,
    /// Parts that a batch is cut into.
    chunks: usize,
    /// Number of the first pass: the step of [`Mode::train`].
    first: u64,
    input: PhantomData<X>,
}

impl<'a, X: Input> Passes<'a, X> {
    pub(super) fn new(
        settings: &'a TrainSettings,
        loss: &'a Loss,
        chunks: usize,
        first: u64,
    ) -> Self {
        Self {
            settings,
            loss,
            device: Device::flex().autodiff(),
            chunks,
            first,
            input: PhantomData,
        }
    }

    /// Passes that the batches of a step take.
    pub(super) fn count(&self, group: &[Batch]) -> u64 {
        let parts = |batch: &Batch| bounds(batch.labels.len(), self.chunks).len() as u64;
        group.iter().map(parts).sum()
    }

    /// The mean loss over all samples of `group` and its gradients. Called again with another model,
    /// it draws the same random numbers.
    pub(super) fn gradients<M: Network<X>>(
        &self,
        model: &M,
        group: &[Batch],
    ) -> Result<(f64, Gradients), TrainError> {
        let samples: usize = group.iter().map(|batch| batch.labels.len()).sum();
        let mut pass = self.first;
        let mut sum: Option<(f64, Gradients)> = None;
        for batch in group {
            let len = batch.labels.len();
            for (start, end) in bounds(len, self.chunks) {
                let width = batch.x.len() / len.max(1);
                let mut shape = batch.shape.clone();
                shape[0] = end - start;
                let x = batch.x[start * width..end * width].to_vec();
                let x = X::from_batch(x, shape, &self.device)?;
                let outputs = model.outputs(x, &Mode::train(self.settings.seed, pass))?;
                pass += 1;
                let loss = self.loss.of_batch(outputs, batch, start..end)?;
                // A part counts by its samples, so that cutting does not change the mean.
                let part = end - start;
                let loss = if part == samples {
                    loss
                } else {
                    loss * (part as f64 / samples as f64)
                };
                let gradients = Gradients::of(model, &loss)?;
                let loss = f64::from(loss.into_scalar::<f32>());
                sum = Some(match sum {
                    None => (loss, gradients),
                    Some((before, mut all)) => {
                        all.accumulate(gradients)?;
                        (before + loss, all)
                    }
                });
            }
        }
        sum.ok_or(TrainError::Empty { split: "train" })
    }
}

/// Where each of at most `chunks` parts of `len` samples begins and ends. Sizes differ by at most
/// one, and no part has a single sample, from which batch normalisation could not learn.
fn bounds(len: usize, chunks: usize) -> Vec<(usize, usize)> {
    let parts = chunks.min(len / 2).max(1);
    let at = |i: usize| i * len / parts;
    (0..parts).map(|i| (at(i), at(i + 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_batch_and_have_two_samples_at_least() {
        assert_eq!(bounds(32, 1), [(0, 32)]);
        assert_eq!(bounds(5, 4), [(0, 2), (2, 5)]);
        assert_eq!(bounds(1, 4), [(0, 1)]);
        for len in 1..40 {
            for chunks in [1, 2, 4, 8] {
                let parts = bounds(len, chunks);
                assert_eq!((parts[0].0, parts[parts.len() - 1].1), (0, len));
                assert!(parts.windows(2).all(|pair| pair[0].1 == pair[1].0));
                assert!(len == 1 || parts.iter().all(|(a, b)| b - a >= 2));
            }
        }
    }
}
