//! A look through frosted glass.

use crate::image::Border;
use crate::image::base::filter::gaussian;
use crate::image::base::noise::bits;
use crate::image::base::prelude::*;

settings! {
    /// Blurs, exchanges every pixel with one up to `max_delta` away, `iterations` times over, and
    /// blurs again. `p` is 0.5.
    ///
    /// # Reference
    /// Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
    /// perturbations", ICLR 2019.
    pub struct GlassBlur {
        /// Standard deviation of the blur in pixels.
        sigma: f64 = 0.7,
        /// Greatest distance along each axis in pixels.
        max_delta: usize = 4,
        /// How often.
        iterations: usize = 2,
    }
}

impl Transform for GlassBlur {
    /// Seed of the distances.
    type Params = u64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let (s, d, n) = (self.sigma, self.max_delta, self.iterations);
        require::<Self>((0.01..=20.0).contains(&s), "sigma", "is in [0.01, 20]", s)?;
        require::<Self>((1..=100).contains(&d), "max_delta", "is in 1 to 100", d)?;
        require::<Self>((1..=10).contains(&n), "iterations", "is in 1 to 10", n)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<u64, AugmentError> {
        Ok(rng.seed())
    }

    fn apply(&self, seed: &u64, sample: Sample) -> Result<Sample, AugmentError> {
        let strength = (self.sigma, self.max_delta, self.iterations);
        Ok(sample.with_image(|image| glass(&image, strength, *seed)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"max_delta": 0}"#,
            "glass_blur: max_delta is in 1 to 100, got 0",
        )]
    }
}

/// Blur of `sigma`, exchange over `delta` pixels `iterations` times, blur.
pub(crate) fn glass(
    image: &Image,
    (sigma, delta, iterations): (f64, usize, usize),
    seed: u64,
) -> Image {
    let taps = gaussian(2 * (4.0 * sigma).round().max(1.0) as usize + 1, sigma);
    let mut image = image.separable(&taps, &taps, Border::Reflect);
    let ([h, w], c) = (image.size(), image.channels());
    if h > 2 * delta && w > 2 * delta {
        for k in 0..iterations as u64 {
            let moves = bits(seed, k, h * w);
            match image.pixels_mut() {
                Pixels::U8(p) => exchange(p, [h, w, c], delta, &moves),
                Pixels::U16(p) => exchange(p, [h, w, c], delta, &moves),
                Pixels::F32(p) => exchange(p, [h, w, c], delta, &moves),
            }
        }
    }
    image.separable(&taps, &taps, Border::Reflect)
}

/// Exchanges every pixel that is far enough from the edge with the one its move names.
fn exchange<T: Value>(p: &mut [T], [h, w, c]: [usize; 3], delta: usize, moves: &[u32]) {
    let span = 2 * delta as u32 + 1;
    for i in (delta..h - delta).rev() {
        for j in (delta..w - delta).rev() {
            let m = moves[i * w + j];
            let (di, dj) = ((m & 0xffff) % span, (m >> 16) % span);
            let other = (i + di as usize - delta) * w + j + dj as usize - delta;
            for k in 0..c {
                p.swap((i * w + j) * c + k, other * c + k);
            }
        }
    }
}
