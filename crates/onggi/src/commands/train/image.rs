//! Training on a folder of images.

use super::transfer::{self, Head, Samples, Settled, Start};
use super::{Job, Prepared, Watch, describe, parts, samples};
use crate::description::Input;
use crate::failure::{Failure, usage};
use crate::output::{say, warn};
use crate::settings::{Settings, Tune};
use crate::zoo::{Backbone, Features, ImageModel};
use burn::tensor::{Device, Tensor};
use onggi_augment::Draw;
use onggi_augment::image::{Compose, Image, Pixels};
use onggi_data::Split;
use onggi_data::image::{
    CACHE_BYTES, Channels, ImageDataset, ImageFolder, ImagePreprocess, ImageShape, ImageStore,
    channel_statistics, suggest_shape, verify,
};
use onggi_nn::{init, state};
use onggi_train::linear::LinearHead;
use onggi_train::run::Skipped;
use onggi_train::{Predictions, fingerprint};
use rand_chacha::ChaCha8Rng;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// Images that could not be read and are named one by one; the rest are counted.
const NAMED: usize = 10;

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
    let training = settings.split(&folder.split_samples()).counts()[0];
    let searching = matches!(job, Job::FindLr(_));
    let Settled { settings, reason } = transfer::settle(settings, suggested, training, searching)?;
    let wanted = transfer::wanted(&settings)?;
    let shape = match (settings.size, wanted) {
        (Some(side), Some(_)) => ImageShape::new(side, side, Channels::Rgb)?,
        (Some(side), None) => ImageShape::new(side, side, suggested.channels())?,
        (None, Some(wanted)) => ImageShape::new(wanted.size, wanted.size, Channels::Rgb)?,
        (None, None) => suggested,
    };
    if let Some(reason) = reason.filter(|_| !settings.json) {
        say(reason);
    }
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
    let (mean, std) = match wanted {
        Some(wanted) => (wanted.mean.to_vec(), wanted.std.to_vec()),
        None => channel_statistics(&store, &train_items, threads)?,
    };
    let preprocess = ImagePreprocess::new(shape, mean, std)?;
    let augmentation = settings.augment.pipeline(shape.height(), shape.width())?;
    same_size(&augmentation, shape)?;
    warn_of_labels(&augmentation, &folder.classes);
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
        &settings,
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
        content: sizes(&folder, &augmentation)?,
        baseline: None,
        beside: None,
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
    let seed = settings.seed;
    let pictures = |dir: &Path, answers: &Predictions| {
        let classes = &prepared.description.classes;
        samples::write(dir, classes, &shown, answers, &augmented, seed)
    };
    let build = |rng: &mut ChaCha8Rng, device: &Device| {
        let name = &prepared.description.model;
        ImageModel::build(name, channels, &options, rng, device)
            .map_err(|e| Failure::Usage(format!("--model: {e}")))
    };
    let Some(wanted) = wanted else {
        return super::train::<Tensor<4>, ImageModel>(
            &settings, &prepared, build, pictures, watch, job,
        );
    };
    let model = build(&mut init::generator(settings.seed), &Device::flex())?;
    let (names, classifier) = (state::names(&model), model.classifier());
    let start = Start::read(&settings.model, settings.weights.as_deref(), wanted)?;
    let maker = format!(
        "{}; {}; {preprocess:?}; {}",
        settings.model,
        start.name,
        serde_json::to_string(&augmentation)?
    );
    let model = start.put_into(model)?;
    let put = |backbone: Features, head: LinearHead| -> Result<ImageModel, Failure> {
        let model = backbone.model.with_head(head.weight, head.bias);
        Ok(model.map_err(anyhow::Error::from)?)
    };
    let fitted = match transfer::width(&model) {
        None if settings.tune == Tune::Head => {
            return usage(
                "--tune head is for models with a linear classifier, which this one has not: ask for --tune last-2 \
                 or --tune all",
            );
        }
        None => model,
        Some(width) => {
            let head = Head {
                backbone: Features { model },
                maker,
                width,
                train: Samples::images(&train_items)?,
                val: Samples::images(&folder.select(&prepared.split, Split::Val)?)?,
            };
            if settings.tune == Tune::Head {
                return transfer::train_head(
                    &settings, &prepared, head, put, pictures, watch, &job,
                );
            }
            let (backbone, head) = head.begin(&settings, &prepared, &watch)?;
            put(backbone, head)?
        }
    };
    let fitted = state::collect(&fitted);
    let settings = transfer::discriminate(settings, &names, classifier);
    let build = |rng: &mut ChaCha8Rng, device: &Device| {
        let begun = state::load(build(rng, device)?, fitted);
        Ok(begun.map_err(anyhow::Error::from)?)
    };
    super::train::<Tensor<4>, ImageModel>(&settings, &prepared, build, pictures, watch, job)
}

/// A hash of the pipeline, which may come from a file, and of the images' names and sizes in bytes: to read them all again would take as long as an
/// epoch. That the training images hold the same pixels shows in their mean and deviation.
fn sizes(folder: &ImageFolder, pipeline: &Compose) -> Result<String, Failure> {
    let mut text = serde_json::to_string(pipeline)?;
    for item in &folder.items {
        let bytes = std::fs::metadata(&item.path).map_or(0, |found| found.len());
        // Writing to a string does not fail.
        let _ = writeln!(text, "{bytes} {}", item.id);
    }
    Ok(fingerprint(text.as_bytes()))
}

/// Sees that the pipeline gives 8-bit images of the model's size.
fn same_size(pipeline: &Compose, shape: ImageShape) -> Result<(), Failure> {
    let (height, width, channels) = (shape.height(), shape.width(), shape.channels().count());
    let grey = Pixels::U8(vec![127; height * width * channels]);
    let image = Image::new(height, width, channels, grey)?;
    let after = pipeline.apply(image, &mut Draw::new(0, 0, 0))?.image;
    let eight_bits = matches!(after.pixels(), Pixels::U8(_));
    if after.size() == [height, width] && after.channels() == channels && eight_bits {
        return Ok(());
    }
    usage(format!(
        "--augment: the pipeline makes {:?} of {height}×{width} pixels, or changes channels or depth; it \
         must keep them, as the model takes them: end it with `resize` to that size, and leave \
         `normalize` to the training",
        after.size()
    ))
}

/// Transforms that exchange left and right, or top and bottom.
const MIRRORS: [&str; 5] = [
    "horizontal_flip",
    "vertical_flip",
    "transpose",
    "rotate90",
    "d4",
];

/// Tells of transforms that are known to change what the classes mean.
fn warn_of_labels(pipeline: &Compose, classes: &[String]) {
    let mirrored = pipeline
        .transforms()
        .iter()
        .any(|t| MIRRORS.contains(&t.name()));
    let oriented = |class: &String| {
        let class = class.to_lowercase();
        let mut letters = class.chars();
        let sign = letters.next().is_some_and(char::is_alphanumeric) && letters.next().is_none();
        let words = ["left", "right", "up", "down", "arrow", "turn"];
        let mut parts = class.split(|c: char| !c.is_alphanumeric());
        sign || parts.any(|part| words.contains(&part))
    };
    let marked = classes.iter().filter(|class| oriented(class)).count();
    if mirrored && 2 * marked >= classes.len() {
        warn(
            "the classes are named like signs or directions, which a mirror or a quarter turn changes \
             into others: --augment shift does without; `onggi augment check` shows what a trained \
             model makes of it",
        );
    }
}
