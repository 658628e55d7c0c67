//! The photos of a folder, and a pass over them.

use anyhow::{Context, Result, ensure};
use onggi::augment::image::Image;
use onggi::data::image::{Channels, decode_bytes};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file's path and its bytes.
pub(crate) type Bytes = (PathBuf, Vec<u8>);

/// The photos, sorted by name.
pub(crate) struct Photos {
    pub(crate) images: Arc<Vec<Image>>,
    pub(crate) jpegs: Arc<Vec<Bytes>>,
    pub(crate) threads: usize,
}

impl Photos {
    /// Reads and decodes all files of `folder`.
    pub(crate) fn read(folder: &Path, threads: usize) -> Result<Self> {
        let entries = std::fs::read_dir(folder)
            .with_context(|| format!("{} cannot be read", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        paths.retain(|path| path.is_file());
        paths.sort();
        ensure!(!paths.is_empty(), "{} has no files", folder.display());
        let (mut images, mut jpegs) = (Vec::new(), Vec::new());
        for path in paths {
            let bytes = std::fs::read(&path)?;
            images.push(decode_bytes(&bytes, &path, Channels::Rgb)?);
            let extension = path.extension().map(|e| e.to_ascii_lowercase());
            if extension.is_some_and(|e| e == "jpg" || e == "jpeg") {
                jpegs.push((path, bytes));
            }
        }
        Ok(Self {
            images: Arc::new(images),
            jpegs: Arc::new(jpegs),
            threads,
        })
    }
}

/// Does `work` with every item, the items shared out evenly; its result is dropped at once.
pub(crate) fn pass<T: Sync, R>(items: &[T], threads: usize, work: impl Fn(usize, &T) -> R + Sync) {
    let share = |thread: usize| {
        let mine = items.iter().enumerate().skip(thread).step_by(threads);
        mine.for_each(|(i, item)| drop(std::hint::black_box(work(i, item))));
    };
    std::thread::scope(|scope| {
        for thread in 1..threads {
            let share = &share;
            scope.spawn(move || share(thread));
        }
        share(0);
    });
}
