//! Maximum pooling: `y[j] = max over the window of x`.
//!
//! The gradient goes to the place of the maximum, of equal ones to the first. NaN counts as the
//! largest value.

use super::{check_padding, check_positive, composed, geometry, pooled, spatial, strided};
use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::pool::{self as kernel, Geometry, Positions, Step};
use burn::backend::TensorMetadata;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use std::sync::Arc;

#[derive(Clone, Debug)]
struct MaxPool {
    g: Arc<Geometry>,
    shape: Vec<usize>,
}

impl Operation<1> for MaxPool {
    type Saved = (Arc<Positions>, Vec<usize>);

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, Self::Saved) {
        let (y, at) = kernel::max(slice(&x), &self.g);
        let saved = (Arc::new(at), x.shape().to_vec());
        (tensor(y, self.shape.clone()), saved)
    }

    fn backward(
        &self,
        (at, shape): Self::Saved,
        dy: FlexTensor,
        _wanted: [bool; 1],
    ) -> [Option<FlexTensor>; 1] {
        [Some(tensor(
            kernel::max_gradient(slice(&dy), &at, &self.g),
            shape,
        ))]
    }
}

/// The maximum of the windows of `g`, which cover the last `rank` axes.
pub(super) fn apply<const D: usize>(x: Tensor<D>, rank: usize, g: Geometry) -> Tensor<D> {
    if !has_kernels(&x) {
        return composed::max(x, &g);
    }
    let shape = pooled(x.dims(), rank, &g).to_vec();
    let g = Arc::new(g);
    fused::apply(MaxPool { g, shape }, [x.into_dispatch()]).y()
}

/// How a window moves over `R` axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPoolOptions<const R: usize> {
    /// Size of the window.
    pub kernel_size: [usize; R],
    /// Positions from one window to the next. Default: the kernel's size.
    pub stride: [usize; R],
    /// Positions around the input that never are the maximum, on each side. Default: 0.
    pub padding: [usize; R],
    /// Positions from one tap of the window to the next. Default: 1.
    pub dilation: [usize; R],
    /// Whether a last window that does not fit counts too. Default: no.
    pub ceil_mode: bool,
}

impl<const R: usize> MaxPoolOptions<R> {
    /// Windows of equal sides, beside each other.
    pub fn new(kernel_size: usize) -> Self {
        Self {
            kernel_size: [kernel_size; R],
            stride: [kernel_size; R],
            padding: [0; R],
            dilation: [1; R],
            ceil_mode: false,
        }
    }

    /// Sets every stride.
    pub fn with_stride(mut self, stride: usize) -> Self {
        self.stride = [stride; R];
        self
    }

    /// Sets every padding.
    pub fn with_padding(mut self, padding: usize) -> Self {
        self.padding = [padding; R];
        self
    }

    /// Sets every dilation.
    pub fn with_dilation(mut self, dilation: usize) -> Self {
        self.dilation = [dilation; R];
        self
    }

    /// Sets whether a last window that does not fit counts too.
    pub fn with_ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }

    /// What [`max_pool`] checks before it sees an input.
    ///
    /// # Errors
    /// A size, stride or dilation of 0; a padding above half of the kernel's size.
    pub fn check(&self) -> Result<(), OpError> {
        let op = "max_pool";
        check_positive(op, "kernel_size", self.kernel_size)?;
        check_positive(op, "stride", self.stride)?;
        check_positive(op, "dilation", self.dilation)?;
        check_padding(op, self.padding, self.kernel_size)
    }
}

/// The maximum of each window over the last `R` axes, which are 1 to 3.
///
/// `y[j] = max over u of x[j·stride + u·dilation − padding]`, in each axis, of what lies inside. The
/// gradient goes to the first of equal maxima; NaN counts as the largest.
///
/// # Shapes
/// `x: (N, C, *)` or `(C, *)` with `R` axes after `C` → the same with sizes
/// `⌊(L + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1`; `ceil_mode` rounds up, but for a
/// window that would start behind the input.
///
/// # Errors
/// Another number of axes, an empty axis other than `N`, a kernel larger than the padded input; a
/// size, stride or dilation of 0; a padding above half of the kernel's size.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::pool::{MaxPoolOptions, max_pool};
///
/// let x = Tensor::<2>::from_floats([[1.0, 3.0, 2.0, 5.0, 4.0]], &Device::flex());
/// let y = max_pool(x, &MaxPoolOptions::<1>::new(2))?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().expect("f32"), [3.0, 5.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
///
/// # Differences from PyTorch
/// A window all of whose taps fall into the padding, which dilation can bring about, is an error
/// instead of −∞.
pub fn max_pool<const D: usize, const R: usize>(
    x: Tensor<D>,
    options: &MaxPoolOptions<R>,
) -> Result<Tensor<D>, OpError> {
    let op = "max_pool";
    let sizes = spatial::<D, R>(op, x.dims())?;
    options.check()?;
    let axes = std::array::from_fn::<_, R, _>(|axis| {
        let step = Step {
            taps: options.kernel_size[axis],
            stride: options.stride[axis],
            padding: options.padding[axis],
            dilation: options.dilation[axis],
        };
        strided(sizes[axis], step, options.ceil_mode, false)
    });
    let g = geometry(op, x.dims(), axes)?;
    Ok(apply(x, R, g))
}
