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
    /// A mask of another size than its image.
    #[error(
        "a mask needs the size of its image, {image:?} (height, width), got {mask:?}: resize it by \
         nearest neighbour first"
    )]
    MaskSize {
        /// `[height, width]` of the image.
        image: [usize; 2],
        /// `[height, width]` of the mask.
        mask: [usize; 2],
    },
    /// A setting that breaks its rule.
    #[error("{transform}: {setting} {rule}, got {got}")]
    Setting {
        /// Name of the transform.
        transform: &'static str,
        /// Name of the setting.
        setting: &'static str,
        /// What has to hold.
        rule: &'static str,
        /// The value given.
        got: String,
    },
    /// An image that a transform cannot take.
    #[error("{transform}: {problem}")]
    Unfit {
        /// Name of the transform.
        transform: &'static str,
        /// What is wrong and what helps.
        problem: String,
    },
    /// Settings without the name of a transform.
    #[error("a transform needs its name: transform = \"horizontal_flip\"; got {got}")]
    Nameless {
        /// What stood there instead.
        got: String,
    },
    /// A record that was drawn by another transform.
    #[error("{transform}: what is to be replayed was drawn by another transform")]
    Replay {
        /// Name of the transform.
        transform: &'static str,
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
    /// Work that was ended from outside.
    #[error("stopped before the end: nothing was written")]
    Stopped,
    /// A model that is not there, or that failed.
    #[error("{transform}: {reason}")]
    Model {
        /// Name of the augmenter.
        transform: &'static str,
        /// What is wrong.
        reason: String,
    },
}
