//! State dicts: a model's tensors by name, with PyTorch's names.

use crate::{NnError, init};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeMap;

/// A tensor's values and shape.
#[derive(Clone, Debug, PartialEq)]
pub struct StateTensor {
    /// Sizes of the axes.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// A model's parameters and buffers by name, e.g. `layer1.0.bn1.running_mean`.
pub type StateDict = BTreeMap<String, StateTensor>;

/// The model's parameters and buffers.
pub fn collect<M: Module>(model: &M) -> StateDict {
    struct Collect {
        path: Path,
        state: StateDict,
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
            let shape = value.dims().to_vec();
            let values = value.into_data().iter::<f32>().collect();
            self.state
                .insert(self.path.name(), StateTensor { shape, values });
        }
    }
    let mut collect = Collect {
        path: Path::default(),
        state: StateDict::new(),
    };
    model.valid().visit(&mut collect);
    collect.state
}

/// The names of the model's parameters and buffers, in the order of its fields.
pub fn names<M: Module>(model: &M) -> Vec<String> {
    #[derive(Default)]
    struct Names {
        path: Path,
        names: Vec<String>,
    }
    impl ModuleVisitor for Names {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }

        fn exit_module(&mut self, _name: &str, container: &str) {
            self.path.exit(container);
        }

        fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {
            self.names.push(self.path.name());
        }
    }
    let mut names = Names::default();
    model.visit(&mut names);
    names.names
}

/// The model with its parameters and buffers replaced.
///
/// # Errors
/// Names every tensor that is missing, of another shape, or not the model's.
pub fn load<M: Module>(model: M, state: StateDict) -> Result<M, NnError> {
    struct Load {
        path: Path,
        state: StateDict,
        problems: Vec<String>,
    }
    impl ModuleMapper for Load {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }

        fn exit_module(&mut self, _name: &str, container: &str) {
            self.path.exit(container);
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = self.path.name();
            let Some(StateTensor { shape, values }) = self.state.remove(&name) else {
                self.problems.push(format!("`{name}` is missing"));
                return param;
            };
            if shape != param.dims() {
                let expected = param.dims();
                self.problems
                    .push(format!("`{name}` has shape {shape:?}, not {expected:?}"));
                return param;
            }
            init::redraw(param, |_, device| {
                Tensor::from_data(TensorData::new(values, shape), device)
            })
        }
    }
    let mut load = Load {
        path: Path::default(),
        state,
        problems: Vec::new(),
    };
    let model = model.map(&mut load);
    let extra = load
        .state
        .into_keys()
        .map(|name| format!("`{name}` is not the model's"));
    load.problems.extend(extra);
    if load.problems.is_empty() {
        Ok(model)
    } else {
        Err(NnError::State {
            problems: load.problems,
        })
    }
}

/// Number of trainable values.
pub fn num_parameters<M: Module>(model: &M) -> usize {
    struct Count(usize);
    impl ModuleVisitor for Count {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.val().is_require_grad() {
                self.0 += param.shape().num_elements();
            }
        }
    }
    let mut count = Count(0);
    model.visit(&mut count);
    count.0
}

/// The name of the place that a walk over a module has reached. Variants of an enum leave no trace:
/// they are the choice of a model, not a part of it.
///
/// The places of a list `…_l` or `…_l_reverse` become part of its name, as PyTorch numbers the
/// layers of a recurrent network: `weight_ih_l0`, `weight_ih_l0_reverse`. Those of a list `…_1` do,
/// too, and are counted from 1: `denselayer1`.
#[derive(Debug, Default)]
pub(crate) struct Path {
    parts: Vec<String>,
    /// Whether each part stands in place of the one before it, too.
    replaces: Vec<bool>,
}

impl Path {
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        if container.starts_with("Enum:") {
            return;
        }
        let list = self.parts.last().filter(|_| container == "Vec");
        let numbered = list.and_then(|list| {
            if let Some(start) = list.strip_suffix("_1") {
                let place: usize = name.parse().ok()?;
                return Some(format!("{start}{}", place + 1));
            }
            let (start, end) = list.split_at(list.rfind("_l")? + 2);
            // In place of the list, which `name` leaves out.
            ["", "_reverse"]
                .contains(&end)
                .then(|| format!("{start}{name}{end}"))
        });
        self.replaces.push(numbered.is_some());
        self.parts
            .push(numbered.unwrap_or_else(|| name.to_string()));
    }

    pub(crate) fn exit(&mut self, container: &str) {
        if !container.starts_with("Enum:") {
            self.parts.pop();
            self.replaces.pop();
        }
    }

    pub(crate) fn name(&self) -> String {
        let replaced = |i: usize| self.replaces.get(i + 1) == Some(&true);
        let parts = (0..self.parts.len()).filter(|&i| !replaced(i));
        let parts: Vec<_> = parts.map(|i| self.parts[i].as_str()).collect();
        parts.join(".")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_some_lists_are_numbered_in_the_name() {
        let name = |parts: &[(&str, &str)]| {
            let mut path = Path::default();
            for (name, container) in parts {
                path.enter(name, container);
            }
            path.name()
        };
        let (model, list) = ("Struct:Model", "Vec");
        assert_eq!(
            name(&[
                ("rnn", model),
                ("bias_hh_l", "Struct:Recurrent"),
                ("1", list)
            ]),
            "rnn.bias_hh_l1"
        );
        assert_eq!(
            name(&[("weight_ih_l_reverse", model), ("12", list)]),
            "weight_ih_l12_reverse"
        );
        assert_eq!(
            name(&[
                ("denseblock_1", model),
                ("0", list),
                ("denselayer_1", model),
                ("11", list),
                ("norm1", model),
            ]),
            "denseblock1.denselayer12.norm1"
        );
        assert_eq!(
            name(&[
                ("layer1", model),
                ("0", list),
                ("_later", model),
                ("2", list)
            ]),
            "layer1.0._later.2"
        );
    }
}
