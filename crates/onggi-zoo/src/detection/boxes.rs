//! Boxes by two corners: area, overlap, clipping, and decoding of what a network says of them.

/// `[x1, y1, x2, y2]`: left, top, right and bottom edge in pixels.
pub type Xyxy = [f32; 4];

/// Largest logarithm by which a side may grow, so that the exponential stays small: `ln(1000 / 16)`.
const MOST_GROWTH: f32 = 4.135_166_6;

/// `(x2 − x1) · (y2 − y1)`, in square pixels.
pub fn area([x1, y1, x2, y2]: Xyxy) -> f32 {
    (x2 - x1) * (y2 - y1)
}

/// Area of the intersection over that of the union, a fraction. NaN for two boxes without area.
///
/// # Example
/// ```
/// use onggi_zoo::detection::boxes::iou;
///
/// assert_eq!(iou([0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0]), 1.0 / 3.0);
/// ```
pub fn iou(a: Xyxy, b: Xyxy) -> f32 {
    let side = |low: usize| (a[low + 2].min(b[low + 2]) - a[low].max(b[low])).max(0.0);
    let both = side(0) * side(1);
    both / (area(a) + area(b) - both)
}

/// The part of a box that lies inside an image of `[height, width]` pixels. NaN stays NaN.
pub fn clipped([x1, y1, x2, y2]: Xyxy, [height, width]: [usize; 2]) -> Xyxy {
    let (height, width) = (height as f32, width as f32);
    let (x, y) = (|v: f32| v.clamp(0.0, width), |v: f32| v.clamp(0.0, height));
    [x(x1), y(y1), x(x2), y(y2)]
}

/// Whether both sides have `least` pixels or more; false where an edge is NaN.
pub fn has_sides([x1, y1, x2, y2]: Xyxy, least: f32) -> bool {
    x2 - x1 >= least && y2 - y1 >= least
}

/// The box that a network means by `code` beside the box `reference` of centre `(cx, cy)` and sides `w`
/// and `h`:
///
/// ```text
/// (dx, dy, dw, dh) = code / weights        centre = (cx + dx · w, cy + dy · h)
/// sides = (w · exp(dw), h · exp(dh))       dw, dh at most ln(1000 / 16)
/// ```
///
/// # Reference
/// Girshick et al., *Rich feature hierarchies for accurate object detection and semantic
/// segmentation*, 2014, appendix C; the bound is Detectron's.
pub fn decode(code: [f32; 4], weights: [f32; 4], [x1, y1, x2, y2]: Xyxy) -> Xyxy {
    let [dx, dy, dw, dh] = std::array::from_fn(|i| code[i] / weights[i]);
    let (w, h) = (x2 - x1, y2 - y1);
    let (cx, cy) = (x1 + 0.5 * w + dx * w, y1 + 0.5 * h + dy * h);
    // Not `min`, which would make a number of NaN.
    let grown = |d: f32| if d > MOST_GROWTH { MOST_GROWTH } else { d }.exp();
    let (half_w, half_h) = (0.5 * w * grown(dw), 0.5 * h * grown(dh));
    [cx - half_w, cy - half_h, cx + half_w, cy + half_h]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap() {
        let a = [0.0, 0.0, 4.0, 2.0];
        assert_eq!(iou(a, a), 1.0);
        assert_eq!(iou(a, [4.0, 0.0, 6.0, 2.0]), 0.0, "they touch");
        assert_eq!(iou(a, [5.0, 5.0, 6.0, 6.0]), 0.0);
        assert!(iou([1.0; 4], [1.0; 4]).is_nan());
    }

    #[test]
    fn no_code_is_the_box_itself_and_growth_is_bounded() {
        let reference = [10.0, 20.0, 14.0, 28.0];
        assert_eq!(decode([0.0; 4], [1.0; 4], reference), reference);
        let [x1, y1, x2, y2] = decode([1.0, -1.0, 1e9, 0.0], [10.0, 10.0, 5.0, 5.0], reference);
        assert!((x2 - x1 - 250.0).abs() < 1e-3, "62.5 times 4: {}", x2 - x1);
        assert!(((x1 + x2) / 2.0 - 12.4).abs() < 1e-4);
        assert!(((y1 + y2) / 2.0 - 23.2).abs() < 1e-4 && (y2 - y1 - 8.0).abs() < 1e-5);
    }

    #[test]
    fn clipping_keeps_what_is_inside() {
        assert_eq!(clipped([-3.0, 2.0, 9.0, 7.0], [5, 8]), [0.0, 2.0, 8.0, 5.0]);
        assert!(has_sides([0.0, 0.0, 1.0, 1.0], 1.0));
        assert!(!has_sides([0.0, 0.0, 1.0, 0.9], 1.0));
    }

    #[test]
    fn numbers_that_are_none_stay_none() {
        let decoded = decode([f32::NAN; 4], [1.0; 4], [0.0, 0.0, 1.0, 1.0]);
        let inside = clipped(decoded, [5, 5]);
        assert!(inside.iter().all(|v| v.is_nan()) && !has_sides(inside, 1e-3));
        let endless = decode([f32::INFINITY; 4], [1.0; 4], [0.0, 0.0, 1.0, 1.0]);
        assert!(!has_sides(clipped(endless, [5, 5]), 1e-3));
    }
}
