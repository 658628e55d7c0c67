//! Optimisers: rules that move parameters against their gradients.
//!
//! [`Gradients`] holds one flat gradient a parameter, by the parameter's state-dict name. An
//! [`Optimizer`] walks the model once a step and updates each parameter that has one.

mod adamw;
mod gradients;
mod sgd;

pub use adamw::{AdamW, AdamWConfig};
pub use gradients::Gradients;
pub use sgd::{Sgd, SgdConfig};

use crate::state::Path;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

/// A rule that moves parameters against their gradients.
pub trait Optimizer {
    /// One step at learning rate `lr`.
    fn step<M: Module>(&mut self, model: M, gradients: Gradients, lr: f64) -> M;
}

/// Maps each parameter that has a gradient through `update(name, decays, parameter, gradient)`,
/// both flat.
///
/// `decays` is false for parameters with one axis: biases and the weights of norms, which weight
/// decay would pull towards a function that ignores its input, without making the model simpler.
fn update_parameters<M: Module>(
    model: M,
    gradients: Gradients,
    update: impl FnMut(&str, bool, Tensor<1>, Tensor<1>) -> Tensor<1>,
) -> M {
    struct Update<F> {
        path: Path,
        gradients: Gradients,
        update: F,
    }
    impl<F: FnMut(&str, bool, Tensor<1>, Tensor<1>) -> Tensor<1>> ModuleMapper for Update<F> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }

        fn exit_module(&mut self, _name: &str, container: &str) {
            self.path.exit(container);
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = self.path.name();
            let Some(gradient) = self.gradients.take(&name) else {
                return param;
            };
            let (id, value, mapper) = param.consume();
            let (shape, trained) = (value.shape(), value.is_require_grad());
            let flat = value.inner().reshape([-1]);
            let flat = (self.update)(&name, D > 1, flat, gradient);
            let value = Tensor::from_inner(flat.reshape(shape)).set_require_grad(trained);
            Param::from_mapped_value(id, value, mapper)
        }
    }
    model.map(&mut Update {
        path: Path::default(),
        gradients,
        update,
    })
}
