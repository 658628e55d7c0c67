//! What brings an image into the form a model was trained on, to be saved with the model.

use std::path::Path;

use onggi_augment::image::{Image, Normalize};
use serde::{Deserialize, Serialize};

use super::shape::{Channels, ImageShape};
use super::store::prepare;
use crate::DataError;

/// Size, channels and normalisation of a model's input.
///
/// An image is decoded, resized and cropped to the size with its aspect ratio kept, and normalised:
/// `y = (x / 255 − mean) / std`.
///
/// # Example
/// ```
/// use onggi_data::image::{Channels, ImagePreprocess, ImageShape};
///
/// let shape = ImageShape::new(28, 28, Channels::Grey)?;
/// let preprocess = ImagePreprocess::new(shape, vec![0.5], vec![0.25])?;
/// let json = serde_json::to_string(&preprocess)?;
/// assert_eq!(json, r#"{"height":28,"width":28,"channels":1,"mean":[0.5],"std":[0.25]}"#);
/// assert_eq!(serde_json::from_str::<ImagePreprocess>(&json)?, preprocess);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct ImagePreprocess {
    shape: ImageShape,
    normalize: Normalize,
}

/// The form in a file, not yet checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    height: usize,
    width: usize,
    channels: Channels,
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl ImagePreprocess {
    /// Joins shape and normalisation; `mean` and `std` are fractions of the value range, one a
    /// channel.
    ///
    /// # Errors
    /// [`DataError::StatisticsChannels`] for other lengths than the channels,
    /// [`DataError::Augment`] for a value that is not finite or a `std` not above 0.
    pub fn new(shape: ImageShape, mean: Vec<f32>, std: Vec<f32>) -> Result<Self, DataError> {
        let normalize = Normalize::new(mean, std)?;
        let (expected, got) = (shape.channels().count(), normalize.mean().len());
        if expected != got {
            return Err(DataError::StatisticsChannels { expected, got });
        }
        Ok(Self { shape, normalize })
    }

    /// Size and channels.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Mean and standard deviation.
    pub fn normalize(&self) -> &Normalize {
        &self.normalize
    }

    /// Reads an image file into 8-bit pixels of the shape: what the model sees, before
    /// normalisation.
    ///
    /// # Errors
    /// Those of [`decode`](super::decode()).
    pub fn image(&self, path: &Path) -> Result<Image, DataError> {
        prepare(path, self.shape)
    }

    /// Normalises an image of the shape plane by plane: `[H, W, C] → [C, H, W]`.
    ///
    /// # Errors
    /// [`DataError::Augment`] where image or buffer have another size.
    pub fn write(&self, image: &Image, out: &mut [f32]) -> Result<(), DataError> {
        Ok(self.normalize.write_chw(image, out)?)
    }
}

impl TryFrom<Saved> for ImagePreprocess {
    type Error = DataError;
    fn try_from(saved: Saved) -> Result<Self, DataError> {
        let shape = ImageShape::new(saved.height, saved.width, saved.channels)?;
        Self::new(shape, saved.mean, saved.std)
    }
}

impl From<ImagePreprocess> for Saved {
    fn from(preprocess: ImagePreprocess) -> Self {
        Self {
            height: preprocess.shape.height(),
            width: preprocess.shape.width(),
            channels: preprocess.shape.channels(),
            mean: preprocess.normalize.mean().to_vec(),
            std: preprocess.normalize.std().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        let shape = ImageShape::new(8, 8, Channels::Rgb).unwrap();
        assert!(matches!(
            ImagePreprocess::new(shape, vec![0.5], vec![0.5]),
            Err(DataError::StatisticsChannels {
                expected: 3,
                got: 1
            })
        ));
        assert!(matches!(
            ImagePreprocess::new(shape, vec![0.5; 3], vec![0.0; 3]),
            Err(DataError::Augment(_))
        ));
        let json = r#"{"height": 8, "width": 8, "channels": 2, "mean": [0.5], "std": [0.5]}"#;
        let refusal = serde_json::from_str::<ImagePreprocess>(json)
            .unwrap_err()
            .to_string();
        assert!(refusal.contains("1 (grey) or 3 (RGB)"), "{refusal}");
    }
}
