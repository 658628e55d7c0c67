//! Diagnosis on a table and on images: verdict, gap, layers, label errors, learning curve, bias and
//! variance, and a remedy under control. `onggi diagnose` and `onggi compare` do the same at full size.
//!
//! `cargo run --release --example 04_diagnosis`

use onggi::augment::image::Compose;
use onggi::burn::tensor::Device;
use onggi::data::image::{
    CACHE_BYTES, ImageDataset, ImageFolder, ImagePreprocess, ImageStore, channel_statistics,
    suggest_shape,
};
use onggi::data::table::{Table, TableDataset, TableOptions, TablePreprocess};
use onggi::data::{Dataset, Split, SplitMap, SplitSample};
use onggi::nn::{Classifier, NnError, init};
use onggi::train::diagnose::{
    BiasVariance, CurvePoint, LabelErrors, LearningCurve, Paired, baseline, gap,
};
use onggi::train::{
    Evidence, Measured, Predictions, Schedule, Steadiness, TrainSettings, Trainer, predict,
};
use onggi::zoo::{Mlp, ModelOptions, SmallResNet};
use rand_chacha::ChaCha8Rng;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data");

type Part = Arc<dyn Dataset>;
type Parts = [Part; 3];
type Any<T> = Result<T, Box<dyn Error>>;

/// What the training part is made of: a share of it, or a bootstrap draw.
#[derive(Clone, Copy)]
enum Drawn {
    Share(f64),
    Bootstrap(u64),
}

impl Drawn {
    fn split(self, samples: &[SplitSample<'_>], whole: f64) -> SplitMap {
        let map = SplitMap::cut(samples, 42).thinned(samples, whole, 0);
        match self {
            Self::Share(share) => map.thinned(samples, share, 0),
            Self::Bootstrap(seed) => map.bootstrapped(samples, seed),
        }
    }
}

/// One kind of data and the model for it.
struct Study<'a, M> {
    name: &'a str,
    epochs: usize,
    parts: &'a dyn Fn(Drawn) -> Any<Parts>,
    model: &'a dyn Fn(&ModelOptions, &mut ChaCha8Rng, &Device) -> Result<M, NnError>,
}

impl<M> Study<'_, M> {
    /// A model trained on `train` and its log.
    fn train<const D: usize>(
        &self,
        [train, val, _]: &Parts,
        dropout: f64,
        width: f64,
        seed: u64,
    ) -> Any<onggi::train::Fit<M>>
    where
        M: Classifier<D>,
    {
        let device = Device::flex().autodiff();
        let options = ModelOptions {
            dropout,
            width,
            ..ModelOptions::new(train.num_classes())
        };
        let model = (self.model)(&options, &mut init::generator(seed), &device)?;
        let settings = TrainSettings {
            epochs: self.epochs,
            lr: 3e-3,
            schedule: Schedule::OneCycle { warmup: 0.2 },
            seed,
            ..TrainSettings::default()
        };
        Ok(Trainer::new(settings)?.fit(model, train, val, &mut [])?)
    }

    fn run<const D: usize>(&self) -> Any<()>
    where
        M: Classifier<D>,
    {
        println!("== {} ==", self.name);
        let whole = (self.parts)(Drawn::Share(1.0))?;
        let [train, val, test] = &whole;
        let fit = self.train::<D>(&whole, 0.0, 1.0, 1)?;
        let answers = |data: &Part| predict(&fit.model, data, 1);
        let (on_train, on_val, on_test) = (answers(train)?, answers(val)?, answers(test)?);
        let measured = |answers: &Predictions| Measured {
            accuracy: answers.accuracy(),
            samples: answers.labels.len(),
        };
        let mut counts = vec![0; train.num_classes()];
        (0..train.len()).for_each(|i| counts[train.label(i)] += 1);
        let judged = Evidence {
            train: measured(&on_train),
            val: measured(&on_val),
            commonest: counts.into_iter().max().unwrap_or(0) as f64 / train.len() as f64,
            baseline: Some(Measured {
                accuracy: baseline(train, val)?.val_accuracy,
                samples: val.len(),
            }),
            steadiness: Steadiness::from_log(&fit.records, false),
        };
        println!("{}", judged.verdict().words);
        let between = gap(&right(&on_train), &right(&on_val), 0.95, 0)?;
        println!(
            "gap {:.3}, interval {:.3} to {:.3}",
            between.estimate, between.low, between.high
        );
        let k = on_test.classes;
        let errors = LabelErrors::find(&on_test.labels, &on_test.probabilities, k)?;
        println!(
            "{} labels of the test part look wrong",
            errors.suspects.len()
        );

        let mut points = Vec::new();
        for share in [0.1, 0.25, 0.5, 1.0] {
            let parts = (self.parts)(Drawn::Share(share))?;
            let fit = self.train::<D>(&parts, 0.0, 1.0, 1)?;
            let found = right(&predict(&fit.model, test, 1)?);
            let wrong = found.iter().filter(|right| **right == 0.0).count();
            points.push(CurvePoint::counted(parts[0].len(), wrong, found.len()));
        }
        let curve = LearningCurve::fit(&points, 0)?;
        println!("error by training samples: {:?}", curve.law);
        println!("a point more: {:?}", curve.outlook(0.01));

        for width in [0.5, 1.0] {
            let mut models = Vec::new();
            for seed in 0..3 {
                let parts = (self.parts)(Drawn::Bootstrap(seed))?;
                let fit = self.train::<D>(&parts, 0.0, width, seed)?;
                models.push(predict(&fit.model, &parts[2], 1)?);
            }
            let rows: Vec<&[f64]> = models.iter().map(|m| m.probabilities.as_slice()).collect();
            let parts = BiasVariance::cross_entropy(&rows, &models[0].labels, k)?;
            println!("width {width}: {parts:?}");
            assert!((parts.error - parts.bias - parts.variance).abs() < 1e-9);
        }

        let (mut plain, mut dropped) = (Vec::new(), Vec::new());
        for seed in 1..4 {
            for (dropout, into) in [(0.0, &mut plain), (0.3, &mut dropped)] {
                let fit = self.train::<D>(&whole, dropout, 1.0, seed)?;
                into.push(predict(&fit.model, val, 1)?.accuracy());
            }
        }
        let found = Paired::new(&dropped, &plain, 0.95, 0)?;
        println!("dropout 0.3 over three seeds: {found:?}\n");
        Ok(())
    }
}

