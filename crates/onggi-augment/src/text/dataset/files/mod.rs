//! Files of rows: one module a format, each reading rows one at a time and writing them again with the
//! other columns carried.

mod delimited;
mod json_lines;
mod output;
#[cfg(feature = "parquet")]
mod parquet;
mod window;

pub use delimited::header_delimiter;

use std::ops::Range;
use std::path::Path;

use super::{Columns, DatasetConfig};
use crate::AugmentError;
use crate::nearest::nearest;
use crate::text::{Augmented, Pipeline};

/// How rows are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowFormat {
    /// `.csv`: values separated by commas, semicolons or tabs, whichever the header has most of.
    Csv,
    /// `.tsv`, `.tab`: values separated by tabs; quotes as in CSV.
    Tsv,
    /// `.jsonl`, `.ndjson`: one JSON object a line.
    JsonLines,
    /// `.parquet`: columns of Apache Parquet, uncompressed or packed with Snappy or gzip. Reading them
    /// needs the feature `parquet`.
    Parquet,
}

impl RowFormat {
    /// The format by the ending of a file's name, and whether `.gz` follows it.
    ///
    /// # Errors
    /// [`AugmentError::File`] for another ending.
    pub fn of(path: &Path) -> Result<(Self, bool), AugmentError> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default().to_ascii_lowercase();
        let packed = name.strip_suffix(".gz");
        let format = match packed.unwrap_or(&name).rsplit_once('.').map(|(_, end)| end) {
            Some("csv") => Self::Csv,
            Some("tsv" | "tab") => Self::Tsv,
            Some("jsonl" | "ndjson") => Self::JsonLines,
            Some("parquet") if packed.is_none() => Self::Parquet,
            _ => {
                return Err(fail(
                    path,
                    "is no .csv, .tsv, .tab, .jsonl, .ndjson (each also .gz) or .parquet file",
                ));
            }
        };
        Ok((format, packed.is_some()))
    }
}

pub(super) fn fail(path: &Path, reason: impl Into<String>) -> AugmentError {
    AugmentError::File {
        path: path.display().to_string(),
        reason: reason.into(),
    }
}

/// Bytes of one row at most.
const MOST_ROW: usize = 16 << 20;
/// Columns at most.
const MOST_COLUMNS: usize = 10_000;

/// One row: what the augmentation looks at, and all the rest.
pub(super) struct Row {
    pub(super) text: String,
    pub(super) label: String,
    pub(super) split: String,
    pub(super) train: bool,
    carried: Carried,
}

/// A row as it stands in its file.
enum Carried {
    Line(Line),
    #[cfg(feature = "parquet")]
    Cells(parquet::Cells),
}

/// The bytes of a row.
struct Line {
    /// With the line end.
    raw: Vec<u8>,
    /// Where the text stands.
    text: Range<usize>,
    /// Where columns are added.
    end: usize,
}

/// Columns that a copy has besides those of its row.
#[derive(Default)]
pub(super) struct Added {
    provenance: Option<String>,
    label_changed: Option<String>,
}

