//! `onggi models list|info|pull`: which models there are, and their weights.

use crate::failure::{Failure, usage};
use crate::output::{say, say_json, thousands};
use crate::zoo::bert::{EncoderFolder, EncoderRow, TEXT_ENCODERS};
use crate::zoo::detection::{DETECTION_MODELS, DetectionRow, UNUSED};
use crate::zoo::pass::Cost;
use crate::zoo::weights::hub::{self, HubFile};
use crate::zoo::{
    IMAGE_MODELS, ImageModel, ImageRow, ModelOptions, Pretrained, Source, TABLE_MODELS, TEXT_MODELS,
};
use burn::tensor::Device;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use onggi_nn::{init, state};
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi models list                      every model, and where its weights are
  onggi models info efficientnet_lite0   size, input, licence of one
  onggi models pull efficientnet_lite1   its weights into the hub's cache, for --pretrained
  onggi models pull all-MiniLM-L6-v2     an encoder of texts, for `train` and `embed`

The hub is Hugging Face's: HF_ENDPOINT, HF_TOKEN, HF_HOME and HF_HUB_CACHE are respected, and with
HF_HUB_OFFLINE=1 nothing is asked of it.";

/// Revision of the hub's repositories.
const REVISION: &str = "main";

/// Where torchvision's files are.
pub(crate) const TORCHVISION: &str = "https://download.pytorch.org/models/";

/// Side of the images that a model without weights is counted for, pixels.
const SMALL: usize = 64;

/// Classes of ImageNet.
const CLASSES: usize = 1000;

/// Arguments of `onggi models`.
#[derive(Args, Debug)]
pub(crate) struct Models {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Name every model
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Tell more of one
    Info {
        /// Name of the model
        name: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Download its weights, if they are not here yet
    Pull {
        /// Name of the model
        name: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

impl Models {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::List { json } => list(json),
            What::Info { name, json } => match (DetectionRow::find(&name), EncoderRow::find(&name))
            {
                (Ok(row), _) => detector_info(row, json),
                (_, Ok(encoder)) => encoder_info(encoder, json),
                _ => info(row(&name)?, json),
            },
            What::Pull { name, json } => match (DetectionRow::find(&name), EncoderRow::find(&name))
            {
                (Ok(row), _) => pull(row.name, Some(row.source), json),
                (_, Ok(encoder)) => pull_encoder(encoder, json),
                _ => {
                    let row = row(&name)?;
                    pull(row.name, row.pretrained.map(|p| p.source), json)
                }
            },
        }
    }
}

fn row(name: &str) -> Result<&'static ImageRow, Failure> {
    ImageModel::row(name).or_else(|e| usage(e.to_string()))
}

/// The file of a repository.
fn hub_file<'a>(repo: &'a str, file: &'a str) -> HubFile<'a> {
    HubFile {
        repo,
        revision: REVISION,
        file,
        sha256: None,
        bytes: None,
    }
}

/// The pulled weights of a model whose weights are on the hub, if they are here.
pub(crate) fn pulled(repo: &str, file: &str) -> Option<PathBuf> {
    hub::cached(&hub_file(repo, file))
}

/// The pulled files of an encoder of texts, if all are here.
pub(crate) fn encoder_files(row: &EncoderRow) -> Option<EncoderFolder> {
    let [config, tokenizer, weights] = EncoderFolder::FILES;
    Some(EncoderFolder {
        config: pulled(row.repo, config)?,
        tokenizer: pulled(row.repo, tokenizer)?,
        weights: pulled(row.repo, weights)?,
    })
}

/// Where the files of an encoder of texts are, in words.
fn encoder_place(row: &EncoderRow) -> String {
    match encoder_files(row) {
        Some(_) => "pulled".into(),
        None => format!("on the hub: {}", row.repo),
    }
}

/// Where the weights of a model are, in words.
fn place(source: Option<Source>) -> String {
    match source {
        None => "trained from scratch".into(),
        Some(Source::Embedded) => "in the program".into(),
        Some(Source::Hub { repo, file }) => match pulled(repo, file) {
            Some(_) => "pulled".into(),
            None => format!("on the hub: {repo}"),
        },
        Some(Source::Torchvision { file }) => format!("torchvision: {file}"),
    }
}

/// What the model for texts without a network is.
const LINEAR: &str = "TF-IDF of words and characters with logistic regression";

