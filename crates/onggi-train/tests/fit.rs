//! The training loop on points that two classes can be told apart by.

use burn::tensor::Device;
use onggi_data::{DataError, Dataset, Mixing, View};
use onggi_nn::optim::{AdamW, Group, RuleConfig, Sgd};
use onggi_nn::{init, state};
use onggi_train::run::EpochRecord;
use onggi_train::{
    Averaging, Callback, EarlyStoppingConfig, Fit, KeptEpoch, Objective, Progress, Stopped,
    TrainError, TrainSettings, Trainer, predict,
};
use onggi_zoo::{ModelOptions, TableModel};
use std::sync::Arc;
use std::time::Duration;

/// Points inside and outside of a circle, on a sunflower's spiral.
struct Disc {
    first: usize,
    len: usize,
}

impl Dataset for Disc {
    fn len(&self) -> usize {
        self.len
    }

    fn sample_shape(&self) -> Vec<usize> {
        vec![2]
    }

    fn label(&self, index: usize) -> usize {
        usize::from((self.first + index * 2) % 200 >= 100)
    }

    fn num_classes(&self) -> usize {
        2
    }

    fn source(&self, index: usize) -> String {
        format!("point {index}")
    }

    fn load(&self, index: usize, view: View, out: &mut [f32]) -> Result<(), DataError> {
        let i = ((self.first + index * 2) % 200) as f32;
        let (radius, angle) = ((i / 200.0).sqrt(), i * 2.399_963);
        // A training view is jittered by epoch and index, as an augmentation would.
        let jitter = match view {
            View::Eval => 0.0,
            View::Train { seed, epoch } => ((seed + epoch * 31 + index as u64) % 7) as f32 * 1e-3,
        };
        out.copy_from_slice(&[radius * angle.cos() + jitter, radius * angle.sin()]);
        Ok(())
    }
}

fn settings() -> TrainSettings {
    TrainSettings {
        epochs: 12,
        batch: 16,
        lr: 0.02,
        clip_norm: Some(1.0),
        seed: 3,
        ..TrainSettings::default()
    }
}

fn model(dropout: f64) -> TableModel {
    let options = ModelOptions {
        dropout,
        ..ModelOptions::new(2)
    };
    let device = Device::flex().autodiff();
    TableModel::build("mlp", 2, &options, &mut init::generator(1), &device).unwrap()
}

fn run(settings: &TrainSettings, watch: &mut Watch) -> Result<Fit<TableModel>, TrainError> {
    let trainer = Trainer::new(settings.clone())?;
    trainer.fit(model(0.1), &part(0), &part(1), &mut [watch])
}

fn part(first: usize) -> Arc<dyn Dataset> {
    Arc::new(Disc { first, len: 100 })
}

/// Asks to stop after some steps; remembers what it was told.
#[derive(Default)]
struct Watch {
    steps: usize,
    stop_after: Option<usize>,
    best: Option<state::StateDict>,
    notices: Vec<String>,
}

impl Callback for Watch {
    fn on_step(&mut self, _: &Progress) {
        self.steps += 1;
    }

    fn on_epoch(
        &mut self,
        _: &EpochRecord,
        best: Option<&state::StateDict>,
    ) -> Result<(), TrainError> {
        if let Some(best) = best {
            self.best = Some(best.clone());
        }
        Ok(())
    }

    fn on_notice(&mut self, notice: &str) {
        self.notices.push(notice.into());
    }

    fn interrupted(&self) -> bool {
        self.stop_after.is_some_and(|after| self.steps >= after)
    }
}

/// All but the clock.
fn figures(fitted: &Fit<TableModel>) -> Vec<EpochRecord> {
    let timeless = |record: &EpochRecord| EpochRecord {
        seconds: 0.0,
        ..record.clone()
    };
    fitted.records.iter().map(timeless).collect()
}

