//! Values of one column of a Parquet file, with the levels that say which are null and where rows begin.

use ::parquet::basic::Type as Physical;
use ::parquet::column::reader::ColumnReader;
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use ::parquet::errors::ParquetError;
use ::parquet::schema::types::ColumnDescriptor;

/// Rows read at once.
const CHUNK: usize = 1024;

/// Does `$body` with the values of a column, whatever their type.
macro_rules! values {
    ($values:expr, $v:ident => $body:expr) => {
        match $values {
            Values::Bool($v) => $body,
            Values::Int32($v) => $body,
            Values::Int64($v) => $body,
            Values::Int96($v) => $body,
            Values::Float($v) => $body,
            Values::Double($v) => $body,
            Values::Bytes($v) => $body,
            Values::Fixed($v) => $body,
        }
    };
}

/// Does `$body` with two columns of one type.
macro_rules! both {
    ($a:expr, $b:expr, ($kind:ident: $($variant:ident = $other:ident),*), $v:ident, $w:ident => $body:expr) => {
        match ($a, $b) {
            $((Values::$variant($v), $kind::$other($w)) => $body,)*
            _ => Err(ParquetError::General("a column changes its type".to_owned())),
        }
    };
}

pub(super) enum Values {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

impl Values {
    fn new(kind: Physical) -> Self {
        match kind {
            Physical::BOOLEAN => Self::Bool(Vec::new()),
            Physical::INT32 => Self::Int32(Vec::new()),
            Physical::INT64 => Self::Int64(Vec::new()),
            Physical::INT96 => Self::Int96(Vec::new()),
            Physical::FLOAT => Self::Float(Vec::new()),
            Physical::DOUBLE => Self::Double(Vec::new()),
            Physical::BYTE_ARRAY => Self::Bytes(Vec::new()),
            Physical::FIXED_LEN_BYTE_ARRAY => Self::Fixed(Vec::new()),
        }
    }

    /// A value as a label or split is written.
    pub(super) fn show(&self, i: usize) -> Option<String> {
        match self {
            Self::Bool(v) => v.get(i).map(ToString::to_string),
            Self::Int32(v) => v.get(i).map(ToString::to_string),
            Self::Int64(v) => v.get(i).map(ToString::to_string),
            Self::Float(v) => v.get(i).map(ToString::to_string),
            Self::Double(v) => v.get(i).map(ToString::to_string),
            Self::Bytes(v) => v.get(i).and_then(|v| v.as_utf8().ok()).map(str::to_owned),
            Self::Int96(_) | Self::Fixed(_) => None,
        }
    }
}

/// Values of one column, with the levels that say which are null and where rows begin.
pub(super) struct Column {
    pub(super) values: Values,
    definition: Vec<i16>,
    repetition: Vec<i16>,
    /// Level of a value that is not null.
    most: i16,
    nested: bool,
    /// (levels, values) before each row.
    starts: Vec<(usize, usize)>,
}

impl Column {
    pub(super) fn new(descriptor: &ColumnDescriptor) -> Self {
        Self {
            values: Values::new(descriptor.physical_type()),
            definition: Vec::new(),
            repetition: Vec::new(),
            most: descriptor.max_def_level(),
            nested: descriptor.max_rep_level() > 0,
            starts: Vec::new(),
        }
    }

    /// Reads the next `CHUNK` rows.
    pub(super) fn read(&mut self, reader: &mut ColumnReader) -> Result<usize, ParquetError> {
        let (definition, repetition) = (&mut self.definition, &mut self.repetition);
        let (rows, _, levels) = both!(
            &mut self.values, reader,
            (ColumnReader: Bool = BoolColumnReader, Int32 = Int32ColumnReader,
             Int64 = Int64ColumnReader, Int96 = Int96ColumnReader, Float = FloatColumnReader,
             Double = DoubleColumnReader, Bytes = ByteArrayColumnReader,
             Fixed = FixedLenByteArrayColumnReader),
            values, column => column.read_records(CHUNK, Some(definition), Some(repetition), values)
        )?;
        let mut value = 0;
        for level in 0..levels {
            if !self.nested || self.repetition[level] == 0 {
                self.starts.push((level, value));
            }
            value += usize::from(self.most == 0 || self.definition[level] == self.most);
        }
        if self.starts.len() != rows {
            return Err(ParquetError::General("rows and levels disagree".to_owned()));
        }
        self.starts.push((levels, value));
        Ok(rows)
    }

    /// The place of the value of a row of a column that is not nested; `None` for null.
    pub(super) fn value(&self, row: usize) -> Option<usize> {
        let (from, to) = (self.starts.get(row)?.1, self.starts.get(row + 1)?.1);
        (to > from).then_some(from)
    }

    /// Adds a row of another column; the bytes added.
    pub(super) fn push(&mut self, from: &Self, row: usize) -> Result<usize, ParquetError> {
        let (Some(&start), Some(&end)) = (from.starts.get(row), from.starts.get(row + 1)) else {
            return Err(ParquetError::General("a row is missing".to_owned()));
        };
        if self.most > 0 {
            self.definition.extend(&from.definition[start.0..end.0]);
        }
        if self.nested {
            self.repetition.extend(&from.repetition[start.0..end.0]);
        }
        let bytes = match &from.values {
            Values::Bytes(list) => list[start.1..end.1].iter().map(ByteArray::len).sum(),
            _ => 0,
        };
        both!(
            &mut self.values, &from.values,
            (Values: Bool = Bool, Int32 = Int32, Int64 = Int64, Int96 = Int96, Float = Float,
             Double = Double, Bytes = Bytes, Fixed = Fixed),
            to, list => {
                to.extend_from_slice(&list[start.1..end.1]);
                Ok(bytes)
            }
        )
    }

    /// Adds a text, or null.
    pub(super) fn push_text(&mut self, text: Option<&str>) {
        if self.most > 0 {
            self.definition.push(text.map_or(0, |_| self.most));
        }
        if let (Values::Bytes(list), Some(text)) = (&mut self.values, text) {
            list.push(ByteArray::from(text));
        }
    }

    pub(super) fn write(&mut self, writer: &mut ColumnWriter<'_>) -> Result<usize, ParquetError> {
        let definition = (self.most > 0).then_some(self.definition.as_slice());
        let repetition = self.nested.then_some(self.repetition.as_slice());
        let written = both!(
            &self.values, writer,
            (ColumnWriter: Bool = BoolColumnWriter, Int32 = Int32ColumnWriter,
             Int64 = Int64ColumnWriter, Int96 = Int96ColumnWriter, Float = FloatColumnWriter,
             Double = DoubleColumnWriter, Bytes = ByteArrayColumnWriter,
             Fixed = FixedLenByteArrayColumnWriter),
            values, column => column.write_batch(values, definition, repetition)
        );
        values!(&mut self.values, list => list.clear());
        self.definition.clear();
        self.repetition.clear();
        written
    }
}
