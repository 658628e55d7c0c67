//! The gradients of one step.

use crate::NnError;
use crate::state::Path;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients as Graph, Tensor};
use onggi_ops::optim::{NormType, global_norm};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// One flat gradient a parameter, by the parameter's state-dict name.
#[derive(Clone, Debug)]
pub struct Gradients {
    by_name: BTreeMap<String, Gradient>,
    /// What clipping multiplied all of them by. The optimiser's step applies it on the way, which
    /// saves reading and writing every gradient once more.
    scale: f64,
}

#[derive(Clone, Debug)]
struct Gradient {
    /// Before the scale.
    value: Tensor<1>,
    /// After it, once somebody asked.
    scaled: OnceLock<Tensor<1>>,
}

impl Gradients {
    /// The gradients of `loss` for the parameters of `model` that it depends on.
    ///
    /// # Errors
    /// A loss that no parameter of the graph leads to.
    pub fn of<M: Module>(model: &M, loss: &Tensor<1>) -> Result<Self, NnError> {
        struct Collect {
            path: Path,
            graph: Graph,
            by_name: BTreeMap<String, Gradient>,
        }
        impl ModuleVisitor for Collect {
            fn enter_module(&mut self, name: &str, container: &str) {
                self.path.enter(name, container);
            }

            fn exit_module(&mut self, _name: &str, container: &str) {
                self.path.exit(container);
            }

            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let value = param.val();
                if !value.is_require_grad() {
                    return;
                }
                if let Some(gradient) = value.grad_remove(&mut self.graph) {
                    let gradient = Gradient {
                        value: gradient.reshape([-1]),
                        scaled: OnceLock::new(),
                    };
                    self.by_name.insert(self.path.name(), gradient);
                }
            }
        }
        if !loss.is_tracked() {
            let expected = "computed from parameters that require gradients (model.train())";
            return Err(NnError::config("Gradients", "loss", expected, "a constant"));
        }
        let mut collect = Collect {
            path: Path::default(),
            graph: loss.backward(),
            by_name: BTreeMap::new(),
        };
        model.visit(&mut collect);
        Ok(Self {
            by_name: collect.by_name,
            scale: 1.0,
        })
    }

    /// The L2 norm of all gradients together, `√ΣΣ g²`; not finite if any of them is not.
    pub fn norm(&self) -> f64 {
        let values: Vec<_> = self.by_name.values().map(|g| &g.value).collect();
        global_norm(&values, NormType::L2) * self.scale
    }

    /// Scales all gradients by `max_norm / norm` if their [`norm`](Self::norm) is above `max_norm`.
    /// Returns the norm before.
    ///
    /// # Reference
    /// Pascanu et al., *On the difficulty of training recurrent neural networks*, 2013.
    ///
    /// # Differences from PyTorch
    /// `clip_grad_norm_` adds 1e-6 to the norm; so does this, and to the same effect.
    pub fn clip_norm(&mut self, max_norm: f64) -> f64 {
        let norm = self.norm();
        let scale = max_norm / (norm + 1e-6);
        if scale < 1.0 {
            self.scale *= scale;
            for gradient in self.by_name.values_mut() {
                gradient.scaled = OnceLock::new();
            }
        }
        norm
    }

    /// Names of the parameters that have a gradient.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Number of values of each gradient, by name.
    pub(super) fn lengths(&self) -> impl Iterator<Item = (&str, usize)> {
        (self.by_name.iter()).map(|(name, gradient)| (name.as_str(), gradient.value.dims()[0]))
    }

    /// The flat gradient of a parameter.
    pub fn get(&self, name: &str) -> Option<&Tensor<1>> {
        let Gradient { value, scaled } = self.by_name.get(name)?;
        Some(if self.scale == 1.0 {
            value
        } else {
            scaled.get_or_init(|| value.clone() * self.scale)
        })
    }

    /// The factor that [`take`](Self::take) leaves out.
    pub(super) fn scale(&self) -> f64 {
        self.scale
    }

    /// A parameter's gradient, still to be multiplied by the scale.
    pub(super) fn take(&mut self, name: &str) -> Option<Tensor<1>> {
        self.by_name.remove(name).map(|gradient| gradient.value)
    }
}
