//! A data set through a pipeline: rows of CSV, TSV, JSON Lines or Parquet, in bounded memory.
//!
//! The file is read twice. The first pass ([`TextFile::open`]) counts labels and keeps 64 bits of each
//! text; the second ([`TextFile::augment`]) writes every row, and after each training row its copies.
//! No copy is a text of the file or an earlier copy, and no training row that is also a text of another
//! split is augmented.

mod files;
mod report;

pub use files::RowFormat;
pub use report::{DatasetReport, LabelCount, Sample};

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::files::{Added, Row, RowReader, fail};
use super::pipeline::Search;
use super::seen::{Seen, hash};
use super::{Augmented, Pipeline, TfIdfTable};
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

/// Rows that are worked on together: bounds memory, and feeds the threads.
const BATCH: usize = 1024;
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
        while let Some(row) = reader.next()? {
            let hash = hash(&row.text);
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
            if file.all.len().is_multiple_of(BATCH) {
                tell(watch, file.all.len() as u64, 0, &*reader)?;
            }
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
            added: &added,
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
        while !rows.is_empty() {
            let asked = work.ask(&rows);
            // The next rows are read while the copies of these are made.
            let (searches, next) = rayon::join(
                || work.draw(&rows, &asked),
                || read_batch(&mut *reader, most),
            );
            work.write(&rows, &asked, searches?, &mut *writer)?;
            tell(watch, work.report.rows, work.report.copies, &*reader)?;
            rows = next?;
        }
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

/// The next rows: `BATCH` at most, with `most` bytes of text at most or one row.
fn read_batch(reader: &mut dyn RowReader, most: usize) -> Result<Vec<Row>, AugmentError> {
    let mut rows = Vec::with_capacity(BATCH);
    let mut bytes = 0;
    while rows.len() < BATCH && bytes < most {
        let Some(row) = reader.next()? else { break };
        bytes += row.text.len();
        rows.push(row);
    }
    Ok(rows)
}

/// What a label is still short of.
struct Need {
    /// Rows to come, those of the batch in hand among them as `pending`.
    rows: u64,
    pending: u64,
    /// Copies that rows to come are to give, and those that rows before could not give.
    copies: u64,
    owed: u64,
    /// Most copies of one row.
    most: u64,
}

impl Need {
    fn new(rows: u64, largest: u64, config: &DatasetConfig) -> Self {
        let each = config.copies as u64;
        let (copies, most) = match config.balance {
            Balance::None => (rows.saturating_mul(each), each),
            Balance::Max => {
                let copies = largest.saturating_mul(each + 1).saturating_sub(rows);
                // Rows take over what others could not give, up to twice their share.
                let twice = copies.div_ceil(rows.max(1)).saturating_mul(2);
                (copies, twice.min(config.max_copies as u64))
            }
        };
        Self {
            rows,
            pending: 0,
            copies,
            owed: 0,
            most,
        }
    }

    /// The share of the next row of a batch.
    fn ask(&mut self) -> u64 {
        let rows = self.rows.saturating_sub(self.pending).max(1);
        let share = self.copies.div_ceil(rows).min(self.most);
        self.copies -= share;
        self.pending += 1;
        share
    }

    /// What a row whose share was `asked` takes over from rows before it; the row is done after that.
    fn take_over(&mut self, asked: u64) -> u64 {
        let even = self.owed.div_ceil(self.rows.max(1));
        let extra = even.min(self.most.saturating_sub(asked));
        self.owed -= extra;
        self.rows = self.rows.saturating_sub(1);
        self.pending = self.pending.saturating_sub(1);
        extra
    }
}

/// The second pass.
struct Work<'a> {
    pipeline: &'a Pipeline,
    config: &'a DatasetConfig,
    added: &'a Added,
    others: &'a Seen,
    seen: Seen,
    needs: HashMap<String, Need>,
    report: DatasetReport,
}

impl Work<'_> {
    /// The number of copies of each row.
    fn ask(&mut self, rows: &[Row]) -> Vec<u64> {
        let ask = |row: &Row| {
            let need = self.needs.get_mut(&row.label).filter(|_| row.train);
            need.map_or(0, Need::ask)
        };
        rows.iter().map(ask).collect()
    }

    /// Whether a row is left alone.
    fn idle(&self, row: &Row) -> bool {
        !row.train || row.text.trim().is_empty() || self.others.contains(hash(&row.text))
    }

    /// Copies that are new as far as the texts before this batch go.
    fn draw(
        &self,
        rows: &[Row],
        asked: &[u64],
    ) -> Result<Vec<(Search, Vec<Augmented>)>, AugmentError> {
        let first = self.report.rows;
        let draw = |(i, (row, &asked)): (usize, (&Row, &u64))| {
            let asked = if self.idle(row) { 0 } else { asked };
            let mut search = Search::new(self.config.seed, first + i as u64, asked as usize);
            let mut copies = Vec::with_capacity(asked as usize);
            while (copies.len() as u64) < asked {
                let new = |hash| !self.seen.contains(hash);
                match search.next(self.pipeline, &row.text, new)? {
                    Some(copy) => copies.push(copy),
                    None => break,
                }
            }
            Ok((search, copies))
        };
        rows.par_iter().zip(asked).enumerate().map(draw).collect()
    }

    /// Writes the rows and their copies. Of copies that came up twice in the batch the first counts, and
    /// the search goes on for the other: what one thread would have done.
    fn write(
        &mut self,
        rows: &[Row],
        asked: &[u64],
        searches: Vec<(Search, Vec<Augmented>)>,
        writer: &mut dyn files::RowWriter,
    ) -> Result<(), AugmentError> {
        for ((row, &asked), (mut search, mut copies)) in rows.iter().zip(asked).zip(searches) {
            let idle = self.idle(row);
            let need = self.needs.get_mut(&row.label).filter(|_| row.train);
            // A row that is left alone takes nothing over.
            let take = |need: &mut Need| need.take_over(if idle { need.most } else { asked });
            let extra = need.map_or(0, take);
            search.allow(extra);
            let wanted = if idle { 0 } else { asked + extra };
            copies.retain(|copy| {
                let new = self.seen.insert(hash(&copy.text));
                search.refused += usize::from(!new);
                new
            });
            while (copies.len() as u64) < wanted {
                let new = |hash| !self.seen.contains(hash);
                match search.next(self.pipeline, &row.text, new)? {
                    Some(copy) => {
                        self.seen.insert(hash(&copy.text));
                        copies.push(copy);
                    }
                    None => break,
                }
            }
            let number = self.report.rows;
            writer.row(row)?;
            for copy in &copies {
                let record = self.added.record(row, copy, number, self.config.seed);
                writer.copy(row, &copy.text, &record, copy.label_changed)?;
            }
            if let Some(need) = self.needs.get_mut(&row.label).filter(|_| row.train) {
                need.owed += asked + extra - copies.len() as u64;
                self.report.blank += u64::from(row.text.trim().is_empty());
                self.report.leaks += u64::from(self.others.contains(hash(&row.text)));
            }
            self.report
                .count(self.config.samples, row, &copies, search.refused);
        }
        Ok(())
    }

    fn finish(mut self) -> DatasetReport {
        self.report.missing = self
            .needs
            .values()
            .map(|need| need.copies + need.owed)
            .sum();
        self.report.finish();
        self.report
    }
}

#[cfg(test)]
mod tests;
