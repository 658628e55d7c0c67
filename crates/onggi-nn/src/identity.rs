//! The layer that does nothing, for places where a model may have one or not.

use burn::module::Module;
use burn::tensor::Tensor;

/// `y = x`.
#[derive(Module, Debug, Default)]
pub struct Identity;

impl Identity {
    /// Returns the input.
    ///
    /// # Shapes
    /// `x: *` → `*`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        x
    }
}
