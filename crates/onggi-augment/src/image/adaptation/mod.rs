//! The look of other images: their tones, their spectrum.

mod fda;
mod histogram_matching;
mod references;

pub use fda::{Fda, adapt_fourier};
pub use histogram_matching::{HistogramMatching, match_histograms};
pub use references::References;

use super::Image;
use super::base::registry::Named;
use crate::AugmentError;

/// Sees that the image has every channel of the reference.
fn require_channels<T: Named>(image: &Image, reference: &Image) -> Result<(), AugmentError> {
    let (got, want) = (image.channels(), reference.channels());
    if got >= want {
        return Ok(());
    }
    Err(AugmentError::Unfit {
        transform: T::NAME,
        problem: format!("the image has {got} channels, the reference {want}"),
    })
}
