//! The trainer on models without batch normalisation, where arithmetic can be followed: accumulation,
//! parts of a batch, skipped steps, regression, token sequences, memory.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use onggi_data::{DataError, Dataset, View};
use onggi_nn::linear::{Linear, LinearConfig};
use onggi_nn::optim::{RuleConfig, Sgd};
use onggi_nn::{Classifier, Mode, Network, NnError, init, state};
use onggi_train::{Callback, Objective, Stopped, TrainError, TrainSettings, Trainer, predict};
use std::sync::Arc;

/// One linear layer.
#[derive(Module, Debug)]
struct Line {
    fc: Linear,
}

impl Classifier<2> for Line {
    fn forward(&self, x: Tensor<2>, _: &Mode) -> Result<Tensor<2>, NnError> {
        self.fc.forward(x)
    }
}

fn line(inputs: usize, outputs: usize) -> Line {
    let device = Device::flex().autodiff();
    let config = LinearConfig::new(inputs, outputs);
    Line {
        fc: config.init(&mut init::generator(1), &device).unwrap(),
    }
}

/// Points `[a, b]`; class `a > b`, or the quantity `2a − b + 1`. The sample `broken` is infinite
/// where it is trained on.
#[derive(Default)]
struct Points {
    quantities: bool,
    broken: Option<usize>,
}

impl Points {
    fn point(index: usize) -> [f32; 2] {
        [
            (index * 7 % 11) as f32 / 11.0,
            (index * 5 % 13) as f32 / 13.0,
        ]
    }
}

impl Dataset for Points {
    fn len(&self) -> usize {
        48
    }

    fn sample_shape(&self) -> Vec<usize> {
        vec![2]
    }

    fn label(&self, index: usize) -> usize {
        let [a, b] = Self::point(index);
        usize::from(a > b && !self.quantities)
    }

    fn num_classes(&self) -> usize {
        if self.quantities { 0 } else { 2 }
    }

    fn target(&self, index: usize) -> Option<f32> {
        let [a, b] = Self::point(index);
        self.quantities.then_some(2.0 * a - b + 1.0)
    }

    fn source(&self, index: usize) -> String {
        format!("point {index}")
    }

    fn load(&self, index: usize, view: View, out: &mut [f32]) -> Result<(), DataError> {
        out.copy_from_slice(&Self::point(index));
        if self.broken == Some(index) && view != View::Eval {
            out[0] = f32::INFINITY;
        }
        Ok(())
    }
}

fn settings() -> TrainSettings {
    TrainSettings {
        epochs: 4,
        batch: 12,
        lr: 0.5,
        optimizer: RuleConfig::Sgd(Sgd {
            weight_decay: 0.0,
            ..Sgd::default()
        }),
        ..TrainSettings::default()
    }
}

fn trained(settings: TrainSettings) -> state::StateDict {
    let data: Arc<dyn Dataset> = Arc::new(Points::default());
    let trainer = Trainer::new(settings).unwrap();
    let fitted = trainer.fit(line(2, 2), &data, &data, &mut []).unwrap();
    state::collect(&fitted.model)
}

fn assert_close(a: &state::StateDict, b: &state::StateDict) {
    for (name, tensor) in a {
        for (x, y) in tensor.values.iter().zip(&b[name].values) {
            assert!((x - y).abs() < 1e-5, "{name}: {x} and {y}");
        }
    }
}

#[test]
fn accumulated_batches_make_the_step_of_one_large_batch() {
    let small = TrainSettings {
        batch: 6,
        accumulate: 2,
        ..settings()
    };
    assert_close(&trained(settings()), &trained(small));
    // Batches of 10 leave one of 8: a group counts by samples, not by batches.
    let uneven = |batch, accumulate| TrainSettings {
        batch,
        accumulate,
        epochs: 1,
        ..settings()
    };
    assert_close(&trained(uneven(48, 1)), &trained(uneven(10, 5)));
}

/// Hears what a trainer says.
#[derive(Default)]
struct Ear(Vec<String>);

impl Callback for Ear {
    fn on_notice(&mut self, notice: &str) {
        self.0.push(notice.into());
    }
}

