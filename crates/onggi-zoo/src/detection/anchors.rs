//! Anchors: the boxes of standard sizes and shapes that the region proposal network starts from.
//!
//! # Reference
//! Ren et al., *Faster R-CNN*, 2015; one size a level: Lin et al., *Feature pyramid networks for object
//! detection*, 2017.

use super::boxes::Xyxy;

/// Side of the square anchor of each level of the pyramid, pixels.
pub const SIZES: [f32; 5] = [32.0, 64.0, 128.0, 256.0, 512.0];

/// Height over width.
pub const RATIOS: [f32; 3] = [0.5, 1.0, 2.0];

/// The anchors around a point: of area `size²` and each of [`RATIOS`], the edges rounded to whole
/// pixels, halves to even.
pub fn cell(size: f32) -> [Xyxy; RATIOS.len()] {
    RATIOS.map(|ratio| {
        let tall = ratio.sqrt();
        let (w, h) = (1.0 / tall * size, tall * size);
        [-w, -h, w, h].map(|edge| (edge / 2.0).round_ties_even())
    })
}

/// The anchors of a level: of each pixel of its map, row by row, those of [`cell`]. The points lie
/// `⌊image / grid⌋` pixels apart, the first at 0.
///
/// `image` and `grid` are `[height, width]` of the padded image and of the map.
///
/// # Example
/// ```
/// use onggi_zoo::detection::anchors::level;
///
/// let anchors = level(32.0, [64, 96], [16, 24]);
/// assert_eq!(anchors.len(), 16 * 24 * 3);
/// assert_eq!(anchors[3 + 1], [-12.0, -16.0, 20.0, 16.0], "square, around the second pixel");
/// ```
pub fn level(size: f32, image: [usize; 2], grid: [usize; 2]) -> Vec<Xyxy> {
    let cell = cell(size);
    let step = |axis: usize| image[axis].checked_div(grid[axis]).unwrap_or(0);
    let (down, right) = (step(0), step(1));
    let mut anchors = Vec::with_capacity(grid[0] * grid[1] * cell.len());
    for y in 0..grid[0] {
        for x in 0..grid[1] {
            let (x, y) = ((x * right) as f32, (y * down) as f32);
            anchors.extend(cell.map(|[x1, y1, x2, y2]| [x1 + x, y1 + y, x2 + x, y2 + y]));
        }
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_around_a_point() {
        let expected = [
            [-23.0, -11.0, 23.0, 11.0],
            [-16.0, -16.0, 16.0, 16.0],
            [-11.0, -23.0, 11.0, 23.0],
        ];
        assert_eq!(cell(32.0), expected);
    }

    #[test]
    fn steps_are_whole_and_their_own_on_each_axis() {
        let anchors = level(512.0, [800, 1088], [13, 17]);
        assert_eq!(anchors.len(), 13 * 17 * 3);
        let [first, below, beside] = [anchors[1], anchors[17 * 3 + 1], anchors[3 + 1]];
        assert_eq!([below[1] - first[1], beside[0] - first[0]], [61.0, 64.0]);
        assert!(level(32.0, [32, 32], [0, 4]).is_empty());
    }
}
