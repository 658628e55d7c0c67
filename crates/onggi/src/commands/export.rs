//! `onggi export RUN --format safetensors|onnx`.

use crate::description::{Input, Trained, load_described};
use crate::failure::{Failure, usage};
use crate::output::{one_line, say, say_json, thousands};
use crate::text_run::{TextRun, load_network};
use anyhow::anyhow;
use clap::{Args, ValueEnum};
use onggi_data::image::Channels;
use onggi_nn::state;
use onggi_train::plain_safetensors;
use onggi_train::run::{files, write_whole};
use onggi_zoo::onnx::{self, Columns, Images};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi export runs/photos-1 --format onnx             writes runs/photos-1.onnx
  onggi export runs/photos-1 --format safetensors      weights by PyTorch's names
  onggi export runs/table-1 --format onnx --out model.onnx --force

An ONNX file takes samples as they are, and standardises them itself:
  images  float32 (N, channels, height, width), pixels divided by 255
  rows    float64 (N, columns), NaN where a value is missing
It gives `logits` and `probabilities`. A safetensors file holds weights alone.
Both have `labels` and `preprocessing` in their metadata, as JSON.";

/// Arguments of `onggi export`.
#[derive(Args, Debug)]
pub(crate) struct Export {
    /// Run folder, as `onggi train` printed it
    run: PathBuf,
    /// What to write
    #[arg(long, value_enum)]
    format: Format,
    /// File to write [default: named as the run, beside it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// Print one JSON object: path, format, size, input, number of classes
    #[arg(long)]
    json: bool,
}

/// The flag `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Weights by PyTorch's names
    Safetensors,
    /// A graph that runtimes of ONNX execute (opset 17)
    Onnx,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Onnx => "onnx",
        }
    }
}

impl Export {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let run = self.run.display();
        if self.run.join(files::TEXT_MODEL).is_file() {
            return usage(format!(
                "{run}: a run of texts has no network to export: its n-grams and their weights are in {}, \
                 as JSON",
                self.run.join(files::TEXT_MODEL).display()
            ));
        }
        let network = load_network(&self.run)?;
        if network.is_some() && self.format == Format::Onnx {
            return usage(format!(
                "{run}: a network for texts is exported as safetensors, not as ONNX: give --format safetensors"
            ));
        }
        let out = match self.out {
            Some(out) => out,
            None => beside(&self.run, self.format)?,
        };
        if out.exists() && !self.force {
            let shown = out.display();
            return Err(anyhow!(
                "{shown}: is there already; take another name with --out, or --force to write over it"
            )
            .into());
        }
        let (trained, description) = match network {
            Some((text, description)) => (Exported::Text(text), description),
            None => {
                let (trained, description) = load_described(&self.run)?;
                (Exported::Other(trained), description)
            }
        };
        let in_graph = self.format == Format::Onnx;
        let metadata = [
            ("labels", json!(description.classes).to_string()),
            (
                "preprocessing",
                preprocessing(&description.input, in_graph).to_string(),
            ),
        ];
        let model = description.model.as_str();
        let bytes = match self.format {
            Format::Onnx => match &trained {
                Exported::Other(trained) => onnx_file(trained, model, &metadata)?,
                Exported::Text(_) => return usage("a network for texts is not exported as ONNX"),
            },
            Format::Safetensors => {
                let [labels, preprocessing] = metadata;
                let metadata = [
                    ("format", "pt".to_owned()),
                    (
                        "producer",
                        concat!("onggi ", env!("CARGO_PKG_VERSION")).to_owned(),
                    ),
                    ("model", model.to_owned()),
                    labels,
                    preprocessing,
                ];
                plain_safetensors(&state_of(&trained), &metadata)
            }
        };
        write_whole(&out, &bytes)?;
        let size = bytes.len();
        if self.json {
            let (input, shape) = given(&trained, &description.input);
            say_json(&json!({
                "export": out, "format": self.format.name(), "model": model, "bytes": size,
                "input": { "name": input, "shape": shape },
                "classes": description.classes.len(),
            }))?;
            return Ok(());
        }
        say(one_line(&out.display().to_string()));
        let what = match self.format {
            Format::Safetensors => "the state dict".to_owned(),
            Format::Onnx => {
                let (input, shape) = given(&trained, &description.input);
                let sizes: Vec<_> = shape.iter().map(ToString::to_string).collect();
                let classes = description.classes.len();
                let sizes = sizes.join(", ");
                format!("`{input}` (N, {sizes}) to `logits` and `probabilities` (N, {classes})")
            }
        };
        say(format!("{model}, {} bytes: {what}", thousands(size)));
        Ok(())
    }
}

