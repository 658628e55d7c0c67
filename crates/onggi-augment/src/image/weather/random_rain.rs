//! Rain.

use crate::image::Border;
use crate::image::base::filter::gaussian;
use crate::image::base::noise::bits;
use crate::image::base::prelude::*;

settings! {
    /// Draws slanted streaks of one length, blurs a little and darkens. `p` is 0.5.
    pub struct RandomRain {
        /// Columns the lower end of a streak lies to the right, as a share of its length,
        /// `[low, high]`.
        slant_range: [f64; 2] = [-0.5, 0.5],
        /// Length of a streak in rows.
        drop_length: usize = 20,
        /// Streaks for 1000 pixels.
        density: f64 = 1.0,
        /// The streaks' value.
        drop_color: f64 = 0.8,
        /// Factor of the whole.
        brightness_coefficient: f64 = 0.7,
    }
}

impl Transform for RandomRain {
    /// Slant, and seed of the places.
    type Params = (f64, u64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] in [-2, 2]";
        require_range::<Self>(self.slant_range, [-2.0, 2.0], "slant_range", rule)?;
        let n = self.drop_length;
        require::<Self>((1..=1000).contains(&n), "drop_length", "is 1 to 1000", n)?;
        let d = self.density;
        require::<Self>((0.0..=100.0).contains(&d), "density", "is in [0, 100]", d)?;
        for (name, v) in [
            ("drop_color", self.drop_color),
            ("brightness_coefficient", self.brightness_coefficient),
        ] {
            require::<Self>((0.0..=1.0).contains(&v), name, "is in [0, 1]", v)?;
        }
        Ok(())
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(f64, u64), AugmentError> {
        Ok((rng.uniform(self.slant_range), rng.seed()))
    }

    fn apply(&self, (slant, seed): &(f64, u64), sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| {
            let ([h, w], c) = (image.size(), image.channels());
            let count = ((h * w) as f64 * self.density / 1000.0).ceil() as usize;
            let mut out = image.fractions();
            for place in bits(*seed, 0, 2 * count).chunks_exact(2) {
                let (top, left) = (place[0] as usize % h, place[1] as usize % w);
                for k in 0..self.drop_length {
                    let (i, j) = (top + k, left as f64 + slant * k as f64);
                    if i < h && j >= 0.0 && (j as usize) < w {
                        out[(i * w + j as usize) * c..][..c].fill(self.drop_color as f32);
                    }
                }
            }
            let taps = gaussian(3, 0.8);
            let wet = image
                .with(Pixels::F32(out))
                .separable(&taps, &taps, Border::Reflect);
            let dark = self.brightness_coefficient as f32;
            let out: Vec<f32> = wet.fractions().iter().map(|v| v * dark).collect();
            image.with_fractions(&out)
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"drop_color": 200}"#,
            "random_rain: drop_color is in [0, 1], got 200",
        )]
    }
}
