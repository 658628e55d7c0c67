//! `onggi augment text IN OUT`: the rows of a file, and after each training row changed copies of it.

use crate::commands::train::progress::style;
use crate::failure::{Failure, usage};
use crate::language_model::GapFiller;
use crate::output::{one_line, percent, say, say_json, thousands};
use crate::pipeline;
use crate::threads::Threads;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use onggi_augment::AugmentError;
use onggi_augment::text::{
    Balance, Columns, DatasetConfig, DatasetReport, Passed, Pipeline, PipelineConfig, Recipe,
    Resources, RowFormat, Sample, TextFile,
};
use onggi_train::run::write_whole;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) const EXAMPLES: &str = "\
Recipes:
  eda          synonyms, insertions, swaps, deletions (Wei and Zou 2019)
  aeda         punctuation between words (Karimi et al. 2021)
  typo         slips of fingers and of spelling
  ocr          errors of scanned text
  adversarial  homoglyphs, zero-width characters, spaces
  mild         synonyms, contractions, punctuation: keeps the meaning
  korean-typo  slips of the two-set keyboard, spelling by sound, spaces, particles
  korean       punctuation, spaces, words swapped: the safest for Korean

Examples:
  onggi augment text reviews.csv more.csv --recipe eda --label-column label
  onggi augment text all.csv more.csv --recipe typo -n 2 --split-column split
  onggi augment text 리뷰.jsonl 더.jsonl --recipe korean --text-column 본문
  onggi augment text spam.csv.gz even.csv --recipe mild --label-column label --balance max
  onggi augment text a.parquet b.parquet --pipeline steps.toml --report report.json

A pipeline file:
  [protect]
  phrases = [\"New York\"]
  [[steps]]
  transform = \"keyboard\"
  aug_word_p = 0.1

With a masked language model (BERT, DistilBERT, RoBERTa), the folder of its config.json, tokenizer.json and
model.safetensors:
  model = \"my-bert\"
  [[steps]]
  transform = \"contextual_word_embs\"
  action = \"insert\"";

/// Most copies of a row.
const MOST_COPIES: usize = 1_000;

/// Samples shown on the terminal.
const SHOWN: usize = 3;

/// Characters of a sample shown.
const WIDTH: usize = 90;

/// Arguments of `onggi augment text`.
#[derive(Args, Debug)]
pub(crate) struct Text {
    /// File to read: .csv, .tsv, .jsonl (each also .gz) or .parquet
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// File to write, of the same format; appears whole or not at all
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Named pipeline: see below
    #[arg(long, value_name = "NAME", required_unless_present = "pipeline")]
    recipe: Option<String>,
    /// Pipeline of your own, TOML or JSON
    #[arg(long, value_name = "FILE", conflicts_with = "recipe")]
    pipeline: Option<PathBuf>,
    /// Copies of a row [default: the recipe's; 1 of --pipeline; 0 with --balance max]
    #[arg(short = 'n', long = "copies", value_name = "N")]
    copies: Option<usize>,
    /// Column with the text
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    text_column: String,
    /// Column with the label
    #[arg(long, value_name = "COLUMN")]
    label_column: Option<String>,
    /// Column with the split: only rows of `train` or `training` are augmented
    #[arg(long, value_name = "COLUMN")]
    split_column: Option<String>,
    /// `max`: more copies for small classes, until each has as many rows as the largest
    #[arg(long, value_name = "HOW", value_enum, default_value_t = How::None)]
    balance: How,
    /// Most copies of one row with --balance max
    #[arg(long, value_name = "N", default_value_t = DatasetConfig::default().max_copies)]
    max_copies: usize,
    /// Add a column that says, as JSON, what was done to which row
    #[arg(long, value_name = "COLUMN")]
    provenance_column: Option<String>,
    /// Write figures and samples as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Samples in the report
    #[arg(long, value_name = "N", default_value_t = 20)]
    samples: usize,
    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    #[command(flatten)]
    threads: Threads,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// Print one JSON object with the figures
    #[arg(long)]
    json: bool,
}

/// The flag `--balance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    None,
    Max,
}

