//! The blur of a camera out of focus: every point a disk.

use crate::image::Border;
use crate::image::base::filter::gaussian;
use crate::image::base::prelude::*;

settings! {
    /// Convolves with a disk of a radius drawn evenly, its rim softened by a Gaussian. `p` is 0.5.
    ///
    /// # Reference
    /// Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
    /// perturbations", ICLR 2019.
    pub struct Defocus {
        /// Radius in pixels, `[low, high]`, whole numbers.
        radius: [usize; 2] = [3, 10],
        /// Standard deviation of the rim, `[low, high]`.
        alias_blur: [f64; 2] = [0.1, 0.5],
    }
}

impl Transform for Defocus {
    /// Radius, and standard deviation of the rim.
    type Params = (f64, f64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let [low, high] = self.radius;
        let holds = 1 <= low && low <= high && high <= 60;
        require::<Self>(
            holds,
            "radius",
            "is [low, high] from 1 to 60 pixels",
            self.radius,
        )?;
        let rule = "is [low, high] in [0.01, 10]";
        require_range::<Self>(self.alias_blur, [0.01, 10.0], "alias_blur", rule)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<(f64, f64), AugmentError> {
        Ok((
            rng.between(self.radius) as f64,
            rng.uniform(self.alias_blur),
        ))
    }

    fn apply(&self, (r, alias): &(f64, f64), sample: Sample) -> Result<Sample, AugmentError> {
        let (kernel, n) = disk(*r, *alias);
        Ok(sample.with_image(|image| image.convolve(&kernel, [n, n], 0.0, Border::Reflect)))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            radius: [1, 3],
            ..Self::default()
        }
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"radius": [0, 3]}"#,
            "defocus: radius is [low, high] from 1 to 60 pixels",
        )]
    }
}

/// A disk of sum 1 with a softened rim, and its side.
pub(crate) fn disk(radius: f64, alias: f64) -> (Vec<f32>, usize) {
    let reach = radius.clamp(0.1, 60.0).ceil() as i64 + 2;
    let n = (2 * reach + 1) as usize;
    let inside = |i: i64, j: i64| f32::from((i * i + j * j) as f64 <= radius * radius);
    let sharp: Vec<f32> = (-reach..=reach)
        .flat_map(|i| (-reach..=reach).map(move |j| inside(i, j)))
        .collect();
    let taps = gaussian(if radius <= 8.0 { 3 } else { 5 }, alias);
    let soft = Image::of(n, n, 1, Pixels::F32(sharp)).separable(&taps, &taps, Border::Reflect);
    let soft = soft.fractions();
    let sum: f32 = soft.iter().sum();
    (soft.iter().map(|v| v / sum).collect(), n)
}
