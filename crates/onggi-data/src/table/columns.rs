//! Column names: what the header gives, and finding one by name.

use std::collections::HashSet;
use std::path::Path;

use super::file::quoted;
use crate::DataError;

/// Most columns listed in an error.
const LISTED: usize = 20;

/// The header of a table.
pub(crate) struct Header<'a> {
    path: &'a Path,
    names: Vec<String>,
    unnamed: Vec<bool>,
}

impl<'a> Header<'a> {
    /// Takes the fields of the header line; a column without a name is called `column 3`, counted
    /// from 1.
    ///
    /// # Errors
    /// [`DataError::DuplicateColumn`].
    pub(crate) fn new<'f>(
        path: &'a Path,
        fields: impl Iterator<Item = &'f str>,
    ) -> Result<Self, DataError> {
        let (mut names, mut unnamed) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for (i, field) in fields.enumerate() {
            unnamed.push(field.is_empty());
            let name = if field.is_empty() {
                format!("column {}", i + 1)
            } else {
                field.to_owned()
            };
            if !seen.insert(name.clone()) {
                return Err(DataError::DuplicateColumn {
                    path: path.to_owned(),
                    name: quoted(&name),
                });
            }
            names.push(name);
        }
        Ok(Self {
            path,
            names,
            unnamed,
        })
    }

    /// The names.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Position of the column called `name`.
    ///
    /// # Errors
    /// [`DataError::NoSuchColumn`] with the columns there are and the nearest name.
    pub(crate) fn find(&self, name: &str) -> Result<usize, DataError> {
        if let Some(i) = self.names.iter().position(|n| n == name) {
            return Ok(i);
        }
        let (hint, columns) = (near(name, &self.names), listed(&self.names));
        Err(DataError::NoSuchColumn {
            path: self.path.to_owned(),
            name: name.to_owned(),
            hint,
            columns,
        })
    }

    /// Refuses a feature column without a name: most often the row index of a data frame, which
    /// gives the class away where the rows are sorted by it.
    ///
    /// # Errors
    /// [`DataError::UnnamedColumn`].
    pub(crate) fn refuse_unnamed(&self, column: usize) -> Result<(), DataError> {
        if self.unnamed[column] {
            let name = self.names[column].clone();
            return Err(DataError::UnnamedColumn {
                path: self.path.to_owned(),
                name,
            });
        }
        Ok(())
    }
}

/// What could be meant by a name that is not there: the nearest of `names`, and some of them all.
pub(crate) fn instead(name: &str, names: &[String]) -> String {
    format!("{}; there are: {}", near(name, names), listed(names))
}

fn near(name: &str, names: &[String]) -> String {
    let near = nearest(name, names).map(|n| format!(", did you mean `{}`?", quoted(n)));
    near.unwrap_or_default()
}

fn listed(names: &[String]) -> String {
    let first = names.iter().take(LISTED).map(|n| quoted(n));
    let mut listed = first.collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        listed += &format!(" and {} more", names.len() - LISTED);
    }
    listed
}

/// The name with the fewest edits to `name`, case aside, where those are at most a third of it, or
/// one, and leave something of it.
fn nearest<'n>(name: &str, names: &'n [String]) -> Option<&'n str> {
    let length = |s: &str| s.chars().count();
    names
        .iter()
        .map(|n| (edits(&name.to_lowercase(), &n.to_lowercase()), n.as_str()))
        .filter(|&(distance, _)| distance <= (length(name) / 3).max(1))
        .filter(|&(distance, n)| distance < length(name).max(length(n)))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, n)| n)
}

/// Levenshtein's distance: insertions, deletions and substitutions.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let substitution = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substitution.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, want) in [
            ("", "", 0),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
        ] {
            assert_eq!(edits(a, b), want);
            assert_eq!(edits(b, a), want);
        }
    }

    #[test]
    fn a_missing_column_names_the_nearest() {
        let header = Header::new(Path::new("x.csv"), ["Species", "width"].into_iter()).unwrap();
        assert_eq!(header.find("width").unwrap(), 1);
        assert_eq!(
            header.find("specis").unwrap_err().to_string(),
            "x.csv: no column `specis`, did you mean `Species`?; columns: Species, width"
        );
        assert_eq!(
            header.find("colour").unwrap_err().to_string(),
            "x.csv: no column `colour`; columns: Species, width"
        );
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..25).map(|i| format!("c{i}")).collect();
        let header = Header::new(Path::new("x"), names.iter().map(String::as_str)).unwrap();
        let refusal = header.find("target").unwrap_err().to_string();
        assert!(refusal.ends_with("c19 and 5 more"), "{refusal}");
    }
}
