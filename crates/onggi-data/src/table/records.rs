//! The rows of a CSV or TSV file as text, under a header.

use std::io;
use std::path::Path;

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Trim};
use onggi_augment::text::header_delimiter;

use super::columns::Header;
use super::source::{self, Bounded, line_at};
use crate::DataError;

/// Most columns.
pub(super) const MAX_COLUMNS: usize = 10_000;

/// A table that is read row by row.
pub(crate) struct Records<'a> {
    path: &'a Path,
    reader: Reader<io::BufReader<Bounded>>,
    header: Header<'a>,
}

impl<'a> Records<'a> {
    /// Opens a table and reads its header.
    ///
    /// # Errors
    /// Those of the file and of its header.
    pub(crate) fn open(path: &'a Path, trim: Trim) -> Result<Self, DataError> {
        let mut file = source::open(path)?;
        let delimiter = match source::extension(path).as_str() {
            "tsv" | "tab" => b'\t',
            _ => header_delimiter(source::start(path, &mut file)?),
        };
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .trim(trim)
            .from_reader(file);
        let fields = reader.headers().map_err(|error| refuse(path, error))?;
        if fields.is_empty() {
            return Err(DataError::EmptyTable {
                path: path.to_owned(),
                what: "the file is empty",
            });
        }
        if fields.len() > MAX_COLUMNS {
            return Err(DataError::TableTooLarge {
                path: path.to_owned(),
                what: "the number of columns",
                got: fields.len() as u64,
                most: MAX_COLUMNS as u64,
            });
        }
        let header = Header::new(path, fields.iter())?;
        Ok(Self {
            path,
            reader,
            header,
        })
    }

    /// The columns' names.
    pub(crate) fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// Reads the next row, and gives the byte at which it begins; `None` at the end.
    ///
    /// # Errors
    /// [`DataError::RaggedRow`], [`DataError::TableNotUtf8`], [`DataError::TableTooLarge`] and
    /// [`DataError::Io`].
    pub(crate) fn next(&mut self, record: &mut StringRecord) -> Result<Option<u64>, DataError> {
        let more = self.reader.read_record(record);
        if !more.map_err(|error| refuse(self.path, error))? {
            return Ok(None);
        }
        Ok(Some(record.position().map_or(0, csv::Position::byte)))
    }
}

fn refuse(path: &Path, error: csv::Error) -> DataError {
    let path = path.to_owned();
    let line = line_at(&path, error.position().map_or(0, csv::Position::byte));
    match error.into_kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => DataError::RaggedRow {
            path,
            line,
            expected: expected_len,
            got: len,
        },
        ErrorKind::Utf8 { .. } => DataError::TableNotUtf8 { path, line },
        ErrorKind::Io(source) => source::fault(&path, source),
        other => DataError::Io {
            path,
            source: io::Error::other(format!("{other:?}")),
        },
    }
}
