//! Image data sets: scanning folders, decoding, resizing, the cache, statistics and the data set.
//!
//! # Example
//! From a folder to a data set for training:
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use onggi_augment::image::Compose;
//! use onggi_data::image::{
//!     CACHE_BYTES, ImageDataset, ImageFolder, ImagePreprocess, ImageStore, channel_statistics,
//!     suggest_shape, verify,
//! };
//! use onggi_data::{Split, SplitMap};
//!
//! let threads = 2;
//! let mut folder = ImageFolder::scan(Path::new("photos"))?;
//! let store = Arc::new(ImageStore::new(suggest_shape(&folder.items, threads)?, CACHE_BYTES));
//! let (good, skipped) = verify(&store, &folder.items, false, threads, &|_, _| {})?;
//! folder.items = good;
//! folder.check()?;
//! let map = SplitMap::cut(&folder.split_samples(), 42);
//! let train = folder.select(&map, Split::Train)?;
//! let (mean, std) = channel_statistics(&store, &train, threads)?;
//! let preprocess = ImagePreprocess::new(store.shape(), mean, std)?;
//! let classes = folder.classes.len();
//! let dataset = ImageDataset::new(store, train, classes, &preprocess, Compose::default())?;
//! # Ok::<(), onggi_data::DataError>(())
//! ```

mod dataset;
mod decode;
mod folder;
mod preprocess;
mod resize;
mod scaled_jpeg;
mod shape;
mod statistics;
mod store;
mod verify;

pub use dataset::ImageDataset;
pub use decode::{decode, decode_as_is, decode_bytes, decode_to_cover};
pub use folder::{ImageFolder, ImageItem, images_below};
pub use preprocess::ImagePreprocess;
pub use resize::{resize, resize_cover};
pub use shape::{Channels, ImageShape, suggest_shape};
pub use statistics::channel_statistics;
pub use store::{CACHE_BYTES, ImageStore};
pub use verify::{SkippedImage, verify};
