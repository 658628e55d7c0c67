//! Data sets, splits, decoding and the parallel loader.
//!
//! [`image`] reads folders of pictures, [`table`] reads CSV and TSV files; both end in a
//! [`Dataset`], from which a [`Loader`] makes batches on worker threads. [`SplitMap`] says which
//! sample belongs to train, validation and test; [`duplicates`] finds samples that occur more than
//! once, or in two of these parts. Nothing here writes to the user's data.
#![forbid(unsafe_code)]

pub mod affinity;
mod dataset;
pub mod duplicates;
mod error;
mod folder;
pub mod image;
mod loader;
mod mixing;
mod parallel;
mod split;
pub mod table;
pub mod text;

pub use dataset::{Dataset, View};
pub use error::DataError;
pub use loader::{Batch, Epoch, Loader, LoaderConfig};
pub use mixing::{Mixed, Mixing};
pub use split::{Split, SplitMap, SplitSample};
