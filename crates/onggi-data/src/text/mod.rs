//! Text data sets: files with a text and a class column, folders of text files, TF-IDF, and token ids.
//!
//! # Example
//! From a file to rows of numbers for training:
//! ```no_run
//! use std::path::Path;
//!
//! use onggi_data::text::{Texts, TfIdf, TfIdfConfig};
//! use onggi_data::{Split, SplitMap};
//!
//! let texts = Texts::read(Path::new("spam.csv.gz"), "text", "label")?;
//! let map = SplitMap::cut(&texts.split_samples(), 42);
//! let (train, labels) = texts.select(&map.indices(Split::Train, texts.ids())?)?;
//! let (tf_idf, x) = TfIdf::fit(&train, &TfIdfConfig::default())?;
//! assert_eq!(x.rows(), labels.len());
//! # Ok::<(), onggi_data::DataError>(())
//! ```

mod folder;
mod lines;
mod ngrams;
mod read;
mod rows;
mod sparse;
mod tf_idf;
mod tokenise;
mod tokenizer;
mod tokens;

pub use folder::{are_texts, one_text};
pub use ngrams::{Ngrams, TfIdfConfig};
pub use read::Texts;
pub use sparse::SparseRows;
pub use tf_idf::TfIdf;
pub use tokenise::Unit;
pub use tokenizer::{PADDING, Tokenizer, TokenizerConfig, UNKNOWN};
pub use tokens::{Encode, TokenDataset};
