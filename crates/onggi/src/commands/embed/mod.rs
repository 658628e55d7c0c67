//! `onggi embed DATA --out FILE`: what a pretrained model makes of images or texts, as a table.

mod image;
mod text;
mod write;

use crate::encoder::Encoder;
use crate::failure::{Failure, usage};
use crate::output::{say, say_json, thousands};
use crate::threads::Threads;
use clap::{Args, ValueEnum};
use onggi_train::linear::{DenseRows, principal_components};
use std::path::{Path, PathBuf};
use write::Format;

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi embed photos/ --out features.csv               path, class, f0, f1, … of each image
  onggi embed photos/ --out features.parquet --dims 32 the first 32 principal components
  onggi embed photos/ --out features.npy               numbers alone; features.npy.json has paths and classes
  onggi embed reviews.csv --target label --model all-MiniLM-L6-v2 --out features.parquet
  onggi embed texts/ --model my-bert/ --out features.csv
  onggi train features.csv --target class --ignore path

A model of texts is a name of `onggi models list`, pulled by `onggi models pull`, or a folder with config.json,
tokenizer.json and model.safetensors of a BERT, MiniLM, DistilBERT or RoBERTa.";

/// Arguments of `onggi embed`.
#[derive(Args, Debug)]
pub(crate) struct Embed {
    /// Folder of class folders with images or .txt files; with a model of texts also a .csv, .tsv or .jsonl file
    data: PathBuf,
    /// File to write, .csv, .parquet or .npy (float32, one row an image or text); it must be new
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Model, see `onggi models list`; for texts also a folder
    #[arg(long, value_name = "NAME", default_value = "efficientnet_lite0")]
    model: String,
    /// Weights of a model of images from a file, a PyTorch state dict
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Principal components to keep in place of all features
    #[arg(long, value_name = "N")]
    dims: Option<usize>,
    /// Column with the text
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    text_column: String,
    /// Column with the class of a text, written beside its features
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// Which vector stands for a text
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Pool::Mean)]
    pooling: Pool,
    /// Tokens of a text that are read; no more than the model was made for
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_tokens: usize,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object: file, images or texts, columns
    #[arg(long)]
    json: bool,
}

/// The flag `--pooling`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Pool {
    /// The mean of the tokens, of length 1
    Mean,
    /// The first token
    Cls,
    /// The first token through the model's pooler
    Pooler,
}

/// Features, and what they are of.
struct Found {
    /// `images` or `texts`.
    what: &'static str,
    features: DenseRows,
    /// The column that names the rows, and their names.
    key: &'static str,
    ids: Vec<String>,
    /// The column of the classes, and each row's; none for texts without.
    class: String,
    classes: Option<Vec<String>>,
}

impl Embed {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let format = Format::of(&self.out)?;
        if self.out.exists() {
            let shown = self.out.display();
            return Err(anyhow::anyhow!("--out {shown}: it is there already; name another").into());
        }
        let mut found = match Encoder::named(&self.model)? {
            Some(encoder) => self.texts(&encoder)?,
            None => self.images()?,
        };
        if let Some(dims) = self.dims {
            let kept = principal_components(&found.features, dims);
            found.features = kept.or_else(|e| usage(format!("--dims: {e}")))?;
        }
        write::write(&self.out, format, &found, &self.model)?;
        self.tell(&found)
    }

    fn tell(&self, found: &Found) -> Result<(), Failure> {
        let (what, rows) = (found.what, found.features.rows());
        let columns = found.features.columns();
        if self.json {
            let told = serde_json::json!({"out": self.out, what: rows, "columns": columns});
            return Ok(say_json(&told)?);
        }
        let shown = Path::display(&self.out);
        let rows = thousands(rows);
        say(format!("{shown}: {rows} {what}, {columns} features each"));
        Ok(())
    }
}
