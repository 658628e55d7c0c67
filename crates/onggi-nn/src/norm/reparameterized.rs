//! Weights that are computed from other parameters: finding the weight, and PyTorch's names.

use crate::NnError;
use crate::state::StateDict;
use burn::module::{Module, Param, Reparameterization, Reparameterizer};
use burn::tensor::Tensor;

/// Makes the state that a weight is computed with.
pub(super) trait StateMaker {
    /// The state.
    type State: Reparameterization;

    fn state_of<const D: usize>(&mut self, weight: Tensor<D>) -> Result<Self::State, NnError>;
}

/// The tensor's values outside of the graph: `detach` alone leaves a parameter one.
pub(super) fn constant<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    tensor.detach().set_require_grad(false)
}

/// The module with its parameter `name` (a path, such as `weight` or `layer1.conv.weight`)
/// computed from now on.
pub(super) fn reparameterize<M: Module, F: StateMaker>(
    module: M,
    what: &'static str,
    name: &str,
    maker: F,
) -> Result<M, NnError> {
    struct Attach<'a, F> {
        name: &'a str,
        maker: F,
        outcome: &'a mut Option<Result<(), NnError>>,
    }
    impl<F: StateMaker> Reparameterizer for Attach<'_, F> {
        type Reparam = F::State;

        fn reparameterize<const D: usize>(
            &mut self,
            path: &str,
            param: Param<Tensor<D>>,
        ) -> (Param<Tensor<D>>, Option<F::State>) {
            if path != self.name {
                return (param, None);
            }
            let state = self.maker.state_of(constant(param.base()));
            let (state, outcome) = match state {
                Ok(state) => (Some(state), Ok(())),
                Err(error) => (None, Err(error)),
            };
            *self.outcome = Some(outcome);
            (param, state)
        }
    }
    let mut outcome = None;
    let module = module.apply_reparameterization(Attach {
        name,
        maker,
        outcome: &mut outcome,
    });
    match outcome {
        Some(outcome) => outcome.map(|()| module),
        None => {
            let expected = "the path of a parameter of the module";
            Err(NnError::config(what, "name", expected, format!("`{name}`")))
        }
    }
}

/// A state dict with the names that PyTorch's `parametrizations` give, under this crate's.
///
/// | PyTorch | here |
/// |---|---|
/// | `p.parametrizations.weight.original0` | `p.weight.weight_norm.g`, without axes of size 1 |
/// | `p.parametrizations.weight.original1` | `p.weight` |
/// | `p.parametrizations.weight.original` | `p.weight` |
/// | `p.parametrizations.weight.0._u` | `p.weight.spectral_norm.u` |
/// | `p.parametrizations.weight.0._v` | `p.weight.spectral_norm.v` |
///
/// Other names stay as they are.
pub fn from_pytorch(state: StateDict) -> StateDict {
    let rename = |name: String| {
        let Some((module, weight)) = name.split_once("parametrizations.") else {
            return (name, false);
        };
        let suffixes = [
            (".original0", ".weight_norm.g"),
            (".original1", ""),
            (".original", ""),
            (".0._u", ".spectral_norm.u"),
            (".0._v", ".spectral_norm.v"),
        ];
        for (theirs, ours) in suffixes {
            if let Some(weight) = weight.strip_suffix(theirs) {
                return (format!("{module}{weight}{ours}"), theirs == ".original0");
            }
        }
        (name, false)
    };
    let entry = |(name, mut tensor): (String, crate::state::StateTensor)| {
        let (name, flat) = rename(name);
        if flat {
            tensor.shape = vec![tensor.values.len()];
        }
        (name, tensor)
    };
    state.into_iter().map(entry).collect()
}
