//! From the bytes of an image to what the network is fed: scaled, normalised, padded.

/// Height and width are padded to a multiple of this, the stride of the coarsest map of the body.
const STRIDE: usize = 32;

/// Mean of each channel (red, green, blue) on ImageNet, of values from 0 to 1.
const MEAN: [f64; 3] = [0.485, 0.456, 0.406];
/// And their standard deviation.
const STD: [f64; 3] = [0.229, 0.224, 0.225];

/// An image as the network takes it.
pub(super) struct Fed {
    /// `(3, H, W)` of the padded size, 0 behind the image.
    pub(super) values: Vec<f32>,
    /// `[height, width]` of the image in it.
    pub(super) size: [usize; 2],
    /// `[height, width]` with the padding.
    pub(super) padded: [usize; 2],
}

/// The size that an image is scaled to: the shorter side to `min_size` pixels, or the longer to
/// `max_size` if that is less, rounded down.
///
/// # Differences from torchvision
/// At least one pixel: there an image of 1 × 5,000 is scaled to none and refused.
fn scaled(image: [usize; 2], min_size: usize, max_size: usize) -> [usize; 2] {
    let (short, long) = (image[0].min(image[1]), image[0].max(image[1]));
    let scale = (min_size as f64 / short as f64).min(max_size as f64 / long as f64);
    image.map(|side| ((side as f64 * scale).floor() as usize).max(1))
}

/// Where a pixel of an axis scaled from `from` to `to` pixels lies: between which two, and the share of
/// the second. Edges, not centres, fall on each other (`align_corners = False`).
pub(super) fn taps(from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let step = from as f64 / to as f64;
    let last = from.saturating_sub(1);
    let tap = |i: usize| {
        let at = ((i as f64 + 0.5) * step - 0.5).max(0.0);
        let low = (at as usize).min(last);
        (low, (low + 1).min(last), (at - low as f64) as f32)
    };
    (0..to).map(tap).collect()
}

/// Scales bilinearly, takes [`MEAN`] away and divides by [`STD`], pads right and below.
///
/// `image` is red, green and blue of each pixel, row by row, of `[height, width]` pixels, neither of
/// them 0.
pub(super) fn feed(image: &[u8], size: [usize; 2], min_size: usize, max_size: usize) -> Fed {
    let to = scaled(size, min_size, max_size);
    let padded = to.map(|side| side.next_multiple_of(STRIDE));
    let (rows, columns) = (taps(size[0], to[0]), taps(size[1], to[1]));
    let plane = padded[0] * padded[1];
    let mut values = vec![0.0; 3 * plane];
    for (y, &(above, below, down)) in rows.iter().enumerate() {
        let line = |row: usize| &image[row * size[1] * 3..][..size[1] * 3];
        let (above, below) = (line(above), line(below));
        for (c, (mean, std)) in MEAN.into_iter().zip(STD).enumerate() {
            let (scale, offset) = ((1.0 / (255.0 * std)) as f32, (-mean / std) as f32);
            let out = &mut values[c * plane + y * padded[1]..][..to[1]];
            for (out, &(left, right, along)) in out.iter_mut().zip(&columns) {
                let mix = |line: &[u8]| {
                    let (l, r) = (
                        f32::from(line[left * 3 + c]),
                        f32::from(line[right * 3 + c]),
                    );
                    l + along * (r - l)
                };
                let (a, b) = (mix(above), mix(below));
                *out = (a + down * (b - a)) * scale + offset;
            }
        }
    }
    Fed {
        values,
        size: to,
        padded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(scaled([480, 640], 800, 1333), [800, 1066]);
        assert_eq!(scaled([500, 2000], 800, 1333), [333, 1333]);
        assert_eq!(scaled([1, 1], 800, 1333), [800, 800]);
        assert_eq!(scaled([1, 5000], 800, 1333), [1, 1333]);
        assert_eq!(scaled([10_000, 10_000], 800, 1333), [800, 800]);
    }

    #[test]
    fn padding_is_zero_and_the_image_normalised() {
        let fed = feed(&[0, 128, 255].repeat(6), [2, 3], 40, 1333);
        assert_eq!((fed.size, fed.padded), ([40, 60], [64, 64]));
        let at = |c: usize, y: usize, x: usize| fed.values[(c * 64 + y) * 64 + x];
        for (c, byte) in [0.0, 128.0, 255.0].into_iter().enumerate() {
            let expected = ((byte / 255.0 - MEAN[c]) / STD[c]) as f32;
            assert!((at(c, 20, 30) - expected).abs() < 1e-6);
            assert_eq!([at(c, 40, 0), at(c, 0, 60), at(c, 63, 63)], [0.0; 3]);
        }
    }

    /// Twice as large: quarters and three quarters between neighbours, the edge beyond the last.
    #[test]
    fn between_pixels() {
        let expected = [(0, 1, 0.0), (0, 1, 0.25), (0, 1, 0.75), (1, 1, 0.25)];
        assert_eq!(taps(2, 4), expected);
        assert_eq!(taps(4, 2), [(0, 1, 0.5), (2, 3, 0.5)]);
    }
}
