//! A pipeline: transforms in a row.

use serde::{Deserialize, Serialize};

use super::{Image, ImageTransform, Transform};
use crate::{AugmentError, Draw};

/// Transforms applied one after the other, all drawing from one generator; a list in TOML and JSON.
///
/// The empty pipeline changes nothing.
///
/// # Example
/// ```
/// use onggi_augment::image::{Compose, HorizontalFlip, RandomCrop};
///
/// let pipeline = Compose::new(vec![
///     RandomCrop::new([32, 32], 4, 0.0)?.into(),
///     HorizontalFlip::new(0.5)?.into(),
/// ]);
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
}

impl Transform for Compose {
    fn apply(&self, image: Image, rng: &mut Draw) -> Result<Image, AugmentError> {
        self.transforms
            .iter()
            .try_fold(image, |image, transform| transform.apply(image, rng))
    }

    fn name(&self) -> &'static str {
        "compose"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::picture;
    use crate::image::{HorizontalFlip, RandomCrop};

    #[test]
    fn applies_in_order_from_one_generator() {
        let crop = RandomCrop::new([5, 5], 2, 0.0).unwrap();
        let flip = HorizontalFlip::new(0.5).unwrap();
        let pipeline = Compose::new(vec![crop.clone().into(), flip.clone().into()]);
        for index in 0..20 {
            let mut rng = Draw::new(3, 0, index);
            let by_hand = crop.apply(picture(7, 6, 3), &mut rng).unwrap();
            let by_hand = flip.apply(by_hand, &mut rng).unwrap();
            let joined = pipeline
                .apply(picture(7, 6, 3), &mut Draw::new(3, 0, index))
                .unwrap();
            assert_eq!(joined, by_hand);
        }
    }

    #[test]
    fn empty_pipeline_changes_nothing() {
        let image = picture(3, 4, 3);
        let same = Compose::default()
            .apply(image.clone(), &mut Draw::new(0, 0, 0))
            .unwrap();
        assert_eq!(same, image);
    }

    #[test]
    fn reads_and_writes_toml() {
        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        struct Config {
            augment: Compose,
        }
        let text = "[[augment]]\ntransform = \"random_crop\"\nsize = [28, 28]\npadding = 2\n\
                    [[augment]]\ntransform = \"horizontal_flip\"\n";
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(
            config.augment.transforms(),
            [
                RandomCrop::new([28, 28], 2, 0.0).unwrap().into(),
                HorizontalFlip::new(0.5).unwrap().into()
            ]
        );
        let again: Config = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }
}
