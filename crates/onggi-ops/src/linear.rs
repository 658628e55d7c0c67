//! The linear map of the last axis: `y = x · Wᵀ + b`.
//!
//! ```text
//! dx = dy · W      dW = dyᵀ · x      db = Σ dy over all axes but the last
//! ```

use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::linear::{self as kernel, Dims};
use burn::backend::TensorMetadata;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

/// On any device, of tensor operations whose gradient Burn knows.
fn composed(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let y = x.matmul(weight.transpose());
    match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    }
}

/// Of `x`, `weight` and, as the third, `bias`.
#[derive(Clone, Debug)]
struct Linear;

#[derive(Clone, Debug)]
struct Saved {
    x: FlexTensor,
    weight: FlexTensor,
}

fn dims(x: &FlexTensor, weight: &FlexTensor) -> Dims {
    let (x, weight) = (x.shape(), weight.shape());
    Dims {
        rows: x[..x.num_dims() - 1].iter().product(),
        inputs: weight[1],
        outputs: weight[0],
    }
}

fn forward(x: FlexTensor, weight: FlexTensor, bias: Option<&FlexTensor>) -> (FlexTensor, Saved) {
    let d = dims(&x, &weight);
    let y = kernel::forward(slice(&x), slice(&weight), bias.map(slice), d);
    let mut shape = x.shape().to_vec();
    *shape.last_mut().expect("at least one axis") = d.outputs;
    (tensor(y, shape), Saved { x, weight })
}

fn backward(saved: &Saved, dy: &FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
    let d = dims(&saved.x, &saved.weight);
    let (x, weight, dy) = (slice(&saved.x), slice(&saved.weight), slice(dy));
    [
        wanted[0].then(|| tensor(kernel::input_gradient(dy, weight, d), saved.x.shape())),
        wanted[1].then(|| tensor(kernel::weight_gradient(x, dy, d), saved.weight.shape())),
        wanted[2].then(|| tensor(kernel::bias_gradient(dy, d), [d.outputs])),
    ]
}

impl Operation<2> for Linear {
    type Saved = Saved;

    fn forward(&self, [x, weight]: [FlexTensor; 2]) -> (FlexTensor, Saved) {
        forward(x, weight, None)
    }

    fn backward(&self, saved: Saved, dy: FlexTensor, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let [dx, dweight, _] = backward(&saved, &dy, [wanted[0], wanted[1], false]);
        [dx, dweight]
    }
}

impl Operation<3> for Linear {
    type Saved = Saved;

    fn forward(&self, [x, weight, bias]: [FlexTensor; 3]) -> (FlexTensor, Saved) {
        forward(x, weight, Some(&bias))
    }

    fn backward(&self, saved: Saved, dy: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        backward(&saved, &dy, wanted)
    }
}

