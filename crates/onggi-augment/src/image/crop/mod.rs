//! Crops, pads and sizes.

mod bbox_safe_random_crop;
mod center_crop;
mod crop_non_empty_mask;
mod five_crop;
mod letter_box;
mod longest_max_size;
mod pad;
mod pad_if_needed;
mod random_crop;
mod random_iou_crop;
mod random_resized_crop;
mod random_zoom_out;
mod resize;
mod scale_jitter;
mod smallest_max_size;

pub use bbox_safe_random_crop::BBoxSafeRandomCrop;
pub use center_crop::CenterCrop;
pub use crop_non_empty_mask::CropNonEmptyMask;
pub use five_crop::{five_crop, ten_crop};
pub use letter_box::LetterBox;
pub use longest_max_size::LongestMaxSize;
pub use pad::Pad;
pub use pad_if_needed::PadIfNeeded;
pub use random_crop::RandomCrop;
pub use random_iou_crop::RandomIoUCrop;
pub use random_resized_crop::RandomResizedCrop;
pub use random_zoom_out::RandomZoomOut;
pub use resize::Resize;
pub use scale_jitter::ScaleJitter;
pub use smallest_max_size::SmallestMaxSize;

use super::base::settings::MAX_SIDE;

/// A side times a factor, rounded, at least 1 and at most [`MAX_SIDE`].
fn scaled(side: usize, factor: f64) -> usize {
    ((side as f64 * factor).round() as usize).clamp(1, MAX_SIDE)
}
