//! Token ids and what of them is padding.

use burn::tensor::{Bool, Int, Tensor, TensorData};
use onggi_nn::NnError;

/// Id of the padding.
pub(super) const PADDING: usize = 0;

/// A batch of token ids whose lengths are known.
pub(super) struct Tokens {
    /// `(N, L)`.
    pub(super) ids: Tensor<2, Int>,
    /// Tokens of each text, at least 1.
    pub(super) lengths: Vec<usize>,
}

impl Tokens {
    /// Finds where the padding of each text begins, and pads all to `least` tokens.
    ///
    /// # Errors
    /// No text, or none with a token.
    pub(super) fn read(
        model: &'static str,
        ids: Tensor<2, Int>,
        least: usize,
    ) -> Result<Self, NnError> {
        let [n, width] = ids.dims();
        if n == 0 || width == 0 {
            return Err(NnError::Input {
                layer: model,
                expected: "(N, L), at least one text of at least one token".into(),
                got: vec![n, width],
            });
        }
        let values: Vec<i64> = ids.clone().into_data().iter::<i64>().collect();
        let length = |row: &[i64]| {
            let last = row.iter().rposition(|&id| id != PADDING as i64);
            last.map_or(1, |last| last + 1)
        };
        let lengths = values.chunks_exact(width).map(length).collect();
        let ids = if width < least {
            let padding = Tensor::zeros([n, least - width], &ids.device());
            Tensor::cat(vec![ids, padding], 1)
        } else {
            ids
        };
        Ok(Self { ids, lengths })
    }

    /// Whether any text is shorter than the batch is wide.
    pub(super) fn padded(&self) -> bool {
        let [_, width] = self.ids.dims();
        self.lengths.iter().any(|&length| length < width)
    }

    /// 1 at the first positions of each text, as many as `count` makes of its length, and 0 behind, like `x`.
    ///
    /// # Shapes
    /// `(N, width)`.
    pub(super) fn first(
        &self,
        width: usize,
        count: impl Fn(usize) -> usize,
        x: &Tensor<3>,
    ) -> Tensor<2> {
        let row = |&length: &usize| {
            let count = count(length);
            (0..width).map(move |at| if at < count { 1f32 } else { 0.0 })
        };
        let values: Vec<f32> = self.lengths.iter().flat_map(row).collect();
        let data = TensorData::new(values, [self.lengths.len(), width]);
        Tensor::from_data(data, (&x.device(), x.dtype()))
    }

    /// Where the padding is, `(N, L)`.
    pub(super) fn padding(&self) -> Tensor<2, Bool> {
        let [n, width] = self.ids.dims();
        let row = |&length: &usize| (0..width).map(move |at| at >= length);
        let values: Vec<bool> = self.lengths.iter().flat_map(row).collect();
        Tensor::from_data(TensorData::new(values, [n, width]), &self.ids.device())
    }
}
