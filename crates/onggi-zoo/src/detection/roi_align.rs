//! RoIAlign: a region of a map as a small square map, by bilinear samples that are not rounded to
//! pixels.
//!
//! Host code without gradients, for inference. Each region is its own task, so the result does not
//! depend on the number of threads.

use super::boxes::{Xyxy, area};
use rayon::prelude::*;

/// Samples along each side of a bin.
const SAMPLES: usize = 2;

/// Pixels that a bin of one axis sees: two for each sample.
const TAPS: usize = 2 * SAMPLES;

/// Side of the region, in pixels, that belongs to the pyramid's level [`CANONICAL_LEVEL`].
const CANONICAL_SIDE: f32 = 224.0;
const CANONICAL_LEVEL: f32 = 4.0;

/// A map `(C, H, W)` of one image.
#[derive(Clone, Copy, Debug)]
pub struct Level<'a> {
    /// The values, row-major.
    pub values: &'a [f32],
    /// `[C, H, W]`.
    pub shape: [usize; 3],
    /// Pixels of the map for one of the image, e.g. 1/4.
    pub scale: f32,
}

/// The region `region` of `level`, cut into `size` × `size` bins:
///
/// ```text
/// y[c, i, j] = mean over 2 × 2 points, evenly spread in bin (i, j), of bilinear(x[c], point)
/// ```
///
/// A region of less than one pixel of the map counts as one pixel wide. A point more than a pixel
/// outside of the map is 0, another outside of it is moved to its edge. This is torchvision's
/// `roi_align` with `sampling_ratio = 2` and `aligned = False`, as its detectors have it.
///
/// # Shapes
/// `out`: `(C, size, size)`, of which all is written; of another length, what fits.
///
/// # Reference
/// He et al., *Mask R-CNN*, 2017.
pub fn roi_align(level: Level<'_>, region: Xyxy, size: usize, out: &mut [f32]) {
    let [_, height, width] = level.shape;
    let pixels = height * width;
    if pixels == 0 || size == 0 {
        return out.fill(0.0);
    }
    let [x1, y1, x2, y2] = region.map(|edge| edge * level.scale);
    let (rows, columns) = (bins(y1, y2, size, height), bins(x1, x2, size, width));
    let maps = level.values.chunks_exact(pixels);
    for (map, out) in maps.zip(out.chunks_exact_mut(size * size)) {
        for (row, out) in rows.iter().zip(out.chunks_exact_mut(size)) {
            let lines = row.map(|(at, weight)| (&map[at * width..][..width], weight));
            for (column, out) in columns.iter().zip(out) {
                *out = lines
                    .iter()
                    .map(|(line, weight)| {
                        weight * column.iter().map(|(at, w)| w * line[*at]).sum::<f32>()
                    })
                    .sum();
            }
        }
    }
}

/// The pixels that each of `size` bins between `from` and `to` sees on an axis of `length` pixels, with
/// their shares.
fn bins(from: f32, to: f32, size: usize, length: usize) -> Vec<[(usize, f32); TAPS]> {
    let bin = (to - from).max(1.0) / size as f32;
    let last = length - 1;
    let share = 1.0 / SAMPLES as f32;
    let of = |i: usize| {
        let mut taps = [(0, 0.0); TAPS];
        for (s, taps) in taps.chunks_exact_mut(2).enumerate() {
            let at = from + i as f32 * bin + (s as f32 + 0.5) * bin * share;
            // False for NaN, too.
            if !(-1.0..=length as f32).contains(&at) {
                continue;
            }
            let at = at.max(0.0);
            let low = at as usize;
            let (low, high, beyond) = match low < last {
                true => (low, low + 1, at - low as f32),
                false => (last, last, 0.0),
            };
            taps[0] = (low, (1.0 - beyond) * share);
            taps[1] = (high, beyond * share);
        }
        taps
    };
    (0..size).map(of).collect()
}

/// Which of `levels` levels, the finest of which has a stride of 4, a region belongs to:
/// `⌊4 + log₂(√area / 224)⌋ − 2`, within those that there are.
///
/// # Reference
/// Lin et al., *Feature pyramid networks for object detection*, 2017, equation 1.
pub fn level_of(region: Xyxy, levels: usize) -> usize {
    // torchvision's margin against rounding.
    const MARGIN: f32 = 1e-6;
    let level = CANONICAL_LEVEL + (area(region).sqrt() / CANONICAL_SIDE).log2() + MARGIN;
    // The cast takes NaN and what is below to 0.
    ((level.floor() - 2.0) as usize).min(levels.saturating_sub(1))
}