impl Added {
    pub(super) fn new(pipeline: &Pipeline, config: &DatasetConfig) -> Self {
        let name = &config.provenance_column;
        Self {
            provenance: (!name.is_empty()).then(|| name.clone()),
            label_changed: (pipeline.config().allow_label_change)
                .then(|| config.label_changed_column.clone()),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        [&self.provenance, &self.label_changed]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// What was done to a row, as JSON; empty where that is not asked for.
    pub(super) fn record(&self, row: &Row, copy: &Augmented, number: u64, seed: u64) -> String {
        if self.provenance.is_none() {
            return String::new();
        }
        let record = serde_json::json!({
            "row": number,
            "seed": seed,
            "label_changed": copy.label_changed,
            "edits": copy.provenance(&row.text),
        });
        record.to_string()
    }
}

/// Reads rows, first to last.
pub(super) trait RowReader: Send {
    fn next(&mut self) -> Result<Option<Row>, AugmentError>;

    /// Fraction of the file read, in `[0, 1]`.
    fn fraction(&self) -> f64;

    /// What the writer of the same format needs to know.
    fn head(&self) -> Head;
}

/// What stands before the rows.
pub(super) enum Head {
    /// The header with its line end, and the delimiter; both empty in JSON Lines.
    Line(Vec<u8>, u8),
    #[cfg(feature = "parquet")]
    Schema(Box<parquet::Schema>),
}

/// Writes rows of the reader's file.
pub(super) trait RowWriter: Send {
    /// A row as it is.
    fn row(&mut self, row: &Row) -> Result<(), AugmentError>;

    /// A row with another text.
    fn copy(
        &mut self,
        row: &Row,
        text: &str,
        record: &str,
        label_changed: bool,
    ) -> Result<(), AugmentError>;

    /// Ends the file and gives it its name.
    fn finish(self: Box<Self>) -> Result<(), AugmentError>;
}

/// Opens a file; no column of it may have a name of `added`.
pub(super) fn open(
    path: &Path,
    columns: &Columns,
    added: &Added,
) -> Result<Box<dyn RowReader>, AugmentError> {
    let (format, packed) = RowFormat::of(path)?;
    Ok(match format {
        RowFormat::Csv | RowFormat::Tsv => Box::new(delimited::Reader::open(
            path,
            format == RowFormat::Tsv,
            packed,
            columns,
            added,
        )?),
        RowFormat::JsonLines => Box::new(json_lines::Reader::open(path, packed, columns, added)?),
        #[cfg(feature = "parquet")]
        RowFormat::Parquet => Box::new(parquet::Reader::open(path, columns, added)?),
        #[cfg(not(feature = "parquet"))]
        RowFormat::Parquet => {
            return Err(fail(
                path,
                "cannot be read: Onggi was built without the feature `parquet`",
            ));
        }
    })
}

/// Makes the file that `reader`'s rows, from `input`, are written to.
pub(super) fn create(
    path: &Path,
    input: &Path,
    reader: &dyn RowReader,
    added: &Added,
) -> Result<Box<dyn RowWriter>, AugmentError> {
    let (format, packed) = RowFormat::of(path)?;
    if packed {
        return Err(fail(
            path,
            "would be packed: leave .gz away and pack it later",
        ));
    }
    let wanted = RowFormat::of(input)?.0;
    if format != wanted {
        let name = match wanted {
            RowFormat::Csv => ".csv",
            RowFormat::Tsv => ".tsv",
            RowFormat::JsonLines => ".jsonl",
            RowFormat::Parquet => ".parquet",
        };
        return Err(fail(
            path,
            format!("must be a {name} file: rows are written as they are read"),
        ));
    }
    Ok(match reader.head() {
        Head::Line(header, delimiter) if wanted != RowFormat::JsonLines => {
            Box::new(delimited::Writer::create(path, &header, delimiter, added)?)
        }
        Head::Line(..) => Box::new(json_lines::Writer::create(path, added)?),
        #[cfg(feature = "parquet")]
        Head::Schema(schema) => Box::new(parquet::Writer::create(path, *schema, added)?),
    })
}

/// The places of text, label and split among the names of columns.
fn places(
    path: &Path,
    names: &[String],
    columns: &Columns,
    added: &Added,
) -> Result<[Option<usize>; 3], AugmentError> {
    if names.len() > MOST_COLUMNS {
        let n = names.len();
        return Err(fail(
            path,
            format!("has {n} columns, more than the {MOST_COLUMNS} taken"),
        ));
    }
    if let Some(taken) = added.names().find(|&name| names.iter().any(|n| n == name)) {
        return Err(fail(path, taken_already(taken)));
    }
    let mut places = [None; 3];
    for (place, name) in places
        .iter_mut()
        .zip([&columns.text, &columns.label, &columns.split])
    {
        let mut found = names.iter().enumerate().filter(|(_, n)| *n == name);
        *place = found.next().map(|(i, _)| i);
        if found.next().is_some() && !name.is_empty() {
            return Err(fail(path, format!("has two columns `{name}`: rename one")));
        }
        if place.is_none() && !name.is_empty() {
            let near = nearest(name, names.iter().map(String::as_str));
            return Err(fail(
                path,
                format!("has no column `{name}`: did you mean `{near}`?"),
            ));
        }
        if name.is_empty() {
            *place = None;
        }
    }
    if places[0].is_none() {
        return Err(fail(path, "needs the name of its text column"));
    }
    Ok(places)
}

fn taken_already(name: &str) -> String {
    format!("has a column `{name}` already: choose another name for the one that is added")
}

impl Columns {
    /// Whether rows of a split are augmented.
    fn trains(&self, split: &str) -> bool {
        self.split.is_empty()
            || self
                .train
                .iter()
                .any(|name| name.eq_ignore_ascii_case(split.trim()))
    }

    fn row(&self, text: String, label: String, split: String, carried: Carried) -> Row {
        Row {
            train: self.trains(&split),
            text,
            label,
            split,
            carried,
        }
    }
}