#[test]
fn learns_and_returns_the_weights_of_the_lowest_validation_loss() {
    let mut watch = Watch::default();
    let fitted = run(&settings(), &mut watch).unwrap();
    assert_eq!(
        (fitted.records.len(), fitted.stopped, fitted.skipped),
        (12, Stopped::AllEpochs, 0)
    );
    let best = &fitted.records[fitted.best];
    let lowest = fitted
        .records
        .iter()
        .map(|r| r.val_loss)
        .fold(f64::INFINITY, f64::min);
    assert_eq!(best.val_loss, lowest);
    let answers = predict(&fitted.model, &part(1), 2).unwrap();
    assert!((answers.loss - best.val_loss).abs() < 1e-9);
    assert!(answers.accuracy() > 0.9, "{}", answers.accuracy());
    assert_eq!(watch.best, Some(state::collect(&fitted.model)));
}

#[test]
fn one_seed_gives_one_result_at_any_number_of_workers_and_threads() {
    let on = |threads: usize, workers| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let settings = TrainSettings {
            workers,
            ..settings()
        };
        let fitted = pool.install(|| run(&settings, &mut Watch::default()).unwrap());
        (figures(&fitted), state::collect(&fitted.model))
    };
    let one = on(1, 1);
    assert_eq!(one, on(2, 3));
    let other = TrainSettings {
        seed: 4,
        ..settings()
    };
    assert_ne!(one.0, figures(&run(&other, &mut Watch::default()).unwrap()));
}

#[test]
fn stops_early_by_request_and_when_the_time_is_up() {
    let hopeless = TrainSettings {
        lr: 1e-12,
        early_stopping: EarlyStoppingConfig {
            patience: Some(2),
            ..Default::default()
        },
        ..settings()
    };
    let fitted = run(&hopeless, &mut Watch::default()).unwrap();
    assert_eq!(fitted.stopped, Stopped::EarlyStopping);
    assert!(fitted.records.len() < 12);

    // 100 samples are 7 steps of 16, the last of 4.
    let mut watch = Watch {
        stop_after: Some(10),
        ..Watch::default()
    };
    let fitted = run(&settings(), &mut watch).unwrap();
    assert_eq!(
        (fitted.stopped, fitted.records.len()),
        (Stopped::Interrupted, 1)
    );
    let mut watch = Watch {
        stop_after: Some(3),
        ..Watch::default()
    };
    assert!(matches!(
        run(&settings(), &mut watch),
        Err(TrainError::Interrupted)
    ));

    // No time at all: the first epoch is cut short before its first step, and measured.
    let hasty = TrainSettings {
        time: Some(Duration::ZERO),
        ..settings()
    };
    let fitted = run(&hasty, &mut Watch::default()).unwrap();
    assert_eq!((fitted.stopped, fitted.records.len()), (Stopped::Time, 1));
    assert_eq!(fitted.records[0].step, 0);
}

#[test]
fn steps_that_are_never_finite_end_the_training() {
    let wild = TrainSettings {
        lr: 1e30,
        optimizer: RuleConfig::Sgd(Sgd::default()),
        clip_norm: None,
        max_skipped: 4,
        ..settings()
    };
    let mut watch = Watch::default();
    let error = run(&wild, &mut watch).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains("lower the learning rate"), "{words}");
    assert_eq!(watch.notices.len(), 4, "{:?}", watch.notices);
    assert!(
        watch.notices[3].contains("skipped: the loss is"),
        "{:?}",
        watch.notices
    );
}

#[test]
fn frozen_parameters_stay_and_a_factor_of_0_holds_too() {
    let before = state::collect(&model(0.1));
    let groups = vec![
        Group {
            frozen: true,
            ..Group::new("hidden.0.*")
        },
        Group {
            lr_factor: 0.0,
            ..Group::new("norm.0.*")
        },
    ];
    let settings = TrainSettings {
        epochs: 2,
        groups,
        optimizer: RuleConfig::AdamW(AdamW {
            weight_decay: 0.5,
            ..AdamW::default()
        }),
        ..settings()
    };
    let fitted = run(&settings, &mut Watch::default()).unwrap();
    let after = state::collect(&fitted.model);
    for (name, stays) in [
        ("hidden.0.weight", true),
        ("norm.0.weight", true),
        ("hidden.1.weight", false),
        ("fc.bias", false),
    ] {
        assert_eq!(before[name] == after[name], stays, "{name}");
    }
    let unknown = TrainSettings {
        groups: vec![Group::new("stem.*")],
        ..settings
    };
    let error = run(&unknown, &mut Watch::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no parameter is called like `stem.*`") && error.contains("fc.bias"),
        "{error}"
    );
}

