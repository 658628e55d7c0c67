//! Everything that a training goes on from, as the files of a set.

use super::set::Files;
use super::{exact, tensors};
use crate::early_stopping::Watched;
use crate::run::EpochRecord;
use crate::trainer::Stopped;
use onggi_nn::state::StateDict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counters, records and whatever else is no tensor.
const STATE: &str = "state.json";

/// End of a tensor file's name.
const TENSORS: &str = ".safetensors";

/// How far a training has come. Every random draw is a function of the seed and of these counters,
/// so they are all the state that the random numbers have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counters {
    /// Epoch at hand, from 1.
    pub(crate) epoch: usize,
    /// Batches of it that are done.
    pub(crate) batch: usize,
    /// Training passes of the model so far: the step of `Mode::train`.
    pub(crate) passes: u64,
    /// Optimiser steps tried so far.
    pub(crate) step: u64,
    /// Steps skipped, as the loss or a gradient was not finite.
    pub(crate) skipped: u64,
    /// Steps skipped since the last one that was not.
    pub(crate) skipped_in_a_row: usize,
    /// Into how many passes each batch is cut, for the memory's sake.
    pub(crate) chunks: usize,
    /// Learning rate of the last step.
    #[serde(with = "exact")]
    pub(crate) lr: f64,
    /// Sum of the gradient norms of the epoch's steps, and how many there were.
    #[serde(with = "exact")]
    pub(crate) norm_sum: f64,
    pub(crate) norms: u64,
    /// Models that the averaged weights are of.
    pub(crate) averaged: u64,
    /// Index of the best epoch's record.
    pub(crate) best: Option<usize>,
    /// Time spent, over all processes that worked on the run.
    #[serde(with = "exact")]
    pub(crate) seconds: f64,
    /// Why the training ended, once it has.
    pub(crate) stopped: Option<Stopped>,
}

/// A training at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) counters: Counters,
    pub(crate) records: Vec<EpochRecord>,
    pub(crate) watched: Watched,
    /// What must be the same for the training to go on, by what it is: hashes of the data and the
    /// settings.
    pub(crate) identity: BTreeMap<String, String>,
    /// State dicts by name: `model`, `best`, `optimizer`, …
    pub(crate) tensors: BTreeMap<String, StateDict>,
    /// What else the optimiser, the schedule and the averages remember.
    pub(crate) movers: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    identity: BTreeMap<String, String>,
    counters: Counters,
    early_stopping: Watched,
    movers: serde_json::Value,
    #[serde(with = "exact::records")]
    records: Vec<EpochRecord>,
}

impl Snapshot {
    pub(crate) fn into_files(self) -> Result<Files, String> {
        let state = State {
            identity: self.identity,
            counters: self.counters,
            early_stopping: self.watched,
            movers: self.movers,
            records: self.records,
        };
        let json = serde_json::to_vec(&state).map_err(|e| e.to_string())?;
        let mut files = Files::from([(STATE.to_string(), json)]);
        for (name, state) in &self.tensors {
            files.insert(format!("{name}{TENSORS}"), tensors::encode(state)?);
        }
        Ok(files)
    }

    pub(crate) fn from_files(mut files: Files) -> Result<Self, String> {
        let json = files
            .remove(STATE)
            .ok_or_else(|| format!("`{STATE}` is missing"))?;
        let state: State = serde_json::from_slice(&json).map_err(|e| format!("`{STATE}`: {e}"))?;
        let mut dicts = BTreeMap::new();
        for (name, bytes) in files {
            let plain = name
                .strip_suffix(TENSORS)
                .ok_or_else(|| format!("`{name}` is not known here"))?;
            let dict = tensors::decode(&bytes).map_err(|e| format!("`{name}`: {e}"))?;
            dicts.insert(plain.to_string(), dict);
        }
        Ok(Self {
            counters: state.counters,
            records: state.records,
            watched: state.early_stopping,
            identity: state.identity,
            tensors: dicts,
            movers: state.movers,
        })
    }
}
