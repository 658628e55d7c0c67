//! The files written: each whole or not at all, in the format of what it is a copy of.

use crate::failure::Failure;
use anyhow::anyhow;
use image::{ExtendedColorType, ImageFormat};
use onggi_augment::image::{Image, Pixels};
use onggi_train::run::write_whole;
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// Writes `image` to `path`; the extension says the format.
pub(super) fn write(path: &Path, image: &Image) -> Result<(), Failure> {
    let shown = path.display();
    let (height, width) = (image.height() as u32, image.width() as u32);
    let (bytes, color): (&[u8], _) = match (image.pixels(), image.channels()) {
        (Pixels::U8(pixels), 1) => (pixels, ExtendedColorType::L8),
        (Pixels::U8(pixels), 3) => (pixels, ExtendedColorType::Rgb8),
        (Pixels::U8(_), n) => {
            return Err(anyhow!("{shown}: an image of {n} channels cannot be written").into());
        }
        _ => {
            return Err(anyhow!(
                "{shown}: the pipeline leaves values of another kind than 8 bits; leave `normalize` \
                 out of it"
            )
            .into());
        }
    };
    let format = ImageFormat::from_path(path).unwrap_or(ImageFormat::Png);
    let mut file = Cursor::new(Vec::new());
    let encoded = if format == ImageFormat::Jpeg {
        // The encoder's own default, 75, would add its blocks to each copy of a copy.
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 95)
            .encode(bytes, width, height, color)
    } else {
        image::write_buffer_with_format(&mut file, bytes, width, height, color, format)
    };
    encoded.map_err(|e| anyhow!("{shown}: {e}"))?;
    whole(path, file.get_ref())
}

/// Writes a file whole, in a folder that is made if it is not there.
pub(super) fn whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| anyhow!("{}: {e}", folder.display()))?;
    }
    Ok(write_whole(path, bytes)?)
}
