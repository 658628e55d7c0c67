//! From a file to numbers, row by row.

use std::path::Path;

use csv::{StringRecord, Trim};

use super::columns::Header;
use super::records::Records;
use super::source::line_at;
use crate::DataError;

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
    /// Where in the file each row begins, in bytes, blank lines before it included;
    /// empty for a file without lines.
    offsets: Vec<u64>,
    len: usize,
}

impl Rows {
    /// Those of a file without lines, column by column.
    #[cfg(feature = "parquet")]
    pub(super) fn of_columns(columns: &[Vec<f64>], targets: Vec<String>, len: usize) -> Self {
        let mut values = Vec::with_capacity(columns.len() * len);
        for row in 0..len {
            values.extend(columns.iter().map(|column| column[row]));
        }
        Self {
            values,
            targets,
            offsets: Vec::new(),
            len,
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The file's line of a row, from 1; in a file without lines the number of the row.
    pub(super) fn line(&self, path: &Path, row: usize) -> u64 {
        match self.offsets.get(row) {
            Some(&offset) => line_at(path, offset),
            None => row as u64 + 1,
        }
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
pub(crate) fn is_missing(field: &str) -> bool {
    field.is_empty()
        || field == "?"
        || ["na", "n/a", "#n/a", "<na>", "nan", "null"]
            .iter()
            .any(|token| field.eq_ignore_ascii_case(token))
}

/// Longest field quoted in an error, in characters: a field may be as long as the file.
const QUOTED: usize = 60;

/// A field as an error shows it.
pub(crate) fn quoted(field: &str) -> String {
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

/// A field's number; NaN where missing.
///
/// # Errors
/// [`DataError::Infinite`], [`DataError::NotANumber`].
pub(super) fn number(
    path: &Path,
    column: &str,
    field: &str,
    line: impl FnOnce() -> u64,
) -> Result<f64, DataError> {
    let place = || (path.to_owned(), quoted(column), quoted(field));
    match parse(field) {
        Field::Number(v) => Ok(v),
        Field::Missing => Ok(f64::NAN),
        Field::Infinite => {
            let ((path, column, value), line) = (place(), line());
            Err(DataError::Infinite {
                path,
                column,
                line,
                value,
            })
        }
        Field::Text => {
            let ((path, column, value), line) = (place(), line());
            Err(DataError::NotANumber {
                path,
                column,
                line,
                value,
            })
        }
    }
}

/// Reads the columns that `plan` chooses from the header.
pub(super) fn read_file(
    path: &Path,
    plan: impl FnOnce(&Header<'_>) -> Result<Plan, DataError>,
) -> Result<(Rows, Vec<String>), DataError> {
    #[cfg(feature = "parquet")]
    if super::source::extension(path) == "parquet" {
        return super::parquet::read(path, plan);
    }
    let mut records = Records::open(path, Trim::All)?;
    let plan = plan(records.header())?;

    let mut rows = Rows::default();
    let mut record = StringRecord::new();
    while let Some(offset) = records.next(&mut record)? {
        let header = records.header();
        let line = || line_at(path, offset);
        rows.offsets.push(offset);
        rows.len += 1;
        for &i in &plan.features {
            let number = number(path, &header.names()[i], &record[i], line)?;
            rows.values.push(number);
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
    if rows.len == 0 {
        return Err(DataError::EmptyTable {
            path: path.to_owned(),
            what: "there are no rows",
        });
    }
    let names = plan
        .features
        .iter()
        .map(|&i| records.header().names()[i].clone())
        .collect();
    Ok((rows, names))
}
