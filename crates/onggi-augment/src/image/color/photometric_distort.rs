//! The colour augmentation of SSD: each change with its own probability.

use super::color_jitter::Jitter;
use crate::image::base::prelude::*;

settings! {
    /// Brightness, contrast, saturation and hue, each done with `probability`; contrast comes before
    /// or after the two others; last the channels are permuted with `probability`.
    ///
    /// # Reference
    /// Liu et al., "SSD: single shot multibox detector", ECCV 2016.
    pub struct PhotometricDistort {
        /// Factor, `[low, high]`.
        brightness: [f64; 2] = [0.875, 1.125],
        /// Factor, `[low, high]`.
        contrast: [f64; 2] = [0.5, 1.5],
        /// Factor, `[low, high]`.
        saturation: [f64; 2] = [0.5, 1.5],
        /// Share of the circle, `[low, high]`.
        hue: [f64; 2] = [-0.05, 0.05],
        /// Of each change; torchvision's `p`.
        probability: f64 = 0.5,
    }
}

impl Transform for PhotometricDistort {
    /// The steps, and the order of the channels where it changes.
    type Params = (Vec<Jitter>, Vec<usize>);

    fn check(&self) -> Result<(), AugmentError> {
        for (name, range) in [
            ("brightness", self.brightness),
            ("contrast", self.contrast),
            ("saturation", self.saturation),
        ] {
            let rule = "is [low, high] with 0 ≤ low ≤ high";
            require_range::<Self>(range, [0.0, 1e6], name, rule)?;
        }
        let rule = "is [low, high] with -0.5 ≤ low ≤ high ≤ 0.5";
        require_range::<Self>(self.hue, [-0.5, 0.5], "hue", rule)?;
        let p = self.probability;
        require::<Self>((0.0..=1.0).contains(&p), "probability", "is in [0, 1]", p)
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let p = self.probability;
        let mut steps = Vec::new();
        if rng.chance(p) {
            steps.push(Jitter::Brightness(rng.uniform(self.brightness)));
        }
        let contrast = rng
            .chance(p)
            .then(|| Jitter::Contrast(rng.uniform(self.contrast)));
        let early = rng.chance(0.5);
        steps.extend(contrast.filter(|_| early));
        if rng.chance(p) {
            steps.push(Jitter::Saturation(rng.uniform(self.saturation)));
        }
        if rng.chance(p) {
            steps.push(Jitter::Hue(rng.uniform(self.hue)));
        }
        steps.extend(contrast.filter(|_| !early));
        let order = match rng.chance(p) {
            true => rng.order(sample.image.channels()),
            false => Vec::new(),
        };
        Ok((steps, order))
    }

    fn apply(&self, (steps, order): &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let sample = sample.with_image(|image| steps.iter().fold(image, |i, j| j.apply(i)));
        match order.is_empty() {
            true => Ok(sample),
            false => super::ChannelPermutation {}.apply(order, sample),
        }
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            contrast: [0.8, 1.2],
            saturation: [0.8, 1.2],
            ..Self::default()
        }
    }
}
