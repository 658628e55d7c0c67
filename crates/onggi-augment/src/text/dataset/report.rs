//! What was done to a data set, in figures.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::DatasetConfig;
use super::rows::Row;
use crate::text::{Outputs, Provenance};

/// What was done to a data set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetReport {
    /// Rows read.
    pub rows: u64,
    /// Rows of the training split.
    pub train_rows: u64,
    /// Training rows left alone because another split has the same text.
    pub leaks: u64,
    /// Copies written.
    pub copies: u64,
    /// Copies asked for and not found: see [`Shortfall`](crate::text::Shortfall).
    pub missing: u64,
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

    pub(super) fn count(
        &mut self,
        config: &DatasetConfig,
        number: u64,
        row: &Row,
        wanted: usize,
        outputs: &Outputs,
    ) {
        let copies = outputs.texts.len() as u64;
        self.rows += 1;
        self.train_rows += u64::from(row.train);
        self.copies += copies;
        self.missing += wanted as u64 - copies;
        if let Some(label) = self.labels.get_mut(&row.label).filter(|_| row.train) {
            label.copies += copies;
        }
        for copy in &outputs.texts {
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
            if self.samples.len() < config.samples {
                self.samples.push(Sample {
                    row: number,
                    before: row.text.clone(),
                    after: copy.text.clone(),
                    edits: copy.provenance(&row.text),
                });
            }
        }
    }

    pub(super) fn finish(&mut self) {
        let copies = self.copies.max(1) as f64;
        self.change_rate /= copies;
        self.length_ratio /= copies;
    }
}
