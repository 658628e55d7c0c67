//! How the layers do: one batch of training data forward and backward through the trained model.

use crate::failure::Failure;
use burn::tensor::Device;
use onggi_data::{Dataset, View};
use onggi_nn::loss::CrossEntropy;
use onggi_nn::{Mode, Network, init};
use onggi_train::{Input, Subset};
use serde::Serialize;
use std::sync::Arc;

/// Samples of the batch, evenly spaced over the training data.
const SAMPLES: usize = 128;

/// One layer.
#[derive(Serialize)]
pub(super) struct LayerFigures {
    pub(super) layer: String,
    /// Mean and standard deviation of what goes into its activation.
    pub(super) mean: f64,
    pub(super) std: f64,
    /// Share of units that are 0 for every sample.
    pub(super) dead: f64,
    /// L2 norm of the gradient of all its parameters.
    pub(super) gradient_norm: Option<f64>,
    /// `healthy`, `dead`, `vanishing`, …
    pub(super) verdict: String,
}

/// The layers that the model tells of, in the order of the forward pass, in training mode and without
/// augmentation.
pub(super) fn layers<X: Input, M: Network<X>>(
    model: &M,
    train: &Arc<dyn Dataset>,
    seed: u64,
) -> Result<Vec<LayerFigures>, Failure> {
    let some = Subset::evenly(train.clone(), SAMPLES);
    let width: usize = some.sample_shape().iter().product();
    let mut values = vec![0.0; some.len() * width];
    for (i, out) in values.chunks_exact_mut(width.max(1)).enumerate() {
        some.load(i, View::Eval, out)?;
    }
    let labels: Vec<usize> = (0..some.len()).map(|i| some.label(i)).collect();
    let shape = [vec![some.len()], some.sample_shape()].concat();
    let device = Device::flex().autodiff();
    let x = X::from_batch(values, shape, &device)?;
    let loss = CrossEntropy::new(0.0, None)?;
    let found = init::diagnose(&model.clone().train(), |model, probe| {
        let logits = model.observed_outputs(x, &Mode::train(seed, 0), probe)?;
        loss.forward(logits, &labels)
    })?;
    let row = |layer: onggi_nn::init::LayerDiagnosis| LayerFigures {
        layer: layer.activity.layer,
        mean: layer.activity.mean,
        std: layer.activity.std,
        dead: layer.activity.dead,
        gradient_norm: layer.gradient_norm,
        verdict: layer.verdict.to_string(),
    };
    Ok(found.layers.into_iter().map(row).collect())
}
