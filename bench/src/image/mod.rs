//! `onggi-bench image`: image transforms over a folder of photos.
//!
//! What is timed on both sides: one pass over all photos, each result dropped at once. What is not:
//! reading and decoding them, but in `jpeg_decode`. A row's figure is milliseconds a pass. Photos keep
//! the size they have in the folder.

mod photos;
mod rows;

use crate::peer::Peer;
use crate::suite::{Entry, Turns};
use anyhow::Result;
use clap::Args;
use photos::Photos;
use std::ffi::OsStr;
use std::path::PathBuf;

/// The libraries of `peers/image.py`.
const LIBRARIES: [&str; 5] = [
    "albumentations",
    "torchvision",
    "pillow",
    "opencv",
    "imgaug",
];

/// Arguments of the suite.
#[derive(Args)]
pub(crate) struct Suite {
    #[command(flatten)]
    turns: Turns,
    /// Folder of photos, JPEG or PNG
    #[arg(long, value_name = "FOLDER")]
    images: PathBuf,
    /// Threads of each side: ours share the photos of a pass
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

impl Suite {
    /// Times all rows beside the peers.
    pub(crate) fn run(self) -> Result<()> {
        let photos = Photos::read(&self.images, self.threads)?;
        let entries = rows::all().into_iter().map(|(name, row)| {
            let photos = &photos;
            Entry {
                name,
                shape: &[],
                make: Box::new(move || row.step(photos)),
            }
        });
        self.turns.run(entries.collect(), self.threads, || {
            let Some(python) = &self.turns.peer_python else {
                return Ok(Vec::new());
            };
            let start = |library| {
                let args = [
                    OsStr::new(library),
                    OsStr::new("--images"),
                    self.images.as_os_str(),
                ];
                Peer::python(python, "image.py", &args, self.threads)
            };
            LIBRARIES.into_iter().map(start).collect()
        })
    }
}
