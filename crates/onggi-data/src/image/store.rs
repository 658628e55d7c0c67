//! Images decoded and resized once, kept in memory as far as there is room.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use onggi_augment::image::Image;

use super::decode::{decode_to_cover, read};
use super::shape::ImageShape;
use crate::DataError;

/// The usual bound of an [`ImageStore`]: 1 GiB.
pub const CACHE_BYTES: usize = 1 << 30;

/// Decoded images of one shape, by path, in a cache bounded in bytes.
///
/// Images that find no room are decoded anew every time; which those are does not show in the
/// results. One store serves all parts of a data set.
#[derive(Debug)]
pub struct ImageStore {
    shape: ImageShape,
    /// Images that may still be kept.
    room: AtomicUsize,
    images: RwLock<HashMap<PathBuf, Arc<Image>>>,
}

impl ImageStore {
    /// An empty store that keeps up to `cache_bytes` bytes of pixels; 0 keeps nothing.
    pub fn new(shape: ImageShape, cache_bytes: usize) -> Self {
        let bytes = shape.chw().iter().product::<usize>();
        Self {
            shape,
            room: AtomicUsize::new(cache_bytes / bytes),
            images: RwLock::default(),
        }
    }

    /// Shape of the images.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Images kept.
    pub fn cached(&self) -> usize {
        self.images
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// The image at `path`, 8-bit, of the store's shape: [decoded](super::decode()), then
    /// [resized and cropped](super::resize_cover).
    ///
    /// # Errors
    /// Those of [`decode`](super::decode()).
    pub fn get(&self, path: &Path) -> Result<Arc<Image>, DataError> {
        let kept = self
            .images
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(path)
            .cloned();
        if let Some(image) = kept {
            return Ok(image);
        }
        let image = Arc::new(prepare(path, self.shape)?);
        let take = |room: usize| room.checked_sub(1);
        if self
            .room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
        {
            let mut images = self.images.write().unwrap_or_else(PoisonError::into_inner);
            if images.insert(path.to_owned(), Arc::clone(&image)).is_some() {
                // Two threads decoded the same image.
                self.room.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(image)
    }
}

/// Decodes an image file and brings it to `shape`, aspect ratio kept.
pub(super) fn prepare(path: &Path, shape: ImageShape) -> Result<Image, DataError> {
    decode_to_cover(&read(path)?, path, shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Channels;
    use crate::image::folder::tests::Folder;

    #[test]
    fn keeps_what_there_is_room_for() {
        let folder = Folder::new();
        let paths: Vec<_> = (0..4)
            .map(|i| folder.grey(&format!("{i}.png"), 10 + i, 12))
            .collect();
        let shape = ImageShape::new(8, 8, Channels::Grey).unwrap();
        let store = ImageStore::new(shape, 2 * 64 + 63);
        let unbounded = ImageStore::new(shape, CACHE_BYTES);
        for _ in 0..2 {
            for path in &paths {
                assert_eq!(store.get(path).unwrap(), unbounded.get(path).unwrap());
            }
        }
        assert_eq!((store.cached(), unbounded.cached()), (2, 4));
        std::fs::remove_file(&paths[0]).unwrap();
        assert!(store.get(&paths[0]).is_ok(), "kept in memory");
    }

    #[test]
    fn threads_share_the_room() {
        let folder = Folder::new();
        let paths: Vec<_> = (0..20)
            .map(|i| folder.grey(&format!("{i}.png"), 9, 9))
            .collect();
        let shape = ImageShape::new(8, 8, Channels::Rgb).unwrap();
        let store = ImageStore::new(shape, 10 * 192);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| paths.iter().for_each(|path| drop(store.get(path).unwrap())));
            }
        });
        assert!(store.cached() <= 10);
    }
}
