//! A data set through a pipeline: rows of CSV, TSV or JSON Lines, in bounded memory.
//!
//! The file is read twice. The first pass counts labels and keeps a 128-bit hash of each text (16 bytes
//! a row); the second writes every row, and after each training row its copies. No copy is a text of
//! the file, and no training row that is also a text of another split is augmented.

mod report;
mod rows;

pub use report::{DatasetReport, LabelCount, Sample};
pub use rows::RowFormat;

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::rows::{Row, RowReader, RowWriter};
use super::{Outputs, Pipeline};
use crate::AugmentError;

/// How many copies rows of each label get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// The same for every row.
    #[default]
    None,
    /// As many as bring each label to the number of rows the largest has afterwards.
    Max,
}

/// What is done to a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetConfig {
    /// The column with the text; `text`.
    pub text_column: String,
    /// The column with the label; needed to balance. Empty for none.
    pub label_column: String,
    /// The column that names the split of a row; only rows whose split is `train` are augmented.
    /// Empty for none: all are.
    pub split_column: String,
    /// The split that is augmented; `train`.
    pub train_split: String,
    /// Copies a row; 1.
    pub copies: usize,
    /// Whether small classes get more.
    pub balance: Balance,
    /// Most copies of one row where classes are balanced; 64.
    pub max_copies: usize,
    /// A column that is added, empty for rows of the file and for a copy what was done to which row,
    /// as JSON. Empty for none; `augmentation`.
    pub provenance_column: String,
    /// The seed.
    pub seed: u64,
    /// Copies shown in the report, the first that are made; 8.
    pub samples: usize,
}

impl Default for DatasetConfig {
    fn default() -> Self {
        Self {
            text_column: "text".to_owned(),
            label_column: String::new(),
            split_column: String::new(),
            train_split: "train".to_owned(),
            copies: 1,
            balance: Balance::None,
            max_copies: 64,
            provenance_column: "augmentation".to_owned(),
            seed: 0,
            samples: 8,
        }
    }
}

/// Rows that are worked on together: bounds memory, and feeds the threads.
const BATCH: usize = 1024;
/// Labels that are told apart.
const MOST_LABELS: usize = 100_000;

/// What the first pass finds.
#[derive(Default)]
struct Survey {
    /// Training rows of each label.
    labels: HashMap<String, u64>,
    /// Hashes of the texts of all rows, and of those of other splits; sorted.
    all: Vec<u128>,
    others: Vec<u128>,
}

