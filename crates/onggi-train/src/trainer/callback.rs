//! What is told about a training while it runs, and asked whether it should go on.

use crate::TrainError;
use crate::run::EpochRecord;
use onggi_nn::state::StateDict;

/// How far training has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Batches of the epoch that are done.
    pub batch: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// Optimiser steps tried so far.
    pub step: u64,
    /// The step's training loss.
    pub loss: f64,
    /// The step's learning rate.
    pub lr: f64,
}

/// Where a training starts from.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// Epochs done before: empty for a training that begins.
    pub records: &'a [EpochRecord],
    /// The best weights so far.
    pub best: Option<&'a StateDict>,
    /// Optimiser steps tried before.
    pub step: u64,
}

/// A follower of a training; every method does nothing unless it is given.
pub trait Callback {
    /// Once, before the first step. What was kept of epochs after `start` is to be forgotten: they
    /// will be done again.
    ///
    /// # Errors
    /// Ends the training with this error; so do the others.
    fn on_start(&mut self, start: &Start<'_>) -> Result<(), TrainError> {
        let _ = start;
        Ok(())
    }

    /// After each step, a skipped one included.
    fn on_step(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// After each epoch; with the weights if they are the best so far.
    ///
    /// # Errors
    /// As [`on_start`](Self::on_start).
    fn on_epoch(
        &mut self,
        record: &EpochRecord,
        best: Option<&StateDict>,
    ) -> Result<(), TrainError> {
        let _ = (record, best);
        Ok(())
    }

    /// After a checkpoint was written, at optimiser step `step`.
    fn on_checkpoint(&mut self, step: u64) {
        let _ = step;
    }

    /// Something that the user should know, in a sentence: a step was skipped, a checkpoint refused,
    /// a batch cut up.
    fn on_notice(&mut self, notice: &str) {
        let _ = notice;
    }

    /// Whether training should end now, with the best weights so far.
    fn interrupted(&self) -> bool {
        false
    }
}
