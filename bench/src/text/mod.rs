//! `onggi-bench text`: text augmentation, one copy of each of 1,000 short reviews.
//!
//! What is timed on both sides: one call for all texts, the copies freed outside of the timed part. Ours
//! is a pipeline of one step, protected spans and record of the edits included, which the peers have not.
//! A row's figure is milliseconds a call. What is not: making augmenters and texts.

mod rows;
mod texts;

use crate::peer::Peer;
use crate::suite::{Entry, Turns};
use anyhow::{Context, Result};
use clap::Args;
use std::ffi::OsStr;
use std::path::PathBuf;

/// The libraries of `peers/text.py`.
const LIBRARIES: [&str; 2] = ["nlpaug", "fasttextaug"];

/// Arguments of the suite.
#[derive(Args)]
pub(crate) struct Suite {
    #[command(flatten)]
    turns: Turns,
    /// File with one text a line [default: 1,000 made-up reviews of about 134 characters]
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// Threads of each side: ours share the texts of a call
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

impl Suite {
    /// Times all rows beside the peers.
    pub(crate) fn run(self) -> Result<()> {
        let texts = match &self.texts {
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| path.display().to_string())?
                .lines()
                .map(str::to_owned)
                .collect(),
            None => texts::reviews(),
        };
        // The peers read the same texts from a file.
        let shared = std::env::temp_dir().join(format!("onggi-bench-{}.txt", std::process::id()));
        std::fs::write(&shared, texts.join("\n"))?;
        let entries = rows::all().into_iter().map(|(name, step)| {
            let texts = &texts;
            Entry {
                name,
                shape: &[],
                make: Box::new(move || rows::step(step.clone(), texts.clone())),
            }
        });
        let timed = self.turns.run(entries.collect(), self.threads, || {
            let Some(python) = &self.turns.peer_python else {
                return Ok(Vec::new());
            };
            let start = |library| {
                let args = [
                    OsStr::new(library),
                    OsStr::new("--texts"),
                    shared.as_os_str(),
                ];
                Peer::python(python, "text.py", &args, self.threads)
            };
            LIBRARIES.into_iter().map(start).collect()
        });
        std::fs::remove_file(&shared)?;
        timed
    }
}
