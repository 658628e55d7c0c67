//! How much memory a step takes: measured on two small ones before training begins.

use super::TrainSettings;
use super::pass::Passes;
use crate::memory::{self, Estimate};
use crate::objective::Loss;
use crate::{Input, TrainError};
use onggi_data::{Dataset, Loader, LoaderConfig, View};
use onggi_nn::{Network, state};
use std::sync::Arc;

/// Samples of the smaller trial, at most; the other has twice as many.
const TRIAL: usize = 8;

/// Copies of the parameters that training makes after its first step, at most: two moments of the
/// optimiser, an average, the best epoch, a checkpoint's bytes.
const COPIES: u64 = 6;

/// Measures two passes forward and back, and puts the model's running statistics back.
pub(super) fn measure<X: Input, M: Network<X>>(
    model: M,
    train: &Arc<dyn Dataset>,
    settings: &TrainSettings,
    loss: &Loss,
) -> Result<(M, Estimate), TrainError> {
    let before = state::collect(&model);
    let values: usize = before.values().map(|tensor| tensor.values.len()).sum();
    let small = TRIAL.min(settings.batch / 2).min(train.len() / 2).max(1);
    let mut peaks = [0; 2];
    for (peak, samples) in peaks.iter_mut().zip([small, 2 * small]) {
        let config = LoaderConfig {
            batch_size: samples,
            shuffle: None,
            drop_last: false,
            workers: 1,
            prefetch: 1,
        };
        let mut batches = Loader::new(train.clone(), config)?.epoch(0, View::Eval);
        let batch: Vec<_> = batches.next().into_iter().collect::<Result<_, _>>()?;
        memory::reset_peak();
        Passes::<X>::new(settings, loss, 1, 0).gradients(&model, &batch)?;
        *peak = memory::peak()?;
    }
    let estimate = Estimate {
        samples: 2 * small,
        bytes: peaks[1] + COPIES * 4 * values as u64,
        sample: peaks[1].saturating_sub(peaks[0]) / small as u64,
    };
    Ok((state::load(model, before)?, estimate))
}
