//! Activations: `y = f(x)`, element by element, and softmax over an axis.
//!
//! One frame serves all elementwise ones: the kernel computes `y`, and the backward pass multiplies
//! the upstream gradient by `f′`, computed again of what was kept: of `y` where that suffices (ReLU,
//! sigmoid, tanh, ELU), else of `x`. No mask is stored. Where only `y` is kept and nobody else holds
//! `x`, `y` takes its place in memory, and `dx` that of `dy`.

mod add_relu;
mod hard;
mod named;
mod prelu;
mod rectifiers;
mod smooth;
mod softmax;

pub use add_relu::add_relu;
pub use hard::{hardsigmoid, hardswish};
pub use named::Activation;
pub use prelu::prelu;
pub use rectifiers::{elu, leaky_relu, relu, selu};
pub use smooth::{gelu, gelu_tanh, mish, sigmoid, silu, softplus, tanh};
pub use softmax::{log_softmax, softmax};

use crate::flex::{exclusive, slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::elementwise::{self as kernel, Map};
use burn::backend::TensorMetadata;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use std::fmt::Debug;

/// An elementwise function as an operation.
#[derive(Clone, Debug)]
struct Elementwise<M>(M);

impl<M: Map + Debug + 'static> Operation<1> for Elementwise<M> {
    /// `y` or `x`, as [`Map::keeps_result`] says.
    type Saved = FlexTensor;

    fn forward(&self, [mut x]: [FlexTensor; 1]) -> (FlexTensor, FlexTensor) {
        let keeps_result = self.0.keeps_result();
        if keeps_result && let Some(values) = exclusive(&mut x) {
            kernel::forward_in_place(self.0, values);
            return (x.clone(), x);
        }
        let y = tensor(kernel::forward(self.0, slice(&x)), x.shape());
        let kept = if keeps_result { y.clone() } else { x };
        (y, kept)
    }

    fn backward(
        &self,
        kept: FlexTensor,
        mut dy: FlexTensor,
        _wanted: [bool; 1],
    ) -> [Option<FlexTensor>; 1] {
        if let Some(values) = exclusive(&mut dy) {
            kernel::backward_in_place(self.0, slice(&kept), values);
            return [Some(dy)];
        }
        let dx = kernel::backward(self.0, slice(&kept), slice(&dy));
        [Some(tensor(dx, kept.shape()))]
    }
}

/// `map` by the kernel, or `composed` of tensor operations where there is none.
fn apply<M: Map + Debug + 'static, const D: usize>(
    x: Tensor<D>,
    map: M,
    composed: impl FnOnce(Tensor<D>) -> Tensor<D>,
) -> Tensor<D> {
    if has_kernels(&x) {
        fused::apply(Elementwise(map), [x.into_dispatch()]).y()
    } else {
        composed(x)
    }
}

#[cfg(test)]
mod tests;
