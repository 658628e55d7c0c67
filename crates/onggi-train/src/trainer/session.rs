//! A training under way: its state, an epoch after the other, and the checkpoints of it.

use super::averaging::Average;
use super::cadence::Cadence;
use super::mover::Mover;
use super::pass::Passes;
use super::{Callback, Data, Fit, Progress, Start, Stopped, TrainSettings, trial};
use crate::checkpoint::{Checkpoints, Counters};
use crate::evaluate::BATCH;
use crate::objective::{Loss, Measured};
use crate::run::EpochRecord;
use crate::{EarlyStopping, Input, TrainError};
use onggi_data::{Batch, Loader, View};
use onggi_nn::check::small_batches;
use onggi_nn::state::{self, StateDict, StateTensor};
use onggi_nn::{Network, freeze};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Instant;

/// A training under way.
pub(super) struct Session<'a, 'c, X, M> {
    pub(super) settings: &'a TrainSettings,
    pub(super) data: &'a Data,
    pub(super) loader: Loader,
    /// Samples of each batch of an epoch.
    pub(super) lens: Vec<usize>,
    pub(super) loss: Loss,
    /// `None` only within a step.
    pub(super) model: Option<M>,
    pub(super) mover: Mover,
    pub(super) average: Option<Average>,
    pub(super) stopping: EarlyStopping,
    pub(super) counters: Counters,
    pub(super) records: Vec<EpochRecord>,
    pub(super) best: Option<StateDict>,
    pub(super) checkpoints: Option<(&'a Checkpoints, &'a BTreeMap<String, String>)>,
    pub(super) cadence: Cadence,
    pub(super) callbacks: &'a mut [&'c mut dyn Callback],
    pub(super) start: Instant,
    /// Seconds spent before this process.
    pub(super) spent: f64,
    /// The running statistics as they were when the epoch began.
    pub(super) buffers: StateDict,
    /// The last step's loss, for an error to tell.
    pub(super) last_loss: f64,
    pub(super) input: PhantomData<X>,
}

