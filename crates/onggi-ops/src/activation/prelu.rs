//! PReLU: a leaky ReLU whose slope is learnt, one for all channels or one for each.
//!
//! With `a` the channel's weight: `dx = dy` above 0 and `a · dy` elsewhere;
//! `da = Σ dy · x` over the elements that are not above 0.

use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::prelu as kernel;
use burn::backend::TensorMetadata;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

#[derive(Clone, Debug)]
struct Prelu;

impl Prelu {
    fn composed<const D: usize>(x: Tensor<D>, weight: Tensor<1>) -> Tensor<D> {
        let mut shape = [1; D];
        if D > 1 {
            shape[1] = weight.dims()[0];
        }
        let below = x.clone().lower_equal_elem(0.0);
        let scaled = x.clone() * weight.reshape(shape);
        x.mask_where(below, scaled)
    }
}

/// Consecutive elements of one channel.
fn inner(x: &FlexTensor) -> usize {
    x.shape().iter().skip(2).product()
}

impl Operation<2> for Prelu {
    /// `x` and `weight`.
    type Saved = [FlexTensor; 2];

    fn forward(&self, [x, weight]: [FlexTensor; 2]) -> (FlexTensor, Self::Saved) {
        let y = kernel::forward(slice(&x), slice(&weight), inner(&x));
        (tensor(y, x.shape()), [x, weight])
    }

    fn backward(
        &self,
        [x, weight]: Self::Saved,
        dy: FlexTensor,
        _wanted: [bool; 2],
    ) -> [Option<FlexTensor>; 2] {
        let [dx, dweight] = kernel::backward(slice(&x), slice(&weight), slice(&dy), inner(&x));
        [
            Some(tensor(dx, x.shape())),
            Some(tensor(dweight, weight.shape())),
        ]
    }
}

/// `y = x` above 0, `weight[c] · x` elsewhere.
///
/// # Shapes
/// `x: (N, C, *)`, `weight: [C]` → `(N, C, *)`; `x: *`, `weight: [1]` → `*`.
///
/// # Errors
/// A weight of another shape.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::activation::prelu;
///
/// let device = Device::flex();
/// let x = Tensor::<2>::from_floats([[-1.0, -2.0], [3.0, -4.0]], &device);
/// let weight = Tensor::<1>::from_floats([0.5, 0.25], &device);
/// let y = prelu(x, weight)?.into_data().try_to_vec::<f32>().expect("f32");
/// assert_eq!(y, [-0.5, -0.5, 3.0, -1.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Reference
/// He et al., *Delving deep into rectifiers*, 2015.
pub fn prelu<const D: usize>(x: Tensor<D>, weight: Tensor<1>) -> Result<Tensor<D>, OpError> {
    let [weights] = weight.dims();
    if weights != 1 && (D < 2 || weights != x.dims()[1]) {
        let channels = match x.dims().get(1) {
            Some(channels) => format!("one value, or one for each of the {channels} channels"),
            None => "one value, as the input has no channels".to_string(),
        };
        return Err(OpError::Shape {
            op: "prelu",
            argument: "weight",
            expected: channels,
            got: vec![weights],
        });
    }
    Ok(if has_kernels(&x) && has_kernels(&weight) {
        fused::apply(Prelu, [x.into_dispatch(), weight.into_dispatch()]).y()
    } else {
        Prelu::composed(x, weight)
    })
}
