//! A pipeline: transforms in a row.

use serde::{Deserialize, Serialize};

use crate::image::{Drawn, ImageTransform, Sample};
use crate::{AugmentError, Draw};

/// Transforms applied one after the other, all drawing from one generator; a list in TOML and JSON.
///
/// The empty pipeline changes nothing.
///
/// # Example
/// ```
/// use onggi_augment::image::{Compose, HorizontalFlip, RandomCrop, Transform};
///
/// let crop = RandomCrop { size: [32, 32], padding: 4, ..Default::default() };
/// let pipeline = Compose::new(vec![crop.build()?, HorizontalFlip::default().p(0.3)?]);
/// assert_eq!(pipeline.transforms().len(), 2);
/// # Ok::<(), onggi_augment::AugmentError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Compose {
    transforms: Vec<ImageTransform>,
}

impl Compose {
    /// Joins transforms, first to last.
    pub fn new(transforms: Vec<ImageTransform>) -> Self {
        Self { transforms }
    }

    /// The transforms, first to last.
    pub fn transforms(&self) -> &[ImageTransform] {
        &self.transforms
    }

    /// Runs the transforms and returns what each drew.
    ///
    /// # Errors
    /// As [`ImageTransform::run`].
    pub fn run(
        &self,
        sample: Sample,
        rng: &mut Draw,
    ) -> Result<(Sample, Vec<Drawn>), AugmentError> {
        let mut all = Vec::with_capacity(self.transforms.len());
        let sample = self
            .transforms
            .iter()
            .try_fold(sample, |sample, transform| {
                let (sample, drawn) = transform.run(sample, rng)?;
                all.push(drawn);
                Ok::<_, AugmentError>(sample)
            })?;
        Ok((sample, all))
    }

    /// [`Compose::run`] without the record.
    ///
    /// # Errors
    /// As [`ImageTransform::run`].
    pub fn apply(&self, sample: impl Into<Sample>, rng: &mut Draw) -> Result<Sample, AugmentError> {
        let sample = sample.into();
        self.transforms
            .iter()
            .try_fold(sample, |sample, transform| transform.apply(sample, rng))
    }

    /// Does again what [`Compose::run`] drew.
    ///
    /// # Errors
    /// As [`ImageTransform::replay`].
    pub fn replay(&self, drawn: &[Drawn], sample: Sample) -> Result<Sample, AugmentError> {
        if drawn.len() != self.transforms.len() {
            return Err(AugmentError::Replay {
                transform: "compose",
            });
        }
        let mut steps = self.transforms.iter().zip(drawn);
        steps.try_fold(sample, |sample, (transform, drawn)| {
            transform.replay(drawn, sample)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;
    use crate::image::{HorizontalFlip, RandomCrop, Transform};

    fn pipeline() -> Compose {
        let crop = RandomCrop {
            size: [5, 5],
            padding: 2,
            ..Default::default()
        };
        Compose::new(vec![
            crop.build().unwrap(),
            HorizontalFlip::default().build().unwrap(),
        ])
    }

    #[test]
    fn applies_in_order_from_one_generator_and_replays() {
        let pipeline = pipeline();
        let [crop, flip] = pipeline.transforms() else {
            unreachable!()
        };
        for index in 0..20 {
            let mut rng = Draw::new(3, 0, index);
            let by_hand = crop.apply(sample(7, 6, 3), &mut rng).unwrap();
            let by_hand = flip.apply(by_hand, &mut rng).unwrap();
            let mut rng = Draw::new(3, 0, index);
            let (joined, drawn) = pipeline.run(sample(7, 6, 3), &mut rng).unwrap();
            assert_eq!(joined, by_hand);
            assert_eq!(pipeline.replay(&drawn, sample(7, 6, 3)).unwrap(), by_hand);
            assert!(pipeline.replay(&drawn[..1], sample(7, 6, 3)).is_err());
        }
    }

    #[test]
    fn empty_pipeline_changes_nothing() {
        let same = Compose::default().apply(sample(3, 4, 3), &mut Draw::new(0, 0, 0));
        assert_eq!(same.unwrap(), sample(3, 4, 3));
    }

    #[test]
    fn reads_and_writes_toml() {
        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        struct Config {
            augment: Compose,
        }
        let text = "[[augment]]\ntransform = \"random_crop\"\nsize = [5, 5]\npadding = 2\n\
                    [[augment]]\ntransform = \"horizontal_flip\"\n";
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.augment, pipeline());
        let again: Config = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }
}
