//! Adaptive pooling: as many windows as outputs are asked for, spread evenly.
//!
//! Output `j` of `m` along an axis of size `L` reads `⌊j·L/m⌋ .. ⌈(j+1)·L/m⌉`.

use super::{adaptive_axis, avg, check_positive, geometry, max, spatial};
use crate::OpError;
use crate::kernels::pool::Geometry;
use burn::tensor::Tensor;

fn windows<const D: usize, const R: usize>(
    op: &'static str,
    shape: [usize; D],
    output_size: [Option<usize>; R],
) -> Result<Geometry, OpError> {
    let sizes = spatial::<D, R>(op, shape)?;
    let outputs = std::array::from_fn(|axis| output_size[axis].unwrap_or(sizes[axis]));
    check_positive::<R>(op, "output_size", outputs)?;
    let axes = std::array::from_fn::<_, R, _>(|axis| adaptive_axis(sizes[axis], outputs[axis]));
    geometry(op, shape, axes)
}

/// The mean of `output_size` windows over the last `R` axes, which are 1 to 3; `None` keeps an
/// axis's size. Output `j` of `m` reads `⌊j·L/m⌋ .. ⌈(j+1)·L/m⌉`.
///
/// # Shapes
/// `x: (N, C, *)` or `(C, *)` with `R` axes after `C` → the same with sizes `output_size`.
///
/// # Errors
/// Another number of axes, an empty axis other than `N`, a size of 0.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::pool::adaptive_avg_pool;
///
/// let x = Tensor::<2>::from_floats([[1.0, 3.0, 5.0]], &Device::flex());
/// let y = adaptive_avg_pool(x, [Some(2)])?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().expect("f32"), [2.0, 4.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Differences from PyTorch
/// A size of 0 is an error.
pub fn adaptive_avg_pool<const D: usize, const R: usize>(
    x: Tensor<D>,
    output_size: [Option<usize>; R],
) -> Result<Tensor<D>, OpError> {
    let g = windows("adaptive_avg_pool", x.dims(), output_size)?;
    Ok(avg::apply(x, R, g, None))
}

/// The maximum of `output_size` windows over the last `R` axes, as [`adaptive_avg_pool`] has them.
///
/// # Shapes
/// `x: (N, C, *)` or `(C, *)` with `R` axes after `C` → the same with sizes `output_size`.
///
/// # Errors
/// Another number of axes, an empty axis other than `N`, a size of 0.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::pool::adaptive_max_pool;
///
/// let x = Tensor::<2>::from_floats([[1.0, 5.0, 3.0]], &Device::flex());
/// let y = adaptive_max_pool(x, [Some(1)])?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().expect("f32"), [5.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Differences from PyTorch
/// A size of 0 is an error.
pub fn adaptive_max_pool<const D: usize, const R: usize>(
    x: Tensor<D>,
    output_size: [Option<usize>; R],
) -> Result<Tensor<D>, OpError> {
    let g = windows("adaptive_max_pool", x.dims(), output_size)?;
    Ok(max::apply(x, R, g))
}
