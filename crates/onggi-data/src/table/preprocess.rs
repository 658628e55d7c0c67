//! What brings a row into the form a model was trained on, to be saved with the model.

use serde::{Deserialize, Serialize};

use super::read::Table;
use crate::DataError;

/// Medians, means and standard deviations of a model's columns, fitted on the training rows.
///
/// A missing value becomes the column's median `m`, then `y = (x − mean) / std`. A column that is
/// constant in the training rows gets the standard deviation 1.
///
/// # Example
/// ```
/// use onggi_data::table::TablePreprocess;
///
/// let json = r#"{"columns":["a"],"medians":[2.0],"means":[2.5],"stds":[1.5]}"#;
/// let preprocess: TablePreprocess = serde_json::from_str(json)?;
/// assert_eq!(preprocess.columns(), ["a"]);
/// assert_eq!(serde_json::to_string(&preprocess)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct TablePreprocess {
    columns: Vec<String>,
    medians: Vec<f64>,
    means: Vec<f64>,
    stds: Vec<f64>,
}

/// The form in a file, not yet checked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    columns: Vec<String>,
    medians: Vec<f64>,
    means: Vec<f64>,
    stds: Vec<f64>,
}

impl TablePreprocess {
    /// Fits on the given rows of a table: the training rows, and no others.
    ///
    /// The standard deviation is that of the population, after imputation.
    ///
    /// # Errors
    /// [`DataError::EmptyDataset`] without rows, [`DataError::Index`] for a row that is not there,
    /// [`DataError::NoValues`] for a column without a single value in them.
    pub fn fit(table: &Table, rows: &[usize]) -> Result<Self, DataError> {
        if rows.is_empty() {
            return Err(DataError::EmptyDataset);
        }
        let rows = rows
            .iter()
            .map(|&i| table.row(i))
            .collect::<Result<Vec<_>, _>>()?;
        let n = table.columns().len();
        let mut fitted = Self {
            columns: table.columns().to_vec(),
            medians: Vec::with_capacity(n),
            means: Vec::with_capacity(n),
            stds: Vec::with_capacity(n),
        };
        for k in 0..n {
            let mut column: Vec<f64> = rows.iter().map(|row| row[k]).collect();
            let median = median(&column).ok_or_else(|| DataError::NoValues {
                column: table.columns()[k].clone(),
            })?;
            column
                .iter_mut()
                .filter(|v| v.is_nan())
                .for_each(|v| *v = median);
            let (mean, std) = mean_std(&column);
            fitted.medians.push(median);
            fitted.means.push(mean);
            fitted.stds.push(std);
        }
        Ok(fitted)
    }

    /// Names of the columns, in the order the model takes them.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// What takes the place of a missing value, a column.
    pub fn medians(&self) -> &[f64] {
        &self.medians
    }

    /// What is subtracted, a column.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// What is then divided by, a column.
    pub fn stds(&self) -> &[f64] {
        &self.stds
    }

    /// Imputes and standardises one row: `columns().len()` values each.
    pub(super) fn write(&self, row: &[f64], out: &mut Vec<f32>) {
        out.extend(row.iter().enumerate().map(|(k, &v)| {
            let x = if v.is_nan() { self.medians[k] } else { v };
            ((x - self.means[k]) / self.stds[k]) as f32
        }));
    }
}

