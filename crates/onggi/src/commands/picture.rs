//! Pictures that commands write: what is drawn on them, and their files, each whole or not at all.

use crate::failure::{Failure, usage};
use anyhow::anyhow;
use image::{ExtendedColorType, ImageFormat};
use onggi_augment::image::{Image, Pixels};
use onggi_train::run::write_whole;
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// Colours of boxes and masks, by label.
pub(crate) const COLOURS: [[u8; 3]; 6] = [
    [230, 60, 60],
    [40, 140, 230],
    [240, 170, 30],
    [60, 170, 90],
    [160, 90, 200],
    [20, 170, 180],
];

/// An RGB picture that is drawn on; what lies outside of it is left out.
pub(crate) struct Canvas<'a> {
    /// Red, green and blue of each pixel, row by row.
    pub(crate) pixels: &'a mut [u8],
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Canvas<'_> {
    /// One pixel.
    pub(crate) fn dot(&mut self, x: i64, y: i64, colour: [u8; 3]) {
        if (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y) {
            let at = (y as usize * self.width + x as usize) * 3;
            self.pixels[at..at + 3].copy_from_slice(&colour);
        }
    }

    /// The edge of a box of these first and last columns and rows, `[left, top, right, bottom]`.
    pub(crate) fn frame(&mut self, [left, top, right, bottom]: [i64; 4], colour: [u8; 3]) {
        for x in left..=right {
            self.dot(x, top, colour);
            self.dot(x, bottom, colour);
        }
        for y in top..=bottom {
            self.dot(left, y, colour);
            self.dot(right, y, colour);
        }
    }
}

/// Writes `image` to `path`; the extension says the format.
pub(crate) fn write(path: &Path, image: &Image) -> Result<(), Failure> {
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
pub(crate) fn whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| anyhow!("{}: {e}", folder.display()))?;
    }
    Ok(write_whole(path, bytes)?)
}

/// Whether a folder can be made of the pictures of `input`: one with files in it is refused, and one
/// inside of `input`.
pub(crate) fn check_out(out: &Path, input: &Path) -> Result<(), Failure> {
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(anyhow!(
            "{}: the folder is not empty, and nothing in it is overwritten; name another",
            out.display()
        )
        .into());
    }
    let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let parent = out.parent().map(whole).unwrap_or_default();
    if parent.starts_with(whole(input)) {
        return usage(format!(
            "{} lies in {}: what is written would be taken for images the next time",
            out.display(),
            input.display()
        ));
    }
    Ok(())
}
