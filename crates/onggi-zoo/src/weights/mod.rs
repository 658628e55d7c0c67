//! Weights from elsewhere: `.safetensors` and `.pth` files as state dicts, and their download.
//!
//! A file comes from a stranger. Reading one runs nothing, allocates in proportion to its size, and
//! ends in a state dict or an error. Whether the names and shapes are a model's is for
//! [`onggi_nn::state::load`] to say.

mod dtype;
#[cfg(feature = "hub")]
pub mod hub;
mod pickle;
mod pth;
mod safetensors;
mod strided;
mod zip;

use onggi_nn::state::StateDict;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest weights file that is read or downloaded, in bytes: 4 GiB.
pub const MAX_BYTES: u64 = 4 << 30;

/// What a wrapper puts before every name: DataParallel and DistributedDataParallel, `torch.compile`.
const PREFIXES: [&str; 2] = ["module.", "_orig_mod."];

/// Why there are no weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A file with weights that cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<WeightsError>,
    },
    /// More than is read.
    #[error("at most {limit} bytes of weights are read, these are {bytes}; pass a smaller file")]
    TooLarge {
        /// Bytes that there are.
        bytes: u64,
        /// Bytes that are read.
        limit: u64,
    },
    /// Neither safetensors nor of `torch.save`.
    #[error("weights are safetensors or a `.pth` of torch.save; this is {received}")]
    Format {
        /// What it seems to be.
        received: String,
    },
    /// A file that breaks the rules of its format.
    #[error("damaged or cut short: {reason}; save or download it again")]
    Damaged {
        /// The rule, and what is there.
        reason: String,
    },
    /// A pickle that names a Python function or class which a state dict does not need.
    #[error(
        "the pickle wants Python to call `{name}`, which no state dict needs; nothing was run. If you \
         trust whoever made the file, convert it in Python: safetensors.torch.save_file(\
         torch.load(PATH, map_location='cpu', weights_only=False)['state_dict'], \
         'weights.safetensors'), or .state_dict() in place of ['state_dict'] if it holds a whole model"
    )]
    Global {
        /// Module and name.
        name: String,
    },
    /// A sound file of a kind that is not read.
    #[error("{reason}")]
    Unsupported {
        /// What is there, and what to do.
        reason: String,
    },
    /// The hub has the file but did not give it, or not whole.
    #[cfg(feature = "hub")]
    #[error("{url}: {reason}. {remedy}")]
    Hub {
        /// What was asked for.
        url: String,
        /// What came.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// A file with another content than was expected; a download is removed.
    #[cfg(feature = "hub")]
    #[error(
        "{url}: its SHA-256 must be {expected}, received {received}: the file changed, or something on \
         the way changed it. Download again; if that does not help, do not use it"
    )]
    Hash {
        /// Where it came from.
        url: String,
        /// Hexadecimal.
        expected: String,
        /// Hexadecimal.
        received: String,
    },
}

impl WeightsError {
    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Damaged { reason }
    }

    pub(crate) fn unsupported(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Unsupported { reason }
    }

    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }
}

/// Reads a file of weights, whatever its name ends in.
///
/// Integers, booleans and floats of every width become `f32`: an integer past 2²⁴ is rounded.
///
/// # Errors
/// See [`WeightsError`]; all name the file.
///
/// # Differences from `torch.load`
/// A wrapper such as `{"state_dict": …, "epoch": …}` is opened and `module.` before every name taken
/// off. Only what a state dict is made of is known: an optimiser's state is read past, a pickled model
/// or NumPy array is refused.
pub fn read(path: &Path) -> Result<StateDict, WeightsError> {
    let io = WeightsError::io;
    let in_file = |source: WeightsError| WeightsError::File {
        path: path.to_path_buf(),
        source: Box::new(source),
    };
    // A pipe or a device could keep us forever.
    let metadata = std::fs::metadata(path).map_err(io(path))?;
    if !metadata.is_file() {
        let received = "not a plain file".into();
        return Err(in_file(WeightsError::Format { received }));
    }
    let too_large = |bytes| WeightsError::TooLarge {
        bytes,
        limit: MAX_BYTES,
    };
    if metadata.len() > MAX_BYTES {
        return Err(in_file(too_large(metadata.len())));
    }
    let file = std::fs::File::open(path).map_err(io(path))?;
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(io(path))?;
    read_bytes(&bytes).map_err(in_file)
}

