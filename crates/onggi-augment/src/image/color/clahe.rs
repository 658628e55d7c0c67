//! Contrast raised tile by tile, with a limit.

use crate::image::base::prelude::*;

settings! {
    /// Equalises the brightness of each tile, histogram peaks cut at `clip_limit` times their mean,
    /// the tables of neighbouring tiles blended. Colour is kept: every channel moves by as much as
    /// the grey does. `p` is 0.5.
    ///
    /// # Reference
    /// Zuiderveld, "Contrast limited adaptive histogram equalization", 1994.
    ///
    /// # Differences from Albumentations
    /// The brightness is Rec. 601 grey, not L of CIELAB.
    pub struct Clahe {
        /// `[low, high]`, 1 or more.
        clip_limit: [f64; 2] = [1.0, 4.0],
        /// Rows and columns of tiles.
        tile_grid_size: [usize; 2] = [8, 8],
    }
}

impl Transform for Clahe {
    /// The limit.
    type Params = f64;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let rule = "is [low, high] between 1 and 256";
        require_range::<Self>(self.clip_limit, [1.0, 256.0], "clip_limit", rule)?;
        let holds = self.tile_grid_size.iter().all(|n| (1..=64).contains(n));
        let rule = "is [rows, columns] of 1 to 64 each";
        require::<Self>(holds, "tile_grid_size", rule, self.tile_grid_size)
    }

    fn draw(&self, _: &Sample, rng: &mut Draw) -> Result<f64, AugmentError> {
        Ok(rng.uniform(self.clip_limit))
    }

    fn apply(&self, limit: &f64, sample: Sample) -> Result<Sample, AugmentError> {
        Ok(sample.with_image(|image| clahe(&image, *limit, self.tile_grid_size)))
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"tile_grid_size": [0, 8]}"#,
            "tile_grid_size is [rows, columns]",
        )]
    }
}

fn clahe(image: &Image, limit: f64, grid: [usize; 2]) -> Image {
    let [h, w] = image.size();
    let grey: Vec<u8> = image.luma().iter().map(|&v| u8::from_fraction(v)).collect();
    // Tiles of whole pixels: the image is mirrored outwards where the grid does not fit.
    let [th, tw] = [h.div_ceil(grid[0]), w.div_ceil(grid[1])];
    let luts = tables(&grey, [h, w], [th, tw], grid, limit);
    let columns: Vec<_> = (0..w).map(|j| place(j, tw, grid[1])).collect();
    let mut change = vec![0f32; h * w];
    for i in 0..h {
        let (top, bottom, fy) = place(i, th, grid[0]);
        for (j, &(left, right, fx)) in columns.iter().enumerate() {
            let v = grey[i * w + j];
            let at = |r: usize, c: usize| f32::from(luts[r * grid[1] + c][usize::from(v)]);
            let upper = at(top, left) * (1.0 - fx) + at(top, right) * fx;
            let lower = at(bottom, left) * (1.0 - fx) + at(bottom, right) * fx;
            let y = (upper * (1.0 - fy) + lower * fy).round();
            change[i * w + j] = (y - f32::from(v)) / 255.0;
        }
    }
    let (c, color) = (image.channels(), image.has_color());
    let mut out = image.fractions();
    for (pixel, d) in out.chunks_exact_mut(c).zip(change) {
        // Without colour the first channel is the grey.
        let moved = if color { 3 } else { 1 };
        pixel[..moved].iter_mut().for_each(|v| *v += d);
    }
    image.with_fractions(&out)
}

/// The two tiles whose middles a pixel lies between, and how near it is to the second.
fn place(i: usize, tile: usize, n: usize) -> (usize, usize, f32) {
    let at = i as f32 / tile as f32 - 0.5;
    let first = at.floor();
    let tile = |k: f32| (k.max(0.0) as usize).min(n - 1);
    (tile(first), tile(first + 1.0), at - first)
}

/// The table of every tile.
fn tables(
    grey: &[u8],
    [h, w]: [usize; 2],
    [th, tw]: [usize; 2],
    grid: [usize; 2],
    limit: f64,
) -> Vec<[u8; 256]> {
    let mirror = |i: usize, n: usize| {
        crate::image::Border::Reflect
            .index(i as i64, n)
            .unwrap_or(n - 1)
    };
    let area = th * tw;
    let most = ((limit * area as f64 / 256.0) as u32).max(1);
    let mut out = Vec::with_capacity(grid[0] * grid[1]);
    for r in 0..grid[0] {
        for c in 0..grid[1] {
            let mut histogram = [0u32; 256];
            for i in r * th..(r + 1) * th {
                let row = &grey[mirror(i, h) * w..][..w];
                for j in c * tw..(c + 1) * tw {
                    histogram[usize::from(row[mirror(j, w)])] += 1;
                }
            }
            let cut: u32 = histogram.iter().map(|n| n.saturating_sub(most)).sum();
            let (each, rest) = (cut / 256, (cut % 256) as usize);
            histogram
                .iter_mut()
                .for_each(|n| *n = (*n).min(most) + each);
            let step = 256usize.checked_div(rest).unwrap_or(256);
            let places = histogram.iter_mut().step_by(step);
            places.take(rest).for_each(|n| *n += 1);
            let (mut sum, scale) = (0, 255.0 / area as f32);
            out.push(histogram.map(|n| {
                sum += n;
                u8::from_f32((sum as f32 * scale).min(255.0))
            }));
        }
    }
    out
}
