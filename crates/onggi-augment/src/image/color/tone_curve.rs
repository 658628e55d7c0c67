//! The curve of dark and bright bent at two points.

use crate::image::base::prelude::*;

settings! {
    /// Maps brightness by a cubic Bézier curve from (0, 0) to (1, 1) whose two inner heights are
    /// drawn from N(1/4, scale) and N(3/4, scale), cut to `[0, 1]`. `p` is 0.5.
    pub struct ToneCurve {
        /// Standard deviation.
        scale: f64 = 0.1,
    }
}

impl Transform for ToneCurve {
    /// The two heights.
    type Params = (f64, f64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        require::<Self>(
            (0.0..=10.0).contains(&self.scale),
            "scale",
            "is in [0, 10]",
            self.scale,
        )
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(f64, f64), AugmentError> {
        let mut height = |mean: f64| (mean + self.scale * rng.normal()).clamp(0.0, 1.0);
        Ok((height(0.25), height(0.75)))
    }

    fn apply(&self, (low, high): &(f64, f64), sample: Sample) -> Result<Sample, AugmentError> {
        let (low, high) = (*low as f32, *high as f32);
        Ok(sample.with_image(|image| {
            image.map_values(|t| {
                let s = 1.0 - t;
                3.0 * s * s * t * low + 3.0 * s * t * t * high + t * t * t
            })
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"scale": -1}"#,
            "tone_curve: scale is in [0, 10], got -1",
        )]
    }
}
