//! From a CSV or TSV file to numbers, row by row.

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

/// Reads the columns that `plan` chooses from the header.
pub(super) fn read_file(
    path: &Path,
    plan: impl FnOnce(&Header<'_>) -> Result<Plan, DataError>,
) -> Result<(Rows, Vec<String>), DataError> {
    let mut records = Records::open(path, Trim::All)?;
    let plan = plan(records.header())?;

    let mut rows = Rows::default();
    let mut record = StringRecord::new();
    while let Some(offset) = records.next(&mut record)? {
        let header = records.header();
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
        .map(|&i| records.header().names()[i].clone())
        .collect();
    Ok((rows, names))
}
