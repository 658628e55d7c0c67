//! A rectangle of random pixels: the image has to be known by its other parts. Cutout differs in that
//! it fills with 0, always in a square of one size.

use super::{erase, erase_with_noise};
use crate::image::Window;
use crate::image::base::prelude::*;

settings! {
    /// Fills a rectangle with random values, or with `value`. `p` is 0.5.
    ///
    /// Area and aspect ratio (height / width, on a logarithmic scale) are drawn; after ten
    /// rectangles that do not fit the image stays as it is.
    ///
    /// # Reference
    /// Zhong et al., "Random erasing data augmentation", AAAI 2020.
    ///
    /// # Differences from torchvision
    /// Random values are the default, and uniform over the range as in the paper, not N(0, 1).
    pub struct RandomErasing {
        /// Share of the area, `[low, high]`.
        scale: [f64; 2] = [0.02, 0.33],
        /// Height / width, `[low, high]`.
        ratio: [f64; 2] = [0.3, 3.3],
        /// What fills the rectangle; random values where it is not given.
        value: Option<Fill> = None,
    }
}

impl Transform for RandomErasing {
    /// The rectangle, and the seed of its pixels.
    type Params = Option<(Window, u64)>;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        require_range::<Self>(self.scale, [0.0, 1.0], "scale", "is [low, high] in [0, 1]")?;
        let rule = "is [low, high] in [0.001, 1000]";
        require_range::<Self>(self.ratio, [0.001, 1000.0], "ratio", rule)?;
        self.value.as_ref().map_or(Ok(()), Fill::check::<Self>)
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let [h, w] = sample.size();
        for _ in 0..10 {
            let area = (h * w) as f64 * rng.uniform(self.scale);
            let ratio = rng.uniform(self.ratio.map(f64::ln)).exp();
            let size = [(area * ratio).sqrt(), (area / ratio).sqrt()];
            let [rows, columns] = size.map(|n| n.round_ties_even() as usize);
            if rows < h && columns < w {
                let window = Window {
                    top: rng.below(h - rows + 1) as i64,
                    left: rng.below(w - columns + 1) as i64,
                    size: [rows, columns],
                };
                return Ok(Some((window, rng.seed())));
            }
        }
        Ok(None)
    }

    fn apply(&self, params: &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let Some((window, seed)) = *params else {
            return Ok(sample);
        };
        let [h, w] = sample.size();
        let fits = window.size[0] <= h && window.size[1] <= w;
        require::<Self>(fits, "window", "is no larger than the image", window.size)?;
        Ok(sample.with_image(|image| match &self.value {
            Some(fill) => erase(image, window, fill),
            None => erase_with_noise(image, window, seed),
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![
            (
                r#"{"scale": [0.5, 0.1]}"#,
                "random_erasing: scale is [low, high] in [0, 1]",
            ),
            (r#"{"value": [2]}"#, "fill is a fraction of the value range"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::picture;

    #[test]
    fn rectangles_lie_inside_and_outside_nothing_changes() {
        let erasing = RandomErasing::default();
        let x = Sample::from(picture(40, 30, 3));
        for index in 0..200 {
            let params = erasing.draw(&x, &mut Draw::new(0, 0, index)).unwrap();
            let Some((w, _)) = params else { continue };
            let [rows, columns] = w.size;
            let (t, l) = (w.top as usize, w.left as usize);
            assert!(t + rows <= 40 && l + columns <= 30);
            let area = (rows * columns) as f64 / 1200.0;
            assert!((0.01..0.36).contains(&area), "{area}");
            let y = erasing.apply(&params, x.clone()).unwrap();
            let pairs = x.image.to_u8().into_iter().zip(y.image.to_u8()).enumerate();
            for (i, (a, b)) in pairs {
                let (r, c) = (i / 90, i / 3 % 30);
                let inside = (t..t + rows).contains(&r) && (l..l + columns).contains(&c);
                assert!(inside || a == b);
            }
        }
    }
}
