//! A rectangle of one image in another.

use super::{blend, hidden, named, require_alike};
use crate::image::base::prelude::*;
use crate::image::base::window::cut;
use crate::image::{Border, BoundingBox, Window};

settings! {
    /// Pastes a rectangle of the sample before it in the batch (the first: of the last) into each
    /// sample at the same place. Its share of the area is 1 − λ, λ drawn once a batch from
    /// Beta(alpha, alpha); its centre is any pixel; what stands over is cut off, and the label mixed
    /// by the area that is left.
    ///
    /// Masks are pasted as the image is. Boxes and keypoints under the rectangle lose what it hides;
    /// those of the other sample come with it.
    ///
    /// # Reference
    /// Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable
    /// features", ICCV 2019.
    pub struct CutMix {
        /// Of the distribution.
        alpha: f64 = 1.0,
        /// Number of classes.
        num_classes: usize = 1,
    }
}

named!(CutMix, "cutmix", "a rectangle of one image in another");

impl CutMix {
    /// Draws the rectangle for images of `[height, width]`.
    pub fn draw(&self, [h, w]: [usize; 2], rng: &mut Draw) -> Window {
        let share = rng.beta(self.alpha.clamp(1e-3, 1e3));
        let (x, y) = (rng.below(w), rng.below(h));
        let half = 0.5 * (1.0 - share).sqrt();
        let span = |at: usize, n: usize| {
            let half = (half * n as f64) as usize;
            (at.saturating_sub(half), (at + half).min(n))
        };
        let ((left, right), (top, bottom)) = (span(x, w), span(y, h));
        Window {
            top: top as i64,
            left: left as i64,
            size: [bottom - top, right - left],
        }
    }

    /// Mixes the batch.
    ///
    /// # Errors
    /// [`AugmentError::Setting`] for an alpha not above 0 or a window that is not inside the images,
    /// [`AugmentError::Unfit`] for images that differ in shape or labels outside the classes.
    pub fn apply(&self, window: Window, batch: Vec<Sample>) -> Result<Vec<Sample>, AugmentError> {
        require::<Self>(self.alpha > 0.0, "alpha", "is above 0", self.alpha)?;
        require_alike::<Self>(&batch)?;
        let n = batch.len();
        let mixed = |i: usize| {
            let (a, b) = (&batch[i], &batch[(i + n - 1) % n]);
            let [h, w] = a.size();
            let [rows, columns] = window.size;
            let (top, left) = (window.top as f64, window.left as f64);
            let edges = [left, top, left + columns as f64, top + rows as f64];
            let inside = window.top >= 0 && window.left >= 0;
            let inside = inside && edges[2] <= w as f64 && edges[3] <= h as f64;
            require::<Self>(inside, "window", "lies inside the images", window)?;
            let share = 1.0 - (rows * columns) as f64 / (h * w) as f64;
            let label = blend::<Self>(&a.label, &b.label, share, self.num_classes)?;
            if rows * columns == 0 {
                return Ok(Sample { label, ..a.clone() });
            }
            let held =
                |x: f64, y: f64| edges[0] <= x && x < edges[2] && edges[1] <= y && y < edges[3];
            let pasted = b.boxes.iter().filter_map(|o| {
                let moved = [
                    o.xyxy[0] - left,
                    o.xyxy[1] - top,
                    o.xyxy[2] - left,
                    o.xyxy[3] - top,
                ];
                let kept = a
                    .rule
                    .keep(BoundingBox { xyxy: moved, ..*o }, window.size)?;
                let [l, t, r, bottom] = kept.xyxy;
                let xyxy = [l + left, t + top, r + left, bottom + top];
                Some(BoundingBox { xyxy, ..kept })
            });
            let stay = a
                .boxes
                .iter()
                .map(|o| hidden(*o, edges))
                .filter(|o| o.visibility > 0.0 && o.visibility >= a.rule.min_visibility);
            let points = a.keypoints.iter().filter(|k| !held(k.x, k.y));
            Ok(Sample {
                image: paste(&a.image, &b.image, window),
                masks: a
                    .masks
                    .iter()
                    .zip(&b.masks)
                    .map(|(a, b)| paste(a, b, window))
                    .collect(),
                boxes: stay.chain(pasted).collect(),
                rule: a.rule,
                keypoints: points
                    .chain(b.keypoints.iter().filter(|k| held(k.x, k.y)))
                    .copied()
                    .collect(),
                label,
            })
        };
        (0..n).map(mixed).collect()
    }
}

/// `to` with the window of `from`.
fn paste(to: &Image, from: &Image, window: Window) -> Image {
    fn rows<T: Value>(to: &mut [T], from: &[T], w: usize, c: usize, window: Window) {
        let n = window.size[1] * c;
        for (i, row) in from.chunks_exact(n).enumerate() {
            let at = ((window.top as usize + i) * w + window.left as usize) * c;
            to[at..at + n].copy_from_slice(row);
        }
    }
    let part = cut(from, window, Border::Edge, &Fill::All(0.0));
    let (mut out, w, c) = (to.clone(), to.width(), to.channels());
    match (out.pixels_mut(), part.pixels()) {
        (Pixels::U8(to), Pixels::U8(from)) => rows(to, from, w, c, window),
        (Pixels::U16(to), Pixels::U16(from)) => rows(to, from, w, c, window),
        (Pixels::F32(to), Pixels::F32(from)) => rows(to, from, w, c, window),
        _ => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Label;

    #[test]
    fn the_label_follows_the_area() {
        let sample = |value, label| Sample {
            label: Some(Label::Hard(label)),
            ..Image::of(4, 4, 1, Pixels::U8(vec![value; 16])).into()
        };
        let mix = CutMix {
            num_classes: 2,
            ..Default::default()
        };
        let window = Window {
            top: 1,
            left: 0,
            size: [2, 2],
        };
        let y = mix.apply(window, vec![sample(1, 0), sample(9, 1)]).unwrap();
        assert_eq!(y[0].label, Some(Label::Soft(vec![0.75, 0.25])));
        assert_eq!(
            y[0].image.to_u8(),
            [1, 1, 1, 1, 9, 9, 1, 1, 9, 9, 1, 1, 1, 1, 1, 1]
        );
        for index in 0..100 {
            let w = mix.draw([4, 4], &mut Draw::new(0, 0, index));
            assert!(mix.apply(w, vec![sample(1, 0), sample(9, 1)]).is_ok());
        }
    }
}
