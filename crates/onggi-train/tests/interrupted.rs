//! A training that is interrupted after any step and gone on with is the training without a pause, to
//! the bit, with every optimiser.

use burn::tensor::Device;
use onggi_data::{DataError, Dataset, View};
use onggi_nn::optim::{RuleConfig, Sam};
use onggi_nn::regularize::{ElasticNet, Penalty};
use onggi_nn::{init, state};
use onggi_train::run::EpochRecord;
use onggi_train::{
    Callback, CheckpointEvery, Checkpoints, EarlyStoppingConfig, Fit, Progress, Schedule, Start,
    TrainError, TrainSettings, Trainer,
};
use onggi_zoo::{ModelOptions, TableModel};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Points in a ring and inside it, jittered when trained on.
struct Ring;

impl Dataset for Ring {
    fn len(&self) -> usize {
        41
    }

    fn sample_shape(&self) -> Vec<usize> {
        vec![2]
    }

    fn label(&self, index: usize) -> usize {
        usize::from(index > 20)
    }

    fn num_classes(&self) -> usize {
        2
    }

    fn source(&self, index: usize) -> String {
        format!("point {index}")
    }

    fn load(&self, index: usize, view: View, out: &mut [f32]) -> Result<(), DataError> {
        let (radius, angle) = ((index as f32 / 41.0).sqrt(), index as f32 * 2.4);
        let jitter = match view {
            View::Eval => 0.0,
            View::Train { seed, epoch } => ((seed + epoch * 31 + index as u64) % 7) as f32 * 0.01,
        };
        out.copy_from_slice(&[radius * angle.cos() + jitter, radius * angle.sin()]);
        Ok(())
    }
}

/// Stops a training after some steps, and hears where it starts.
#[derive(Default)]
struct Stop {
    after: Option<u64>,
    step: u64,
    started: u64,
    checkpoints: usize,
}

impl Callback for Stop {
    fn on_start(&mut self, start: &Start<'_>) -> Result<(), TrainError> {
        self.started = start.step;
        Ok(())
    }

    fn on_step(&mut self, progress: &Progress) {
        self.step = progress.step;
    }

    fn on_checkpoint(&mut self, _: u64) {
        self.checkpoints += 1;
    }

    fn interrupted(&self) -> bool {
        self.after.is_some_and(|after| self.step >= after)
    }
}

/// 41 samples in batches of 8 are 5 batches, two a step: 3 steps an epoch, 9 in all.
fn settings(rule: &str) -> TrainSettings {
    TrainSettings {
        epochs: 3,
        batch: 8,
        accumulate: 2,
        lr: 0.01,
        schedule: Schedule::OneCycle { warmup: 0.3 },
        optimizer: RuleConfig::by_name(rule).unwrap(),
        clip_norm: Some(1.0),
        clip_value: Some(0.5),
        early_stopping: EarlyStoppingConfig {
            patience: Some(3),
            ..Default::default()
        },
        checkpoint: CheckpointEvery::Steps(100),
        seed: 3,
        ..TrainSettings::default()
    }
}

fn train(
    settings: &TrainSettings,
    folder: &Path,
    stop: &mut Stop,
) -> Result<Fit<TableModel>, TrainError> {
    let options = ModelOptions {
        dropout: 0.2,
        ..ModelOptions::new(2)
    };
    let device = Device::flex().autodiff();
    let model = TableModel::build("mlp", 2, &options, &mut init::generator(1), &device).unwrap();
    let identity = BTreeMap::from([("data".to_string(), "ring".to_string())]);
    let data: Arc<dyn Dataset> = Arc::new(Ring);
    Trainer::new(settings.clone())?
        .with_checkpoints(Checkpoints::open(folder)?, identity)
        .fit(model, &data, &data, &mut [stop])
}

/// Everything but the clock.
fn computed(fitted: &Fit<TableModel>) -> (Vec<EpochRecord>, usize, state::StateDict) {
    let timeless = |record: &EpochRecord| EpochRecord {
        seconds: 0.0,
        ..record.clone()
    };
    let records = fitted.records.iter().map(timeless).collect();
    (records, fitted.best, state::collect(&fitted.model))
}

/// Interrupts after each of `steps` in turn, each process going on from the one before.
fn survives(settings: &TrainSettings, steps: &[u64], what: &str) {
    let dir = tempfile::tempdir().unwrap();
    let whole = train(settings, &dir.path().join("whole"), &mut Stop::default()).unwrap();
    let folder = dir.path().join("stopped");
    let mut last = 0;
    for &after in steps {
        let mut stop = Stop {
            after: Some(after),
            ..Stop::default()
        };
        // Before the first epoch is done there is no model to give back; the checkpoint is there.
        let _ = train(settings, &folder, &mut stop);
        assert_eq!((stop.started, stop.step), (last, after), "{what}");
        last = after;
    }
    let mut stop = Stop::default();
    let resumed = train(settings, &folder, &mut stop).unwrap();
    assert_eq!(stop.started, last, "{what}");
    assert!(
        computed(&resumed) == computed(&whole),
        "{what}: another result"
    );
    // Once it is done, it is done: the same answer without a step.
    let mut stop = Stop::default();
    let again = train(settings, &folder, &mut stop).unwrap();
    assert_eq!(stop.step, 0, "{what}");
    assert!(
        computed(&again) == computed(&whole),
        "{what}: another result when asked again"
    );
}

#[test]
fn every_optimiser_goes_on_in_the_middle_of_an_epoch() {
    for rule in RuleConfig::NAMES {
        survives(&settings(rule), &[2, 5], rule);
    }
}

#[test]
fn after_every_step_sam_and_penalties_too() {
    let sharp = TrainSettings {
        sam: Some(Sam::new(0.05, false).unwrap()),
        penalties: vec![Penalty::ElasticNet(ElasticNet {
            lambda: 1e-3,
            l1_ratio: 0.5,
            proximal: true,
        })],
        ..settings("adamw")
    };
    survives(&sharp, &[1, 2, 3, 4, 5, 6, 7, 8], "sam");
}

#[test]
fn checkpoints_are_written_when_they_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let often = TrainSettings {
        checkpoint: CheckpointEvery::Steps(2),
        ..settings("sgd")
    };
    let mut stop = Stop::default();
    train(&often, dir.path(), &mut stop).unwrap();
    // At steps 2, 4 and 8 within epochs, at the ends 3 and 6, and at the end of all.
    assert_eq!(stop.checkpoints, 6);
}

#[test]
fn another_identity_or_another_optimiser_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut stop = Stop {
        after: Some(4),
        ..Stop::default()
    };
    train(&settings("adam"), dir.path(), &mut stop).unwrap();
    let error = train(&settings("lion"), dir.path(), &mut Stop::default()).unwrap_err();
    assert!(
        error.to_string().contains("the checkpoint cannot be used"),
        "{error}"
    );

    let data: Arc<dyn Dataset> = Arc::new(Ring);
    let options = ModelOptions {
        dropout: 0.2,
        ..ModelOptions::new(2)
    };
    let device = Device::flex().autodiff();
    let model = TableModel::build("mlp", 2, &options, &mut init::generator(1), &device).unwrap();
    let other = BTreeMap::from([("data".to_string(), "circle".to_string())]);
    let error = Trainer::new(settings("adam"))
        .unwrap()
        .with_checkpoints(Checkpoints::open(dir.path()).unwrap(), other)
        .fit(model, &data, &data, &mut [])
        .unwrap_err();
    assert!(error.to_string().starts_with("the data changed"), "{error}");
}
