//! Averages of a model's weights over the steps of a training, which often do better on unseen data
//! than the last weights.
//!
//! [`Ema`] follows the weights with a delay; [`Swa`] takes the plain mean of the weights that it is
//! shown, say after each of the last epochs. Neither takes part in the training. After averaging, the
//! running statistics of batch normalisation are of no model in particular:
//! [`recompute_running_stats`] measures them anew.
//!
//! # Example
//! ```
//! use burn::tensor::{Device, Tensor};
//! use onggi_nn::average::{Swa, recompute_running_stats};
//! use onggi_nn::norm::{BatchNorm1d, BatchNormConfig};
//! use onggi_nn::Mode;
//!
//! let device = Device::flex();
//! let model: BatchNorm1d = BatchNormConfig::new(3).init::<1>(&device)?;
//! let mut swa = Swa::default();
//! for _epoch in 0..5 {
//!     // … train …
//!     swa.update(&model)?;
//! }
//! let batches = [Tensor::<2>::ones([8, 3], &device), Tensor::<2>::zeros([8, 3], &device)];
//! let averaged = swa.apply(model)?;
//! let averaged = recompute_running_stats(averaged, batches, |model, x| {
//!     model.forward(x.clone(), &Mode::train(1, 0)).map(drop)
//! })?;
//! # Ok::<(), onggi_nn::NnError>(())
//! ```

mod ema;
mod running_stats;
mod swa;

pub use ema::Ema;
pub use running_stats::recompute_running_stats;
pub use swa::Swa;

use crate::NnError;
use crate::state::{self, StateDict};
use burn::module::Module;

/// A state dict between those of models that it has seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AverageState {
    /// Models seen.
    pub updates: u64,
    /// The average; empty before the first.
    pub tensors: StateDict,
}

impl AverageState {
    /// Moves `share` of the way towards the model's tensors, which the first model is. Counts of
    /// batches are the newest model's.
    fn update<M: Module>(
        &mut self,
        model: &M,
        share: impl FnOnce(u64) -> f64,
    ) -> Result<(), NnError> {
        let new = state::collect(model);
        if self.updates == 0 {
            self.tensors = new;
            self.updates = 1;
            return Ok(());
        }
        let shape =
            |(name, tensor): (&String, &state::StateTensor)| (name.clone(), tensor.shape.clone());
        if !(self.tensors.iter().map(shape)).eq(new.iter().map(shape)) {
            let problem = "the average is of a model with other names or shapes";
            return Err(NnError::State {
                problems: vec![problem.into()],
            });
        }
        let share = share(self.updates);
        for ((name, old), (_, new)) in self.tensors.iter_mut().zip(new) {
            if name.ends_with("num_batches_tracked") {
                old.values = new.values;
                continue;
            }
            for (old, new) in old.values.iter_mut().zip(new.values) {
                *old = (f64::from(*old) + share * (f64::from(new) - f64::from(*old))) as f32;
            }
        }
        self.updates += 1;
        Ok(())
    }

    fn apply<M: Module>(&self, model: M) -> Result<M, NnError> {
        if self.updates == 0 {
            let problem = "the average has seen no model yet";
            return Err(NnError::State {
                problems: vec![problem.into()],
            });
        }
        state::load(model, self.tensors.clone())
    }
}
