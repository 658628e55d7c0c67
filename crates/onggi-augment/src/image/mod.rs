//! Images, and the transforms on them.
//!
//! A transform is one file below this folder and one row of the [registry](TRANSFORMS). It is a
//! struct of settings; [`Transform::build`] or [`Transform::p`] makes an [`ImageTransform`] of it,
//! which is done with a probability, can be written to TOML and JSON, and returns what it drew.

mod base;

mod adaptation;
mod blur;
mod color;
mod container;
mod crop;
mod erasing;
mod geometric;
mod mixing;
mod noise;
mod policy;
mod preset;
mod quality;
mod weather;

pub use adaptation::*;
pub use base::boxes::{BoundingBox, BoxFormat, BoxRule};
pub use base::raster::{Image, Pixels};
pub use base::registry::{Named, Row, Transform};
pub use base::sample::{Keypoint, Label, Sample};
pub use base::settings::{Fill, MAX_SIDE, Spread};
pub use base::warp::Interpolation;
pub use base::window::{Border, Window};
pub use blur::*;
pub use color::*;
pub use container::*;
pub use crop::*;
pub use erasing::*;
pub use geometric::*;
pub use mixing::*;
pub use noise::*;
pub use policy::*;
pub use preset::Preset;
pub use quality::*;
pub use weather::*;

use base::registry::registry;

use serde::{Deserialize, Serialize};

use crate::{AugmentError, Draw};

/// Any one transform with its probability: what a TOML or JSON pipeline is made of.
///
/// The key `transform` names it, `p` is the probability, the other keys are its settings; unknown
/// names and keys are refused with the nearest one there is, and so are settings out of range.
///
/// # Example
/// ```
/// use onggi_augment::image::ImageTransform;
///
/// let flip: ImageTransform = toml::from_str("transform = 'horizontal_flip'\np = 0.3")?;
/// assert!(toml::from_str::<ImageTransform>("transform = 'horizontal_flip'\np = 3").is_err());
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ImageTransform {
    p: f64,
    kind: Kind,
}

