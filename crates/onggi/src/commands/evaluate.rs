//! `onggi evaluate RUN DATA`.

use crate::description::{Trained, load_run};
use crate::failure::Failure;
use crate::output::{percent, say, say_json, thousands, warn};
use crate::text_run::{TextRun, load_text};
use crate::threads::Threads;
use anyhow::anyhow;
use clap::Args;
use onggi_augment::image::Compose;
use onggi_data::image::{ImageDataset, ImageFolder, ImageStore, verify};
use onggi_data::table::{Missing, Table, TableDataset};
use onggi_data::{Dataset, Split};
use onggi_train::metrics::evaluation;
use onggi_train::run::Evaluation;
use onggi_train::{Predictions, predict};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi evaluate runs/photos-1 more-photos/       class folders named as in training
  onggi evaluate runs/photos-1 photos/            its test/ part, if it has split folders
  onggi evaluate runs/table-1 new.csv --json";

/// Arguments of `onggi evaluate`.
#[derive(Args, Debug)]
pub(crate) struct Evaluate {
    /// Run folder, as `onggi train` printed it
    run: PathBuf,
    /// Labelled data: a folder of class folders, or a table with the class column
    data: PathBuf,
    /// Fail on an image that cannot be read, instead of leaving it out
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object with all figures
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if let Some(text) = load_text(&self.run)? {
            let threads = self.threads.start()?;
            let answers = self.texts(&text, threads)?;
            return self.tell(&evaluation(&answers, &text.classes)?);
        }
        let (trained, classes) = load_run(&self.run)?;
        let threads = self.threads.start()?;
        let answers = match &trained {
            Trained::Image(model, preprocess) => {
                let items = images(&self.data, &classes)?;
                let store = Arc::new(ImageStore::new(preprocess.shape(), 0));
                let (good, skipped) = verify(&store, &items, self.strict, threads, &|_, _| {})?;
                for image in skipped {
                    warn(format!(
                        "{}: left out: {}",
                        image.path.display(),
                        image.reason
                    ));
                }
                let k = classes.len();
                let data = ImageDataset::new(store, good, k, preprocess, Compose::default())?;
                self.predict::<4, _>(model, data, threads)?
            }
            Trained::Table(model, preprocess, target) => {
                let wanted = Some((target.as_str(), classes.as_slice()));
                let table = Table::read_for(&self.data, preprocess, wanted, Missing::Impute)?;
                let rows: Vec<usize> = (0..table.rows()).collect();
                self.predict::<2, _>(model, TableDataset::new(&table, &rows, preprocess)?, 1)?
            }
        };
        self.tell(&evaluation(&answers, &classes)?)
    }

    fn tell(&self, measured: &Evaluation) -> Result<(), Failure> {
        if self.json {
            return Ok(say_json(measured)?);
        }
        show(measured);
        Ok(())
    }

    /// The answers to labelled texts; of a folder with splits, to its test part.
    fn texts(&self, run: &TextRun, threads: usize) -> Result<Predictions, Failure> {
        let shown = self.data.display();
        let texts = run.read(&self.data)?;
        let of_run = |class: &String| run.classes.iter().position(|known| known == class);
        let places: Option<Vec<usize>> = texts.classes().iter().map(of_run).collect();
        let places = places.ok_or_else(|| {
            let (found, known) = (texts.classes().join(", "), run.classes.join(", "));
            anyhow!("{shown}: its classes are {found}, those of the run {known}")
        })?;
        let given: Vec<Split> = texts.split_samples().iter().map(|s| s.given).collect();
        let has_test = given.contains(&Split::Test);
        if has_test {
            warn(format!(
                "{shown} has split folders: measuring on its test part"
            ));
        }
        let kept: Vec<usize> = (0..texts.len())
            .filter(|&i| !has_test || given[i] == Split::Test)
            .collect();
        let (some, labels) = texts.select(&kept)?;
        if some.is_empty() {
            return Err(anyhow!("{shown}: nothing to measure on").into());
        }
        let labels = labels.into_iter().map(|label| places[label]).collect();
        run.answers(&(some, labels), threads)
    }

    fn predict<const D: usize, M: onggi_nn::Classifier<D>>(
        &self,
        model: &M,
        data: impl Dataset + 'static,
        threads: usize,
    ) -> Result<Predictions, Failure> {
        if data.is_empty() {
            return Err(anyhow!("{}: nothing to measure on", self.data.display()).into());
        }
        let data: Arc<dyn Dataset> = Arc::new(data);
        Ok(predict(model, &data, threads)?)
    }
}

/// The images below `data` with the run's labels; of a folder with splits, the test part.
fn images(data: &Path, classes: &[String]) -> Result<Vec<onggi_data::image::ImageItem>, Failure> {
    let folder = ImageFolder::find(data)?;
    let labels: Vec<usize> = folder
        .classes
        .iter()
        .map(|name| {
            classes
                .iter()
                .position(|class| class == name)
                .ok_or_else(|| {
                    anyhow!(
                        "{}: class folder `{name}` is none of the run's classes ({})",
                        data.display(),
                        classes.join(", ")
                    )
                })
        })
        .collect::<Result<_, _>>()?;
    let has_test = folder.items.iter().any(|item| item.given == Split::Test);
    if has_test {
        warn(format!(
            "{} has split folders: measuring on its test part",
            data.display()
        ));
    }
    let kept = folder
        .items
        .into_iter()
        .filter(|item| !has_test || item.given == Split::Test);
    Ok(kept
        .map(|mut item| {
            item.label = labels[item.label];
            item
        })
        .collect())
}

fn show(measured: &Evaluation) {
    say(format!(
        "Accuracy {} on {} samples, macro F1 {:.3}, cross-entropy {:.3}",
        percent(measured.accuracy),
        thousands(measured.samples),
        measured.macro_f1,
        measured.loss
    ));
    let width = measured
        .per_class
        .iter()
        .map(|c| c.class.chars().count())
        .max()
        .unwrap_or(0);
    let width = width.max("class".len());
    say(format!(
        "\n{:<width$}  precision  recall     F1  samples",
        "class"
    ));
    for c in &measured.per_class {
        say(format!(
            "{:<width$}  {:>9.3}  {:>6.3}  {:>5.3}  {:>7}",
            c.class, c.precision, c.recall, c.f1, c.support
        ));
    }
    let most = measured
        .confusion
        .iter()
        .flatten()
        .max()
        .copied()
        .unwrap_or(0);
    let cell = most
        .to_string()
        .len()
        .max(measured.per_class.len().to_string().len())
        + 1;
    say("\nconfusion: a row a true class, a column a predicted one, in the order above");
    for (row, class) in measured.confusion.iter().zip(&measured.per_class) {
        let cells: String = row.iter().map(|n| format!("{n:>cell$}")).collect();
        say(format!("{:<width$} {cells}", class.class));
    }
}
