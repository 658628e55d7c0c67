//! Pretrained encoders: a head on their features, low-rank matrices, or all of their weights.

use super::network::{Tokens, prepare, show};
use super::{Data, asked, recipe};
use crate::commands::train::transfer::{Head, Samples, train_head};
use crate::commands::train::{Job, Watch};
use crate::encoder::{Encoder, EncoderDescription, Ids, Published};
use crate::failure::{Failure, usage};
use crate::output::say;
use crate::settings::{Settings, Tune};
use crate::zoo::bert::{TextClassifier, TextFeatures};
use anyhow::anyhow;
use burn::tensor::{Int, Tensor};
use onggi_data::Split;
use onggi_nn::{init, state};
use onggi_train::linear::LinearHead;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Training texts up to which the head alone is trained.
const HEAD_UP_TO: usize = 2_000;

/// Training texts up to which low-rank matrices are.
const LORA_UP_TO: usize = 20_000;

/// Rank of the matrices.
const RANK: usize = 8;

pub(super) fn train(
    settings: &Settings,
    encoder: &Encoder,
    watch: Watch,
    job: Job,
) -> Result<(), Failure> {
    let data = Data::read(settings)?;
    let train = data.part(Split::Train)?;
    let searching = matches!(job, Job::FindLr(_));
    let (settings, reason) = settle(settings, train.0.len(), searching)?;
    let Published {
        files,
        config,
        encoder,
        tokenizer,
        max_tokens,
    } = encoder.read(settings.max_tokens())?;
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|e| Failure::from(anyhow!("{}: {e}", path.display())))
    };
    let tokens = Tokens {
        vocabulary: tokenizer.vocab_size(),
        max_tokens,
        written: read(&files.tokenizer)?,
        ids: Arc::new(Ids(tokenizer)),
    };
    let bytes = fs::metadata(&files.weights).map_or(0, |found| found.len());
    let maker = format!(
        "{}, {bytes} bytes; mean of {max_tokens} tokens; {}; {:?}",
        files.weights.display(),
        tokens.written,
        asked(&settings, train.0.len())?
    );
    let mut description = EncoderDescription {
        config: read(&files.config)?,
        lora: None,
    };
    if let Some(reason) = reason.filter(|_| !settings.json) {
        say(reason);
    }
    let mut prepared = prepare(&settings, &data, tokens, &job)?;
    let classes = data.texts.classes().len();
    let rng = &mut init::generator(settings.seed);
    let head = Head {
        backbone: TextFeatures {
            model: description.classifier(encoder, classes, rng)?,
        },
        maker,
        width: config.hidden_size,
        train: Samples::texts(&train),
        val: Samples::texts(&data.part(Split::Val)?),
    };
    description.lora = (settings.tune == Tune::Lora).then_some(RANK);
    prepared.description.encoder = Some(description.clone());
    let put = |backbone: TextFeatures, head: LinearHead| -> Result<TextClassifier, Failure> {
        let model = backbone.model.with_head(head.weight, head.bias);
        Ok(model.map_err(anyhow::Error::from)?)
    };
    let pictures = |dir: &Path, found: &_| show(&data, dir, found);
    if settings.tune == Tune::Head {
        return train_head::<Tensor<2, Int>, _, _>(
            &settings, &prepared, head, put, pictures, watch, &job,
        );
    }
    let (backbone, head) = head.begin::<Tensor<2, Int>>(&settings, &prepared, &watch)?;
    let fitted = state::collect(&put(backbone, head)?);
    crate::commands::train::train::<Tensor<2, Int>, TextClassifier>(
        &settings,
        &prepared,
        |rng, device| {
            let model = description.build(classes, settings.dropout, rng, device)?;
            // The matrices have no part in what was published; at first they change nothing.
            let mut begun = state::collect(&model);
            begun.extend(fitted);
            Ok(state::load(model, begun).map_err(anyhow::Error::from)?)
        },
        pictures,
        watch,
        job,
    )
}

/// Chooses what is left open, by the number of training texts, and says why.
fn settle(
    settings: &Settings,
    training: usize,
    searching: bool,
) -> Result<(Settings, Option<String>), Failure> {
    let mut reason = None;
    if settings.weights.is_some() {
        return usage(
            "--weights is for images; an encoder of texts is named by --model, or is a folder",
        );
    }
    let given = |name: &str| settings.given.iter().any(|given| given == name);
    if settings.width != 1.0 || settings.drop_path > 0.0 || given("norm") || given("vocabulary") {
        return usage(
            "--width, --drop-path, --norm and --vocabulary have no part in a pretrained encoder, whose weights are as they are",
        );
    }
    let mut settings = settings.clone();
    if settings.tune == Tune::Auto {
        let (tune, why) = if training <= HEAD_UP_TO && !searching {
            (Tune::Head, "too few to move an encoder without harm")
        } else if training <= LORA_UP_TO {
            (Tune::Lora, "enough for low-rank matrices beside it")
        } else {
            (Tune::All, "enough for the whole encoder")
        };
        settings.tune = tune;
        reason = Some(format!(
            "--tune {tune}: {training} training texts are {why}"
        ));
    }
    let lr = !given("lr");
    match settings.tune {
        Tune::Head => {
            // A view more for each changed copy that the recipe makes of a text.
            if settings.views == 0 {
                settings.views = recipe(&settings, training)?.map_or(0, |(_, copies)| copies);
            } else if settings.augment_text.is_none() {
                return usage("--views is for texts that are changed: give --augment-text as well");
            }
        }
        Tune::Lora if lr => settings.lr /= 10.0,
        Tune::All if lr => settings.lr /= 100.0,
        Tune::Lora | Tune::All => {}
        Tune::Auto | Tune::Last(_) => {
            return usage(format!(
                "--tune {}: an encoder of texts is tuned by head, lora or all",
                settings.tune
            ));
        }
    }
    if settings.tune != Tune::Head && settings.views > 0 {
        return usage(
            "--views is for --tune head; other ways of tuning see each text anew every epoch",
        );
    }
    Ok((settings, reason))
}
