//! Rows of which most values are zero.

use rayon::prelude::*;

use crate::DataError;

/// A matrix by its rows' non-zero values: compressed sparse rows.
///
/// # Example
/// ```
/// use onggi_data::text::SparseRows;
///
/// let mut x = SparseRows::new(4);
/// x.push(&[(1, 0.5), (3, 2.0)])?;
/// x.push(&[])?;
/// assert_eq!((x.rows(), x.columns(), x.len()), (2, 4, 2));
/// assert_eq!(x.row(0).collect::<Vec<_>>(), [(1, 0.5), (3, 2.0)]);
/// # Ok::<(), onggi_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SparseRows {
    columns: usize,
    /// Where each row begins in the two lists below; one more than there are rows.
    starts: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f64>,
}

impl SparseRows {
    /// No rows yet, of `columns` columns; at most 2³².
    pub fn new(columns: usize) -> Self {
        Self {
            columns,
            starts: vec![0],
            indices: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Adds a row: columns in rising order and their values.
    ///
    /// # Errors
    /// [`DataError::Range`] for columns that do not rise or are not there, and for values that are
    /// not finite.
    pub fn push(&mut self, row: &[(u32, f64)]) -> Result<(), DataError> {
        let rising = row.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let last = row.last().map_or(0, |&(column, _)| column as usize + 1);
        if !rising || last > self.columns {
            return Err(DataError::Range {
                what: "columns of a sparse row",
                expected: "rising and below the number of columns",
                got: format!("a last of {last} in {}", self.columns),
            });
        }
        if let Some((_, value)) = row.iter().find(|(_, value)| !value.is_finite()) {
            return Err(DataError::Range {
                what: "values of a sparse row",
                expected: "finite",
                got: value.to_string(),
            });
        }
        self.extend(row);
        Ok(())
    }

    /// [`SparseRows::push`] of a row that is known to fit.
    pub(super) fn extend(&mut self, row: &[(u32, f64)]) {
        self.indices.extend(row.iter().map(|&(column, _)| column));
        self.values.extend(row.iter().map(|&(_, value)| value));
        self.starts.push(self.indices.len());
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of values that are written down.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether no value is written down.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Columns and values of row `index`, by rising column; nothing for a row that is not there.
    pub fn row(&self, index: usize) -> impl ExactSizeIterator<Item = (usize, f64)> {
        let range = match self.starts.get(index..index + 2) {
            Some(&[start, end]) => start..end,
            _ => 0..0,
        };
        let columns = self.indices[range.clone()].iter().map(|&c| c as usize);
        columns.zip(self.values[range].iter().copied())
    }

    /// The rows at `indices`, in that order.
    ///
    /// # Errors
    /// [`DataError::Index`] for a row that is not there.
    pub fn select(&self, indices: &[usize]) -> Result<Self, DataError> {
        let mut out = Self::new(self.columns);
        for &index in indices {
            let Some(&[start, end]) = self.starts.get(index..index + 2) else {
                return Err(DataError::Index {
                    index,
                    len: self.rows(),
                });
            };
            out.indices.extend_from_slice(&self.indices[start..end]);
            out.values.extend_from_slice(&self.values[start..end]);
            out.starts.push(out.indices.len());
        }
        Ok(out)
    }

    /// Rows as columns and columns as rows.
    pub fn transpose(&self) -> Self {
        let mut starts = vec![0; self.columns + 1];
        for &column in &self.indices {
            starts[column as usize + 1] += 1;
        }
        for i in 0..self.columns {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut indices = vec![0; self.len()];
        let mut values = vec![0.0; self.len()];
        for row in 0..self.rows() {
            for (column, value) in self.row(row) {
                let place = next[column];
                next[column] += 1;
                indices[place] = row as u32;
                values[place] = value;
            }
        }
        Self {
            columns: self.rows(),
            starts,
            indices,
            values,
        }
    }

    /// `f` of every row, in parallel, in the order of the rows.
    pub fn map<T: Send>(&self, f: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
        (0..self.rows())
            .into_par_iter()
            .with_min_len(64)
            .map(f)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dense(x: &SparseRows) -> Vec<Vec<f64>> {
        let mut out = vec![vec![0.0; x.columns()]; x.rows()];
        for (i, row) in out.iter_mut().enumerate() {
            x.row(i).for_each(|(column, value)| row[column] = value);
        }
        out
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let mut x = SparseRows::new(3);
        for row in [
            &[(3, 1.0)][..],
            &[(1, 1.0), (1, 2.0)],
            &[(2, 1.0), (0, 1.0)],
            &[(0, f64::NAN)],
        ] {
            assert!(x.push(row).is_err(), "{row:?}");
        }
        assert_eq!((x.rows(), x.row(0).len()), (0, 0));
        assert!(x.select(&[0]).is_err());
    }

    proptest! {
        #[test]
        fn transposing_twice_gives_it_back(
            rows in prop::collection::vec(prop::collection::btree_map(0..7u32, -3.0..3.0f64, 0..7), 0..6),
        ) {
            let mut x = SparseRows::new(7);
            for row in &rows {
                x.push(&row.iter().map(|(&c, &v)| (c, v)).collect::<Vec<_>>()).unwrap();
            }
            let t = x.transpose();
            let (a, b) = (dense(&x), dense(&t));
            for i in 0..x.rows() {
                for j in 0..7 {
                    prop_assert_eq!(a[i][j], b[j][i]);
                }
            }
            prop_assert_eq!(t.transpose(), x.clone());
            let order: Vec<usize> = (0..x.rows()).rev().collect();
            let turned = x.select(&order).unwrap();
            prop_assert_eq!(turned.select(&order).unwrap(), x);
        }
    }
}
