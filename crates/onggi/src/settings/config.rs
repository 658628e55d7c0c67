//! Reading a settings file.

use crate::failure::{Failure, usage};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Largest `--config` file that is read.
const MAX_CONFIG: u64 = 1 << 20;

pub(super) fn read_config(path: &Path) -> Result<toml::Table, Failure> {
    let shown = path.display();
    // Not by the length that the system gives: that of /dev/zero is 0.
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_CONFIG + 1).read_to_string(&mut text))
        .map_err(|e| anyhow::anyhow!("--config {shown}: {e}"))?;
    if text.len() as u64 > MAX_CONFIG {
        return usage(format!(
            "--config {shown}: more than {MAX_CONFIG} bytes; not settings"
        ));
    }
    text.parse().or_else(|e: toml::de::Error| {
        let before = &text.as_bytes()[..e.span().map_or(0, |span| span.start).min(text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        usage(format!(
            "--config {shown}: not TOML: line {line}: {}",
            e.message()
        ))
    })
}
