//! Two columns of a file: texts and their targets.

use std::path::Path;

use csv::{StringRecord, Trim};
use serde_json::{Map, Value};

use super::lines::JsonLines;
use crate::DataError;
use crate::table::file::{is_missing, quoted};
use crate::table::records::Records;
use crate::table::source::{extension, line_at};

/// The columns of a file, row by row.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) texts: Vec<String>,
    pub(super) targets: Vec<String>,
    /// Where in the file each row begins, in bytes.
    pub(super) offsets: Vec<u64>,
}

/// Reads the columns `text` and `target` of a file.
///
/// # Errors
/// Those of [`Texts::read`](super::Texts::read) that concern the file and the columns.
pub(super) fn read_rows(path: &Path, text: &str, target: Option<&str>) -> Result<Rows, DataError> {
    if target == Some(text) {
        return Err(DataError::TargetIsText {
            column: text.to_owned(),
        });
    }
    let rows = match extension(path).as_str() {
        "jsonl" | "ndjson" => json_rows(path, text, target)?,
        _ => table_rows(path, text, target)?,
    };
    if rows.texts.is_empty() {
        return Err(DataError::EmptyTable {
            path: path.to_owned(),
            what: "there are no rows",
        });
    }
    Ok(rows)
}

/// A target's value; white space around it does not count.
fn class(path: &Path, target: &str, offset: u64, value: &str) -> Result<String, DataError> {
    let value = value.trim();
    if is_missing(value) {
        return Err(DataError::MissingTarget {
            path: path.to_owned(),
            line: line_at(path, offset),
            target: target.to_owned(),
        });
    }
    Ok(value.to_owned())
}

fn table_rows(path: &Path, text: &str, target: Option<&str>) -> Result<Rows, DataError> {
    // Texts keep the white space around them.
    let mut records = Records::open(path, Trim::Headers)?;
    let text_at = records.header().find(text)?;
    let target_at = target.map(|name| records.header().find(name)).transpose()?;
    let mut rows = Rows::default();
    let mut record = StringRecord::new();
    while let Some(offset) = records.next(&mut record)? {
        if let (Some(name), Some(i)) = (target, target_at) {
            rows.targets.push(class(path, name, offset, &record[i])?);
        }
        rows.texts.push(record[text_at].to_owned());
        rows.offsets.push(offset);
    }
    Ok(rows)
}

fn json_rows(path: &Path, text: &str, target: Option<&str>) -> Result<Rows, DataError> {
    let mut lines = JsonLines::open(path)?;
    let mut rows = Rows::default();
    while let Some((line, offset, object)) = lines.next()? {
        let fault = |reason: String| DataError::JsonRow {
            path: path.to_owned(),
            line,
            reason,
        };
        let Some(Value::String(own)) = object.get(text) else {
            let hint = hint(text, &object);
            return Err(fault(format!("no string `{}`{hint}", quoted(text))));
        };
        if let Some(name) = target {
            let value = match object.get(name) {
                Some(Value::String(value)) => value.clone(),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
                Some(Value::Null) => String::new(),
                Some(_) => return Err(fault(format!("`{}` is a list or an object", quoted(name)))),
                None => {
                    let hint = hint(name, &object);
                    return Err(fault(format!("no `{}`{hint}", quoted(name))));
                }
            };
            rows.targets.push(class(path, name, offset, &value)?);
        }
        rows.texts.push(own.clone());
        rows.offsets.push(offset);
    }
    Ok(rows)
}

/// What keys there are instead, the nearest first.
fn hint(name: &str, object: &Map<String, Value>) -> String {
    let names: Vec<String> = object.keys().cloned().collect();
    crate::table::columns::instead(name, &names)
}
