//! Two images in one, shining through each other.

use super::{blend, named, require_alike};
use crate::image::base::prelude::*;

settings! {
    /// Blends each sample with the one before it in the batch (the first with the last), image and
    /// label alike, by one share a batch drawn from Beta(alpha, alpha).
    ///
    /// Boxes and keypoints of both stay; masks are those of the sample with the greater share. The
    /// label becomes soft.
    ///
    /// # Reference
    /// Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
    pub struct MixUp {
        /// Of the distribution.
        alpha: f64 = 1.0,
        /// Number of classes.
        num_classes: usize = 1,
    }
}

named!(MixUp, "mixup", "two images shining through each other");

impl MixUp {
    /// Draws the share of each sample itself.
    pub fn draw(&self, rng: &mut Draw) -> f64 {
        rng.beta(self.alpha.clamp(1e-3, 1e3))
    }

    /// Mixes the batch by `share`.
    ///
    /// # Errors
    /// [`AugmentError::Setting`] for an alpha not above 0 or a share outside `[0, 1]`,
    /// [`AugmentError::Unfit`] for images that differ in shape or labels outside the classes.
    pub fn apply(&self, share: f64, batch: Vec<Sample>) -> Result<Vec<Sample>, AugmentError> {
        require::<Self>(self.alpha > 0.0, "alpha", "is above 0", self.alpha)?;
        require::<Self>((0.0..=1.0).contains(&share), "share", "is in [0, 1]", share)?;
        require_alike::<Self>(&batch)?;
        let n = batch.len();
        let mixed = |i: usize| {
            let (a, b) = (&batch[i], &batch[(i + n - 1) % n]);
            let f = share as f32;
            let image = a.image.with(match (a.image.pixels(), b.image.pixels()) {
                (Pixels::U8(x), Pixels::U8(y)) => Pixels::U8(sum(x, y, f)),
                (Pixels::U16(x), Pixels::U16(y)) => Pixels::U16(sum(x, y, f)),
                (Pixels::F32(x), Pixels::F32(y)) => Pixels::F32(sum(x, y, f)),
                (x, _) => x.clone(),
            });
            let masks = if share >= 0.5 { &a.masks } else { &b.masks };
            Ok(Sample {
                image,
                masks: masks.clone(),
                boxes: a.boxes.iter().chain(&b.boxes).copied().collect(),
                rule: a.rule,
                keypoints: a.keypoints.iter().chain(&b.keypoints).copied().collect(),
                label: blend::<Self>(&a.label, &b.label, share, self.num_classes)?,
            })
        };
        (0..n).map(mixed).collect()
    }
}

fn sum<T: Value>(x: &[T], y: &[T], share: f32) -> Vec<T> {
    let mix = |(x, y): (&T, &T)| T::from_f32(y.to_f32() + share * (x.to_f32() - y.to_f32()));
    x.iter().zip(y).map(mix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Label;

    fn sample(value: u8, label: usize) -> Sample {
        let image = Image::of(2, 2, 1, Pixels::U8(vec![value; 4]));
        Sample {
            label: Some(Label::Hard(label)),
            ..image.into()
        }
    }

    #[test]
    fn images_and_labels_are_blended_alike() {
        let mix = MixUp {
            num_classes: 3,
            ..Default::default()
        };
        let y = mix
            .apply(0.75, vec![sample(100, 0), sample(200, 2)])
            .unwrap();
        assert_eq!(y[0].image.to_u8(), [125; 4]);
        assert_eq!(y[1].image.to_u8(), [175; 4]);
        assert_eq!(y[0].label, Some(Label::Soft(vec![0.75, 0.0, 0.25])));
        assert!(mix.apply(0.5, vec![]).unwrap().is_empty());
        let words = mix.apply(0.5, vec![sample(1, 3)]).unwrap_err().to_string();
        assert_eq!(words, "mixup: there are 3 classes, got label 3");
    }
}
