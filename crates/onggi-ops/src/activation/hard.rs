//! Piecewise linear stand-ins for the sigmoid and SiLU.

use super::apply;
use crate::kernels::elementwise::{Hardsigmoid, Hardswish};
use burn::tensor::Tensor;

/// `y = x · min(max(x + 3, 0), 6) / 6`.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Reference
/// Howard et al., *Searching for MobileNetV3*, 2019.
pub fn hardswish<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    apply(x, Hardswish, |x| x.clone() * gate(x))
}

/// `y = min(max(x + 3, 0), 6) / 6`.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Reference
/// Howard et al., *Searching for MobileNetV3*, 2019.
pub fn hardsigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    apply(x, Hardsigmoid, gate)
}

/// Its slope at −3 and 3 is 0, as PyTorch's; that of Burn's `clamp` at its bounds is 1.
fn gate<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let (low, high) = (
        x.clone().lower_equal_elem(-3.0),
        x.clone().greater_equal_elem(3.0),
    );
    let inside = (x + 3.0) / 6.0;
    inside.mask_fill(low, 0.0).mask_fill(high, 1.0)
}
