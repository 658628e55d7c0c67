//! Noise of sensors and transmission. What is drawn is a seed; the noise of a pixel is a function of
//! the seed and its place.

mod gaussian_noise;
mod iso_noise;
mod multiplicative_noise;
mod salt_and_pepper;
mod shot_noise;

pub use gaussian_noise::GaussianNoise;
pub use iso_noise::IsoNoise;
pub use multiplicative_noise::MultiplicativeNoise;
pub use salt_and_pepper::SaltAndPepper;
pub use shot_noise::ShotNoise;

pub(crate) use gaussian_noise::add_normal;
pub(crate) use salt_and_pepper::specks;
pub(crate) use shot_noise::shot;
