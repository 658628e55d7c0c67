//! From a CSV or TSV file to numbers, row by row.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::columns::Header;
use crate::DataError;

/// Largest file, in bytes.
const MAX_FILE: u64 = 1 << 30;
/// Most columns.
const MAX_COLUMNS: usize = 10_000;

/// Which columns to read.
pub(super) struct Plan {
    /// The features' positions, in the order wanted.
    pub(super) features: Vec<usize>,
    /// The target's position.
    pub(super) target: Option<usize>,
}

/// The columns of a [`Plan`].
#[derive(Default)]
pub(super) struct Rows {
    /// Features row by row; NaN where missing.
    pub(super) values: Vec<f64>,
    /// The target of each row; empty without a target.
    pub(super) targets: Vec<String>,
    /// Where in the file each row begins, in bytes, blank lines before it included.
    offsets: Vec<u64>,
}

impl Rows {
    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// The file's line of a row, from 1.
    pub(super) fn line(&self, path: &Path, row: usize) -> u64 {
        line_at(path, self.offsets[row])
    }
}

/// What a field holds.
enum Field {
    Number(f64),
    Missing,
    Infinite,
    Text,
}

/// Whether a field stands for a missing value: empty, `?`, and `NA`, `N/A`, `#N/A`, `<NA>`, `NaN`,
/// `null` in any case: what R, pandas, spreadsheets and databases write.
fn is_missing(field: &str) -> bool {
    field.is_empty()
        || field == "?"
        || ["na", "n/a", "#n/a", "<na>", "nan", "null"]
            .iter()
            .any(|token| field.eq_ignore_ascii_case(token))
}

/// Longest field quoted in an error, in characters: a field may be as long as the file.
const QUOTED: usize = 60;

/// A field as an error shows it.
pub(super) fn quoted(field: &str) -> String {
    match field.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &field[..end]),
        None => field.to_owned(),
    }
}

fn parse(field: &str) -> Field {
    // Python writes None. A class may well have that name, so it is missing among numbers only.
    if is_missing(field) || field.eq_ignore_ascii_case("none") {
        return Field::Missing;
    }
    match field.parse::<f64>() {
        Ok(v) if v.is_nan() => Field::Missing,
        Ok(v) if v.is_infinite() => Field::Infinite,
        Ok(v) => Field::Number(v),
        Err(_) => Field::Text,
    }
}

/// Reads the columns that `plan` chooses from the header.
pub(super) fn read_file(
    path: &Path,
    plan: impl FnOnce(&Header<'_>) -> Result<Plan, DataError>,
) -> Result<(Rows, Vec<String>), DataError> {
    let fail = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => DataError::PathMissing {
            path: path.to_owned(),
        },
        _ => DataError::Io {
            path: path.to_owned(),
            source,
        },
    };
    let metadata = fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        return Err(DataError::NotATable {
            path: path.to_owned(),
        });
    }
    let size = metadata.len();
    if size > MAX_FILE {
        let what = "the file's size in bytes";
        return Err(DataError::TableTooLarge {
            path: path.to_owned(),
            what,
            got: size,
            most: MAX_FILE,
        });
    }
    let mut file = BufReader::new(File::open(path).map_err(fail)?);
    let delimiter = match path
        .extension()
        .and_then(|e| e.to_str())
        .map(str::to_lowercase)
        .as_deref()
    {
        Some("tsv" | "tab") => b'\t',
        _ => sniff(file.fill_buf().map_err(fail)?),
    };
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(Trim::All)
        .from_reader(file);
    let refuse = |error| refuse(path, error);
    let header = reader.headers().map_err(refuse)?.clone();
    if header.is_empty() {
        return Err(DataError::EmptyTable {
            path: path.to_owned(),
            what: "the file is empty",
        });
    }
    if header.len() > MAX_COLUMNS {
        return Err(DataError::TableTooLarge {
            path: path.to_owned(),
            what: "the number of columns",
            got: header.len() as u64,
            most: MAX_COLUMNS as u64,
        });
    }
    let header = Header::new(path, header.iter())?;
    let plan = plan(&header)?;

    let mut rows = Rows::default();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(refuse)? {
        let offset = record.position().map_or(0, csv::Position::byte);
        let line = || line_at(path, offset);
        rows.offsets.push(offset);
        for &i in &plan.features {
            let column = || quoted(&header.names()[i]);
            let value = || quoted(&record[i]);
            rows.values.push(match parse(&record[i]) {
                Field::Number(v) => v,
                Field::Missing => f64::NAN,
                Field::Infinite => {
                    let (path, column) = (path.to_owned(), column());
                    return Err(DataError::Infinite {
                        path,
                        column,
                        line: line(),
                        value: value(),
                    });
                }
                Field::Text => {
                    let (path, column) = (path.to_owned(), column());
                    return Err(DataError::NotANumber {
                        path,
                        column,
                        line: line(),
                        value: value(),
                    });
                }
            });
        }
        if let Some(i) = plan.target {
            if is_missing(&record[i]) {
                let target = header.names()[i].clone();
                return Err(DataError::MissingTarget {
                    path: path.to_owned(),
                    line: line(),
                    target,
                });
            }
            rows.targets.push(record[i].to_owned());
        }
    }
    if rows.offsets.is_empty() {
        return Err(DataError::EmptyTable {
            path: path.to_owned(),
            what: "there are no rows",
        });
    }
    let names = plan
        .features
        .iter()
        .map(|&i| header.names()[i].clone())
        .collect();
    Ok((rows, names))
}

/// The delimiter most frequent in the header line outside of quotes; a comma where there is none.
fn sniff(start: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for &byte in start {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if !quoted => {
                for (delimiter, count) in &mut counts {
                    *count += usize::from(*delimiter == byte);
                }
            }
            _ => {}
        }
    }
    // The first of equals: max_by_key would take the last.
    counts
        .iter()
        .rev()
        .max_by_key(|(_, count)| count)
        .map_or(b',', |&(delimiter, _)| delimiter)
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
        ErrorKind::Io(source) => DataError::Io { path, source },
        other => DataError::Io {
            path,
            source: io::Error::other(format!("{other:?}")),
        },
    }
}

/// The line, from 1, of the first record at or after a byte. Counted anew for an error: the reader's
/// own count passes over blank lines and stumbles over CR LF.
fn line_at(path: &Path, offset: u64) -> u64 {
    let Ok(file) = File::open(path) else { return 1 };
    let (mut line, mut after_cr) = (1, false);
    for (i, byte) in (0u64..).zip(BufReader::new(file).bytes()) {
        match byte {
            // One line end, counted at the CR.
            Ok(b'\n') if after_cr => {}
            Ok(b'\n' | b'\r') => line += 1,
            Ok(_) if i < offset => {}
            _ => break,
        }
        after_cr = matches!(byte, Ok(b'\r'));
    }
    line
}
