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
/// Scaling and cutting are one step: the largest centred box of the wanted aspect ratio is resized.
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
