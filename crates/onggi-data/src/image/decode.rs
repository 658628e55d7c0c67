//! From a file to 8-bit pixels, whatever the file holds.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use onggi_augment::image::{Image, Pixels};

use super::resize::resize_cover;
use super::scaled_jpeg;
use super::shape::{Channels, ImageShape};
use crate::DataError;

/// Longest side of an image, in pixels.
pub(super) const MAX_SIDE: usize = 16_384;
/// Most pixels of an image.
const MAX_PIXELS: u64 = 100_000_000;
/// Largest file, in bytes.
const MAX_FILE: u64 = 256 << 20;
/// Most memory the decoder may take for one image, in bytes: 100 megapixels of 16-bit RGBA and
/// some more.
pub(super) const MAX_ALLOC: u64 = 1 << 30;

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
    decode_scaled(bytes, name, channels, None)
}

/// Decodes the bytes of an image file and brings it to `shape`, as [`resize_cover`] does.
///
/// A JPEG of at least four times the size is decoded at a half, a quarter or an eighth, where that
/// leaves twice the size: of a photo of 12 megapixels for 224² pixels, in half the time. It may differ
/// by a few levels from [`decode_bytes`] and [`resize_cover`], as it averages in blocks first.
///
/// # Errors
/// Those of [`decode`].
pub fn decode_to_cover(bytes: &[u8], name: &Path, shape: ImageShape) -> Result<Image, DataError> {
    let (height, width) = (shape.height(), shape.width());
    let least = 2 * height.max(width) as u32;
    let image = decode_scaled(bytes, name, shape.channels(), Some(least))?;
    resize_cover(&image, height, width)
}

/// Decodes; a JPEG, where `least` is given, at the smallest scale whose sides have that many pixels.
fn decode_scaled(
    bytes: &[u8],
    name: &Path,
    channels: Channels,
    least: Option<u32>,
) -> Result<Image, DataError> {
    guarded(name, || {
        let (mut decoder, format) = open(bytes)?;
        let is_jpeg = format == ImageFormat::Jpeg;
        if is_jpeg && !jpeg_is_whole(bytes) {
            return Err("the JPEG is cut short: its end marker is missing".to_owned());
        }
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let (width, height) = decoder.dimensions();
        let scaled = least
            .filter(|_| is_jpeg)
            .and_then(|least| scaled_jpeg::decode(bytes, [height, width], least));
        let mut image = match scaled {
            Some(image) => image,
            None => DynamicImage::from_decoder(decoder).map_err(words)?,
        };
        image.apply_orientation(orientation);
        convert(image, channels)
    })
}

/// Decodes an image file as [`decode`] does, grey if it is, else in colour.
///
/// # Errors
/// Those of [`decode`].
pub fn decode_as_is(path: &Path) -> Result<Image, DataError> {
    let bytes = read(path)?;
    let channels = if header_of(&bytes, path)?.grey {
        Channels::Grey
    } else {
        Channels::Rgb
    };
    decode_bytes(&bytes, path, channels)
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
    header_of(&read(path)?, path)
}

