//! Policies: transforms drawn with their strengths from a fixed set.

mod aug_mix;
mod auto_augment;
mod op;
mod rand_augment;
mod trivial_augment_wide;

pub use aug_mix::AugMix;
pub use auto_augment::{AutoAugment, Policy};
pub use op::{Op, Step};
pub use rand_augment::RandAugment;
pub use trivial_augment_wide::TrivialAugmentWide;