/// Maps the last axis linearly: `y = x · Wᵀ + b`.
///
/// # Shapes
/// `x: (*, I)`, `weight: [O, I]`, `bias: [O]` → `(*, O)`.
///
/// # Errors
/// A last axis that is not `I`, or a bias that is not `[O]`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::linear::linear;
///
/// let device = Device::flex();
/// let x = Tensor::<2>::from_floats([[1.0, 2.0]], &device);
/// let weight = Tensor::<2>::from_floats([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], &device);
/// let y = linear(x, weight, None)?.into_data().try_to_vec::<f32>().expect("f32");
/// assert_eq!(y, [11.0, 17.0, 23.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Result<Tensor<D>, OpError> {
    let ([outputs, inputs], mut shape) = (weight.dims(), x.dims());
    let wrong = |argument, expected, got: &[usize]| {
        let got = got.to_vec();
        Err(OpError::Shape {
            op: "linear",
            argument,
            expected,
            got,
        })
    };
    if shape.last() != Some(&inputs) {
        let expected = format!("a last axis of {inputs}, as the weight's inputs");
        return wrong("x", expected, &shape);
    }
    if let Some(bias) = bias.as_ref().filter(|bias| bias.dims() != [outputs]) {
        let expected = format!("one value for each of the {outputs} outputs");
        return wrong("bias", expected, &bias.dims());
    }
    if has_kernels(&x) && has_kernels(&weight) {
        let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
        return Ok(match bias {
            Some(bias) => fused::apply(Linear, [x, weight, bias.into_dispatch()]).y(),
            None => fused::apply(Linear, [x, weight]).y(),
        });
    }
    let rows = shape[..D - 1].iter().product();
    shape[D - 1] = outputs;
    // To `reshape`, a 0 is the old size of that axis.
    if rows == 0 {
        return Ok(Tensor::zeros(shape, (&x.device(), x.dtype())));
    }
    Ok(composed(x.reshape([rows, inputs]), weight, bias).reshape(shape))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_gradients, assert_same_outcome, random, values};

    /// Sizes that reach one tile and several, odd edges, a single row, and more rows than one flush
    /// of the bias gradient.
    const SIZES: [[usize; 3]; 6] = [
        [1, 7, 5],
        [3, 1, 1],
        [64, 784, 256],
        [300, 130, 129],
        [517, 96, 200],
        [1031, 128, 131],
    ];

    fn leaves([rows, inputs, outputs]: [usize; 3]) -> [Tensor<1>; 3] {
        [
            random([rows * inputs], 1),
            random([outputs * inputs], 2),
            random([outputs], 3),
        ]
    }

    #[test]
    fn kernel_equals_composed() {
        for size in SIZES {
            let [rows, inputs, outputs] = size;
            let parts = |v: &[Tensor<1>]| {
                (
                    v[0].clone().reshape([rows, inputs]),
                    v[1].clone().reshape([outputs, inputs]),
                )
            };
            for bias in [true, false] {
                let leaves = &leaves(size)[..2 + usize::from(bias)];
                assert_same_outcome(
                    &format!("{size:?}, bias {bias}"),
                    leaves,
                    |v| {
                        let (x, weight) = parts(v);
                        linear(x, weight, v.get(2).cloned()).unwrap().flatten(0, 1)
                    },
                    |v| {
                        let (x, weight) = parts(v);
                        composed(x, weight, v.get(2).cloned()).flatten(0, 1)
                    },
                    1e-5,
                );
            }
        }
    }

    #[test]
    fn gradients_equal_finite_differences() {
        let forward = |v: &[Tensor<1>]| {
            let (x, weight) = (
                v[0].clone().reshape([2, 3, 7]),
                v[1].clone().reshape([5, 7]),
            );
            linear(x, weight, Some(v[2].clone())).unwrap().flatten(0, 2)
        };
        assert_gradients("linear", &leaves([6, 7, 5]), forward, 1e-2, 1e-3);
    }

    #[test]
    fn any_rank_any_order_and_no_rows() {
        let [_, weight, bias] = leaves([1, 6, 4]);
        let weight = weight.reshape([4, 6]);
        let y = |x: Tensor<3>| linear(x, weight.clone(), Some(bias.clone())).unwrap();
        let permuted = random([6, 3, 5], 4).permute([2, 1, 0]);
        let copied = Tensor::from_data(permuted.clone().into_data(), &permuted.device());
        assert_eq!(values(&y(permuted.clone())), values(&y(copied)));
        let vector = permuted.clone().slice([2..3, 1..2]).reshape([6]);
        let one = linear(vector, weight.clone(), Some(bias.clone())).unwrap();
        let all = values(&y(permuted));
        crate::testing::assert_close("one row", &values(&one), &all[(2 * 3 + 1) * 4..][..4], 1e-6);
        assert_eq!(y(random([0, 3, 6], 1)).dims(), [0, 3, 4]);
    }

    #[test]
    fn thread_count_does_not_change_a_bit() {
        if crate::testing::skipped("threads of the kernels") {
            return;
        }
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let size = [1031, 128, 131];
                crate::testing::outcome(&leaves(size), |v| {
                    let x = v[0].clone().reshape([size[0], size[1]]);
                    let weight = v[1].clone().reshape([size[2], size[1]]);
                    linear(x, weight, Some(v[2].clone())).unwrap().flatten(0, 1)
                })
            })
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn mistakes_are_errors() {
        let error = linear(random([2, 5], 1), random([3, 4], 2), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "linear: `x` must have a last axis of 4, as the weight's inputs, but its shape is \
             [2, 5]"
        );
        let bias = Some(random([4], 3));
        assert!(linear(random([2, 4], 1), random([3, 4], 2), bias).is_err());
    }

    #[test]
    fn double_precision_goes_by_the_composed_form() {
        if crate::testing::skipped_without_double() {
            return;
        }
        let double = |t: Tensor<2>| t.cast(burn::tensor::FloatDType::F64);
        let y = linear(double(random([3, 4], 1)), double(random([2, 4], 2)), None).unwrap();
        assert_eq!(y.dtype(), burn::tensor::DType::F64);
    }
}
