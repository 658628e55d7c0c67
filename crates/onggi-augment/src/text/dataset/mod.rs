//! A data set through a pipeline: rows of CSV, TSV, JSON Lines or Parquet, in bounded memory.
//!
//! The file is read twice. The first pass ([`TextFile::open`]) counts labels and keeps 64 bits of each
//! text; the second ([`TextFile::augment`]) writes every row, and after each training row its copies.
//! No copy is a text of the file or an earlier copy, and no training row that is also a text of another
//! split is augmented.

mod files;
mod report;
mod work;

pub use files::{RowFormat, header_delimiter};
pub use report::{DatasetReport, LabelCount, Sample};

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::files::{Added, RowReader, fail};
use self::work::{Need, Settled, Work, read_batch};
use super::seen::{Seen, hash};
use super::{Pipeline, TfIdfTable};
use crate::AugmentError;

/// Which columns of a file are looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// The column with the text; `text`.
    pub text: String,
    /// The column with the label; needed to balance. Empty for none.
    pub label: String,
    /// The column that names the split of a row. Empty for none: every row is for training.
    pub split: String,
    /// The splits that are augmented, whatever their case; `train` and `training`.
    pub train: Vec<String>,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            text: "text".to_owned(),
            label: String::new(),
            split: String::new(),
            train: vec!["train".to_owned(), "training".to_owned()],
        }
    }
}

/// How many copies rows of each label get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// The same for every row.
    #[default]
    None,
    /// As many as bring each label to what the largest has: its rows and their copies.
    Max,
}

/// What is done to a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetConfig {
    /// Copies a row, at most 1000; 1. Where classes are balanced, copies of a row of the largest class,
    /// which may be 0.
    pub copies: usize,
    /// Whether small classes get more.
    pub balance: Balance,
    /// Most copies of one row where classes are balanced, at most 1000; 64.
    pub max_copies: usize,
    /// A column that is added, empty for rows of the file and for a copy what was done to which row, as
    /// JSON. Empty for none, which is the default.
    pub provenance_column: String,
    /// A column that is added where the pipeline allows a changed label: whether an augmenter that may
    /// turn a text into its opposite had a part in it; `label_changed`.
    pub label_changed_column: String,
    /// The seed.
    pub seed: u64,
    /// Copies shown in the report, the first that are made; 8.
    pub samples: usize,
}

impl Default for DatasetConfig {
    fn default() -> Self {
        Self {
            copies: 1,
            balance: Balance::None,
            max_copies: 64,
            provenance_column: String::new(),
            label_changed_column: "label_changed".to_owned(),
            seed: 0,
            samples: 8,
        }
    }
}

/// How far a pass over a file is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passed {
    /// Rows read.
    pub rows: u64,
    /// Copies written; 0 in the first pass.
    pub copies: u64,
    /// Fraction of the file read, in `[0, 1]`.
    pub fraction: f64,
}

/// Told now and then how far a pass is; [`ControlFlow::Break`] ends it with [`AugmentError::Stopped`].
pub type Watch<'a> = &'a mut dyn FnMut(Passed) -> ControlFlow<()>;

/// Bytes of text of a batch and its copies at most, where one row is not more.
const BATCH_BYTES: usize = 32 << 20;
/// Labels that are told apart.
const MOST_LABELS: usize = 100_000;
/// Most copies of a row.
const MOST_COPIES: usize = 1_000;
/// Texts for which the set of texts has room from the start: half a gigabyte.
const MOST_ROOM: u64 = 50_000_000;