#[test]
fn settings_that_mean_nothing_are_errors() {
    for settings in [
        TrainSettings {
            epochs: 0,
            ..settings()
        },
        TrainSettings {
            batch: 0,
            ..settings()
        },
        TrainSettings {
            accumulate: 0,
            ..settings()
        },
        TrainSettings {
            clip_norm: Some(0.0),
            ..settings()
        },
        TrainSettings {
            clip_value: Some(f64::NAN),
            ..settings()
        },
        TrainSettings {
            early_stopping: EarlyStoppingConfig {
                patience: Some(0),
                ..Default::default()
            },
            ..settings()
        },
        TrainSettings {
            objective: Objective::CrossEntropy {
                label_smoothing: 2.0,
            },
            ..settings()
        },
        TrainSettings {
            lr: f64::NAN,
            ..settings()
        },
    ] {
        assert!(
            run(&settings, &mut Watch::default()).is_err(),
            "{settings:?}"
        );
    }
    let nothing: Arc<dyn Dataset> = Arc::new(Disc { first: 0, len: 0 });
    let trainer = Trainer::new(settings()).unwrap();
    let error = trainer
        .fit(model(0.0), &part(0), &nothing, &mut [])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the validation split is empty"),
        "{error}"
    );
}

/// The weights after the last of `epochs` epochs, averaged or not.
fn last(epochs: usize, averaging: Option<Averaging>) -> (state::StateDict, Fit<TableModel>) {
    let settings = TrainSettings {
        epochs,
        averaging,
        early_stopping: EarlyStoppingConfig {
            keep: KeptEpoch::Last,
            ..EarlyStoppingConfig::default()
        },
        ..settings()
    };
    let fit = run(&settings, &mut Watch::default()).unwrap();
    (state::collect(&fit.model), fit)
}

#[test]
fn an_exponential_average_is_measured_and_kept() {
    let (plain, _) = last(3, None);
    let (none, _) = last(3, Some(Averaging::Ema { decay: 0.0 }));
    assert_eq!(none, plain, "an average without memory is the last weights");
    let (averaged, fit) = last(3, Some(Averaging::Ema { decay: 0.9 }));
    assert_ne!(averaged, plain);
    let answers = predict(&fit.model, &part(1), 1).unwrap();
    assert_eq!(answers.loss, fit.records[2].val_loss);
}

#[test]
fn weights_of_the_last_epochs_are_averaged_and_statistics_recomputed() {
    let (third, fourth) = (last(3, None).0, last(4, None).0);
    let (averaged, fit) = last(4, Some(Averaging::Swa { start: 0.5 }));
    for (name, tensor) in &averaged {
        let pairs = third[name].values.iter().zip(&fourth[name].values);
        let mean = pairs.map(|(a, b)| (a + b) / 2.0);
        let far = |(got, want): (&f32, f32)| (got - want).abs() > 1e-6 * want.abs().max(1.0);
        let differs = tensor.values.iter().zip(mean).any(far);
        // Running statistics are those of the averaged weights, not the mean of two.
        let statistic = name.contains("running_");
        assert!(differs == statistic || name.ends_with("tracked"), "{name}");
    }
    let answers = predict(&fit.model, &part(1), 1).unwrap();
    assert_eq!(answers.loss, fit.records[3].val_loss);
}

#[test]
fn mixed_samples_are_learned_from() {
    let mixed = TrainSettings {
        mixing: vec![Mixing::MixUp { alpha: 0.2 }],
        ..settings()
    };
    let (plain, fit) = (
        run(&settings(), &mut Watch::default()).unwrap(),
        run(&mixed, &mut Watch::default()).unwrap(),
    );
    assert_ne!(state::collect(&plain.model), state::collect(&fit.model));
    let accuracy = predict(&fit.model, &part(1), 1).unwrap().accuracy();
    assert!(accuracy > 0.85, "{accuracy}");
    let images = TrainSettings {
        mixing: vec![Mixing::CutMix { alpha: 1.0 }],
        ..settings()
    };
    let error = run(&images, &mut Watch::default()).unwrap_err().to_string();
    assert!(error.contains("cutmix is for images"), "{error}");
}
