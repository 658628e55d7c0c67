//! Pooling layers; what they compute is said in [`onggi_ops::pool`].

use crate::NnError;
use crate::error::check_positive;
use burn::module::Module;
use burn::tensor::Tensor;
pub use onggi_ops::pool::{AvgPoolOptions, LpPoolOptions, MaxPoolOptions};
use onggi_ops::pool::{adaptive_avg_pool, adaptive_max_pool, avg_pool, lp_pool, max_pool};

/// Maximum pooling over `(N, C, L)`.
pub type MaxPool1d = MaxPool<1>;
/// Maximum pooling over `(N, C, H, W)`.
pub type MaxPool2d = MaxPool<2>;
/// Maximum pooling over `(N, C, D, H, W)`.
pub type MaxPool3d = MaxPool<3>;

/// Maximum pooling over `R` axes, see [`onggi_ops::pool::max_pool`].
#[derive(Module, Debug)]
pub struct MaxPool<const R: usize> {
    #[module(skip)]
    options: MaxPoolOptions<R>,
}

impl<const R: usize> MaxPool<R> {
    /// A layer with these windows.
    ///
    /// # Errors
    /// What [`MaxPoolOptions::check`] refuses.
    pub fn new(options: MaxPoolOptions<R>) -> Result<Self, NnError> {
        options.check()?;
        Ok(Self { options })
    }

    /// Pools.
    ///
    /// # Shapes
    /// `x: (N, C, *)` or `(C, *)` with `R` axes after `C` → the same, each axis as
    /// [`max_pool`] has it.
    ///
    /// # Errors
    /// Another number of axes, or an input that the window does not fit into.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(max_pool(x, &self.options)?)
    }
}

/// Average pooling over `(N, C, L)`.
pub type AvgPool1d = AvgPool<1>;
/// Average pooling over `(N, C, H, W)`.
pub type AvgPool2d = AvgPool<2>;
/// Average pooling over `(N, C, D, H, W)`.
pub type AvgPool3d = AvgPool<3>;

/// Average pooling over `R` axes, see [`onggi_ops::pool::avg_pool`].
#[derive(Module, Debug)]
pub struct AvgPool<const R: usize> {
    #[module(skip)]
    options: AvgPoolOptions<R>,
}

impl<const R: usize> AvgPool<R> {
    /// A layer with these windows.
    ///
    /// # Errors
    /// What [`AvgPoolOptions::check`] refuses.
    pub fn new(options: AvgPoolOptions<R>) -> Result<Self, NnError> {
        options.check()?;
        Ok(Self { options })
    }

    /// Pools.
    ///
    /// # Shapes
    /// `x: (N, C, *)` or `(C, *)` with `R` axes after `C` → the same, each axis as
    /// [`avg_pool`] has it.
    ///
    /// # Errors
    /// Another number of axes, or an input that the window does not fit into.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(avg_pool(x, &self.options)?)
    }
}

/// Power-average pooling over `(N, C, L)`.
pub type LPPool1d = LpPool<1>;
/// Power-average pooling over `(N, C, H, W)`.
pub type LPPool2d = LpPool<2>;
/// Power-average pooling over `(N, C, D, H, W)`.
pub type LPPool3d = LpPool<3>;

/// Power-average pooling over `R` axes, see [`onggi_ops::pool::lp_pool`].
#[derive(Module, Debug)]
pub struct LpPool<const R: usize> {
    #[module(skip)]
    options: LpPoolOptions<R>,
}

impl<const R: usize> LpPool<R> {
    /// A layer with these windows.
    ///
    /// # Errors
    /// What [`LpPoolOptions::check`] refuses.
    pub fn new(options: LpPoolOptions<R>) -> Result<Self, NnError> {
        options.check()?;
        Ok(Self { options })
    }

    /// Pools.
    ///
    /// # Shapes
    /// `x: (N, C, *)` or `(C, *)` with `R` axes after `C` → the same, each axis as
    /// [`lp_pool`] has it.
    ///
    /// # Errors
    /// Another number of axes, or an input that the window does not fit into.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(lp_pool(x, &self.options)?)
    }
}

/// Average pooling to a given size, over `(N, C, L)`.
pub type AdaptiveAvgPool1d = AdaptiveAvgPool<1>;
/// Average pooling to a given size, over `(N, C, H, W)`.
pub type AdaptiveAvgPool2d = AdaptiveAvgPool<2>;
/// Average pooling to a given size, over `(N, C, D, H, W)`.
pub type AdaptiveAvgPool3d = AdaptiveAvgPool<3>;

/// Average pooling to a given size over `R` axes, see [`onggi_ops::pool::adaptive_avg_pool`].
#[derive(Module, Debug)]
pub struct AdaptiveAvgPool<const R: usize> {
    #[module(skip)]
    output_size: [Option<usize>; R],
}

impl<const R: usize> AdaptiveAvgPool<R> {
    /// To this size; `None` keeps an axis's.
    ///
    /// # Errors
    /// A size of 0.
    pub fn new(output_size: [Option<usize>; R]) -> Result<Self, NnError> {
        check_size("AdaptiveAvgPool", output_size)?;
        Ok(Self { output_size })
    }

    /// Pools.
    ///
    /// # Shapes
    /// `x: (N, C, *)` or `(C, *)` with `R` axes after `C` → the same with sizes `output_size`.
    ///
    /// # Errors
    /// Another number of axes, or an empty one other than `N`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(adaptive_avg_pool(x, self.output_size)?)
    }
}

/// Maximum pooling to a given size, over `(N, C, L)`.
pub type AdaptiveMaxPool1d = AdaptiveMaxPool<1>;
/// Maximum pooling to a given size, over `(N, C, H, W)`.
pub type AdaptiveMaxPool2d = AdaptiveMaxPool<2>;
/// Maximum pooling to a given size, over `(N, C, D, H, W)`.
pub type AdaptiveMaxPool3d = AdaptiveMaxPool<3>;

/// Maximum pooling to a given size over `R` axes, see [`onggi_ops::pool::adaptive_max_pool`].
#[derive(Module, Debug)]
pub struct AdaptiveMaxPool<const R: usize> {
    #[module(skip)]
    output_size: [Option<usize>; R],
}

impl<const R: usize> AdaptiveMaxPool<R> {
    /// To this size; `None` keeps an axis's.
    ///
    /// # Errors
    /// A size of 0.
    pub fn new(output_size: [Option<usize>; R]) -> Result<Self, NnError> {
        check_size("AdaptiveMaxPool", output_size)?;
        Ok(Self { output_size })
    }

    /// Pools.
    ///
    /// # Shapes
    /// `x: (N, C, *)` or `(C, *)` with `R` axes after `C` → the same with sizes `output_size`.
    ///
    /// # Errors
    /// Another number of axes, or an empty one other than `N`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(adaptive_max_pool(x, self.output_size)?)
    }
}

fn check_size<const R: usize>(
    layer: &'static str,
    output_size: [Option<usize>; R],
) -> Result<(), NnError> {
    let mut sizes = output_size.into_iter().flatten();
    sizes.try_for_each(|size| check_positive(layer, "output_size", size))
}
