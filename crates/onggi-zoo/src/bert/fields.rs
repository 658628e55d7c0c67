//! Fields of a `config.json`, each checked as it is read.

use crate::weights::WeightsError;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads a text of at most `most` bytes.
pub(crate) fn read_text(path: &Path, most: u64, what: &str) -> Result<String, WeightsError> {
    let io = |source| WeightsError::Io {
        path: path.to_path_buf(),
        source,
    };
    let in_file = |source| WeightsError::File {
        path: path.to_path_buf(),
        source: Box::new(source),
    };
    // A pipe or a device could keep us forever.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        let reason = format!("{what} is a plain file, this is none");
        return Err(in_file(WeightsError::unsupported(reason)));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > most {
        let reason = format!("{what} is read up to {most} bytes, this has more");
        return Err(in_file(WeightsError::unsupported(reason)));
    }
    let damaged = |_| {
        in_file(WeightsError::damaged(format!(
            "{what} is UTF-8, this is not"
        )))
    };
    String::from_utf8(bytes).map_err(damaged)
}

/// The fields of a `config.json`.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn parse(text: &str) -> Result<Self, WeightsError> {
        let object = serde_json::from_str(text);
        let object = object.map_err(|e| WeightsError::damaged(format!("config.json: {e}")))?;
        Ok(Self(object))
    }

    fn wrong(field: &str, expected: &str, got: &Value) -> WeightsError {
        let mut got = got.to_string();
        if got.len() > 60 {
            got = "something long".into();
        }
        WeightsError::unsupported(format!(
            "config.json: `{field}` must be {expected}, but is {got}"
        ))
    }

    /// The value of a field that is there and not null.
    fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    pub(super) fn text<'a>(
        &'a self,
        field: &str,
        default: &'a str,
    ) -> Result<&'a str, WeightsError> {
        match self.get(field) {
            None => Ok(default),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(Self::wrong(field, "a string", other)),
        }
    }

    pub(super) fn size(
        &self,
        field: &str,
        default: u64,
        least: u64,
        most: u64,
    ) -> Result<usize, WeightsError> {
        let Some(value) = self.get(field) else {
            return Ok(default as usize);
        };
        match value.as_u64().filter(|size| (least..=most).contains(size)) {
            Some(size) => Ok(size as usize),
            None => {
                let expected = format!("a whole number from {least} to {most}");
                Err(Self::wrong(field, &expected, value))
            }
        }
    }

    pub(super) fn number(&self, field: &str, default: f64, most: f64) -> Result<f64, WeightsError> {
        let Some(value) = self.get(field) else {
            return Ok(default);
        };
        match value
            .as_f64()
            .filter(|number| (0.0..=most).contains(number))
        {
            Some(number) => Ok(number),
            None => Err(Self::wrong(field, &format!("between 0 and {most}"), value)),
        }
    }

    /// An error unless the field is `expected` or absent.
    pub(super) fn only(&self, field: &str, expected: &str) -> Result<(), WeightsError> {
        match self.get(field) {
            Some(value) if value.as_str() != Some(expected) => {
                Err(Self::wrong(field, &format!("\"{expected}\""), value))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn flag(&self, field: &str, default: bool) -> Result<bool, WeightsError> {
        match self.get(field) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(Self::wrong(field, "true or false", other)),
        }
    }

    /// An error if the field is anything but `false` or absent.
    pub(super) fn never(&self, field: &str) -> Result<(), WeightsError> {
        match self.get(field) {
            Some(value) if value.as_bool() != Some(false) => {
                Err(Self::wrong(field, "false", value))
            }
            _ => Ok(()),
        }
    }
}