fn header_of(bytes: &[u8], path: &Path) -> Result<Header, DataError> {
    guarded(path, || {
        let (decoder, _) = open(bytes)?;
        let (width, height) = decoder.dimensions();
        Ok(Header {
            height: height as usize,
            width: width as usize,
            grey: !decoder.color_type().has_color(),
        })
    })
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
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

/// A decoder's error, in words that do not repeat the path, on one line.
fn words(error: ImageError) -> String {
    let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match error {
        ImageError::Limits(_) => format!("the image is too large; {}", limit_words()),
        ImageError::Unsupported(error) => one_line(format!("not supported: {error}")),
        other => one_line(format!("damaged or cut short: {other}")),
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

#[cfg(test)]
mod tests {
    use image::codecs::bmp::BmpEncoder;
    use image::{ColorType, ImageBuffer, Luma, LumaA, Rgb, RgbImage, Rgba};
    use proptest::prelude::*;

    use super::*;
    use crate::image::folder::tests::Folder;

    const FORMATS: [ImageFormat; 5] = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ];

    fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn picture(height: u32, width: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            Rgb([(x * 5) as u8, (y * 7) as u8, 90])
        })
    }

    fn pixels(bytes: &[u8], channels: Channels) -> Vec<u8> {
        match decode_bytes(bytes, Path::new("x"), channels)
            .unwrap()
            .into_pixels()
        {
            Pixels::U8(pixels) => pixels,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(bytes: &[u8]) -> String {
        decode_bytes(bytes, Path::new("some/x.png"), Channels::Rgb)
            .unwrap_err()
            .to_string()
    }

    /// One pixel through a lossless file.
    fn through<P>(pixel: P, channels: Channels) -> Vec<u8>
    where
        P: image::Pixel + 'static,
        DynamicImage: From<ImageBuffer<P, Vec<P::Subpixel>>>,
    {
        pixels(
            &encode(ImageBuffer::from_pixel(1, 1, pixel), ImageFormat::Png),
            channels,
        )
    }

    #[test]
    fn every_format_by_content() {
        let folder = Folder::new();
        let want = picture(13, 21);
        for format in FORMATS {
            let path = folder.file("misnamed.png", &encode(want.clone(), format));
            let image = decode(&path, Channels::Rgb).unwrap();
            assert_eq!(
                (image.height(), image.width(), image.channels()),
                (13, 21, 3)
            );
            let Pixels::U8(got) = image.pixels() else {
                panic!()
            };
            let lossy = if format == ImageFormat::Jpeg { 24 } else { 0 };
            for (a, b) in got.iter().zip(want.as_raw()) {
                assert!(a.abs_diff(*b) <= lossy, "{format:?}: {a} {b}");
            }
        }
    }

    #[test]
    fn grey_and_colour() {
        assert_eq!(through(Luma([9u8]), Channels::Rgb), [9, 9, 9]);
        // By the formula: 0.299 · 255 = 76.2, 0.587 · 255 = 149.7, 0.114 · 255 = 29.1.
        for (rgb, luma) in [
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([255; 3], 255),
        ] {
            assert_eq!(through(Rgb::<u8>(rgb), Channels::Grey), [luma]);
        }
    }

    #[test]
    fn alpha_lies_over_white() {
        assert_eq!(
            through(Rgba([10u8, 20, 30, 0]), Channels::Rgb),
            [255, 255, 255]
        );
        assert_eq!(
            through(Rgba([10u8, 20, 30, 255]), Channels::Rgb),
            [10, 20, 30]
        );
        assert_eq!(
            through(Rgba([10u8, 20, 30, 128]), Channels::Rgb),
            [132, 137, 142]
        );
        assert_eq!(through(LumaA([0u8, 51]), Channels::Grey), [204]);
        assert_eq!(through(LumaA([0u16, 51 * 257]), Channels::Grey), [204]);
        assert_eq!(through(Rgba([0u16, 0, 0, 0]), Channels::Grey), [255]);
    }

    #[test]
    fn sixteen_bits_are_rounded() {
        for (wide, narrow) in [(0u16, 0), (128, 0), (129, 1), (257 * 77, 77), (65_535, 255)] {
            assert_eq!(through(Luma([wide]), Channels::Grey), [narrow]);
        }
        assert_eq!(
            through(Rgb([257u16, 514, 65_535]), Channels::Rgb),
            [1, 2, 255]
        );
        assert_eq!(
            quantize(&[-1.0, 0.5, 1.0, 7.0, f32::NAN]),
            [0, 128, 255, 255, 0]
        );
    }

    #[test]
    fn palettes_are_resolved() {
        let mut bytes = Vec::new();
        let palette = [[1, 2, 3], [40, 50, 60]];
        BmpEncoder::new(&mut bytes)
            .encode_with_palette(&[1, 0], 2, 1, ColorType::L8.into(), Some(&palette))
            .unwrap();
        assert_eq!(pixels(&bytes, Channels::Rgb), [40, 50, 60, 1, 2, 3]);
    }

    /// The picture's rings are wide enough for the scale that is chosen.
    #[test]
    fn a_large_jpeg_is_decoded_at_a_scale() {
        let rings = |x: u32, y: u32| {
            let r = f64::from(x * x + y * y).sqrt();
            let wave = |k: f64| (127.0 + 100.0 * (r / k).sin()) as u8;
            Rgb([wave(60.0), wave(80.0), wave(100.0)])
        };
        let shape = ImageShape::new(20, 20, Channels::Rgb).unwrap();
        for (height, width, scale) in [(90, 400, 2), (170, 161, 4), (701, 333, 8), (77, 400, 1)] {
            let jpeg = encode(RgbImage::from_fn(width, height, rings), ImageFormat::Jpeg);
            let size =
                scaled_jpeg::decode(&jpeg, [height, width], 40).map(|i| (i.height(), i.width()));
            let expected = (height.div_ceil(scale), width.div_ceil(scale));
            assert_eq!(size, (scale > 1).then_some(expected), "{height} x {width}");
            let covers = decode_to_cover(&jpeg, Path::new("x"), shape).unwrap();
            let whole = decode_bytes(&jpeg, Path::new("x"), Channels::Rgb).unwrap();
            let whole = resize_cover(&whole, 20, 20).unwrap();
            let (Pixels::U8(a), Pixels::U8(b)) = (covers.pixels(), whole.pixels()) else {
                panic!()
            };
            let errors = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b)));
            let (most, sum) = (errors.clone().max().unwrap(), errors.sum::<u32>());
            let (allowed, mean) = if scale == 1 { (0, 0.0) } else { (10, 2.0) };
            let found = f64::from(sum) / a.len() as f64;
            assert!(
                most <= allowed && found <= mean,
                "{height} x {width}: {most}, {found}"
            );
        }
    }

    #[test]
    fn a_scaled_jpeg_is_turned_upright() {
        let shape = ImageShape::new(4, 4, Channels::Grey).unwrap();
        let wide = ImageBuffer::from_fn(96, 64, |x, _| Luma([if x < 48 { 255u8 } else { 0 }]));
        let jpeg = with_orientation(&encode(wide, ImageFormat::Jpeg), 6);
        assert!(scaled_jpeg::decode(&jpeg, [64, 96], 8).is_some());
        let image = decode_to_cover(&jpeg, Path::new("x"), shape).unwrap();
        let Pixels::U8(p) = image.pixels() else {
            panic!()
        };
        assert!(
            p[0] > 240 && p[3] > 240 && p[12] < 15 && p[15] < 15,
            "{p:?}"
        );
    }

    /// A JPEG, left half white, with an EXIF segment that holds the orientation only.
    fn oriented(orientation: u8) -> Vec<u8> {
        let half = ImageBuffer::from_fn(32, 16, |x, _| Luma([if x < 16 { 255u8 } else { 0 }]));
        with_orientation(&encode(half, ImageFormat::Jpeg), orientation)
    }

    fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut exif =
            b"\xFF\xE1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        [&jpeg[..2], &exif, &jpeg[2..]].concat()
    }

    #[test]
    fn exif_orientation_is_applied() {
        // Where the white half lies after turning upright: left, right, top, bottom.
        let sides = [
            "left", "right", "right", "left", "top", "top", "bottom", "bottom",
        ];
        for (orientation, side) in (1..).zip(sides) {
            let image =
                decode_bytes(&oriented(orientation), Path::new("x"), Channels::Grey).unwrap();
            let (h, w) = (image.height(), image.width());
            let Pixels::U8(p) = image.pixels() else {
                panic!()
            };
            let (white, black) = match side {
                "left" => (p[w * h / 2], p[w * h / 2 + w - 1]),
                "right" => (p[w * h / 2 + w - 1], p[w * h / 2]),
                "top" => (p[w / 2], p[w * h - w / 2]),
                _ => (p[w * h - w / 2], p[w / 2]),
            };
            assert!(white > 240 && black < 15, "{orientation}: {white} {black}");
            assert_eq!((h, w), if orientation <= 4 { (16, 32) } else { (32, 16) });
        }
    }

    #[test]
    fn cut_files_are_named() {
        for format in FORMATS {
            let whole = encode(picture(40, 50), format);
            for share in [2, 10, 50, 90, 99] {
                let words = refusal(&whole[..whole.len() * share / 100]);
                assert!(
                    words.starts_with("some/x.png: "),
                    "{format:?} {share}: {words}"
                );
                assert!(!words.contains('\n'), "{words}");
            }
        }
        let jpeg = encode(picture(40, 50), ImageFormat::Jpeg);
        let words = refusal(&jpeg[..jpeg.len() - 2]);
        assert_eq!(
            words,
            "some/x.png: the JPEG is cut short: its end marker is missing"
        );
    }

    #[test]
    fn what_is_no_image_is_named() {
        for (bytes, words) in [
            (&b""[..], "some/x.png: the file is empty"),
            (
                b"hello, world",
                "some/x.png: not an image by its content; JPEG, PNG, WebP, BMP",
            ),
            (
                b"GIF89a......",
                "some/x.png: a Gif image by its content; JPEG, PNG, WebP, BMP",
            ),
        ] {
            assert!(refusal(bytes).starts_with(words), "{}", refusal(bytes));
        }
        let folder = Folder::new();
        let fault = |path: &Path| decode(path, Channels::Rgb).unwrap_err().to_string();
        assert!(fault(folder.path()).ends_with(": not a file"));
        assert!(fault(&folder.path().join("no.png")).contains("no.png: cannot be read: "));
    }

    #[test]
    fn large_files_and_images_are_refused_unread() {
        let folder = Folder::new();
        let path = folder.file("sparse.png", b"");
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(MAX_FILE + 1)
            .unwrap();
        let words = decode(&path, Channels::Rgb).unwrap_err().to_string();
        assert!(
            words.ends_with("the file has 256 MB, more than the 256 taken"),
            "{words}"
        );
        for (width, height) in [
            (16_385i32, 1i32),
            (1, 16_385),
            (16_000, 16_000),
            (60_000, 60_000),
        ] {
            let mut bmp = encode(picture(2, 2), ImageFormat::Bmp);
            bmp[18..22].copy_from_slice(&width.to_le_bytes());
            bmp[22..26].copy_from_slice(&height.to_le_bytes());
            let words = refusal(&bmp);
            assert!(
                words.contains("16384 a side, 100 megapixels"),
                "{width}×{height}: {words}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Damage gives an image or an error, never a panic.
        #[test]
        fn damaged_files_do_not_panic(
            format in 0usize..5, places in proptest::collection::vec((0.0f64..1.0, any::<u8>()), 1..9),
        ) {
            let mut bytes = encode(picture(9, 11), FORMATS[format]);
            for (place, value) in places {
                let at = (place * bytes.len() as f64) as usize;
                bytes[at] = value;
            }
            if let Ok(image) = decode_bytes(&bytes, Path::new("x"), Channels::Rgb) {
                prop_assert_eq!(image.channels(), 3);
            }
        }
    }
}
