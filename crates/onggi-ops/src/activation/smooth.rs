//! Activations with an exponential in them.

use super::apply;
use crate::OpError;
use crate::kernels::elementwise::{Gelu, GeluTanh, Mish, Sigmoid, Silu, Softplus, Tanh};
use burn::tensor::{Tensor, activation};
use std::f64::consts::FRAC_1_SQRT_2;

/// `y = x · Φ(x)`, with the standard normal distribution `Φ`: PyTorch's `approximate="none"`.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::activation::gelu;
///
/// let x = Tensor::<1>::from_floats([0.0, 1.0], &Device::flex());
/// let y = gelu(x).into_data().try_to_vec::<f32>().expect("f32");
/// assert!(y[0] == 0.0 && (y[1] - 0.841_344_7).abs() < 1e-6);
/// ```
///
/// # Reference
/// Hendrycks and Gimpel, *Gaussian error linear units*, 2016.
///
/// # Differences from PyTorch
/// On the CPU, `Φ` keeps its relative precision for large negative `x`, where PyTorch's
/// `(1 + erf) / 2` cancels.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    // Burn's own `gelu` has the gradient of the approximation by `tanh`.
    apply(x, Gelu, |x| {
        let phi = (x.clone() * FRAC_1_SQRT_2).erf() * 0.5 + 0.5;
        x * phi
    })
}

/// `y = x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³)))`: PyTorch's GELU with `approximate="tanh"`.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Reference
/// Hendrycks and Gimpel, *Gaussian error linear units*, 2016.
pub fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    apply(x, GeluTanh, activation::gelu_approximate)
}

/// `y = x · σ(x)`, also called swish.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Reference
/// Elfwing et al., *Sigmoid-weighted linear units*, 2018.
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    apply(x, Silu, activation::silu)
}

/// `y = x · tanh(ln(1 + eˣ))`.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Reference
/// Misra, *Mish: a self regularized non-monotonic activation function*, 2020.
pub fn mish<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    apply(x, Mish, activation::mish)
}

/// `y = 1 / (1 + e⁻ˣ)`.
///
/// # Shapes
/// `x: *` → `*`.
pub fn sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    apply(x, Sigmoid, activation::sigmoid)
}

/// `y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`.
///
/// # Shapes
/// `x: *` → `*`.
pub fn tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    apply(x, Tanh, Tensor::tanh)
}

/// `y = ln(1 + e^(beta·x)) / beta`, and `x` itself where `beta · x` is above `threshold`. PyTorch's
/// defaults are 1 and 20.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Errors
/// A `beta` of 0, or one that is not finite.
pub fn softplus<const D: usize>(
    x: Tensor<D>,
    beta: f64,
    threshold: f64,
) -> Result<Tensor<D>, OpError> {
    if beta == 0.0 || !beta.is_finite() {
        return Err(OpError::Range {
            op: "softplus",
            argument: "beta",
            expected: "finite and not 0",
            got: beta,
        });
    }
    let map = Softplus {
        beta: beta as f32,
        threshold: threshold as f32,
    };
    Ok(apply(x, map, |x| {
        activation::softplus_with_threshold(x, beta, threshold)
    }))
}
