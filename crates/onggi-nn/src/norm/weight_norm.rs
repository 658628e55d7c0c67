//! Weight normalisation: a weight as a length times a direction, learnt apart.

use super::reparameterized::{StateMaker, reparameterize};
use crate::{NnError, init};
use burn::module::{Module, Param, Reparameterization};
use burn::tensor::Tensor;

/// The module with its parameter `name` computed as `w = g · v / ‖v‖`, where `v` takes the
/// parameter's place and `g` is a new parameter: see [`WeightNorm`]. The value is the same at
/// first.
///
/// `dim` is the axis whose every slice has its own length (PyTorch's default: `Some(0)`, the
/// outputs); `None`: the whole weight has one. `name` is a path, such as `weight` for a layer or
/// `layer1.conv.weight` for a model.
///
/// # Errors
/// No parameter of this name, or no such axis.
///
/// # Example
/// ```
/// # use burn::tensor::{Device, Tensor};
/// use onggi_nn::{init, linear::LinearConfig, norm::weight_norm};
///
/// let device = Device::flex();
/// let layer = LinearConfig::new(3, 2).init(&mut init::generator(1), &device)?;
/// let layer = weight_norm(layer, "weight", Some(0))?;
/// assert_eq!(layer.forward(Tensor::<2>::ones([4, 3], &device))?.dims(), [4, 2]);
/// # Ok::<(), onggi_nn::NnError>(())
/// ```
///
/// # Reference
/// Salimans and Kingma, *Weight normalization*, 2016.
pub fn weight_norm<M: Module>(module: M, name: &str, dim: Option<usize>) -> Result<M, NnError> {
    reparameterize(module, "weight_norm", name, Lengths { dim })
}

struct Lengths {
    dim: Option<usize>,
}

impl StateMaker for Lengths {
    type State = WeightNorm;

    fn state_of<const D: usize>(&mut self, weight: Tensor<D>) -> Result<WeightNorm, NnError> {
        if let Some(dim) = self.dim.filter(|&dim| dim >= D) {
            let expected = format!("an axis of the weight, below {D}");
            return Err(NnError::config("weight_norm", "dim", expected, dim));
        }
        let lengths = lengths(weight, self.dim);
        let count = lengths.shape().num_elements();
        Ok(WeightNorm {
            g: init::parameter(lengths.reshape([count]).detach()),
            dim: self.dim,
        })
    }
}

/// The norm over every axis but `dim`; the axes stay with size 1.
fn lengths<const D: usize>(v: Tensor<D>, dim: Option<usize>) -> Tensor<D> {
    (0..D)
        .filter(|&axis| Some(axis) != dim)
        .fold(v.square(), Tensor::sum_dim)
        .sqrt()
}

/// What [`weight_norm`] adds to a weight `v`: its length. The weight that the layer uses is
/// `g · v / ‖v‖`, the norm over every axis but `dim`.
///
/// In the state dict `v` has the weight's name and `g` is `<name>.weight_norm.g`, of one axis;
/// [`from_pytorch`](super::from_pytorch) renames PyTorch's `parametrizations.weight.original0` (g)
/// and `original1` (v).
#[derive(Module, Debug)]
pub struct WeightNorm {
    /// The length of each slice, or of the whole weight.
    pub g: Param<Tensor<1>>,
    #[module(skip)]
    dim: Option<usize>,
}

impl Reparameterization for WeightNorm {
    const NAME: &'static str = "weight_norm";

    fn apply<const D: usize>(&self, v: Tensor<D>) -> Tensor<D> {
        let lengths = lengths(v.clone(), self.dim);
        let g = self.g.val().reshape(lengths.dims());
        v * (g / lengths)
    }
}
