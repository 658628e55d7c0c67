//! JSON Lines: one object a line, changed in the bytes of its text only.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use memchr::memchr;
use serde::de::IgnoredAny;

use super::output::Output;
use super::window::Window;
use super::{Added, Carried, Head, Line, MOST_COLUMNS, Row, RowReader, RowWriter, taken_already};
use crate::AugmentError;
use crate::nearest::nearest;
use crate::text::dataset::Columns;

/// Arrays and objects inside each other at most.
const MOST_DEPTH: usize = 128;

/// Where key and value of a member lie in a line.
type Member = (Range<usize>, Range<usize>);

/// Key and value of every member of an object, as spans of a line that is valid JSON; what is wrong
/// where it is no object or nested too deeply.
fn members(line: &str) -> Result<(Vec<Member>, usize), String> {
    let bytes = line.as_bytes();
    let space = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        at
    };
    let string = |mut at: usize| {
        loop {
            at += 1;
            match bytes.get(at) {
                Some(b'\\') => at += 1,
                Some(b'"') | None => return at + 1,
                _ => {}
            }
        }
    };
    let mut at = space(0);
    if bytes.get(at) != Some(&b'{') {
        return Err("is no JSON object".to_owned());
    }
    let mut members = Vec::new();
    loop {
        at = space(at + 1);
        if bytes.get(at) == Some(&b'}') {
            return Ok((members, at));
        }
        let key = at..string(at);
        let start = space(space(key.end) + 1);
        at = start;
        let mut depth = 0usize;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => at = string(at) - 1,
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' if depth == 0 => break,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            if depth > MOST_DEPTH {
                return Err(format!("is nested more than {MOST_DEPTH} deep"));
            }
            at += 1;
        }
        let end = start + line[start..at.min(line.len())].trim_end().len();
        members.push((key, start..end));
        if members.len() > MOST_COLUMNS {
            return Err(format!("has more than {MOST_COLUMNS} keys"));
        }
        if bytes.get(at) != Some(&b',') {
            return Ok((members, at));
        }
    }
}

/// What a JSON string says.
fn unquote(json: &str) -> Result<Cow<'_, str>, String> {
    let inner = json
        .get(1..json.len().saturating_sub(1))
        .unwrap_or_default();
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    let text = serde_json::from_str(json);
    text.map(Cow::Owned).map_err(|error| error.to_string())
}

pub(super) struct Reader {
    window: Window,
    columns: Columns,
    reserved: Vec<String>,
}

impl Reader {
    pub(super) fn open(
        path: &Path,
        packed: bool,
        columns: &Columns,
        added: &Added,
    ) -> Result<Self, AugmentError> {
        Ok(Self {
            window: Window::open(path, packed)?,
            columns: columns.clone(),
            reserved: added.names().map(str::to_owned).collect(),
        })
    }

    fn row(&self, raw: Vec<u8>) -> Result<Row, String> {
        let line = std::str::from_utf8(&raw).map_err(|_| "is not UTF-8".to_owned())?;
        let line = line.strip_prefix('\u{FEFF}').unwrap_or(line);
        serde_json::from_str::<IgnoredAny>(line).map_err(|error| error.to_string())?;
        let (members, end) = members(line)?;
        let bom = raw.len() - line.len();
        let names = [&self.columns.text, &self.columns.label, &self.columns.split];
        let mut found: [Option<Range<usize>>; 3] = Default::default();
        let mut keys = Vec::with_capacity(members.len());
        for (key, value) in members {
            let key = unquote(&line[key])?;
            if self.reserved.iter().any(|name| *name == key) {
                return Err(taken_already(&key));
            }
            if let Some(i) = names.iter().position(|&name| *name == key)
                && found[i].replace(value).is_some()
            {
                return Err(format!("has two keys `{key}`"));
            }
            keys.push(key);
        }
        let missing = |i: usize, what: &str| {
            let near = nearest(names[i], keys.iter().map(AsRef::as_ref));
            format!("has no {what}`{}`: did you mean `{near}`?", names[i])
        };
        let cell = |i: usize| match &found[i] {
            _ if names[i].is_empty() => Ok(String::new()),
            Some(value) if line[value.clone()].starts_with('"') => {
                unquote(&line[value.clone()]).map(Cow::into_owned)
            }
            Some(value) if i > 0 => Ok(line[value.clone()].to_owned()),
            Some(value) if &line[value.clone()] == "null" => Ok(String::new()),
            Some(_) => Err(missing(i, "string ")),
            None => Err(missing(i, "")),
        };
        let (text, label, split) = (cell(0)?, cell(1)?, cell(2)?);
        let place = found[0].clone().unwrap_or_default();
        let carried = Carried::Line(Line {
            text: place.start + bom..place.end + bom,
            end: end + bom,
            raw,
        });
        Ok(self.columns.row(text, label, split, carried))
    }
}

