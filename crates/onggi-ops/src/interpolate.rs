//! Interpolation: an image (sequence, volume) resampled to another size, one axis after the other.
//!
//! Along an axis from `L` to `M` positions, output `j` lies at the input's coordinate
//!
//! ```text
//! align_corners:  j · (L − 1) / (M − 1)        the outermost positions coincide
//! otherwise:      (j + 1/2) · r − 1/2          the outer edges coincide
//! ```
//!
//! with `r = L / M`, or `1 / scale` where a scale was given, and takes its value from the nearest
//! position, from two (linear) or from four (cubic). Each axis is a product with a sparse matrix,
//! whose transpose is the gradient.
//!
//! # Reference
//! Keys, *Cubic convolution interpolation for digital image processing*, 1981, with `a = −3/4`.

use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::resample::{Sparse, resample};
use burn::backend::TensorMetadata;
use burn::tensor::{Tensor, TensorData};
use burn_flex::FlexTensor;
use std::sync::Arc;

/// Which positions a value is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The position `⌊j · r⌋`, which lies a little before the nearest.
    Nearest,
    /// The position `⌊(j + 1/2) · r⌋`, the nearest one.
    NearestExact,
    /// Two positions an axis, by their distance: linear, bilinear, trilinear.
    Linear {
        /// Whether the outermost positions of input and output coincide, instead of their edges.
        align_corners: bool,
    },
    /// Four positions an axis, by Keys's cubic with `a = −3/4`.
    Cubic {
        /// As [`Linear`](Self::Linear)'s.
        align_corners: bool,
    },
}

/// The output's size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size<const R: usize> {
    /// Itself.
    To([usize; R]),
    /// The input's times these factors, rounded down. The factors as given are those of the
    /// coordinates too.
    Scale([f64; R]),
}

/// Resamples the last `R` axes, which are 1 to 3 ([`Cubic`](Interpolation::Cubic): 2).
///
/// Output `j` of `M` along an axis of size `L` lies at the coordinate `(j + 1/2)·r − 1/2`, with
/// `r = L / M` or 1 over the given scale; with `align_corners` at `j·(L − 1) / (M − 1)`.
///
/// # Shapes
/// `x: (N, C, *)` with `R` axes after `C` → the same with the new sizes.
///
/// # Errors
/// Another number of axes, an empty axis other than `N`, a scale that is not positive and finite,
/// an output without positions.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::interpolate::{Interpolation, Size, interpolate};
///
/// let x = Tensor::<3>::from_floats([[[0.0, 4.0]]], &Device::flex());
/// let mode = Interpolation::Linear { align_corners: false };
/// let y = interpolate(x, Size::Scale([2.0]), mode)?.into_data();
/// assert_eq!(y.try_to_vec::<f32>().expect("f32"), [0.0, 1.0, 3.0, 4.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Differences from PyTorch
/// Coordinates of linear and cubic interpolation are computed in `f64`. No antialiasing.
pub fn interpolate<const D: usize, const R: usize>(
    x: Tensor<D>,
    size: Size<R>,
    mode: Interpolation,
) -> Result<Tensor<D>, OpError> {
    let op = "interpolate";
    let cubic = matches!(mode, Interpolation::Cubic { .. });
    let shape = x.dims();
    if D != R + 2 || !(1..=3).contains(&R) || (cubic && R != 2) || shape[1..].contains(&0) {
        let axes = if cubic { "2" } else { "1 to 3" };
        return Err(OpError::Shape {
            op,
            argument: "x",
            expected: format!("the axes (N, C) and {axes} more, all but N not empty"),
            got: shape.to_vec(),
        });
    }
    let mut matrices = Vec::with_capacity(R);
    for axis in 0..R {
        let input = shape[D - R + axis];
        let (output, scale) = match size {
            Size::To(size) => (size[axis], None),
            Size::Scale(scale) if scale[axis] > 0.0 && scale[axis].is_finite() => {
                let scale = scale[axis];
                ((input as f64 * scale) as usize, Some(scale))
            }
            Size::Scale(scale) => {
                return Err(OpError::Range {
                    op,
                    argument: "scale",
                    expected: "above 0 and finite",
                    got: scale[axis],
                });
            }
        };
        if output == 0 {
            return Err(OpError::Range {
                op,
                argument: "the output's size",
                expected: "at least 1",
                got: 0.0,
            });
        }
        // PyTorch's images (its sequences and volumes not) that keep their size or double it take
        // the plain positions, whatever the scale is.
        let plain =
            R == 2 && mode == Interpolation::Nearest && (output == input || output == 2 * input);
        matrices.push(matrix(input, output, scale.filter(|_| !plain), mode));
    }
    if !has_kernels(&x) {
        let axes = matrices.iter().enumerate();
        return Ok(axes.fold(x, |x, (i, matrix)| composed(x, D - R + i, matrix)));
    }
    // The last two axes are a plane; the first of three follows, with those two as one.
    let columns = matrices.pop().unwrap_or_else(|| identity(1));
    let rows = matrices.pop().unwrap_or_else(|| identity(1));
    let x = plane(x, D - R.min(2), [rows, columns]);
    Ok(match matrices.pop() {
        None => x,
        Some(depths) => {
            let pixels = identity(x.dims()[D - 2..].iter().product());
            plane(x, D - 3, [depths, pixels])
        }
    })
}

