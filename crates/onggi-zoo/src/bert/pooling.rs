//! One vector for a text, of those of its tokens.

use super::{NAME, TextEncoder, Tokens};
use burn::tensor::Tensor;
use onggi_nn::NnError;
use onggi_ops::activation::tanh;

/// Which vector stands for a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooling {
    /// The mean over the tokens that are not padding, divided by its length: `h / ‖h‖`, as
    /// sentence-transformers has it.
    #[default]
    Mean,
    /// The first token's.
    Cls,
    /// The first token's through the pooler: `tanh(W · h + b)`.
    Pooler,
}

impl TextEncoder {
    /// A vector for each text, of the last hidden state and the tokens that it is of.
    ///
    /// # Shapes
    /// `hidden: (N, L, hidden_size)` → `(N, hidden_size)`.
    ///
    /// # Errors
    /// A hidden state of other texts than the tokens'; [`Pooling::Pooler`] of an encoder without one.
    pub fn pooled(
        &self,
        hidden: Tensor<3>,
        tokens: &Tokens,
        pooling: Pooling,
    ) -> Result<Tensor<2>, NnError> {
        let ([n, l], [rows, places, width]) = (tokens.input_ids.dims(), hidden.dims());
        if [n, l] != [rows, places] || l == 0 {
            return Err(NnError::Input {
                layer: NAME,
                expected: format!("[{n}, {l}, hidden_size], with L of 1 or more, as the tokens"),
                got: vec![rows, places, width],
            });
        }
        let first = |hidden: Tensor<3>| hidden.slice([0..n, 0..1, 0..width]).reshape([n, width]);
        match (pooling, &self.pooler) {
            (Pooling::Cls, _) => Ok(first(hidden)),
            (Pooling::Pooler, Some(pooler)) => Ok(tanh(pooler.forward(first(hidden))?)),
            (Pooling::Pooler, None) => Err(NnError::Config {
                layer: NAME,
                argument: "pooling",
                expected: "mean or cls: this model has no pooler".into(),
                got: "pooler".into(),
            }),
            (Pooling::Mean, _) => {
                let mean = match &tokens.attention_mask {
                    None => hidden.mean_dim(1),
                    Some(mask) => {
                        let like = (&hidden.device(), hidden.dtype());
                        let part = Tensor::<2>::zeros([n, l], like)
                            .mask_fill(mask.clone(), 1.0)
                            .reshape([n, l, 1]);
                        let count = part.clone().sum_dim(1).clamp_min(1e-9);
                        (hidden * part).sum_dim(1) / count
                    }
                };
                let mean = mean.reshape([n, width]);
                let length = (mean.clone() * mean.clone()).sum_dim(1).sqrt();
                Ok(mean / length.clamp_min(1e-12))
            }
        }
    }
}
