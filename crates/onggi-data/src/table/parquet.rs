//! From a Parquet file to numbers, column by column.
//!
//! Only the columns that are wanted are read. Zstandard, LZ4 and Brotli are not: no pure Rust decoder of
//! theirs is built in.

use std::fs::File;
use std::io::{Error, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ::parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescriptor;

use super::columns::Header;
use super::file::{Plan, Rows, is_missing, number, quoted};
use super::records::MAX_COLUMNS;
use super::source::{self, MAX_FILE};
use crate::DataError;

/// Rows read at once.
const CHUNK: usize = 1024;

/// Most numbers: as many as have the bytes of the largest file.
const MAX_VALUES: usize = (MAX_FILE / 8) as usize;

/// A value; none for null.
enum Cell {
    Number(f64),
    Whole(i64),
    Bool(bool),
    Text(String),
}

/// Reads the columns of the plan made for the file's header, and the names of its features.
pub(super) fn read(
    path: &Path,
    plan: impl FnOnce(&Header<'_>) -> Result<Plan, DataError>,
) -> Result<(Rows, Vec<String>), DataError> {
    source::check(path)?;
    let file = File::open(path).map_err(|error| source::fault(path, error))?;
    let reader = guard(path, || SerializedFileReader::new(file))?;
    let leaves = reader.metadata().file_metadata().schema_descr().columns();
    if leaves.len() > MAX_COLUMNS {
        return Err(too_large(
            path,
            "the number of columns",
            leaves.len(),
            MAX_COLUMNS,
        ));
    }
    // Names of columns that are nested hold a dot and are found by no one.
    let names: Vec<String> = leaves.iter().map(|leaf| leaf.path().string()).collect();
    let header = Header::new(path, names.iter().map(String::as_str))?;
    let plan = plan(&header)?;
    for &i in plan.features.iter().chain(&plan.target) {
        check(path, &leaves[i])?;
    }
    let mut columns = Vec::with_capacity(plan.features.len());
    let mut values = 0;
    for &i in &plan.features {
        let mut column: Vec<f64> = Vec::new();
        each(path, &reader, i, &mut |row, cell| {
            values += 1;
            if values > MAX_VALUES {
                return Err(too_large(path, "the number of values", values, MAX_VALUES));
            }
            let field = match cell {
                None => f64::NAN,
                Some(Cell::Whole(v)) => v as f64,
                Some(Cell::Bool(v)) => f64::from(u8::from(v)),
                Some(Cell::Text(text)) => number(path, &names[i], text.trim(), || row)?,
                Some(Cell::Number(v)) if v.is_infinite() => {
                    number(path, &names[i], &v.to_string(), || row)?
                }
                Some(Cell::Number(v)) => v,
            };
            column.push(field);
            Ok(())
        })?;
        columns.push(column);
    }
    let mut targets = Vec::new();
    if let Some(i) = plan.target {
        let mut bytes = 0;
        each(path, &reader, i, &mut |row, cell| {
            let class = match cell {
                None => String::new(),
                Some(Cell::Number(v)) => v.to_string(),
                Some(Cell::Whole(v)) => v.to_string(),
                Some(Cell::Bool(v)) => v.to_string(),
                Some(Cell::Text(text)) => text.trim().to_owned(),
            };
            if is_missing(&class) {
                return Err(DataError::MissingTarget {
                    path: path.to_owned(),
                    line: row,
                    target: names[i].clone(),
                });
            }
            bytes += class.len() + size_of::<String>();
            if bytes as u64 > MAX_FILE {
                return Err(too_large(
                    path,
                    "the target's size in bytes",
                    bytes,
                    MAX_FILE as usize,
                ));
            }
            targets.push(class);
            Ok(())
        })?;
    }
    let len = columns.first().map_or(targets.len(), Vec::len);
    if len == 0 {
        return Err(DataError::EmptyTable {
            path: path.to_owned(),
            what: "there are no rows",
        });
    }
    let alike = columns.iter().all(|column| column.len() == len);
    if !alike || plan.target.is_some() && targets.len() != len {
        return Err(damaged(
            path,
            "its columns have not as many rows as each other",
        ));
    }
    let features = plan.features.iter().map(|&i| names[i].clone()).collect();
    Ok((Rows::of_columns(&columns, targets, len), features))
}

/// An error for a column that is nested, or of a type that is no number and no string.
fn check(path: &Path, leaf: &ColumnDescriptor) -> Result<(), DataError> {
    let refuse = |what: &str| {
        let name = quoted(leaf.name());
        Err(damaged(path, &format!("column `{name}` {what}")))
    };
    if leaf.max_rep_level() > 0 || leaf.path().parts().len() > 1 {
        return refuse("is nested; flatten it or leave it out");
    }
    let no_number = matches!(
        leaf.converted_type(),
        ConvertedType::DECIMAL
            | ConvertedType::DATE
            | ConvertedType::TIME_MILLIS
            | ConvertedType::TIME_MICROS
            | ConvertedType::TIMESTAMP_MILLIS
            | ConvertedType::TIMESTAMP_MICROS
    ) || matches!(
        leaf.logical_type_ref(),
        Some(LogicalType::Time { .. } | LogicalType::Timestamp { .. })
    );
    match leaf.physical_type() {
        Physical::INT96 | Physical::FIXED_LEN_BYTE_ARRAY => {
            refuse("holds neither numbers nor strings; convert it or leave it out")
        }
        _ if no_number => refuse("holds dates, times or decimals; convert it or leave it out"),
        _ => Ok(()),
    }
}

/// Gives each value of column `i` with its row, from 1.
fn each(
    path: &Path,
    reader: &SerializedFileReader<File>,
    i: usize,
    give: &mut dyn FnMut(u64, Option<Cell>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let leaf = reader.metadata().file_metadata().schema_descr().column(i);
    let unsigned = matches!(
        leaf.converted_type(),
        ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64
    );
    let whole = |v: i64, bits: u64| match v < 0 && unsigned {
        true => Cell::Number(bits as f64),
        false => Cell::Whole(v),
    };
    let most = leaf.max_def_level();
    let mut row = 0;
    for group in 0..reader.metadata().num_row_groups() {
        let column = guard(path, || reader.get_row_group(group)?.get_column_reader(i))?;
        let (row, give) = (&mut row, &mut *give);
        match column {
            ColumnReader::BoolColumnReader(c) => {
                chunks(path, c, most, row, &|v: &bool| Ok(Cell::Bool(*v)), give)?;
            }
            ColumnReader::Int32ColumnReader(c) => {
                let cell = |v: &i32| Ok(whole(i64::from(*v), u64::from(*v as u32)));
                chunks(path, c, most, row, &cell, give)?;
            }
            ColumnReader::Int64ColumnReader(c) => {
                let cell = |v: &i64| Ok(whole(*v, *v as u64));
                chunks(path, c, most, row, &cell, give)?;
            }
            ColumnReader::FloatColumnReader(c) => {
                let cell = |v: &f32| Ok(Cell::Number(f64::from(*v)));
                chunks(path, c, most, row, &cell, give)?;
            }
            ColumnReader::DoubleColumnReader(c) => {
                chunks(path, c, most, row, &|v: &f64| Ok(Cell::Number(*v)), give)?;
            }
            ColumnReader::ByteArrayColumnReader(c) => {
                let cell = |v: &ByteArray| -> Result<Cell, &'static str> {
                    let text = v.as_utf8().map_err(|_| "it holds bytes that are no text")?;
                    Ok(Cell::Text(text.to_owned()))
                };
                chunks(path, c, most, row, &cell, give)?;
            }
            ColumnReader::Int96ColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
                return Err(damaged(path, "a column changes its type"));
            }
        }
    }
    Ok(())
}

/// Gives the values of one row group, [`CHUNK`] rows at a time.
fn chunks<T: DataType>(
    path: &Path,
    mut reader: ColumnReaderImpl<T>,
    most: i16,
    row: &mut u64,
    cell: &dyn Fn(&T::T) -> Result<Cell, &'static str>,
    give: &mut dyn FnMut(u64, Option<Cell>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    loop {
        levels.clear();
        values.clear();
        let (rows, ..) = guard(path, || {
            reader.read_records(CHUNK, Some(&mut levels), None, &mut values)
        })?;
        if rows == 0 {
            return Ok(());
        }
        let mut values = values.iter();
        for at in 0..rows {
            *row += 1;
            let null = most > 0 && levels.get(at) != Some(&most);
            let value = if null { None } else { values.next() };
            if value.is_none() && !null {
                return Err(damaged(path, "rows and values disagree"));
            }
            let cell = value.map(cell).transpose();
            give(*row, cell.map_err(|reason| damaged(path, reason))?)?;
        }
    }
}

fn too_large(path: &Path, what: &'static str, got: usize, most: usize) -> DataError {
    DataError::TableTooLarge {
        path: path.to_owned(),
        what,
        got: got as u64,
        most: most as u64,
    }
}

fn damaged(path: &Path, reason: &str) -> DataError {
    DataError::Io {
        path: path.to_owned(),
        source: Error::new(ErrorKind::InvalidData, reason.to_owned()),
    }
}

/// Runs what the crate `parquet` does on bytes of others. It returns errors for nearly all damage; where
/// it panics instead, that becomes an error here.
fn guard<T>(path: &Path, run: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, DataError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| match error {
            // What a codec that is not built in answers.
            ParquetError::NYI(reason) => damaged(path, &reason),
            error => damaged(path, &error.to_string()),
        }),
        Err(_) => Err(damaged(path, "is damaged")),
    }
}

