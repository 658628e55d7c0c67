//! Samples of a batch mixed with each other, labels and targets too.

mod copy_paste;
mod cut_mix;
mod mix_up;
mod mosaic;

pub use copy_paste::CopyPaste;
pub use cut_mix::CutMix;
pub use mix_up::MixUp;
pub use mosaic::Mosaic;

use super::base::raster::Image;
use super::base::registry::Named;
use super::{BoundingBox, Label, Sample};
use crate::AugmentError;

/// Labels as shares of `classes`.
fn soft<T: Named>(label: &Label, classes: usize) -> Result<Vec<f32>, AugmentError> {
    let unfit = |problem: String| AugmentError::Unfit {
        transform: T::NAME,
        problem,
    };
    match label {
        Label::Hard(k) if *k < classes => {
            let mut shares = vec![0.0; classes];
            shares[*k] = 1.0;
            Ok(shares)
        }
        Label::Hard(k) => Err(unfit(format!("there are {classes} classes, got label {k}"))),
        Label::Soft(s) if s.len() == classes => Ok(s.clone()),
        Label::Soft(s) => {
            let n = s.len();
            Err(unfit(format!(
                "there are {classes} classes, got a label of {n} shares"
            )))
        }
    }
}

/// The labels of two samples by `share` of the first; none where one has none.
fn blend<T: Named>(
    a: &Option<Label>,
    b: &Option<Label>,
    share: f64,
    classes: usize,
) -> Result<Option<Label>, AugmentError> {
    let (Some(a), Some(b)) = (a, b) else {
        return Ok(None);
    };
    let (a, b) = (soft::<T>(a, classes)?, soft::<T>(b, classes)?);
    let mixed = |(a, b)| share as f32 * a + (1.0 - share as f32) * b;
    Ok(Some(Label::Soft(a.into_iter().zip(b).map(mixed).collect())))
}

/// Sees that all samples have one shape, depth and number of masks.
fn require_alike<T: Named>(batch: &[Sample]) -> Result<(), AugmentError> {
    let kind = |i: &Image| (i.size(), i.channels(), std::mem::discriminant(i.pixels()));
    let all = |s: &Sample| (kind(&s.image), s.masks.iter().map(kind).collect::<Vec<_>>());
    for s in batch {
        s.check()?;
        if all(s) != all(&batch[0]) {
            return Err(AugmentError::Unfit {
                transform: T::NAME,
                problem: format!(
                    "images and masks of a batch need one size, depth and number of channels, got \
                     {:?} beside {:?}: resize or crop them first",
                    s.image.size(),
                    batch[0].image.size()
                ),
            });
        }
    }
    Ok(())
}

/// A box with the part that `cover` hides taken off its visibility.
fn hidden(b: BoundingBox, cover: [f64; 4]) -> BoundingBox {
    let [l, t, r, bottom] = b.xyxy;
    let common = (r.min(cover[2]) - l.max(cover[0])).max(0.0)
        * (bottom.min(cover[3]) - t.max(cover[1])).max(0.0);
    BoundingBox {
        visibility: b.visibility * (1.0 - common / b.area().max(f64::MIN_POSITIVE)),
        ..b
    }
}

/// Names for the types of this family: they work on batches and have no row in the registry.
macro_rules! named {
    ($kind:ident, $name:literal, $about:literal) => {
        impl crate::image::Named for $kind {
            const NAME: &'static str = $name;
            const ABOUT: &'static str = $about;
            const GROUP: &'static str = "mixing";
        }
    };
}
use named;
