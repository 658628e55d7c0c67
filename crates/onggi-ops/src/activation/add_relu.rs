//! A residual block's end: `y = max(a + b, 0)`.
//!
//! Both inputs have the same gradient, `dy` where `y > 0`: it is computed once and shared, and `y`
//! is all that is kept.

use crate::OpError;
use crate::flex::{exclusive, slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::elementwise::{self as kernel, Relu};
use burn::backend::TensorMetadata;
use burn::tensor::{Tensor, activation};
use burn_flex::FlexTensor;

#[derive(Clone, Debug)]
struct AddRelu;

impl Operation<2> for AddRelu {
    /// `y`.
    type Saved = FlexTensor;

    fn forward(&self, [mut a, mut b]: [FlexTensor; 2]) -> (FlexTensor, FlexTensor) {
        let y = if let Some(b_values) = exclusive(&mut b) {
            kernel::add_relu_in_place(slice(&a), b_values);
            b
        } else if let Some(a_values) = exclusive(&mut a) {
            kernel::add_relu_in_place(slice(&b), a_values);
            a
        } else {
            tensor(kernel::add_relu(slice(&a), slice(&b)), a.shape())
        };
        (y.clone(), y)
    }

    fn backward(
        &self,
        y: FlexTensor,
        mut dy: FlexTensor,
        _wanted: [bool; 2],
    ) -> [Option<FlexTensor>; 2] {
        let dx = if let Some(values) = exclusive(&mut dy) {
            kernel::backward_in_place(Relu, slice(&y), values);
            dy
        } else {
            tensor(kernel::backward(Relu, slice(&y), slice(&dy)), y.shape())
        };
        [Some(dx.clone()), Some(dx)]
    }
}

/// Adds two tensors and rectifies the sum: `y = max(a + b, 0)`.
///
/// # Shapes
/// `a, b: *` → `*`.
///
/// # Errors
/// Different shapes.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::activation::add_relu;
///
/// let device = Device::flex();
/// let a = Tensor::<1>::from_floats([1.0, -3.0], &device);
/// let b = Tensor::<1>::from_floats([1.0, 2.0], &device);
/// let y = add_relu(a, b)?.into_data().try_to_vec::<f32>().expect("f32");
/// assert_eq!(y, [2.0, 0.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// He et al., *Deep residual learning for image recognition*, 2016.
pub fn add_relu<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Result<Tensor<D>, OpError> {
    if a.dims() != b.dims() {
        return Err(OpError::Shape {
            op: "add_relu",
            argument: "b",
            expected: format!("the shape {:?} of `a`", a.dims()),
            got: b.dims().to_vec(),
        });
    }
    Ok(if has_kernels(&a) && has_kernels(&b) {
        fused::apply(AddRelu, [a.into_dispatch(), b.into_dispatch()]).y()
    } else {
        activation::relu(a + b)
    })
}
