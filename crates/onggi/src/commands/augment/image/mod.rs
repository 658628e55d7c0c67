//! `onggi augment image IN OUT`: changed copies of the images of a folder, targets carried along.

mod coco;
mod grid;
mod yolo;

use crate::commands::picture;
use crate::commands::runs::bar;
use crate::failure::{Failure, usage};
use crate::output::{say, say_json, thousands, warn};
use crate::settings::{Augment, PipelineFile};
use crate::threads::Threads;
use anyhow::anyhow;
use clap::Args;
use coco::{Coco, Written};
use onggi_augment::Draw;
use onggi_augment::image::{BoxRule, Compose, Sample};
use onggi_data::image::{decode_as_is, images_below};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) const EXAMPLES: &str = "\
Copies keep the folders of IN, so the labels of class folders are kept: cats/tom.jpg becomes
cats/tom-1.jpg, cats/tom-2.jpg, … With --masks, images and masks go to OUT/images and OUT/masks.

Examples:
  onggi augment image photos/ more/ --copies 5
  onggi augment image photos/ --preview grid.png                look first, write nothing else
  onggi augment image photos/ more/ --augment strong --originals
  onggi augment image photos/ more/ --augment pipeline.toml
  onggi augment image scans/images more/ --masks scans/masks    masks of the same names, .png
  onggi augment image data/ more/ --yolo                        data/images, data/labels, or beside
  onggi augment image photos/ more/ --coco annotations.json     writes more/annotations.json

A pipeline file:
  [[steps]]
  transform = \"random_rotation\"
  degrees = 15
  [[steps]]
  transform = \"gaussian_blur\"
  p = 0.2";

/// Most copies of an image.
const MOST_COPIES: usize = 1_000;

/// Originals and copies shown by `--preview`.
const SHOWN: [usize; 2] = [8, 7];

/// Images in hand at once: what is written is not kept.
const CHUNK: usize = 64;

/// Arguments of `onggi augment image`.
#[derive(Args, Debug)]
pub(crate) struct ImageCommand {
    /// Folder of images, at any depth
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Folder to make
    #[arg(value_name = "OUT", required_unless_present = "preview")]
    output: Option<PathBuf>,
    /// How: shift, light, standard, strong, or a pipeline's .toml or .json file
    #[arg(
        long,
        alias = "pipeline",
        value_name = "HOW",
        default_value = "standard"
    )]
    augment: Augment,
    /// Copies of each image
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1)]
    copies: usize,
    /// Copy the images themselves to OUT, too
    #[arg(long)]
    originals: bool,
    /// Folder of masks: PNG files of one channel, named as their images
    #[arg(long, value_name = "DIR")]
    masks: Option<PathBuf>,
    /// Carry boxes along from YOLO's text files
    #[arg(long, conflicts_with = "coco")]
    yolo: bool,
    /// Carry boxes and keypoints along from COCO's annotation file
    #[arg(long, value_name = "FILE")]
    coco: Option<PathBuf>,
    /// Drop boxes of which less than this share is left
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    min_visibility: f64,
    /// Draw the first images beside some copies, targets included, into a PNG file
    #[arg(long, value_name = "FILE")]
    preview: Option<PathBuf>,
    /// Seed: same seed, same copies, at any --threads
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object with the figures
    #[arg(long)]
    json: bool,
}

/// What was done.
#[derive(Serialize)]
struct Figures {
    images: usize,
    written: usize,
    boxes: usize,
    boxes_dropped: usize,
    skipped: Vec<String>,
}

/// An image and the copies of it that are to be made.
struct Job<'a> {
    index: usize,
    name: &'a str,
    path: &'a Path,
}

/// The copies of one image.
struct Copies {
    written: Vec<Written>,
    boxes: usize,
    dropped: usize,
}

