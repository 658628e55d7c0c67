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

fn gate<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    (x + 3.0).clamp(0.0, 6.0) / 6.0
}
