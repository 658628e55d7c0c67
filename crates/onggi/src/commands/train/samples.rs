//! The report's pictures: the surest mistakes, and training images as the model saw them.

use crate::failure::Failure;
use anyhow::Context;
use image::ExtendedColorType;
use onggi_augment::image::{Image, Pixels};
use onggi_data::image::ImageDataset;
use onggi_data::{Dataset, View};
use onggi_train::Predictions;
use onggi_train::run::{AugmentedSample, Mistake, Samples, files, write_json};
use std::fs;
use std::path::Path;

/// Mistakes shown.
const MISTAKES: usize = 24;

/// Training images shown, and augmented views of each.
const AUGMENTED: usize = 8;
const VIEWS: usize = 5;

/// Writes `samples/` into the run folder `dir`: mistakes of `answers` on `shown`, views of
/// `augmented`.
pub(super) fn write(
    dir: &Path,
    classes: &[String],
    shown: &ImageDataset,
    answers: &Predictions,
    augmented: &ImageDataset,
    seed: u64,
) -> Result<(), Failure> {
    let list = dir.join(files::SAMPLES);
    let folder = list.parent().unwrap_or(dir);
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut samples = Samples::default();

    let mut mistakes: Vec<(f64, usize, usize)> = answers
        .predicted()
        .into_iter()
        .zip(answers.rows())
        .enumerate()
        .filter(|(index, (predicted, _))| *predicted != answers.labels[*index])
        .map(|(index, (predicted, row))| (row[predicted], index, predicted))
        .collect();
    mistakes.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (rank, &(confidence, index, predicted)) in mistakes.iter().take(MISTAKES).enumerate() {
        let name = format!("mistake-{rank:02}.png");
        save(&folder.join(&name), &*shown.image(index, View::Eval)?)?;
        samples.mistakes.push(Mistake {
            image: name,
            source: shown.source(index),
            truth: classes[answers.labels[index]].clone(),
            predicted: classes[predicted].clone(),
            confidence,
        });
    }

    let count = AUGMENTED.min(augmented.len());
    for sample in 0..count {
        let index = (2 * sample + 1) * augmented.len() / (2 * count);
        let original = format!("original-{sample:02}.png");
        save(
            &folder.join(&original),
            &*augmented.image(index, View::Eval)?,
        )?;
        let mut views = Vec::new();
        for view in 0..VIEWS {
            let name = format!("augmented-{sample:02}-{view}.png");
            let drawn = View::Train {
                seed,
                epoch: 1 + view as u64,
            };
            save(&folder.join(&name), &*augmented.image(index, drawn)?)?;
            views.push(name);
        }
        let class = classes[augmented.label(index)].clone();
        samples.augmented.push(AugmentedSample {
            original,
            views,
            class,
        });
    }
    Ok(write_json(&list, &samples)?)
}

fn save(path: &Path, picture: &Image) -> Result<(), Failure> {
    let Pixels::U8(pixels) = picture.pixels() else {
        return Err(anyhow::anyhow!("{}: only 8-bit pictures are saved", path.display()).into());
    };
    let color = if picture.channels() == 1 {
        ExtendedColorType::L8
    } else {
        ExtendedColorType::Rgb8
    };
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    image::save_buffer(path, pixels, width, height, color)
        .with_context(|| path.display().to_string())?;
    Ok(())
}
