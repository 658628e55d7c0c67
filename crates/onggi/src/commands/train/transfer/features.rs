//! What a frozen backbone sees in samples, kept from one training to the next.

use super::cache::{self, Cache};
use crate::commands::train::Watch;
use crate::failure::Failure;
use crate::output::warn;
use crate::text_run::TextPart;
use crate::zoo::{Backbone, ImageModel};
use anyhow::Context;
use onggi_data::image::ImageItem;
use onggi_data::{Dataset, View};
use onggi_nn::{Network, state};
use onggi_train::linear::DenseRows;
use onggi_train::{Input, Subset, rows};
use std::sync::Arc;

/// The samples behind a data set, in its order.
pub(in crate::commands::train) struct Samples {
    /// Hashes of what they hold.
    contents: Vec<String>,
    pub(super) labels: Vec<usize>,
}

impl Samples {
    /// Image files.
    pub(in crate::commands::train) fn images(items: &[ImageItem]) -> Result<Self, Failure> {
        let content = |item: &ImageItem| -> Result<String, Failure> {
            let bytes = std::fs::read(&item.path);
            let bytes = bytes.with_context(|| item.path.display().to_string())?;
            Ok(cache::key(&bytes, ""))
        };
        Ok(Self {
            contents: items.iter().map(content).collect::<Result<_, _>>()?,
            labels: items.iter().map(|item| item.label).collect(),
        })
    }

    /// Texts with their labels.
    pub(in crate::commands::train) fn texts((texts, labels): &TextPart<'_>) -> Self {
        let content = |text: &&str| cache::key(text.as_bytes(), "");
        Self {
            contents: texts.iter().map(content).collect(),
            labels: labels.clone(),
        }
    }
}

/// Looks at samples with the backbone, and keeps what it sees.
pub(super) struct Seen<'a, M> {
    /// Answers with features.
    backbone: &'a M,
    workers: usize,
    /// Length of a feature vector.
    width: usize,
    cache: Cache,
    /// Features that were not kept from before.
    pub(super) computed: usize,
}

impl<'a, M> Seen<'a, M> {
    /// Features of `width` numbers; `maker` says what makes them: model, weights, preprocessing.
    pub(super) fn new(backbone: &'a M, maker: &str, width: usize, workers: usize) -> Self {
        Self {
            backbone,
            workers,
            width,
            cache: Cache::open(maker, width),
            computed: 0,
        }
    }

    /// Keeps the features for the next time, if it can: else that costs time, not the run.
    pub(super) fn keep(&self) {
        if let Err(error) = self.cache.save() {
            warn(format!("the features are not kept: {error}"));
        }
    }

    /// The features of each sample in each of `views`, one behind the other.
    pub(super) fn features<X: Input>(
        &mut self,
        samples: &Samples,
        data: &Arc<dyn Dataset>,
        views: &[View],
        watch: &Watch,
    ) -> Result<DenseRows, Failure>
    where
        M: Network<X>,
    {
        let contents = &samples.contents;
        let n = contents.len();
        let key = |i: usize, view: &View| match view {
            View::Eval => contents[i].clone(),
            // A draw is a function of these.
            View::Train { seed, epoch } => {
                let view = format!("seed {seed}, view {epoch}, sample {i}");
                cache::key(contents[i].as_bytes(), &view)
            }
        };
        let (width, cache) = (self.width, &mut self.cache);
        let bar = watch.counting("features", n * views.len());
        let mut done = 0;
        for view in views {
            let missing: Vec<usize> = (0..n)
                .filter(|&i| cache.get(&key(i, view)).is_none())
                .collect();
            done += n - missing.len();
            bar.set(done);
            if missing.is_empty() {
                continue;
            }
            let data: Arc<dyn Dataset> = Arc::new(Subset::of(data.clone(), missing.clone()));
            let found = rows::<X, M>(self.backbone, &data, self.workers, *view, |so_far| {
                bar.set(done + so_far)
            })?;
            done += missing.len();
            self.computed += missing.len();
            for (row, &i) in found.chunks_exact(width).zip(&missing) {
                cache.put(key(i, view), row.to_vec());
            }
        }
        bar.end();
        let mut values = Vec::with_capacity(n * views.len() * width);
        for i in 0..n {
            for view in views {
                let row = cache.get(&key(i, view)).context("a feature went missing")?;
                values.extend_from_slice(row);
            }
        }
        Ok(DenseRows::new(values, width)?)
    }
}

/// Length of a feature vector: the classifier's inputs. `None` of a model whose classifier is not linear.
pub(in crate::commands::train) fn width(model: &ImageModel) -> Option<usize> {
    let weight = format!("{}.weight", model.classifier());
    let state = state::collect(model);
    let shape = &state.get(&weight)?.shape;
    (shape.len() == 2).then(|| shape[1])
}