/// The middle of the values that are there; of two, their mean.
fn median(column: &[f64]) -> Option<f64> {
    let mut values: Vec<f64> = column.iter().copied().filter(|v| !v.is_nan()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    match (n, n % 2) {
        (0, _) => None,
        (_, 1) => Some(values[n / 2]),
        _ => Some(values[n / 2 - 1] / 2.0 + values[n / 2] / 2.0),
    }
}

/// Mean and population standard deviation; 1 for the latter where all values are equal. Deviations
/// are scaled by the largest, so that squares neither overflow nor vanish.
fn mean_std(column: &[f64]) -> (f64, f64) {
    let n = column.len() as f64;
    if column.iter().all(|&v| v == column[0]) {
        return (column[0], 1.0);
    }
    let mean = column.iter().map(|v| v / n).sum::<f64>();
    let largest = column.iter().fold(0.0, |a: f64, v| a.max((v - mean).abs()));
    let squares = column
        .iter()
        .map(|v| ((v - mean) / largest).powi(2))
        .sum::<f64>();
    (mean, largest * (squares / n).sqrt())
}

impl TryFrom<Saved> for TablePreprocess {
    type Error = DataError;
    fn try_from(saved: Saved) -> Result<Self, DataError> {
        let Saved {
            columns,
            medians,
            means,
            stds,
        } = saved;
        let n = columns.len();
        if n == 0 || medians.len() != n || means.len() != n || stds.len() != n {
            let reason = format!(
                "{n} columns, {} medians, {} means and {} stds; one of each a column is needed",
                medians.len(),
                means.len(),
                stds.len()
            );
            return Err(DataError::Preprocess { reason });
        }
        for k in 0..n {
            let finite = [medians[k], means[k], stds[k]]
                .iter()
                .all(|v| v.is_finite());
            if !finite || stds[k] <= 0.0 {
                let reason = format!("column `{}` needs finite figures, std above 0", columns[k]);
                return Err(DataError::Preprocess { reason });
            }
        }
        Ok(Self {
            columns,
            medians,
            means,
            stds,
        })
    }
}

impl From<TablePreprocess> for Saved {
    fn from(p: TablePreprocess) -> Self {
        Self {
            columns: p.columns,
            medians: p.medians,
            means: p.means,
            stds: p.stds,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::table::TableOptions;
    use crate::table::read::tests::read;

    #[test]
    fn fits_on_the_given_rows_only() {
        let text = b"a,b,y\n1,7,u\n,7,v\n4,7,u\n4,7,v\n1000,8,u\n";
        let table = read("x.csv", text, &TableOptions::default()).unwrap();
        let fitted = TablePreprocess::fit(&table, &[0, 1, 2, 3]).unwrap();
        assert_eq!(fitted.medians, [4.0, 7.0]);
        assert_eq!(fitted.means, [3.25, 7.0]);
        assert!((fitted.stds[0] - 1.6875f64.sqrt()).abs() < 1e-12);
        assert_eq!(fitted.stds[1], 1.0, "constant");
        assert!(matches!(
            TablePreprocess::fit(&table, &[]),
            Err(DataError::EmptyDataset)
        ));
        assert!(matches!(
            TablePreprocess::fit(&table, &[1]),
            Err(DataError::NoValues { column }) if column == "a"
        ));
        assert!(matches!(
            TablePreprocess::fit(&table, &[5]),
            Err(DataError::Index { index: 5, len: 5 })
        ));
    }

    #[test]
    fn medians_of_even_counts_and_extremes() {
        assert_eq!(median(&[3.0, f64::NAN, 1.0]), Some(2.0));
        assert_eq!(median(&[f64::NAN]), None);
        for scale in [1e-200, 1.0, 1e200] {
            let (mean, std) = mean_std(&[-scale, scale]);
            assert_eq!((mean, std), (0.0, scale));
        }
    }

    #[test]
    fn saved_figures_are_checked() {
        for (json, words) in [
            (
                r#"{"columns":["a"],"medians":[],"means":[0],"stds":[1]}"#,
                "1 columns, 0 medians",
            ),
            (
                r#"{"columns":["a"],"medians":[0],"means":[0],"stds":[0]}"#,
                "std above 0",
            ),
            (
                r#"{"columns":[],"medians":[],"means":[],"stds":[]}"#,
                "0 columns",
            ),
        ] {
            let refusal = serde_json::from_str::<TablePreprocess>(json)
                .unwrap_err()
                .to_string();
            assert!(refusal.contains(words), "{refusal}");
        }
    }

    proptest! {
        #[test]
        fn training_rows_end_up_standardised(
            column in proptest::collection::vec(-1e6f64..1e6, 2..50),
        ) {
            let (mean, std) = mean_std(&column);
            let y: Vec<f64> = column.iter().map(|v| (v - mean) / std).collect();
            let n = y.len() as f64;
            prop_assert!((y.iter().sum::<f64>() / n).abs() < 1e-6);
            prop_assert!((y.iter().map(|v| v * v).sum::<f64>() / n - 1.0).abs() < 1e-6);
        }
    }
}
