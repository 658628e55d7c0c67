//! JSON Lines: one object a line.

use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::{Map, Value};

use crate::DataError;
use crate::table::source::{self, Bounded};

/// Number and place of a line, and its object.
type Line = (u64, u64, Map<String, Value>);

/// A file of JSON objects that is read line by line.
pub(super) struct JsonLines<'a> {
    path: &'a Path,
    file: BufReader<Bounded>,
    line: u64,
    offset: u64,
}

impl<'a> JsonLines<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, DataError> {
        Ok(Self {
            path,
            file: source::open(path)?,
            line: 0,
            offset: 0,
        })
    }

    /// The next object with its line, from 1, and the byte at which that begins; blank lines are passed over.
    pub(super) fn next(&mut self) -> Result<Option<Line>, DataError> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = self.file.read_until(b'\n', &mut bytes);
            let n = read.map_err(|error| source::fault(self.path, error))?;
            if n == 0 {
                return Ok(None);
            }
            let offset = self.offset;
            self.line += 1;
            self.offset += n as u64;
            let mark: &[u8] = if offset == 0 { b"\xef\xbb\xbf" } else { b"" };
            let text = bytes.strip_prefix(mark).unwrap_or(&bytes).trim_ascii();
            if text.is_empty() {
                continue;
            }
            let (path, line) = (self.path.to_owned(), self.line);
            let Ok(text) = std::str::from_utf8(text) else {
                return Err(DataError::TableNotUtf8 { path, line });
            };
            return match serde_json::from_str(text) {
                Ok(object) => Ok(Some((line, offset, object))),
                Err(error) => Err(DataError::JsonRow {
                    path,
                    line,
                    reason: format!("not a JSON object: {error}"),
                }),
            };
        }
    }
}
