//! Reference images that a pipeline names by path.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use image::{ImageDecoder, ImageReader, Limits};
use serde::{Deserialize, Serialize};

use crate::AugmentError;
use crate::image::Interpolation;
use crate::image::base::prelude::{Image, Named, Pixels, require};
use crate::image::base::resample::resize;

/// Most references of a transform.
const MAX_COUNT: usize = 64;
/// Longest side a reference is kept at, in pixels.
const LONGEST: usize = 1024;
/// Largest file, in bytes.
const MAX_FILE: u64 = 64 << 20;
/// Most pixels of a file's image.
const MAX_PIXELS: u64 = 50_000_000;

/// Image files whose look a transform gives to others; a list of paths in TOML and JSON, taken from the
/// current folder.
///
/// The files (JPEG, PNG, WebP, BMP, TIFF: 1 to 64 of up to 64 MB and 50 megapixels) are read once, when
/// the transform is built; clones share the pixels. What is longer than 1024 pixels on a side is
/// kept at that size. Alpha is left out; the orientation is not applied.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct References {
    paths: Vec<PathBuf>,
    #[serde(skip)]
    images: OnceLock<Arc<[Reference]>>,
}

impl From<Vec<PathBuf>> for References {
    fn from(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            images: OnceLock::new(),
        }
    }
}

/// The same files, read or not.
impl PartialEq for References {
    fn eq(&self, other: &Self) -> bool {
        self.paths == other.paths
    }
}

/// One reference in 8 bits, in colour and grey.
#[derive(Debug)]
struct Reference {
    color: Image,
    grey: Image,
}

impl References {
    /// The files.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Reads the files where that has not been done.
    pub(crate) fn check<T: Named>(&self) -> Result<(), AugmentError> {
        let n = self.paths.len();
        require::<T>(
            (1..=MAX_COUNT).contains(&n),
            "reference_images",
            "is a list of 1 to 64 image files",
            n,
        )?;
        self.images().map(drop)
    }

    fn images(&self) -> Result<&[Reference], AugmentError> {
        if let Some(images) = self.images.get() {
            return Ok(images);
        }
        let images: Vec<_> = self
            .paths
            .iter()
            .map(|path| {
                read(path).map_err(|reason| AugmentError::File {
                    path: path.display().to_string(),
                    reason,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(self.images.get_or_init(|| images.into()))
    }

    /// Reference `index`, in colour for an image that has it, else grey.
    pub(crate) fn like<T: Named>(
        &self,
        index: usize,
        image: &Image,
    ) -> Result<&Image, AugmentError> {
        let missing = AugmentError::Replay { transform: T::NAME };
        let reference = self.images()?.get(index).ok_or(missing)?;
        Ok(if image.channels() < 3 {
            &reference.grey
        } else {
            &reference.color
        })
    }
}

/// Reads one file; the reason where it cannot be.
fn read(path: &Path) -> Result<Reference, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    // Opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("not a file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err("the file has more than the 64 MB taken".to_owned());
    }
    // A decoder's panic on a file that it did not expect is the file's fault.
    catch_unwind(AssertUnwindSafe(|| decode(&bytes)))
        .unwrap_or_else(|_| Err("damaged: the decoder failed on it".to_owned()))
}

fn decode(bytes: &[u8]) -> Result<Reference, String> {
    let words = |error: image::ImageError| {
        let text = error.to_string();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(512 << 20);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(words)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || width == 0 || height == 0 {
        return Err(format!(
            "{width}×{height} pixels, where up to 50 megapixels are taken: shrink the image"
        ));
    }
    let image = image::DynamicImage::from_decoder(decoder).map_err(words)?;
    let (h, w) = (height as usize, width as usize);
    let share = (LONGEST as f64 / h.max(w) as f64).min(1.0);
    let size = [h, w].map(|n| ((n as f64 * share).round() as usize).max(1));
    let whole = Image::of(h, w, 3, Pixels::U8(image.into_rgb8().into_raw()));
    let color = resize(&whole, size, Interpolation::Bilinear, true);
    let grey = color.clone().saturation(0.0).to_u8();
    let grey = grey.into_iter().step_by(3).collect();
    Ok(Reference {
        grey: Image::of(size[0], size[1], 1, Pixels::U8(grey)),
        color,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::image::{Fda, Transform};

    /// A file of the fixtures; tests run in the crate's folder.
    pub(crate) const FILE: &str = "tests/fixtures/reference.png";

    /// References of one file.
    pub(crate) fn references() -> References {
        vec![PathBuf::from(FILE)].into()
    }

    fn refusal(paths: Vec<PathBuf>) -> String {
        let built = Fda {
            reference_images: paths.into(),
            ..Default::default()
        }
        .build();
        built.unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_reference_is_named() {
        assert_eq!(
            refusal(vec![]),
            "fda: reference_images is a list of 1 to 64 image files, got 0"
        );
        assert!(refusal(vec![PathBuf::from(FILE); 65]).ends_with("got 65"));
        assert!(refusal(vec!["no.png".into()]).starts_with("no.png: cannot be read: "));
        assert_eq!(refusal(vec!["tests".into()]), "tests: not a file");
        let words = refusal(vec!["Cargo.toml".into()]);
        assert!(words.starts_with("Cargo.toml: "), "{words}");
    }

    #[test]
    fn large_references_are_kept_small() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wide.png");
        image::RgbImage::from_pixel(3000, 2, image::Rgb([9, 8, 7]))
            .save(&path)
            .unwrap();
        let references = References::from(vec![path.clone()]);
        let x = Image::of(1, 1, 4, Pixels::U8(vec![0; 4]));
        let reference = references.like::<Fda>(0, &x).unwrap();
        assert_eq!(reference.size(), [1, 1024]);
        assert_eq!(reference.to_u8()[..3], [9, 8, 7]);
        let again = references.clone();
        std::fs::write(&path, b"gone").unwrap();
        assert!(again.check::<Fda>().is_ok(), "read once");
        assert!(References::from(vec![path]).check::<Fda>().is_err());
        let missing = references.like::<Fda>(1, &x).unwrap_err();
        assert_eq!(missing, AugmentError::Replay { transform: "fda" });
    }
}
