//! `onggi detect PHOTO|FOLDER --weights FILE`: what is in photos, and where.

use crate::commands::models::TORCHVISION;
use crate::commands::picture::{self, COLOURS, Canvas};
use crate::failure::{Failure, usage, words};
use crate::output::{one_line, percent, say, say_json, warn};
use crate::threads::Threads;
use crate::zoo::detection::{Detection, DetectionRow, MaskRcnn, MaskRcnnSettings};
use crate::zoo::{Source, weights};
use anyhow::anyhow;
use burn::tensor::Device;
use clap::Args;
use onggi_augment::image::{Image, Pixels};
use onggi_data::image::{Channels, decode, images_below};
use onggi_nn::NnError;
use serde::Serialize;
use std::path::{Path, PathBuf};

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi detect street.jpg --weights maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth
  onggi detect photos/ --weights FILE --out drawn/     the photos again, boxes and outlines drawn
  onggi detect street.jpg --weights FILE --threshold 0.8 --json

The weights are those of torchvision's maskrcnn_resnet50_fpn for COCO's 80 classes of things; `onggi
models info maskrcnn_resnet50_fpn` says where they are. Colours of boxes go by class.";

/// The model.
const MODEL: &str = "maskrcnn_resnet50_fpn";

/// Probability above which a pixel belongs to the thing.
const INSIDE: f32 = 0.5;

/// Tensors that do not fit which are named.
const NAMED: usize = 6;

/// Arguments of `onggi detect`.
#[derive(Args, Debug)]
pub(crate) struct Detect {
    /// Photo, or folder of photos at any depth
    #[arg(value_name = "PHOTO|FOLDER")]
    input: PathBuf,
    /// Weights of the model, a PyTorch state dict
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Probability above which a thing is named
    #[arg(long, value_name = "P", default_value_t = 0.5)]
    threshold: f32,
    /// Pixels that the shorter side is scaled to: fewer are faster and find less that is small
    #[arg(long, value_name = "PIXELS", default_value_t = MaskRcnnSettings::coco().min_size)]
    size: usize,
    /// Folder to make, with the photos again and what was found drawn on them
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object with all that was found
    #[arg(long)]
    json: bool,
}

/// Something found.
#[derive(Serialize)]
struct Thing<'a> {
    class: &'a str,
    label: usize,
    score: f32,
    /// Left, top, right and bottom edge in pixels.
    #[serde(rename = "box")]
    bbox: [f32; 4],
    /// Pixels of the photo that belong to it.
    mask_pixels: usize,
}

/// A photo, and what is in it.
#[derive(Serialize)]
struct Answer<'a> {
    photo: String,
    height: usize,
    width: usize,
    things: Vec<Thing<'a>>,
}

/// A photo that got no answer.
#[derive(Serialize)]
struct Refused {
    photo: String,
    error: String,
}

