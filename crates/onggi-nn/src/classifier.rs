//! What the trainer trains.

use crate::{Mode, NnError};
use burn::module::Module;
use burn::tensor::Tensor;

/// A module that maps a batch of inputs with `D` axes (the first counts samples) to one row of
/// class logits a sample.
pub trait Classifier<const D: usize>: Module + 'static {
    /// Logits.
    ///
    /// # Shapes
    /// `x: (N, …)` → `(N, K)` for `K` classes.
    ///
    /// # Errors
    /// An input that does not fit the model.
    fn forward(&self, x: Tensor<D>, mode: &Mode) -> Result<Tensor<2>, NnError>;
}
