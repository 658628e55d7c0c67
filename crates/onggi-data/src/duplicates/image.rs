//! Images that are the same, or nearly: found by a hash, confirmed by their pixels.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use onggi_augment::image::{Image, Pixels};

use super::hamming::near_pairs;
use super::perceptual::grey;
use super::{Duplicates, PerceptualHash, content, firsts};
use crate::image::{Channels, decode, resize};
use crate::{DataError, parallel};

/// Bits in which the hashes of near duplicates may differ.
const BITS: u32 = 8;

/// Side of the thumbnail that confirms them, in pixels.
const SIDE: usize = 16;

/// Correlation of the thumbnails from which two images are near duplicates.
const CORRELATION: f64 = 0.99;

/// Largest factor of contrast between near duplicates, and largest difference of their mean grey, in
/// levels of 255.
const CONTRAST: f64 = 1.5;
const BRIGHTNESS: f64 = 48.0;

/// Standard deviation below which a thumbnail is of one colour, in levels of 255.
const FLAT: f64 = 1.0;

/// Comparisons of hashes at most: some seconds.
const BUDGET: u64 = 4_000_000_000;

/// Different images of one hash that others are compared with.
const MOST_ALIKE: usize = 64;

/// What is kept of an image to find its duplicates: 300 bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct ImagePrint {
    content: u128,
    hash: PerceptualHash,
    thumbnail: [u8; SIDE * SIDE],
    mean: f64,
    deviation: f64,
}

impl ImagePrint {
    /// Of an 8-bit image, grey or RGB, at its full size.
    ///
    /// # Errors
    /// Those of [`PerceptualHash::of`].
    pub fn of(image: &Image) -> Result<Self, DataError> {
        let hash = PerceptualHash::of(image)?;
        let small = resize(&grey(image)?, SIDE, SIDE)?;
        let (Pixels::U8(pixels), Pixels::U8(grey)) = (image.pixels(), small.pixels()) else {
            return Err(DataError::PixelDepth);
        };
        let mut thumbnail = [0; SIDE * SIDE];
        thumbnail.copy_from_slice(grey);
        let n = thumbnail.len() as f64;
        let mean = thumbnail.iter().map(|&p| f64::from(p)).sum::<f64>() / n;
        let squares = thumbnail.iter().map(|&p| (f64::from(p) - mean).powi(2));
        let deviation = (squares.sum::<f64>() / n).sqrt();
        let shape = (image.height(), image.width(), image.channels());
        Ok(Self {
            content: content(&(shape, pixels)),
            hash,
            thumbnail,
            mean,
            deviation,
        })
    }

