//! Weights that a model begins with.

use crate::weights::{self, WeightsError};
use crate::{Backbone, ImageModel, ZooError};
use burn::module::Module;
use burn::tensor::Tensor;
use onggi_nn::state::{self, StateDict};
use onggi_nn::{Classifier, Mode, NnError};

/// EfficientNet-Lite0 as `weights/make.py` made it, Apache-2.0.
static EFFICIENTNET_LITE0: &[u8] = include_bytes!("../weights/efficientnet_lite0.safetensors");

/// The weights of the model called `name` that are in the program, for 1,000 classes of ImageNet; `None` for a
/// model whose are not.
///
/// # Errors
/// None but for a program that was damaged.
pub fn embedded(name: &str) -> Result<Option<StateDict>, WeightsError> {
    match name {
        "efficientnet_lite0" => weights::read_bytes(EFFICIENTNET_LITE0).map(Some),
        _ => Ok(None),
    }
}

impl ImageModel {
    /// The state with the names that this model has.
    fn known(&self, state: StateDict) -> StateDict {
        let named = state.into_iter();
        named
            .map(|(name, tensor)| (self.renamed(&name).unwrap_or(name), tensor))
            .collect()
    }

    /// The model with the weights of `state`, all but the classifier's, which stay as they are.
    ///
    /// Counters of batches (`num_batches_tracked`) may be missing, as in old files, and have any shape.
    ///
    /// # Errors
    /// Names every tensor that is missing, of another shape, or not the model's.
    pub fn with_backbone(self, state: StateDict) -> Result<Self, ZooError> {
        let mut state = self.known(state);
        let own = state::collect(&self);
        let head = format!("{}.", self.classifier());
        state.retain(|name, _| !name.starts_with(&head));
        for (name, tensor) in own {
            if name.starts_with(&head) || name.ends_with("num_batches_tracked") {
                state.insert(name, tensor);
            }
        }
        Ok(state::load(self, state)?)
    }

    /// The model with all the weights of `state`, the classifier's too.
    ///
    /// # Errors
    /// Names every tensor that is missing, of another shape, or not the model's.
    pub fn with_weights(self, state: StateDict) -> Result<Self, ZooError> {
        let mut state = self.known(state);
        for (name, tensor) in state::collect(&self) {
            if name.ends_with("num_batches_tracked") {
                state.insert(name, tensor);
            }
        }
        Ok(state::load(self, state)?)
    }

    /// The model with another classifier: `weight` is `[classes][features]`.
    ///
    /// # Errors
    /// Another number of classes or features than the model has.
    pub fn with_head(self, weight: Vec<f32>, bias: Vec<f32>) -> Result<Self, ZooError> {
        let mut state = state::collect(&self);
        put(&mut state, self.classifier(), weight, bias)?;
        Ok(state::load(self, state)?)
    }
}

/// Other values for the linear layer called `layer`.
pub(crate) fn put(
    state: &mut StateDict,
    layer: &str,
    weight: Vec<f32>,
    bias: Vec<f32>,
) -> Result<(), NnError> {
    for (leaf, values) in [("weight", weight), ("bias", bias)] {
        let name = format!("{layer}.{leaf}");
        if let Some(tensor) = state.get_mut(&name) {
            if tensor.values.len() != values.len() {
                let (have, come) = (tensor.values.len(), values.len());
                let problems = vec![format!("`{name}` has {have} values, not {come}")];
                return Err(NnError::State { problems });
            }
            tensor.values = values;
        }
    }
    Ok(())
}

/// A model without its head: it answers with features.
#[derive(Module, Debug)]
pub struct Features {
    /// The whole model.
    pub model: ImageModel,
}

impl Classifier<4> for Features {
    fn forward(&self, x: Tensor<4>, mode: &Mode) -> Result<Tensor<2>, NnError> {
        self.model.pooled(x, mode)
    }
}
