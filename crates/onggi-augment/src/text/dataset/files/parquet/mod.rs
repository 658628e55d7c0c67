//! Parquet: the columns of a file as they are stored, whatever their types and nesting, written again
//! with the text changed.
//!
//! Values, nulls, types and the file's key-value metadata are carried; encodings, packing (always
//! Snappy) and the size of row groups are the writer's own. Zstandard, LZ4 and Brotli are not read: no
//! pure Rust decoder of theirs is built in.

mod column;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::column::reader::ColumnReader;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{Type, TypePtr};

use self::column::{Column, Values};
use super::output::Output;
use super::{Added, Carried, Head, MOST_ROW, Row, RowReader, RowWriter, fail, places};
use crate::AugmentError;
use crate::text::dataset::Columns;

/// Rows and bytes of byte arrays after which a row group is written.
const GROUP_ROWS: usize = 1 << 16;
const GROUP_BYTES: usize = 32 << 20;

/// A row of columns.
pub(super) struct Cells {
    columns: Arc<Vec<Column>>,
    row: usize,
}

/// What is carried besides the rows.
pub(in crate::text::dataset) struct Schema {
    root: Type,
    metadata: Vec<KeyValue>,
    /// The text among the leaves.
    text: usize,
}

/// Runs what the crate `parquet` does on bytes of others. It returns errors for nearly all damage; where
/// it panics instead, that becomes an error here.
fn guard<T>(path: &Path, run: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, AugmentError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| match error {
            // What a codec that is not built in answers.
            ParquetError::NYI(reason) => fail(path, reason),
            error => fail(path, error.to_string()),
        }),
        Err(_) => Err(fail(path, "is damaged")),
    }
}

pub(super) struct Reader {
    path: PathBuf,
    file: SerializedFileReader<File>,
    columns: Columns,
    /// Text, label and split among the leaves.
    places: [Option<usize>; 3],
    group: usize,
    readers: Vec<ColumnReader>,
    chunk: Arc<Vec<Column>>,
    /// Rows of the chunk, and the next of them.
    rows: usize,
    next: usize,
    /// Rows given so far, and all.
    given: u64,
    all: u64,
}

impl Reader {
    pub(super) fn open(
        path: &Path,
        columns: &Columns,
        added: &Added,
    ) -> Result<Self, AugmentError> {
        let file = File::open(path).map_err(|error| fail(path, error.to_string()))?;
        let file = guard(path, || SerializedFileReader::new(file))?;
        let metadata = file.metadata().file_metadata();
        let leaves = metadata.schema_descr().columns();
        // Names of columns that are nested hold a dot and are found by no one.
        let names = leaves.iter().map(|leaf| leaf.path().string());
        let places = places(path, &names.collect::<Vec<_>>(), columns, added)?;
        for place in places.iter().flatten() {
            let leaf = &leaves[*place];
            if leaf.max_rep_level() > 0 || leaf.path().parts().len() > 1 {
                let name = leaf.name();
                return Err(fail(path, format!("column `{name}` is nested")));
            }
        }
        let text = places[0].map(|place| leaves[place].physical_type());
        if text != Some(Physical::BYTE_ARRAY) {
            let name = &columns.text;
            return Err(fail(path, format!("column `{name}` does not hold strings")));
        }
        let all = u64::try_from(metadata.num_rows()).unwrap_or(0);
        Ok(Self {
            path: path.to_owned(),
            file,
            columns: columns.clone(),
            places,
            group: 0,
            readers: Vec::new(),
            chunk: Arc::default(),
            rows: 0,
            next: 0,
            given: 0,
            all,
        })
    }

    /// Reads the next rows of the file; false at its end.
    fn read(&mut self) -> Result<bool, ParquetError> {
        let metadata = self.file.metadata();
        loop {
            if self.readers.is_empty() {
                if self.group >= metadata.num_row_groups() {
                    return Ok(false);
                }
                let group = self.file.get_row_group(self.group)?;
                let readers = (0..group.num_columns()).map(|i| group.get_column_reader(i));
                self.readers = readers.collect::<Result<_, _>>()?;
                self.group += 1;
            }
            let leaves = metadata.file_metadata().schema_descr().columns();
            let mut columns = Vec::with_capacity(leaves.len());
            let mut rows = None;
            for (leaf, reader) in leaves.iter().zip(&mut self.readers) {
                let mut column = Column::new(leaf);
                let n = column.read(reader)?;
                if *rows.get_or_insert(n) != n {
                    let name = leaf.path();
                    return Err(ParquetError::General(format!(
                        "column {name} has not as many rows as the others"
                    )));
                }
                columns.push(column);
            }
            self.rows = rows.unwrap_or(0);
            self.next = 0;
            self.chunk = Arc::new(columns);
            if self.rows > 0 {
                return Ok(true);
            }
            self.readers.clear();
        }
    }
}