/// Planes whose rows begin at `axis`, on the CPU.
fn plane<const D: usize>(x: Tensor<D>, axis: usize, matrices: [Sparse; 2]) -> Tensor<D> {
    let mut shape = x.dims();
    let [vertical, horizontal] = &matrices;
    match D - axis {
        1 => shape[D - 1] = horizontal.outputs(),
        2 => (shape[D - 2], shape[D - 1]) = (vertical.outputs(), horizontal.outputs()),
        _ => shape[axis] = vertical.outputs(),
    }
    let operation = Resample {
        planes: shape[..axis].iter().product(),
        matrices: Arc::new(matrices),
        shape: shape.to_vec(),
    };
    fused::apply(operation, [x.into_dispatch()]).y()
}

#[derive(Clone, Debug)]
struct Resample {
    planes: usize,
    matrices: Arc<[Sparse; 2]>,
    shape: Vec<usize>,
}

impl Operation<1> for Resample {
    /// The input's shape.
    type Saved = Vec<usize>;

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, Self::Saved) {
        let y = resample(slice(&x), self.planes, self.matrices.each_ref());
        (tensor(y, self.shape.clone()), x.shape().to_vec())
    }

    fn backward(
        &self,
        shape: Self::Saved,
        dy: FlexTensor,
        _wanted: [bool; 1],
    ) -> [Option<FlexTensor>; 1] {
        let back = self.matrices.each_ref().map(Sparse::transposed);
        let dx = resample(slice(&dy), self.planes, back.each_ref());
        [Some(tensor(dx, shape))]
    }
}

/// On any device: the product with the matrix written out.
fn composed<const D: usize>(x: Tensor<D>, axis: usize, matrix: &Sparse) -> Tensor<D> {
    let mut shape = x.dims();
    let outer = shape[..axis].iter().product();
    let inner = shape[axis + 1..].iter().product();
    let (inputs, outputs) = (matrix.inputs, matrix.outputs());
    let mut dense = vec![0f32; outputs * inputs];
    for out in 0..outputs {
        for &(input, weight) in matrix.row(out) {
            dense[out * inputs + input as usize] += weight;
        }
    }
    let dense = TensorData::new(dense, [1, outputs, inputs]);
    let dense = Tensor::<3>::from_data(dense, &x.device());
    shape[axis] = outputs;
    let x = x.reshape([outer, inputs, inner]);
    dense
        .expand([outer, outputs, inputs])
        .matmul(x)
        .reshape(shape)
}

fn identity(size: usize) -> Sparse {
    let rows: Vec<_> = (0..size).map(|i| vec![(i, 1.0)]).collect();
    Sparse::new(size, &rows)
}

/// What each of `output` positions takes from `input` ones.
fn matrix(input: usize, output: usize, scale: Option<f64>, mode: Interpolation) -> Sparse {
    let last = input as i64 - 1;
    let clamp = |at: i64| at.clamp(0, last) as usize;
    let coordinate = |j: usize, align_corners: bool| match (align_corners, scale) {
        (true, _) if output == 1 => 0.0,
        (true, _) => j as f64 * (last as f64 / (output - 1) as f64),
        (false, None) => (j as f64 + 0.5) * (input as f64 / output as f64) - 0.5,
        (false, Some(scale)) => (j as f64 + 0.5) / scale - 0.5,
    };
    // In f32, as PyTorch has it: at a step's edge one bit decides which position is taken.
    let step = match scale {
        Some(scale) => (1.0 / scale) as f32,
        None => input as f32 / output as f32,
    };
    let row = |j: usize| match mode {
        Interpolation::Nearest => vec![(clamp((j as f32 * step).floor() as i64), 1.0)],
        Interpolation::NearestExact => {
            vec![(clamp(((j as f32 + 0.5) * step).floor() as i64), 1.0)]
        }
        Interpolation::Linear { .. } if input == output && scale.is_none() => vec![(j, 1.0)],
        Interpolation::Linear { align_corners } => {
            let at = coordinate(j, align_corners).max(0.0);
            let low = clamp(at.floor() as i64);
            let part = (at - low as f64).min(1.0);
            vec![
                (low, (1.0 - part) as f32),
                (clamp(low as i64 + 1), part as f32),
            ]
        }
        Interpolation::Cubic { align_corners } => {
            let at = coordinate(j, align_corners);
            let low = at.floor();
            let weights = keys(at - low);
            let term = |(i, weight)| (clamp(low as i64 - 1 + i as i64), weight as f32);
            weights.into_iter().enumerate().map(term).collect()
        }
    };
    let rows: Vec<_> = (0..output).map(row).collect();
    Sparse::new(input, &rows)
}

/// Keys's weights of the four positions around a value that lies `t` behind the second.
fn keys(t: f64) -> [f64; 4] {
    const A: f64 = -0.75;
    let near = |t: f64| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let far = |t: f64| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
    [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)]
}

#[cfg(test)]
mod tests;