/// A file of rows with texts, read through once.
///
/// The format comes from the file's name: [`RowFormat`].
///
/// # Example
/// ```
/// use std::ops::ControlFlow;
///
/// use onggi_augment::text::{Columns, DatasetConfig, Pipeline, Recipe, Resources, TextFile};
///
/// # let folder = tempfile::tempdir()?;
/// # let (input, output) = (folder.path().join("in.csv"), folder.path().join("out.csv"));
/// std::fs::write(&input, "text,label\nthe old jar broke,bad\na jar of clay,good\n")?;
/// let mut go_on = |_| ControlFlow::Continue(());
/// let file = TextFile::open(&input, &Columns::default(), &mut go_on)?;
/// let recipe = Recipe::by_name("aeda", file.train_rows())?;
/// let pipeline = Pipeline::new(recipe.config, &Resources::default())?;
/// let config = DatasetConfig { copies: 2, ..DatasetConfig::default() };
/// let report = file.augment(&output, &pipeline, &config, &mut go_on)?;
/// assert_eq!((report.rows, report.copies), (2, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TextFile {
    path: PathBuf,
    columns: Columns,
    /// Hashes of the texts of all rows.
    all: Vec<u64>,
    /// Those of other splits.
    others: Seen,
    /// Training rows of each label that are no leaks as far as is known.
    labels: HashMap<String, u64>,
    train_rows: u64,
}

impl TextFile {
    /// Reads a file through.
    ///
    /// # Errors
    /// [`AugmentError::File`] for a file that cannot be read, is not what its name says, or lacks a
    /// column; [`AugmentError::Stopped`] where `watch` says so.
    pub fn open(path: &Path, columns: &Columns, watch: Watch<'_>) -> Result<Self, AugmentError> {
        let mut file = Self {
            path: path.to_owned(),
            columns: columns.clone(),
            all: Vec::new(),
            others: Seen::default(),
            labels: HashMap::new(),
            train_rows: 0,
        };
        let mut reader = files::open(path, columns, &Added::default())?;
        let mut splits: Vec<String> = Vec::new();
        let mut rows = read_batch(&mut *reader, BATCH_BYTES)?;
        while !rows.is_empty() {
            // The next rows are read while the texts of these are hashed.
            let (hashes, next) = rayon::join(
                || {
                    rows.par_iter()
                        .map(|row| hash(&row.text))
                        .collect::<Vec<_>>()
                },
                || read_batch(&mut *reader, BATCH_BYTES),
            );
            for (row, hash) in rows.into_iter().zip(hashes) {
                file.all.push(hash);
                if row.train {
                    file.train_rows += 1;
                    file.count_label(row.label)?;
                } else {
                    file.others.insert(hash);
                    if splits.len() < 8 && !splits.contains(&row.split) {
                        splits.push(row.split);
                    }
                }
            }
            tell(watch, file.all.len() as u64, 0, &*reader)?;
            rows = next?;
        }
        if file.train_rows == 0 && !splits.is_empty() {
            let (names, found) = (columns.train.join(" or "), splits.join(", "));
            return Err(fail(
                path,
                format!(
                    "has no row whose `{}` is {names}, but {found}: only training rows are augmented",
                    columns.split
                ),
            ));
        }
        Ok(file)
    }

    fn count_label(&mut self, label: String) -> Result<(), AugmentError> {
        *self.labels.entry(label).or_default() += 1;
        if self.labels.len() <= MOST_LABELS {
            return Ok(());
        }
        let name = &self.columns.label;
        Err(fail(
            &self.path,
            format!("has more than {MOST_LABELS} labels: is `{name}` the label column?"),
        ))
    }

    /// Rows for training.
    pub fn train_rows(&self) -> usize {
        usize::try_from(self.train_rows).unwrap_or(usize::MAX)
    }

    /// Statistics of the texts for training, for [`TfIdf`](super::TfIdf) steps that name no corpus; reads
    /// the file through.
    ///
    /// # Errors
    /// [`AugmentError::File`] for a file that is no longer what it was.
    pub fn tf_idf(&self) -> Result<TfIdfTable, AugmentError> {
        let mut reader = files::open(&self.path, &self.columns, &Added::default())?;
        let mut failed = None;
        let texts = std::iter::from_fn(|| {
            loop {
                match reader.next() {
                    Ok(Some(row)) if row.train => return Some(row.text),
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(error) => {
                        failed = Some(error);
                        return None;
                    }
                }
            }
        });
        let table = TfIdfTable::train(texts);
        failed.map_or(Ok(table), Err)
    }

    /// Copies that are asked for altogether.
    fn asked(&self, config: &DatasetConfig) -> u64 {
        let needs = self.labels.values();
        needs
            .map(|&rows| Need::new(rows, self.largest(), config).copies)
            .fold(0, u64::saturating_add)
    }

