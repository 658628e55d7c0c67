//! From a file to 8-bit pixels, whatever the file holds.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use onggi_augment::image::{Image, Pixels};

use super::shape::Channels;
use crate::DataError;

/// Longest side of an image, in pixels.
pub(super) const MAX_SIDE: usize = 16_384;
/// Most pixels of an image.
const MAX_PIXELS: u64 = 100_000_000;
/// Largest file, in bytes.
const MAX_FILE: u64 = 256 << 20;
/// Most memory the decoder may take for one image, in bytes: 100 megapixels of 16-bit RGBA and
/// some more.
const MAX_ALLOC: u64 = 1 << 30;

/// Reads an image file into 8-bit pixels, grey or RGB, upright.
///
/// JPEG, PNG, WebP, BMP and TIFF are told apart by content, not by the file's extension. The EXIF
/// orientation is applied. Palettes are resolved. 16-bit values are scaled to 8 bits by rounding,
/// `(v + 128) / 257`; floating-point TIFF is clamped to `[0, 1]` and scaled. Alpha is composited
/// over white. Colour becomes grey as `(19595 R + 38470 G + 7471 B + 32768) / 65536`, Pillow's and
/// ITU-R 601's luma; grey becomes RGB by repeating it. CMYK JPEG and TIFF become RGB; colour
/// profiles are not applied. Of an animation the first frame is read.
///
/// Files of up to 256 MB and images of up to 16,384 pixels a side and 100 megapixels are read, in up
/// to 1 GiB of memory.
///
/// # Errors
/// [`DataError::Image`] with path and reason for a file that cannot be opened, is too large, cut
/// short, damaged, or of another format.
///
/// # Differences from Pillow
/// A JPEG without end marker counts as cut short. Damage inside a JPEG's data that leaves its
/// structure whole goes unnoticed, as with Pillow.
pub fn decode(path: &Path, channels: Channels) -> Result<Image, DataError> {
    decode_bytes(&read(path)?, path, channels)
}

/// Decodes the bytes of an image file as [`decode`] does; `name` stands in the errors.
///
/// # Errors
/// Those of [`decode`].
///
/// # Example
/// ```
/// use std::path::Path;
/// use onggi_data::image::{Channels, decode_bytes};
///
/// let refusal = decode_bytes(b"GIF89a", Path::new("a.png"), Channels::Rgb).unwrap_err();
/// assert!(refusal.to_string().starts_with("a.png: "));
/// ```
pub fn decode_bytes(bytes: &[u8], name: &Path, channels: Channels) -> Result<Image, DataError> {
    guarded(name, || {
        let (mut decoder, format) = open(bytes)?;
        if format == ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
            return Err("the JPEG is cut short: its end marker is missing".to_owned());
        }
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut image = DynamicImage::from_decoder(decoder).map_err(words)?;
        image.apply_orientation(orientation);
        convert(image, channels)
    })
}

/// What the header of an image file says.
pub(super) struct Header {
    /// Height in pixels, before orientation.
    pub(super) height: usize,
    /// Width in pixels, before orientation.
    pub(super) width: usize,
    /// Whether there is but one channel beside alpha.
    pub(super) grey: bool,
}

/// Reads the header only.
pub(super) fn header(path: &Path) -> Result<Header, DataError> {
    let bytes = read(path)?;
    guarded(path, || {
        let (decoder, _) = open(&bytes)?;
        let (width, height) = decoder.dimensions();
        Ok(Header {
            height: height as usize,
            width: width as usize,
            grey: !decoder.color_type().has_color(),
        })
    })
}

fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let fail = |reason: String| DataError::Image {
        path: path.to_owned(),
        reason,
    };
    let cannot = |error: std::io::Error| fail(format!("cannot be read: {error}"));
    // Opening a pipe would wait for a writer.
    let metadata = fs::metadata(path).map_err(cannot)?;
    if !metadata.is_file() {
        return Err(fail("not a file".to_owned()));
    }
    let too_large = |size: u64| {
        fail(format!(
            "the file has {} MB, more than the {} taken",
            size >> 20,
            MAX_FILE >> 20
        ))
    };
    if metadata.len() > MAX_FILE {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    let file = File::open(path).map_err(cannot)?;
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// Runs a decoder, turning its refusal, and its panic on a file it did not expect, into an error
/// that names the file.
fn guarded<T>(name: &Path, run: impl FnOnce() -> Result<T, String>) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err("damaged: the decoder failed on it".to_owned()))
        .map_err(|reason| DataError::Image {
            path: name.to_owned(),
            reason,
        })
}

