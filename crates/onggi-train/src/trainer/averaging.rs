//! Weights averaged over the training, which are measured and kept in place of the last ones.

use super::TrainSettings;
use super::session::Session;
use crate::evaluate::{BATCH, train_passes};
use crate::{Input, TrainError};
use burn::module::Module;
use onggi_nn::Network;
use onggi_nn::average::{AverageState, Ema, Swa};
use onggi_nn::state::StateDict;

/// Which weights are averaged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Averaging {
    /// [`Ema`] with warm-up, after every step.
    Ema {
        /// Share of the average that stays; the higher, the longer its memory.
        decay: f64,
    },
    /// [`Swa`] after each epoch of the last part; running statistics are then recomputed on the
    /// training data, which takes another pass over it.
    Swa {
        /// Share of the epochs after which it begins.
        start: f64,
    },
}

/// An [`Averaging`] under way.
#[derive(Debug)]
pub(super) enum Average {
    Ema(Ema),
    Swa { swa: Swa, first_epoch: usize },
}

impl Average {
    pub(super) fn new(settings: &TrainSettings) -> Result<Option<Self>, TrainError> {
        Ok(match settings.averaging {
            None => None,
            Some(Averaging::Ema { decay }) => Some(Self::Ema(Ema::new(decay, true)?)),
            Some(Averaging::Swa { start }) => {
                if !(0.0..1.0).contains(&start) {
                    return Err(TrainError::setting("swa", "in [0, 1)", start));
                }
                let before = (start * settings.epochs as f64).floor() as usize;
                Some(Self::Swa {
                    swa: Swa::default(),
                    first_epoch: before + 1,
                })
            }
        })
    }

    /// Takes note of the model after a step.
    pub(super) fn after_step<M: Module>(&mut self, model: &M) -> Result<(), TrainError> {
        if let Self::Ema(ema) = self {
            ema.update(model)?;
        }
        Ok(())
    }

    /// Takes note of the model after an epoch, counted from 1.
    pub(super) fn after_epoch<M: Module>(
        &mut self,
        model: &M,
        epoch: usize,
    ) -> Result<(), TrainError> {
        if let Self::Swa { swa, first_epoch } = self
            && epoch >= *first_epoch
        {
            swa.update(model)?;
        }
        Ok(())
    }

    fn remembered(&self) -> &AverageState {
        match self {
            Self::Ema(ema) => ema.state(),
            Self::Swa { swa, .. } => swa.state(),
        }
    }

    /// The average and the number of models in it.
    pub(super) fn state(&self) -> (StateDict, u64) {
        let AverageState { updates, tensors } = self.remembered().clone();
        (tensors, updates)
    }

    /// Goes on from a state.
    pub(super) fn load(&mut self, tensors: StateDict, updates: u64) {
        let state = AverageState { updates, tensors };
        match self {
            Self::Ema(ema) => ema.load_state(state),
            Self::Swa { swa, .. } => swa.load_state(state),
        }
    }
}

impl<X: Input, M: Network<X>> Session<'_, '_, X, M> {
    /// The model with the averaged weights, as soon as there are any.
    pub(super) fn averaged(&self) -> Result<Option<M>, TrainError> {
        let (Some(average), Some(model)) = (&self.average, &self.model) else {
            return Ok(None);
        };
        if average.remembered().updates == 0 {
            return Ok(None);
        }
        Ok(Some(match average {
            Average::Ema(ema) => ema.apply(model.clone())?,
            Average::Swa { swa, .. } => {
                let model = swa.apply(model.clone())?;
                let batch = BATCH.min(self.settings.batch.div_ceil(self.counters.chunks));
                train_passes::<X, M>(model, &self.data.train, self.settings, batch)?
            }
        }))
    }
}
