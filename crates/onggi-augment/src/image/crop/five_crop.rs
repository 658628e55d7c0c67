//! Several views of one image, for evaluation: one sample becomes five or ten.

use crate::AugmentError;
use crate::image::{Border, Fill, Sample, Window};

/// The four corners and the middle: top left, top right, bottom left, bottom right, middle.
///
/// # Errors
/// [`AugmentError::Unfit`] where `size` (`[height, width]`) is 0 or larger than the image.
///
/// # Example
/// ```
/// use onggi_augment::image::{Image, Pixels, five_crop};
///
/// let image = Image::new(3, 3, 1, Pixels::U8((0..9).collect()))?;
/// let crops = five_crop(&image.into(), [1, 1])?;
/// assert_eq!(crops.map(|s| s.image.into_pixels()), [0, 2, 6, 8, 4].map(|v| Pixels::U8(vec![v])));
/// # Ok::<(), onggi_augment::AugmentError>(())
/// ```
pub fn five_crop(sample: &Sample, size: [usize; 2]) -> Result<[Sample; 5], AugmentError> {
    let [h, w] = sample.size();
    let [crop_h, crop_w] = size;
    if crop_h > h || crop_w > w || crop_h == 0 || crop_w == 0 {
        return Err(AugmentError::Unfit {
            transform: "five_crop",
            problem: format!(
                "the crop of {crop_h}×{crop_w} needs sides of at least 1 and at most those of the \
                 image, {h}×{w}"
            ),
        });
    }
    let (low, right) = ((h - crop_h) as i64, (w - crop_w) as i64);
    let half = |n: i64| (n as f64 / 2.0).round_ties_even() as i64;
    let places = [
        (0, 0),
        (0, right),
        (low, 0),
        (low, right),
        (half(low), half(right)),
    ];
    Ok(places.map(|(top, left)| {
        let window = Window { top, left, size };
        sample.clone().window(window, Border::Edge, &Fill::All(0.0))
    }))
}

/// [`five_crop`] of the image and of its mirror image: top and bottom exchanged for
/// `vertical_flip`, else left and right.
///
/// # Errors
/// As [`five_crop`].
pub fn ten_crop(
    sample: &Sample,
    size: [usize; 2],
    vertical_flip: bool,
) -> Result<[Sample; 10], AugmentError> {
    let flipped = match vertical_flip {
        true => sample.clone().turn_over(),
        false => sample.clone().mirror(),
    };
    let [a, b, c, d, e] = five_crop(sample, size)?;
    let [f, g, h, i, j] = five_crop(&flipped, size)?;
    Ok([a, b, c, d, e, f, g, h, i, j])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::base::conformance::sample;

    #[test]
    fn ten_crops_are_five_and_five_of_the_mirror_image() {
        let x = sample(9, 12, 3);
        let ten = ten_crop(&x, [4, 5], false).unwrap();
        assert_eq!(ten[..5], five_crop(&x, [4, 5]).unwrap());
        assert_eq!(ten[5..], five_crop(&x.mirror(), [4, 5]).unwrap());
    }

    #[test]
    fn a_crop_that_does_not_fit_is_refused() {
        let words = five_crop(&sample(3, 3, 1), [4, 1]).unwrap_err().to_string();
        assert!(words.contains("the crop of 4×1 needs sides"), "{words}");
    }
}
