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
    /// A setting of a text augmenter out of its range.
    #[error("{transform}: {setting} is {expected}, got {got}")]
    Setting {
        /// Name of the augmenter.
        transform: &'static str,
        /// Name of the setting.
        setting: &'static str,
        /// What it must be.
        expected: &'static str,
        /// The value given.
        got: String,
    },
    /// A name that is not known.
    #[error("there is no {what} `{got}`: did you mean `{nearest}`?")]
    UnknownName {
        /// What the name is of.
        what: &'static str,
        /// The name given.
        got: String,
        /// The known name with the fewest edits from it.
        nearest: String,
    },
    /// A setting that is not known.
    #[error("{what} has no setting `{got}`: did you mean `{nearest}`?")]
    UnknownSetting {
        /// What the setting is of.
        what: &'static str,
        /// The name given.
        got: String,
        /// The known name with the fewest edits from it.
        nearest: String,
    },
    /// Settings of the wrong kind.
    #[error("{what}: {reason}")]
    Unreadable {
        /// Whose settings.
        what: &'static str,
        /// What is wrong with them.
        reason: String,
    },
    /// A regular expression or a list of phrases that does not compile.
    #[error("the pattern `{pattern}` does not compile: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// An augmenter that may turn a text into its opposite, where that is not allowed.
    #[error(
        "{transform} may change the label of a text: set allow_label_change = true if that is meant"
    )]
    LabelChange {
        /// Name of the augmenter.
        transform: &'static str,
    },
    /// A file that cannot be read or is not what it should be.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A model that is not there, or that failed.
    #[error("{transform}: {reason}")]
    Model {
        /// Name of the augmenter.
        transform: &'static str,
        /// What is wrong.
        reason: String,
    },
}
