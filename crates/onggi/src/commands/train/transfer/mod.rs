//! Transfer learning: which model, and how much of it is trained.

mod cache;
mod features;
mod head;

pub(super) use features::{Samples, width};
pub(super) use head::{Head, train as train_head};

use crate::commands::models::{TORCHVISION, pulled};
use crate::failure::{Failure, usage};
use crate::settings::{AUTO, NormName, Settings, Tune};
use crate::zoo::{ImageModel, Pretrained, Source, embedded, weights};
use onggi_data::image::{Channels, ImageShape};
use onggi_nn::state::StateDict;
use std::path::Path;

/// The model for photos: its weights are in the program.
const FOR_PHOTOS: &str = "efficientnet_lite0";

/// The model for other images.
const FROM_SCRATCH: &str = "small_resnet";

/// Shorter side of a photo, pixels: smaller pictures are drawn for their size.
const PHOTO_SIDE: usize = 64;

/// Training images up to which the head alone is trained.
const HEAD_UP_TO: usize = 2_000;

/// Training images up to which the last parts are trained, and how many parts those are.
const LAST_UP_TO: usize = 10_000;
const LAST_PARTS: usize = 3;

/// Training images up to which the running statistics of batch norms stay those of the weights.
const FROZEN_NORMS_UP_TO: usize = 10_000;

/// The learning rate of part `i` of a backbone, counted from the head, is this to the power of `i`, of the head's.
const RATE_OF_EARLIER: f64 = 0.8;

/// Settings with a model and a way of training it, and why it is these.
pub(super) struct Settled {
    pub(super) settings: Settings,
    /// A sentence for the user, where there was something to choose.
    pub(super) reason: Option<String>,
}

/// Chooses what is left open: the model by the images' `shape`, how much of it is trained by the number of
/// `training` images. `searching` is for a learning rate, which a head does not have.
pub(super) fn settle(
    settings: &Settings,
    shape: ImageShape,
    training: usize,
    searching: bool,
) -> Result<Settled, Failure> {
    let mut settings = settings.clone();
    let mut reason = None;
    let asked = settings.pretrained || settings.weights.is_some();
    if settings.model == AUTO {
        let colour = shape.channels() == Channels::Rgb;
        let photos = colour && shape.height() > PHOTO_SIDE && !searching;
        if asked || photos {
            settings.model = FOR_PHOTOS.into();
            settings.pretrained |= settings.weights.is_none();
        } else {
            settings.model = FROM_SCRATCH.into();
        }
    }
    let row = ImageModel::row(&settings.model).or_else(|e| usage(format!("--model: {e}")))?;
    if !(settings.pretrained || settings.weights.is_some()) {
        if settings.tune != Tune::Auto || settings.views > 0 {
            return usage(
                "--tune and --views are for --pretrained models, or those given --weights",
            );
        }
        return Ok(Settled { settings, reason });
    }
    if row.pretrained.is_none() {
        return usage(format!(
            "--pretrained: {} has no published weights; `onggi models list` shows which models have, and \
             --weights FILE takes your own",
            row.name
        ));
    }
    if settings.width != 1.0 {
        return usage(
            "--width must be 1 for a pretrained model: its weights have the width they have",
        );
    }
    if matches!(settings.norm, NormName::Group | NormName::None) {
        return usage(
            "--norm must be batch or frozen_batch for a pretrained model, whose weights have batch norms",
        );
    }
    if settings.tune == Tune::Auto {
        let (tune, why) = if training <= HEAD_UP_TO {
            (Tune::Head, "too few to move a backbone without harm")
        } else if training <= LAST_UP_TO {
            (Tune::Last(LAST_PARTS), "enough for the last parts")
        } else {
            (Tune::All, "enough for the whole model")
        };
        settings.tune = tune;
        reason = Some(format!(
            "--tune {tune}: {training} training images are {why}"
        ));
    }
    if settings.tune == Tune::Lora {
        return usage("--tune lora is for encoders of texts; images have head, last-N and all");
    }
    if settings.tune == Tune::Head {
        if searching {
            return usage(
                "a head is fitted without a learning rate: there is none to look for; try --tune all",
            );
        }
        return Ok(Settled { settings, reason });
    }
    if settings.views > 0 {
        return usage(
            "--views is for --tune head; other ways of tuning see each image anew every epoch",
        );
    }
    let open = |name: &str| !settings.given.iter().any(|given| given == name);
    let (epochs, lr, norm) = (open("epochs"), open("lr"), open("norm"));
    if epochs {
        settings.epochs = 10;
    }
    if lr {
        settings.lr /= 10.0;
    }
    if norm && training <= FROZEN_NORMS_UP_TO {
        settings.norm = NormName::FrozenBatch;
    }
    Ok(Settled { settings, reason })
}

