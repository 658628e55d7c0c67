//! What is shown while a training runs, what is written after each epoch, and Ctrl-C.

use super::RunFolder;
use crate::description::Description;
use crate::failure::Failure;
use crate::output::warn;
use indicatif::{ProgressBar, ProgressStyle};
use onggi_nn::state::StateDict;
use onggi_train::run::{EpochRecord, files, write_whole};
use onggi_train::{Callback, Progress, Start, TrainError, write_weights};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Watches a training: bar on a terminal, `log.jsonl` and the best weights in the run folder.
pub(crate) struct Watch {
    interrupted: Arc<AtomicBool>,
    /// Whether there is a run folder, which must not be left half-written.
    writing: Arc<AtomicBool>,
    bar: ProgressBar,
    epochs: usize,
    folder: PathBuf,
    description: Option<Description>,
}

/// A bar that counts files.
pub(super) struct Reading(ProgressBar);

impl Reading {
    pub(super) fn set(&self, done: usize) {
        // The bar may be told from any thread, out of order.
        self.0.set_position(self.0.position().max(done as u64));
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

impl Watch {
    /// Listens for Ctrl-C: while the data is read it ends the process; then the first asks the
    /// training to end, and the second ends the process.
    pub(super) fn start() -> Result<Self, Failure> {
        let (interrupted, writing) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        let (again, written) = (interrupted.clone(), writing.clone());
        ctrlc::set_handler(move || {
            if again.swap(true, Ordering::SeqCst) || !written.load(Ordering::SeqCst) {
                std::process::exit(130);
            }
        })?;
        Ok(Self {
            interrupted,
            writing,
            bar: ProgressBar::hidden(),
            epochs: 0,
            folder: PathBuf::new(),
            description: None,
        })
    }

    /// A bar for reading `files` files; hidden where stderr is no terminal.
    pub(super) fn reading(&self, files: usize) -> Reading {
        let bar = ProgressBar::new(files as u64);
        bar.set_style(style("reading {bar:30} {pos}/{len} images, {eta} left"));
        Reading(bar)
    }

    /// A bar for `count` of what; hidden where stderr is no terminal.
    pub(super) fn counting(&self, what: &str, count: usize) -> Reading {
        let bar = ProgressBar::new(count as u64);
        bar.set_style(style("{msg} {bar:30} {pos}/{len}, {eta} left"));
        bar.set_message(what.to_owned());
        Reading(bar)
    }

    /// From here on the first Ctrl-C asks, as a run folder is about to be made.
    pub(super) fn writes(&self) {
        self.writing.store(true, Ordering::SeqCst);
    }

    pub(super) fn begin(&mut self, epochs: usize, folder: &RunFolder, description: &Description) {
        self.epochs = epochs;
        self.folder = folder.path().to_path_buf();
        self.description = Some(description.clone());
        self.bar = ProgressBar::new(0);
        self.bar
            .set_style(style("{bar:20} {percent:>3} % {eta:>4} left  {msg}"));
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// A bar for a search of `steps` steps.
    pub(crate) fn search(&mut self, steps: usize) {
        self.epochs = 1;
        self.bar = ProgressBar::new(steps as u64);
        self.bar
            .set_style(style("{bar:20} {percent:>3} % {eta:>4} left  {msg}"));
    }

    /// Writes the log anew, with the epochs that are done; what a killed process wrote after its last
    /// checkpoint goes.
    fn restart_log(&self, records: &[EpochRecord]) -> Result<(), TrainError> {
        let path = self.folder.join(files::LOG);
        if records.is_empty() && !path.exists() {
            return Ok(());
        }
        let lines = records.iter().map(|record| self.line(record));
        let lines = lines.collect::<Result<String, _>>()?;
        write_whole(&path, lines.as_bytes())
    }

    fn log(&self, record: &EpochRecord) -> Result<(), TrainError> {
        let path = self.folder.join(files::LOG);
        let line = self.line(record)?;
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(|source| TrainError::Io { path, source })
    }

    /// A record's line in the log.
    fn line(&self, record: &EpochRecord) -> Result<String, TrainError> {
        let line = serde_json::to_string(record).map_err(|e| TrainError::File {
            path: self.folder.join(files::LOG),
            reason: e.to_string(),
        })?;
        Ok(line + "\n")
    }

    fn keep(&self, best: &StateDict) -> Result<(), TrainError> {
        match &self.description {
            Some(description) => {
                write_weights(&self.folder.join(files::WEIGHTS), best, description)
            }
            None => Ok(()),
        }
    }
}

/// The look of a bar.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

impl Callback for Watch {
    fn on_start(&mut self, start: &Start<'_>) -> Result<(), TrainError> {
        self.restart_log(start.records)?;
        match start.best {
            Some(best) => self.keep(best)?,
            // A killed process may have kept weights after its last checkpoint.
            None => drop(fs::remove_file(self.folder.join(files::WEIGHTS))),
        }
        if start.step > 0 {
            self.bar.println(format!(
                "going on after {} epochs, at step {}",
                start.records.len(),
                start.step
            ));
        }
        Ok(())
    }

    fn on_step(&mut self, progress: &Progress) {
        if self.bar.length() == Some(0) {
            self.bar.set_length((progress.batches * self.epochs) as u64);
        }
        let done = (progress.epoch - 1) * progress.batches + progress.batch;
        self.bar.set_position(done as u64);
        self.bar.set_message(format!(
            "epoch {}/{} loss {:.3}",
            progress.epoch, self.epochs, progress.loss
        ));
    }

    fn on_epoch(
        &mut self,
        record: &EpochRecord,
        best: Option<&StateDict>,
    ) -> Result<(), TrainError> {
        self.log(record)?;
        if let Some(best) = best {
            self.keep(best)?;
        }
        self.bar.println(format!(
            "epoch {:>3}  train {:5.1} % (loss {:.3})  validation {:5.1} % (loss {:.3}){}",
            record.epoch,
            100.0 * record.train_accuracy,
            record.train_loss,
            100.0 * record.val_accuracy,
            record.val_loss,
            if best.is_some() { "  best" } else { "" }
        ));
        Ok(())
    }

    fn on_notice(&mut self, notice: &str) {
        self.bar.suspend(|| warn(notice));
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }
}
