//! Augmenters of whole sentences, and where sentences end.

mod random_sentence;
mod split;

pub use random_sentence::{RandomSentence, SentenceAction, SentenceSwap};
pub use split::sentences;