/// The shape and normalisation that the model's weights want, where it begins with such.
pub(super) fn wanted(settings: &Settings) -> Result<Option<&'static Pretrained>, Failure> {
    if !(settings.pretrained || settings.weights.is_some()) {
        return Ok(None);
    }
    let row = ImageModel::row(&settings.model).or_else(|e| usage(format!("--model: {e}")))?;
    Ok(row.pretrained.as_ref())
}

/// Weights to begin with, and a name for what they are.
pub(crate) struct Start {
    state: StateDict,
    pub(super) name: String,
}

impl Start {
    /// The weights of the model called `name`: those of the file, else the published ones.
    pub(crate) fn read(
        name: &str,
        file: Option<&Path>,
        wanted: &Pretrained,
    ) -> Result<Self, Failure> {
        if let Some(path) = file {
            return Self::of_file(path);
        }
        match wanted.source {
            Source::Embedded => match embedded(name).map_err(anyhow::Error::from)? {
                Some(state) => Ok(Self {
                    state,
                    name: format!("{name}, embedded"),
                }),
                None => usage(format!(
                    "--pretrained: the weights of {name} are not in this program"
                )),
            },
            Source::Torchvision { file } => usage(format!(
                "--pretrained: the weights of {name} are not on the hub; download {TORCHVISION}{file} and give it by \
                 --weights FILE"
            )),
            Source::Hub { repo, file } => match pulled(repo, file) {
                Some(path) => Self::of_file(&path),
                None => usage(format!(
                    "--pretrained: the weights of {name} are not here; fetch them with `onggi models pull {name}`, or \
                     without a network give {file} of {repo} by --weights FILE"
                )),
            },
        }
    }

    fn of_file(path: &Path) -> Result<Self, Failure> {
        let state = weights::read(path).map_err(anyhow::Error::from)?;
        let size = std::fs::metadata(path).map_or(0, |found| found.len());
        let name = format!("{}, {size} bytes", path.display());
        Ok(Self { state, name })
    }

    /// The model with these weights but for its classifier.
    pub(crate) fn put_into(self, model: ImageModel) -> Result<ImageModel, Failure> {
        let loaded = model.with_backbone(self.state);
        Ok(loaded.map_err(|error| {
            anyhow::anyhow!("the weights ({}) are not this model's: {error}", self.name)
        })?)
    }
}

/// Sets what is frozen and how fast each part moves, by the names of the model's parameters in their order.
pub(super) fn discriminate(mut settings: Settings, names: &[String], classifier: &str) -> Settings {
    if !(settings.freeze.is_empty() && settings.lr_factor.is_empty()) {
        return settings;
    }
    let parts = parts(names, classifier);
    let trained = match settings.tune {
        Tune::Last(n) => n,
        _ => usize::MAX,
    };
    for (depth, part) in parts.iter().rev().enumerate() {
        for pattern in part {
            if depth >= trained {
                settings.freeze.push(pattern.clone());
            } else {
                let factor = RATE_OF_EARLIER.powi(depth as i32 + 1);
                settings.lr_factor.push(format!("{pattern}={factor:.4}"));
            }
        }
    }
    settings
}

/// The parts of a backbone in the order of its layers, each by the patterns of its parameters' names: fields of
/// the model, the places of its lists; a norm belongs to the layer before it.
fn parts(names: &[String], classifier: &str) -> Vec<Vec<String>> {
    let mut parts: Vec<Vec<String>> = Vec::new();
    for name in names {
        if name.starts_with(&format!("{classifier}.")) {
            continue;
        }
        let mut words = name.split('.');
        let (first, second) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let place = second.parse::<usize>().is_ok();
        let pattern = if place {
            format!("{first}.{second}.*")
        } else {
            format!("{first}.*")
        };
        if parts.iter().any(|part| part.contains(&pattern)) {
            continue;
        }
        let norm = !place && (first.starts_with("bn") || first.starts_with("norm"));
        match parts.last_mut() {
            Some(part) if norm => part.push(pattern),
            _ => parts.push(vec![pattern]),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_the_layers() {
        let names = [
            "conv_stem.weight",
            "bn1.weight",
            "bn1.bias",
            "blocks.0.0.conv_dw.weight",
            "blocks.0.0.bn1.weight",
            "blocks.1.0.conv_pw.weight",
            "conv_head.weight",
            "bn2.weight",
            "classifier.weight",
        ];
        let names = names.map(String::from);
        let expected = [
            vec!["conv_stem.*", "bn1.*"],
            vec!["blocks.0.*"],
            vec!["blocks.1.*"],
            vec!["conv_head.*", "bn2.*"],
        ];
        assert_eq!(parts(&names, "classifier"), expected);
    }
}
