//! State dicts as safetensors bytes.

use onggi_nn::state::{StateDict, StateTensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

/// The bytes of a safetensors file.
pub(super) fn encode(state: &StateDict) -> Result<Vec<u8>, String> {
    let bytes: Vec<_> = state
        .values()
        .map(|tensor| {
            let bytes = tensor.values.iter().flat_map(|value| value.to_le_bytes());
            bytes.collect::<Vec<u8>>()
        })
        .collect();
    let views = state.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes);
        view.map(|view| (name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>, _>>();
    views
        .and_then(|views| serialize(views, None))
        .map_err(|e| e.to_string())
}

/// The state dict of a safetensors file's bytes.
pub(super) fn decode(bytes: &[u8]) -> Result<StateDict, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let mut state = StateDict::new();
    for (name, view) in tensors.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(format!("`{name}` holds {:?} instead of F32", view.dtype()));
        }
        let (words, _) = view.data().as_chunks::<4>();
        let tensor = StateTensor {
            shape: view.shape().to_vec(),
            values: words.iter().map(|&word| f32::from_le_bytes(word)).collect(),
        };
        state.insert(name, tensor);
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_comes_back() {
        let values = vec![0.1, -0.0, f32::MIN_POSITIVE / 2.0, f32::MAX, 1.0, -3.5];
        let tensor = StateTensor {
            shape: vec![2, 3],
            values,
        };
        let state = StateDict::from([("layer.weight".to_string(), tensor)]);
        let back = decode(&encode(&state).unwrap()).unwrap();
        let bits = |state: &StateDict| -> Vec<u32> {
            let values = state["layer.weight"].values.iter();
            values.map(|value| value.to_bits()).collect()
        };
        assert_eq!(bits(&back), bits(&state));
        assert_eq!(back["layer.weight"].shape, [2, 3]);
        assert!(decode(b"nonsense").is_err());
    }
}