/// Finds the format, reads the header and holds it against the limits.
fn open(bytes: &[u8]) -> Result<(impl ImageDecoder + '_, ImageFormat), String> {
    const TAKEN: &str = "JPEG, PNG, WebP, BMP and TIFF are read";
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let format = reader
        .format()
        .ok_or_else(|| format!("not an image by its content; {TAKEN}"))?;
    use ImageFormat::{Bmp, Jpeg, Png, Tiff, WebP};
    if !matches!(format, Jpeg | Png | WebP | Bmp | Tiff) {
        return Err(format!("a {format:?} image by its content; {TAKEN}"));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(words)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(format!("damaged: it has {width}×{height} pixels"));
    }
    if width.max(height) as usize > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!(
            "{width}×{height} pixels are too many; {}",
            limit_words()
        ));
    }
    if decoder.total_bytes() > MAX_ALLOC {
        return Err(format!(
            "{} bytes of pixels are too many; {}",
            decoder.total_bytes(),
            limit_words()
        ));
    }
    Ok((decoder, format))
}

fn limit_words() -> String {
    format!(
        "at most {MAX_SIDE} a side, {} megapixels and {} MB of memory are taken: shrink the image",
        MAX_PIXELS / 1_000_000,
        MAX_ALLOC >> 20
    )
}

/// A decoder's error, in words that do not repeat the path.
fn words(error: ImageError) -> String {
    match error {
        ImageError::Limits(_) => format!("the image is too large; {}", limit_words()),
        ImageError::Unsupported(error) => format!("not supported: {error}"),
        other => format!("damaged or cut short: {other}"),
    }
}

/// Whether the segments of a JPEG lead to its end marker. The decoder itself fills what is missing
/// with grey.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut i = 2;
    while let Some(offset) = bytes
        .get(i..)
        .and_then(|rest| rest.iter().position(|&b| b == 0xFF))
    {
        i += offset + 1;
        match bytes.get(i) {
            Some(0xD9) => return true,
            // Fill byte: the marker follows.
            Some(0xFF) => {}
            // A stuffed zero inside the data, restarts, and markers without a length.
            Some(0x00 | 0x01 | 0xD0..=0xD8) => i += 1,
            // A segment with its length; the data after SOS is passed over by the search for 0xFF.
            Some(_) => match (bytes.get(i + 1), bytes.get(i + 2)) {
                (Some(&high), Some(&low)) => {
                    i += 1 + usize::from(u16::from_be_bytes([high, low])).max(2);
                }
                _ => return false,
            },
            None => return false,
        }
    }
    false
}

/// To 8 bits, then off with the alpha, then to the channels asked for.
fn convert(image: DynamicImage, channels: Channels) -> Result<Image, String> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (pixels, from) = match image {
        DynamicImage::ImageLuma8(b) => (b.into_raw(), 1),
        DynamicImage::ImageLumaA8(b) => (over_white::<2, 1>(&b.into_raw()), 1),
        DynamicImage::ImageRgb8(b) => (b.into_raw(), 3),
        DynamicImage::ImageRgba8(b) => (over_white::<4, 3>(&b.into_raw()), 3),
        DynamicImage::ImageLuma16(b) => (narrow(&b.into_raw()), 1),
        DynamicImage::ImageLumaA16(b) => (over_white::<2, 1>(&narrow(&b.into_raw())), 1),
        DynamicImage::ImageRgb16(b) => (narrow(&b.into_raw()), 3),
        DynamicImage::ImageRgba16(b) => (over_white::<4, 3>(&narrow(&b.into_raw())), 3),
        DynamicImage::ImageRgb32F(b) => (quantize(&b.into_raw()), 3),
        DynamicImage::ImageRgba32F(b) => (over_white::<4, 3>(&quantize(&b.into_raw())), 3),
        other => return Err(format!("not supported: pixels of type {:?}", other.color())),
    };
    let pixels = match (from, channels) {
        (1, Channels::Rgb) => pixels.iter().flat_map(|&v| [v; 3]).collect(),
        (3, Channels::Grey) => pixels.as_chunks::<3>().0.iter().map(luma).collect(),
        _ => pixels,
    };
    Image::new(height, width, channels.count(), Pixels::U8(pixels)).map_err(|e| e.to_string())
}

fn luma(&[r, g, b]: &[u8; 3]) -> u8 {
    ((19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + 32_768) >> 16) as u8
}

fn narrow(pixels: &[u16]) -> Vec<u8> {
    pixels
        .iter()
        .map(|&v| ((u32::from(v) + 128) / 257) as u8)
        .collect()
}

fn quantize(pixels: &[f32]) -> Vec<u8> {
    pixels
        .iter()
        .map(|&v| (v.clamp(0.0, 1.0) * 255.0).round() as u8)
        .collect()
}

/// `y = (x·a + 255·(255 − a)) / 255`, rounded; alpha is the last of the `N` channels, `M = N − 1`.
fn over_white<const N: usize, const M: usize>(pixels: &[u8]) -> Vec<u8> {
    let mut out = vec![0; pixels.len() / N * M];
    for (y, x) in out
        .as_chunks_mut::<M>()
        .0
        .iter_mut()
        .zip(pixels.as_chunks::<N>().0)
    {
        let alpha = u32::from(x[M]);
        for k in 0..M {
            y[k] = ((u32::from(x[k]) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        }
    }
    out
}