impl ImageCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.check()?;
        let images = images_below(&self.input)?;
        let coco = self.coco.as_deref().map(Coco::read).transpose()?;
        if let Some(n) = coco.as_ref().map(|c| c.segmented).filter(|n| *n > 0) {
            warn(format!(
                "{} segmentations are not carried along; boxes and keypoints are",
                thousands(n)
            ));
        }
        let yolo = if self.yolo {
            label_files(&self.input, &images)?
        } else {
            HashMap::new()
        };
        self.threads.start()?;
        let jobs = images.iter().enumerate();
        let jobs: Vec<Job<'_>> = jobs
            .map(|(index, (name, path))| Job { index, name, path })
            .collect();
        if let Some(preview) = &self.preview {
            let rows: Result<Vec<_>, Failure> = evenly(&jobs, SHOWN[0])
                .map(|job| self.row(job, coco.as_ref(), &yolo))
                .collect();
            picture::write(preview, &grid::grid(&rows?)?)?;
        }
        let figures = match &self.output {
            Some(out) => Some(self.write(out, &jobs, coco.as_ref(), &yolo)?),
            None => None,
        };
        match (&figures, self.json) {
            (figures, true) => return Ok(say_json(figures)?),
            (Some(found), false) => say(format!(
                "{} images, {} copies written{}",
                thousands(found.images),
                thousands(found.written),
                match (found.boxes, found.boxes_dropped) {
                    (0, 0) => String::new(),
                    (kept, dropped) => format!(
                        "; {} boxes kept, {} left the picture",
                        thousands(kept),
                        thousands(dropped)
                    ),
                }
            )),
            (None, false) => {}
        }
        if let Some(preview) = &self.preview {
            say(format!("Preview: {}", preview.display()));
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Failure> {
        if !(1..=MOST_COPIES).contains(&self.copies) {
            return usage(format!(
                "--copies must be between 1 and {MOST_COPIES}, but is {}",
                self.copies
            ));
        }
        if !(0.0..=1.0).contains(&self.min_visibility) {
            return usage(format!(
                "--min-visibility must be between 0 and 1, but is {}",
                self.min_visibility
            ));
        }
        let png = |path: &PathBuf| path.extension().is_some_and(|end| end == "png");
        if self.preview.as_ref().is_some_and(|path| !png(path)) {
            return usage("--preview must name a .png file");
        }
        let Some(out) = &self.output else {
            return Ok(());
        };
        picture::check_out(out, &self.input)
    }

    /// All copies.
    fn write(
        &self,
        out: &Path,
        jobs: &[Job<'_>],
        coco: Option<&Coco>,
        yolo: &HashMap<String, PathBuf>,
    ) -> Result<Figures, Failure> {
        let mut figures = Figures {
            images: jobs.len(),
            written: 0,
            boxes: 0,
            boxes_dropped: 0,
            skipped: Vec::new(),
        };
        let mut all = Vec::new();
        let bar = bar("{bar:20} {pos}/{len} {eta:>4} left", jobs.len() as u64);
        for chunk in jobs.chunks(CHUNK) {
            let made: Vec<_> = chunk
                .par_iter()
                .map(|job| self.copies(out, job, coco, yolo))
                .collect();
            for (job, made) in chunk.iter().zip(made) {
                match made {
                    Ok(made) => {
                        figures.written += made.written.len();
                        figures.boxes += made.boxes;
                        figures.boxes_dropped += made.dropped;
                        all.extend(made.written);
                    }
                    Err(Failure::Failed(error)) if error.is::<onggi_data::DataError>() => {
                        warn(format!("left out: {error}"));
                        figures.skipped.push(job.name.to_owned());
                    }
                    Err(failure) => return Err(failure),
                }
            }
            bar.inc(chunk.len() as u64);
        }
        bar.finish_and_clear();
        if figures.skipped.len() == jobs.len() {
            return Err(anyhow!("{}: no image could be read", self.input.display()).into());
        }
        if self.originals {
            figures.written -= jobs.len() - figures.skipped.len();
        }
        // What was done, to be read and to be done again. A preset depends on the image's size.
        if let Augment::File(_) = self.augment {
            let steps = self.augment.pipeline(1, 1)?;
            let text = toml::to_string(&PipelineFile { steps }).map_err(anyhow::Error::from)?;
            picture::whole(&out.join("pipeline.toml"), text.as_bytes())?;
        }
        if let Some(coco) = coco {
            let file = serde_json::to_vec_pretty(&coco.file(all))?;
            picture::whole(&out.join("annotations.json"), &file)?;
        }
        Ok(figures)
    }

    /// Writes the copies of one image.
    fn copies(
        &self,
        out: &Path,
        job: &Job<'_>,
        coco: Option<&Coco>,
        yolo: &HashMap<String, PathBuf>,
    ) -> Result<Copies, Failure> {
        let original = self.sample(job, coco, yolo)?;
        let pipeline = self.pipeline(&original)?;
        let mut copies = Copies {
            written: Vec::new(),
            boxes: 0,
            dropped: 0,
        };
        let first = usize::from(!self.originals);
        for copy in first..=self.copies {
            let name = if copy == 0 {
                job.name.to_owned()
            } else {
                numbered(job.name, copy)
            };
            let sample = if copy == 0 {
                original.clone()
            } else {
                self.draw(&pipeline, &original, job, copy)?
            };
            let (images, masks) = match &self.masks {
                Some(_) => (out.join("images"), Some(out.join("masks"))),
                None => (out.to_owned(), None),
            };
            if copy == 0 {
                // Its bytes, not what a second encoding would make of them.
                let bytes = fs::read(job.path).map_err(|e| anyhow!("{}: {e}", job.name))?;
                picture::whole(&images.join(&name), &bytes)?;
            } else {
                picture::write(&images.join(&name), &sample.image)?;
                copies.boxes += sample.boxes.len();
                copies.dropped += original.boxes.len() - sample.boxes.len();
            }
            if let (Some(folder), Some(mask)) = (masks, sample.masks.first()) {
                picture::write(&folder.join(&name).with_extension("png"), mask)?;
            }
            if self.yolo {
                let text = yolo::write(&sample.boxes, sample.size());
                picture::whole(&images.join(yolo::place(&name)), text.as_bytes())?;
            }
            copies.written.push(Written {
                annotations: coco.map_or_else(Vec::new, |coco| coco.take(job.name, &sample)),
                of: job.name.to_owned(),
                size: sample.size(),
                name,
            });
        }
        Ok(copies)
    }

    /// An original and some copies, for the preview.
    fn row(
        &self,
        job: &Job<'_>,
        coco: Option<&Coco>,
        yolo: &HashMap<String, PathBuf>,
    ) -> Result<Vec<Sample>, Failure> {
        let original = self.sample(job, coco, yolo)?;
        let pipeline = self.pipeline(&original)?;
        let shown = self.copies.clamp(4, SHOWN[1]);
        let drawn = (1..=shown).map(|copy| self.draw(&pipeline, &original, job, copy));
        let drawn = drawn.collect::<Result<Vec<_>, _>>()?;
        Ok([vec![original], drawn].concat())
    }

    fn draw(
        &self,
        pipeline: &Compose,
        original: &Sample,
        job: &Job<'_>,
        copy: usize,
    ) -> Result<Sample, Failure> {
        let mut rng = Draw::new(self.seed, copy as u64, job.index as u64);
        let sample = pipeline.apply(original.clone(), &mut rng);
        Ok(sample.map_err(|e| anyhow!("{}: {e}", job.name))?)
    }

    /// The pipeline for images of this size.
    fn pipeline(&self, sample: &Sample) -> Result<Compose, Failure> {
        let [height, width] = sample.size();
        self.augment.pipeline(height, width)
    }

    /// An image with its targets.
    fn sample(
        &self,
        job: &Job<'_>,
        coco: Option<&Coco>,
        yolo: &HashMap<String, PathBuf>,
    ) -> Result<Sample, Failure> {
        let mut sample = Sample::from(decode_as_is(job.path)?);
        sample.rule = BoxRule {
            min_visibility: self.min_visibility,
            ..BoxRule::default()
        };
        if let Some(masks) = &self.masks {
            let path = masks.join(job.name).with_extension("png");
            let mask = decode_as_is(&path)?;
            if mask.channels() != 1 {
                return Err(anyhow!(
                    "{}: a mask has one channel with the class of each pixel, but this has colours",
                    path.display()
                )
                .into());
            }
            sample.masks.push(mask);
        }
        if let Some(labels) = yolo.get(job.name) {
            sample.boxes = yolo::read(labels, sample.size())?;
        }
        if let Some(coco) = coco {
            coco.give(job.name, &mut sample)?;
        }
        Ok(sample)
    }
}

/// Where YOLO's files of boxes lie: below the folder that `labels/` is in, or beside the images.
fn label_files(
    root: &Path,
    images: &[(String, PathBuf)],
) -> Result<HashMap<String, PathBuf>, Failure> {
    // Given the folder `images` itself, `labels` lies beside it.
    let beside = root
        .ends_with("images")
        .then(|| root.with_file_name("labels"));
    let beside = beside.filter(|labels| labels.is_dir());
    let mut files = HashMap::new();
    let mut names: HashMap<PathBuf, &str> = HashMap::new();
    for (name, _) in images {
        let place = yolo::place(name);
        if let Some(other) = names.insert(place.clone(), name) {
            return usage(format!(
                "--yolo: {other} and {name} would share {}; give them different names",
                place.display()
            ));
        }
        files.insert(name.clone(), beside.as_deref().unwrap_or(root).join(place));
    }
    Ok(files)
}

/// `a/b.jpg` as copy 3: `a/b-3.jpg`. What cannot be written again as it is becomes PNG.
fn numbered(name: &str, copy: usize) -> String {
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, "png"));
    let end = match end.to_lowercase().as_str() {
        "jpg" | "jpeg" | "png" | "bmp" => end,
        "jfif" => "jpg",
        _ => "png",
    };
    format!("{stem}-{copy}.{end}")
}

/// At most `n` jobs, evenly spaced.
fn evenly<'a, 'b>(jobs: &'a [Job<'b>], n: usize) -> impl Iterator<Item = &'a Job<'b>> {
    let n = n.min(jobs.len());
    (0..n).map(move |i| &jobs[i * jobs.len() / n])
}
