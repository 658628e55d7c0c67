//! What is fuzzed: functions of bytes that must neither panic nor break what holds of every output.

#![forbid(unsafe_code)]

use std::ops::ControlFlow;
use std::path::Path;

use onggi_augment::Draw;
use onggi_augment::image::{Compose, Image, Pixels};
use onggi_augment::text::{
    Balance, Columns, DatasetConfig, Pipeline, PipelineConfig, Recipe, Resources, TextFile,
    TextTransform,
};
use onggi_data::image::{Channels, ImageShape, decode_bytes, decode_to_cover};

/// A text pipeline, as TOML and as JSON; one that is accepted is written, read back and run.
pub fn text_pipeline(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // Files that a pipeline names are not these bytes' to choose.
    if text.contains("path") {
        return;
    }
    let read = [toml::from_str(text).ok(), serde_json::from_str(text).ok()];
    for config in read.into_iter().flatten() {
        let config: PipelineConfig = config;
        let json = serde_json::to_string(&config).expect("a pipeline can be written");
        let again: PipelineConfig = serde_json::from_str(&json).expect("and read back");
        assert_eq!(again, config);
        if let Ok(pipeline) = Pipeline::new(config, &Resources::default()) {
            let text = "I don't know: 3 old jars, 나는 항아리를 샀다. [MASK]";
            sound(&pipeline, text, 1);
        }
    }
}

/// Every augmenter and recipe with its default settings: the first byte says which, the second the seed,
/// the rest is the text.
pub fn text_augment(data: &[u8]) {
    let [which, seed, text @ ..] = data else {
        return;
    };
    let text = String::from_utf8_lossy(text);
    let names = TextTransform::NAMES.len();
    let mut config = match Recipe::all().nth(usize::from(*which).wrapping_sub(names)) {
        Some((name, _)) => Recipe::by_name(name, 100).expect("a recipe's name").config,
        None => {
            let name = TextTransform::NAMES[usize::from(*which) % names];
            let step = serde_json::json!({ "transform": name });
            PipelineConfig::new(vec![serde_json::from_value(step).expect("the defaults")])
        }
    };
    config.allow_label_change = true;
    config.protect.numbers = !config
        .steps
        .iter()
        .any(|step| step.name() == "number_noise");
    // Some need a model or a file.
    if let Ok(pipeline) = Pipeline::new(config, &Resources::default()) {
        sound(&pipeline, &text, u64::from(*seed));
    }
}

/// What holds of every output.
fn sound(pipeline: &Pipeline, text: &str, seed: u64) {
    let Ok(out) = pipeline.apply(text, &mut Draw::new(seed, 0, 0)) else {
        return;
    };
    assert_eq!(out.edits.apply(text), out.text, "the edits are the change");
    for span in pipeline.config().protect.spans(text) {
        for edit in out.edits.iter() {
            let apart = edit.end <= span.start || edit.start >= span.end;
            assert!(apart, "{text:?}: {edit:?} in {span:?}");
        }
    }
}

/// A file of rows: the first byte says which format and settings.
pub fn text_rows(data: &[u8]) {
    let [how, rows @ ..] = data else {
        return;
    };
    let ends = ["csv", "tsv", "jsonl", "parquet", "csv.gz"];
    let end = ends[usize::from(how % 8) % ends.len()];
    let folder = tempfile::tempdir().expect("a folder");
    let (input, output) = (
        folder.path().join(format!("in.{end}")),
        folder
            .path()
            .join(format!("out.{}", end.trim_end_matches(".gz"))),
    );
    std::fs::write(&input, rows).expect("a file");
    let columns = Columns {
        label: if how & 8 == 0 { "label" } else { "" }.to_owned(),
        split: if how & 16 == 0 { "" } else { "split" }.to_owned(),
        ..Columns::default()
    };
    let step = serde_json::json!({"steps": [{"transform": "random_char"}]});
    let config = serde_json::from_value(step).expect("a pipeline");
    let pipeline = Pipeline::new(config, &Resources::default()).expect("a pipeline");
    let settings = DatasetConfig {
        copies: 2,
        balance: if how & 32 == 0 {
            Balance::None
        } else {
            Balance::Max
        },
        provenance_column: if how & 64 == 0 { "" } else { "how" }.to_owned(),
        ..DatasetConfig::default()
    };
    let mut watch = |_| ControlFlow::Continue(());
    let Ok(file) = TextFile::open(&input, &columns, &mut watch) else {
        return;
    };
    match file.augment(&output, &pipeline, &settings, &mut watch) {
        Ok(report) => {
            let again =
                TextFile::open(&output, &columns, &mut watch).expect("what is written is read");
            let train = report.train_rows + report.copies;
            assert_eq!(
                again.train_rows() as u64,
                train,
                "every copy is a row for training"
            );
        }
        Err(_) => assert!(!output.exists(), "whole or not at all"),
    }
}

/// An image pipeline, as TOML and as JSON; one that is accepted is written, read back and run on small images
/// of all depths.
pub fn image_pipeline(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // Files that a pipeline names are not these bytes' to choose, and large images take their time.
    if text.contains("reference") || large(text) {
        return;
    }
    #[derive(serde::Deserialize)]
    struct Steps {
        steps: Compose,
    }
    let toml = toml::from_str(text).ok().map(|read: Steps| read.steps);
    for pipeline in [toml, serde_json::from_str(text).ok()].into_iter().flatten() {
        let pipeline: Compose = pipeline;
        let json = serde_json::to_string(&pipeline).expect("a pipeline can be written");
        let again: Compose = serde_json::from_str(&json).expect("and read back");
        assert_eq!(again, pipeline);
        let bytes: Vec<u8> = (0..12 * 9 * 3).map(|i| (i * 7 % 256) as u8).collect();
        let depths = [
            Pixels::F32(bytes.iter().map(|v| f32::from(*v) / 255.0).collect()),
            Pixels::U16(bytes.iter().map(|v| u16::from(*v) * 257).collect()),
            Pixels::U8(bytes),
        ];
        for (seed, pixels) in (0..).zip(depths) {
            let image = Image::new(12, 9, 3, pixels).expect("an image");
            let Ok((_, drawn)) = pipeline.run(image.clone().into(), &mut Draw::new(seed, 0, 0))
            else {
                continue;
            };
            let replayed = pipeline.replay(&drawn, image.into());
            assert!(replayed.is_ok(), "what was drawn can be done again");
        }
    }
}

/// Whether a number has more than three digits before the point.
fn large(text: &str) -> bool {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    numbers.any(|n| n.split('.').next().unwrap_or_default().len() > 3)
}

/// An image file.
pub fn image_decode(data: &[u8]) {
    if let Ok(image) = decode_bytes(data, Path::new("fuzz"), Channels::Rgb) {
        let [height, width] = image.size();
        assert_eq!(image.pixels().len(), height * width * 3);
    }
    let shape = ImageShape::new(2, 3, Channels::Rgb).expect("a shape");
    if let Ok(image) = decode_to_cover(data, Path::new("fuzz"), shape) {
        assert_eq!(image.size(), [2, 3]);
    }
}

/// A file of weights: safetensors, or a zip or legacy `.pth`.
#[cfg(feature = "weights")]
pub fn weights(data: &[u8]) {
    if let Ok(state) = onggi_zoo::weights::read_bytes(data) {
        for tensor in state.values() {
            assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>());
        }
    }
}