/// What `--json` prints and `--report` writes.
#[derive(Serialize)]
struct Written<'a> {
    input: &'a PathBuf,
    output: &'a PathBuf,
    recipe: Option<&'a str>,
    copies_per_row: usize,
    balance: Balance,
    seed: u64,
    pipeline: &'a PipelineConfig,
    #[serde(flatten)]
    report: &'a DatasetReport,
}

impl Text {
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.check()?;
        let own = self.pipeline.as_deref().map(pipeline::read).transpose()?;
        // Before the file is read through, which takes its time.
        if let Some(name) = &self.recipe {
            Recipe::by_name(name, 0).or_else(|e| usage(format!("--recipe: {e}")))?;
        }
        self.threads.start()?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let again = interrupted.clone();
        ctrlc::set_handler(move || {
            if again.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        })?;
        let columns = Columns {
            text: self.text_column.clone(),
            label: self.label_column.clone().unwrap_or_default(),
            split: self.split_column.clone().unwrap_or_default(),
            ..Columns::default()
        };
        let bar = Bar::new("reading", &interrupted);
        let file = TextFile::open(&self.input, &columns, &mut |passed| bar.at(passed))?;
        drop(bar);
        let (config, copies) = self.pipeline(own, &file)?;
        let resources = Resources {
            tf_idf: config
                .wants_tf_idf()
                .then(|| file.tf_idf())
                .transpose()?
                .map(Arc::new),
            model: match config.model.as_str() {
                "" => None,
                folder => Some(Arc::new(GapFiller::read(Path::new(folder))?)),
            },
        };
        let pipeline = Pipeline::new(config, &resources).or_else(refused)?;
        let settings = DatasetConfig {
            copies,
            balance: match self.balance {
                How::None => Balance::None,
                How::Max => Balance::Max,
            },
            max_copies: self.max_copies,
            provenance_column: self.provenance_column.clone().unwrap_or_default(),
            seed: self.seed,
            samples: self.samples,
            ..DatasetConfig::default()
        };
        let bar = Bar::new("writing", &interrupted);
        let watch = &mut |passed| bar.at(passed);
        let report = file.augment(&self.output, &pipeline, &settings, watch)?;
        drop(bar);
        let written = Written {
            input: &self.input,
            output: &self.output,
            recipe: self.recipe.as_deref(),
            copies_per_row: copies,
            balance: settings.balance,
            seed: self.seed,
            pipeline: pipeline.config(),
            report: &report,
        };
        if let Some(path) = &self.report {
            write_whole(path, &serde_json::to_vec_pretty(&written)?)?;
        }
        if self.json {
            return Ok(say_json(&written)?);
        }
        self.show(&report);
        Ok(())
    }

    /// Wrong use that can be seen before anything is read.
    fn check(&self) -> Result<(), Failure> {
        for (flag, n) in [("-n", self.copies), ("--max-copies", Some(self.max_copies))] {
            if let Some(n) = n.filter(|&n| n > MOST_COPIES) {
                return usage(format!("{flag} must be at most {MOST_COPIES}, but is {n}"));
            }
        }
        if self.balance == How::Max && self.label_column.is_none() {
            return usage("--balance max needs the column of the classes: --label-column COLUMN");
        }
        for path in [&self.input, &self.output] {
            RowFormat::of(path).or_else(|e| usage(e.to_string()))?;
        }
        for path in [Some(&self.output), self.report.as_ref()]
            .into_iter()
            .flatten()
        {
            if path.exists() && !self.force {
                let shown = path.display();
                return Err(anyhow::anyhow!(
                    "{shown}: is there already; take another name, or --force to write over it"
                )
                .into());
            }
        }
        Ok(())
    }

    /// The pipeline and the copies of a row; a recipe's may hang on the number of training rows.
    fn pipeline(
        &self,
        own: Option<PipelineConfig>,
        file: &TextFile,
    ) -> Result<(PipelineConfig, usize), Failure> {
        let (config, copies) = match (own, &self.recipe) {
            (Some(config), _) => (config, 1),
            (None, name) => {
                let name = name.as_deref().unwrap_or_default();
                let recipe = Recipe::by_name(name, file.train_rows())?;
                (recipe.config, recipe.copies)
            }
        };
        let balanced = self.balance == How::Max;
        let copies = self.copies.unwrap_or(if balanced { 0 } else { copies });
        Ok((config, copies))
    }

    fn show(&self, report: &DatasetReport) {
        let n = |n: u64| thousands(usize::try_from(n).unwrap_or(usize::MAX));
        let (input, output) = (self.input.display(), self.output.display());
        say(format!(
            "{}: {} rows, {} for training",
            one_line(&input.to_string()),
            n(report.rows),
            n(report.train_rows)
        ));
        say(format!(
            "{}: {} rows, {} of them copies",
            one_line(&output.to_string()),
            n(report.rows + report.copies),
            n(report.copies)
        ));
        if report.copies > 0 {
            say(format!(
                "a copy changes {} of its text and is {:.2} times as long",
                percent(report.change_rate),
                report.length_ratio
            ));
        }
        for (count, words) in [
            (
                report.missing,
                "copies are missing: no further new text could be made of some rows",
            ),
            (
                report.leaks,
                "training rows left alone: another split has the same text",
            ),
            (report.blank, "training rows left alone: they have no text"),
            (
                report.duplicates,
                "draws refused as duplicates, and drawn anew",
            ),
            (
                report.label_changed,
                "copies may mean the opposite: see the column label_changed",
            ),
        ] {
            if count > 0 {
                say(format!("{} {words}", n(count)));
            }
        }
        for Sample { before, after, .. } in report.samples.iter().take(SHOWN) {
            say(format!("  - {}\n  + {}", short(before), short(after)));
        }
        if let Some(path) = &self.report {
            say(format!("Report: {}", path.display()));
        }
    }
}

