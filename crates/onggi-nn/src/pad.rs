//! Padding layers; what they compute is said in [`onggi_ops::pad`](mod@onggi_ops::pad).

use crate::NnError;
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_ops::pad::{PadMode, pad};

/// Padding of the last axis.
pub type Pad1d = Pad<1>;
/// Padding of the last two axes.
pub type Pad2d = Pad<2>;
/// Padding of the last three axes.
pub type Pad3d = Pad<3>;

/// More positions around the last `R` axes, `[before, after]` for each, in the order of the axes.
///
/// PyTorch has a layer for each mode and rank: its `ReflectionPad2d(p)` is `Pad2d::reflection`.
#[derive(Module, Debug)]
pub struct Pad<const R: usize> {
    #[module(skip)]
    padding: [[usize; 2]; R],
    #[module(skip)]
    mode: PadMode,
}

impl<const R: usize> Pad<R> {
    /// Zeros: PyTorch's `ZeroPad`.
    pub fn zero(padding: [[usize; 2]; R]) -> Self {
        Self::constant(padding, 0.0)
    }

    /// A value: PyTorch's `ConstantPad`.
    pub fn constant(padding: [[usize; 2]; R], value: f64) -> Self {
        let mode = PadMode::Constant(value);
        Self { padding, mode }
    }

    /// The input mirrored at its outermost position: PyTorch's `ReflectionPad`.
    pub fn reflection(padding: [[usize; 2]; R]) -> Self {
        let mode = PadMode::Reflect;
        Self { padding, mode }
    }

    /// The outermost value: PyTorch's `ReplicationPad`.
    pub fn replication(padding: [[usize; 2]; R]) -> Self {
        let mode = PadMode::Replicate;
        Self { padding, mode }
    }

    /// The input from its other end: PyTorch's `CircularPad`.
    pub fn circular(padding: [[usize; 2]; R]) -> Self {
        let mode = PadMode::Circular;
        Self { padding, mode }
    }

    /// Pads.
    ///
    /// # Shapes
    /// `x: *` → the same with `before + after` more positions in each of the last `R` axes.
    ///
    /// # Errors
    /// Fewer than `R` axes, or axes too small for the padding.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(pad(x, self.padding, self.mode)?)
    }
}
