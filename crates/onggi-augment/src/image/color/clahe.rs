//! Contrast raised tile by tile, with a limit.

use multiversion::multiversion;

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
    let grey = image.luma_levels();
    // Tiles of whole pixels: the image is mirrored outwards where the grid does not fit.
    let [th, tw] = [h.div_ceil(grid[0]), w.div_ceil(grid[1])];
    let luts = tables(&grey, [h, w], [th, tw], grid, limit);
    let columns: Vec<_> = (0..w).map(|j| place(j, tw, grid[1])).collect();
    let mut change = vec![0i16; h * w];
    for (i, (change, grey)) in change
        .chunks_exact_mut(w)
        .zip(grey.chunks_exact(w))
        .enumerate()
    {
        let (top, bottom, fy) = place(i, th, grid[0]);
        let tables = [top, bottom].map(|r| &luts[r * grid[1]..][..grid[1]]);
        blend(grey, tables, &columns, fy, change);
    }
    let c = image.channels();
    // Without colour the first channel is the grey.
    let moved = if image.has_color() { 3 } else { 1 };
    if let (Pixels::U8(p), 3, 3) = (image.pixels(), c, moved) {
        return image.with(Pixels::U8(add(p, &change)));
    }
    let mut out = image.fractions();
    for (pixel, d) in out.chunks_exact_mut(c).zip(change) {
        let d = f32::from(d) / 255.0;
        pixel[..moved].iter_mut().for_each(|v| *v += d);
    }
    image.with_fractions(&out)
}

/// By how much each grey of a row moves, between the tables of the tiles above and below.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2+fma", "aarch64+neon"))]
fn blend(
    grey: &[u8],
    [upper, lower]: [&[[u8; 256]]; 2],
    columns: &[(usize, usize, f32)],
    fy: f32,
    change: &mut [i16],
) {
    for ((change, &v), &(left, right, fx)) in change.iter_mut().zip(grey).zip(columns) {
        let at = usize::from(v);
        let [a, b] = [upper[left][at].to_f32(), upper[right][at].to_f32()];
        let [c, d] = [lower[left][at].to_f32(), lower[right][at].to_f32()];
        let upper = a * (1.0 - fx) + b * fx;
        let lower = c * (1.0 - fx) + d * fx;
        let y = u8::from_f32(upper * (1.0 - fy) + lower * fy);
        *change = i16::from(y) - i16::from(v);
    }
}

/// Adds to red, green and blue of each pixel.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2", "aarch64+neon"))]
fn add(p: &[u8], change: &[i16]) -> Vec<u8> {
    let mut out = p.to_vec();
    for (pixel, d) in out.as_chunks_mut::<3>().0.iter_mut().zip(change) {
        for v in pixel {
            *v = (i16::from(*v) + d).clamp(0, 255) as u8;
        }
    }
    out
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