#[cfg(test)]
mod tests {
    use crate::table::{Missing, Table, TableOptions};
    use ::parquet::data_type::{BoolType, ByteArrayType, DoubleType, Int64Type};
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;
    use std::sync::Arc;

    /// A file of a column of each kind; `y` is the class.
    fn file() -> Vec<u8> {
        let schema = "message schema {
            REQUIRED DOUBLE a; OPTIONAL INT64 b; REQUIRED BOOLEAN c; OPTIONAL BYTE_ARRAY d (UTF8);
            REQUIRED BYTE_ARRAY y (UTF8); REQUIRED INT32 day (DATE);
        }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
        for _ in 0..2 {
            let mut group = file.next_row_group().unwrap();
            macro_rules! column {
                ($kind:ty, $values:expr, $levels:expr) => {
                    let mut column = group.next_column().unwrap().unwrap();
                    let written = column.typed::<$kind>().write_batch(&$values, $levels, None);
                    written.unwrap();
                    column.close().unwrap();
                };
            }
            column!(DoubleType, [1.5, f64::NAN, -2.0], None);
            column!(Int64Type, [7, 9], Some(&[1, 0, 1]));
            column!(BoolType, [true, false, true], None);
            column!(ByteArrayType, ["3".into(), " NA ".into()], Some(&[0, 1, 1]));
            column!(ByteArrayType, ["u".into(), "v".into(), "u".into()], None);
            column!(::parquet::data_type::Int32Type, [1, 2, 3], None);
            group.close().unwrap();
        }
        file.into_inner().unwrap()
    }

    fn read(bytes: &[u8], target: &str, ignore: &[&str]) -> Result<Table, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        std::fs::write(&path, bytes).unwrap();
        let options = TableOptions {
            ignore: ignore.iter().map(|name| (*name).to_owned()).collect(),
            missing: Missing::Impute,
        };
        let root = format!("{}/", folder.path().display());
        Table::read(&path, target, &options).map_err(|e| e.to_string().replace(&root, ""))
    }

    #[test]
    fn columns_by_their_types() {
        let table = read(&file(), "y", &["day"]).unwrap();
        assert_eq!(table.columns(), ["a", "b", "c", "d"]);
        assert_eq!((table.rows(), table.classes().len()), (6, 2));
        assert_eq!(table.labels(), [0, 1, 0, 0, 1, 0]);
        assert_eq!(table.missing(), [2, 2, 0, 4]);
        assert_eq!(table.row(0).unwrap()[..3], [1.5, 7.0, 1.0]);
        assert_eq!(table.row(4).unwrap()[2..], [0.0, 3.0]);
        // A target of another kind.
        let table = read(&file(), "c", &["day", "y", "d"]).unwrap();
        assert_eq!(table.classes(), ["false", "true"]);
    }

    #[test]
    fn faults_name_column_and_row() {
        for (target, ignore, says) in [
            ("y", &[][..], "column `day` holds dates, times or decimals"),
            ("c", &["day"], "line 1"),
            ("kind", &["day"], "no column `kind`"),
            ("d", &["day", "y"], "`d`"),
        ] {
            let error = read(&file(), target, ignore).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_file_cut_or_changed_anywhere_is_an_error_or_a_table() {
        let whole = file();
        for len in 0..whole.len() {
            assert!(read(&whole[..len], "y", &["day"]).is_err(), "cut to {len}");
        }
        let mut bytes = whole;
        for at in 0..bytes.len() {
            let bit = 1 << (at % 8);
            bytes[at] ^= bit;
            let _ = read(&bytes, "y", &["day"]);
            bytes[at] ^= bit;
        }
    }
}
