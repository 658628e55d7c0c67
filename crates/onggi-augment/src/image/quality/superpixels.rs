//! Patches of one colour, their borders along those of the image.

use crate::image::base::noise::uniforms;
use crate::image::base::prelude::*;

settings! {
    /// Divides the image into about `n_segments` patches of near pixels of like colour (SLIC) and
    /// gives each, with probability `p_replace`, its mean colour. `p` is 0.5.
    ///
    /// # Reference
    /// Achanta et al., "SLIC superpixels compared to state-of-the-art superpixel methods", 2012; here
    /// in the image's own colours, not in CIELAB.
    pub struct Superpixels {
        /// Probability of each patch.
        p_replace: f64 = 0.1,
        /// Patches.
        n_segments: usize = 100,
    }
}

impl Transform for Superpixels {
    /// Seed of the lots.
    type Params = u64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let (p, n) = (self.p_replace, self.n_segments);
        require::<Self>((0.0..=1.0).contains(&p), "p_replace", "is in [0, 1]", p)?;
        require::<Self>((1..=10_000).contains(&n), "n_segments", "is 1 to 10000", n)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<u64, AugmentError> {
        Ok(rng.seed())
    }

    fn apply(&self, seed: &u64, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| {
            let c = image.channels();
            // In 8 bits, so that depths that hold the same image have the same patches.
            let values: Vec<f32> = image.to_u8().iter().map(|v| v.fraction()).collect();
            let patches = slic(&values, image.size(), c, self.n_segments);
            let count = patches.iter().max().map_or(0, |m| m + 1);
            let lots = uniforms(*seed, 0, count);
            let (mut sums, mut sizes) = (vec![0f64; count * c], vec![0f64; count]);
            let mut out = image.fractions();
            for (pixel, &patch) in out.chunks_exact(c).zip(&patches) {
                sizes[patch] += 1.0;
                (0..c).for_each(|k| sums[patch * c + k] += f64::from(pixel[k]));
            }
            for (pixel, &patch) in out.chunks_exact_mut(c).zip(&patches) {
                if lots[patch] < self.p_replace as f32 {
                    for (k, v) in pixel.iter_mut().enumerate() {
                        *v = (sums[patch * c + k] / sizes[patch]) as f32;
                    }
                }
            }
            image.with_fractions(&out)
        }))
    }

    #[cfg(test)]
    fn example(_: usize, _: usize, _: usize) -> Self {
        Self {
            p_replace: 0.5,
            n_segments: 9,
        }
    }
}

/// The patch of every pixel.
fn slic(values: &[f32], [h, w]: [usize; 2], c: usize, segments: usize) -> Vec<usize> {
    let step = ((h * w) as f64 / segments as f64).sqrt().max(1.0);
    let (rows, columns) = (
        (h as f64 / step).ceil() as usize,
        (w as f64 / step).ceil() as usize,
    );
    // Centres: row, column, then the colour.
    let mut centres: Vec<Vec<f32>> = Vec::new();
    for r in 0..rows {
        for q in 0..columns {
            let i = ((r as f64 + 0.5) * h as f64 / rows as f64) as usize;
            let j = ((q as f64 + 0.5) * w as f64 / columns as f64) as usize;
            let color = values[(i * w + j) * c..][..c].iter().copied();
            centres.push([i as f32, j as f32].into_iter().chain(color).collect());
        }
    }
    // A step apart weighs as much as a tenth of the range in colour.
    let near = 0.1 / step as f32;
    let mut patches = vec![0; h * w];
    for _ in 0..5 {
        let mut best = vec![f32::MAX; h * w];
        for (k, m) in centres.iter().enumerate() {
            let span = |at: f32, n: usize| {
                let low = (f64::from(at) - step).floor().max(0.0) as usize;
                low..((f64::from(at) + step).ceil() as usize + 1).min(n)
            };
            for i in span(m[0], h) {
                for j in span(m[1], w) {
                    let at = i * w + j;
                    let place = (i as f32 - m[0]).powi(2) + (j as f32 - m[1]).powi(2);
                    let pixel = &values[at * c..][..c];
                    let color: f32 = pixel
                        .iter()
                        .zip(&m[2..])
                        .map(|(a, b)| (a - b).powi(2))
                        .sum();
                    let d = color + near * near * place;
                    if d < best[at] {
                        (best[at], patches[at]) = (d, k);
                    }
                }
            }
        }
        let mut sums = vec![vec![0f32; c + 2]; centres.len()];
        let mut sizes = vec![0f32; centres.len()];
        for (at, &k) in patches.iter().enumerate() {
            sizes[k] += 1.0;
            sums[k][0] += (at / w) as f32;
            sums[k][1] += (at % w) as f32;
            (0..c).for_each(|q| sums[k][q + 2] += values[at * c + q]);
        }
        for (k, centre) in centres
            .iter_mut()
            .enumerate()
            .filter(|(k, _)| sizes[*k] > 0.0)
        {
            for (m, s) in centre.iter_mut().zip(&sums[k]) {
                *m = s / sizes[k];
            }
        }
    }
    patches
}
