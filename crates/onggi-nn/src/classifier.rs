//! What the trainer trains.

use crate::init::Probe;
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

    /// The same, telling `probe` what each layer puts out, so that dead, saturated and vanishing
    /// layers can be found ([`init::diagnose`](crate::init::diagnose())). Unless it is given, nothing is
    /// told.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn observed(&self, x: Tensor<D>, mode: &Mode, probe: &mut Probe) -> Result<Tensor<2>, NnError> {
        let _ = probe;
        self.forward(x, mode)
    }
}

/// A module that maps a batch of inputs of type `X` to one row of numbers a sample: class logits, or
/// a regressor's answer.
///
/// Every [`Classifier`] is one. A model of another input, such as token ids
/// (`Tensor<2, Int>`), implements this trait itself.
pub trait Network<X>: Module + 'static {
    /// One row a sample.
    ///
    /// # Shapes
    /// `x` of `N` samples → `(N, K)`.
    ///
    /// # Errors
    /// An input that does not fit the model.
    fn outputs(&self, x: X, mode: &Mode) -> Result<Tensor<2>, NnError>;

    /// The same, telling `probe` what each layer puts out, as [`Classifier::observed`] does.
    ///
    /// # Errors
    /// As [`outputs`](Self::outputs).
    fn observed_outputs(&self, x: X, mode: &Mode, probe: &mut Probe) -> Result<Tensor<2>, NnError> {
        let _ = probe;
        self.outputs(x, mode)
    }
}

impl<const D: usize, M: Classifier<D>> Network<Tensor<D>> for M {
    fn outputs(&self, x: Tensor<D>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        self.forward(x, mode)
    }

    fn observed_outputs(
        &self,
        x: Tensor<D>,
        mode: &Mode,
        probe: &mut Probe,
    ) -> Result<Tensor<2>, NnError> {
        self.observed(x, mode, probe)
    }
}
