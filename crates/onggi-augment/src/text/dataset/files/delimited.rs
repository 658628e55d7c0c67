//! CSV and TSV: rows cut from the bytes of the file, so that what is carried is carried as it stands.
//!
//! Quoting is that of RFC 4180, read leniently as the `csv` crate does: a quote opens a field only at its
//! start, and what follows the closing quote is taken as it stands. Rows end in `\n`, `\r\n` or `\r`.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use memchr::{memchr, memchr3};

use super::output::Output;
use super::window::Window;
use super::{Added, Carried, Head, Line, Row, RowReader, RowWriter, fail, places};
use crate::AugmentError;
use crate::text::dataset::Columns;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The length of the first row with its line end, and the places of its fields; `None` where the row is
/// not whole.
fn cut(bytes: &[u8], whole: bool, delimiter: u8, fields: &mut Vec<Range<usize>>) -> Option<usize> {
    fields.clear();
    let (mut start, mut at) = (0, 0);
    loop {
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                at += memchr(b'"', &bytes[at..])? + 1;
                match bytes.get(at) {
                    Some(b'"') => at += 1,
                    None if !whole => return None,
                    _ => break,
                }
            }
        }
        let Some(length) = memchr3(delimiter, b'\n', b'\r', &bytes[at..]) else {
            fields.push(start..bytes.len());
            return whole.then_some(bytes.len());
        };
        at += length;
        fields.push(start..at);
        match (bytes[at], bytes.get(at + 1)) {
            (b'\n', _) => return Some(at + 1),
            (b'\r', Some(b'\n')) => return Some(at + 2),
            (b'\r', None) if !whole => return None,
            (b'\r', _) => return Some(at + 1),
            _ => {
                at += 1;
                start = at;
            }
        }
    }
}

/// What a field says.
fn unquote(field: &str) -> Cow<'_, str> {
    let Some(mut rest) = field.strip_prefix('"') else {
        return Cow::Borrowed(field);
    };
    let mut out = String::with_capacity(field.len());
    while let Some(at) = rest.find('"') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(more) = rest.strip_prefix('"') else {
            break;
        };
        out.push('"');
        rest = more;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// A text as a field: quoted where it has to be, or where the field it stands for was.
fn quote(text: &str, delimiter: u8, quoted: bool) -> Cow<'_, str> {
    let special = |b: u8| matches!(b, b'"' | b'\n' | b'\r') || b == delimiter;
    if quoted || text.is_empty() || text.bytes().any(special) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

/// The delimiter of a table, `,`, `;` or tab: the one that the header line, which `start` begins with, has
/// most of outside of quotes; a comma where there is none.
///
/// # Example
/// ```
/// assert_eq!(onggi_augment::text::header_delimiter(b"a;\"b,c,d\";e\n1;2;3"), b';');
/// ```
pub fn header_delimiter(start: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b'\t', 0), (b';', 0), (b',', 0)];
    for &byte in start {
        quoted ^= byte == b'"';
        if matches!(byte, b'\n' | b'\r') && !quoted {
            break;
        }
        for (delimiter, count) in &mut counts {
            *count += usize::from(*delimiter == byte && !quoted);
        }
    }
    // The last of equals: a comma.
    let most = counts.iter().max_by_key(|(_, count)| count);
    most.map_or(b',', |&(delimiter, _)| delimiter)
}

/// The length of a row without its line end.
fn body(raw: &[u8]) -> usize {
    let line = raw.strip_suffix(b"\n").unwrap_or(raw);
    line.strip_suffix(b"\r").unwrap_or(line).len()
}

pub(super) struct Reader {
    window: Window,
    delimiter: u8,
    header: Vec<u8>,
    columns: Columns,
    places: [Option<usize>; 3],
    /// Columns of the header.
    width: usize,
    fields: Vec<Range<usize>>,
}

impl Reader {
    pub(super) fn open(
        path: &Path,
        tabs: bool,
        packed: bool,
        columns: &Columns,
        added: &Added,
    ) -> Result<Self, AugmentError> {
        let mut window = Window::open(path, packed)?;
        let mut delimiter = b'\t';
        let mut fields = Vec::new();
        let length = window.find(|bytes, whole| {
            let start = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
            if !tabs {
                delimiter = header_delimiter(&bytes[start..]);
            }
            Some(start + cut(&bytes[start..], whole, delimiter, &mut fields)?)
        })?;
        let Some(length) = length else {
            return Err(fail(path, "is empty: a table needs a header line"));
        };
        let header = window.take(length).to_vec();
        let text = std::str::from_utf8(header.strip_prefix(BOM).unwrap_or(&header));
        let text = text.map_err(|_| fail(path, "line 1 is not UTF-8: save the file as UTF-8"))?;
        let names = fields
            .iter()
            .map(|field| unquote(&text[field.clone()]).into_owned());
        let names: Vec<String> = names.collect();
        let places = places(path, &names, columns, added)?;
        Ok(Self {
            window,
            delimiter,
            header,
            columns: columns.clone(),
            places,
            width: names.len(),
            fields,
        })
    }
}