/// Reads weights that are in memory, e.g. those embedded in the program; see [`read`].
///
/// # Errors
/// As of [`read`].
///
/// # Example
/// ```
/// let error = onggi_zoo::weights::read_bytes(b"<!DOCTYPE html>").unwrap_err();
/// assert!(error.to_string().ends_with("this is a web page"));
/// ```
pub fn read_bytes(bytes: &[u8]) -> Result<StateDict, WeightsError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(WeightsError::TooLarge {
            bytes: bytes.len() as u64,
            limit: MAX_BYTES,
        });
    }
    let mut state = if bytes.starts_with(b"PK") {
        pth::read_zip(bytes)?
    } else if bytes.get(8) == Some(&b'{') && bytes[4..8] == [0; 4] {
        // The header's length, under 4 GiB, then its first brace.
        safetensors::read(bytes)?
    } else if pth::is_legacy(bytes) {
        pth::read_legacy(bytes)?
    } else {
        let received = describe(bytes);
        return Err(WeightsError::Format { received });
    };
    while let Some(prefix) = PREFIXES.iter().find(|prefix| {
        !state.is_empty()
            && state
                .keys()
                .all(|name| name.len() > prefix.len() && name.starts_with(**prefix))
    }) {
        state = state
            .into_iter()
            .map(|(name, tensor)| (name[prefix.len()..].to_string(), tensor))
            .collect();
    }
    Ok(state)
}

/// What bytes that are no weights seem to be.
fn describe(bytes: &[u8]) -> String {
    let start = bytes.trim_ascii_start();
    if bytes.is_empty() {
        "an empty file".into()
    } else if bytes.starts_with(b"version https://git-lfs") {
        "a pointer of Git LFS: fetch the file itself with `git lfs pull`".into()
    } else if start.starts_with(b"<") {
        "a web page".into()
    } else if bytes.get(257..262) == Some(b"ustar") {
        "a tar archive, as torch 0.1 wrote: load it in Python and save it again".into()
    } else if bytes.starts_with(b"\x89HDF") {
        "HDF5, as Keras writes".into()
    } else {
        let first = &bytes[..bytes.len().min(8)];
        format!("neither: it begins with {:02x?}", first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_weights_is_named() {
        let tar = [vec![b'x'; 257], b"ustar\0".to_vec()].concat();
        for (bytes, says) in [
            (&b""[..], "an empty file"),
            (b"version https://git-lfs.github.com/spec/v1\n", "git lfs"),
            (b"\n<html>", "a web page"),
            (b"\x89HDF\r\n\x1a\n", "Keras"),
            (&tar, "torch 0.1"),
            (b"GGUF", "begins with [47, 47, 55, 46]"),
        ] {
            let error = read_bytes(bytes).unwrap_err();
            assert!(matches!(error, WeightsError::Format { .. }), "{error:?}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn a_path_that_is_no_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = read(dir.path()).unwrap_err().to_string();
        assert!(error.contains("not a plain file"), "{error}");
        let absent = dir.path().join("absent.pth");
        let error = read(&absent).unwrap_err().to_string();
        assert!(error.contains("absent.pth"), "{error}");
    }

    /// A sparse file, which costs nothing to make.
    #[test]
    fn a_file_past_the_bound_is_refused_unread() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("huge.pth");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(MAX_BYTES + 1).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("at most 4294967296 bytes"), "{error}");
    }
}
