//! Features as a file: CSV, Parquet, NumPy.

use super::Found;
use crate::failure::{Failure, usage};
use onggi_train::linear::DenseRows;
use onggi_train::run::{write_json, write_whole};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What a file's name says that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    Npy,
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Format {
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|end| end.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("npy") => Ok(Self::Npy),
            #[cfg(feature = "parquet")]
            Some("parquet") => Ok(Self::Parquet),
            _ => usage("--out must end in .csv, .parquet or .npy"),
        }
    }
}

/// Writes the file, and beside one of numbers alone what they are of.
pub(super) fn write(
    path: &Path,
    format: Format,
    found: &Found,
    model: &str,
) -> Result<(), Failure> {
    match format {
        Format::Csv => write_whole(path, csv(found).as_bytes())?,
        #[cfg(feature = "parquet")]
        Format::Parquet => write_whole(path, &parquet::bytes(found)?)?,
        Format::Npy => {
            let beside = PathBuf::from(format!("{}.json", path.display()));
            let key = format!("{}s", found.key);
            let about =
                serde_json::json!({key: found.ids, "classes": found.classes, "model": model});
            write_json(&beside, &about)?;
            write_whole(path, &npy(&found.features))?;
        }
    }
    Ok(())
}

/// `path,class,f0,f1,…`.
fn csv(found: &Found) -> String {
    let quoted = |text: &str| match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let mut out = String::from(found.key);
    // Writing to a string does not fail.
    if found.classes.is_some() {
        let _ = write!(out, ",{}", quoted(&found.class));
    }
    for column in 0..found.features.columns() {
        let _ = write!(out, ",f{column}");
    }
    for (i, id) in found.ids.iter().enumerate() {
        let _ = write!(out, "\n{}", quoted(id));
        if let Some(classes) = &found.classes {
            let _ = write!(out, ",{}", quoted(&classes[i]));
        }
        for value in found.features.row(i) {
            let _ = write!(out, ",{value}");
        }
    }
    out.push('\n');
    out
}

/// NumPy's format 1.0: magic, version, length of the header, the header padded to 64 bytes, the numbers.
fn npy(features: &DenseRows) -> Vec<u8> {
    let (n, f) = (features.rows(), features.columns());
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {f}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    features
        .values()
        .iter()
        .for_each(|v| out.extend(v.to_le_bytes()));
    out
}

#[cfg(feature = "parquet")]
mod parquet {
    //! The columns of the CSV file: the first ones of strings, the others `float`.

    use super::Found;
    use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
    use ::parquet::data_type::{ByteArray, ByteArrayType, FloatType};
    use ::parquet::errors::ParquetError;
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::types::Type;
    use std::sync::Arc;

    pub(super) fn bytes(found: &Found) -> Result<Vec<u8>, anyhow::Error> {
        write(found).map_err(|e| anyhow::anyhow!("--out: {e}"))
    }

    fn write(found: &Found) -> Result<Vec<u8>, ParquetError> {
        let features = &found.features;
        let mut texts = vec![(found.key.to_owned(), &found.ids)];
        if let Some(classes) = &found.classes {
            texts.push((found.class.clone(), classes));
        }
        let mut fields = Vec::new();
        for (name, _) in &texts {
            let field = Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
                .with_repetition(Repetition::REQUIRED)
                .with_logical_type(Some(LogicalType::String));
            fields.push(Arc::new(field.build()?));
        }
        for column in 0..features.columns() {
            let name = format!("f{column}");
            let field = Type::primitive_type_builder(&name, Physical::FLOAT)
                .with_repetition(Repetition::REQUIRED);
            fields.push(Arc::new(field.build()?));
        }
        let root = Type::group_type_builder("schema").with_fields(fields);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("onggi ", env!("CARGO_PKG_VERSION")).to_owned());
        let (root, properties) = (Arc::new(root.build()?), Arc::new(properties.build()));
        let mut file = SerializedFileWriter::new(Vec::new(), root, properties)?;
        let mut group = file.next_row_group()?;
        let missing = || ParquetError::General("a column is missing".to_owned());
        for (_, values) in &texts {
            let values: Vec<ByteArray> = values.iter().map(|v| v.as_str().into()).collect();
            let mut column = group.next_column()?.ok_or_else(missing)?;
            column
                .typed::<ByteArrayType>()
                .write_batch(&values, None, None)?;
            column.close()?;
        }
        for i in 0..features.columns() {
            let values: Vec<f32> = (0..features.rows()).map(|r| features.row(r)[i]).collect();
            let mut column = group.next_column()?.ok_or_else(missing)?;
            column
                .typed::<FloatType>()
                .write_batch(&values, None, None)?;
            column.close()?;
        }
        group.close()?;
        file.into_inner()
    }
}
