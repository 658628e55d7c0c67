//! Weights on disk: a safetensors file with everything that is needed to use them.

use crate::TrainError;
use onggi_nn::state::{StateDict, StateTensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::path::Path;

/// Version of what the metadata means.
const FORMAT: &str = "onggi-1";

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
    let metadata = HashMap::from([
        ("format".to_string(), FORMAT.to_string()),
        ("onggi".to_string(), description),
    ]);
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
    if metadata.get("format").map(String::as_str) != Some(FORMAT) {
        return Err(damaged(format!(
            "not weights of Onggi: the metadata lacks format {FORMAT}"
        )));
    }
    let description = metadata
        .get("onggi")
        .map(String::as_str)
        .unwrap_or_default();
    let description = serde_json::from_str(description)
        .map_err(|e| damaged(format!("its description of the model is damaged: {e}")))?;
    let mut state = StateDict::new();
    for (name, view) in SafeTensors::deserialize(&bytes).map_err(cut)?.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(damaged(format!(
                "`{name}` holds {:?} instead of F32",
                view.dtype()
            )));
        }
        let (words, _) = view.data().as_chunks::<4>();
        let values = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
        state.insert(
            name,
            StateTensor {
                shape: view.shape().to_vec(),
                values,
            },
        );
    }
    Ok(WeightsFile { description, state })
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
