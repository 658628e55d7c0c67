//! Activations as layers, by PyTorch's names; the functions are in [`onggi_ops::activation`].

use crate::error::{check_positive, check_range};
use crate::{NnError, init};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use onggi_ops::activation as ops;
pub use onggi_ops::activation::Activation;

/// A layer without settings.
macro_rules! plain {
    ($name:ident, $function:path, $doc:literal) => {
        #[doc = $doc]
        #[derive(Module, Debug, Default)]
        pub struct $name;

        impl $name {
            #[doc = concat!("Applies [`", stringify!($function), "`].")]
            ///
            /// # Shapes
            /// `x: *` → `*`.
            pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
                $function(x)
            }
        }
    };
}

plain!(ReLU, ops::relu, "`y = max(x, 0)`.");
plain!(
    SELU,
    ops::selu,
    "A scaled [`ELU`] that keeps mean 0 and variance 1."
);
plain!(SiLU, ops::silu, "`y = x · σ(x)`, also called swish.");
plain!(Mish, ops::mish, "`y = x · tanh(ln(1 + eˣ))`.");
plain!(
    Hardswish,
    ops::hardswish,
    "`y = x · min(max(x + 3, 0), 6) / 6`."
);
plain!(
    Hardsigmoid,
    ops::hardsigmoid,
    "`y = min(max(x + 3, 0), 6) / 6`."
);
plain!(Sigmoid, ops::sigmoid, "`y = 1 / (1 + e⁻ˣ)`.");
plain!(Tanh, ops::tanh, "`y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`.");

/// `y = x` above 0, `negative_slope · x` elsewhere.
#[derive(Module, Debug)]
pub struct LeakyReLU {
    #[module(skip)]
    negative_slope: f64,
}

impl Default for LeakyReLU {
    /// A slope of 0.01.
    fn default() -> Self {
        Self::new(0.01)
    }
}

impl LeakyReLU {
    /// A layer with this slope below 0.
    pub fn new(negative_slope: f64) -> Self {
        Self { negative_slope }
    }

    /// Applies [`ops::leaky_relu`].
    ///
    /// # Shapes
    /// `x: *` → `*`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        ops::leaky_relu(x, self.negative_slope)
    }
}

/// `y = x` above 0, `alpha · (eˣ − 1)` elsewhere.
#[derive(Module, Debug)]
pub struct ELU {
    #[module(skip)]
    alpha: f64,
}

impl Default for ELU {
    /// `alpha` is 1.
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl ELU {
    /// A layer that goes to `−alpha` on the left.
    pub fn new(alpha: f64) -> Self {
        Self { alpha }
    }

    /// Applies [`ops::elu`].
    ///
    /// # Shapes
    /// `x: *` → `*`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        ops::elu(x, self.alpha)
    }
}

/// How [`GELU`] computes the normal distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approximate {
    /// By the error function.
    #[default]
    None,
    /// By a hyperbolic tangent, off by up to 5e-4.
    Tanh,
}

/// `y = x · Φ(x)` with the standard normal distribution `Φ`.
#[derive(Module, Debug, Default)]
pub struct GELU {
    #[module(skip)]
    approximate: Approximate,
}

impl GELU {
    /// A layer that computes `Φ` in this way.
    pub fn new(approximate: Approximate) -> Self {
        Self { approximate }
    }

    /// Applies [`ops::gelu`] or [`ops::gelu_tanh`].
    ///
    /// # Shapes
    /// `x: *` → `*`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match self.approximate {
            Approximate::None => ops::gelu(x),
            Approximate::Tanh => ops::gelu_tanh(x),
        }
    }
}

/// `y = ln(1 + e^(beta·x)) / beta`, and `x` where `beta · x` is above the threshold.
#[derive(Module, Debug)]
pub struct Softplus {
    #[module(skip)]
    beta: f64,
    #[module(skip)]
    threshold: f64,
}

impl Default for Softplus {
    /// `beta` 1, threshold 20.
    fn default() -> Self {
        let (beta, threshold) = (1.0, 20.0);
        Self { beta, threshold }
    }
}

impl Softplus {
    /// A layer of this steepness.
    ///
    /// # Errors
    /// A `beta` of 0, or one that is not finite.
    pub fn new(beta: f64, threshold: f64) -> Result<Self, NnError> {
        if beta == 0.0 || !beta.is_finite() {
            return Err(NnError::config(
                "Softplus",
                "beta",
                "finite and not 0",
                beta,
            ));
        }
        Ok(Self { beta, threshold })
    }

    /// Applies [`ops::softplus`].
    ///
    /// # Shapes
    /// `x: *` → `*`.
    ///
    /// # Errors
    /// None: `beta` was checked by [`Softplus::new`].
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(ops::softplus(x, self.beta, self.threshold)?)
    }
}

/// Positive values with sum 1 along an axis.
#[derive(Module, Debug)]
pub struct Softmax {
    #[module(skip)]
    dim: usize,
}

impl Softmax {
    /// Along axis `dim`.
    pub fn new(dim: usize) -> Self {
        Self { dim }
    }

    /// Applies [`ops::softmax`].
    ///
    /// # Shapes
    /// `x: *` → `*`.
    ///
    /// # Errors
    /// An input without the axis.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(ops::softmax(x, self.dim)?)
    }
}

/// The logarithm of [`Softmax`].
#[derive(Module, Debug)]
pub struct LogSoftmax {
    #[module(skip)]
    dim: usize,
}

impl LogSoftmax {
    /// Along axis `dim`.
    pub fn new(dim: usize) -> Self {
        Self { dim }
    }

    /// Applies [`ops::log_softmax`].
    ///
    /// # Shapes
    /// `x: *` → `*`.
    ///
    /// # Errors
    /// An input without the axis.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(ops::log_softmax(x, self.dim)?)
    }
}

/// Configuration of [`PReLU`].
#[derive(Clone, Debug)]
pub struct PReLUConfig {
    /// Weights: 1, or one for each channel. Default: 1.
    pub num_parameters: usize,
    /// Each weight's first value. Default: 0.25.
    pub init: f64,
}

impl Default for PReLUConfig {
    fn default() -> Self {
        Self {
            num_parameters: 1,
            init: 0.25,
        }
    }
}

impl PReLUConfig {
    /// One weight for all channels, 0.25.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of weights.
    pub fn with_num_parameters(mut self, num_parameters: usize) -> Self {
        self.num_parameters = num_parameters;
        self
    }

    /// Sets each weight's first value.
    pub fn with_init(mut self, init: f64) -> Self {
        self.init = init;
        self
    }

    /// The layer.
    ///
    /// # Errors
    /// No weights, or a first value that is not finite.
    pub fn init(&self, device: &Device) -> Result<PReLU, NnError> {
        check_positive("PReLU", "num_parameters", self.num_parameters)?;
        check_range("PReLU", "init", self.init, f64::MIN..=f64::MAX)?;
        let weight = Tensor::full([self.num_parameters], self.init, device);
        Ok(PReLU {
            weight: init::parameter(weight),
        })
    }
}

/// A [`LeakyReLU`] whose slopes are learnt.
#[derive(Module, Debug)]
pub struct PReLU {
    /// `[1]`, or `[C]`.
    pub weight: Param<Tensor<1>>,
}

impl PReLU {
    /// Applies [`ops::prelu`].
    ///
    /// # Shapes
    /// `x: (N, C, *)` → the same; with one weight, `*` → `*`.
    ///
    /// # Errors
    /// Another number of channels than of weights, if there are several.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Result<Tensor<D>, NnError> {
        Ok(ops::prelu(x, self.weight.val())?)
    }
}
