//! Rows of a table as a [`Dataset`].

use super::preprocess::TablePreprocess;
use super::read::Table;
use crate::{DataError, Dataset, View};

/// Some rows of a table, imputed and standardised: samples of shape `[F]`.
///
/// Both views are the same: tables are not augmented. Labels are 0 where the table has none.
#[derive(Clone, Debug, PartialEq)]
pub struct TableDataset {
    /// Row by row.
    x: Vec<f32>,
    labels: Vec<usize>,
    sources: Vec<String>,
    num_classes: usize,
    features: usize,
}

impl TableDataset {
    /// Standardises `rows` of `table`.
    ///
    /// # Errors
    /// [`DataError::Preprocess`] where the table's columns are not those of `preprocess`, in their
    /// order; [`DataError::Index`] for a row that is not there.
    pub fn new(
        table: &Table,
        rows: &[usize],
        preprocess: &TablePreprocess,
    ) -> Result<Self, DataError> {
        if table.columns() != preprocess.columns() {
            let reason = format!(
                "columns are {}, expected {}; read the table with Table::read_for",
                table.columns().join(", "),
                preprocess.columns().join(", ")
            );
            return Err(DataError::Preprocess { reason });
        }
        let features = table.columns().len();
        let mut x = Vec::with_capacity(rows.len() * features);
        for &i in rows {
            preprocess.write(table.row(i)?, &mut x);
        }
        Ok(Self {
            x,
            labels: rows
                .iter()
                .map(|&i| table.labels().get(i).copied().unwrap_or(0))
                .collect(),
            sources: rows.iter().map(|&i| table.ids()[i].clone()).collect(),
            num_classes: table.classes().len(),
            features,
        })
    }
}

impl Dataset for TableDataset {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn sample_shape(&self) -> Vec<usize> {
        vec![self.features]
    }

    fn label(&self, index: usize) -> usize {
        self.labels[index]
    }

    fn num_classes(&self) -> usize {
        self.num_classes
    }

    fn source(&self, index: usize) -> String {
        self.sources[index].clone()
    }

    fn load(&self, index: usize, _: View, out: &mut [f32]) -> Result<(), DataError> {
        if out.len() != self.features {
            return Err(DataError::Buffer {
                expected: self.features,
                got: out.len(),
            });
        }
        if index >= self.len() {
            return Err(DataError::Index {
                index,
                len: self.len(),
            });
        }
        out.copy_from_slice(&self.x[index * self.features..(index + 1) * self.features]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Missing, TableOptions};

    fn write(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn rows(dataset: &TableDataset) -> Vec<Vec<f32>> {
        let mut out = vec![0.0; dataset.sample_shape()[0]];
        let load = |i| {
            dataset.load(i, View::Eval, &mut out).unwrap();
            out.clone()
        };
        (0..dataset.len()).map(load).collect()
    }

    #[test]
    fn standardises_and_names_its_rows() {
        let (_folder, path) = write("a,b,y\n1,0,u\n3,0,v\n1,,u\n3,9,v\n");
        let table = Table::read(&path, "y", &TableOptions::default()).unwrap();
        let fitted = TablePreprocess::fit(&table, &[0, 1]).unwrap();
        let dataset = TableDataset::new(&table, &[1, 2, 3], &fitted).unwrap();
        assert_eq!(rows(&dataset), [[1.0, 0.0], [-1.0, 0.0], [1.0, 9.0]]);
        assert_eq!(
            (dataset.source(1), dataset.label(1)),
            ("row 3".to_owned(), 0)
        );
        assert_eq!((dataset.num_classes(), dataset.len()), (2, 3));
        let mut short = [0.0; 1];
        assert!(matches!(
            dataset.load(0, View::Eval, &mut short),
            Err(DataError::Buffer {
                expected: 2,
                got: 1
            })
        ));
        let mut out = [0.0; 2];
        assert!(matches!(
            dataset.load(3, View::Eval, &mut out),
            Err(DataError::Index { index: 3, len: 3 })
        ));
    }

    #[test]
    fn another_file_is_matched_by_name() {
        let (_folder, path) = write("a,b,y\n1,10,u\n3,30,v\n1,10,u\n3,30,v\n");
        let table = Table::read(&path, "y", &TableOptions::default()).unwrap();
        let fitted = TablePreprocess::fit(&table, &[0, 1, 2, 3]).unwrap();
        let same = rows(&TableDataset::new(&table, &[0, 1], &fitted).unwrap());

        let (_folder, other) = write("name,b,a\nx,10,1\nz,30,3\n,,\n");
        let unlabelled = Table::read_for(&other, &fitted, None, Missing::Impute).unwrap();
        let dataset = TableDataset::new(&unlabelled, &[0, 1, 2], &fitted).unwrap();
        assert_eq!(rows(&dataset)[..2], same);
        assert_eq!(rows(&dataset)[2], [0.0, 0.0], "medians");
        assert_eq!(dataset.label(1), 0);
        assert!(matches!(
            Table::read_for(&other, &fitted, None, Missing::Refuse),
            Err(DataError::MissingValues { line: 4, .. })
        ));

        let classes = table.classes();
        let (_folder, labelled) = write("y,b,a\nv,10,1\n");
        let target = Some(("y", classes));
        let one = Table::read_for(&labelled, &fitted, target, Missing::Impute).unwrap();
        assert_eq!((one.labels(), one.classes()), (&[1][..], classes));
        assert!(matches!(
            Table::read_for(&other, &fitted, target, Missing::Impute),
            Err(DataError::NoSuchColumn { .. })
        ));
        let (_folder, fewer) = write("a,y\n1,u\n");
        assert!(matches!(
            Table::read_for(&fewer, &fitted, None, Missing::Impute),
            Err(DataError::NoSuchColumn { name, .. }) if name == "b"
        ));
        let (_folder, swapped) = write("b,a,y\n10,1,u\n30,3,v\n10,1,u\n30,3,v\n");
        let swapped = Table::read(&swapped, "y", &TableOptions::default()).unwrap();
        assert!(matches!(
            TableDataset::new(&swapped, &[0], &fitted),
            Err(DataError::Preprocess { .. })
        ));
    }
}
