//! Mean and standard deviation of a data set's channels.

use onggi_augment::image::Pixels;

use super::folder::ImageItem;
use super::store::ImageStore;
use crate::{DataError, parallel};

/// Most images looked at: the figures settle long before.
const MAX_IMAGES: usize = 2_000;
/// Below this a channel counts as constant, and its standard deviation is set to 1: dividing by
/// next to nothing would blow up the first image that differs. One grey level of 255 in one pixel
/// of two thousand gives more.
const CONSTANT: f64 = 1e-4;

/// Mean and standard deviation of each channel over all pixels, as fractions of the value range.
///
/// At most 2,000 images are looked at, spread evenly over `items`. The sums are integers, so that
/// the result does not depend on `threads`. A constant channel gets the standard deviation 1.
///
/// # Errors
/// [`DataError::EmptyDataset`] without items, and those of [`ImageStore::get`].
pub fn channel_statistics(
    store: &ImageStore,
    items: &[ImageItem],
    threads: usize,
) -> Result<(Vec<f32>, Vec<f32>), DataError> {
    if items.is_empty() {
        return Err(DataError::EmptyDataset);
    }
    let n = items.len().min(MAX_IMAGES);
    let chosen: Vec<&ImageItem> = (0..n).map(|i| &items[i * items.len() / n]).collect();
    let [channels, height, width] = store.shape().chw();
    let look = |item: &&ImageItem| -> Result<_, DataError> {
        let image = store.get(&item.path)?;
        match image.pixels() {
            Pixels::U8(pixels) => Ok(sums(pixels, channels)),
            Pixels::U16(_) | Pixels::F32(_) => Err(DataError::PixelDepth),
        }
    };
    let all = parallel::try_map(&chosen, threads, look)?;
    let count = (n * height * width) as f64;
    let (mut mean, mut std) = (Vec::new(), Vec::new());
    for k in 0..channels {
        let (sum, squares) = all.iter().fold((0, 0), |(sum, squares), image| {
            (sum + image[k].0, squares + image[k].1)
        });
        let m = sum as f64 / count;
        let s = (squares as f64 / count - m * m).max(0.0).sqrt() / 255.0;
        mean.push((m / 255.0) as f32);
        std.push(if s < CONSTANT { 1.0 } else { s as f32 });
    }
    Ok((mean, std))
}

/// Sum and sum of squares of each channel.
fn sums(pixels: &[u8], channels: usize) -> Vec<(u64, u64)> {
    let mut sums = vec![(0, 0); channels];
    for pixel in pixels.chunks_exact(channels) {
        for (sum, &v) in sums.iter_mut().zip(pixel) {
            sum.0 += u64::from(v);
            sum.1 += u64::from(v) * u64::from(v);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::folder::tests::{Folder, item};
    use crate::image::{CACHE_BYTES, Channels, ImageShape};

    fn store(channels: Channels) -> ImageStore {
        ImageStore::new(ImageShape::new(2, 2, channels).unwrap(), CACHE_BYTES)
    }

    #[test]
    fn equals_the_definition_for_any_thread_count() {
        let folder = Folder::new();
        let save = |name: &str, pixels: Vec<u8>| {
            let path = folder.path().join(name);
            image::RgbImage::from_raw(2, 2, pixels)
                .unwrap()
                .save(&path)
                .unwrap();
            item(&path, 0)
        };
        let items = [
            save("a.png", vec![0, 7, 10, 0, 7, 20, 0, 7, 30, 0, 7, 40]),
            save(
                "b.png",
                vec![255, 7, 50, 255, 7, 60, 255, 7, 70, 255, 7, 80],
            ),
        ];
        for threads in [1, 2, 5] {
            let (mean, std) = channel_statistics(&store(Channels::Rgb), &items, threads).unwrap();
            let want_mean = [0.5, 7.0 / 255.0, 45.0 / 255.0];
            let want_std = [0.5, 1.0, 525.0_f32.sqrt() / 255.0];
            for k in 0..3 {
                assert!((mean[k] - want_mean[k]).abs() < 1e-6, "{mean:?}");
                assert!((std[k] - want_std[k]).abs() < 1e-6, "{std:?}");
            }
        }
    }

    #[test]
    fn at_most_two_thousand_images_are_read() {
        let folder = Folder::new();
        let good = item(&folder.grey("a.png", 2, 2), 0);
        let mut items = vec![good; 4_000];
        // Every second image is passed over.
        items[1] = item(&folder.path().join("missing.png"), 0);
        let store = store(Channels::Grey);
        assert!(channel_statistics(&store, &items, 2).is_ok());
        items.swap(0, 1);
        assert!(channel_statistics(&store, &items, 2).is_err());
        assert!(matches!(
            channel_statistics(&store, &[], 1),
            Err(DataError::EmptyDataset)
        ));
    }
}