    fn largest(&self) -> u64 {
        self.labels.values().copied().max().unwrap_or(0)
    }

    /// Writes the rows, and after each training row its copies, to `output`, a file of the same format.
    ///
    /// A row is written as it stands in the file, to the byte in CSV, TSV and JSON Lines; blank lines are
    /// left out. The copy of a row differs from it in the text and in the columns added. The output is
    /// written under another name beside it and renamed when it is whole. It depends on the file, the
    /// pipeline and the settings alone, not on the number of threads.
    ///
    /// # Errors
    /// [`AugmentError::File`] for a file that cannot be read or written, [`AugmentError::Setting`] for
    /// settings that do not fit, [`AugmentError::Stopped`] where `watch` says so; whatever the pipeline's
    /// models fail with.
    pub fn augment(
        &self,
        output: &Path,
        pipeline: &Pipeline,
        config: &DatasetConfig,
        watch: Watch<'_>,
    ) -> Result<DatasetReport, AugmentError> {
        self.check(output, config)?;
        let added = Added::new(pipeline, config);
        let mut reader = files::open(&self.path, &self.columns, &added)?;
        let mut writer = files::create(output, &self.path, &*reader, &added)?;
        let room = (self.all.len() as u64).saturating_add(self.asked(config));
        let mut work = Work {
            pipeline,
            config,
            others: &self.others,
            seen: Seen::with_capacity(room.min(MOST_ROOM) as usize),
            needs: self.needs(config),
            report: DatasetReport::new(&self.labels),
        };
        self.all.iter().for_each(|&hash| {
            work.seen.insert(hash);
        });
        let most = BATCH_BYTES / (config.copies.max(config.max_copies) + 1);
        let mut rows = read_batch(&mut *reader, most)?;
        let mut settled = Settled::default();
        while !rows.is_empty() {
            let asked = work.ask(&rows);
            // While the copies of these rows are drawn, those before are written and the next are read.
            let (drawn, next) = rayon::join(
                || work.draw(&rows, &asked),
                || {
                    settled.write(&added, config.seed, &mut *writer)?;
                    read_batch(&mut *reader, most)
                },
            );
            settled = work.settle(rows, &asked, drawn?)?;
            rows = next?;
            tell(watch, work.report.rows, work.report.copies, &*reader)?;
        }
        settled.write(&added, config.seed, &mut *writer)?;
        writer.finish()?;
        Ok(work.finish())
    }

    fn check(&self, output: &Path, config: &DatasetConfig) -> Result<(), AugmentError> {
        let refuse = |setting, rule, got: String| {
            Err(AugmentError::Setting {
                transform: "dataset",
                setting,
                rule,
                got,
            })
        };
        for (setting, n) in [("copies", config.copies), ("max_copies", config.max_copies)] {
            if n > MOST_COPIES {
                return refuse(setting, "must be at most 1000", n.to_string());
            }
        }
        if config.balance == Balance::Max && self.columns.label.is_empty() {
            let rule = "must name the column whose classes are balanced";
            return refuse("label column", rule, "none".to_owned());
        }
        if config.label_changed_column.is_empty() {
            return refuse(
                "label_changed_column",
                "must have a name",
                "none".to_owned(),
            );
        }
        let same = self.path.canonicalize().ok();
        if same.is_some() && output.canonicalize().ok() == same {
            return Err(fail(
                output,
                "is the input: choose another name for the output",
            ));
        }
        Ok(())
    }

    fn needs(&self, config: &DatasetConfig) -> HashMap<String, Need> {
        let largest = self.largest();
        let labels = self.labels.iter();
        labels
            .map(|(label, &rows)| (label.clone(), Need::new(rows, largest, config)))
            .collect()
    }
}

fn tell(
    watch: Watch<'_>,
    rows: u64,
    copies: u64,
    reader: &dyn RowReader,
) -> Result<(), AugmentError> {
    let passed = Passed {
        rows,
        copies,
        fraction: reader.fraction(),
    };
    match watch(passed) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(AugmentError::Stopped),
    }
}

#[cfg(test)]
mod tests;
