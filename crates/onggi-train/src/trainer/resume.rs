//! The checkpoints of a session: written from its state, and read back into it.

use super::session::Session;
use crate::checkpoint::Snapshot;
use crate::{Input, TrainError};
use onggi_nn::{Network, state};
use std::collections::BTreeMap;
use std::time::Instant;

/// State dicts of a checkpoint, beside those of the [`Mover`](super::mover::Mover).
const MODEL: &str = "model";
const BEST: &str = "best";
const BUFFERS: &str = "buffers";
const AVERAGE: &str = "average";

impl<X: Input, M: Network<X>> Session<'_, '_, X, M> {
    /// Writes a checkpoint, where the trainer has a place for them.
    pub(super) fn checkpoint(&mut self) -> Result<(), TrainError> {
        let (Some((checkpoints, identity)), Some(model)) = (self.checkpoints, &self.model) else {
            return Ok(());
        };
        let begun = Instant::now();
        let mut counters = self.counters.clone();
        counters.seconds = self.seconds();
        let damaged = damaged(checkpoints.folder());
        let (mut tensors, movers) = self.mover.state().map_err(|e| damaged(e.to_string()))?;
        tensors.insert(MODEL.into(), state::collect(model));
        tensors.insert(BUFFERS.into(), self.buffers.clone());
        if let Some(best) = &self.best {
            tensors.insert(BEST.into(), best.clone());
        }
        if let Some(average) = &self.average {
            let (averaged, updates) = average.state();
            tensors.insert(AVERAGE.into(), averaged);
            counters.averaged = updates;
        }
        let snapshot = Snapshot {
            counters,
            records: self.records.clone(),
            watched: self.stopping.watched().clone(),
            identity: identity.clone(),
            tensors,
            movers,
        };
        let files = snapshot.into_files().map_err(damaged)?;
        checkpoints.save(&files)?;
        self.cadence.written(begun);
        for callback in self.callbacks.iter_mut() {
            callback.on_checkpoint(self.counters.step);
        }
        Ok(())
    }

    /// Goes on from the newest checkpoint; whether there was one.
    pub(super) fn resume(&mut self) -> Result<bool, TrainError> {
        let Some((checkpoints, identity)) = self.checkpoints else {
            return Ok(false);
        };
        let found = checkpoints.load()?;
        for refused in &found.refused {
            self.notify(&format!("{refused}; the one before it is used"));
        }
        let Some(files) = found.files else {
            return Ok(false);
        };
        let damaged = damaged(checkpoints.folder());
        let mut snapshot = Snapshot::from_files(files).map_err(&damaged)?;
        check_identity(&snapshot.identity, identity)?;
        let weights = snapshot.tensors.remove(MODEL);
        let weights = weights.ok_or_else(|| damaged("the weights are missing".into()))?;
        self.best = snapshot.tensors.remove(BEST);
        self.buffers = snapshot.tensors.remove(BUFFERS).unwrap_or_default();
        let counters = snapshot.counters;
        let consistent = counters.best.is_some() == self.best.is_some()
            && counters
                .best
                .is_none_or(|best| best < snapshot.records.len())
            && counters.batch <= self.lens.len()
            && counters.chunks > 0;
        if !consistent {
            return Err(damaged("its counters do not fit together".into()));
        }
        if let Some(model) = self.model.take() {
            self.model = Some(state::load(model, weights)?);
        }
        if let Some(average) = &mut self.average {
            let averaged = snapshot.tensors.remove(AVERAGE).unwrap_or_default();
            average.load(averaged, counters.averaged);
        }
        let loaded = self.mover.load(snapshot.tensors, snapshot.movers);
        loaded.map_err(|e| damaged(e.to_string()))?;
        self.stopping.resume(snapshot.watched);
        self.records = snapshot.records;
        self.spent = counters.seconds;
        self.counters = counters;
        Ok(true)
    }
}

fn damaged(folder: &std::path::Path) -> impl Fn(String) -> TrainError {
    let path = folder.to_path_buf();
    move |reason| TrainError::File {
        path: path.clone(),
        reason: format!("the checkpoint cannot be used: {reason}"),
    }
}

/// An error that names what differs from when the run was begun.
fn check_identity(
    then: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Result<(), TrainError> {
    let names = then.keys().chain(now.keys());
    let mut changed: Vec<_> = names
        .filter(|name| then.get(*name) != now.get(*name))
        .collect();
    changed.sort_unstable();
    changed.dedup();
    if changed.is_empty() {
        return Ok(());
    }
    let changed: Vec<_> = changed.into_iter().map(String::as_str).collect();
    Err(TrainError::Changed {
        what: changed.join(" and the "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_named() {
        let identity = |data: &str, settings: &str| {
            let entry = |name: &str, hash: &str| (name.to_string(), hash.to_string());
            BTreeMap::from([entry("data", data), entry("settings", settings)])
        };
        let then = identity("a", "b");
        assert!(check_identity(&then, &then).is_ok());
        let error = check_identity(&then, &identity("x", "y")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the data and the settings changed"),
            "{error}"
        );
    }
}
