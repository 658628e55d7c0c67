//! From the target column's text to labels.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::file::quoted;
use crate::DataError;

/// Distinct values up to which a target is always a class, unless they have fractions.
const ALWAYS_CLASSES: usize = 50;
/// Share of the rows, 1 in 4, up to which distinct values may be classes in larger tables.
const ROWS_PER_VALUE: usize = 4;
/// Distinct numbers with fractions up to which they are classes.
const FRACTIONS: usize = 20;

/// Finds the classes of a target: its distinct values, sorted as numbers where all are, else as
/// text.
pub(crate) fn classes(
    path: &Path,
    target: &str,
    values: &[String],
) -> Result<Vec<String>, DataError> {
    let distinct: BTreeSet<&str> = values.iter().map(String::as_str).collect();
    let number = |s: &&str| s.parse::<f64>().ok().filter(|v| v.is_finite());
    let numbers: Option<Vec<f64>> = distinct.iter().map(number).collect();
    let fractions = numbers
        .as_ref()
        .is_some_and(|n| n.iter().any(|v| v.fract() != 0.0));
    let (n, rows) = (distinct.len(), values.len());
    if n > ALWAYS_CLASSES.max(rows / ROWS_PER_VALUE) || (fractions && n > FRACTIONS) {
        return Err(DataError::ContinuousTarget {
            path: path.to_owned(),
            target: target.to_owned(),
            distinct: n,
            rows,
        });
    }
    let mut sorted: Vec<String> = distinct.into_iter().map(str::to_owned).collect();
    if let Some(numbers) = numbers {
        let mut pairs: Vec<(f64, String)> = numbers.into_iter().zip(sorted).collect();
        // Stable: `1` and `1.0` are two classes, in the order of their text.
        pairs.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal));
        sorted = pairs.into_iter().map(|(_, s)| s).collect();
    }
    if let [class] = sorted.as_slice() {
        return Err(DataError::OneClassTarget {
            path: path.to_owned(),
            target: target.to_owned(),
            class: quoted(class),
        });
    }
    Ok(sorted)
}

/// Looks each value up among the classes; `line` gives a row's line in the file.
pub(crate) fn labels(
    path: &Path,
    target: &str,
    values: &[String],
    line: impl Fn(usize) -> u64,
    classes: &[String],
) -> Result<Vec<usize>, DataError> {
    let places: HashMap<&str, usize> = classes
        .iter()
        .enumerate()
        .map(|(i, class)| (class.as_str(), i))
        .collect();
    let find = |(row, value): (usize, &String)| {
        places
            .get(value.as_str())
            .copied()
            .ok_or_else(|| DataError::UnknownClass {
                path: path.to_owned(),
                line: line(row),
                target: target.to_owned(),
                value: quoted(value),
                classes: classes.join(", "),
            })
    };
    values.iter().enumerate().map(find).collect()
}

/// Refuses a class of one sample, which cannot be both trained on and validated.
pub(crate) fn refuse_single(
    path: &Path,
    labels: &[usize],
    classes: &[String],
) -> Result<(), DataError> {
    let mut counts = vec![0; classes.len()];
    labels.iter().for_each(|&label| counts[label] += 1);
    match counts.iter().position(|&count| count < 2) {
        Some(label) => Err(DataError::SmallClass {
            path: path.to_owned(),
            class: classes[label].clone(),
            count: counts[label],
            least: 2,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[&str]) -> Result<Vec<String>, DataError> {
        let values: Vec<_> = values.iter().map(|&s| s.to_owned()).collect();
        classes(Path::new("x.csv"), "y", &values)
    }

    #[test]
    fn text_is_sorted_as_text_and_numbers_as_numbers() {
        assert_eq!(
            found(&["b", "a", "10", "9"]).unwrap(),
            ["10", "9", "a", "b"]
        );
        assert_eq!(found(&["10", "9", "-1", "9"]).unwrap(), ["-1", "9", "10"]);
        assert_eq!(found(&["1.5", "0.5", "10"]).unwrap(), ["0.5", "1.5", "10"]);
    }

    #[test]
    fn quantities_are_refused() {
        let text = |n: usize, step: f64| -> Vec<String> {
            (0..n).map(|i| (i as f64 * step).to_string()).collect()
        };
        let of = |values: Vec<String>| classes(Path::new("x.csv"), "price", &values);
        assert!(of(text(50, 1.0)).is_ok());
        assert!(of(text(20, 0.25)).is_ok());
        let fractions = of(text(21, 0.25)).unwrap_err();
        assert!(matches!(
            fractions,
            DataError::ContinuousTarget {
                distinct: 21,
                rows: 21,
                ..
            }
        ));
        assert!(matches!(
            of(text(51, 1.0)),
            Err(DataError::ContinuousTarget { distinct: 51, .. })
        ));
        let mut repeated = text(51, 1.0);
        for _ in 0..2 {
            repeated.extend(repeated.clone());
        }
        assert!(of(repeated).is_ok(), "51 values in 204 rows are classes");
    }

    #[test]
    fn one_class_and_unknown_classes_are_refused() {
        assert!(matches!(
            found(&["a", "a"]),
            Err(DataError::OneClassTarget { .. })
        ));
        let values = ["a".to_owned(), "c".to_owned()];
        let known = ["a".to_owned(), "b".to_owned()];
        let refusal = labels(
            Path::new("x.csv"),
            "y",
            &values,
            |row| row as u64 + 2,
            &known,
        )
        .unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "x.csv: line 3: the target `y` is `c`, not one of the classes a, b"
        );
    }
}
