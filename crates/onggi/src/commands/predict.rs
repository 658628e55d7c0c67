//! `onggi predict RUN FILE…`.

use crate::commands::train::TEXT_COLUMN;
use crate::description::{Trained, load_run};
use crate::failure::{Failure, usage, words};
use crate::output::{one_line, percent, say, say_json, warn};
use crate::text_run::{TextRun, load_text};
use crate::threads::Threads;
use anyhow::Context;
use clap::Args;
use onggi_augment::image::Compose;
use onggi_data::Dataset;
use onggi_data::Split;
use onggi_data::image::{ImageDataset, ImageItem, ImageStore};
use onggi_data::table::{Missing, Table, TableDataset};
use onggi_data::text::{Texts, one_text};
use onggi_train::predict;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi predict runs/photos-1 new.jpg other.png
  onggi predict runs/photos-1 *.jpg --top 3
  onggi predict runs/table-1 rows.csv --json
  onggi predict runs/reviews-1 mail.txt new.csv    a text, and the rows of a file";

/// Arguments of `onggi predict`.
#[derive(Args, Debug)]
pub(crate) struct Predict {
    /// Run folder, as `onggi train` printed it
    run: PathBuf,
    /// Image files, texts (.txt), or files whose rows are asked about
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Classes to name for each input, the most probable first
    #[arg(long, value_name = "K", default_value_t = 1)]
    top: usize,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object with all answers
    #[arg(long)]
    json: bool,
}

/// One class and its probability.
#[derive(Serialize)]
struct Guess<'a> {
    class: &'a str,
    probability: f64,
}

/// The answer to one input.
#[derive(Serialize)]
struct Answer<'a> {
    input: String,
    class: &'a str,
    probability: f64,
    top: Vec<Guess<'a>>,
}

/// An input that got no answer.
#[derive(Serialize)]
struct Refused {
    input: String,
    error: String,
}

impl Predict {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.top == 0 {
            return usage("--top must be at least 1, but is 0");
        }
        let threads = self.threads.start()?;
        let text = load_text(&self.run)?;
        let trained = match &text {
            Some(_) => None,
            None => Some(load_run(&self.run)?),
        };
        let classes: &[String] = match (&text, &trained) {
            (Some(text), _) => &text.classes,
            (None, Some((_, classes))) => classes,
            (None, None) => &[],
        };
        let (mut answers, mut refused) = (Vec::new(), Vec::new());
        for file in &self.files {
            let asked = match (&text, &trained) {
                (Some(text), _) => ask_text(text, file, threads),
                (None, Some((trained, _))) => ask(trained, classes.len(), file),
                (None, None) => continue,
            };
            match asked {
                Ok((inputs, probabilities)) => {
                    let rows = probabilities.chunks_exact(classes.len().max(1));
                    for (input, row) in inputs.into_iter().zip(rows) {
                        answers.push(answer(input, row, classes, self.top));
                    }
                }
                Err(Failure::Failed(error)) => {
                    let (input, error) = (file.display().to_string(), words(&error));
                    refused.push(Refused { input, error });
                }
                Err(wrong_use) => return Err(wrong_use),
            }
        }
        if self.json {
            say_json(&serde_json::json!({
                "run": self.run, "predictions": answers, "errors": refused,
            }))?;
        } else {
            for answer in &answers {
                let top = answer.top.iter();
                let top: Vec<_> = top
                    .map(|g| format!("{} {}", g.class, percent(g.probability)))
                    .collect();
                say(format!("{}: {}", one_line(&answer.input), top.join(", ")));
            }
        }
        match refused.as_slice() {
            [] => Ok(()),
            [only] => Err(anyhow::anyhow!("{}", only.error).into()),
            several => {
                several.iter().for_each(|refused| warn(&refused.error));
                let (n, all) = (several.len(), self.files.len());
                Err(anyhow::anyhow!("{n} of {all} inputs got no answer, as said above").into())
            }
        }
    }
}

/// The model's answers to one file, with what each was asked about.
fn ask(trained: &Trained, classes: usize, file: &Path) -> Result<(Vec<String>, Vec<f64>), Failure> {
    let shown = file.display().to_string();
    match trained {
        Trained::Image(model, preprocess) => {
            // A store without room: each image is looked at once.
            let store = Arc::new(ImageStore::new(preprocess.shape(), 0));
            let id = shown.clone();
            let item = ImageItem {
                path: file.to_path_buf(),
                id,
                label: 0,
                given: Split::Test,
            };
            let data =
                ImageDataset::new(store, vec![item], classes, preprocess, Compose::default())?;
            let data: Arc<dyn Dataset> = Arc::new(data);
            Ok((vec![shown], predict(model, &data, 1)?.probabilities))
        }
        Trained::Table(model, preprocess, _) => {
            let table = Table::read_for(file, preprocess, None, Missing::Impute)
                .context("this run's model reads tables, CSV or TSV")?;
            let rows: Vec<usize> = (0..table.rows()).collect();
            let inputs = table
                .ids()
                .iter()
                .map(|id| format!("{shown} {id}"))
                .collect();
            let data = TableDataset::new(&table, &rows, preprocess)?;
            let data: Arc<dyn Dataset> = Arc::new(WithClasses { data, classes });
            Ok((inputs, predict(model, &data, 1)?.probabilities))
        }
    }
}

/// The answers to the texts of one file: a `.txt` is one text, the rows of any other are many.
fn ask_text(
    run: &TextRun,
    file: &Path,
    threads: usize,
) -> Result<(Vec<String>, Vec<f64>), Failure> {
    let shown = file.display().to_string();
    if file.extension().is_some_and(|end| end == "txt") {
        let text = one_text(file)?;
        return Ok((vec![shown], run.probabilities(&[text], threads)?));
    }
    let column = run.text_column.as_deref().unwrap_or(TEXT_COLUMN);
    let texts = Texts::read_for(file, column, None)?;
    let inputs = texts
        .ids()
        .iter()
        .map(|id| format!("{shown} {id}"))
        .collect();
    Ok((inputs, run.probabilities(texts.texts(), threads)?))
}

/// A table without a class column, seen with the model's classes.
struct WithClasses {
    data: TableDataset,
    classes: usize,
}

impl Dataset for WithClasses {
    fn len(&self) -> usize {
        self.data.len()
    }

    fn sample_shape(&self) -> Vec<usize> {
        self.data.sample_shape()
    }

    fn label(&self, _: usize) -> usize {
        0
    }

    fn num_classes(&self) -> usize {
        self.classes
    }

    fn source(&self, index: usize) -> String {
        self.data.source(index)
    }

    fn load(
        &self,
        index: usize,
        view: onggi_data::View,
        out: &mut [f32],
    ) -> Result<(), onggi_data::DataError> {
        self.data.load(index, view, out)
    }
}

fn answer<'a>(input: String, row: &[f64], classes: &'a [String], top: usize) -> Answer<'a> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&a, &b| row[b].total_cmp(&row[a]).then(a.cmp(&b)));
    let top: Vec<_> = order
        .into_iter()
        .take(top)
        .map(|class| Guess {
            class: &classes[class],
            probability: row[class],
        })
        .collect();
    let (class, probability) = (top[0].class, top[0].probability);
    Answer {
        input,
        class,
        probability,
        top,
    }
}
