//! Training on a folder of images.

use super::{Job, Prepared, Watch, describe, parts, samples};
use crate::description::Input;
use crate::failure::Failure;
use crate::output::warn;
use crate::settings::{Augment, Settings};
use crate::zoo::ImageModel;
use onggi_augment::image::{Compose, HorizontalFlip, RandomCrop, Transform};
use onggi_data::Split;
use onggi_data::image::{
    CACHE_BYTES, ImageDataset, ImageFolder, ImagePreprocess, ImageShape, ImageStore,
    channel_statistics, suggest_shape, verify,
};
use onggi_train::fingerprint;
use onggi_train::run::Skipped;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// Images that could not be read and are named one by one; the rest are counted.
const NAMED: usize = 10;

/// Padding of the random crop as a share of the side: 1 pixel of 28, where 2 cost two points of
/// test accuracy on data/fashion-mini.
const SHIFT: f64 = 1.0 / 28.0;

pub(super) fn train(settings: &Settings, watch: Watch, job: Job) -> Result<(), Failure> {
    let threads = settings.threads();
    let mut folder = ImageFolder::scan(Path::new(&settings.data))?;
    if folder.ignored > 0 {
        warn(format!(
            "{}: passed over {} file(s): hidden, no images by their extension, or beside the class \
             folders",
            settings.data, folder.ignored
        ));
    }
    let suggested = suggest_shape(&folder.items, threads)?;
    let shape = match settings.size {
        Some(side) => ImageShape::new(side, side, suggested.channels())?,
        None => suggested,
    };
    let store = Arc::new(ImageStore::new(shape, CACHE_BYTES));
    let progress = watch.reading(folder.items.len());
    let (good, skipped) = verify(
        &store,
        &folder.items,
        settings.strict,
        threads,
        &|done, _| progress.set(done),
    )?;
    progress.end();
    for image in skipped.iter().take(NAMED) {
        warn(format!(
            "{}: left out: {}",
            image.path.display(),
            image.reason
        ));
    }
    if skipped.len() > NAMED {
        warn(format!(
            "{} more images left out; the report names them",
            skipped.len() - NAMED
        ));
    }
    folder.items = good;
    folder.check()?;

    let split = settings.split(&folder.split_samples());
    let train_items = folder.select(&split, Split::Train)?;
    let (mean, std) = channel_statistics(&store, &train_items, threads)?;
    let preprocess = ImagePreprocess::new(shape, mean, std)?;
    let augmentation = augmentation(settings.augment, shape)?;
    let classes = folder.classes.len();
    let dataset = |part| -> Result<ImageDataset, Failure> {
        let items = folder.select(&split, part)?;
        let augmentation = augmentation.clone();
        Ok(ImageDataset::new(
            store.clone(),
            items,
            classes,
            &preprocess,
            augmentation,
        )?)
    };
    let (train_data, val, test) = parts(dataset, &split)?;
    let description = describe(
        settings,
        folder.classes.clone(),
        Input::Image(preprocess.clone()),
    );
    let shown = if test.is_some() {
        Split::Test
    } else {
        Split::Val
    };
    let (shown, augmented) = (dataset(shown)?, dataset(Split::Train)?);
    let prepared = Prepared {
        samples: "images",
        train: train_data,
        val,
        test,
        split,
        content: sizes(&folder),
        skipped: skipped
            .into_iter()
            .map(|image| Skipped {
                what: image.path.display().to_string(),
                why: image.reason,
            })
            .collect(),
        description,
    };
    let options = prepared.description.options();
    let channels = shape.channels().count();
    super::train::<4, ImageModel>(
        settings,
        &prepared,
        |rng, device| {
            let name = &settings.model;
            ImageModel::build(name, channels, &options, rng, device)
                .map_err(|e| Failure::Usage(format!("--model: {e}")))
        },
        |dir, answers| {
            let classes = &prepared.description.classes;
            samples::write(dir, classes, &shown, answers, &augmented, settings.seed)
        },
        watch,
        job,
    )
}

/// A hash of the images' names and sizes in bytes: to read them all again would take as long as an
/// epoch. That the training images hold the same pixels shows in their mean and deviation.
fn sizes(folder: &ImageFolder) -> String {
    let mut text = String::new();
    for item in &folder.items {
        let bytes = std::fs::metadata(&item.path).map_or(0, |found| found.len());
        // Writing to a string does not fail.
        let _ = writeln!(text, "{bytes} {}", item.id);
    }
    fingerprint(text.as_bytes())
}

/// The transforms of `--augment`.
fn augmentation(augment: Augment, shape: ImageShape) -> Result<Compose, Failure> {
    let (height, width) = (shape.height(), shape.width());
    let shift = (height.max(width) as f64 * SHIFT).round().max(1.0) as usize;
    let crop = RandomCrop {
        size: [height, width],
        padding: shift,
        ..Default::default()
    };
    let crop = crop.build()?;
    Ok(Compose::new(match augment {
        Augment::None => vec![],
        Augment::Shift => vec![crop],
        Augment::Light => vec![crop, HorizontalFlip::default().build()?],
    }))
}
