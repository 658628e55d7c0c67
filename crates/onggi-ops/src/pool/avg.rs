//! Average pooling: `y[j] = Σ over the window of x / count`.

use super::{check_padding, check_positive, composed, geometry, pooled, spatial, strided};
use crate::OpError;
use crate::flex::{slice, tensor};
use crate::fused::{self, Operation, has_kernels};
use crate::kernels::pool::{self as kernel, Geometry, Step};
use burn::backend::TensorMetadata;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use std::sync::Arc;

#[derive(Clone, Debug)]
struct AvgPool {
    g: Arc<Geometry>,
    divisor: Option<f32>,
    shape: Vec<usize>,
}

impl Operation<1> for AvgPool {
    /// The input's shape.
    type Saved = Vec<usize>;

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, Self::Saved) {
        let y = kernel::mean(slice(&x), &self.g, self.divisor);
        (tensor(y, self.shape.clone()), x.shape().to_vec())
    }

    fn backward(
        &self,
        shape: Self::Saved,
        dy: FlexTensor,
        _wanted: [bool; 1],
    ) -> [Option<FlexTensor>; 1] {
        let dx = kernel::mean_gradient(slice(&dy), &self.g, self.divisor);
        [Some(tensor(dx, shape))]
    }
}

/// The mean of the windows of `g`, which cover the last `rank` axes.
pub(super) fn apply<const D: usize>(
    x: Tensor<D>,
    rank: usize,
    g: Geometry,
    divisor: Option<f32>,
) -> Tensor<D> {
    if !has_kernels(&x) {
        return composed::mean(x, &g, divisor);
    }
    let shape = pooled(x.dims(), rank, &g).to_vec();
    let g = Arc::new(g);
    fused::apply(AvgPool { g, divisor, shape }, [x.into_dispatch()]).y()
}

/// How a window moves over `R` axes, and what its sum is divided by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvgPoolOptions<const R: usize> {
    /// Size of the window.
    pub kernel_size: [usize; R],
    /// Positions from one window to the next. Default: the kernel's size.
    pub stride: [usize; R],
    /// Zeros around the input, on each side. Default: 0.
    pub padding: [usize; R],
    /// Whether a last window that does not fit counts too. Default: no.
    pub ceil_mode: bool,
    /// Whether the zeros of the padding count as values. Default: yes.
    pub count_include_pad: bool,
    /// What each sum is divided by, instead of the number of values. Default: none.
    pub divisor_override: Option<usize>,
}

impl<const R: usize> AvgPoolOptions<R> {
    /// Windows of equal sides, beside each other.
    pub fn new(kernel_size: usize) -> Self {
        Self {
            kernel_size: [kernel_size; R],
            stride: [kernel_size; R],
            padding: [0; R],
            ceil_mode: false,
            count_include_pad: true,
            divisor_override: None,
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

    /// Sets whether a last window that does not fit counts too.
    pub fn with_ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }

    /// Sets whether the zeros of the padding count as values.
    pub fn with_count_include_pad(mut self, count_include_pad: bool) -> Self {
        self.count_include_pad = count_include_pad;
        self
    }

    /// Sets what each sum is divided by.
    pub fn with_divisor_override(mut self, divisor: usize) -> Self {
        self.divisor_override = Some(divisor);
        self
    }

    /// What [`avg_pool`] checks before it sees an input.
    ///
    /// # Errors
    /// A size, stride or divisor of 0; a padding above half of the kernel's size.
    pub fn check(&self) -> Result<(), OpError> {
        let op = "avg_pool";
        check_positive(op, "kernel_size", self.kernel_size)?;
        check_positive(op, "stride", self.stride)?;
        check_positive(op, "divisor_override", [self.divisor_override.unwrap_or(1)])?;
        check_padding(op, self.padding, self.kernel_size)
    }
}

/// The mean of each window over the last `R` axes, which are 1 to 3.
///
/// `y[j] = Σ over u of x[j·stride + u − padding] / count`, in each axis, with zeros outside. `count`
/// is the number of values of the window, those of the padding included or not
/// (`count_include_pad`), or `divisor_override`. What of a last window lies behind the padding
/// (`ceil_mode`) never counts.
///
/// # Shapes
/// `x: (N, C, *)` or `(C, *)` with `R` axes after `C` → the same with sizes
/// `⌊(L + 2·padding − kernel) / stride⌋ + 1`; `ceil_mode` rounds up, but for a window that would
/// start behind the input.
///
/// # Errors
/// Another number of axes, an empty axis other than `N`, a kernel larger than the padded input; a
/// size, stride or divisor of 0; a padding above half of the kernel's size.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use onggi_ops::pool::{AvgPoolOptions, avg_pool};
///
/// let x = Tensor::<2>::from_floats([[1.0, 3.0, 2.0, 6.0, 4.0]], &Device::flex());
/// let y = avg_pool(x, &AvgPoolOptions::<1>::new(2))?;
/// assert_eq!(y.into_data().try_to_vec::<f32>().expect("f32"), [2.0, 4.0]);
/// # Ok::<(), onggi_ops::OpError>(())
/// ```
pub fn avg_pool<const D: usize, const R: usize>(
    x: Tensor<D>,
    options: &AvgPoolOptions<R>,
) -> Result<Tensor<D>, OpError> {
    let op = "avg_pool";
    let sizes = spatial::<D, R>(op, x.dims())?;
    options.check()?;
    let axes = std::array::from_fn::<_, R, _>(|axis| {
        let step = Step {
            taps: options.kernel_size[axis],
            stride: options.stride[axis],
            padding: options.padding[axis],
            dilation: 1,
        };
        let count = options.count_include_pad;
        strided(sizes[axis], step, options.ceil_mode, count)
    });
    let g = geometry(op, x.dims(), axes)?;
    let divisor = options.divisor_override.map(|divisor| divisor as f32);
    Ok(apply(x, R, g, divisor))
}