fn list(json: bool) -> Result<(), Failure> {
    let tables = TABLE_MODELS
        .iter()
        .map(|row| (row.name, "table", row.summary));
    if json {
        let images = IMAGE_MODELS.iter().map(|row| {
            serde_json::json!({
                "name": row.name, "task": "image", "summary": row.summary,
                "weights": place(row.pretrained.map(|p| p.source)),
                "imagenet_top1": row.pretrained.map(|p| p.top1),
            })
        });
        let linear = ("linear", "text", LINEAR);
        let texts = TEXT_MODELS
            .iter()
            .map(|row| (row.name, "text", row.summary));
        let rest = tables.chain([linear]).chain(texts);
        let rest = rest.map(|(name, task, summary)| {
            serde_json::json!({"name": name, "task": task, "summary": summary, "weights": place(None)})
        });
        let detectors = DETECTION_MODELS.iter().map(|row| {
            serde_json::json!({
                "name": row.name, "task": "detection", "summary": row.summary,
                "weights": place(Some(row.source)),
                "coco_box_ap": row.box_ap, "coco_mask_ap": row.mask_ap,
            })
        });
        let encoders = TEXT_ENCODERS.iter().map(|row| {
            serde_json::json!({
                "name": row.name, "task": "text", "summary": row.summary, "weights": encoder_place(row),
                "licence": row.licence,
            })
        });
        let all: Vec<_> = images
            .chain(detectors)
            .chain(rest)
            .chain(encoders)
            .collect();
        return Ok(say_json(&serde_json::json!({ "models": all }))?);
    }
    let names =
        (IMAGE_MODELS.iter().map(|row| row.name)).chain(TEXT_ENCODERS.iter().map(|row| row.name));
    let width = names.map(str::len).max().unwrap_or(0);
    say("For images (top-1 accuracy on ImageNet as published, where there are weights):");
    for row in IMAGE_MODELS {
        let top1 = row
            .pretrained
            .map_or_else(|| "     –".into(), |p| format!("{:>4.1} %", p.top1));
        say(format!(
            "  {:width$}  {top1}  {}",
            row.name,
            place(row.pretrained.map(|p| p.source))
        ));
    }
    say("For finding things in photos (average precision on COCO as published):");
    for row in DETECTION_MODELS {
        say(format!(
            "  {:width$}  boxes {} %, masks {} %",
            row.name, row.box_ap, row.mask_ap
        ));
    }
    say("For tables:");
    for (name, _, summary) in tables {
        say(format!("  {name:width$}  {summary}"));
    }
    say("For texts:");
    say(format!("  {:width$}  {LINEAR}", "linear"));
    for row in TEXT_MODELS {
        say(format!("  {:width$}  {}", row.name, row.summary));
    }
    say("Encoders of texts, for `onggi train` and `onggi embed`:");
    for row in TEXT_ENCODERS {
        say(format!("  {:width$}  {}", row.name, encoder_place(&row)));
    }
    Ok(())
}

fn encoder_info(row: &EncoderRow, json: bool) -> Result<(), Failure> {
    let weights = encoder_place(row);
    if json {
        return Ok(say_json(&serde_json::json!({
            "name": row.name, "summary": row.summary, "parameters": row.parameters,
            "features": row.width, "weights": weights, "licence": row.licence,
        }))?);
    }
    say(format!("{}: {}", row.name, row.summary));
    say(format!("  parameters       {}", thousands(row.parameters)));
    say(format!("  features         {} of each text", row.width));
    say(format!("  weights          {weights}"));
    say(format!("  licence          {}", row.licence));
    Ok(())
}

/// Its three files; the weights last, so that what is small shows first whether the hub is there.
fn pull_encoder(row: &EncoderRow, json: bool) -> Result<(), Failure> {
    let mut paths = Vec::new();
    for file in EncoderFolder::FILES {
        paths.push(pull_file(row.repo, file)?);
    }
    if json {
        let told = serde_json::json!({"name": row.name, "paths": paths});
        return Ok(say_json(&told)?);
    }
    for path in paths {
        say(format!("{}: {}", row.name, path.display()));
    }
    Ok(())
}

/// Downloads a file if it is not here yet, and shows how far it is.
fn pull_file(repo: &str, file: &str) -> Result<PathBuf, Failure> {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let path = hub::pull(&hub_file(repo, file), &mut |done, total| {
        bar.set_length(total.unwrap_or(done));
        bar.set_position(done);
    });
    bar.finish_and_clear();
    Ok(path.map_err(anyhow::Error::from)?)
}

