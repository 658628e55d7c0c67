//! Table data sets: CSV, TSV and (feature `parquet`) Parquet files of numbers with a class column.
//!
//! # Example
//! From a file to a data set for training:
//! ```no_run
//! use std::path::Path;
//!
//! use onggi_data::table::{Table, TableDataset, TableOptions, TablePreprocess};
//! use onggi_data::{Split, SplitMap};
//!
//! let table = Table::read(Path::new("iris.csv"), "species", &TableOptions::default())?;
//! let map = SplitMap::cut(&table.split_samples(), 42);
//! let train = map.indices(Split::Train, table.ids())?;
//! let preprocess = TablePreprocess::fit(&table, &train)?;
//! let dataset = TableDataset::new(&table, &train, &preprocess)?;
//! # Ok::<(), onggi_data::DataError>(())
//! ```

pub(crate) mod columns;
mod dataset;
pub(crate) mod file;
#[cfg(feature = "parquet")]
mod parquet;
mod preprocess;
mod read;
pub(crate) mod records;
pub(crate) mod source;
pub(crate) mod target;

pub use dataset::TableDataset;
pub use preprocess::TablePreprocess;
pub use read::{Missing, Table, TableOptions};
