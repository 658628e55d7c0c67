//! What RoBERTa has other than BERT: positions that are counted from after the padding's id, and the names
//! of its masked-language-model head. XLM-RoBERTa and CamemBERT are built alike.
//!
//! # Reference
//! Liu et al., *RoBERTa: a robustly optimized BERT pretraining approach*, 2019.

use burn::tensor::{Int, Tensor, TensorData};

/// Names of BERT's, and RoBERTa's in their place.
pub(crate) const NAMES: [(&str, &str); 3] = [
    ("cls.predictions.transform.dense.", "lm_head.dense."),
    (
        "cls.predictions.transform.LayerNorm.",
        "lm_head.layer_norm.",
    ),
    ("cls.predictions.bias", "lm_head.bias"),
];

/// The position of each token: `pad + 1, pad + 2, …` for those that are not padding, `pad` for those that
/// are.
///
/// # Shapes
/// `ids: (N, L)` → `(N, L)`.
pub(crate) fn positions(ids: &Tensor<2, Int>, pad: usize) -> Tensor<2, Int> {
    let (shape, device) = (ids.dims(), ids.device());
    let pad = pad as i64;
    let ids: Vec<i64> = ids.clone().into_data().iter::<i64>().collect();
    let mut places = Vec::with_capacity(ids.len());
    for row in ids.chunks(shape[1].max(1)) {
        let mut last = pad;
        places.extend(row.iter().map(|&id| {
            if id == pad {
                return pad;
            }
            last += 1;
            last
        }));
    }
    Tensor::from_data(TensorData::new(places, shape), &device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_has_a_position_of_its_own() {
        let device = onggi_ops::testing::device();
        let ids = Tensor::<2, Int>::from_ints([[0, 7, 2, 1, 1], [0, 1, 9, 2, 1]], &device);
        let places: Vec<i64> = positions(&ids, 1).into_data().iter::<i64>().collect();
        assert_eq!(places, [2, 3, 4, 1, 1, 2, 1, 3, 4, 1]);
    }
}
