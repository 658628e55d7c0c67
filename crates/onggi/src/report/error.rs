//! What can go wrong between a run folder and its report.

use std::io;
use std::path::PathBuf;

/// Why a report could not be made; every variant names the file at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file of the run folder is missing or cannot be read.
    #[error("cannot read {}; a report needs a folder that `onggi train` has finished", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not the JSON it should be, or was cut off.
    #[error("{} is damaged: not the JSON expected there", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The settings are not TOML.
    #[error("{} is damaged: not TOML: {}", file.display(), source.message())]
    Toml {
        /// The file.
        file: PathBuf,
        /// Where and why. Boxed: it is large, and every `Result` would carry its size.
        source: Box<toml::de::Error>,
    },
    /// A file can be read, but its parts contradict each other.
    #[error("{} contradicts itself: {what}", file.display())]
    Inconsistent {
        /// The file.
        file: PathBuf,
        /// What was expected and what is there.
        what: String,
    },
    /// A picture is said to lie outside the folder of `samples.json`.
    #[error(
        "{} names the picture {picture:?}, which is not a plain path inside the same folder; refused",
        file.display()
    )]
    PictureOutside {
        /// The file that names the picture.
        file: PathBuf,
        /// The path as it stands there.
        picture: String,
    },
    /// The finished page cannot be written.
    #[error("cannot write {}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
