//! Finds the images that cannot be read, before training begins.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::folder::ImageItem;
use super::store::ImageStore;
use crate::{DataError, Split, parallel};

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
/// where no image is left, and [`DataError::NoReadableSplit`] where none is left of a split folder:
/// a part cut from train in its place would not be the one the user chose.
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
    let name = |image: &SkippedImage| format!("{}: {}", image.path.display(), image.reason);
    if let Some(first) = skipped.first().filter(|_| good.is_empty()) {
        return Err(DataError::NoReadableImage {
            count: items.len(),
            first: name(first),
        });
    }
    for split in [Split::Train, Split::Val, Split::Test] {
        let all: Vec<&ImageItem> = items.iter().filter(|item| item.given == split).collect();
        let lost = |item: &&ImageItem| skipped.iter().find(|image| image.path == item.path);
        if let Some(first) = all.first().and_then(lost)
            && !good.iter().any(|item| item.given == split)
        {
            return Err(DataError::NoReadableSplit {
                split,
                count: all.len(),
                first: name(first),
            });
        }
    }
    Ok((good, skipped))
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

    /// Found by training on a folder whose val/ was damaged: validation was silently cut from train.
    #[test]
    fn a_split_folder_without_a_readable_image_is_an_error() {
        let folder = Folder::new();
        let mut items = [
            item(&folder.grey("a.png", 9, 9), 0),
            item(&folder.file("b.png", b"nothing"), 0),
            item(&folder.file("c.png", b"nothing"), 1),
        ];
        assert!(verify(&store(), &items, false, 2, &|_, _| {}).is_ok());
        items[1].given = Split::Val;
        items[2].given = Split::Val;
        let refusal = verify(&store(), &items, false, 2, &|_, _| {})
            .unwrap_err()
            .to_string();
        assert!(
            refusal.starts_with("none of the 2 images of the val folder can be read; the first: ")
                && refusal.contains("b.png: not an image"),
            "{refusal}"
        );
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
