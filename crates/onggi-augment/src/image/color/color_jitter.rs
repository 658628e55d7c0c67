//! Brightness, contrast, saturation and hue, in random order: the usual colour augmentation of
//! photographs.

use serde::{Deserialize, Serialize};

use crate::image::base::prelude::*;

settings! {
    /// Changes brightness, contrast, saturation and hue by factors drawn evenly, in random order.
    ///
    /// Brightness multiplies; contrast moves away from the mean grey, saturation from each pixel's
    /// grey; hue turns the circle of colours. Images of 8 bits are rounded after each step, so that
    /// strong factors one after the other can end a few levels from the result in floating point.
    pub struct ColorJitter {
        /// Factor around 1, or `[low, high]`.
        brightness: Spread = Spread::Width(0.0),
        /// Factor around 1, or `[low, high]`.
        contrast: Spread = Spread::Width(0.0),
        /// Factor around 1, or `[low, high]`.
        saturation: Spread = Spread::Width(0.0),
        /// Share of the circle around 0, at most 0.5, or `[low, high]`.
        hue: Spread = Spread::Width(0.0),
    }
}

/// One step of a [`ColorJitter`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Jitter {
    /// Factor.
    Brightness(f64),
    /// Factor.
    Contrast(f64),
    /// Factor.
    Saturation(f64),
    /// Share of the circle.
    Hue(f64),
}

impl Jitter {
    /// Does the step.
    pub(crate) fn apply(self, image: Image) -> Image {
        match self {
            Self::Brightness(f) => image.brightness(f),
            Self::Contrast(f) => image.contrast(f),
            Self::Saturation(f) => image.saturation(f),
            Self::Hue(h) => image.turn_hue(h as f32, 0.0, 0.0),
        }
    }
}

impl Transform for ColorJitter {
    /// The steps in their order.
    type Params = Vec<Jitter>;

    fn check(&self) -> Result<(), AugmentError> {
        for (name, spread) in [
            ("brightness", self.brightness),
            ("contrast", self.contrast),
            ("saturation", self.saturation),
        ] {
            let rule = "is a number of 0 or more, or [low, high] with 0 ≤ low ≤ high";
            require_range::<Self>(spread.factor(), [0.0, 1e6], name, rule)?;
        }
        let rule = "is in [0, 0.5], or [low, high] with -0.5 ≤ low ≤ high ≤ 0.5";
        require_range::<Self>(self.hue.around(0.0), [-0.5, 0.5], "hue", rule)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<Vec<Jitter>, AugmentError> {
        let order = rng.order(4);
        let all = [
            Jitter::Brightness(rng.uniform(self.brightness.factor())),
            Jitter::Contrast(rng.uniform(self.contrast.factor())),
            Jitter::Saturation(rng.uniform(self.saturation.factor())),
            Jitter::Hue(rng.uniform(self.hue.around(0.0))),
        ];
        let still = |j: &Jitter| match j {
            Jitter::Brightness(f) | Jitter::Contrast(f) | Jitter::Saturation(f) => *f == 1.0,
            Jitter::Hue(h) => *h == 0.0,
        };
        Ok(order
            .into_iter()
            .map(|i| all[i])
            .filter(|j| !still(j))
            .collect())
    }

    fn apply(&self, steps: &Vec<Jitter>, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| steps.iter().fold(image, |image, j| j.apply(image))))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            brightness: 0.1.into(),
            contrast: 0.1.into(),
            saturation: [0.9, 1.1].into(),
            hue: 0.05.into(),
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![
            (r#"{"hue": 0.6}"#, "color_jitter: hue is in [0, 0.5]"),
            (
                r#"{"brightness": [-1, 1]}"#,
                "brightness is a number of 0 or more",
            ),
        ]
    }
}
