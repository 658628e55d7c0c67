//! A table in memory.

use std::path::Path;

use super::columns::Header;
use super::file::{Plan, Rows, read_file};
use super::preprocess::TablePreprocess;
use super::target;
use crate::{DataError, Split, SplitSample};

/// What to do with missing feature values: an empty field, `?`, `NA`, `N/A`, `#N/A`, `<NA>`, `NaN`,
/// `null`, `None`, in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// Put the column's median over the training rows in their place.
    #[default]
    Impute,
    /// Refuse the table.
    Refuse,
}

/// How a table is read for training.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// Columns left out, by name; a column without a name is called `column 3`, counted from 1.
    pub ignore: Vec<String>,
    /// What to do with missing feature values.
    pub missing: Missing,
}

/// Numeric features and a class for each row of a CSV, TSV or Parquet file.
///
/// The file is UTF-8, with or without byte order mark, of up to 1 GiB and 10,000 columns, with a
/// header line. `.tsv` and `.tab` files are split at tabs; in others the delimiter is the one of
/// `,`, `;` and tab that the header line has most of. Rows are counted from 1, without the header;
/// errors give the file's lines.
///
/// A `.parquet` file (feature `parquet`) has numbers, booleans (0 and 1) and strings, which are read as the
/// fields of a CSV file are; nulls are missing; errors give rows in place of lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    columns: Vec<String>,
    /// Row by row; NaN where missing.
    values: Vec<f64>,
    labels: Vec<usize>,
    classes: Vec<String>,
    ids: Vec<String>,
}

