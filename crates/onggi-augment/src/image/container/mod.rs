//! Transforms made of transforms.

mod compose;
mod one_of;
mod random_order;
mod some_of;
mod sometimes;

pub use compose::Compose;
pub use one_of::OneOf;
pub use random_order::RandomOrder;
pub use some_of::SomeOf;
pub use sometimes::Sometimes;

use super::base::registry::Named;
use super::{Drawn, ImageTransform, Sample};
use crate::{AugmentError, Draw};

/// Runs the transforms of a list in the order given.
fn run_in(
    transforms: &[ImageTransform],
    order: Vec<usize>,
    sample: Sample,
    rng: &mut Draw,
) -> Result<(Sample, Vec<(usize, Drawn)>), AugmentError> {
    let mut all = Vec::with_capacity(order.len());
    let sample = order.into_iter().try_fold(sample, |sample, i| {
        let (sample, drawn) = transforms[i].run(sample, rng)?;
        all.push((i, drawn));
        Ok::<_, AugmentError>(sample)
    })?;
    Ok((sample, all))
}

/// Does again what [`run_in`] drew.
fn replay<T: Named>(
    transforms: &[ImageTransform],
    drawn: &[(usize, Drawn)],
    sample: Sample,
) -> Result<Sample, AugmentError> {
    drawn.iter().try_fold(sample, |sample, (i, drawn)| {
        let missing = AugmentError::Replay { transform: T::NAME };
        transforms.get(*i).ok_or(missing)?.replay(drawn, sample)
    })
}

/// Three transforms for the tests of containers.
#[cfg(test)]
fn examples() -> Vec<ImageTransform> {
    use super::{HorizontalFlip, RandomCrop, Transform};
    let crop = |padding| RandomCrop {
        size: [1, 1],
        padding,
        ..Default::default()
    };
    vec![
        HorizontalFlip::default().p(0.7).unwrap(),
        crop(1).build().unwrap(),
        crop(2).p(0.5).unwrap(),
    ]
}
