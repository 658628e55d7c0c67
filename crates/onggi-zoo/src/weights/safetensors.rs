//! Safetensors: a JSON header with names, types, shapes and places, then the values.
//!
//! # Reference
//! <https://github.com/huggingface/safetensors>

use super::WeightsError;
use super::dtype::Dtype;
use ::safetensors::tensor::{Dtype as Stored, SafeTensors};
use onggi_nn::state::{StateDict, StateTensor};

/// Every tensor of the file. The header's shapes, types and places are checked against one another
/// and must cover the file, so that no more values come out than bytes went in.
pub(super) fn read(bytes: &[u8]) -> Result<StateDict, WeightsError> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| WeightsError::damaged(format!("safetensors: {e}")))?;
    let mut state = StateDict::new();
    for (name, view) in file.iter() {
        let dtype = match view.dtype() {
            Stored::F64 => Dtype::F64,
            Stored::F32 => Dtype::F32,
            Stored::F16 => Dtype::F16,
            Stored::BF16 => Dtype::Bf16,
            Stored::I64 => Dtype::I64,
            Stored::I32 => Dtype::I32,
            Stored::I16 => Dtype::I16,
            Stored::I8 => Dtype::I8,
            Stored::U8 => Dtype::U8,
            Stored::BOOL => Dtype::Bool,
            other => {
                return Err(WeightsError::unsupported(format!(
                    "`{}` holds {other:?}, which is not read; save it as F32, F16 or BF16",
                    name.escape_debug()
                )));
            }
        };
        let values = dtype.decode(view.data());
        let shape = view.shape().to_vec();
        state.insert(name.to_string(), StateTensor { shape, values });
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::safetensors::tensor::{TensorView, serialize};

    fn file(dtype: Stored, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
        let view = TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
        serialize([("x", view)], None).unwrap()
    }

    #[test]
    fn scalars_and_empty_tensors_keep_their_shape() {
        let state = read(&file(Stored::I64, &[], &7i64.to_le_bytes())).unwrap();
        assert_eq!(
            (&state["x"].shape[..], &state["x"].values[..]),
            (&[][..], &[7.0][..])
        );
        let state = read(&file(Stored::F32, &[0, 3], &[])).unwrap();
        assert_eq!(state["x"].shape, [0, 3]);
        assert!(state["x"].values.is_empty());
    }

    #[test]
    fn a_type_without_a_place_in_weights_is_refused_by_name() {
        let error = read(&file(Stored::U64, &[1], &[0; 8])).unwrap_err();
        let expected = "`x` holds U64, which is not read; save it as F32, F16 or BF16";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_shape_that_is_not_the_bytes_is_refused() {
        let whole = file(Stored::F32, &[2], &[0; 8]);
        let text = String::from_utf8_lossy(&whole).replace("[2]", "[3]");
        let error = read(text.as_bytes()).unwrap_err();
        assert!(matches!(error, WeightsError::Damaged { .. }), "{error}");
    }
}