registry! {
    "container" {
        OneOf = "one_of", "one transform of a list, by weight";
        SomeOf = "some_of", "some transforms of a list, in the list's order";
        Sometimes = "sometimes", "a list of transforms, all or none";
        RandomChoice = "random_choice", "one transform of a list, by probability";
        RandomOrder = "random_order", "a list of transforms in random order";
    }
    "geometric" {
        HorizontalFlip = "horizontal_flip", "mirror left and right";
        VerticalFlip = "vertical_flip", "mirror top and bottom";
        Transpose = "transpose", "exchange rows and columns";
        Rotate90 = "rotate90", "turn by 0, 90, 180 or 270 degrees";
        D4 = "d4", "one of the eight symmetries of a square";
        RandomRotation = "random_rotation", "turn by a random angle";
        RandomAffine = "random_affine", "rotation, translation, scale and shear";
        ShiftScaleRotate = "shift_scale_rotate", "a small move, change of size and turn";
        SafeRotate = "safe_rotate", "a turn that keeps every corner in the picture";
        RandomPerspective = "random_perspective", "a look from another place";
        ElasticTransform = "elastic_transform", "smooth local displacement";
        GridDistortion = "grid_distortion", "columns and rows made wider and narrower";
        OpticalDistortion = "optical_distortion", "the bend of a lens";
        PiecewiseAffine = "piecewise_affine", "a rubber sheet pinned at a grid of points";
        ThinPlateSpline = "thin_plate_spline", "the smoothest displacement through moved points";
    }
    "crop" {
        RandomResizedCrop = "random_resized_crop", "a random window stretched to a fixed size";
        Resize = "resize", "stretch to a fixed size";
        CenterCrop = "center_crop", "the middle of the image";
        Pad = "pad", "a margin on every side";
        PadIfNeeded = "pad_if_needed", "a margin where the image is too small";
        LongestMaxSize = "longest_max_size", "the longer side to a fixed length";
        SmallestMaxSize = "smallest_max_size", "the shorter side to a fixed length";
        LetterBox = "letter_box", "the whole image in a fixed size, with bars";
        RandomZoomOut = "random_zoom_out", "the image on a larger canvas";
        RandomIoUCrop = "random_iou_crop", "a crop with a drawn overlap with some box";
        BBoxSafeRandomCrop = "bbox_safe_random_crop", "a crop that keeps every box whole";
        CropNonEmptyMask = "crop_non_empty_mask", "a crop with something of the mask in it";
        ScaleJitter = "scale_jitter", "a random size";
        RandomCrop = "random_crop", "pad, then cut a window at a random place";
    }
    "color" {
        ColorJitter = "color_jitter", "brightness, contrast, saturation and hue in random order";
        PhotometricDistort = "photometric_distort", "the colour augmentation of SSD";
        RandomBrightnessContrast = "random_brightness_contrast", "brightness and contrast";
        HueSaturationValue = "hue_saturation_value", "hue, saturation and value moved";
        Grayscale = "grayscale", "take the colour out";
        Invert = "invert", "the negative";
        Posterize = "posterize", "fewer levels";
        Solarize = "solarize", "the negative of what is bright";
        AutoContrast = "auto_contrast", "each channel stretched to the whole range";
        Equalize = "equalize", "every level as frequent as any other";
        AdjustSharpness = "adjust_sharpness", "sharper or softer";
        RgbShift = "rgb_shift", "a summand for each of red, green and blue";
        RandomGamma = "random_gamma", "a power of the brightness";
        ToneCurve = "tone_curve", "the curve of dark and bright bent";
        Clahe = "clahe", "contrast raised tile by tile, with a limit";
        FancyPca = "fancy_pca", "colour noise along the image's own colour axes";
        PlanckianJitter = "planckian_jitter", "the light of another lamp";
        ToSepia = "to_sepia", "the brown of old photographs";
        ChannelPermutation = "channel_permutation", "the channels in another order";
        ChannelDropout = "channel_dropout", "channels left out";
        Normalize = "normalize", "subtract the mean, divide by the standard deviation";
    }
    "blur" {
        GaussianBlur = "gaussian_blur", "the blur of a lens slightly out of focus";
        Blur = "blur", "the mean of a square";
        MedianBlur = "median_blur", "the middle value of a square";
        MotionBlur = "motion_blur", "the streak of a moving camera";
        Defocus = "defocus", "every point a disk";
        ZoomBlur = "zoom_blur", "the streaks of zooming";
        GlassBlur = "glass_blur", "a look through frosted glass";
        Sharpen = "sharpen", "edges raised by a Laplacian";
        Emboss = "emboss", "a relief lit from one corner";
        UnsharpMask = "unsharp_mask", "edges raised where there are some";
    }
    "noise" {
        GaussianNoise = "gaussian_noise", "noise of a sensor in the dark";
        IsoNoise = "iso_noise", "noise of a sensor at high sensitivity";
        MultiplicativeNoise = "multiplicative_noise", "values times numbers near 1";
        SaltAndPepper = "salt_and_pepper", "white and black specks";
        ShotNoise = "shot_noise", "noise of few photons";
    }
    "erasing" {
        RandomErasing = "random_erasing", "a rectangle of random pixels";
        Cutout = "cutout", "square holes of zeros";
        CoarseDropout = "coarse_dropout", "several rectangular holes";
        GridMask = "grid_mask", "a regular grid of square holes";
        PixelDropout = "pixel_dropout", "single pixels left out";
        XYMasking = "xy_masking", "bands across and along the image";
        GridShuffle = "grid_shuffle", "tiles mixed up";
    }
    "policy" {
        AutoAugment = "auto_augment", "policies found by search";
        RandAugment = "rand_augment", "two operations at one strength";
        TrivialAugmentWide = "trivial_augment_wide", "one operation at any strength";
        AugMix = "aug_mix", "chains of operations mixed with the image";
    }
    "quality" {
        JpegCompression = "jpeg_compression", "the blocks and rings of JPEG";
        Downscale = "downscale", "detail lost to a smaller size";
        Morphological = "morphological", "bright parts grown or shrunk";
        Superpixels = "superpixels", "patches of one colour";
    }
    "adaptation" {
        HistogramMatching = "histogram_matching", "the tones of another image";
        Fda = "fda", "the light and colour of another image, by its low frequencies";
    }
    "weather" {
        RandomFog = "random_fog", "a cloud of fog over the image";
        RandomRain = "random_rain", "slanted streaks of rain";
        RandomSnow = "random_snow", "snow on the ground";
        RandomShadow = "random_shadow", "shadows across a part of the image";
        RandomSunFlare = "random_sun_flare", "the sun in the lens";
        Spatter = "spatter", "drops or mud on the lens";
        Corruption = "corruption", "one of the corruptions of ImageNet-C";
    }
}
