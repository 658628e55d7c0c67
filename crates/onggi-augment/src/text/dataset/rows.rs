//! Rows of CSV, TSV and JSON Lines: one at a time, other columns carried.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::DatasetConfig;
use crate::AugmentError;
use crate::nearest::nearest;
use crate::text::Augmented;

/// How rows are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// One JSON object a line.
    JsonLines,
}

/// Bytes of one line of JSON at most.
const MOST: u64 = 64 << 20;

impl RowFormat {
    /// The format by the ending of a file's name.
    ///
    /// # Errors
    /// [`AugmentError::File`] for another ending.
    pub fn of(path: &Path) -> Result<Self, AugmentError> {
        let ending = path
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Ok(Self::Csv),
            "tsv" => Ok(Self::Tsv),
            "jsonl" | "ndjson" => Ok(Self::JsonLines),
            _ => Err(fail(path, "is no .csv, .tsv, .jsonl or .ndjson file")),
        }
    }
}

pub(super) fn fail(path: &Path, reason: impl Into<String>) -> AugmentError {
    AugmentError::File {
        path: path.display().to_string(),
        reason: reason.into(),
    }
}

/// One row: what the augmentation looks at, and all the rest.
pub(super) struct Row {
    pub(super) text: String,
    pub(super) label: String,
    pub(super) train: bool,
    fields: Fields,
}

enum Fields {
    Cells(csv::StringRecord),
    Object(Map<String, Value>),
}

enum Source {
    Table(Box<csv::Reader<File>>),
    Lines(BufReader<File>),
}

pub(super) struct RowReader {
    path: PathBuf,
    source: Source,
    header: csv::StringRecord,
    /// Places of text, label and split in the header.
    places: [Option<usize>; 3],
    names: [String; 3],
    train_split: String,
    line: u64,
}

impl RowReader {
    pub(super) fn open(path: &Path, config: &DatasetConfig) -> Result<Self, AugmentError> {
        let format = RowFormat::of(path)?;
        let file = File::open(path).map_err(|error| fail(path, error.to_string()))?;
        let names = [
            &config.text_column,
            &config.label_column,
            &config.split_column,
        ]
        .map(Clone::clone);
        let mut reader = Self {
            path: path.to_owned(),
            source: Source::Lines(BufReader::new(file)),
            header: csv::StringRecord::new(),
            places: [None; 3],
            names,
            train_split: config.train_split.clone(),
            line: 0,
        };
        if format != RowFormat::JsonLines {
            let Source::Lines(lines) = reader.source else {
                return Err(fail(path, "is no table"));
            };
            let delimiter = if format == RowFormat::Csv {
                b','
            } else {
                b'\t'
            };
            let mut table = csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .from_reader(lines.into_inner());
            let header = table
                .headers()
                .map_err(|error| fail(path, error.to_string()))?;
            reader.header = header.clone();
            if reader
                .header
                .get(0)
                .is_some_and(|first| first.starts_with('\u{FEFF}'))
            {
                let cells = reader
                    .header
                    .iter()
                    .map(|cell| cell.trim_start_matches('\u{FEFF}'));
                reader.header = cells.collect();
            }
            for (place, name) in reader.places.iter_mut().zip(&reader.names) {
                if name.is_empty() {
                    continue;
                }
                *place = reader.header.iter().position(|cell| cell == name);
                if place.is_none() {
                    let near = nearest(name, reader.header.iter());
                    return Err(fail(
                        path,
                        format!("has no column `{name}`: did you mean `{near}`?"),
                    ));
                }
            }
            reader.source = Source::Table(Box::new(table));
        }
        Ok(reader)
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, AugmentError> {
        self.line += 1;
        let fields = match &mut self.source {
            Source::Table(table) => {
                let mut cells = csv::StringRecord::new();
                let more = table.read_record(&mut cells);
                match more.map_err(|error| fail(&self.path, error.to_string()))? {
                    true => Fields::Cells(cells),
                    false => return Ok(None),
                }
            }
            Source::Lines(lines) => loop {
                let mut line = Vec::new();
                let read = lines.take(MOST).read_until(b'\n', &mut line);
                let n = read.map_err(|error| fail(&self.path, error.to_string()))?;
                if n == 0 {
                    return Ok(None);
                }
                if line.trim_ascii().is_empty() {
                    self.line += 1;
                    continue;
                }
                let object = serde_json::from_slice(&line);
                let here = self.line;
                break Fields::Object(
                    object.map_err(|error| fail(&self.path, format!("line {here}: {error}")))?,
                );
            },
        };
        let cell = |i: usize| -> Result<String, AugmentError> {
            match &fields {
                Fields::Cells(cells) => {
                    let cell = self.places[i].and_then(|place| cells.get(place));
                    Ok(cell.unwrap_or_default().to_owned())
                }
                Fields::Object(_) if self.names[i].is_empty() => Ok(String::new()),
                Fields::Object(object) => match object.get(&self.names[i]) {
                    Some(Value::String(text)) => Ok(text.clone()),
                    Some(value) if i > 0 => Ok(value.to_string()),
                    _ => {
                        let near = nearest(&self.names[i], object.keys().map(String::as_str));
                        let (line, name) = (self.line, &self.names[i]);
                        Err(fail(
                            &self.path,
                            format!("line {line} has no string `{name}`: did you mean `{near}`?"),
                        ))
                    }
                },
            }
        };
        let split = cell(2)?;
        Ok(Some(Row {
            text: cell(0)?,
            label: cell(1)?,
            train: self.names[2].is_empty() || split == self.train_split,
            fields,
        }))
    }
}

enum Sink {
    Table(Box<csv::Writer<File>>),
    Lines(BufWriter<File>),
}

pub(super) struct RowWriter {
    path: PathBuf,
    sink: Sink,
    header: csv::StringRecord,
    text: (usize, String),
    provenance: String,
}

impl RowWriter {
    pub(super) fn create(
        path: &Path,
        reader: &RowReader,
        config: &DatasetConfig,
    ) -> Result<Self, AugmentError> {
        let format = RowFormat::of(path)?;
        let table = matches!(reader.source, Source::Table(_));
        if table == (format == RowFormat::JsonLines) {
            return Err(fail(
                path,
                "is written as the input is: a table to a table, JSON to JSON",
            ));
        }
        if reader
            .header
            .iter()
            .any(|cell| cell == config.provenance_column)
            && table
        {
            let name = &config.provenance_column;
            return Err(fail(
                &reader.path,
                format!("has a column `{name}` already: set provenance_column to another name"),
            ));
        }
        let file = File::create(path).map_err(|error| fail(path, error.to_string()))?;
        let mut writer = Self {
            path: path.to_owned(),
            sink: Sink::Lines(BufWriter::new(file)),
            header: reader.header.clone(),
            text: (reader.places[0].unwrap_or(0), reader.names[0].clone()),
            provenance: config.provenance_column.clone(),
        };
        if table {
            let Sink::Lines(lines) = writer.sink else {
                return Err(fail(path, "is no table"));
            };
            let file = lines
                .into_inner()
                .map_err(|error| fail(path, error.to_string()))?;
            let delimiter = if format == RowFormat::Csv {
                b','
            } else {
                b'\t'
            };
            let table = csv::WriterBuilder::new()
                .delimiter(delimiter)
                .from_writer(file);
            writer.sink = Sink::Table(Box::new(table));
            let header: Vec<String> = writer.header.iter().map(str::to_owned).collect();
            writer.cells(header.iter().map(String::as_str), &config.provenance_column)?;
        }
        Ok(writer)
    }

