//! Convolutions over sequences, images and volumes, and their transposes.

mod convolution;
mod transpose;

pub use convolution::{
    Conv, Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, Conv3d, Conv3dConfig, ConvConfig, Padding,
    PaddingMode,
};
pub use transpose::{
    ConvTranspose, ConvTranspose1d, ConvTranspose1dConfig, ConvTranspose2d, ConvTranspose2dConfig,
    ConvTransposeConfig,
};

use crate::NnError;
use crate::error::check_positive;

/// An error for a group number that is 0 or does not divide the channels.
fn check_groups(
    layer: &'static str,
    groups: usize,
    channels: [(&'static str, usize); 2],
) -> Result<(), NnError> {
    check_positive(layer, "groups", groups)?;
    for (argument, channels) in channels {
        check_positive(layer, argument, channels)?;
        if channels % groups != 0 {
            let expected = format!("a multiple of the {groups} groups");
            return Err(NnError::config(layer, argument, expected, channels));
        }
    }
    Ok(())
}

/// An error unless each of the sizes is at least 1.
fn check_all<const R: usize>(
    layer: &'static str,
    argument: &'static str,
    sizes: [usize; R],
) -> Result<(), NnError> {
    (sizes.into_iter()).try_for_each(|size| check_positive(layer, argument, size))
}
