//! Spectral normalisation: a weight divided by its largest singular value.

use super::reparameterized::{StateMaker, constant, reparameterize};
use crate::NnError;
use crate::error::{check_positive, check_range};
use crate::init;
use burn::module::{Module, Reparameterization, RunningState};
use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;

/// Power iterations on the weight that the vectors start from.
const WARM_UP: usize = 15;

/// Configuration of [`SpectralNorm`].
#[derive(Clone, Debug)]
pub struct SpectralNormConfig {
    /// Power iterations a forward pass in training. Default: 1.
    pub n_power_iterations: usize,
    /// Least norm that a vector is divided by. Default: 1e-12.
    pub eps: f64,
    /// The axis of the outputs: 0, but 1 for a transposed convolution. Default: 0.
    pub dim: usize,
}

impl Default for SpectralNormConfig {
    fn default() -> Self {
        Self {
            n_power_iterations: 1,
            eps: 1e-12,
            dim: 0,
        }
    }
}

impl SpectralNormConfig {
    /// The module with its parameter `name` divided by its largest singular value from now on: see
    /// [`SpectralNorm`]. `name` is a path, such as `weight` for a layer or `layer1.conv.weight`
    /// for a model.
    ///
    /// # Errors
    /// No power iterations, a negative or non-finite `eps`, no parameter of this name, one with
    /// fewer than two axes, or no such axis.
    pub fn apply<M: Module>(
        &self,
        module: M,
        name: &str,
        rng: &mut ChaCha8Rng,
    ) -> Result<M, NnError> {
        let what = "spectral_norm";
        check_positive(what, "n_power_iterations", self.n_power_iterations)?;
        check_range(what, "eps", self.eps, 0.0..=f64::MAX)?;
        let config = self.clone();
        reparameterize(module, what, name, Vectors { config, rng })
    }
}

struct Vectors<'a> {
    config: SpectralNormConfig,
    rng: &'a mut ChaCha8Rng,
}

impl StateMaker for Vectors<'_> {
    type State = SpectralNorm;

    fn state_of<const D: usize>(&mut self, weight: Tensor<D>) -> Result<SpectralNorm, NnError> {
        let SpectralNormConfig {
            n_power_iterations,
            eps,
            dim,
        } = self.config;
        if D < 2 || dim >= D {
            let expected = format!("an axis of a weight of at least two, and this one has {D}");
            return Err(NnError::config("spectral_norm", "dim", expected, dim));
        }
        let matrix = matrix(weight, dim);
        let [h, w] = matrix.dims();
        let mut draw = |n| unit(init::normal([n, 1], 1.0, self.rng, &matrix.device()), eps);
        let (u, v) = (draw(h), draw(w));
        let (u, v) = power_iterations(&matrix, u, v, WARM_UP, eps);
        Ok(SpectralNorm {
            u: RunningState::new(u.reshape([h])),
            v: RunningState::new(v.reshape([w])),
            n_power_iterations,
            eps,
            dim,
        })
    }
}

/// The weight as a matrix with one row an output.
fn matrix<const D: usize>(weight: Tensor<D>, dim: usize) -> Tensor<2> {
    let outputs = weight.dims()[dim];
    let others = weight.shape().num_elements() / outputs.max(1);
    let mut axes: [isize; D] = std::array::from_fn(|axis| axis as isize);
    axes[..=dim].rotate_right(1);
    weight.permute(axes).reshape([outputs, others])
}

/// A column divided by its norm, or by `eps` if that is larger.
fn unit(v: Tensor<2>, eps: f64) -> Tensor<2> {
    let norm = v.clone().square().sum_dim(0).sqrt().clamp_min(eps);
    v / norm
}

/// Better estimates of the singular vectors, both columns.
fn power_iterations(
    matrix: &Tensor<2>,
    mut u: Tensor<2>,
    mut v: Tensor<2>,
    iterations: usize,
    eps: f64,
) -> (Tensor<2>, Tensor<2>) {
    for _ in 0..iterations {
        u = unit(matrix.clone().matmul(v), eps);
        v = unit(matrix.clone().transpose().matmul(u.clone()), eps);
    }
    (u, v)
}

/// What [`SpectralNormConfig::apply`] adds to a weight: estimates of its largest singular value's
/// vectors, by power iteration. The weight that the layer uses is `W / (uᵀ W v)`, where `W` has
/// one row an output and the vectors are constants to the gradient.
///
/// A model in training, that is on a device with autodiff, moves the vectors by
/// `n_power_iterations` in each forward pass; `model.valid()` leaves them alone.
///
/// In the state dict `W` has the weight's name, and the vectors are `<name>.spectral_norm.u` and
/// `.v`; [`from_pytorch`](super::from_pytorch) renames PyTorch's
/// `parametrizations.weight.original`, `.0._u` and `.0._v`.
///
/// # Example
/// ```
/// # use burn::tensor::{Device, Tensor};
/// use onggi_nn::{init, linear::LinearConfig, norm::SpectralNormConfig};
///
/// let (device, mut rng) = (Device::flex(), init::generator(1));
/// let layer = LinearConfig::new(3, 2).init(&mut rng, &device)?;
/// let layer = SpectralNormConfig::default().apply(layer, "weight", &mut rng)?;
/// assert_eq!(layer.forward(Tensor::<2>::ones([4, 3], &device))?.dims(), [4, 2]);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Miyato et al., *Spectral normalization for generative adversarial networks*, 2018.
///
/// # Differences from PyTorch
/// A weight of one axis is refused. Training is the model's device, not a flag.
#[derive(Module, Debug)]
pub struct SpectralNorm {
    /// Left singular vector, one value an output.
    pub u: RunningState<Tensor<1>>,
    /// Right singular vector.
    pub v: RunningState<Tensor<1>>,
    #[module(skip)]
    n_power_iterations: usize,
    #[module(skip)]
    eps: f64,
    #[module(skip)]
    dim: usize,
}

impl Reparameterization for SpectralNorm {
    const NAME: &'static str = "spectral_norm";

    fn apply<const D: usize>(&self, weight: Tensor<D>) -> Tensor<D> {
        let matrix = matrix(weight.clone(), self.dim);
        let [h, w] = matrix.dims();
        let mut u = self.u.value_sync().reshape([h, 1]);
        let mut v = self.v.value_sync().reshape([w, 1]);
        if weight.is_autodiff() {
            let values = constant(matrix.clone());
            (u, v) = power_iterations(&values, u, v, self.n_power_iterations, self.eps);
            self.u.update(u.clone().reshape([h]));
            self.v.update(v.clone().reshape([w]));
        }
        let sigma = u.transpose().matmul(matrix.matmul(v));
        weight / sigma.reshape([1; D])
    }
}