impl RowReader for Reader {
    fn next(&mut self) -> Result<Option<Row>, AugmentError> {
        if self.next == self.rows {
            let path = self.path.clone();
            if !guard(&path, || self.read())? {
                return Ok(None);
            }
        }
        let row = self.next;
        self.next += 1;
        self.given += 1;
        let here = |what: &str| fail(&self.path, format!("row {}: {what}", self.given));
        let cell = |place: Option<usize>| {
            let Some(column) = place.and_then(|place| self.chunk.get(place)) else {
                return Ok(String::new());
            };
            let Some(value) = column.value(row) else {
                return Ok(String::new());
            };
            let shown = column.values.show(value);
            shown.ok_or_else(|| here("is not UTF-8, or of a type that is no label"))
        };
        let (text, label, split) = (
            cell(self.places[0])?,
            cell(self.places[1])?,
            cell(self.places[2])?,
        );
        if text.len() > MOST_ROW {
            return Err(here("has a text of more than 16 MiB"));
        }
        let columns = self.chunk.clone();
        let carried = Carried::Cells(Cells { columns, row });
        Ok(Some(self.columns.row(text, label, split, carried)))
    }

    fn fraction(&self) -> f64 {
        (self.given as f64 / self.all.max(1) as f64).min(1.0)
    }

    fn head(&self) -> Head {
        let metadata = self.file.metadata().file_metadata();
        Head::Schema(Box::new(Schema {
            root: metadata.schema().clone(),
            metadata: metadata.key_value_metadata().cloned().unwrap_or_default(),
            text: self.places[0].unwrap_or(0),
        }))
    }
}

pub(super) struct Writer {
    path: PathBuf,
    file: SerializedFileWriter<Output>,
    /// The file's leaves, then the columns added.
    columns: Vec<Column>,
    carried: usize,
    text: usize,
    provenance: bool,
    rows: usize,
    bytes: usize,
}

impl Writer {
    pub(super) fn create(path: &Path, schema: Schema, added: &Added) -> Result<Self, AugmentError> {
        let output = Output::create(path)?;
        guard(path, || Self::start(path, output, schema, added))
    }

    fn start(
        path: &Path,
        output: Output,
        schema: Schema,
        added: &Added,
    ) -> Result<Self, ParquetError> {
        let mut fields: Vec<TypePtr> = schema.root.get_fields().to_vec();
        if let Some(name) = &added.provenance {
            let record = Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(Some(LogicalType::String));
            fields.push(Arc::new(record.build()?));
        }
        if let Some(name) = &added.label_changed {
            let changed = Type::primitive_type_builder(name, Physical::BOOLEAN)
                .with_repetition(Repetition::REQUIRED);
            fields.push(Arc::new(changed.build()?));
        }
        let mut metadata = schema.metadata;
        if fields.len() > schema.root.get_fields().len() {
            // Descriptions of the columns by other programs, which would refuse the added ones.
            metadata.retain(|pair| !["ARROW:schema", "huggingface"].contains(&pair.key.as_str()));
        }
        let root = Type::group_type_builder(schema.root.name()).with_fields(fields);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("onggi ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(metadata));
        let (root, properties) = (Arc::new(root.build()?), Arc::new(properties.build()));
        let file = SerializedFileWriter::new(output, root, properties)?;
        let leaves = file.schema_descr().columns();
        let columns: Vec<Column> = leaves.iter().map(|leaf| Column::new(leaf)).collect();
        let (provenance, label_changed) =
            (added.provenance.is_some(), added.label_changed.is_some());
        Ok(Self {
            path: path.to_owned(),
            carried: columns.len() - usize::from(provenance) - usize::from(label_changed),
            columns,
            text: schema.text,
            provenance,
            rows: 0,
            bytes: 0,
            file,
        })
    }

    /// Adds a row, its text exchanged where one is given.
    fn push(
        &mut self,
        row: &Row,
        text: Option<&str>,
        record: Option<&str>,
        changed: bool,
    ) -> Result<(), ParquetError> {
        let Carried::Cells(cells) = &row.carried else {
            return Ok(());
        };
        for (i, column) in self.columns[..self.carried].iter_mut().enumerate() {
            match text.filter(|_| i == self.text) {
                Some(text) => {
                    column.push_text(Some(text));
                    self.bytes += text.len();
                }
                None => {
                    let from = &cells.columns[i];
                    self.bytes += column.push(from, cells.row)?;
                }
            }
        }
        let mut added = self.columns[self.carried..].iter_mut();
        if self.provenance
            && let Some(column) = added.next()
        {
            column.push_text(record);
            self.bytes += record.map_or(0, str::len);
        }
        if let Some(Values::Bool(list)) = added.next().map(|column| &mut column.values) {
            list.push(changed);
        }
        self.rows += 1;
        match self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Writes a row group.
    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column()? else {
                break;
            };
            column.write(writer.untyped())?;
            writer.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl RowWriter for Writer {
    fn row(&mut self, row: &Row) -> Result<(), AugmentError> {
        let path = self.path.clone();
        guard(&path, || self.push(row, None, None, false))
    }

    fn copy(
        &mut self,
        row: &Row,
        text: &str,
        record: &str,
        label_changed: bool,
    ) -> Result<(), AugmentError> {
        let path = self.path.clone();
        guard(&path, || {
            self.push(row, Some(text), Some(record), label_changed)
        })
    }

    fn finish(mut self: Box<Self>) -> Result<(), AugmentError> {
        let path = self.path.clone();
        let output = guard(&path, || {
            self.flush()?;
            self.file.into_inner()
        })?;
        output.finish()
    }
}

#[cfg(test)]
mod tests;
