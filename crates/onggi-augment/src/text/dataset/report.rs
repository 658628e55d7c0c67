//! What was done to a data set, in figures.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::files::Row;
use crate::text::{Augmented, Provenance, TextTransform};

/// What was done to a data set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetReport {
    /// Rows read.
    pub rows: u64,
    /// Rows of the training split.
    pub train_rows: u64,
    /// Training rows left alone because another split has the same text.
    pub leaks: u64,
    /// Training rows left alone because they have no text.
    pub blank: u64,
    /// Copies written. The output has `rows + copies` rows.
    pub copies: u64,
    /// Copies asked for and not written: those of leaks, of blank rows, of rows of which the pipeline
    /// makes no further new copy, and those beyond the most of one row.
    pub missing: u64,
    /// Draws refused because they gave a text of the file or an earlier copy; each was drawn anew.
    pub duplicates: u64,
    /// Copies in which each augmenter had a part, by its name.
    pub transforms: BTreeMap<String, u64>,
    /// Copies whose meaning may have been turned round.
    pub label_changed: u64,
    /// Mean fraction of the bytes of a text that its copy replaces, insertions counted by their length,
    /// at most 1.
    pub change_rate: f64,
    /// Mean length of a copy by that of its text, in bytes.
    pub length_ratio: f64,
    /// Training rows and copies of each label.
    pub labels: BTreeMap<String, LabelCount>,
    /// The first copies.
    pub samples: Vec<Sample>,
}

/// Rows of one label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelCount {
    /// Training rows.
    pub rows: u64,
    /// Copies written.
    pub copies: u64,
}

/// One copy beside its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The row, from 0.
    pub row: u64,
    /// The text.
    pub before: String,
    /// The copy.
    pub after: String,
    /// What was done.
    pub edits: Vec<Provenance>,
}

impl DatasetReport {
    pub(super) fn new(labels: &HashMap<String, u64>) -> Self {
        let counts = labels
            .iter()
            .map(|(label, &rows)| (label.clone(), LabelCount { rows, copies: 0 }));
        Self {
            labels: counts.collect(),
            ..Self::default()
        }
    }

    /// Counts a row, number [`rows`](Self::rows), and its copies.
    pub(super) fn count(
        &mut self,
        samples: usize,
        row: &Row,
        copies: &[Augmented],
        refused: usize,
    ) {
        for copy in copies {
            self.label_changed += u64::from(copy.label_changed);
            let length = row.text.len().max(1) as f64;
            let touched: usize = copy
                .edits
                .iter()
                .map(|edit| (edit.end - edit.start).max(edit.replacement.len()))
                .sum();
            // Sums until `finish`.
            self.change_rate += (touched as f64 / length).min(1.0);
            self.length_ratio += copy.text.len() as f64 / length;
            let parts = copy.edits.parts();
            let names = TextTransform::NAMES.iter().enumerate();
            for (_, name) in names.filter(|(i, _)| parts >> i & 1 == 1) {
                match self.transforms.get_mut(*name) {
                    Some(count) => *count += 1,
                    None => drop(self.transforms.insert((*name).to_owned(), 1)),
                }
            }
            if self.samples.len() < samples {
                self.samples.push(Sample {
                    row: self.rows,
                    before: row.text.clone(),
                    after: copy.text.clone(),
                    edits: copy.provenance(&row.text),
                });
            }
        }
        self.rows += 1;
        self.train_rows += u64::from(row.train);
        self.copies += copies.len() as u64;
        self.duplicates += refused as u64;
        if let Some(label) = self.labels.get_mut(&row.label).filter(|_| row.train) {
            label.copies += copies.len() as u64;
        }
    }

    pub(super) fn finish(&mut self) {
        let copies = self.copies.max(1) as f64;
        self.change_rate /= copies;
        self.length_ratio /= copies;
    }
}
