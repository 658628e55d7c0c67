//! Rows of a table that occur more than once.

use super::{Duplicates, content, firsts};
use crate::DataError;

/// Rows that are the same in every number. −0 and 0 are the same, and so are all missing values (NaN).
///
/// Give the features alone to find rows that agree in them but not in the label.
///
/// # Shapes
/// `values`: row by row, `columns` a row.
///
/// # Errors
/// [`DataError::Lengths`] where the values are no whole number of rows.
///
/// # Example
/// ```
/// let found = onggi_data::duplicates::rows(&[1.0, 2.0, 3.0, 4.0, 1.0, 2.0], 2)?;
/// assert_eq!(found.groups()[0].samples, [0, 2]);
/// # Ok::<(), onggi_data::DataError>(())
/// ```
pub fn rows(values: &[f64], columns: usize) -> Result<Duplicates, DataError> {
    if columns == 0 || !values.len().is_multiple_of(columns) {
        return Err(DataError::Lengths {
            what: "values of rows",
            expected: values.len() / columns.max(1) * columns,
            got: values.len(),
        });
    }
    let bits = |row: &[f64]| -> Vec<u64> {
        let one = |&x: &f64| {
            if x.is_nan() {
                f64::NAN.to_bits()
            } else {
                (x + 0.0).to_bits()
            }
        };
        row.iter().map(one).collect()
    };
    let contents = values.chunks_exact(columns).map(|row| content(&bits(row)));
    Ok(Duplicates::join(firsts(contents), &[], false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_rows_are_found_and_others_are_not() {
        let mut values: Vec<f64> = (0..3000).map(|i| f64::from(i * 7919 % 3001)).collect();
        values[30..33].copy_from_slice(&[0.0, f64::NAN, 1.5]);
        values[2997..].copy_from_slice(&[-0.0, -f64::NAN, 1.5]);
        let found = rows(&values, 3).unwrap();
        assert_eq!(found.groups().len(), 1);
        assert_eq!(found.groups()[0].samples, [10, 999]);
        assert!(found.groups()[0].exact && !found.truncated());
    }

    #[test]
    fn part_of_a_row_is_refused() {
        assert!(matches!(
            rows(&[1.0; 5], 2),
            Err(DataError::Lengths {
                expected: 4,
                got: 5,
                ..
            })
        ));
        assert!(rows(&[1.0], 0).is_err());
        assert!(rows(&[], 2).unwrap().groups().is_empty());
    }
}
