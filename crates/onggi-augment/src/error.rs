//! The crate's one error type.

/// What can go wrong in building or applying a transform.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AugmentError {
    /// An image side or channel count of zero, or one whose product overflows.
    #[error(
        "an image needs height, width and channels of at least 1 and a product that fits memory, \
         got {height}×{width}×{channels}"
    )]
    ImageShape {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// Values a pixel.
        channels: usize,
    },
    /// A pixel buffer whose length does not match the shape.
    #[error(
        "an image of {height}×{width}×{channels} holds {expected} values, got {got}: pass \
         height·width·channels values, interleaved (HWC)"
    )]
    PixelCount {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// Values a pixel.
        channels: usize,
        /// `height · width · channels`.
        expected: usize,
        /// Length of the buffer.
        got: usize,
    },
    /// A probability outside `[0, 1]`.
    #[error("{transform}: p is a probability in [0, 1], got {p}")]
    Probability {
        /// Name of the transform.
        transform: &'static str,
        /// The value given.
        p: f64,
    },
    /// A crop size of zero.
    #[error("random_crop: size is [height, width] of at least 1 pixel each, got {size:?}")]
    CropSize {
        /// `[height, width]` as given.
        size: [usize; 2],
    },
    /// A padding so wide that the padded side overflows.
    #[error("random_crop: padding is at most {most} pixels, got {padding}")]
    CropPadding {
        /// The widest padding taken.
        most: usize,
        /// The value given.
        padding: usize,
    },
    /// A fill outside `[0, 1]`.
    #[error("random_crop: fill is a fraction of the value range in [0, 1], got {fill}")]
    CropFill {
        /// The value given.
        fill: f32,
    },
    /// An image smaller than the crop, padding included.
    #[error(
        "random_crop: the image is {height}×{width} with padding, smaller than the crop of \
         {crop_height}×{crop_width}: raise padding, shrink size, or resize the image first"
    )]
    CropTooLarge {
        /// Height of the padded image.
        height: usize,
        /// Width of the padded image.
        width: usize,
        /// Height of the crop.
        crop_height: usize,
        /// Width of the crop.
        crop_width: usize,
    },
    /// Mean and standard deviation of different or no length.
    #[error(
        "normalize: mean and std need one value a channel each, got {mean} mean and {std} std \
         values"
    )]
    StatisticsLength {
        /// Values of `mean`.
        mean: usize,
        /// Values of `std`.
        std: usize,
    },
    /// A mean that is not finite or a standard deviation that is not finite and positive.
    #[error(
        "normalize: mean must be finite and std finite and above 0, got mean {mean} and std {std} \
         for channel {channel}"
    )]
    Statistics {
        /// Channel, from 0.
        channel: usize,
        /// Its mean.
        mean: f32,
        /// Its standard deviation.
        std: f32,
    },
    /// An image whose channel count is not the one of the statistics.
    #[error("normalize: the image has {got} channels, mean and std have {expected}")]
    Channels {
        /// Channels of mean and std.
        expected: usize,
        /// Channels of the image.
        got: usize,
    },
    /// An output buffer of the wrong length.
    #[error("normalize: the output buffer needs {expected} values, got {got}")]
    Buffer {
        /// Values of the image.
        expected: usize,
        /// Length of the buffer.
        got: usize,
    },
}