/// What is exported.
#[allow(clippy::large_enum_variant)] // one lives at a time
enum Exported {
    Text(TextRun),
    Other(Trained),
}

/// Tokens of a text that are read.
fn max_tokens(input: &Input) -> usize {
    match input {
        Input::Text { max_tokens, .. } => *max_tokens,
        _ => 0,
    }
}

/// `runs/a` → `runs/a.onnx`.
fn beside(run: &Path, format: Format) -> Result<PathBuf, Failure> {
    let whole = match run.file_name() {
        Some(_) => run.to_path_buf(),
        // Such as `.`: its name has to be asked for.
        None => run
            .canonicalize()
            .map_err(|e| anyhow!("{}: {e}", run.display()))?,
    };
    let Some(name) = whole.file_name() else {
        return usage("the run's folder has no name; say where to write with --out");
    };
    let mut name = name.to_os_string();
    name.push(format!(".{}", format.name()));
    Ok(whole.with_file_name(name))
}

/// The name of what a graph takes, and its sizes behind the batch.
fn given(trained: &Exported, input: &Input) -> (&'static str, Vec<usize>) {
    match trained {
        Exported::Text(_) => ("tokens", vec![max_tokens(input)]),
        Exported::Other(Trained::Image(_, preprocess)) => {
            ("images", preprocess.shape().chw().to_vec())
        }
        Exported::Other(Trained::Table(_, preprocess, _)) => {
            ("rows", vec![preprocess.columns().len()])
        }
    }
}

fn onnx_file(
    trained: &Trained,
    name: &str,
    metadata: &[(&str, String)],
) -> Result<Vec<u8>, Failure> {
    Ok(match trained {
        Trained::Image(model, preprocess) => {
            let normalize = preprocess.normalize();
            let input = Images {
                shape: preprocess.shape().chw(),
                mean: normalize.mean(),
                std: normalize.std(),
            };
            onnx::image_model(model, &input, name, metadata)?
        }
        Trained::Table(model, preprocess, _) => {
            let input = Columns {
                medians: preprocess.medians(),
                means: preprocess.means(),
                stds: preprocess.stds(),
            };
            onnx::table_model(model, &input, name, metadata)?
        }
    })
}

fn state_of(trained: &Exported) -> state::StateDict {
    match trained {
        Exported::Text(text) => text.state(),
        Exported::Other(Trained::Image(model, _)) => state::collect(model),
        Exported::Other(Trained::Table(model, ..)) => state::collect(model),
    }
}

/// How a sample becomes what the file takes; `in_graph` says whether the last step is the file's own.
fn preprocessing(input: &Input, in_graph: bool) -> Value {
    match input {
        Input::Image(preprocess) => {
            let (shape, normalize) = (preprocess.shape(), preprocess.normalize());
            let channels = match shape.channels() {
                Channels::Grey => "L",
                Channels::Rgb => "RGB",
            };
            json!({
                "task": "image",
                "channels": channels,
                "resize": "until it covers the size, aspect ratio kept",
                "interpolation": "bilinear, antialiased",
                "crop": "centre",
                "height": shape.height(),
                "width": shape.width(),
                "layout": "NCHW",
                "divide_by": 255,
                "mean": decimals(normalize.mean()),
                "std": decimals(normalize.std()),
                "standardised_in_graph": in_graph,
            })
        }
        Input::Text {
            vocabulary,
            max_tokens,
            ..
        } => json!({
            "task": "text",
            "tokenizer": "the run's tokenizer.json",
            "vocabulary": vocabulary,
            "max_tokens": max_tokens,
            "padding": 0,
        }),
        Input::Table { target, preprocess } => json!({
            "task": "table",
            "target": target,
            "columns": preprocess.columns(),
            "median": preprocess.medians(),
            "mean": preprocess.means(),
            "std": preprocess.stds(),
            "standardised_in_graph": in_graph,
        }),
    }
}

/// Each number by its shortest decimals, which numbers of 64 bits would have more of.
fn decimals(values: &[f32]) -> Vec<f64> {
    let shortest = |v: &f32| v.to_string().parse().unwrap_or(f64::from(*v));
    values.iter().map(shortest).collect()
}
