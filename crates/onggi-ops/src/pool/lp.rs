//! Power-average pooling: `y[j] = (Σ over the window of x^p)^(1/p)`.

use super::{AvgPoolOptions, avg_pool};
use crate::OpError;
use burn::tensor::Tensor;

/// Windows of [`lp_pool`] over `R` axes.
#[derive(Clone, Debug, PartialEq)]
pub struct LpPoolOptions<const R: usize> {
    /// The norm's exponent `p`: 1 gives sums, larger ones approach the maximum.
    pub norm_type: f64,
    /// Size of the window.
    pub kernel_size: [usize; R],
    /// Positions from one window to the next. Default: the kernel's size.
    pub stride: [usize; R],
    /// Whether a last window that does not fit counts too. Default: no.
    pub ceil_mode: bool,
}

impl<const R: usize> LpPoolOptions<R> {
    /// Windows of equal sides, beside each other.
    pub fn new(norm_type: f64, kernel_size: usize) -> Self {
        Self {
            norm_type,
            kernel_size: [kernel_size; R],
            stride: [kernel_size; R],
            ceil_mode: false,
        }
    }

    /// Sets every stride.
    pub fn with_stride(mut self, stride: usize) -> Self {
        self.stride = [stride; R];
        self
    }

    /// Sets whether a last window that does not fit counts too.
    pub fn with_ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }

    /// What [`lp_pool`] checks before it sees an input.
    ///
    /// # Errors
    /// A size or stride of 0; a norm that is not positive and finite.
    pub fn check(&self) -> Result<(), OpError> {
        if !(self.norm_type > 0.0 && self.norm_type.is_finite()) {
            return Err(OpError::Range {
                op: "lp_pool",
                argument: "norm_type",
                expected: "above 0 and finite",
                got: self.norm_type,
            });
        }
        self.mean().check()
    }

    fn mean(&self) -> AvgPoolOptions<R> {
        AvgPoolOptions {
            kernel_size: self.kernel_size,
            stride: self.stride,
            padding: [0; R],
            ceil_mode: self.ceil_mode,
            count_include_pad: true,
            divisor_override: None,
        }
    }
}

/// The `p`-norm of each window over the last `R` axes, which are 1 to 3: `y = (Σ x^p)^(1/p)`.
///
/// Of negative values the power itself is taken, not that of their size: an odd `p` can make the sum
/// negative, whose root is NaN (but for `p = 1`). Where the sum is 0 the gradient is 0. A last
/// window that is cut off (`ceil_mode`) has its sum scaled to the full window's number of values.
///
/// # Shapes
/// As [`avg_pool`]'s without padding.
///
/// # Errors
/// As [`avg_pool`]'s; a norm that is not positive and finite.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::pool::{LpPoolOptions, lp_pool};
///
/// let x = Tensor::<2>::from_floats([[3.0, 4.0, 6.0, 8.0]], &Device::flex());
/// let y = lp_pool(x, &LpPoolOptions::<1>::new(2.0, 2))?.into_data();
/// assert_eq!(y.try_to_vec::<f32>().expect("f32"), [5.0, 10.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
pub fn lp_pool<const D: usize, const R: usize>(
    x: Tensor<D>,
    options: &LpPoolOptions<R>,
) -> Result<Tensor<D>, OpError> {
    options.check()?;
    let p = options.norm_type;
    let values = options.kernel_size.iter().product::<usize>() as f64;
    let powers = match p {
        1.0 => x,
        2.0 => x.square(),
        p => x.powf_scalar(p),
    };
    let sum = avg_pool(powers, &options.mean())? * values;
    if p == 1.0 {
        return Ok(sum);
    }
    let zero = sum.clone().equal_elem(0.0);
    // The root's derivative at 0 is infinite: there the root of 1 is taken instead.
    let sum = sum.mask_fill(zero.clone(), 1.0);
    let root = match p {
        2.0 => sum.sqrt(),
        p => sum.powf_scalar(1.0 / p),
    };
    Ok(root.mask_fill(zero, 0.0))
}