/// Augments the training rows of `input` into `output`.
///
/// The output depends on the file, the pipeline and the settings alone, not on the number of threads.
/// Both formats come from the names of the files: `.csv`, `.tsv`, `.jsonl`, `.ndjson`.
///
/// # Errors
/// [`AugmentError::File`] for a file that cannot be read or written or a column that is not there,
/// whatever the pipeline's models fail with.
///
/// # Example
/// ```no_run
/// use onggi_augment::text::{DatasetConfig, Pipeline, Recipe, Resources, augment_dataset};
///
/// let recipe = Recipe::by_name("aeda", 1_000)?;
/// let pipeline = Pipeline::new(recipe.config, &Resources::default())?;
/// let config = DatasetConfig { copies: recipe.copies, ..DatasetConfig::default() };
/// let report = augment_dataset("in.csv".as_ref(), "out.csv".as_ref(), &pipeline, &config)?;
/// println!("{} rows, {} copies", report.rows, report.copies);
/// # Ok::<(), onggi_augment::AugmentError>(())
/// ```
pub fn augment_dataset(
    input: &Path,
    output: &Path,
    pipeline: &Pipeline,
    config: &DatasetConfig,
) -> Result<DatasetReport, AugmentError> {
    if config.balance == Balance::Max && config.label_column.is_empty() {
        return Err(AugmentError::Setting {
            transform: "dataset",
            setting: "label_column",
            rule: "must be the column whose classes are balanced",
            got: "none".to_owned(),
        });
    }
    let same = input
        .canonicalize()
        .ok()
        .is_some_and(|path| output.canonicalize().ok() == Some(path));
    if same {
        return Err(rows::fail(
            output,
            "is the input: choose another name for the output",
        ));
    }
    let survey = survey(input, config)?;
    let mut report = DatasetReport::new(&survey.labels);
    let mut reader = RowReader::open(input, config)?;
    let mut writer = RowWriter::create(output, &reader, config)?;
    let mut ranks: HashMap<String, u64> = HashMap::new();
    let mut batch: Vec<(u64, Row, usize)> = Vec::with_capacity(BATCH);
    let mut number = 0;
    loop {
        batch.clear();
        while batch.len() < BATCH {
            let Some(row) = reader.next()? else { break };
            let wanted = survey.wanted(&row, config, &mut ranks, &mut report);
            batch.push((number, row, wanted));
            number += 1;
        }
        if batch.is_empty() {
            break;
        }
        let copies: Vec<Result<Outputs, AugmentError>> = batch
            .par_iter()
            .map(|(number, row, wanted)| survey.copies(pipeline, config, row, *number, *wanted))
            .collect();
        for ((number, row, wanted), outputs) in batch.iter().zip(copies) {
            let outputs = outputs?;
            writer.row(row)?;
            for copy in &outputs.texts {
                writer.copy(row, copy, *number, config.seed)?;
            }
            report.count(config, *number, row, *wanted, &outputs);
        }
    }
    writer.finish()?;
    report.finish();
    Ok(report)
}

/// 128 bits of a text: SipHash under two keys.
fn hash(text: &str) -> u128 {
    let half = |key: u8| {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        text.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

fn survey(input: &Path, config: &DatasetConfig) -> Result<Survey, AugmentError> {
    let mut survey = Survey::default();
    let mut reader = RowReader::open(input, config)?;
    while let Some(row) = reader.next()? {
        let hash = hash(&row.text);
        survey.all.push(hash);
        if row.train {
            *survey.labels.entry(row.label.clone()).or_default() += 1;
            if survey.labels.len() > MOST_LABELS {
                return Err(rows::fail(
                    input,
                    format!(
                        "has more than {MOST_LABELS} labels: is `{}` the label column?",
                        config.label_column
                    ),
                ));
            }
        } else {
            survey.others.push(hash);
        }
    }
    for hashes in [&mut survey.all, &mut survey.others] {
        hashes.sort_unstable();
        hashes.dedup();
    }
    Ok(survey)
}

impl Survey {
    /// The number of copies of a row.
    fn wanted(
        &self,
        row: &Row,
        config: &DatasetConfig,
        ranks: &mut HashMap<String, u64>,
        report: &mut DatasetReport,
    ) -> usize {
        if !row.train {
            return 0;
        }
        let rank = ranks.entry(row.label.clone()).or_default();
        *rank += 1;
        if self.others.binary_search(&hash(&row.text)).is_ok() {
            report.leaks += 1;
            return 0;
        }
        match config.balance {
            Balance::None => config.copies,
            Balance::Max => {
                let most = self.labels.values().copied().max().unwrap_or(0);
                let target = most.saturating_mul(config.copies as u64 + 1);
                let rows = self.labels.get(&row.label).copied().unwrap_or(1).max(1);
                // The first rows of a class take what does not divide.
                let share = target / rows + u64::from(*rank <= target % rows);
                (share.saturating_sub(1) as usize).min(config.max_copies)
            }
        }
    }

    /// Copies of a row, none of them a text of the file.
    fn copies(
        &self,
        pipeline: &Pipeline,
        config: &DatasetConfig,
        row: &Row,
        number: u64,
        wanted: usize,
    ) -> Result<Outputs, AugmentError> {
        let new = |text: &str| self.all.binary_search(&hash(text)).is_err();
        pipeline.augment_where(&row.text, wanted, config.seed, number, new)
    }
}

#[cfg(test)]
mod tests;