impl<'a, 'c, X: Input, M: Network<X>> Session<'a, 'c, X, M> {
    /// Begins, or goes on from the newest checkpoint.
    pub(super) fn begin(
        model: M,
        settings: &'a TrainSettings,
        data: &'a Data,
        checkpoints: Option<(&'a Checkpoints, &'a BTreeMap<String, String>)>,
        callbacks: &'a mut [&'c mut dyn Callback],
    ) -> Result<Self, TrainError> {
        let start = Instant::now();
        let loader = settings.loader(&data.train)?;
        let lens = loader.batch_lens();
        let steps = (lens.len().div_ceil(settings.accumulate) * settings.epochs) as u64;
        let mover = Mover::new(settings, steps)?;
        let counters = Counters {
            epoch: 1,
            batch: 0,
            passes: 0,
            step: 0,
            skipped: 0,
            skipped_in_a_row: 0,
            chunks: 1,
            lr: 0.0,
            norm_sum: 0.0,
            norms: 0,
            averaged: 0,
            best: None,
            seconds: 0.0,
            stopped: None,
        };
        let mut session = Self {
            settings,
            data,
            loader,
            lens,
            loss: settings.loss(&data.train)?,
            model: Some(model),
            mover,
            average: Average::new(settings)?,
            stopping: EarlyStopping::new(settings.early_stopping.clone())?,
            counters,
            records: Vec::new(),
            best: None,
            checkpoints,
            cadence: Cadence::new(settings.checkpoint),
            callbacks,
            start,
            spent: 0.0,
            buffers: StateDict::new(),
            last_loss: f64::NAN,
            input: PhantomData,
        };
        let resumed = session.resume()?;
        session.freeze()?;
        if !resumed {
            session.fit_memory()?;
            session.warn();
        }
        let begin = Start {
            records: &session.records,
            best: session.best.as_ref(),
            step: session.counters.step,
        };
        for callback in session.callbacks.iter_mut() {
            callback.on_start(&begin)?;
        }
        Ok(session)
    }

    /// Trains to the end.
    pub(super) fn run(mut self) -> Result<Fit<M>, TrainError> {
        while self.counters.stopped.is_none() {
            self.epoch()?;
        }
        let stopped = self.counters.stopped.unwrap_or(Stopped::AllEpochs);
        // What a later process may go on with is no end.
        if matches!(stopped, Stopped::Interrupted | Stopped::Time) {
            self.counters.stopped = None;
        }
        self.checkpoint()?;
        let best = self.counters.best.zip(self.best.take());
        let (Some((best, weights)), Some(model)) = (best, self.model) else {
            return Err(TrainError::Interrupted);
        };
        Ok(Fit {
            model: state::load(model, weights)?,
            records: self.records,
            best,
            stopped,
            skipped: self.counters.skipped,
            seconds: self.spent + self.start.elapsed().as_secs_f64(),
        })
    }

    /// The batches of an epoch that are left, and the figures after it.
    fn epoch(&mut self) -> Result<(), TrainError> {
        let view = View::Train {
            seed: self.settings.seed,
            epoch: self.counters.epoch as u64,
        };
        let (epoch, first) = (self.counters.epoch as u64, self.counters.batch);
        let mut batches = self.loader.epoch_from(epoch, view, first);
        if let Some(model) = self.model.as_ref().filter(|_| first == 0) {
            self.buffers = running_statistics(state::collect(model));
        }
        let mut in_time = true;
        while self.counters.batch < self.lens.len() {
            if self.callbacks.iter().any(|callback| callback.interrupted()) {
                self.counters.stopped = Some(Stopped::Interrupted);
                return Ok(());
            }
            in_time = self
                .settings
                .time
                .is_none_or(|most| self.seconds() < most.as_secs_f64());
            if !in_time {
                if self.counters.batch == 0 && !self.records.is_empty() {
                    self.counters.stopped = Some(Stopped::Time);
                    return Ok(());
                }
                break;
            }
            let group = batches.by_ref().take(self.settings.accumulate);
            let mut group = group.collect::<Result<Vec<_>, _>>()?;
            for (number, batch) in (self.counters.batch as u64..).zip(&mut group) {
                batch.mix(&self.settings.mixing, self.settings.seed, epoch, number)?;
            }
            self.step(&group)?;
            if self.counters.skipped_in_a_row >= self.settings.max_skipped {
                return self.diverge();
            }
            let ends = self.counters.batch >= self.lens.len();
            if !ends && self.cadence.due(self.counters.step, false) {
                self.checkpoint()?;
            }
        }
        drop(batches);
        self.close_epoch(in_time)
    }

    /// One optimiser step over all samples of `group`.
    fn step(&mut self, group: &[Batch]) -> Result<(), TrainError> {
        let Some(model) = self.model.take() else {
            return Err(TrainError::Interrupted);
        };
        let counters = &mut self.counters;
        let passes = Passes::<X>::new(self.settings, &self.loss, counters.chunks, counters.passes);
        let lr = self.mover.lr(counters.step);
        let moved = self
            .mover
            .step(model, lr, |model| passes.gradients(model, group))?;
        counters.passes += passes.count(group);
        counters.step += 1;
        counters.batch += group.len();
        counters.lr = lr;
        self.last_loss = moved.loss;
        self.model = Some(moved.model);
        if moved.stepped {
            counters.norm_sum += moved.norm;
            counters.norms += 1;
            counters.skipped_in_a_row = 0;
            if let (Some(average), Some(model)) = (&mut self.average, &self.model) {
                average.after_step(model)?;
            }
        } else {
            counters.skipped += 1;
            counters.skipped_in_a_row += 1;
            self.clean()?;
            let counters = &self.counters;
            let notice = format!(
                "step {} skipped: the loss is {} and the norm of its gradient {}",
                counters.step, moved.loss, moved.norm
            );
            self.notify(&notice);
        }
        let progress = Progress {
            epoch: self.counters.epoch,
            batch: self.counters.batch,
            batches: self.lens.len(),
            step: self.counters.step,
            loss: moved.loss,
            lr,
        };
        for callback in self.callbacks.iter_mut() {
            callback.on_step(&progress);
        }
        Ok(())
    }

    /// Puts running statistics back that a skipped step's pass left infinite or NaN: to what they
    /// were when the epoch began.
    fn clean(&mut self) -> Result<(), TrainError> {
        let Some(model) = self.model.take() else {
            return Ok(());
        };
        let mut all = state::collect(&model);
        let finite = |tensor: &StateTensor| tensor.values.iter().all(|value| value.is_finite());
        let dirty = |(name, old): (&String, &StateTensor)| {
            finite(old) && all.get(name).is_some_and(|now| !finite(now))
        };
        if !self.buffers.iter().any(dirty) {
            self.model = Some(model);
            return Ok(());
        }
        all.extend(self.buffers.clone());
        self.model = Some(state::load(model, all)?);
        Ok(())
    }

    /// Measures the model, keeps it if it is the best, and turns to the next epoch.
    fn close_epoch(&mut self, in_time: bool) -> Result<(), TrainError> {
        if let (Some(average), Some(model)) = (&mut self.average, &self.model) {
            average.after_epoch(model, self.counters.epoch)?;
        }
        let averaged = self.averaged()?;
        let judged = averaged.as_ref().or(self.model.as_ref());
        let judged = judged.ok_or(TrainError::Interrupted)?;
        let (on_train, on_val) = self.measure(judged)?;
        if !(on_val.loss.is_finite() && on_train.loss.is_finite()) {
            self.last_loss = on_val.loss;
            return self.diverge();
        }
        let counters = &mut self.counters;
        let record = EpochRecord {
            epoch: counters.epoch,
            step: counters.step,
            lr: counters.lr,
            train_loss: on_train.loss,
            train_accuracy: on_train.accuracy,
            val_loss: on_val.loss,
            val_accuracy: on_val.accuracy,
            grad_norm: counters.norm_sum / counters.norms.max(1) as f64,
            skipped: counters.skipped,
            seconds: self.spent + self.start.elapsed().as_secs_f64(),
        };
        let best = self.stopping.improves(on_val.loss, on_val.accuracy);
        if best {
            counters.best = Some(self.records.len());
            self.best = Some(state::collect(judged));
        }
        self.mover.observe(on_val.loss);
        self.records.push(record);
        counters.epoch += 1;
        counters.batch = 0;
        counters.norm_sum = 0.0;
        counters.norms = 0;
        counters.stopped = if self.stopping.diverged() {
            Some(Stopped::Diverged)
        } else if counters.epoch > self.settings.epochs {
            Some(Stopped::AllEpochs)
        } else if self.stopping.stops() {
            Some(Stopped::EarlyStopping)
        } else if !in_time {
            Some(Stopped::Time)
        } else {
            None
        };
        let (record, best) = (self.records.last(), self.best.as_ref().filter(|_| best));
        for callback in self.callbacks.iter_mut() {
            if let Some(record) = record {
                callback.on_epoch(record, best)?;
            }
        }
        // The one at the end is written by `run`.
        if self.counters.stopped.is_none() && self.cadence.due(self.counters.step, true) {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// The model's figures on the train subset and on validation data.
    fn measure(&self, model: &M) -> Result<(Measured, Measured), TrainError> {
        // Under a memory limit no more samples at once than in training.
        let batch = match self.settings.max_memory {
            Some(_) => BATCH.min(self.settings.batch.div_ceil(self.counters.chunks)),
            None => BATCH,
        };
        let on = |data| {
            self.loss
                .measure::<X, M>(model, data, self.settings.workers, batch)
        };
        Ok((on(&self.data.subset)?, on(&self.data.val)?))
    }

    /// Ends a training whose figures are no longer finite: with the best weights, if there are any.
    fn diverge(&mut self) -> Result<(), TrainError> {
        if self.best.is_none() {
            return Err(TrainError::Diverged {
                step: self.counters.step,
                skipped: self.counters.skipped,
                loss: self.last_loss,
                lr: self.counters.lr,
            });
        }
        self.counters.stopped = Some(Stopped::Diverged);
        Ok(())
    }

    /// Freezes the parameters of groups that say so: no gradients are computed for them.
    fn freeze(&mut self) -> Result<(), TrainError> {
        let groups = &self.settings.groups;
        if let Some(model) = &self.model {
            let names = state::collect(model);
            for group in groups {
                if !names.keys().any(|name| group.matches(name)) {
                    let names: Vec<_> = names.keys().take(8).map(String::as_str).collect();
                    return Err(TrainError::NoParameter {
                        pattern: group.pattern.clone(),
                        names: names.join(", "),
                    });
                }
            }
        }
        let frozen = |name: &str| {
            let group = groups.iter().find(|group| group.matches(name));
            group.is_some_and(|group| group.frozen)
        };
        self.model = self.model.take().map(|model| freeze(model, frozen).0);
        Ok(())
    }

    /// Cuts batches up until a step stays within the memory that it may take.
    fn fit_memory(&mut self) -> Result<(), TrainError> {
        let Some(limit) = self.settings.max_memory else {
            return Ok(());
        };
        let Some(model) = self.model.take() else {
            return Ok(());
        };
        let train = &self.data.train;
        let (model, estimate) = trial::measure::<X, M>(model, train, self.settings, &self.loss)?;
        self.model = Some(model);
        let batch = self.lens.iter().copied().max().unwrap_or(1);
        let chunks = estimate.chunks(batch, limit)?;
        self.counters.chunks = chunks;
        if chunks > 1 {
            self.notify(&format!(
                "batches of {batch} are passed in {chunks} parts, which stays within {} MB; a step \
                 still takes a whole batch",
                limit / 1_000_000
            ));
        }
        Ok(())
    }

    /// Tells what of model and settings is known to clash.
    fn warn(&mut self) {
        let Some(model) = &self.model else {
            return;
        };
        let batch = self
            .lens
            .first()
            .map_or(0, |len| len / self.counters.chunks);
        let mut findings = small_batches(model, batch);
        // One says what all of a kind say.
        findings.truncate(1);
        findings.extend(self.mover.decay_on_norms(model).into_iter().take(1));
        for finding in findings {
            self.notify(&finding.to_string());
        }
    }

    pub(super) fn notify(&mut self, notice: &str) {
        for callback in self.callbacks.iter_mut() {
            callback.on_notice(notice);
        }
    }

    /// Seconds spent on the run, in this process and before.
    pub(super) fn seconds(&self) -> f64 {
        self.spent + self.start.elapsed().as_secs_f64()
    }
}

/// The tensors of a state dict that a training pass itself changes, by PyTorch's names.
fn running_statistics(mut state: StateDict) -> StateDict {
    let names = ["running_mean", "running_var", "num_batches_tracked"];
    state.retain(|name, _| names.iter().any(|end| name.ends_with(end)));
    state
}
