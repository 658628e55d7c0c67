//! The walks over a model that a step takes: what there is, taking parameters out, putting them
//! back.

use super::Gradients;
use crate::NnError;
use crate::init::is_norm;
use crate::state::Path;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Shape, Tensor};
use onggi_ops::optim::{Memory, Slot};
use std::collections::BTreeMap;

/// A parameter or buffer of a model.
pub(super) struct Found {
    pub(super) shape: Vec<usize>,
    dtype: DType,
    device: Device,
    /// Whether it has one axis, as biases do.
    pub(super) one_axis: bool,
    /// Whether it is a weight or bias of a norm.
    pub(super) of_norm: bool,
}

/// All parameters and buffers of a model, by name.
pub(super) fn survey<M: Module>(model: &M) -> BTreeMap<String, Found> {
    #[derive(Default)]
    struct Survey {
        path: Path,
        containers: Vec<bool>,
        found: BTreeMap<String, Found>,
    }
    impl ModuleVisitor for Survey {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
            self.containers.push(is_norm(container));
        }

        fn exit_module(&mut self, _name: &str, container: &str) {
            self.path.exit(container);
            self.containers.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let shape = param.dims().to_vec();
            // Running statistics take no part in steps.
            let of_norm = self.containers.last() == Some(&true) && param.is_require_grad();
            let found = Found {
                shape,
                dtype: param.dtype(),
                device: param.device(),
                one_axis: D < 2,
                of_norm,
            };
            self.found.insert(self.path.name(), found);
        }
    }
    let mut survey = Survey::default();
    model.visit(&mut survey);
    survey.found
}

/// An error unless each gradient is of a parameter, has its size and type, and lies where it lies.
pub(super) fn check_gradients(
    found: &BTreeMap<String, Found>,
    gradients: &Gradients,
) -> Result<(), NnError> {
    let problems: Vec<_> = (gradients.values())
        .filter_map(|(name, gradient)| {
            let [len] = gradient.dims();
            problem(found, name, "a gradient", len)
                .or_else(|| of_another_kind(found.get(name)?, name, gradient))
        })
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(NnError::Optimizer { problems })
    }
}

/// What is wrong with `len` values that belong to the parameter `name`.
pub(super) fn problem(
    found: &BTreeMap<String, Found>,
    name: &str,
    what: &str,
    len: usize,
) -> Option<String> {
    let Some(Found { shape, .. }) = found.get(name) else {
        return Some(format!("`{name}` has {what}, but is not the model's"));
    };
    (shape.iter().product::<usize>() != len)
        .then(|| format!("`{name}` has shape {shape:?}, but {what} of {len} values"))
}

/// What is wrong with a gradient of the parameter's size.
fn of_another_kind(found: &Found, name: &str, gradient: &Tensor<1>) -> Option<String> {
    let (own, other) = (found.dtype, gradient.dtype());
    if own != other {
        return Some(format!("`{name}` is {own:?}, but its gradient {other:?}"));
    }
    (found.device != gradient.device())
        .then(|| format!("`{name}` lies on another device than its gradient"))
}

/// What a parameter's slot gets.
#[derive(Default)]
pub(super) struct Terms {
    pub(super) lr: f64,
    pub(super) weight_decay: f64,
}

/// Where a slot's parameter was taken from; what its flat values do not say.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) name: String,
    shape: Shape,
    trained: bool,
}

impl Place {
    /// Output units: rows of the weight.
    pub(super) fn rows(&self) -> usize {
        self.shape[0]
    }
}

/// Takes each parameter that has a gradient and terms out of a model. A parameter that nothing else
/// holds is then the slot's alone, and can be written in place.
pub(super) fn take<M: Module>(
    model: M,
    gradients: Gradients,
    terms: impl Fn(&str) -> Option<Terms>,
    memory: &mut BTreeMap<String, Memory>,
) -> (M, Vec<Place>, Vec<Slot>) {
    struct Take<'a, F> {
        path: Path,
        gradients: Gradients,
        terms: F,
        memory: &'a mut BTreeMap<String, Memory>,
        places: Vec<Place>,
        slots: Vec<Slot>,
    }
    impl<F: Fn(&str) -> Option<Terms>> ModuleMapper for Take<'_, F> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }

        fn exit_module(&mut self, _name: &str, container: &str) {
            self.path.exit(container);
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = self.path.name();
            let Some(Terms { lr, weight_decay }) = (self.terms)(&name) else {
                return param;
            };
            let gradient_scale = self.gradients.common_scale();
            let Some(gradient) = self.gradients.take(&name) else {
                return param;
            };
            let (id, value, mapper) = param.consume();
            let (shape, trained) = (value.shape(), value.is_require_grad());
            let nothing = Tensor::zeros([1; D], &value.device());
            let parameter = value.inner().reshape([-1]);
            let mut memory = self.memory.remove(&name).unwrap_or_default();
            let device = parameter.device();
            // Loaded memory is on the CPU.
            memory.tensors = (memory.tensors.into_iter())
                .map(|tensor| {
                    if tensor.device() == device {
                        tensor
                    } else {
                        tensor.to_device(&device)
                    }
                })
                .collect();
            self.slots.push(Slot {
                gradient_scale,
                weight_decay,
                memory,
                ..Slot::new(parameter, gradient, lr)
            });
            self.places.push(Place {
                name,
                shape,
                trained,
            });
            Param::from_mapped_value(id, nothing, mapper)
        }
    }
    let mut take = Take {
        path: Path::default(),
        gradients,
        terms,
        memory,
        places: Vec::new(),
        slots: Vec::new(),
    };
    let model = model.map(&mut take);
    let Take { places, slots, .. } = take;
    (model, places, slots)
}

/// Puts values into the parameters that they were taken from.
pub(super) fn put<M: Module>(model: M, values: impl Iterator<Item = (Place, Tensor<1>)>) -> M {
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
            let value = Tensor::from_inner(value.reshape(place.shape));
            Param::from_mapped_value(id, value.set_require_grad(place.trained), mapper)
        }
    }
    model.map(&mut Put {
        path: Path::default(),
        values: values
            .map(|(place, value)| (place.name.clone(), (place, value)))
            .collect(),
    })
}

/// Marks the parameters that `frozen` names as not to be trained.
pub(super) fn freeze<M: Module>(model: M, frozen: impl Fn(&str) -> bool) -> M {
    struct Freeze<F> {
        path: Path,
        frozen: F,
    }
    impl<F: Fn(&str) -> bool> ModuleMapper for Freeze<F> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }

        fn exit_module(&mut self, _name: &str, container: &str) {
            self.path.exit(container);
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if (self.frozen)(&self.path.name()) {
                param.set_require_grad(false)
            } else {
                param
            }
        }
    }
    model.map(&mut Freeze {
        path: Path::default(),
        frozen,
    })
}
