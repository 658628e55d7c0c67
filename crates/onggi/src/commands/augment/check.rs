//! `onggi augment check DATA RUN`: how often a trained model changes its mind, transform by transform.

use crate::commands::diagnose::data::image_parts;
use crate::description::{Trained, load_run};
use crate::failure::{Failure, usage};
use crate::output::{percent, say, say_json};
use crate::threads::Threads;
use burn::tensor::{Device, Tensor, TensorData};
use clap::Args;
use onggi_augment::Draw;
use onggi_augment::image::{Image, ImageTransform, Sample, TRANSFORMS};
use onggi_data::image::{CACHE_BYTES, ImagePreprocess, ImageStore, resize_cover};
use onggi_nn::{Classifier, Mode};
use serde::Serialize;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
A transform under which the answers change often is too strong for this data, or changes what the
picture means: a mirror does to digits. One that never changes an answer teaches nothing new.

Examples:
  onggi augment check photos/ runs/photos-1
  onggi augment check photos/ runs/photos-1 --only horizontal_flip,random_rotation
  onggi augment check photos/ runs/photos-1 --json";

/// Share of changed answers from which a transform is called strong.
const STRONG: f64 = 0.2;

/// Samples asked for at once.
const BATCH: usize = 64;

/// Arguments of `onggi augment check`.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The images that the run was trained on
    data: PathBuf,
    /// Run folder, as `onggi train` printed it
    run: PathBuf,
    /// Transforms to try [default: all that keep the picture's size, with their own defaults]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Images to try them on, of those the model was not trained on
    #[arg(long, value_name = "N", default_value_t = 256)]
    samples: usize,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What a transform does to the answers.
#[derive(Serialize)]
struct Row {
    transform: &'static str,
    /// Share of images with another answer than before.
    changed: f64,
    accuracy: f64,
    /// Accuracy less that of the images as they are.
    difference: f64,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Found {
    samples: usize,
    accuracy: f64,
    transforms: Vec<Row>,
    /// Those that do not take such pictures: another number of channels, masks or boxes wanted.
    left_out: Vec<&'static str>,
}

impl Check {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if !(1..=100_000).contains(&self.samples) {
            return usage(format!(
                "--samples must be between 1 and 100,000, but is {}",
                self.samples
            ));
        }
        let (trained, classes) = load_run(&self.run)?;
        let Trained::Image(model, preprocess) = trained else {
            return usage(format!(
                "{}: the run is of a table; transforms are for images",
                self.run.display()
            ));
        };
        let transforms = self.transforms()?;
        let (parts, paths) = image_parts(&self.data, &self.run, &classes, &preprocess)?;
        self.threads.start()?;
        // The paths are in the order train, validation, test: the last two were not trained on.
        let first = parts[0].len();
        let held_out = paths.len() - first;
        let n = held_out.min(self.samples);
        let store = ImageStore::new(preprocess.shape(), CACHE_BYTES);
        let mut images = Vec::new();
        let mut labels = Vec::new();
        for i in 0..n {
            let at = i * held_out / n;
            images.push((*store.get(&paths[first + at])?).clone());
            let in_val = at.checked_sub(parts[1].len());
            labels.push(in_val.map_or_else(|| parts[1].label(at), |test| parts[2].label(test)));
        }
        let ask = |images: &[Image]| answers(&model, &preprocess, images);
        let plain = ask(&images)?;
        let share = |hits: usize| hits as f64 / n.max(1) as f64;
        let right = |answers: &[usize]| {
            let pairs = answers.iter().zip(&labels);
            share(pairs.filter(|(answer, label)| answer == label).count())
        };
        let accuracy = right(&plain);
        let mut found = Found {
            samples: n,
            accuracy,
            transforms: Vec::new(),
            left_out: Vec::new(),
        };
        for (name, transform) in transforms {
            let changed = self.changed(&transform, &images);
            match changed.and_then(|images| ask(&images)) {
                Ok(after) => found.transforms.push(Row {
                    transform: name,
                    changed: share(after.iter().zip(&plain).filter(|(a, b)| a != b).count()),
                    accuracy: right(&after),
                    difference: right(&after) - accuracy,
                }),
                Err(_) => found.left_out.push(name),
            }
        }
        found
            .transforms
            .sort_by(|a, b| b.changed.total_cmp(&a.changed));
        if self.json {
            return Ok(say_json(&found)?);
        }
        show(&found);
        Ok(())
    }

    /// The transforms that are tried, each always done.
    fn transforms(&self) -> Result<Vec<(&'static str, ImageTransform)>, Failure> {
        let names = || TRANSFORMS.iter().map(|row| row.name);
        if let Some(unknown) = self.only.iter().find(|name| !names().any(|n| n == **name)) {
            let all: Vec<_> = names().collect();
            return usage(format!(
                "--only: there is no transform `{unknown}`; there are {}",
                all.join(", ")
            ));
        }
        let asked = |name: &str| self.only.is_empty() || self.only.iter().any(|n| n == name);
        let mut transforms = Vec::new();
        for row in TRANSFORMS.iter().filter(|row| asked(row.name)) {
            // Containers and those that want a size have no default that does anything.
            let json = serde_json::json!({"transform": row.name, "p": 1.0});
            if let Ok(transform) = serde_json::from_value(json) {
                transforms.push((row.name, transform));
            }
        }
        Ok(transforms)
    }

    /// The images changed, brought back to their size where a transform changes it.
    fn changed(&self, transform: &ImageTransform, images: &[Image]) -> Result<Vec<Image>, Failure> {
        let one = |(i, image): (usize, &Image)| {
            let mut rng = Draw::new(self.seed, 0, i as u64);
            let changed = transform
                .apply(Sample::from(image.clone()), &mut rng)?
                .image;
            Ok(resize_cover(&changed, image.height(), image.width())?)
        };
        images.iter().enumerate().map(one).collect()
    }
}

/// The model's answer to each image.
fn answers<M: Classifier<4>>(
    model: &M,
    preprocess: &ImagePreprocess,
    images: &[Image],
) -> Result<Vec<usize>, Failure> {
    let [c, h, w] = preprocess.shape().chw();
    let mut answers = Vec::new();
    for images in images.chunks(BATCH) {
        let mut values = vec![0.0; images.len() * c * h * w];
        for (image, out) in images.iter().zip(values.chunks_exact_mut(c * h * w)) {
            preprocess.write(image, out)?;
        }
        let data = TensorData::new(values, [images.len(), c, h, w]);
        let x = Tensor::<4>::from_data(data, &Device::flex());
        let logits = model.forward(x, &Mode::Eval)?;
        let best = logits.argmax(1).into_data();
        answers.extend(best.iter::<i64>().map(|class| class as usize));
    }
    Ok(answers)
}

fn show(found: &Found) {
    say(format!(
        "{} images the model was not trained on, {} right as they are\n",
        found.samples,
        percent(found.accuracy)
    ));
    say("transform                     changed  accuracy  difference");
    for row in &found.transforms {
        say(format!(
            "{:<28}  {:>7}  {:>8}  {:>+10.1}{}",
            row.transform,
            percent(row.changed),
            percent(row.accuracy),
            100.0 * row.difference,
            if row.changed >= STRONG {
                "  strong"
            } else {
                ""
            }
        ));
    }
    if !found.left_out.is_empty() {
        say(format!(
            "\nLeft out, as they do not take these pictures: {}",
            found.left_out.join(", ")
        ));
    }
}
