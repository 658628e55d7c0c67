//! Which keys a query may see.

use crate::NnError;
use burn::tensor::{Bool, Tensor};
use onggi_ops::attention::{AttentionMask, AttentionOptions};

/// A mask, as PyTorch's attention layers take it.
#[derive(Clone, Debug)]
pub enum Mask<const D: usize> {
    /// Keys that are `true` are ignored.
    Ignored(Tensor<D, Bool>),
    /// Added to the scores.
    Additive(Tensor<D>),
}

impl<const D: usize> Mask<D> {
    fn dims(&self) -> [usize; D] {
        match self {
            Self::Ignored(mask) => mask.dims(),
            Self::Additive(mask) => mask.dims(),
        }
    }

    /// As a summand of the scores of `like`'s kind.
    fn additive(&self, shape: [usize; 4], like: &Tensor<3>) -> Tensor<4> {
        match self {
            Self::Additive(mask) => mask.clone().reshape(shape),
            Self::Ignored(mask) => Tensor::zeros(shape, (&like.device(), like.dtype()))
                .mask_fill(mask.clone().reshape(shape), f32::NEG_INFINITY),
        }
    }
}

/// Which keys the queries of an attention may see. Default: all.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    /// For all batch elements and heads `(1, L, S)`, or for each `(N · heads, L, S)`.
    pub attn_mask: Option<Mask<3>>,
    /// For each batch element's keys, `(N, S)`: those that are padding.
    pub key_padding_mask: Option<Mask<2>>,
    /// Whether query `i` sees the keys `0..=i` only, besides what the masks say.
    pub is_causal: bool,
}

impl Masks {
    /// Query `i` sees the keys `0..=i`.
    pub fn causal() -> Self {
        Self {
            is_causal: true,
            ..Self::default()
        }
    }

    /// For the attention of `layer`, with `heads`, over queries like `query` of a batch of `batch`.
    pub(super) fn options(
        &self,
        layer: &'static str,
        [batch, heads]: [usize; 2],
        query: &Tensor<3>,
    ) -> Result<AttentionOptions, NnError> {
        let pairs = match &self.attn_mask {
            None => None,
            Some(mask) => {
                let [all, l, s] = mask.dims();
                let [batch, heads] = match all {
                    1 => [1, 1],
                    _ if all == batch * heads => [batch, heads],
                    _ => {
                        let all = batch * heads;
                        return Err(NnError::config(
                            layer,
                            "attn_mask",
                            format!("(1, L, S) or ({all}, L, S)"),
                            format!("{:?}", mask.dims()),
                        ));
                    }
                };
                Some(mask.additive([batch, heads, l, s], query))
            }
        };
        let padding = match &self.key_padding_mask {
            None => None,
            Some(mask) => {
                let [rows, s] = mask.dims();
                if rows != batch {
                    return Err(NnError::config(
                        layer,
                        "key_padding_mask",
                        format!("({batch}, S)"),
                        format!("{:?}", mask.dims()),
                    ));
                }
                Some(mask.additive([batch, 1, 1, s], query))
            }
        };
        let mask = match (pairs, padding) {
            (Some(pairs), Some(padding)) => {
                let ([_, _, _, s], [.., keys]) = (pairs.dims(), padding.dims());
                if s != keys {
                    return Err(NnError::config(
                        layer,
                        "key_padding_mask",
                        format!("({batch}, {s}), as the attn_mask's keys"),
                        format!("[{batch}, {keys}]"),
                    ));
                }
                Some(pairs + padding)
            }
            (mask, None) | (None, mask) => mask,
        };
        Ok(AttentionOptions {
            mask: mask.map(AttentionMask::Additive),
            is_causal: self.is_causal,
            ..AttentionOptions::default()
        })
    }
}
