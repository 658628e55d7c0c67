//! What DistilBERT has other than BERT: neither types of tokens nor a pooler, no dropout after the
//! attention, and names of its own.
//!
//! # Reference
//! Sanh et al., *DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter*, 2019.

/// Names of BERT's, and DistilBERT's in their place, exchanged one after the other.
pub(crate) const NAMES: [(&str, &str); 12] = [
    ("encoder.layer.", "transformer.layer."),
    ("attention.self.query.", "attention.q_lin."),
    ("attention.self.key.", "attention.k_lin."),
    ("attention.self.value.", "attention.v_lin."),
    ("attention.output.dense.", "attention.out_lin."),
    ("attention.output.LayerNorm.", "sa_layer_norm."),
    ("intermediate.dense.", "ffn.lin1."),
    ("output.dense.", "ffn.lin2."),
    ("output.LayerNorm.", "output_layer_norm."),
    ("cls.predictions.transform.dense.", "vocab_transform."),
    ("cls.predictions.transform.LayerNorm.", "vocab_layer_norm."),
    ("cls.predictions.bias", "vocab_projector.bias"),
];
