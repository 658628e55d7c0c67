//! The second pass over a data set: which rows get how many copies, and what is written.

use std::collections::HashMap;

use rayon::prelude::*;

use super::files::{Added, Row, RowReader, RowWriter};
use super::{Balance, DatasetConfig, DatasetReport};
use crate::AugmentError;
use crate::text::pipeline::Search;
use crate::text::seen::{Seen, hash};
use crate::text::{Augmented, Pipeline};

/// Rows that are worked on together: bounds memory, and feeds the threads.
const BATCH: usize = 1024;

/// The next rows: `BATCH` at most, with `most` bytes of text at most or one row.
pub(super) fn read_batch(
    reader: &mut dyn RowReader,
    most: usize,
) -> Result<Vec<Row>, AugmentError> {
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
pub(super) struct Need {
    /// Rows to come, those of the batch in hand among them as `pending`.
    rows: u64,
    pending: u64,
    /// Copies that rows to come are to give, and those that rows before could not give.
    pub(super) copies: u64,
    pub(super) owed: u64,
    /// Most copies of one row.
    most: u64,
}

impl Need {
    pub(super) fn new(rows: u64, largest: u64, config: &DatasetConfig) -> Self {
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
pub(super) struct Work<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) config: &'a DatasetConfig,
    pub(super) others: &'a Seen,
    pub(super) seen: Seen,
    pub(super) needs: HashMap<String, Need>,
    pub(super) report: DatasetReport,
}

/// What was drawn for a row.
pub(super) struct Drawn {
    search: Search,
    /// With the hash of each.
    copies: Vec<(u64, Augmented)>,
    /// Whether the text is one of another split.
    leak: bool,
}

/// Rows and the copies that are written of each.
#[derive(Default)]
pub(super) struct Settled {
    rows: Vec<(Row, Vec<Augmented>)>,
    /// Number of the first row.
    first: u64,
}

impl Settled {
    /// Writes rows and copies, and lets go of them.
    pub(super) fn write(
        &mut self,
        added: &Added,
        seed: u64,
        writer: &mut dyn RowWriter,
    ) -> Result<(), AugmentError> {
        for (number, (row, copies)) in (self.first..).zip(self.rows.drain(..)) {
            writer.row(&row)?;
            for copy in &copies {
                let record = added.record(&row, copy, number, seed);
                writer.copy(&row, &copy.text, &record, copy.label_changed)?;
            }
        }
        Ok(())
    }
}

impl Work<'_> {
    /// The number of copies of each row.
    pub(super) fn ask(&mut self, rows: &[Row]) -> Vec<u64> {
        let ask = |row: &Row| {
            let need = self.needs.get_mut(&row.label).filter(|_| row.train);
            need.map_or(0, Need::ask)
        };
        rows.iter().map(ask).collect()
    }

    /// Copies that are new as far as the texts before this batch go.
    pub(super) fn draw(&self, rows: &[Row], asked: &[u64]) -> Result<Vec<Drawn>, AugmentError> {
        let first = self.report.rows;
        let draw = |(i, (row, &asked)): (usize, (&Row, &u64))| {
            let leak =
                row.train && !self.others.is_empty() && self.others.contains(hash(&row.text));
            let asked = if idle(row, leak) { 0 } else { asked };
            let mut search = Search::new(self.config.seed, first + i as u64, asked as usize);
            let mut copies = Vec::with_capacity(asked as usize);
            while (copies.len() as u64) < asked {
                let new = |hash| !self.seen.contains(hash);
                match search.next(self.pipeline, &row.text, new)? {
                    Some(copy) => copies.push(copy),
                    None => break,
                }
            }
            Ok(Drawn {
                search,
                copies,
                leak,
            })
        };
        rows.par_iter().zip(asked).enumerate().map(draw).collect()
    }

    /// Chooses the copies that are written. Of copies that came up twice in the batch the first counts,
    /// and the search goes on for the other: what one thread would have done.
    pub(super) fn settle(
        &mut self,
        rows: Vec<Row>,
        asked: &[u64],
        drawn: Vec<Drawn>,
    ) -> Result<Settled, AugmentError> {
        let first = self.report.rows;
        let mut settled = Vec::with_capacity(rows.len());
        for ((row, &asked), drawn) in rows.into_iter().zip(asked).zip(drawn) {
            let Drawn {
                mut search,
                copies,
                leak,
            } = drawn;
            let idle = idle(&row, leak);
            let need = self.needs.get_mut(&row.label).filter(|_| row.train);
            // A row that is left alone takes nothing over.
            let take = |need: &mut Need| need.take_over(if idle { need.most } else { asked });
            let extra = need.map_or(0, take);
            search.allow(extra);
            let wanted = if idle { 0 } else { asked + extra };
            let mut kept = Vec::with_capacity(copies.len());
            for (hash, copy) in copies {
                if self.seen.insert(hash) {
                    kept.push(copy);
                } else {
                    search.refused += 1;
                }
            }
            while (kept.len() as u64) < wanted {
                let new = |hash| !self.seen.contains(hash);
                let Some((hash, copy)) = search.next(self.pipeline, &row.text, new)? else {
                    break;
                };
                self.seen.insert(hash);
                kept.push(copy);
            }
            if let Some(need) = self.needs.get_mut(&row.label).filter(|_| row.train) {
                need.owed += asked + extra - kept.len() as u64;
                self.report.blank += u64::from(row.text.trim().is_empty());
                self.report.leaks += u64::from(leak);
            }
            self.report
                .count(self.config.samples, &row, &kept, search.refused);
            settled.push((row, kept));
        }
        Ok(Settled {
            rows: settled,
            first,
        })
    }

    pub(super) fn finish(mut self) -> DatasetReport {
        self.report.missing = self
            .needs
            .values()
            .map(|need| need.copies + need.owed)
            .sum();
        self.report.finish();
        self.report
    }
}

/// Whether a row is left alone.
fn idle(row: &Row, leak: bool) -> bool {
    !row.train || leak || row.text.trim().is_empty()
}