impl Table {
    /// Reads a table to train on: `target` is the class, every other column not ignored a feature.
    ///
    /// Classes are the distinct values of the target, sorted as numbers where all are, else as
    /// text.
    ///
    /// # Errors
    /// A fault of the file ([`DataError::PathMissing`], [`DataError::NotATable`],
    /// [`DataError::TableTooLarge`], [`DataError::EmptyTable`], [`DataError::RaggedRow`],
    /// [`DataError::TableNotUtf8`], [`DataError::Io`]), of its columns
    /// ([`DataError::DuplicateColumn`], [`DataError::UnnamedColumn`], [`DataError::NoSuchColumn`],
    /// [`DataError::TargetIgnored`], [`DataError::NoFeatures`]), of a feature
    /// ([`DataError::NotANumber`], [`DataError::Infinite`], [`DataError::MissingValues`]) or of the
    /// target ([`DataError::MissingTarget`], [`DataError::ContinuousTarget`],
    /// [`DataError::OneClassTarget`], [`DataError::SmallClass`]).
    ///
    /// # Example
    /// ```
    /// use onggi_data::table::{Table, TableOptions};
    ///
    /// let path = std::env::temp_dir().join("onggi-doc-table.csv");
    /// std::fs::write(&path, "length,width,kind\n1,2,b\n3,,a\n5,6,a\n7,8,b\n")?;
    /// let table = Table::read(&path, "kind", &TableOptions::default())?;
    /// assert_eq!(table.classes(), ["a", "b"]);
    /// assert_eq!(table.labels(), [1, 0, 0, 1]);
    /// assert_eq!(table.missing(), [0, 1]);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: &Path, target: &str, options: &TableOptions) -> Result<Self, DataError> {
        let plan = |header: &Header<'_>| {
            let target_at = header.find(target)?;
            let mut ignored = vec![false; header.names().len()];
            for name in &options.ignore {
                ignored[header.find(name)?] = true;
            }
            if ignored[target_at] {
                return Err(DataError::TargetIgnored {
                    target: target.to_owned(),
                });
            }
            let features: Vec<usize> = (0..ignored.len())
                .filter(|&i| i != target_at && !ignored[i])
                .collect();
            if features.is_empty() {
                return Err(DataError::NoFeatures {
                    path: path.to_owned(),
                });
            }
            features
                .iter()
                .try_for_each(|&i| header.refuse_unnamed(i))?;
            Ok(Plan {
                features,
                target: Some(target_at),
            })
        };
        let (rows, columns) = read_file(path, plan)?;
        let classes = target::classes(path, target, &rows.targets)?;
        let labels = target::labels(
            path,
            target,
            &rows.targets,
            |row| rows.line(path, row),
            &classes,
        )?;
        target::refuse_single(path, &labels, &classes)?;
        Self::join(path, rows, columns, labels, classes, options.missing)
    }

    /// Reads a table for a trained model: the columns of `preprocess`, found by name, in any order
    /// and among others.
    ///
    /// With `target`, the name of a column and the model's classes, the rows get their labels;
    /// without, [`Table::labels`] is empty.
    ///
    /// # Errors
    /// Those of [`Table::read`] that concern the file and the columns wanted, and
    /// [`DataError::UnknownClass`].
    pub fn read_for(
        path: &Path,
        preprocess: &TablePreprocess,
        target: Option<(&str, &[String])>,
        missing: Missing,
    ) -> Result<Self, DataError> {
        let plan = |header: &Header<'_>| {
            let features = preprocess.columns().iter().map(|name| header.find(name));
            Ok(Plan {
                features: features.collect::<Result<_, _>>()?,
                target: target.map(|(name, _)| header.find(name)).transpose()?,
            })
        };
        let (rows, columns) = read_file(path, plan)?;
        let (labels, classes) = match target {
            Some((name, classes)) => {
                let labels = target::labels(
                    path,
                    name,
                    &rows.targets,
                    |row| rows.line(path, row),
                    classes,
                )?;
                (labels, classes.to_vec())
            }
            None => (Vec::new(), Vec::new()),
        };
        Self::join(path, rows, columns, labels, classes, missing)
    }

    fn join(
        path: &Path,
        mut rows: Rows,
        columns: Vec<String>,
        labels: Vec<usize>,
        classes: Vec<String>,
        missing: Missing,
    ) -> Result<Self, DataError> {
        let ids = (1..=rows.len()).map(|row| format!("row {row}")).collect();
        let table = Self {
            columns,
            values: std::mem::take(&mut rows.values),
            labels,
            classes,
            ids,
        };
        let counts = table.missing();
        match counts.iter().position(|&count| count > 0) {
            Some(i) if missing == Missing::Refuse => {
                let row = table.column(i).position(f64::is_nan).unwrap_or(0);
                Err(DataError::MissingValues {
                    path: path.to_owned(),
                    column: table.columns[i].clone(),
                    count: counts[i],
                    line: rows.line(path, row),
                })
            }
            _ => Ok(table),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.ids.len()
    }

    /// Names of the feature columns, in their order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Label of each row: a position in [`Table::classes`].
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Class names, in label order.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Name of each row: `row 17`.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Missing values of each feature column.
    pub fn missing(&self) -> Vec<usize> {
        let mut counts = vec![0; self.columns.len()];
        for row in self.values.chunks_exact(self.columns.len()) {
            for (count, v) in counts.iter_mut().zip(row) {
                *count += usize::from(v.is_nan());
            }
        }
        counts
    }

    /// Names of the feature columns that have one value only in `rows`, missing ones aside.
    ///
    /// # Errors
    /// [`DataError::Index`] for a row that is not there.
    pub fn constant_columns(&self, rows: &[usize]) -> Result<Vec<&str>, DataError> {
        let rows = rows
            .iter()
            .map(|&i| self.row(i))
            .collect::<Result<Vec<_>, _>>()?;
        let constant = |&k: &usize| {
            let mut values = rows.iter().map(|row| row[k]).filter(|v| !v.is_nan());
            let first = values.next();
            values.all(|v| Some(v) == first)
        };
        Ok((0..self.columns.len())
            .filter(constant)
            .map(|k| self.columns[k].as_str())
            .collect())
    }

    /// The rows as [`SplitMap::cut`](crate::SplitMap::cut) takes them.
    pub fn split_samples(&self) -> Vec<SplitSample<'_>> {
        let labels = self.labels.iter().copied().chain(std::iter::repeat(0));
        self.ids
            .iter()
            .zip(labels)
            .map(|(id, label)| SplitSample {
                id,
                label,
                given: Split::Train,
            })
            .collect()
    }

    /// Values of row `index`; NaN where missing.
    pub fn row(&self, index: usize) -> Result<&[f64], DataError> {
        let (n, len) = (self.columns.len(), self.rows());
        if index >= len {
            return Err(DataError::Index { index, len });
        }
        Ok(&self.values[index * n..(index + 1) * n])
    }

    fn column(&self, i: usize) -> impl Iterator<Item = f64> {
        self.values
            .iter()
            .skip(i)
            .step_by(self.columns.len())
            .copied()
    }
}

#[cfg(test)]
pub(super) mod tests;
