//! `onggi augment text IN OUT`: changed copies of the rows of a file.

mod text;

use crate::failure::{Failure, usage};
use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi augment text reviews.csv more.csv --recipe eda --label-column label
  onggi augment text --help                       all recipes and flags";

/// Largest `--pipeline` file that is read.
const MAX_PIPELINE: u64 = 1 << 20;

/// Arguments of `onggi augment`.
#[derive(Args, Debug)]
pub(crate) struct Augment {
    #[command(subcommand)]
    what: What,
}

/// One variant a kind of data.
#[derive(Subcommand, Debug)]
enum What {
    /// Write a file of rows again, with changed copies of the training rows
    #[command(after_help = text::EXAMPLES)]
    Text(text::Text),
}

impl Augment {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Text(command) => command.run(),
        }
    }
}

/// A pipeline as a TOML file, or as JSON where the name ends in `.json`, says it.
fn read_pipeline<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let shown = path.display();
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_PIPELINE + 1).read_to_string(&mut text))
        .map_err(|e| anyhow::anyhow!("--pipeline {shown}: {e}"))?;
    if text.len() as u64 > MAX_PIPELINE {
        return usage(format!(
            "--pipeline {shown}: more than {MAX_PIPELINE} bytes; no pipeline"
        ));
    }
    let json = path.extension().is_some_and(|end| end == "json");
    let read = match json {
        true => serde_json::from_str(&text).map_err(|e| e.to_string()),
        false => toml::from_str(&text).map_err(|e| e.message().to_string()),
    };
    read.or_else(|e| usage(format!("--pipeline {shown}: {e}")))
}