    /// Of image files, decoded as RGB on up to `threads` threads, in their order; `progress` is told
    /// how many are done.
    ///
    /// # Errors
    /// Those of [`decode`](crate::image::decode()) for the first file that cannot be read.
    pub fn read<P: AsRef<Path> + Sync>(
        paths: &[P],
        threads: usize,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<Vec<Self>, DataError> {
        let done = AtomicUsize::new(0);
        parallel::try_map(paths, threads, |path| {
            let print = Self::of(&decode(path.as_ref(), Channels::Rgb)?);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            print
        })
    }

    /// Whether the thumbnails are the same up to brightness and contrast.
    fn confirms(&self, other: &Self) -> bool {
        if (self.mean - other.mean).abs() > BRIGHTNESS {
            return false;
        }
        if self.deviation < FLAT || other.deviation < FLAT {
            return self.deviation < FLAT && other.deviation < FLAT;
        }
        let contrast = self.deviation / other.deviation;
        let pixels = self.thumbnail.iter().zip(&other.thumbnail);
        let products =
            pixels.map(|(&a, &b)| (f64::from(a) - self.mean) * (f64::from(b) - other.mean));
        let covariance = products.sum::<f64>() / self.thumbnail.len() as f64;
        (1.0 / CONTRAST..=CONTRAST).contains(&contrast)
            && covariance >= CORRELATION * self.deviation * other.deviation
    }
}

/// Images of the same pixels, and images that are nearly the same: scaled, compressed anew, slightly
/// brighter or darker.
///
/// Near duplicates have perceptual hashes that differ in at most 8 of 64 bits, and 16×16 thumbnails
/// with a correlation of at least 0.99 and similar brightness and contrast. Mirrored, turned and cropped
/// copies are not found. Different pictures of things that look alike, from the same place or of the
/// same make, may be: see them before removing them. Of the 2,500 pictures of `data/fashion-mini`, all of
/// different clothes, fewer than 25 are taken for a duplicate; of 100 planted copies of them in each of
/// four guises (larger, smaller, JPEG, brighter) at least 95 are found. The test beside this holds both.
///
/// 100,000 images take some seconds beyond decoding them, and 30 MB. Where thousands of different
/// images share a hash (blank pages), each is compared with 64 of them.
///
/// # Example
/// ```
/// use onggi_augment::image::{Image, Pixels};
/// use onggi_data::duplicates::{ImagePrint, images};
/// use onggi_data::image::resize;
///
/// let pixel = |i: usize| {
///     let (x, y) = ((i % 64) as f64, (i / 64) as f64);
///     (128.0 + 60.0 * (x / 7.0).sin() + 60.0 * (y / 5.0 + x / 11.0).cos()) as u8
/// };
/// let image = Image::new(64, 64, 1, Pixels::U8((0..64 * 64).map(pixel).collect()))?;
/// let prints = [ImagePrint::of(&image)?, ImagePrint::of(&resize(&image, 40, 40)?)?];
/// let found = images(&prints);
/// assert_eq!(found.groups()[0].samples, [0, 1]);
/// assert!(!found.groups()[0].exact);
/// # Ok::<(), onggi_data::DataError>(())
/// ```
pub fn images(prints: &[ImagePrint]) -> Duplicates {
    let first = firsts(prints.iter().map(|print| print.content));
    let mut places: HashMap<u64, usize> = HashMap::new();
    let (mut hashes, mut alike): (Vec<u64>, Vec<Vec<usize>>) = (Vec::new(), Vec::new());
    let mut near = Vec::new();
    let mut truncated = false;
    for (i, print) in prints.iter().enumerate().filter(|&(i, _)| first[i] == i) {
        let bits = print.hash.bits();
        let place = *places.entry(bits).or_insert_with(|| {
            hashes.push(bits);
            alike.push(Vec::new());
            hashes.len() - 1
        });
        // Of one hash those are kept that are different; the others are joined to one of them.
        let different = &mut alike[place];
        match different.iter().find(|&&j| prints[j].confirms(print)) {
            Some(&j) => near.push((j, i)),
            None if different.len() < MOST_ALIKE => different.push(i),
            None => truncated = true,
        }
    }
    let (pairs, cut) = near_pairs(&hashes, BITS, BUDGET);
    for (a, b) in pairs {
        for &i in &alike[a] {
            let same = alike[b].iter().filter(|&&j| prints[i].confirms(&prints[j]));
            near.extend(same.map(|&j| (i, j)));
        }
    }
    Duplicates::join(first, &near, truncated || cut)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::PathBuf;

    use super::*;
    use crate::image::decode_bytes;

    fn fashion() -> Vec<PathBuf> {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/fashion-mini");
        let mut paths = Vec::new();
        let mut folders = vec![data];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    paths.push(path);
                }
            }
        }
        paths.sort();
        paths
    }

    /// An image as a JPEG file of this quality gives it back.
    fn recompressed(image: &Image, quality: u8) -> Image {
        let Pixels::U8(pixels) = image.pixels() else {
            unreachable!()
        };
        let mut bytes = Cursor::new(Vec::new());
        ::image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality)
            .encode(
                pixels,
                image.width() as u32,
                image.height() as u32,
                ::image::ExtendedColorType::Rgb8,
            )
            .unwrap();
        decode_bytes(bytes.get_ref(), Path::new("a.jpg"), Channels::Rgb).unwrap()
    }

    fn brightened(image: &Image, by: i16) -> Image {
        let Pixels::U8(pixels) = image.pixels() else {
            unreachable!()
        };
        let pixels = pixels
            .iter()
            .map(|&p| (i16::from(p) + by).clamp(0, 255) as u8)
            .collect();
        Image::new(image.height(), image.width(), 3, Pixels::U8(pixels)).unwrap()
    }

    /// Each fifth image of data/fashion-mini is planted once more, in one of five guises; its own
    /// pictures are all different clothes, so that what is found beyond the planted ones is false.
    #[test]
    fn planted_images_are_found_and_others_are_not() {
        let paths = fashion();
        assert_eq!(paths.len(), 2500);
        let all: Vec<Image> = paths
            .iter()
            .map(|p| decode(p, Channels::Rgb).unwrap())
            .collect();
        let mut prints = ImagePrint::read(&paths, 2, &|_| {}).unwrap();
        let own = images(&prints);
        let false_pairs = own.surplus();

        type Guise = fn(&Image) -> Image;
        let guises: [(&str, Guise); 5] = [
            ("the same", Image::clone),
            ("twice as large", |i| resize(i, 56, 56).unwrap()),
            ("three quarters", |i| resize(i, 21, 21).unwrap()),
            ("JPEG of quality 85", |i| recompressed(i, 85)),
            ("brighter by 15", |i| brightened(i, 15)),
        ];
        let mut planted = Vec::new();
        for (n, i) in (0..all.len()).step_by(5).enumerate() {
            prints.push(ImagePrint::of(&guises[n % 5].1(&all[i])).unwrap());
            planted.push(i);
        }
        let found = images(&prints);
        let mut hits = [0; 5];
        for (n, &i) in planted.iter().enumerate() {
            let copy = paths.len() + n;
            let with = |g: &&super::super::Group| g.samples.contains(&copy);
            let group = found.groups().iter().find(with);
            hits[n % 5] += usize::from(group.is_some_and(|g| g.samples.contains(&i)));
        }
        let report = format!("{hits:?} of 100 each; {false_pairs} of 2500 own images");
        assert_eq!(hits[0], 100, "{report}");
        assert!(hits[1..].iter().all(|&hits| hits >= 95), "{report}");
        assert!(false_pairs <= 25, "{report}");
        assert!(!found.truncated());
    }

    #[test]
    fn thousands_of_one_colour_stay_quick() {
        let flat = |i: usize| Image::new(8, 8 + i % 50, 1, Pixels::U8(vec![128; 8 * (8 + i % 50)]));
        let prints: Vec<_> = (0..3000)
            .map(|i| ImagePrint::of(&flat(i).unwrap()).unwrap())
            .collect();
        let found = images(&prints);
        assert_eq!(found.groups().len(), 1);
        assert_eq!(found.surplus(), 2999);
        let dark = Image::new(8, 8, 1, Pixels::U8(vec![10; 64])).unwrap();
        let two = [prints[0].clone(), ImagePrint::of(&dark).unwrap()];
        assert!(images(&two).groups().is_empty(), "black is not grey");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let refusal = ImagePrint::read(&["no/such.png"], 1, &|_| {}).unwrap_err();
        assert!(refusal.to_string().contains("no/such.png"), "{refusal}");
    }
}
