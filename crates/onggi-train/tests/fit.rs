//! The training loop on points that two classes can be told apart by.

use burn::tensor::Device;
use onggi_data::{DataError, Dataset, View};
use onggi_nn::{init, state};
use onggi_train::run::EpochRecord;
use onggi_train::{Fit, FitSettings, Observer, OptimizerChoice, Stopped, TrainError, fit, predict};
use onggi_zoo::{ModelOptions, TableModel};
use std::sync::Arc;

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

fn settings() -> FitSettings {
    FitSettings {
        epochs: 12,
        batch: 16,
        lr: 0.02,
        optimizer: OptimizerChoice::AdamW,
        weight_decay: 0.01,
        label_smoothing: 0.0,
        clip_norm: Some(1.0),
        early_stopping: None,
        seed: 3,
        workers: 1,
    }
}

fn run(settings: &FitSettings, watch: &mut dyn Observer) -> Result<Fit<TableModel>, TrainError> {
    let options = ModelOptions {
        classes: 2,
        dropout: 0.1,
    };
    let device = Device::flex().autodiff();
    let model = TableModel::build("mlp", 2, &options, &mut init::generator(1), &device).unwrap();
    fit(model, &part(0), &part(1), settings, watch)
}

fn part(first: usize) -> Arc<dyn Dataset> {
    Arc::new(Disc { first, len: 100 })
}

/// Asks to stop after some steps; remembers the best weights it was given.
#[derive(Default)]
struct Watch {
    steps: usize,
    stop_after: Option<usize>,
    best: Option<state::StateDict>,
}

impl Observer for Watch {
    fn step(&mut self, _: onggi_train::Progress) {
        self.steps += 1;
    }

    fn epoch(
        &mut self,
        _: &EpochRecord,
        best: Option<&state::StateDict>,
    ) -> Result<(), TrainError> {
        if let Some(best) = best {
            self.best = Some(best.clone());
        }
        Ok(())
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
        (fitted.records.len(), fitted.stopped),
        (12, Stopped::AllEpochs)
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
        let settings = FitSettings {
            workers,
            ..settings()
        };
        let fitted = pool.install(|| run(&settings, &mut Watch::default()).unwrap());
        (figures(&fitted), state::collect(&fitted.model))
    };
    let one = on(1, 1);
    assert_eq!(one, on(2, 3));
    let other = FitSettings {
        seed: 4,
        ..settings()
    };
    assert_ne!(one.0, figures(&run(&other, &mut Watch::default()).unwrap()));
}

#[test]
fn stops_early_and_by_request() {
    let hopeless = FitSettings {
        lr: 1e-12,
        early_stopping: Some(2),
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
}

#[test]
fn a_loss_that_is_not_finite_ends_the_training() {
    let wild = FitSettings {
        lr: 1e30,
        optimizer: OptimizerChoice::Sgd { momentum: 0.9 },
        clip_norm: None,
        ..settings()
    };
    let error = run(&wild, &mut Watch::default()).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
    assert!(
        error.to_string().contains("lower the learning rate"),
        "{error}"
    );
}

#[test]
fn settings_that_mean_nothing_are_errors() {
    for settings in [
        FitSettings {
            epochs: 0,
            ..settings()
        },
        FitSettings {
            batch: 0,
            ..settings()
        },
        FitSettings {
            clip_norm: Some(0.0),
            ..settings()
        },
        FitSettings {
            early_stopping: Some(0),
            ..settings()
        },
        FitSettings {
            label_smoothing: 2.0,
            ..settings()
        },
        FitSettings {
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
    let device = Device::flex().autodiff();
    let options = ModelOptions {
        classes: 2,
        dropout: 0.0,
    };
    let model = TableModel::build("mlp", 2, &options, &mut init::generator(1), &device).unwrap();
    let error = fit(
        model,
        &part(0),
        &nothing,
        &settings(),
        &mut Watch::default(),
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the validation split is empty"),
        "{error}"
    );
}