    fn cells<'a>(
        &mut self,
        cells: impl Iterator<Item = &'a str>,
        provenance: &'a str,
    ) -> Result<(), AugmentError> {
        let Sink::Table(table) = &mut self.sink else {
            return Ok(());
        };
        let more = (!self.provenance.is_empty()).then_some(provenance);
        let written = table.write_record(cells.chain(more));
        written.map_err(|error| fail(&self.path, error.to_string()))
    }

    fn object(&mut self, object: &Map<String, Value>) -> Result<(), AugmentError> {
        let Sink::Lines(lines) = &mut self.sink else {
            return Ok(());
        };
        let written = serde_json::to_writer(&mut *lines, object)
            .map_err(std::io::Error::from)
            .and_then(|()| lines.write_all(b"\n"));
        written.map_err(|error| fail(&self.path, error.to_string()))
    }

    /// A row as it is.
    pub(super) fn row(&mut self, row: &Row) -> Result<(), AugmentError> {
        match &row.fields {
            Fields::Cells(cells) => self.cells(cells.iter(), ""),
            Fields::Object(object) => self.object(object),
        }
    }

    /// A row with another text, and what was done to it.
    pub(super) fn copy(
        &mut self,
        row: &Row,
        copy: &Augmented,
        number: u64,
        seed: u64,
    ) -> Result<(), AugmentError> {
        let record = || {
            serde_json::json!({
                "row": number,
                "seed": seed,
                "label_changed": copy.label_changed,
                "edits": copy.provenance(&row.text),
            })
        };
        match &row.fields {
            Fields::Cells(cells) => {
                let record = if self.provenance.is_empty() {
                    String::new()
                } else {
                    record().to_string()
                };
                let place = self.text.0;
                let changed = cells.iter().enumerate().map(|(i, cell)| match i == place {
                    true => copy.text.as_str(),
                    false => cell,
                });
                self.cells(changed, &record)
            }
            Fields::Object(object) => {
                let mut object = object.clone();
                object.insert(self.text.1.clone(), copy.text.clone().into());
                if !self.provenance.is_empty() {
                    object.insert(self.provenance.clone(), record());
                }
                self.object(&object)
            }
        }
    }

    pub(super) fn finish(self) -> Result<(), AugmentError> {
        let flushed = match self.sink {
            Sink::Table(mut table) => table.flush(),
            Sink::Lines(mut lines) => lines.flush(),
        };
        flushed.map_err(|error| fail(&self.path, error.to_string()))
    }
}
