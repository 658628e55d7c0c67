//! Planted cases: a model that must be called overfit, one underfit, one fine.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use onggi_data::{DataError, Dataset, View};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::{Classifier, Mode, NnError, init};
use onggi_train::diagnose::baseline;
use onggi_train::run::{Fit as Verdict, Verdict as Words};
use onggi_train::{Evidence, Measured, Steadiness, TrainSettings, Trainer, predict};
use onggi_zoo::{ImageModel, ModelOptions, TableModel};
use std::sync::Arc;

/// Samples in memory.
struct Samples {
    shape: Vec<usize>,
    x: Vec<f32>,
    labels: Vec<usize>,
}

impl Dataset for Samples {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn sample_shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn label(&self, index: usize) -> usize {
        self.labels[index]
    }

    fn num_classes(&self) -> usize {
        2
    }

    fn source(&self, index: usize) -> String {
        format!("sample {index}")
    }

    fn load(&self, index: usize, _: View, out: &mut [f32]) -> Result<(), DataError> {
        let width = out.len();
        out.copy_from_slice(&self.x[index * width..(index + 1) * width]);
        Ok(())
    }
}

/// Two spirals wound around each other once, points `seed`'s own.
fn spirals(n: usize, seed: u64) -> Arc<dyn Dataset> {
    let device = Device::flex();
    let noise = init::normal([n, 2], 0.03, &mut init::generator(seed), &device);
    let noise: Vec<f32> = noise.into_data().try_to_vec().unwrap();
    let mut x = Vec::new();
    for i in 0..n {
        let t = (i as f32 + 0.5) / n as f32;
        let turn = std::f32::consts::PI * (2.0 * t + (i % 2) as f32);
        x.push(t * turn.cos() + noise[2 * i]);
        x.push(t * turn.sin() + noise[2 * i + 1]);
    }
    Arc::new(Samples {
        shape: vec![2],
        x,
        labels: (0..n).map(|i| i % 2).collect(),
    })
}

/// Images of noise, the left or the right half a little brighter; every `turned`-th label is wrong.
fn halves(n: usize, turned: usize, seed: u64) -> Arc<dyn Dataset> {
    let device = Device::flex();
    let x = init::normal([n, 144], 1.0, &mut init::generator(seed), &device);
    let mut x: Vec<f32> = x.into_data().try_to_vec().unwrap();
    for (i, image) in x.chunks_exact_mut(144).enumerate() {
        for (at, value) in image.iter_mut().enumerate() {
            let right = at % 12 >= 6;
            *value += if right == (i % 2 == 1) { 0.15 } else { -0.15 };
        }
    }
    let label = |i: usize| {
        let wrong = turned > 0 && i.is_multiple_of(turned);
        usize::from((i % 2 == 1) != wrong)
    };
    Arc::new(Samples {
        shape: vec![1, 12, 12],
        x,
        labels: (0..n).map(label).collect(),
    })
}

/// Trains and judges as `onggi train` and `onggi diagnose` do.
fn verdict<const D: usize, M: Classifier<D>>(
    model: M,
    epochs: usize,
    train: &Arc<dyn Dataset>,
    val: &Arc<dyn Dataset>,
) -> Words {
    let settings = TrainSettings {
        epochs,
        batch: 16,
        lr: 0.01,
        seed: 1,
        ..TrainSettings::default()
    };
    let trainer = Trainer::new(settings).unwrap();
    let fit = trainer.fit(model, train, val, &mut []).unwrap();
    let model = fit.model.valid();
    let measured = |data: &Arc<dyn Dataset>| Measured {
        accuracy: predict(&model, data, 1).unwrap().accuracy(),
        samples: data.len(),
    };
    let simple = baseline(train, val).unwrap();
    Evidence {
        train: measured(train),
        val: measured(val),
        commonest: 0.5,
        baseline: Some(Measured {
            accuracy: simple.val_accuracy,
            samples: val.len(),
        }),
        steadiness: Steadiness::from_log(&fit.records, false),
    }
    .verdict()
}

/// Logistic regression as a module.
#[derive(Module, Debug)]
struct Line {
    fc: Linear,
}

impl Classifier<2> for Line {
    fn forward(&self, x: Tensor<2>, _: &Mode) -> Result<Tensor<2>, NnError> {
        self.fc.forward(x)
    }
}

#[test]
fn a_big_net_on_fifty_images_with_label_noise_is_overfit() {
    let device = Device::flex().autodiff();
    let (rng, options) = (&mut init::generator(1), ModelOptions::new(2));
    let model = ImageModel::build("small_resnet", 1, &options, rng, &device).unwrap();
    let (train, val) = (halves(50, 5, 1), halves(200, 0, 2));
    let found = verdict::<4, _>(model, 30, &train, &val);
    assert_eq!(found.fit, Verdict::Overfitting, "{}", found.words);
}

#[test]
fn a_line_through_spirals_is_underfit() {
    let device = Device::flex().autodiff();
    let fc = LinearConfig::new(2, 2).init(&mut init::generator(1), &device);
    let found = verdict(
        Line { fc: fc.unwrap() },
        20,
        &spirals(600, 1),
        &spirals(300, 2),
    );
    assert_eq!(found.fit, Verdict::Underfitting, "{}", found.words);
}

#[test]
fn a_net_that_fits_the_spirals_is_fine() {
    let device = Device::flex().autodiff();
    let (rng, options) = (&mut init::generator(1), ModelOptions::new(2));
    let model = TableModel::build("mlp", 2, &options, rng, &device).unwrap();
    let found = verdict(model, 40, &spirals(600, 1), &spirals(300, 2));
    assert_eq!(found.fit, Verdict::Neither, "{}", found.words);
}