/// [`roi_align`] of all `regions`, each on the level that it belongs to: `(regions, C, size, size)`.
///
/// # Differences from torchvision
/// A level's scale is given. torchvision's `MultiScaleRoIAlign` infers it from the first image that it
/// sees, and gets it wrong by a factor of 2 if that is less than about 45 pixels high.
pub fn pooled(levels: &[Level<'_>], regions: &[Xyxy], size: usize) -> Vec<f32> {
    let channels = levels.first().map_or(0, |level| level.shape[0]);
    let each = channels * size * size;
    let mut out = vec![0.0; regions.len() * each];
    if each > 0 {
        let parts = out.par_chunks_exact_mut(each).zip(regions);
        parts.for_each(|(out, region)| {
            let level = levels[level_of(*region, levels.len())];
            roi_align(level, *region, size, out);
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(values: &[f32], shape: [usize; 3], scale: f32) -> Level<'_> {
        Level {
            values,
            shape,
            scale,
        }
    }

    /// Of a plane `a + b·x + c·y` a bin's mean is its value at the bin's centre.
    #[test]
    fn a_plane_is_sampled_at_the_centres() {
        let (h, w) = (12, 15);
        let plane = |y: f32, x: f32| 3.0 + 0.5 * x - 2.0 * y;
        let values: Vec<f32> = (0..h * w)
            .map(|i| plane((i / w) as f32, (i % w) as f32))
            .collect();
        let mut out = [0.0; 9];
        roi_align(
            level(&values, [1, h, w], 0.5),
            [4.0, 2.0, 22.0, 20.0],
            3,
            &mut out,
        );
        for (i, got) in out.iter().enumerate() {
            let expected = plane(
                1.0 + 3.0 * (i / 3) as f32 + 1.5,
                2.0 + 3.0 * (i % 3) as f32 + 1.5,
            );
            assert!((got - expected).abs() < 1e-5, "{i}: {got} {expected}");
        }
    }

    #[test]
    fn a_region_off_the_map_is_zero_and_at_its_edge_the_edge() {
        let map = level(&[7.0; 16], [1, 4, 4], 1.0);
        let mut out = [1.0; 4];
        roi_align(map, [20.0, 20.0, 30.0, 30.0], 2, &mut out);
        assert_eq!(out, [0.0; 4]);
        roi_align(map, [3.0, 3.0, 4.0, 4.0], 2, &mut out);
        assert_eq!(out, [7.0; 4]);
        for broken in [[f32::NAN; 4], [f32::NEG_INFINITY, 0.0, f32::INFINITY, 1.0]] {
            roi_align(map, broken, 2, &mut out);
            assert!(out.iter().all(|v| *v == 0.0 || *v == 7.0), "{out:?}");
        }
    }

    #[test]
    fn a_region_without_size_counts_as_a_pixel() {
        let values: Vec<f32> = (0..16).map(|i| i as f32).collect();
        let map = level(&values, [1, 4, 4], 1.0);
        let (mut point, mut pixel) = ([0.0; 4], [0.0; 4]);
        roi_align(map, [1.0; 4], 2, &mut point);
        roi_align(map, [1.0, 1.0, 2.0, 2.0], 2, &mut pixel);
        assert_eq!(point, pixel);
    }

    #[test]
    fn larger_regions_belong_to_coarser_levels() {
        let of = |side: f32| level_of([0.0, 0.0, side, side], 4);
        assert_eq!(
            [1.0, 111.0, 112.0, 224.0, 447.0, 448.0, 5000.0].map(of),
            [0, 0, 1, 2, 2, 3, 3]
        );
        assert_eq!(level_of([0.0; 4], 4), 0);
        assert_eq!(level_of([f32::NAN; 4], 4), 0);
        assert_eq!(level_of([0.0, 0.0, f32::INFINITY, 1.0], 4), 3);
    }

    #[test]
    fn the_same_bits_at_any_number_of_threads() {
        let values: Vec<f32> = (0..3 * 20 * 30).map(|i| (i as f32 * 0.37).sin()).collect();
        let levels = [
            level(&values, [3, 20, 30], 0.25),
            level(&values[..450], [3, 10, 15], 0.125),
        ];
        let region = |i: usize| {
            [
                i as f32,
                2.0 * i as f32,
                40.0 + 3.0 * i as f32,
                50.0 + i as f32,
            ]
        };
        let regions: Vec<Xyxy> = (0..40).map(region).collect();
        let at = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| pooled(&levels, &regions, 7))
        };
        assert_eq!(at(1), at(3));
        assert!(pooled(&levels, &[], 7).is_empty() && pooled(&[], &regions, 7).is_empty());
    }
}
