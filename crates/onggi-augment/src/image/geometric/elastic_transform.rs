//! Local random displacement, smooth: how handwriting and tissue vary.

use crate::image::base::filter::gaussian;
use crate::image::base::map::{Field, Map};
use crate::image::base::noise::uniform_plane;
use crate::image::base::prelude::*;
use crate::image::base::warp::Look;
use crate::image::{Border, Interpolation};

settings! {
    /// Moves every pixel by white noise in `[−1, 1]` that was blurred by a Gaussian and multiplied
    /// by `alpha / 2` pixels.
    ///
    /// # Reference
    /// Simard et al., "Best practices for convolutional neural networks applied to visual document
    /// analysis", ICDAR 2003.
    ///
    /// # Differences from torchvision
    /// There the displacement along x is scaled by width / height as well.
    pub struct ElasticTransform {
        /// Strength.
        alpha: f64 = 50.0,
        /// Standard deviation of the Gaussian in pixels.
        sigma: f64 = 5.0,
        /// How values between pixels are found.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What is seen beyond the edge.
        border: Border = Border::Constant,
        /// The fill of [`Border::Constant`].
        fill: Fill = Fill::All(0.0),
    }
}

impl Transform for ElasticTransform {
    /// Seed of the noise.
    type Params = u64;

    fn check(&self) -> Result<(), AugmentError> {
        let (a, s) = (self.alpha, self.sigma);
        require::<Self>((0.0..=1e4).contains(&a), "alpha", "is in [0, 10000]", a)?;
        require::<Self>(
            (0.1..=100.0).contains(&s),
            "sigma",
            "is in [0.1, 100] pixels",
            s,
        )?;
        self.fill.check::<Self>()
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<u64, AugmentError> {
        Ok(rng.seed())
    }

    fn apply(&self, seed: &u64, sample: Sample) -> Result<Sample, AugmentError> {
        let size = sample.size();
        let taps = gaussian((8.0 * self.sigma + 1.0) as usize | 1, self.sigma);
        let half = (self.alpha / 2.0) as f32;
        let plane = |stream| {
            let noise = uniform_plane(*seed, stream, size[0] * size[1], half);
            let noise = Image::of(size[0], size[1], 1, Pixels::F32(noise));
            match noise.separable(&taps, &taps, Border::Reflect).into_pixels() {
                Pixels::F32(p) => p,
                _ => Vec::new(),
            }
        };
        let field = Field {
            size,
            dx: plane(0),
            dy: plane(1),
        };
        let look = Look {
            interpolation: self.interpolation,
            border: self.border,
            fill: &self.fill,
        };
        Ok(sample.warp(&Map::Field(field), size, look))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"sigma": 0}"#,
            "elastic_transform: sigma is in [0.1, 100] pixels, got 0.0",
        )]
    }
}