impl RowReader for Reader {
    fn next(&mut self) -> Result<Option<Row>, AugmentError> {
        let (delimiter, fields) = (self.delimiter, &mut self.fields);
        loop {
            let find = |bytes: &[u8], whole| cut(bytes, whole, delimiter, fields);
            let Some(length) = self.window.find(find)? else {
                return Ok(None);
            };
            // A blank line.
            if matches!(fields.as_slice(), [only] if only.is_empty()) {
                self.window.take(length);
                continue;
            }
            if fields.len() != self.width {
                let (n, width) = (fields.len(), self.width);
                let reason = format!("has {n} fields, the header {width}: check its quotes");
                return Err(self.window.fail(reason));
            }
            let raw = self.window.peek(length).to_vec();
            let line = std::str::from_utf8(&raw)
                .map_err(|_| self.window.fail("is not UTF-8: save the file as UTF-8"))?;
            self.window.take(length);
            let cell = |place: Option<usize>| {
                let field = place.and_then(|place| fields.get(place));
                field.map_or(Cow::Borrowed(""), |field| unquote(&line[field.clone()]))
            };
            let [text, label, split] = self.places.map(|place| cell(place).into_owned());
            let place = self.places[0].and_then(|place| fields.get(place).cloned());
            let carried = Carried::Line(Line {
                text: place.unwrap_or_default(),
                end: body(&raw),
                raw,
            });
            return Ok(Some(self.columns.row(text, label, split, carried)));
        }
    }

    fn fraction(&self) -> f64 {
        self.window.fraction()
    }

    fn head(&self) -> Head {
        Head::Line(self.header.clone(), self.delimiter)
    }
}

pub(super) struct Writer {
    output: Output,
    delimiter: u8,
    /// Line end for a row that has none.
    end: Vec<u8>,
    provenance: bool,
    label_changed: bool,
}

impl Writer {
    pub(super) fn create(
        path: &Path,
        header: &[u8],
        delimiter: u8,
        added: &Added,
    ) -> Result<Self, AugmentError> {
        let (names, end) = header.split_at(body(header));
        let end: &[u8] = if end.is_empty() { b"\n" } else { end };
        let mut writer = Self {
            output: Output::create(path)?,
            delimiter,
            end: end.to_vec(),
            provenance: added.provenance.is_some(),
            label_changed: added.label_changed.is_some(),
        };
        writer.output.put(&[names])?;
        for name in added.names() {
            let name = quote(name, delimiter, false);
            writer.output.put(&[&[delimiter], name.as_bytes()])?;
        }
        writer.output.put(&[end])?;
        Ok(writer)
    }

    /// The columns added and the line end.
    fn close(&mut self, line: &Line, record: &str, changed: bool) -> Result<(), AugmentError> {
        let delimiter = [self.delimiter];
        if self.provenance {
            let record = match record {
                "" => Cow::Borrowed(""),
                record => quote(record, self.delimiter, false),
            };
            self.output.put(&[&delimiter, record.as_bytes()])?;
        }
        if self.label_changed {
            let changed: &[u8] = if changed { b"true" } else { b"false" };
            self.output.put(&[&delimiter, changed])?;
        }
        let end = match &line.raw[line.end..] {
            [] => &self.end,
            end => end,
        };
        self.output.put(&[end])
    }
}

impl RowWriter for Writer {
    fn row(&mut self, row: &Row) -> Result<(), AugmentError> {
        let Carried::Line(line) = &row.carried else {
            return Ok(());
        };
        self.output.put(&[&line.raw[..line.end]])?;
        self.close(line, "", false)
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
        let quoted = line.raw.get(line.text.start) == Some(&b'"');
        let text = quote(text, self.delimiter, quoted);
        let (before, after) = (
            &line.raw[..line.text.start],
            &line.raw[line.text.end..line.end],
        );
        self.output.put(&[before, text.as_bytes(), after])?;
        self.close(line, record, label_changed)
    }

    fn finish(self: Box<Self>) -> Result<(), AugmentError> {
        self.output.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rows of `text`, blank lines left out.
    fn ours(text: &str) -> Option<Vec<Vec<String>>> {
        let (mut rows, mut fields, mut at) = (Vec::new(), Vec::new(), 0);
        while at < text.len() {
            let rest = &text[at..];
            // A row is whole only when all of it is seen.
            let length = cut(rest.as_bytes(), true, b',', &mut fields)?;
            let row: Vec<String> = fields
                .iter()
                .map(|field| unquote(&rest[field.clone()]).into_owned())
                .collect();
            if row != [""] || rest.starts_with('"') {
                rows.push(row);
            }
            at += length;
        }
        Some(rows)
    }

    fn theirs(text: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let rows = reader.records().map(|row| {
            let row = row.unwrap();
            row.iter().map(str::to_owned).collect()
        });
        rows.collect()
    }

    proptest! {
        #[test]
        fn cuts_as_the_csv_crate_does(text in "[ab,\"\n\r가]{0,24}") {
            if let Some(rows) = ours(&text) {
                prop_assert_eq!(rows, theirs(&text));
            }
        }

        #[test]
        fn a_text_is_read_back(text in "[ab,\"\n\r 가]{0,12}", quoted: bool) {
            let line = format!("x,{},y\n", quote(&text, b',', quoted));
            prop_assert_eq!(ours(&line).unwrap(), vec![vec!["x".to_owned(), text, "y".to_owned()]]);
        }

        /// Half a row is never taken for a whole one.
        #[test]
        fn rows_do_not_depend_on_how_much_is_in_memory(
            text in "[ab,\"\n\r]{1,16}", part in 0usize..16,
        ) {
            let (mut all, mut some) = (Vec::new(), Vec::new());
            let part = &text.as_bytes()[..part.min(text.len())];
            if let Some(length) = cut(part, false, b',', &mut some) {
                prop_assert_eq!(cut(text.as_bytes(), true, b',', &mut all), Some(length));
                prop_assert_eq!(all, some);
            }
        }
    }

    #[test]
    fn delimiters() {
        for (header, delimiter) in [
            ("a,b\n", b','),
            ("a;b;c,d\n;;;;", b';'),
            ("\"a;b;c\",d\n", b','),
            ("a\tb", b'\t'),
            ("a", b','),
        ] {
            assert_eq!(header_delimiter(header.as_bytes()), delimiter, "{header}");
        }
    }
}
