//! A classifier of texts, an encoder with low-rank matrices, goes through the trainer.

use onggi::burn::tensor::{Device, Int, Tensor};
use onggi::data::{DataError, Dataset, View};
use onggi::nn::lora::LoraConfig;
use onggi::nn::{init, state};
use onggi::train::{TrainSettings, Trainer, predict};
use onggi::zoo::bert::{EncoderConfig, Pooling, TextClassifier, TextEncoder};
use std::sync::Arc;

/// Six ids a text, the last two padding in every third; the class is which of two ids is among them.
struct Tokens(usize);

impl Dataset for Tokens {
    fn len(&self) -> usize {
        64
    }

    fn sample_shape(&self) -> Vec<usize> {
        vec![6]
    }

    fn label(&self, index: usize) -> usize {
        index % 2
    }

    fn num_classes(&self) -> usize {
        2
    }

    fn source(&self, index: usize) -> String {
        format!("text {index}")
    }

    fn load(&self, index: usize, _: View, out: &mut [f32]) -> Result<(), DataError> {
        let i = index + 64 * self.0;
        for (place, id) in out.iter_mut().enumerate() {
            *id = (10 + (7 * i + 5 * place + i * place) % 29) as f32;
        }
        out[1 + i / 2 % 3] = [7.0, 8.0][index % 2];
        if i.is_multiple_of(3) {
            out[4..].fill(0.0);
        }
        Ok(())
    }
}

#[test]
fn low_rank_matrices_and_the_head_alone_are_trained() {
    let config = EncoderConfig::parse(
        r#"{"model_type": "bert", "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 8}"#,
    )
    .unwrap();
    let (device, rng) = (Device::flex().autodiff(), &mut init::generator(1));
    let encoder = TextEncoder::new(&config, rng, &device).unwrap();
    let model = TextClassifier::new(encoder, 2, Pooling::Mean, rng).unwrap();
    let lora = LoraConfig {
        r: 4,
        ..LoraConfig::default()
    };
    let model = model.with_lora(&lora, rng).unwrap();
    // Two matrices of 4 · 16 beside two projections in each of two layers, and the head.
    assert_eq!(state::num_parameters(&model), 2 * 2 * 2 * 64 + 2 * 16 + 2);
    let before = state::collect(&model);
    let part = |part| -> Arc<dyn Dataset> { Arc::new(Tokens(part)) };
    let settings = TrainSettings {
        epochs: 12,
        lr: 0.02,
        seed: 1,
        ..TrainSettings::default()
    };
    let trainer = Trainer::new(settings).unwrap();
    let fitted = trainer
        .fit::<Tensor<2, Int>, _>(model, &part(0), &part(1), &mut [])
        .unwrap();
    let losses: Vec<f64> = fitted.records.iter().map(|r| r.train_loss).collect();
    assert!(losses[losses.len() - 1] < 0.7 * losses[0], "{losses:?}");
    let after = state::collect(&fitted.model);
    let moved: Vec<&String> = after
        .iter()
        .filter(|(name, tensor)| before[*name] != **tensor)
        .map(|(name, _)| name)
        .collect();
    let tuned = |name: &&String| name.contains(".lora_") || name.starts_with("classifier.");
    let expected: Vec<&String> = after.keys().filter(tuned).collect();
    assert_eq!(moved, expected);
    // With the matrices put into the weights it answers the same.
    let answers = |model: &TextClassifier| {
        let found = predict::<Tensor<2, Int>, _>(model, &part(1), 1).unwrap();
        (found.accuracy(), found.loss)
    };
    let (with, merged) = (
        answers(&fitted.model),
        answers(&fitted.model.clone().merged()),
    );
    assert_eq!(with.0, merged.0);
    assert!((with.1 - merged.1).abs() < 1e-4, "{with:?} {merged:?}");
}