impl Detect {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let row = DetectionRow::find(MODEL).or_else(|e| usage(e.to_string()))?;
        let settings = self.settings(row)?;
        let Some(file) = &self.weights else {
            return usage(without_weights(row));
        };
        let photos = if self.input.is_file() {
            let name = self.input.file_name().unwrap_or_default();
            vec![(name.to_string_lossy().into_owned(), self.input.clone())]
        } else {
            images_below(&self.input)?
        };
        if let Some(out) = &self.out {
            picture::check_out(out, &self.input)?;
        }
        self.threads.start()?;
        let state = weights::read(file)?;
        let model = MaskRcnn::new(settings, &Device::flex()).and_then(|model| model.load(state));
        let model = model.map_err(|e| misfit(file, &e))?;
        let (mut answers, mut refused) = (Vec::new(), Vec::new());
        for (name, path) in &photos {
            match self.ask(&model, row.classes, name, path) {
                Ok(answer) => {
                    if !self.json {
                        tell(&answer);
                    }
                    answers.push(answer);
                }
                Err(Failure::Failed(error)) => refused.push(Refused {
                    photo: path.display().to_string(),
                    error: words(&error),
                }),
                Err(wrong_use) => return Err(wrong_use),
            }
        }
        if self.json {
            say_json(&serde_json::json!({
                "model": MODEL, "photos": answers, "errors": refused,
            }))?;
        }
        match refused.as_slice() {
            [] => Ok(()),
            [only] => Err(anyhow!("{}", only.error).into()),
            several => {
                several.iter().for_each(|refused| warn(&refused.error));
                let (n, all) = (several.len(), photos.len());
                Err(anyhow!("{n} of {all} photos got no answer, as said above").into())
            }
        }
    }

    fn settings(&self, row: &DetectionRow) -> Result<MaskRcnnSettings, Failure> {
        if !(0.0..1.0).contains(&self.threshold) {
            return usage(format!(
                "--threshold must be at least 0 and below 1, but is {}",
                self.threshold
            ));
        }
        let most = row.settings.max_size;
        if !(32..=most).contains(&self.size) {
            let size = self.size;
            return usage(format!(
                "--size must be between 32 and {most} pixels, but is {size}"
            ));
        }
        Ok(MaskRcnnSettings {
            min_size: self.size,
            box_score_thresh: self.threshold,
            ..row.settings
        })
    }

    /// What is in a photo; it is drawn, if it is to be.
    fn ask<'a>(
        &self,
        model: &MaskRcnn,
        classes: &[&'a str],
        name: &str,
        path: &Path,
    ) -> Result<Answer<'a>, Failure> {
        let photo = decode(path, Channels::Rgb)?;
        let size @ [height, width] = photo.size();
        let Pixels::U8(mut pixels) = photo.into_pixels() else {
            return Err(anyhow!("{}: not 8 bits a value", path.display()).into());
        };
        let found = model.detect(&pixels, size)?;
        let thing = |found: &Detection| {
            let inside = found.mask.patch().values.into_iter();
            Thing {
                class: classes.get(found.label).copied().unwrap_or_default(),
                label: found.label,
                score: found.score,
                bbox: found.bbox,
                mask_pixels: inside.filter(|p| *p > INSIDE).count(),
            }
        };
        let answer = Answer {
            photo: path.display().to_string(),
            height,
            width,
            things: found.iter().map(thing).collect(),
        };
        if let Some(out) = &self.out {
            let mut canvas = Canvas {
                pixels: &mut pixels,
                height,
                width,
            };
            // The best is drawn last, on top.
            found
                .iter()
                .rev()
                .for_each(|found| draw(&mut canvas, found));
            let drawn = Image::new(height, width, 3, Pixels::U8(pixels))?;
            picture::write(&out.join(name), &drawn)?;
        }
        Ok(answer)
    }
}

/// Weights of another model, in one line: of hundreds of tensors a few are named.
fn misfit(file: &Path, error: &NnError) -> anyhow::Error {
    let why = match error {
        NnError::State { problems } if problems.len() > NAMED => {
            let (first, more) = (problems[..NAMED].join("; "), problems.len() - NAMED);
            format!("{first}; and {more} more like these")
        }
        other => other.to_string(),
    };
    let shown = file.display();
    anyhow!("{shown}: not the weights of torchvision's {MODEL} for COCO: {why}")
}

fn without_weights(row: &DetectionRow) -> String {
    let place = match row.source {
        Source::Torchvision { file } => format!("download {TORCHVISION}{file}"),
        Source::Hub { .. } => format!("`onggi models pull {}`", row.name),
        Source::Embedded => String::new(),
    };
    format!(
        "--weights FILE is needed, as {} has no weights in the program: {place} (`onggi models info {}` \
         tells more of them)",
        row.name, row.name
    )
}

fn tell(answer: &Answer<'_>) {
    let photo = one_line(&answer.photo);
    let things = answer.things.len();
    let s = if things == 1 { "" } else { "s" };
    say(format!("{photo}: {things} thing{s} found"));
    for thing in &answer.things {
        let [left, top, right, bottom] = thing.bbox.map(|edge| edge.round() as i64);
        say(format!(
            "  {:14} {:>7}  x {left} to {right}, y {top} to {bottom}",
            thing.class,
            percent(f64::from(thing.score))
        ));
    }
}

/// The frame of the box and the outline of the mask: its pixels beside one that is not its own.
fn draw(canvas: &mut Canvas<'_>, found: &Detection) {
    let colour = COLOURS[found.label % COLOURS.len()];
    let [left, top, right, bottom] = found.bbox.map(|edge| edge as i64);
    canvas.frame([left, top, right - 1, bottom - 1], colour);
    let patch = found.mask.patch();
    let (height, width) = (patch.height as i64, patch.width as i64);
    let inside = |x: i64, y: i64| {
        (0..width).contains(&x)
            && (0..height).contains(&y)
            && patch.values[(y * width + x) as usize] > INSIDE
    };
    for y in 0..height {
        for x in 0..width {
            let beside = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)];
            if inside(x, y) && beside.iter().any(|(x, y)| !inside(*x, *y)) {
                canvas.dot(patch.left as i64 + x, patch.top as i64 + y, colour);
            }
        }
    }
}
