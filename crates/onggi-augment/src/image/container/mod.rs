//! Transforms made of transforms.

mod compose;
mod one_of;
mod random_choice;
mod random_order;
mod some_of;
mod sometimes;

pub use compose::Compose;
pub use one_of::OneOf;
pub use random_choice::RandomChoice;
pub use random_order::RandomOrder;
pub use some_of::SomeOf;
pub use sometimes::Sometimes;

use super::base::registry::Named;
use super::base::settings::require;
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

/// Sees that there is something to choose from, and a weight for each or none.
fn require_choice<T: Named>(
    transforms: &[ImageTransform],
    weights: &[f64],
    setting: &'static str,
    rule: &'static str,
) -> Result<(), AugmentError> {
    let n = transforms.len();
    require::<T>(n > 0, "transforms", "needs at least one transform", n)?;
    let holds = weights.is_empty()
        || weights.len() == n
            && weights.iter().all(|w| w.is_finite() && *w >= 0.0)
            && weights.iter().sum::<f64>() > 0.0;
    require::<T>(holds, setting, rule, weights)
}

/// Runs one transform, drawn by weight; evenly without weights.
fn run_one(
    transforms: &[ImageTransform],
    weights: &[f64],
    sample: Sample,
    rng: &mut Draw,
) -> Result<(Sample, (usize, Box<Drawn>)), AugmentError> {
    let i = if weights.is_empty() {
        rng.below(transforms.len())
    } else {
        let mut left = rng.uniform([0.0, weights.iter().sum()]);
        let mut falls = |w: &f64| {
            left -= w;
            left < 0.0
        };
        let last = weights.iter().rposition(|w| *w > 0.0).unwrap_or(0);
        weights.iter().position(&mut falls).unwrap_or(last)
    };
    let (sample, drawn) = transforms[i].run(sample, rng)?;
    Ok((sample, (i, Box::new(drawn))))
}

/// Does again what [`run_one`] drew.
fn replay_one<T: Named>(
    transforms: &[ImageTransform],
    (i, drawn): &(usize, Box<Drawn>),
    sample: Sample,
) -> Result<Sample, AugmentError> {
    let missing = AugmentError::Replay { transform: T::NAME };
    transforms.get(*i).ok_or(missing)?.replay(drawn, sample)
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
