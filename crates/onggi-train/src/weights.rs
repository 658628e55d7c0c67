//! Weights on disk: a safetensors file with everything that is needed to use them.

use crate::TrainError;
use onggi_nn::state::{StateDict, StateTensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// Version of what the metadata means.
const FORMAT: &str = "onggi-1";

/// The metadata's one entry: a [`Header`] as JSON.
const ENTRY: &str = "onggi";

/// What stands in the metadata.
#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    checksum: String,
    /// JSON inside JSON: the checksum needs its bytes as they were.
    description: String,
}

/// The part of the header that every format has.
#[derive(Deserialize)]
struct Format {
    format: String,
}

/// Largest weights file that is read.
const MAX_BYTES: u64 = 4 << 30;

/// A weights file: tensors by name and a description of the model and its input.
#[derive(Clone, Debug)]
pub struct WeightsFile<T> {
    /// What the model is and what it wants to be fed.
    pub description: T,
    /// Its tensors.
    pub state: StateDict,
}

/// Writes weights and their description; the file appears whole or not at all.
///
/// # Errors
/// What writing a file can fail with.
pub fn write_weights<T: Serialize>(
    path: &Path,
    state: &StateDict,
    description: &T,
) -> Result<(), TrainError> {
    let damaged = |reason: String| TrainError::File {
        path: path.to_path_buf(),
        reason,
    };
    let description = serde_json::to_string(description).map_err(|e| damaged(e.to_string()))?;
    let checksum = checksum(&description, state);
    let header = Header {
        format: FORMAT.into(),
        checksum,
        description,
    };
    let header = serde_json::to_string(&header).map_err(|e| damaged(e.to_string()))?;
    // One entry, as the order of several is drawn anew in every process, and one seed is to give
    // one file.
    let metadata = HashMap::from([(ENTRY.to_string(), header)]);
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = state
        .iter()
        .map(|(name, t)| {
            (
                name,
                &t.shape,
                t.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            )
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((
                name.as_str(),
                TensorView::new(Dtype::F32, shape.to_vec(), bytes)?,
            ))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| damaged(e.to_string()))?;
    let file = serialize(views, Some(metadata)).map_err(|e| damaged(e.to_string()))?;
    crate::run::write_whole(path, &file)
}

/// Reads weights and their description.
///
/// # Errors
/// A file that cannot be read, is cut short or damaged, is too large, or is not Onggi's.
pub fn read_weights<T: DeserializeOwned>(path: &Path) -> Result<WeightsFile<T>, TrainError> {
    let damaged = |reason: String| TrainError::File {
        path: path.to_path_buf(),
        reason,
    };
    let size = std::fs::metadata(path).map_err(TrainError::io(path))?.len();
    if size > MAX_BYTES {
        return Err(damaged(format!(
            "{size} bytes; weights of at most {MAX_BYTES} are read"
        )));
    }
    let bytes = std::fs::read(path).map_err(TrainError::io(path))?;
    let cut = |e: safetensors::SafeTensorError| {
        damaged(format!(
            "damaged or cut short ({e}); train again, or restore the file"
        ))
    };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(cut)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let Some(entry) = metadata.get(ENTRY) else {
        return Err(damaged(format!(
            "not weights of Onggi: the metadata lacks `{ENTRY}`"
        )));
    };
    let describe =
        |e: serde_json::Error| damaged(format!("its description of the model is damaged: {e}"));
    // Its format first: another one's description need not have the fields wanted here.
    let Format { format } = serde_json::from_str(entry).map_err(describe)?;
    if format != FORMAT {
        return Err(damaged(format!(
            "weights of format {format}; format {FORMAT} is read here"
        )));
    }
    let header: Header = serde_json::from_str(entry).map_err(describe)?;
    let description = serde_json::from_str(&header.description).map_err(describe)?;
    let mut state = StateDict::new();
    for (name, view) in SafeTensors::deserialize(&bytes).map_err(cut)?.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(damaged(format!(
                "`{name}` holds {:?} instead of F32",
                view.dtype()
            )));
        }
        let (words, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(damaged(format!(
                "`{name}` holds values that are not finite; train again"
            )));
        }
        state.insert(
            name,
            StateTensor {
                shape: view.shape().to_vec(),
                values,
            },
        );
    }
    if checksum(&header.description, &state) != header.checksum {
        let reason = "damaged: its checksum differs; train again, or restore the file";
        return Err(damaged(reason.into()));
    }
    Ok(WeightsFile { description, state })
}

/// FNV-1a, 64 bits, of the description and the tensors' names, shapes and values, in hexadecimal:
/// against damage, not against forgery.
fn checksum(description: &str, state: &StateDict) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |bytes: &[u8]| {
        for &byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    take(description.as_bytes());
    for (name, tensor) in state {
        take(name.as_bytes());
        tensor
            .shape
            .iter()
            .for_each(|&size| take(&(size as u64).to_le_bytes()));
        tensor
            .values
            .iter()
            .for_each(|value| take(&value.to_le_bytes()));
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> StateDict {
        let tensor = |shape: &[usize]| StateTensor {
            shape: shape.to_vec(),
            values: (0..shape.iter().product())
                .map(|i| i as f32 * 0.5 - 1.0)
                .collect(),
        };
        StateDict::from([
            ("fc.bias".into(), tensor(&[3])),
            ("fc.weight".into(), tensor(&[3, 2])),
        ])
    }

    #[test]
    fn round_trip() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("best.safetensors");
        write_weights(&path, &example(), &["a", "<b>"]).unwrap();
        let file: WeightsFile<Vec<String>> = read_weights(&path).unwrap();
        assert_eq!(file.state, example());
        assert_eq!(file.description, ["a", "<b>"]);
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }

    #[test]
    fn cut_short_at_any_place_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("best.safetensors");
        write_weights(&path, &example(), &"x").unwrap();
        let whole = std::fs::read(&path).unwrap();
        for len in 0..whole.len() {
            std::fs::write(&path, &whole[..len]).unwrap();
            let error = read_weights::<String>(&path).unwrap_err().to_string();
            assert!(error.contains("best.safetensors"), "{error}");
        }
    }

    /// A flipped bit in a weight went unnoticed before there was a checksum.
    #[test]
    fn a_flipped_bit_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("best.safetensors");
        write_weights(&path, &example(), &["cat", "dog"]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        // One bit a byte: a file is written each time.
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            std::fs::write(&path, &flipped).unwrap();
            assert!(read_weights::<Vec<String>>(&path).is_err(), "byte {at}");
        }
    }

    /// Two metadata entries came in another order in every second process.
    #[test]
    fn the_metadata_has_one_entry() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("best.safetensors");
        write_weights(&path, &example(), &"x").unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap().len(), 1);
    }

    #[test]
    fn weights_that_are_not_finite_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("best.safetensors");
        let mut state = example();
        state.get_mut("fc.bias").unwrap().values[1] = f32::NAN;
        write_weights(&path, &state, &"x").unwrap();
        let error = read_weights::<String>(&path).unwrap_err().to_string();
        assert!(
            error.contains("`fc.bias` holds values that are not finite"),
            "{error}"
        );
    }

    #[test]
    fn foreign_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.safetensors");
        let bytes = 1f32.to_le_bytes();
        let view = TensorView::new(Dtype::F32, vec![1], &bytes).unwrap();
        std::fs::write(&path, serialize([("x", view)], None).unwrap()).unwrap();
        let error = read_weights::<String>(&path).unwrap_err().to_string();
        assert!(error.contains("not weights of Onggi"), "{error}");
        assert!(read_weights::<String>(&dir.path().join("absent")).is_err());
    }
}
