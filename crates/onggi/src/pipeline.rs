//! Files of pipelines of augmentation.

use crate::failure::{Failure, usage};
use anyhow::anyhow;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Largest file that is read.
const MOST_BYTES: u64 = 1 << 20;

/// A pipeline as a TOML file, or as JSON where the name ends in `.json`, says it.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let shown = path.display();
    let mut text = String::new();
    let read =
        File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
    read.map_err(|e| anyhow!("pipeline {shown}: {e}"))?;
    if text.len() as u64 > MOST_BYTES {
        return usage(format!(
            "pipeline {shown}: more than {MOST_BYTES} bytes, no pipeline"
        ));
    }
    let read = if path.extension().is_some_and(|end| end == "json") {
        serde_json::from_str(&text).map_err(|e| e.to_string())
    } else {
        toml::from_str(&text).map_err(|e| e.message().to_string())
    };
    read.or_else(|e| usage(format!("pipeline {shown}: {e}")))
}
