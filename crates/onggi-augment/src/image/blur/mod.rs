//! Blur, and its opposite.

mod box_blur;
mod defocus;
mod emboss;
mod gaussian_blur;
mod glass_blur;
mod median_blur;
mod median_of_five;
mod motion_blur;
mod sharpen;
mod unsharp_mask;
mod zoom_blur;

pub use box_blur::Blur;
pub use defocus::Defocus;
pub use emboss::Emboss;
pub use gaussian_blur::GaussianBlur;
pub use glass_blur::GlassBlur;
pub use median_blur::MedianBlur;
pub use motion_blur::MotionBlur;
pub use sharpen::Sharpen;
pub use unsharp_mask::UnsharpMask;
pub use zoom_blur::ZoomBlur;

pub(crate) use defocus::disk;
pub(crate) use glass_blur::glass;
pub(crate) use motion_blur::line;
pub(crate) use zoom_blur::zoom;

use super::base::registry::Named;
use super::base::settings::require;
use crate::{AugmentError, Draw};

/// The rule of a kernel size drawn from a range.
fn require_odd<T: Named>([low, high]: [usize; 2]) -> Result<(), AugmentError> {
    let holds = low % 2 == 1 && high % 2 == 1 && low <= high && high <= 255;
    let rule = "is [low, high] of odd numbers from 1 to 255";
    require::<T>(holds, "blur_limit", rule, [low, high])
}

/// An odd number of a range of them, drawn evenly.
fn draw_odd([low, high]: [usize; 2], rng: &mut Draw) -> usize {
    rng.between([low / 2, high / 2]) * 2 + 1
}
