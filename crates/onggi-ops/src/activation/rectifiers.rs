//! ReLU and its relatives, which pass positive inputs through.

use super::apply;
use crate::kernels::elementwise::{Elu, LeakyRelu, Relu};
use burn::tensor::{Tensor, activation};

/// Rectifies: `y = max(x, 0)`. NaN stays NaN.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::activation::relu;
///
/// let x = Tensor::<1>::from_floats([-1.0, 2.0], &Device::flex());
/// assert_eq!(relu(x).into_data().try_to_vec::<f32>().expect("f32"), [0.0, 2.0]);
/// ```
///
/// # Reference
/// Nair and Hinton, *Rectified linear units improve restricted Boltzmann machines*, 2010.
pub fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    apply(x, Relu, activation::relu)
}

/// `y = x` above 0, `negative_slope · x` elsewhere. PyTorch's default slope is 0.01.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Reference
/// Maas et al., *Rectifier nonlinearities improve neural network acoustic models*, 2013.
pub fn leaky_relu<const D: usize>(x: Tensor<D>, negative_slope: f64) -> Tensor<D> {
    let map = LeakyRelu {
        negative_slope: negative_slope as f32,
    };
    apply(x, map, |x| {
        let below = x.clone().lower_equal_elem(0.0);
        let scaled = x.clone() * negative_slope;
        x.mask_where(below, scaled)
    })
}

/// `y = x` above 0, `alpha · (eˣ − 1)` elsewhere. PyTorch's default `alpha` is 1.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Reference
/// Clevert et al., *Fast and accurate deep network learning by exponential linear units*, 2016.
pub fn elu<const D: usize>(x: Tensor<D>, alpha: f64) -> Tensor<D> {
    scaled_elu(x, alpha, 1.0)
}

/// `y = scale · x` above 0, `scale · alpha · (eˣ − 1)` elsewhere, with the constants that keep mean
/// 0 and variance 1 from layer to layer: `scale = 1.0507…`, `alpha = 1.6732…`.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Reference
/// Klambauer et al., *Self-normalizing neural networks*, 2017.
pub fn selu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    const ALPHA: f64 = 1.673_263_242_354_377_2;
    const SCALE: f64 = 1.050_700_987_355_480_5;
    scaled_elu(x, ALPHA, SCALE)
}

fn scaled_elu<const D: usize>(x: Tensor<D>, alpha: f64, scale: f64) -> Tensor<D> {
    let map = Elu {
        alpha: alpha as f32,
        scale: scale as f32,
    };
    apply(x, map, |x| {
        let above = x.clone().greater_elem(0.0);
        // Bounded, as the branch not taken must stay finite for the gradient's sake.
        let below = (x.clone().mask_fill(above.clone(), 0.0).exp() - 1.0) * (alpha * scale);
        below.mask_where(above, x * scale)
    })
}
