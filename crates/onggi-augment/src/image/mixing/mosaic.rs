//! Four images in one.

use super::{blend, named};
use crate::image::base::prelude::*;
use crate::image::{Border, Interpolation, Window};

settings! {
    /// Puts each sample and the three after it (round the batch) into the four quarters around a
    /// random point, each resized to cover its quarter and cut to it in the middle. Boxes, keypoints
    /// and the first mask follow; the label becomes soft, by area.
    ///
    /// # Reference
    /// Bochkovskiy et al., "YOLOv4: optimal speed and accuracy of object detection", 2020.
    pub struct Mosaic {
        /// `[height, width]` of the result, 2 or more; has to be given.
        size: [usize; 2] = [0, 0],
        /// Where the point lies as a share of height and width, `[low, high]`.
        center_range: [f64; 2] = [0.3, 0.7],
        /// Number of classes.
        num_classes: usize = 1,
    }
}

named!(Mosaic, "mosaic", "four images in one");

impl Mosaic {
    /// Draws the point, `[row, column]`.
    pub fn draw(&self, rng: &mut Draw) -> [usize; 2] {
        self.size.map(|n| {
            let at = (n as f64 * rng.uniform(self.center_range)).round() as usize;
            at.clamp(1, n.saturating_sub(1).max(1))
        })
    }

    /// Mixes the batch around the point.
    ///
    /// # Errors
    /// [`AugmentError::Setting`] for a size below 2 or a point outside, [`AugmentError::Unfit`] for
    /// images that differ in depth or number of channels or labels outside the classes.
    pub fn apply(&self, point: [usize; 2], batch: &[Sample]) -> Result<Vec<Sample>, AugmentError> {
        require_size::<Self>(self.size)?;
        let inside = (0..2).all(|k| 0 < point[k] && point[k] < self.size[k]);
        require::<Self>(inside, "point", "lies inside the result", point)?;
        (0..batch.len())
            .map(|i| self.one(point, batch, i))
            .collect()
    }

    fn one(&self, [y, x]: [usize; 2], batch: &[Sample], i: usize) -> Result<Sample, AugmentError> {
        let [h, w] = self.size;
        let quarters = [
            (0, 0, y, x),
            (0, x, y, w - x),
            (y, 0, h - y, x),
            (y, x, h - y, w - x),
        ];
        let mut out: Option<Sample> = None;
        let mut area = 0.0;
        for (k, (top, left, rows, columns)) in quarters.into_iter().enumerate() {
            let source = &batch[(i + k) % batch.len()];
            source.check()?;
            let mut part = cover(source.clone(), [rows, columns]);
            part.masks.truncate(1);
            // Laid on a canvas of the result's size, the rest empty.
            let canvas = Window {
                top: -(top as i64),
                left: -(left as i64),
                size: self.size,
            };
            let part = part.window(canvas, Border::Constant, &Fill::All(0.0));
            let size = (rows * columns) as f64;
            out = Some(match out {
                None => part,
                Some(all) => {
                    let label = blend::<Self>(
                        &all.label,
                        &part.label,
                        area / (area + size),
                        self.num_classes,
                    )?;
                    let place = Window {
                        top: top as i64,
                        left: left as i64,
                        size: [rows, columns],
                    };
                    let image = lay(&all.image, &part.image, place)?;
                    let masks = all.masks.iter().zip(&part.masks);
                    Sample {
                        image,
                        masks: masks
                            .map(|(a, b)| lay(a, b, place))
                            .collect::<Result<_, _>>()?,
                        boxes: [all.boxes, part.boxes].concat(),
                        rule: all.rule,
                        keypoints: [all.keypoints, part.keypoints].concat(),
                        label,
                    }
                }
            });
            area += size;
        }
        out.ok_or(AugmentError::Unfit {
            transform: Self::NAME,
            problem: "the batch is empty".into(),
        })
    }
}

/// Resized to cover `size` and cut to it in the middle.
fn cover(sample: Sample, size: [usize; 2]) -> Sample {
    let [h, w] = sample.size();
    let factor = (size[0] as f64 / h as f64).max(size[1] as f64 / w as f64);
    let side = |n: usize, least: usize| ((n as f64 * factor).round() as usize).max(least);
    let large = [side(h, size[0]), side(w, size[1])];
    let window = Window {
        top: ((large[0] - size[0]) / 2) as i64,
        left: ((large[1] - size[1]) / 2) as i64,
        size,
    };
    let large = sample.resize(large, Interpolation::Bilinear, true);
    large.window(window, Border::Edge, &Fill::All(0.0))
}

/// `to` with the window of `from`, both of one shape.
fn lay(to: &Image, from: &Image, window: Window) -> Result<Image, AugmentError> {
    fn rows<T: Value>(to: &mut [T], from: &[T], w: usize, c: usize, window: Window) {
        let n = window.size[1] * c;
        for i in 0..window.size[0] {
            let at = ((window.top as usize + i) * w + window.left as usize) * c;
            to[at..at + n].copy_from_slice(&from[at..at + n]);
        }
    }
    let (mut out, w, c) = (to.clone(), to.width(), to.channels());
    match (out.pixels_mut(), from.pixels()) {
        _ if c != from.channels() => {}
        (Pixels::U8(to), Pixels::U8(from)) => {
            rows(to, from, w, c, window);
            return Ok(out);
        }
        (Pixels::U16(to), Pixels::U16(from)) => {
            rows(to, from, w, c, window);
            return Ok(out);
        }
        (Pixels::F32(to), Pixels::F32(from)) => {
            rows(to, from, w, c, window);
            return Ok(out);
        }
        _ => {}
    }
    Err(AugmentError::Unfit {
        transform: Mosaic::NAME,
        problem: "images of a batch need one depth and number of channels".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn four_samples_fill_the_result() {
        let batch: Vec<_> = (0..4).map(|i| sample(10 + i, 20, 3)).collect();
        let mosaic = Mosaic {
            size: [24, 30],
            num_classes: 5,
            ..Default::default()
        };
        for index in 0..10 {
            let point = mosaic.draw(&mut Draw::new(0, 0, index));
            for s in mosaic.apply(point, &batch).unwrap() {
                assert_eq!(s.size(), [24, 30]);
                s.check().unwrap();
                assert!(s.boxes.len() >= 4);
                assert!(
                    s.boxes
                        .iter()
                        .all(|b| b.xyxy[2] <= 30.0 && b.xyxy[3] <= 24.0)
                );
            }
        }
    }
}
