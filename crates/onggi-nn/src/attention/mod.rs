//! Attention and the Transformer's layers.

mod mask;
mod multihead;
mod position;
mod transformer;

pub use mask::{Mask, Masks};
pub use multihead::{MultiheadAttention, MultiheadAttentionConfig};
pub use position::sinusoidal_positions;
pub use transformer::{
    TransformerDecoder, TransformerDecoderLayer, TransformerEncoder, TransformerEncoderLayer,
    TransformerLayerConfig,
};
