//! Finds the images that cannot be read, before training begins.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::folder::ImageItem;
use super::store::ImageStore;
use crate::{DataError, parallel};

/// An image that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedImage {
    /// The file.
    pub path: PathBuf,
    /// Why it cannot be used, in words.
    pub reason: String,
}

/// Decodes every image into the store, on `threads` threads, and sorts the readable from the rest.
///
/// Both lists keep the order of `items`. `progress` is called after each image, from any thread,
/// with the number done and the number of all.
///
/// # Errors
/// With `strict`, the error of the first bad image by path. Else [`DataError::NoReadableImage`]
/// where no image is left.
pub fn verify(
    store: &ImageStore,
    items: &[ImageItem],
    strict: bool,
    threads: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(Vec<ImageItem>, Vec<SkippedImage>), DataError> {
    let done = AtomicUsize::new(0);
    let check = |item: &&ImageItem| {
        let result = store.get(&item.path).map(drop);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, items.len());
        result
    };
    let mut queue: Vec<&ImageItem> = items.iter().collect();
    if strict {
        queue.sort_by(|a, b| a.path.cmp(&b.path));
        parallel::try_map(&queue, threads, check)?;
        return Ok((items.to_vec(), Vec::new()));
    }
    let (mut good, mut skipped) = (Vec::with_capacity(items.len()), Vec::new());
    for (item, result) in items.iter().zip(parallel::map(&queue, threads, check)) {
        match result {
            Ok(()) => good.push(item.clone()),
            Err(DataError::Image { path, reason }) => skipped.push(SkippedImage { path, reason }),
            Err(other) => return Err(other),
        }
    }
    match skipped.first() {
        Some(first) if good.is_empty() => Err(DataError::NoReadableImage {
            count: items.len(),
            first: format!("{}: {}", first.path.display(), first.reason),
        }),
        _ => Ok((good, skipped)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::folder::tests::{Folder, item};
    use crate::image::{CACHE_BYTES, Channels, ImageShape};

    fn store() -> ImageStore {
        ImageStore::new(ImageShape::new(8, 8, Channels::Grey).unwrap(), CACHE_BYTES)
    }

    #[test]
    fn bad_images_are_named_and_skipped() {
        let folder = Folder::new();
        let items = [
            item(&folder.grey("b.png", 9, 9), 0),
            item(&folder.file("z.png", b"nothing"), 1),
            item(&folder.grey("c.png", 9, 9), 1),
            item(&folder.file("a.jpg", &[0xFF, 0xD8, 0xFF]), 0),
        ];
        for threads in [1, 3] {
            let store = store();
            let calls = AtomicUsize::new(0);
            let count = |_: usize, all: usize| {
                assert_eq!(all, 4);
                calls.fetch_add(1, Ordering::Relaxed);
            };
            let (good, skipped) = verify(&store, &items, false, threads, &count).unwrap();
            assert_eq!(good, [items[0].clone(), items[2].clone()]);
            assert_eq!(
                skipped.iter().map(|s| &s.path).collect::<Vec<_>>(),
                [&items[1].path, &items[3].path]
            );
            assert!(
                skipped[0].reason.starts_with("not an image"),
                "{}",
                skipped[0].reason
            );
            assert_eq!((store.cached(), calls.into_inner()), (2, 4));
            let refusal = verify(&store, &items, true, threads, &|_, _| {}).unwrap_err();
            assert!(
                refusal.to_string().contains("a.jpg"),
                "first by path: {refusal}"
            );
        }
    }

    #[test]
    fn nothing_left_is_an_error() {
        let folder = Folder::new();
        let items = [item(&folder.file("z.png", b"nothing"), 1)];
        let refusal = verify(&store(), &items, false, 1, &|_, _| {}).unwrap_err();
        assert!(
            matches!(refusal, DataError::NoReadableImage { count: 1, .. }),
            "{refusal}"
        );
    }
}
