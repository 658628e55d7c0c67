//! Resizing: bilinear with antialiasing, as Pillow and torchvision do it.

use fast_image_resize::images::{Image as Buffer, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use onggi_augment::image::{Image, Pixels};

use super::decode::MAX_SIDE;
use crate::DataError;

/// Stretches an 8-bit image of 1 to 4 channels to exactly `height × width`.
///
/// The filter is a triangle, widened by the scale where the image shrinks, so that no pixel is
/// passed over.
///
/// # Errors
/// [`DataError::ImageShape`] for a side of 0 or above 16,384, [`DataError::ResizeChannels`] and
/// [`DataError::PixelDepth`] for other pixels.
///
/// # Reference
/// Turkowski, "Filters for common resampling tasks", 1990.
pub fn resize(image: &Image, height: usize, width: usize) -> Result<Image, DataError> {
    resample(image, height, width, ResizeOptions::new())
}

/// Scales an 8-bit image until it covers `height × width`, and cuts off what stands over, on both
/// sides alike: the aspect ratio is kept.
///
/// Scaling and cutting are one step: the largest centred box of the wanted aspect ratio is resized;
/// at its border the filter sees the pixels beyond, as when the whole image is scaled first.
///
/// # Errors
/// Those of [`resize`].
///
/// # Example
/// ```
/// use onggi_augment::image::{Image, Pixels};
/// use onggi_data::image::resize_cover;
///
/// let wide = Image::new(10, 30, 1, Pixels::U8(vec![9; 300]))?;
/// let square = resize_cover(&wide, 20, 20)?;
/// assert_eq!((square.height(), square.width()), (20, 20));
/// # Ok::<(), onggi_data::DataError>(())
/// ```
///
/// # Differences from torchvision
/// `Resize(n)` and `CenterCrop(n)` round the size between the two steps; this does not.
pub fn resize_cover(image: &Image, height: usize, width: usize) -> Result<Image, DataError> {
    let options = ResizeOptions::new().fit_into_destination(Some((0.5, 0.5)));
    resample(image, height, width, options)
}

fn resample(
    image: &Image,
    height: usize,
    width: usize,
    options: ResizeOptions,
) -> Result<Image, DataError> {
    if image.height() == height && image.width() == width {
        return Ok(image.clone());
    }
    let side = |n: usize| {
        u32::try_from(n)
            .ok()
            .filter(|n| (1..=MAX_SIDE as u32).contains(n))
    };
    let shape = DataError::ImageShape {
        most: MAX_SIDE,
        height,
        width,
    };
    let (Some(out_height), Some(out_width)) = (side(height), side(width)) else {
        return Err(shape);
    };
    let (Some(from_height), Some(from_width)) = (side(image.height()), side(image.width())) else {
        return Err(DataError::ImageShape {
            most: MAX_SIDE,
            height: image.height(),
            width: image.width(),
        });
    };
    let kind = match image.channels() {
        1 => PixelType::U8,
        2 => PixelType::U8x2,
        3 => PixelType::U8x3,
        4 => PixelType::U8x4,
        got => return Err(DataError::ResizeChannels { got }),
    };
    let Pixels::U8(pixels) = image.pixels() else {
        return Err(DataError::PixelDepth);
    };
    // The channels are independent: no alpha among them.
    let options = options
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .use_alpha(false);
    let mut out = Buffer::new(out_width, out_height, kind);
    let failed = |_| DataError::ImageShape {
        most: MAX_SIDE,
        height,
        width,
    };
    let source = ImageRef::new(from_width, from_height, pixels, kind).map_err(|_| shape)?;
    Resizer::new()
        .resize(&source, &mut out, &options)
        .map_err(failed)?;
    Ok(Image::new(
        height,
        width,
        image.channels(),
        Pixels::U8(out.into_vec()),
    )?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grey(height: usize, width: usize, pixels: Vec<u8>) -> Image {
        Image::new(height, width, 1, Pixels::U8(pixels)).unwrap()
    }

    /// Worked out by hand: shrinking by 2, the triangle spans 4 pixels around the centre, weights
    /// 0.25, 0.75, 0.75, 0.25, cut off and normalised at the border: 255 · 0.25 / 1.75 = 36.4.
    #[test]
    fn shrinking_weighs_with_a_wide_triangle() {
        let y = resize(&grey(1, 4, vec![0, 0, 255, 255]), 1, 2).unwrap();
        assert_eq!(y.pixels(), &Pixels::U8(vec![36, 219]));
        let y = resize(&grey(4, 1, vec![0, 0, 255, 255]), 2, 1).unwrap();
        assert_eq!(y.pixels(), &Pixels::U8(vec![36, 219]));
    }

    /// Growing by 2 interpolates between pixel centres: 0.75 · 0 + 0.25 · 200 = 50.
    #[test]
    fn growing_interpolates() {
        let y = resize(&grey(1, 2, vec![0, 200]), 1, 4).unwrap();
        assert_eq!(y.pixels(), &Pixels::U8(vec![0, 50, 150, 200]));
    }

    /// Where no size has to be rounded, covering is resizing the whole image and cutting the middle
    /// out: the filter may look beyond the cut.
    #[test]
    fn covering_is_resizing_and_cutting_the_middle() {
        let pixels: Vec<u8> = (0..10 * 30).map(|i| (i * 71 % 256) as u8).collect();
        let whole = resize(&grey(10, 30, pixels.clone()), 5, 15)
            .unwrap()
            .into_pixels();
        let Pixels::U8(whole) = whole else {
            unreachable!()
        };
        let middle = whole
            .chunks(15)
            .flat_map(|row| row[5..10].to_vec())
            .collect();
        let y = resize_cover(&grey(10, 30, pixels.clone()), 5, 5).unwrap();
        assert_eq!(y.pixels(), &Pixels::U8(middle));

        let whole = resize(&grey(30, 10, pixels.clone()), 60, 20)
            .unwrap()
            .into_pixels();
        let Pixels::U8(whole) = whole else {
            unreachable!()
        };
        let y = resize_cover(&grey(30, 10, pixels), 20, 20).unwrap();
        assert_eq!(y.pixels(), &Pixels::U8(whole[20 * 20..40 * 20].to_vec()));
    }

    #[test]
    fn what_cannot_be_resized_is_refused() {
        let image = grey(2, 2, vec![0; 4]);
        for (h, w) in [(0, 3), (3, 0), (16_385, 2)] {
            assert!(matches!(
                resize(&image, h, w),
                Err(DataError::ImageShape { .. })
            ));
        }
        let float = Image::new(2, 2, 1, Pixels::F32(vec![0.0; 4])).unwrap();
        assert!(matches!(resize(&float, 3, 3), Err(DataError::PixelDepth)));
        let five = Image::new(1, 1, 5, Pixels::U8(vec![0; 5])).unwrap();
        assert!(matches!(
            resize(&five, 3, 3),
            Err(DataError::ResizeChannels { got: 5 })
        ));
    }

    proptest! {
        #[test]
        fn shape_is_exact_and_flat_colour_stays(
            h in 1usize..40, w in 1usize..40, out_h in 1usize..40, out_w in 1usize..40,
            rgb: bool, value: u8,
        ) {
            let channels = if rgb { 3 } else { 1 };
            let flat = Pixels::U8(vec![value; h * w * channels]);
            let image = Image::new(h, w, channels, flat).unwrap();
            let want = Pixels::U8(vec![value; out_h * out_w * channels]);
            prop_assert_eq!(resize(&image, out_h, out_w).unwrap().into_pixels(), want.clone());
            prop_assert_eq!(resize_cover(&image, out_h, out_w).unwrap().into_pixels(), want);
        }
    }
}
