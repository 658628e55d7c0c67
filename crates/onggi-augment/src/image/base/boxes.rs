//! Bounding boxes, their three formats, and the rule that says which stay.

use serde::{Deserialize, Serialize};

/// How the four numbers of a box are to be read, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BoxFormat {
    /// Left, top, right, bottom (Pascal VOC).
    Xyxy,
    /// Left, top, width, height (COCO).
    Xywh,
    /// Centre, width, height (YOLO, in pixels).
    Cxcywh,
}

/// A box and its class. Left, top, right and bottom are distances from the image's left and top
/// edge in pixels: the whole image is `[0, 0, width, height]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundingBox {
    /// Left, top, right, bottom.
    pub xyxy: [f64; 4],
    /// Class.
    pub label: usize,
    /// The share of the box's area that no cut has taken so far, 1 at first.
    pub visibility: f64,
}

impl BoundingBox {
    /// A box from four numbers in `format`.
    ///
    /// # Example
    /// ```
    /// use onggi_augment::image::{BoundingBox, BoxFormat};
    ///
    /// let b = BoundingBox::new([10.0, 20.0, 30.0, 40.0], BoxFormat::Xywh, 2);
    /// assert_eq!(b.xyxy, [10.0, 20.0, 40.0, 60.0]);
    /// assert_eq!(b.to_format(BoxFormat::Cxcywh), [25.0, 40.0, 30.0, 40.0]);
    /// ```
    pub fn new(numbers: [f64; 4], format: BoxFormat, label: usize) -> Self {
        let [a, b, c, d] = numbers;
        let xyxy = match format {
            BoxFormat::Xyxy => numbers,
            BoxFormat::Xywh => [a, b, a + c, b + d],
            BoxFormat::Cxcywh => [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0],
        };
        Self {
            xyxy,
            label,
            visibility: 1.0,
        }
    }

    /// The four numbers in `format`.
    pub fn to_format(&self, format: BoxFormat) -> [f64; 4] {
        let [l, t, r, b] = self.xyxy;
        match format {
            BoxFormat::Xyxy => self.xyxy,
            BoxFormat::Xywh => [l, t, r - l, b - t],
            BoxFormat::Cxcywh => [(l + r) / 2.0, (t + b) / 2.0, r - l, b - t],
        }
    }

    /// Area in square pixels, 0 for a box turned inside out.
    pub fn area(&self) -> f64 {
        let [l, t, r, b] = self.xyxy;
        (r - l).max(0.0) * (b - t).max(0.0)
    }

    /// Intersection over union with another box, 0 where both are empty.
    pub fn iou(&self, other: [f64; 4]) -> f64 {
        let [l, t, r, b] = self.xyxy;
        let [ol, ot, or, ob] = other;
        let common = (r.min(or) - l.max(ol)).max(0.0) * (b.min(ob) - t.max(ot)).max(0.0);
        let union = self.area() + (or - ol).max(0.0) * (ob - ot).max(0.0) - common;
        if union > 0.0 { common / union } else { 0.0 }
    }

    /// The box cut to an image of `[height, width]`, and what is left as the new visibility; `None`
    /// where nothing is.
    pub(crate) fn clip(self, size: [usize; 2]) -> Option<Self> {
        let [l, t, r, b] = self.xyxy;
        let (h, w) = (size[0] as f64, size[1] as f64);
        let xyxy = [l.max(0.0), t.max(0.0), r.min(w), b.min(h)];
        let clipped = Self { xyxy, ..self };
        let (before, after) = (self.area(), clipped.area());
        let finite = self.xyxy.iter().all(|v| v.is_finite());
        (after > 0.0 && finite).then(|| Self {
            visibility: self.visibility * (after / before).min(1.0),
            ..clipped
        })
    }
}

/// Which boxes stay after a geometric transform. Boxes are always cut to the image; one with
/// nothing left is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoxRule {
    /// Least area in square pixels.
    pub min_area: f64,
    /// Least share of the first area that has to be left, in `[0, 1]`.
    pub min_visibility: f64,
    /// Least width and height in pixels.
    pub min_side: f64,
}

impl Default for BoxRule {
    fn default() -> Self {
        Self {
            min_area: 0.0,
            min_visibility: 0.0,
            min_side: 0.0,
        }
    }
}

impl BoxRule {
    /// Cuts a box to the image and says whether it stays.
    pub(crate) fn keep(&self, b: BoundingBox, size: [usize; 2]) -> Option<BoundingBox> {
        let b = b.clip(size)?;
        let [.., w, h] = b.to_format(BoxFormat::Xywh);
        (b.area() >= self.min_area
            && b.visibility >= self.min_visibility
            && w.min(h) >= self.min_side)
            .then_some(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_convert_there_and_back() {
        for format in [BoxFormat::Xyxy, BoxFormat::Xywh, BoxFormat::Cxcywh] {
            let b = BoundingBox::new([4.0, 6.0, 8.0, 10.0], format, 1);
            assert_eq!(b.to_format(format), [4.0, 6.0, 8.0, 10.0]);
        }
    }

    #[test]
    fn a_box_that_stands_over_by_a_hair_is_cut_not_refused() {
        let b = BoundingBox::new([-1e-7, 0.0, 10.0 + 1e-7, 5.0], BoxFormat::Xyxy, 0);
        let kept = BoxRule::default().keep(b, [5, 10]).unwrap();
        assert_eq!(kept.xyxy, [0.0, 0.0, 10.0, 5.0]);
    }

    #[test]
    fn the_rule_counts_area_visibility_and_side() {
        let b = BoundingBox::new([-6.0, 0.0, 4.0, 8.0], BoxFormat::Xyxy, 0);
        let rule = |min_area, min_visibility, min_side| BoxRule {
            min_area,
            min_visibility,
            min_side,
        };
        let kept = rule(32.0, 0.4, 4.0).keep(b, [10, 10]).unwrap();
        assert!((kept.visibility - 0.4).abs() < 1e-12);
        for r in [
            rule(33.0, 0.0, 0.0),
            rule(0.0, 0.41, 0.0),
            rule(0.0, 0.0, 4.5),
        ] {
            assert_eq!(r.keep(b, [10, 10]), None);
        }
        let outside = BoundingBox::new([20.0, 0.0, 30.0, 8.0], BoxFormat::Xyxy, 0);
        assert_eq!(BoxRule::default().keep(outside, [10, 10]), None);
        let nan = BoundingBox::new([f64::NAN, 0.0, f64::INFINITY, 8.0], BoxFormat::Xyxy, 0);
        assert_eq!(BoxRule::default().keep(nan, [10, 10]), None);
    }

    #[test]
    fn iou_of_half_overlap_is_a_third() {
        let b = BoundingBox::new([0.0, 0.0, 2.0, 1.0], BoxFormat::Xyxy, 0);
        assert!((b.iou([1.0, 0.0, 3.0, 1.0]) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(b.iou([5.0, 5.0, 6.0, 6.0]), 0.0);
    }
}