#[test]
fn a_step_that_is_not_finite_is_skipped_and_counted() {
    let data: Arc<dyn Dataset> = Arc::new(Points {
        broken: Some(5),
        ..Points::default()
    });
    let mut ear = Ear::default();
    let trainer = Trainer::new(settings()).unwrap();
    let fitted = trainer
        .fit(line(2, 2), &data, &data, &mut [&mut ear])
        .unwrap();
    // One batch of each of the four epochs holds the sample.
    assert_eq!((fitted.skipped, ear.0.len()), (4, 4));
    let skipped: Vec<_> = fitted.records.iter().map(|r| r.skipped).collect();
    assert_eq!(skipped, [1, 2, 3, 4]);
    assert_eq!(fitted.records[3].step, 16, "skipped steps count");
    assert_eq!(fitted.stopped, Stopped::AllEpochs);
    assert!(
        fitted.records[3].val_loss < fitted.records[0].val_loss,
        "it learns on"
    );

    let impatient = TrainSettings {
        max_skipped: 1,
        ..settings()
    };
    let trainer = Trainer::new(impatient).unwrap();
    let error = trainer.fit(line(2, 2), &data, &data, &mut []).unwrap_err();
    assert!(
        matches!(error, TrainError::Diverged { skipped: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_regressor_finds_the_line() {
    let data: Arc<dyn Dataset> = Arc::new(Points {
        quantities: true,
        ..Points::default()
    });
    for objective in [
        Objective::Mse,
        Objective::Mae,
        Objective::Huber { delta: 0.5 },
    ] {
        let settings = TrainSettings {
            objective,
            epochs: 150,
            lr: 0.1,
            ..settings()
        };
        let trainer = Trainer::new(settings).unwrap();
        let fitted = trainer.fit(line(2, 1), &data, &data, &mut []).unwrap();
        let best = &fitted.records[fitted.best];
        assert!(
            best.val_accuracy > 0.98,
            "{objective:?}: R² {}",
            best.val_accuracy
        );
        let weights = state::collect(&fitted.model);
        let w = &weights["fc.weight"].values;
        assert!(
            (w[0] - 2.0).abs() < 0.3 && (w[1] + 1.0).abs() < 0.3,
            "{w:?}"
        );
    }
    let classes: Arc<dyn Dataset> = Arc::new(Points::default());
    let trainer = Trainer::new(TrainSettings {
        objective: Objective::Mse,
        ..settings()
    })
    .unwrap();
    let error = trainer
        .fit(line(2, 2), &classes, &classes, &mut [])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("2 outputs a sample and 0 targets"),
        "{error}"
    );
}

/// The mean of learned vectors, one a token: a bag of words.
#[derive(Module, Debug)]
struct Bag {
    vectors: Param<Tensor<2>>,
}

impl Network<Tensor<2, Int>> for Bag {
    fn outputs(&self, tokens: Tensor<2, Int>, _: &Mode) -> Result<Tensor<2>, NnError> {
        let [n, len] = tokens.dims();
        let rows = self.vectors.val().select(0, tokens.reshape([n * len]));
        Ok(rows.reshape([n, len, 2]).mean_dim(1).reshape([n, 2]))
    }
}

/// Three tokens of eight; the class is whether token 0 is among them.
struct Words;

impl Dataset for Words {
    fn len(&self) -> usize {
        40
    }

    fn sample_shape(&self) -> Vec<usize> {
        vec![3]
    }

    fn label(&self, index: usize) -> usize {
        index % 2
    }

    fn num_classes(&self) -> usize {
        2
    }

    fn source(&self, index: usize) -> String {
        format!("line {index}")
    }

    fn load(&self, index: usize, _: View, out: &mut [f32]) -> Result<(), DataError> {
        for (i, token) in out.iter_mut().enumerate() {
            *token = (1 + (index * 3 + i * 5) % 7) as f32;
        }
        if index % 2 == 1 {
            out[index / 2 % 3] = 0.0;
        }
        Ok(())
    }
}

#[test]
fn token_sequences_are_an_input_like_others() {
    let device = Device::flex().autodiff();
    let vectors = init::normal([8, 2], 0.1, &mut init::generator(1), &device);
    let model = Bag {
        vectors: Param::from_tensor(vectors),
    };
    let data: Arc<dyn Dataset> = Arc::new(Words);
    let settings = TrainSettings {
        epochs: 40,
        batch: 8,
        lr: 1.0,
        ..settings()
    };
    let fitted = Trainer::new(settings)
        .unwrap()
        .fit(model, &data, &data, &mut [])
        .unwrap();
    assert!(predict(&fitted.model, &data, 1).unwrap().accuracy() > 0.95);
}

#[cfg(target_os = "linux")]
#[test]
fn a_memory_limit_cuts_batches_up_without_changing_the_step() {
    let data: Arc<dyn Dataset> = Arc::new(Points::default());
    let limited = |max_memory| TrainSettings {
        max_memory: Some(max_memory),
        ..settings()
    };
    let mut ear = Ear::default();
    let plenty = Trainer::new(limited(1 << 50)).unwrap();
    let fitted = plenty
        .fit(line(2, 2), &data, &data, &mut [&mut ear])
        .unwrap();
    assert!(ear.0.is_empty(), "{:?}", ear.0);
    assert!(
        state::collect(&fitted.model) == trained(settings()),
        "the trial left no trace"
    );

    let trainer = Trainer::new(limited(1 << 10)).unwrap();
    let error = trainer.fit(line(2, 2), &data, &data, &mut []).unwrap_err();
    assert!(error.to_string().contains("estimated to need"), "{error}");
}
