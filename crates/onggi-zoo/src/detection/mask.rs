//! A detection's mask: probabilities on a small square that belongs to a box, and the way into the
//! image.

use super::boxes::Xyxy;
use super::transform::taps;

/// Side of a mask, in cells.
pub(super) const SIDE: usize = 28;

/// Empty cells that are put around a mask, so that it fades out beyond the box.
const BORDER: usize = 1;

/// The probability that each part of a box belongs to the thing in it.
///
/// A mask is 28 × 28 cells whatever the image: a hundred masks of a large photo as pixels would take
/// more memory than there is. [`patch`](Self::patch) and [`paste`](Self::paste) make pixels of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    pub(super) cells: Vec<f32>,
    pub(super) bbox: Xyxy,
    pub(super) image: [usize; 2],
}

/// A rectangle of an image's pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Probabilities, row by row.
    pub values: Vec<f32>,
}

impl Mask {
    /// A mask of 28 × 28 `cells` on the box `bbox` of an image of `[height, width]` pixels; `None` with
    /// another number of cells.
    pub fn new(cells: Vec<f32>, bbox: Xyxy, image: [usize; 2]) -> Option<Self> {
        let fits = cells.len() == SIDE * SIDE;
        fits.then_some(Self { cells, bbox, image })
    }

    /// The cells, 28 rows of 28, from the box's top left corner.
    pub fn cells(&self) -> &[f32] {
        &self.cells
    }

    /// The mask in the image's pixels, as far as it reaches: bilinear between the cells, which get an
    /// empty cell around them, onto the box with its edges rounded towards 0. Outside it is 0; a thing is
    /// mostly said to be where it is more than 0.5.
    pub fn patch(&self) -> Patch {
        let [height, width] = self.image;
        let [x1, y1, x2, y2] = self.bbox;
        let (left, columns) = span(x1, x2, width);
        let (top, rows) = span(y1, y2, height);
        let cell = |y: usize, x: usize| match (y.checked_sub(BORDER), x.checked_sub(BORDER)) {
            (Some(y), Some(x)) if y < SIDE && x < SIDE => self.cells[y * SIDE + x],
            _ => 0.0,
        };
        let mut values = Vec::with_capacity(rows.len() * columns.len());
        for &(above, below, down) in &rows {
            let column = |&(l, r, along): &(usize, usize, f32)| {
                let mix = |y: usize| cell(y, l) * (1.0 - along) + cell(y, r) * along;
                mix(above) * (1.0 - down) + mix(below) * down
            };
            values.extend(columns.iter().map(column));
        }
        Patch {
            top,
            left,
            height: rows.len(),
            width: columns.len(),
            values,
        }
    }

    /// The mask as one probability a pixel of the whole image, row by row.
    pub fn paste(&self) -> Vec<f32> {
        let [height, width] = self.image;
        let patch = self.patch();
        let mut whole = vec![0.0; height * width];
        let lines = patch.values.chunks_exact(patch.width.max(1));
        for (line, out) in lines.zip(whole.chunks_exact_mut(width.max(1)).skip(patch.top)) {
            out[patch.left..][..patch.width].copy_from_slice(line);
        }
        whole
    }
}

/// The pixels of an axis of `length` that a mask between `from` and `to` covers: the first, and which two
/// cells each lies between.
fn span(from: f32, to: f32, length: usize) -> (usize, Vec<(usize, usize, f32)>) {
    let cells = SIDE + 2 * BORDER;
    let grown = cells as f32 / SIDE as f32;
    let (centre, half) = ((to + from) * 0.5, (to - from) * 0.5 * grown);
    // Casts round towards 0 and take NaN to 0. A box lies in its image, so the bounds move nothing but
    // what no box is.
    let bound = length as i64;
    let edge = |v: f32| (v as i64).clamp(-bound, 2 * bound);
    let (from, to) = (edge(centre - half), edge(centre + half));
    let pixels = (to - from + 1).max(1) as usize;
    let (first, end) = (from.max(0), (to + 1).min(bound));
    let seen = taps(cells, pixels).into_iter();
    let seen = seen
        .skip((first - from) as usize)
        .take((end - first).max(0) as usize);
    (first.min(bound) as usize, seen.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(bbox: Xyxy, image: [usize; 2]) -> Mask {
        Mask {
            cells: vec![1.0; SIDE * SIDE],
            bbox,
            image,
        }
    }

    #[test]
    fn a_full_mask_fills_its_box_and_fades() {
        let whole = mask([10.0, 20.0, 66.0, 76.0], [100, 90]).paste();
        assert_eq!(whole.len(), 9000);
        let at = |y: usize, x: usize| whole[y * 90 + x];
        assert_eq!([at(48, 38), at(22, 12), at(73, 63)], [1.0; 3]);
        assert_eq!([at(0, 0), at(17, 38), at(48, 69)], [0.0; 3]);
        assert!((0.1..0.9).contains(&at(20, 38)), "{}", at(20, 38));
    }

    #[test]
    fn a_mask_at_the_edge_is_cut() {
        let patch = mask([0.0, 0.0, 5.0, 8.0], [8, 5]).patch();
        assert_eq!(
            [patch.top, patch.left, patch.height, patch.width],
            [0, 0, 8, 5]
        );
        let patch = mask([4.9, 0.0, 5.0, 0.1], [8, 5]).patch();
        assert_eq!(
            [patch.top, patch.left, patch.height, patch.width],
            [0, 4, 1, 1]
        );
    }

    #[test]
    fn no_box_is_no_panic() {
        for bbox in [
            [f32::NAN; 4],
            [-9e9, -9e9, 9e9, 9e9],
            [7.0, 7.0, 7.0, 7.0],
            [9.0, 9.0, 1.0, 1.0],
        ] {
            let mask = mask(bbox, [4, 3]);
            assert_eq!(mask.paste().len(), 12);
        }
    }
}
