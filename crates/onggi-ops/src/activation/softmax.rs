//! Softmax over one axis, and its logarithm: `p = e^(x − max) / Σ e^(x − max)`.
//!
//! Gradients, of the results `p` and `l = ln p`: `dx = p · (dy − Σ dy·p)` and `dx = dy − eˡ · Σ dy`.
//! The kernels work on rows; another axis than the last is brought there first.

use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::softmax as kernel;
use burn::backend::TensorMetadata;
use burn::tensor::{Tensor, activation};
use burn_flex::FlexTensor;

/// Of rows of `k` values.
#[derive(Clone, Copy, Debug)]
struct Softmax {
    log: bool,
}

fn row_length(x: &FlexTensor) -> usize {
    x.shape().last().copied().unwrap_or(1)
}

impl Operation<1> for Softmax {
    /// `y`.
    type Saved = FlexTensor;

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, FlexTensor) {
        let forward = if self.log {
            kernel::log_softmax
        } else {
            kernel::softmax
        };
        let y = tensor(forward(slice(&x), row_length(&x)), x.shape());
        (y.clone(), y)
    }

    fn backward(
        &self,
        y: FlexTensor,
        dy: FlexTensor,
        _wanted: [bool; 1],
    ) -> [Option<FlexTensor>; 1] {
        let backward = if self.log {
            kernel::log_softmax_backward
        } else {
            kernel::softmax_backward
        };
        let dx = backward(slice(&y), slice(&dy), row_length(&y));
        [Some(tensor(dx, y.shape()))]
    }
}

/// Positive values with sum 1 along `dim`: `y = eˣ / Σ eˣ`.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Errors
/// A `dim` that `x` does not have.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::activation::softmax;
///
/// let x = Tensor::<2>::from_floats([[0.0, 0.0], [1000.0, 0.0]], &Device::flex());
/// let y = softmax(x, 1)?.into_data().try_to_vec::<f32>().expect("f32");
/// assert_eq!(y, [0.5, 0.5, 1.0, 0.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
pub fn softmax<const D: usize>(x: Tensor<D>, dim: usize) -> Result<Tensor<D>, OpError> {
    over("softmax", x, dim, Softmax { log: false })
}

/// The logarithm of [`softmax`], precise where that is 0: `y = x − ln Σ eˣ`.
///
/// # Shapes
/// `x: *` → `*`.
///
/// # Errors
/// A `dim` that `x` does not have.
pub fn log_softmax<const D: usize>(x: Tensor<D>, dim: usize) -> Result<Tensor<D>, OpError> {
    over("log_softmax", x, dim, Softmax { log: true })
}

fn over<const D: usize>(
    op: &'static str,
    x: Tensor<D>,
    dim: usize,
    operation: Softmax,
) -> Result<Tensor<D>, OpError> {
    if dim >= D {
        return Err(OpError::Shape {
            op,
            argument: "x",
            expected: format!("an axis {dim}"),
            got: x.dims().to_vec(),
        });
    }
    if !has_kernels(&x) {
        return Ok(match operation.log {
            true => activation::log_softmax(x, dim),
            false => activation::softmax(x, dim),
        });
    }
    if dim + 1 == D {
        return Ok(fused::apply(operation, [x.into_dispatch()]).y());
    }
    let rows = x.swap_dims(dim, D - 1);
    let y: Tensor<D> = fused::apply(operation, [rows.into_dispatch()]).y();
    Ok(y.swap_dims(dim, D - 1))
}
