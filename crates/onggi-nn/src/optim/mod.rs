//! Optimisers: rules that move parameters against their gradients.
//!
//! [`Gradients`] holds one flat gradient a parameter, by the parameter's state-dict name. An
//! [`Optimizer`] takes the parameters that have one out of the model, moves all of them in one call
//! of [`onggi_ops::optim`], and puts them back.

mod adam;
mod adamw;
mod gradients;
mod sgd;

pub use adam::{Adam, AdamConfig};
pub use adamw::{AdamW, AdamWConfig};
pub use gradients::Gradients;
pub use sgd::{Sgd, SgdConfig};

use crate::state::Path;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Shape, Tensor};
use onggi_ops::OpError;
use onggi_ops::optim::Slot;
use std::collections::BTreeMap;

/// A rule that moves parameters against their gradients.
pub trait Optimizer {
    /// One step at learning rate `lr`.
    ///
    /// # Panics
    /// Gradients of another model, or a model whose parameters changed their sizes since the last
    /// step.
    fn step<M: Module>(&mut self, model: M, gradients: Gradients, lr: f64) -> M;
}

/// Moves each parameter that has a gradient by `rule`, which gets all of them at once; `state` holds
/// what the optimiser remembers of each, by name.
///
/// Weight decay leaves out the parameters with one axis: biases and the weights of norms, which it
/// would pull towards a function that ignores its input, without making the model simpler.
fn step_parameters<M: Module, S>(
    model: M,
    gradients: Gradients,
    state: &mut BTreeMap<String, S>,
    weight_decay: f64,
    rule: impl FnOnce(Vec<Slot<S>>) -> Result<Vec<Slot<S>>, OpError>,
) -> M {
    let mut take = Take {
        path: Path::default(),
        gradients,
        state,
        weight_decay,
        places: Vec::new(),
        slots: Vec::new(),
    };
    let model = model.map(&mut take);
    let Take { places, slots, .. } = take;
    let slots =
        rule(slots).expect("gradients of this model, of the same sizes as in the last step");
    let mut values = BTreeMap::new();
    for ((name, place), slot) in places.into_iter().zip(slots) {
        if let Some(remembered) = slot.state {
            state.insert(name.clone(), remembered);
        }
        values.insert(name, (place, slot.parameter));
    }
    model.map(&mut Put {
        path: Path::default(),
        values,
    })
}

/// What a parameter's flat values do not say.
struct Place {
    shape: Shape,
    trained: bool,
}

/// Takes each parameter that has a gradient out of a model. A parameter that nothing else holds is
/// then the slot's alone, and can be written in place.
struct Take<'a, S> {
    path: Path,
    gradients: Gradients,
    state: &'a mut BTreeMap<String, S>,
    weight_decay: f64,
    places: Vec<(String, Place)>,
    slots: Vec<Slot<S>>,
}

impl<S> ModuleMapper for Take<'_, S> {
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
        let nothing = Tensor::zeros([1; D], &value.device());
        self.slots.push(Slot {
            parameter: value.inner().reshape([-1]),
            gradient,
            weight_decay: if D > 1 { self.weight_decay } else { 0.0 },
            state: self.state.remove(&name),
        });
        self.places.push((name, Place { shape, trained }));
        Param::from_mapped_value(id, nothing, mapper)
    }
}

/// Puts values into the parameters that they were taken from.
struct Put {
    path: Path,
    values: BTreeMap<String, (Place, Tensor<1>)>,
}

impl ModuleMapper for Put {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some((place, value)) = self.values.remove(&self.path.name()) else {
            return param;
        };
        let (id, _, mapper) = param.consume();
        let value = Tensor::from_inner(value.reshape(place.shape)).set_require_grad(place.trained);
        Param::from_mapped_value(id, value, mapper)
    }
}
