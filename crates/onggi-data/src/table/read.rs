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
pub(super) mod tests {
    use super::*;

    /// Writes `text` to a file of that name and reads it.
    pub(in crate::table) fn read(
        name: &str,
        text: &[u8],
        options: &TableOptions,
    ) -> Result<Table, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let root = format!("{}/", folder.path().display());
        Table::read(&path, "y", options).map_err(|e| e.to_string().replace(&root, ""))
    }

    fn ok(name: &str, text: &str) -> Table {
        read(name, text.as_bytes(), &TableOptions::default()).unwrap()
    }

    #[test]
    fn delimiters_byte_order_marks_and_quotes() {
        let want = ok("x.csv", "a,b,y\n1,2,u\n3,4,v\n1,2,u\n3,4,v\n");
        assert_eq!(want.columns(), ["a", "b"]);
        assert_eq!(want.values, [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(want.ids()[3], "row 4");
        for (name, text) in [
            ("x.csv", "\u{feff}a;b;y\n1;2;u\n3;4;v\n1;2;u\n3;4;v"),
            ("x.tsv", "a\tb\ty\n1\t2\tu\n3\t4\tv\n1\t2\tu\n3\t4\tv\n"),
            (
                "x.txt",
                "a\tb\ty\r\n1\t2\tu\r\n3\t4\tv\r\n1\t2\tu\r\n3\t4\tv\r\n",
            ),
            (
                "x.csv",
                "\"a\", b ,\"y\"\n 1,\"2\",u\n\n3,4e0,v\n+1,2.,u\n3,4,\"v\"\n",
            ),
        ] {
            assert_eq!(ok(name, text), want, "{name} {text}");
        }
        assert_eq!(
            ok("x.csv", "\"p;q;r\",y\n1,u\n2,v\n1,u\n2,v\n").columns(),
            ["p;q;r"]
        );
    }

    #[test]
    fn missing_values_are_counted_or_refused() {
        let text = "a,b,y\n,2,u\nNA,4,v\n?,nan,u\nNULL,4,v\n5,-4,u\n";
        let table = ok("x.csv", text);
        assert_eq!(table.missing(), [4, 1]);
        assert_eq!(table.row(4).unwrap(), [5.0, -4.0]);
        let refusing = TableOptions {
            missing: Missing::Refuse,
            ..TableOptions::default()
        };
        assert_eq!(
            read("x.csv", text.as_bytes(), &refusing).unwrap_err(),
            "x.csv: column `a` has 4 missing values, the first in line 2; fill them, ignore the \
             column, or allow imputation"
        );
    }

    /// Found on tables written by spreadsheets and by Python.
    #[test]
    fn missing_values_have_many_names() {
        let text = "a,y\nN/A,u\n#N/A,v\n<NA>,u\nn/a,v\nNone,u\n1,None\n2,None\n3,v\n";
        let table = ok("x.csv", text);
        assert_eq!(table.missing(), [5]);
        assert_eq!(table.classes(), ["None", "u", "v"]);
        assert_eq!(
            read("x.csv", b"a,y\n1,N/A\n", &TableOptions::default()).unwrap_err(),
            "x.csv: line 2: the target `y` is missing; fill it or remove the row"
        );
    }

    /// A field of 900 MB filled the terminal.
    #[test]
    fn long_fields_are_not_quoted_whole() {
        let long = "字".repeat(5_000);
        for text in [
            format!("a,y\n{long},u\n"),
            format!("{long},{long}2\n1,u\n"),
            format!("a,y\n1,{long}\n2,{long}\n"),
        ] {
            let refusal = read("x.csv", text.as_bytes(), &TableOptions::default()).unwrap_err();
            assert!(
                refusal.contains('…') && refusal.len() < 600,
                "{} bytes",
                refusal.len()
            );
        }
    }

    #[test]
    fn every_fault_is_one_clear_line() {
        let cases: [(&[u8], &str); 18] = [
            (
                b"",
                "x.csv: the file is empty; expected a header line and at least one row",
            ),
            (b"a,y\n", "x.csv: there are no rows; expected a header line"),
            (
                b"a,y\n1,u\n2,v,3\n",
                "x.csv: line 3 has 3 fields, the header 2; check its",
            ),
            (b"a,y\n1,u\n2\n", "x.csv: line 3 has 1 fields, the header 2"),
            (
                b"a,y\n1,u\n2,\xe9\n",
                "x.csv: line 3 is not UTF-8; save the file as UTF-8",
            ),
            (b"\xff\xfea\0,\0y\0\n\0", "x.csv: line 1 is not UTF-8"),
            (
                b"a,b,yy\n1,2,u\n",
                "x.csv: no column `y`, did you mean `yy`?; columns: a, b, yy",
            ),
            (
                b"a,a,y\n1,2,u\n",
                "x.csv: two columns are named `a`; rename one",
            ),
            (
                b",a,y\n1,2,u\n",
                "x.csv: column 1 has no name in the header and may be a row index",
            ),
            (b"y\nu\nv\n", "x.csv: no feature columns are left"),
            (
                b"a,y\n1,u\n\nred,v\n",
                "x.csv: column `a`, line 4: `red` is not a number; only",
            ),
            (
                b"a,y\n1,u\n-,v\n",
                "x.csv: column `a`, line 3: `-` is not a number; only",
            ),
            (
                b"a,y\n1,u\ninf,v\n",
                "x.csv: column `a`, line 3: `inf` is infinite; a finite",
            ),
            (
                b"a,y\n1e999,u\n",
                "x.csv: column `a`, line 2: `1e999` is infinite",
            ),
            (
                b"a,y\n1,u\n2,\n",
                "x.csv: line 3: the target `y` is missing; fill it",
            ),
            (
                b"a,y\n1,u\n2,u\n",
                "x.csv: the target `y` is `u` in every row; a classifier",
            ),
            (
                b"a,y\n1,u\n2,u\n3,v\n",
                "x.csv: class `v` has 1 of at least 2 training samples; add samples",
            ),
            (b"a,y\n1,u\n2,u\n3,v\n3,v\n", ""),
        ];
        for (text, words) in cases {
            let result = read("x.csv", text, &TableOptions::default());
            let shown = String::from_utf8_lossy(text);
            match result {
                Ok(_) => assert!(words.is_empty(), "{shown}: read"),
                Err(refusal) => {
                    assert!(
                        !words.is_empty() && refusal.starts_with(words),
                        "{shown}: {refusal}"
                    );
                    assert!(!refusal.contains('\n'), "{refusal}");
                }
            }
        }
        let missing = Table::read(Path::new("/no/x.csv"), "y", &TableOptions::default());
        assert!(matches!(missing, Err(DataError::PathMissing { .. })));
        let folder = tempfile::tempdir().unwrap();
        let refusal = Table::read(folder.path(), "y", &TableOptions::default());
        assert!(matches!(refusal, Err(DataError::NotATable { .. })));
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        for text in [
            "a,b,y\r\n1,2,u\r\n\r\n\r\nred,2,v\r\n",
            "\u{feff}a,b,y\n\n1,2,u\n\nred,2,v",
            "a,b,y\r1,2,u\r\r\rred,2,v\r",
            "a,b,y\n1,2,\"two\n\nlines\"\nred,2,v\n",
        ] {
            let refusal = read("x.csv", text.as_bytes(), &TableOptions::default()).unwrap_err();
            assert!(
                refusal.starts_with("x.csv: column `a`, line 5: `red`"),
                "{text:?}: {refusal}"
            );
            let ragged = text.replace("red,2,v", "red,v");
            let refusal = read("x.csv", ragged.as_bytes(), &TableOptions::default()).unwrap_err();
            assert!(
                refusal.starts_with("x.csv: line 5 has 2 fields"),
                "{text:?}: {refusal}"
            );
        }
    }

    #[test]
    fn ignored_columns_are_not_read() {
        let text = b",name,a,y\n0,x,1,u\n1,z,2,v\n2,x,3,u\n3,z,4,v\n";
        let ignoring = |names: &[&str]| TableOptions {
            ignore: names.iter().map(|&n| n.to_owned()).collect(),
            ..TableOptions::default()
        };
        let table = read("x.csv", text, &ignoring(&["column 1", "name"])).unwrap();
        assert_eq!(table.columns(), ["a"]);
        let refusal = read("x.csv", text, &ignoring(&["nmae"])).unwrap_err();
        assert!(refusal.contains("no column `nmae`"), "{refusal}");
        let refusal = read("x.csv", text, &ignoring(&["y"])).unwrap_err();
        assert!(
            refusal.contains("target `y` is among the ignored"),
            "{refusal}"
        );
    }

    #[test]
    fn too_many_columns_are_refused() {
        let names: Vec<String> = (0..10_001).map(|i| format!("c{i}")).collect();
        let text = format!("{},y\n", names.join(","));
        let refusal = read("x.csv", text.as_bytes(), &TableOptions::default()).unwrap_err();
        assert_eq!(
            refusal,
            "x.csv: the number of columns is 10002, more than the 10000 taken"
        );
    }

    #[test]
    fn constant_columns_are_told() {
        let table = ok("x.csv", "a,b,c,y\n1,5,,u\n1,6,2,v\n1,5,2,u\n2,5,2,v\n");
        assert_eq!(table.constant_columns(&[0, 1, 2]).unwrap(), ["a", "c"]);
        assert_eq!(table.constant_columns(&[0, 2, 3]).unwrap(), ["b", "c"]);
        assert!(table.constant_columns(&[4]).is_err());
    }
}
