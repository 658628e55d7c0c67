//! Weights for other programs: a safetensors file as PyTorch's users write them.

use onggi_nn::state::{StateDict, StateTensor};
use serde_json::{Map, Value, json};

/// The end of the name of a batch normalisation's counter, a whole number in PyTorch.
const COUNTER: &str = "num_batches_tracked";

/// The bytes of a safetensors file with the tensors of `state` by their names, float32, and entries of
/// metadata by key. `safetensors.torch.load_file` and `load_state_dict` take it as it is: the counters
/// of batch normalisation, which [`StateDict`] has as float32 `[1]`, are int64 scalars.
///
/// The same state and metadata give the same bytes, which the `safetensors` crate does not promise of
/// metadata with several entries.
///
/// # Reference
/// Hugging Face, *safetensors: format*.
pub fn plain_safetensors(state: &StateDict, metadata: &[(&str, String)]) -> Vec<u8> {
    let (counters, others): (Vec<_>, Vec<_>) = state
        .iter()
        .partition(|(name, tensor)| name.ends_with(COUNTER) && tensor.values.len() == 1);
    let entries = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)));
    let mut header = Map::new();
    header.insert("__metadata__".into(), Value::Object(entries.collect()));
    let mut data = Vec::new();
    let mut add = |name: &str, kind: &str, shape: &[usize], bytes: &mut dyn Iterator<Item = u8>| {
        let start = data.len();
        data.extend(bytes);
        let offsets = [start, data.len()];
        let entry = json!({ "dtype": kind, "shape": shape, "data_offsets": offsets });
        header.insert(name.to_owned(), entry);
    };
    // The widest first, so that all are aligned.
    for (name, StateTensor { values, .. }) in counters {
        let mut bytes = values.iter().flat_map(|&v| (v as i64).to_le_bytes());
        add(name, "I64", &[], &mut bytes);
    }
    for (name, StateTensor { values, shape }) in others {
        let mut bytes = values.iter().flat_map(|v| v.to_le_bytes());
        add(name, "F32", shape, &mut bytes);
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_slice(),
        &data,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::{Dtype, SafeTensors};

    #[test]
    fn the_reference_reads_it() {
        let tensor = |shape: &[usize], values: &[f32]| StateTensor {
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let state = StateDict::from([
            ("bn.num_batches_tracked".into(), tensor(&[1], &[7.0])),
            ("bn.weight".into(), tensor(&[3], &[0.5, -1.0, 2.0])),
            ("fc.weight".into(), tensor(&[1, 2], &[1.0, 3.0])),
        ]);
        let metadata = [
            ("format", "pt".to_owned()),
            ("labels", r#"["a \"b\"","한글"]"#.to_owned()),
        ];
        let bytes = plain_safetensors(&state, &metadata);
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let found = header.metadata().clone().unwrap();
        assert_eq!(found.len(), 2);
        metadata
            .iter()
            .for_each(|(key, value)| assert_eq!(&found[*key], value));
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.len(), 3);
        let counter = file.tensor("bn.num_batches_tracked").unwrap();
        assert_eq!((counter.dtype(), counter.shape()), (Dtype::I64, &[][..]));
        assert_eq!(counter.data(), 7i64.to_le_bytes());
        let weight = file.tensor("fc.weight").unwrap();
        assert_eq!((weight.dtype(), weight.shape()), (Dtype::F32, &[1, 2][..]));
        let values = [1f32, 3.0].iter().flat_map(|v| v.to_le_bytes());
        assert_eq!(weight.data(), values.collect::<Vec<_>>());
        assert!(bytes == plain_safetensors(&state, &metadata));
        let empty = plain_safetensors(&StateDict::new(), &[]);
        assert_eq!(SafeTensors::deserialize(&empty).unwrap().len(), 0);
    }
}
