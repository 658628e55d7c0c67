//! Changes of colour and tone. Where colour counts, the first three of three or more channels are
//! red, green and blue; images of one or two channels have no colour and are left as they are.

mod adjust_sharpness;
mod auto_contrast;
mod channel_dropout;
mod channel_permutation;
mod clahe;
mod color_jitter;
mod equalize;
mod fancy_pca;
mod grayscale;
mod hue_saturation_value;
mod invert;
mod light;
mod normalize;
mod photometric_distort;
mod planckian_jitter;
mod posterize;
mod random_brightness_contrast;
mod random_gamma;
mod rgb_shift;
mod solarize;
mod to_sepia;
mod tone_curve;

pub use adjust_sharpness::AdjustSharpness;
pub use auto_contrast::AutoContrast;
pub use channel_dropout::ChannelDropout;
pub use channel_permutation::ChannelPermutation;
pub use clahe::Clahe;
pub use color_jitter::{ColorJitter, Jitter};
pub use equalize::Equalize;
pub use fancy_pca::FancyPca;
pub use grayscale::Grayscale;
pub use hue_saturation_value::HueSaturationValue;
pub use invert::Invert;
pub use normalize::Normalize;
pub use photometric_distort::PhotometricDistort;
pub use planckian_jitter::PlanckianJitter;
pub use posterize::Posterize;
pub use random_brightness_contrast::RandomBrightnessContrast;
pub use random_gamma::RandomGamma;
pub use rgb_shift::RgbShift;
pub use solarize::Solarize;
pub use to_sepia::ToSepia;
pub use tone_curve::ToneCurve;

pub(crate) use adjust_sharpness::sharpness;
pub(crate) use auto_contrast::auto_contrast;
pub(crate) use equalize::{equalize, histograms};