impl RowReader for Reader {
    fn next(&mut self) -> Result<Option<Row>, AugmentError> {
        loop {
            let length = self.window.find(|bytes, whole| {
                let end = memchr(b'\n', bytes).map(|end| end + 1);
                end.or(whole.then_some(bytes.len()))
            })?;
            let Some(length) = length else {
                return Ok(None);
            };
            let raw = self.window.peek(length).to_vec();
            if raw.trim_ascii().is_empty() {
                self.window.take(length);
                continue;
            }
            let row = self.row(raw).map_err(|reason| self.window.fail(reason))?;
            self.window.take(length);
            return Ok(Some(row));
        }
    }

    fn fraction(&self) -> f64 {
        self.window.fraction()
    }

    fn head(&self) -> Head {
        Head::Line(Vec::new(), 0)
    }
}

pub(super) struct Writer {
    output: Output,
    /// `,"name":` of the columns added.
    provenance: Option<String>,
    label_changed: Option<String>,
}

impl Writer {
    pub(super) fn create(path: &Path, added: &Added) -> Result<Self, AugmentError> {
        let key = |name: &Option<String>| {
            let name = name.as_ref()?;
            Some(format!(",{}:", serde_json::Value::from(name.as_str())))
        };
        Ok(Self {
            output: Output::create(path)?,
            provenance: key(&added.provenance),
            label_changed: key(&added.label_changed),
        })
    }

    /// What stands after the object, with a line end.
    fn close(&mut self, line: &Line) -> Result<(), AugmentError> {
        let end = &line.raw[line.end..];
        self.output.put(&[end])?;
        match end.ends_with(b"\n") {
            true => Ok(()),
            false => self.output.put(&[b"\n"]),
        }
    }
}

impl RowWriter for Writer {
    fn row(&mut self, row: &Row) -> Result<(), AugmentError> {
        let Carried::Line(line) = &row.carried else {
            return Ok(());
        };
        self.output.put(&[&line.raw[..line.end]])?;
        self.close(line)
    }

    fn copy(
        &mut self,
        row: &Row,
        text: &str,
        record: &str,
        label_changed: bool,
    ) -> Result<(), AugmentError> {
        let Carried::Line(line) = &row.carried else {
            return Ok(());
        };
        let bom = if line.raw.starts_with(b"\xEF\xBB\xBF") {
            3
        } else {
            0
        };
        let text = serde_json::Value::from(text).to_string();
        let before = &line.raw[bom..line.text.start];
        let after = &line.raw[line.text.end..line.end];
        // What is added stands right behind the last value.
        let (after, space) = after.split_at(after.trim_ascii_end().len());
        self.output.put(&[before, text.as_bytes(), after])?;
        if let Some(key) = &self.provenance {
            self.output.put(&[key.as_bytes(), record.as_bytes()])?;
        }
        if let Some(key) = &self.label_changed {
            let changed: &[u8] = if label_changed { b"true" } else { b"false" };
            self.output.put(&[key.as_bytes(), changed])?;
        }
        self.output.put(&[space])?;
        self.close(line)
    }

    fn finish(self: Box<Self>) -> Result<(), AugmentError> {
        self.output.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    proptest! {
        /// The spans hold what the parser finds there.
        #[test]
        fn spans_are_those_of_the_parser(
            keys in prop::collection::hash_set("[a\"\\\\\n{}, 가]{0,4}", 0..5),
            strings in prop::collection::vec("[a\"\\\\\n{}\\[\\]:, 가]{0,8}", 5),
            pretty: bool,
        ) {
            let mut object = serde_json::Map::new();
            for (i, (key, string)) in keys.into_iter().zip(strings).enumerate() {
                let value = match i % 5 {
                    0 => Value::from(string),
                    1 => serde_json::json!([1, {"x": [string]}, []]),
                    2 => serde_json::json!({"k": {}, "s": string}),
                    3 => Value::Null,
                    _ => serde_json::json!(-1.5e-3),
                };
                object.insert(key, value);
            }
            let object = Value::Object(object);
            let line = match pretty {
                true => serde_json::to_string_pretty(&object).unwrap(),
                false => object.to_string(),
            };
            let (members, end) = members(&line).unwrap();
            prop_assert_eq!(&line[end..], "}");
            let found: serde_json::Map<String, Value> = members
                .into_iter()
                .map(|(key, value)| {
                    let key = unquote(&line[key]).unwrap().into_owned();
                    (key, serde_json::from_str(&line[value]).unwrap())
                })
                .collect();
            prop_assert_eq!(Value::Object(found), object);
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(members(&nested(MOST_DEPTH)).is_ok());
        let refusal = members(&nested(100_000)).unwrap_err();
        assert!(refusal.contains("more than 128 deep"), "{refusal}");
        assert!(members("[1]").is_err());
    }
}