/// 1 for each right answer, 0 for each wrong one.
fn right(answers: &Predictions) -> Vec<f64> {
    let pairs = answers.predicted().into_iter().zip(&answers.labels);
    pairs
        .map(|(p, &label)| f64::from(u8::from(p == label)))
        .collect()
}

fn table(drawn: Drawn) -> Any<Parts> {
    let path = format!("{DATA}/breast-cancer.csv");
    let table = Table::read(Path::new(&path), "diagnosis", &TableOptions::default())?;
    let split = drawn.split(&table.split_samples(), 1.0);
    let rows = split.indices(Split::Train, table.ids())?;
    let preprocess = TablePreprocess::fit(&table, &rows)?;
    let part = |part| -> Any<Part> {
        let rows = split.indices(part, table.ids())?;
        Ok(Arc::new(TableDataset::new(&table, &rows, &preprocess)?))
    };
    Ok([part(Split::Train)?, part(Split::Val)?, part(Split::Test)?])
}

/// A tenth of the training images, so that the example takes seconds.
fn images(drawn: Drawn) -> Any<Parts> {
    let folder = ImageFolder::scan(Path::new(&format!("{DATA}/fashion-mini")))?;
    let store = Arc::new(ImageStore::new(
        suggest_shape(&folder.items, 2)?,
        CACHE_BYTES,
    ));
    let split = drawn.split(&folder.split_samples(), 0.1);
    let (mean, std) = channel_statistics(&store, &folder.select(&split, Split::Train)?, 2)?;
    let preprocess = ImagePreprocess::new(store.shape(), mean, std)?;
    let part = |part| -> Any<Part> {
        let items = folder.select(&split, part)?;
        let classes = folder.classes.len();
        let plain = Compose::default();
        let data = ImageDataset::new(store.clone(), items, classes, &preprocess, plain)?;
        Ok(Arc::new(data))
    };
    Ok([part(Split::Train)?, part(Split::Val)?, part(Split::Test)?])
}

fn main() -> Any<()> {
    Study {
        name: "breast-cancer.csv",
        epochs: 15,
        parts: &table,
        model: &|options, rng, device| Mlp::new(30, options, rng, device),
    }
    .run::<2>()?;
    Study {
        name: "fashion-mini, a tenth",
        epochs: 8,
        parts: &images,
        model: &|options, rng, device| SmallResNet::new(1, options, rng, device),
    }
    .run::<4>()
}
