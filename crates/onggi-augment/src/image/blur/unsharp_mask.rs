//! Edges raised where there are some.

use super::{draw_odd, require_odd};
use crate::image::Border;
use crate::image::base::filter::gaussian;
use crate::image::base::prelude::*;

settings! {
    /// Adds `alpha` times the difference from the blurred image where that is above `threshold`, the
    /// border between the two softened by the same blur. `p` is 0.5.
    pub struct UnsharpMask {
        /// Taps of the Gaussian, odd, `[low, high]`; its σ is 0.3 (taps / 2 − 1) + 0.8.
        blur_limit: [usize; 2] = [3, 7],
        /// Factor, `[low, high]`.
        alpha: [f64; 2] = [0.2, 0.5],
        /// Fraction of the range.
        threshold: f64 = 10.0 / 255.0,
    }
}

impl Transform for UnsharpMask {
    /// Taps and factor.
    type Params = (usize, f64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let t = self.threshold;
        require::<Self>((0.0..=1.0).contains(&t), "threshold", "is in [0, 1]", t)?;
        require_range::<Self>(self.alpha, [0.0, 1.0], "alpha", "is [low, high] in [0, 1]")?;
        require_odd::<Self>(self.blur_limit)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(usize, f64), AugmentError> {
        Ok((draw_odd(self.blur_limit, rng), rng.uniform(self.alpha)))
    }

    fn apply(&self, (taps, alpha): &(usize, f64), sample: Sample) -> Result<Sample, AugmentError> {
        let n = (*taps).clamp(1, 255) | 1;
        let taps = gaussian(n, 0.3 * ((n as f64 - 1.0) / 2.0 - 1.0) + 0.8);
        let (alpha, t) = (*alpha as f32, self.threshold as f32 + 1e-6);
        Ok(sample.with_image(|image| {
            let exact = image.with(Pixels::F32(image.fractions()));
            let blurred = exact.separable(&taps, &taps, Border::Reflect).fractions();
            let x = exact.fractions();
            let edges = x
                .iter()
                .zip(&blurred)
                .map(|(x, b)| f32::from((x - b).abs() > t));
            let edges = image.with(Pixels::F32(edges.collect()));
            let soft = edges.separable(&taps, &taps, Border::Reflect).fractions();
            let out: Vec<f32> = (0..x.len())
                .map(|i| {
                    let sharp = (x[i] + alpha * (x[i] - blurred[i])).clamp(0.0, 1.0);
                    x[i] + soft[i] * (sharp - x[i])
                })
                .collect();
            image.with_fractions(&out)
        }))
    }
}