fn info(row: &ImageRow, json: bool) -> Result<(), Failure> {
    let options = ModelOptions::new(CLASSES);
    let device = Device::flex().autodiff();
    let model = ImageModel::build(row.name, 3, &options, &mut init::generator(0), &device);
    let model = model.map_err(anyhow::Error::from)?;
    let parameters = state::num_parameters(&model);
    let side = row.pretrained.map_or(SMALL, |pretrained| pretrained.size);
    let cost = Cost::of(&model, [3, side, side]).map_err(anyhow::Error::from)?;
    let millions = cost.multiply_adds() as f64 / 1e6;
    if json {
        let pretrained = row.pretrained.map(|p| {
            serde_json::json!({
                "size": p.size, "mean": p.mean, "std": p.std, "imagenet_top1": p.top1, "licence": p.licence,
                "weights": place(Some(p.source)),
            })
        });
        return Ok(say_json(&serde_json::json!({
            "name": row.name, "summary": row.summary, "parameters": parameters,
            "mega_multiply_adds": millions, "at": side, "pretrained": pretrained,
        }))?);
    }
    say(format!("{}: {}", row.name, row.summary));
    say(format!(
        "  parameters       {} with {CLASSES} classes",
        thousands(parameters)
    ));
    say(format!(
        "  multiply-adds    {millions:.0} million an image of {side}×{side} pixels"
    ));
    let Some(pretrained) = row.pretrained else {
        say("  weights          none published: trained from scratch");
        return Ok(());
    };
    let Pretrained {
        size,
        mean,
        std,
        top1,
        licence,
        ..
    } = pretrained;
    say(format!(
        "  input            {size}×{size} pixels, red, green, blue"
    ));
    say(format!(
        "  normalisation    mean {mean:?}, deviation {std:?} of values from 0 to 1"
    ));
    say(format!("  ImageNet top-1   {top1} %, as published"));
    say(format!(
        "  weights          {}",
        place(Some(pretrained.source))
    ));
    say(format!("  licence          {licence}"));
    if let Source::Torchvision { file } = pretrained.source {
        say(format!(
            "  to be had        {TORCHVISION}{file}, by --weights FILE"
        ));
    }
    Ok(())
}

fn detector_info(row: &DetectionRow, json: bool) -> Result<(), Failure> {
    let (min, max) = (row.settings.min_size, row.settings.max_size);
    let DetectionRow {
        name,
        summary,
        source,
        licence,
        box_ap,
        mask_ap,
        classes,
        parameters,
        ..
    } = *row;
    let classes = classes.iter().skip(1).filter(|name| **name != UNUSED);
    let classes: Vec<_> = classes.collect();
    if json {
        return Ok(say_json(&serde_json::json!({
            "name": name, "summary": summary, "parameters": parameters,
            "min_size": min, "max_size": max, "coco_box_ap": box_ap, "coco_mask_ap": mask_ap,
            "weights": place(Some(source)), "licence": licence, "classes": classes,
        }))?);
    }
    say(format!("{name}: {summary}"));
    say(format!("  parameters       {}", thousands(parameters)));
    say(format!("  classes          {}", classes.len()));
    say(format!(
        "  input            scaled to a shorter side of {min} pixels, a longer of {max} at most"
    ));
    say(format!(
        "  COCO             average precision of boxes {box_ap} %, of masks {mask_ap} %, as published"
    ));
    say(format!("  weights          {}", place(Some(source))));
    say(format!("  licence          {licence}"));
    if let Source::Torchvision { file } = source {
        say(format!(
            "  to be had        {TORCHVISION}{file}, by `onggi detect --weights FILE`"
        ));
    }
    Ok(())
}

fn pull(name: &str, source: Option<Source>, json: bool) -> Result<(), Failure> {
    let (repo, file) = match source {
        None => {
            return usage(format!(
                "{name} has no published weights: it is trained from scratch"
            ));
        }
        Some(Source::Embedded) => {
            if json {
                return Ok(say_json(&serde_json::json!({"name": name, "path": null}))?);
            }
            say(format!(
                "{name}: its weights are in the program; there is nothing to pull"
            ));
            return Ok(());
        }
        Some(Source::Torchvision { file }) => {
            return usage(format!(
                "{name}: its weights are not on the hub; download {TORCHVISION}{file} and give it by --weights FILE"
            ));
        }
        Some(Source::Hub { repo, file }) => (repo, file),
    };
    let path = pull_file(repo, file)?;
    if json {
        return Ok(say_json(&serde_json::json!({"name": name, "path": path}))?);
    }
    say(format!("{name}: {}", path.display()));
    Ok(())
}
