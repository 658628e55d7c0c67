//! The sun in the lens.

use crate::image::base::prelude::*;

settings! {
    /// Lays a disk of light over the image, brightest in its middle. `p` is 0.5.
    pub struct RandomSunFlare {
        /// Where the middle may lie, `[left, top, right, bottom]` as shares.
        flare_roi: [f64; 4] = [0.0, 0.0, 1.0, 0.5],
        /// Radius as a share of the longer side, `[low, high]`.
        src_radius: [f64; 2] = [0.2, 0.6],
        /// The light.
        src_color: Fill = Fill::All(1.0),
    }
}

impl Transform for RandomSunFlare {
    /// Middle `[x, y]` as shares, and radius.
    type Params = ([f64; 2], f64);

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let [l, t, r, b] = self.flare_roi;
        let holds = 0.0 <= l && l <= r && r <= 1.0 && 0.0 <= t && t <= b && b <= 1.0;
        let rule = "is [left, top, right, bottom] as shares in [0, 1]";
        require::<Self>(holds, "flare_roi", rule, self.flare_roi)?;
        let rule = "is [low, high] in [0.001, 10]";
        require_range::<Self>(self.src_radius, [0.001, 10.0], "src_radius", rule)?;
        self.src_color.check::<Self>()
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let [l, t, r, b] = self.flare_roi;
        let middle = [rng.uniform([l, r]), rng.uniform([t, b])];
        Ok((middle, rng.uniform(self.src_radius)))
    }

    fn apply(&self, ([x, y], r): &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| {
            let ([h, w], c) = (image.size(), image.channels());
            let light: Vec<f32> = (0..c).map(|k| self.src_color.at(k) as f32).collect();
            let (x, y) = ((x * w as f64) as f32, (y * h as f64) as f32);
            let reach = (r * h.max(w) as f64) as f32;
            let mut out = image.fractions();
            for (i, pixel) in out.chunks_exact_mut(c).enumerate() {
                let (dx, dy) = ((i % w) as f32 + 0.5 - x, (i / w) as f32 + 0.5 - y);
                let a = (1.0 - dx.hypot(dy) / reach).max(0.0);
                for (v, l) in pixel.iter_mut().zip(&light) {
                    *v += a * a * (l - *v);
                }
            }
            image.with_fractions(&out)
        }))
    }
}
