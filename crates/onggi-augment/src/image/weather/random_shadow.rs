//! Shadows.

use crate::image::base::prelude::*;

settings! {
    /// Darkens the inside of quadrangles that reach from the top to the bottom of a part of the
    /// image. `p` is 0.5.
    pub struct RandomShadow {
        /// The part, `[left, top, right, bottom]` as shares.
        shadow_roi: [f64; 4] = [0.0, 0.5, 1.0, 1.0],
        /// Number of shadows, `[least, most]`.
        num_shadows_limit: [usize; 2] = [1, 2],
        /// Share of the light taken away.
        intensity: f64 = 0.5,
    }
}

impl Transform for RandomShadow {
    /// For each shadow its edges as shares of the width: left and right at the top, then at the
    /// bottom.
    type Params = Vec<[f64; 4]>;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let [l, t, r, b] = self.shadow_roi;
        let holds = 0.0 <= l && l < r && r <= 1.0 && 0.0 <= t && t < b && b <= 1.0;
        let rule = "is [left, top, right, bottom] as shares in [0, 1]";
        require::<Self>(holds, "shadow_roi", rule, self.shadow_roi)?;
        let [low, high] = self.num_shadows_limit;
        let rule = "is [least, most] with least ≤ most ≤ 100";
        require::<Self>(
            low <= high && high <= 100,
            "num_shadows_limit",
            rule,
            [low, high],
        )?;
        let i = self.intensity;
        require::<Self>((0.0..=1.0).contains(&i), "intensity", "is in [0, 1]", i)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<Self::Params, AugmentError> {
        let [l, _, r, _] = self.shadow_roi;
        let count = rng.between(self.num_shadows_limit);
        let mut pair = || {
            let (a, b) = (rng.uniform([l, r]), rng.uniform([l, r]));
            [a.min(b), a.max(b)]
        };
        let mut shadow = |_| {
            let ([a, b], [c, d]) = (pair(), pair());
            [a, b, c, d]
        };
        Ok((0..count).map(&mut shadow).collect())
    }

    fn apply(&self, shadows: &Self::Params, sample: Sample) -> Result<Sample, AugmentError> {
        let [_, top, _, bottom] = self.shadow_roi;
        let light = 1.0 - self.intensity as f32;
        Ok(sample.with_image(|image| {
            let ([h, w], c) = (image.size(), image.channels());
            let mut out = image.fractions();
            for (i, row) in out.chunks_exact_mut(w * c).enumerate() {
                let y = (i as f64 + 0.5) / h as f64;
                if y < top || y > bottom {
                    continue;
                }
                let t = (y - top) / (bottom - top);
                for (j, pixel) in row.chunks_exact_mut(c).enumerate() {
                    let x = (j as f64 + 0.5) / w as f64;
                    let inside = |s: &[f64; 4]| {
                        s[0] + (s[2] - s[0]) * t <= x && x < s[1] + (s[3] - s[1]) * t
                    };
                    if shadows.iter().any(inside) {
                        pixel.iter_mut().for_each(|v| *v *= light);
                    }
                }
            }
            image.with_fractions(&out)
        }))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"shadow_roi": [0, 1, 1, 0]}"#,
            "shadow_roi is [left, top, right, bottom]",
        )]
    }
}