/// A pipeline that the library refuses is wrong use; a file or model of it that fails is not.
fn refused<T>(error: AugmentError) -> Result<T, Failure> {
    match error {
        AugmentError::File { .. } | AugmentError::Model { .. } => Err(error.into()),
        error => usage(format!("--pipeline: {error}")),
    }
}

/// The start of a text, on one line.
fn short(text: &str) -> String {
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", one_line(&text[..end])),
        None => one_line(text),
    }
}

/// A bar that is hidden where stderr is no terminal, and the ear for Ctrl-C.
struct Bar<'a> {
    bar: ProgressBar,
    interrupted: &'a AtomicBool,
}

/// Steps of a bar.
const STEPS: u64 = 1_000;

impl<'a> Bar<'a> {
    fn new(what: &'static str, interrupted: &'a AtomicBool) -> Self {
        let bar = ProgressBar::new(STEPS);
        bar.set_style(style("{prefix} {bar:30} {percent:>3} %, {eta} left  {msg}"));
        bar.set_prefix(what);
        Self { bar, interrupted }
    }

    fn at(&self, passed: Passed) -> ControlFlow<()> {
        self.bar
            .set_position((passed.fraction * STEPS as f64) as u64);
        self.bar.set_message(format!(
            "{} rows",
            thousands(usize::try_from(passed.rows).unwrap_or(usize::MAX))
        ));
        match self.interrupted.load(Ordering::SeqCst) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

impl Drop for Bar<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_recipe() {
        for (name, _) in Recipe::all() {
            assert!(EXAMPLES.contains(&format!("\n  {name} ")), "{name}");
        }
    }

    #[test]
    fn samples_stay_on_a_line() {
        assert_eq!(short("a\nb"), "a\\nb");
        assert_eq!(short(&"가".repeat(91)), format!("{}…", "가".repeat(90)));
    }
}
