//! Trains a small network on a data set of one's own: points on two spirals.
//!
//! `cargo run --release --example 01_train_on_points`

use onggi::burn::tensor::Device;
use onggi::data::{DataError, Dataset, View};
use onggi::nn::init;
use onggi::train::diagnose::baseline;
use onggi::train::{
    EarlyStoppingConfig, Evidence, Measured, Steadiness, TrainSettings, Trainer, predict,
};
use onggi::zoo::{ModelOptions, TableModel};
use std::error::Error;
use std::sync::Arc;

/// Points on two arms of a spiral; every `step`-th from `first`.
struct Spirals {
    points: Vec<([f32; 2], usize)>,
}

impl Spirals {
    fn new(first: usize, step: usize) -> Self {
        let point = |i: usize| {
            let (arm, t) = (i % 2, 0.5 + 3.0 * (i / 2) as f32 / 300.0);
            let angle = 2.0 * t + std::f32::consts::PI * arm as f32;
            ([t * angle.cos(), t * angle.sin()], arm)
        };
        Self {
            points: (first..600).step_by(step).map(point).collect(),
        }
    }
}

impl Dataset for Spirals {
    fn len(&self) -> usize {
        self.points.len()
    }

    fn sample_shape(&self) -> Vec<usize> {
        vec![2]
    }

    fn label(&self, index: usize) -> usize {
        self.points[index].1
    }

    fn num_classes(&self) -> usize {
        2
    }

    fn source(&self, index: usize) -> String {
        format!("point {}", index + 1)
    }

    fn load(&self, index: usize, _: View, out: &mut [f32]) -> Result<(), DataError> {
        out.copy_from_slice(&self.points[index].0);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Every third point is kept for validation; 3 shares no factor with the two arms.
    let train: Arc<dyn Dataset> = Arc::new(Spirals {
        points: [Spirals::new(0, 3).points, Spirals::new(1, 3).points].concat(),
    });
    let val: Arc<dyn Dataset> = Arc::new(Spirals::new(2, 3));
    let settings = TrainSettings {
        epochs: 40,
        lr: 0.01,
        early_stopping: EarlyStoppingConfig {
            patience: Some(15),
            ..Default::default()
        },
        seed: 1,
        ..TrainSettings::default()
    };
    let options = ModelOptions::new(2);
    let device = Device::flex().autodiff();
    let model = TableModel::build("mlp", 2, &options, &mut init::generator(1), &device)?;
    let fitted = Trainer::new(settings)?.fit(model, &train, &val, &mut [])?;
    let best = &fitted.records[fitted.best];
    println!("{} epochs, best {}", fitted.records.len(), best.epoch);
    let judged = Evidence {
        train: Measured {
            accuracy: best.train_accuracy,
            samples: train.len(),
        },
        val: Measured {
            accuracy: best.val_accuracy,
            samples: val.len(),
        },
        commonest: 0.5,
        baseline: Some(Measured {
            accuracy: baseline(&train, &val)?.val_accuracy,
            samples: val.len(),
        }),
        steadiness: Steadiness::from_log(&fitted.records, false),
    }
    .verdict();
    println!("{}", judged.words);
    let accuracy = predict(&fitted.model, &val, 1)?.accuracy();
    assert!(accuracy > 0.95, "the spirals come apart: {accuracy}");
    Ok(())
}
