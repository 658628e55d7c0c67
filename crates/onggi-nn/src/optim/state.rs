//! What an optimiser remembers, to be stored and taken up again.

use super::Optimizer;
use crate::NnError;
use crate::state::{StateDict, StateTensor};
use burn::tensor::{Device, Tensor, TensorData};
use onggi_ops::optim::Memory;
use std::collections::BTreeMap;

/// What an [`Optimizer`] remembers: with it and the weights a training goes on bit for bit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptimizerState {
    /// The rule's name.
    pub rule: String,
    /// Steps of each parameter, by its name.
    pub steps: BTreeMap<String, u64>,
    /// Remembered tensors by the parameter's name and their own, such as
    /// `layer1.weight.exp_avg_sq`, each with one axis.
    pub tensors: StateDict,
}

impl Optimizer {
    /// What it remembers.
    pub fn state(&self) -> OptimizerState {
        let mut state = OptimizerState {
            rule: self.rule().name().into(),
            ..OptimizerState::default()
        };
        for (parameter, memory) in &self.memory {
            state.steps.insert(parameter.clone(), memory.steps);
            for (name, tensor) in self.rule().memory().iter().zip(&memory.tensors) {
                let values: Vec<f32> = tensor.clone().into_data().iter::<f32>().collect();
                let tensor = StateTensor {
                    shape: vec![values.len()],
                    values,
                };
                state.tensors.insert(format!("{parameter}.{name}"), tensor);
            }
        }
        state
    }

    /// Goes on from a state of the same rule, forgetting its own. Whether the tensors fit the model
    /// shows in the next step.
    ///
    /// # Errors
    /// A state of another rule; tensors that are missing, too many, or without their values. What it
    /// remembers stays then.
    pub fn load_state(&mut self, state: OptimizerState) -> Result<(), NnError> {
        let rule = self.rule().name();
        if state.rule != rule {
            let problem = format!("it is of `{}`, but the rule is `{rule}`", state.rule);
            return Err(NnError::Optimizer {
                problems: vec![problem],
            });
        }
        let (mut memory, mut problems) = (BTreeMap::new(), Vec::new());
        let mut left = state.tensors;
        let device = Device::flex();
        for (parameter, steps) in state.steps {
            let mut tensors = Vec::new();
            for name in self.rule().memory() {
                let name = format!("{parameter}.{name}");
                match left.remove(&name) {
                    Some(StateTensor { shape, values }) if shape == [values.len()] => {
                        let data = TensorData::new(values, shape);
                        tensors.push(Tensor::<1>::from_data(data, &device));
                    }
                    Some(StateTensor { shape, values }) => problems.push(format!(
                        "`{name}` must have one axis of its {} values, but its shape is {shape:?}",
                        values.len()
                    )),
                    None => problems.push(format!("`{name}` is missing")),
                }
            }
            memory.insert(parameter, Memory { steps, tensors });
        }
        problems.extend(
            left.into_keys()
                .map(|name| format!("`{name}` has no steps")),
        );
        if !problems.is_empty() {
            return Err(NnError::Optimizer { problems });
        }
        self.memory = memory;
        Ok(())
    }
}
