//! What the runs show: each remedy's figures, its difference to the baseline, and what follows.

use super::TRAINERS;
use super::remedies::{BASELINE, Remedy};
use crate::commands::diagnose::data::{image_parts, table_parts};
use crate::commands::train::TEXT_COLUMN;
use crate::description::{Trained, load_run};
use crate::failure::Failure;
use crate::output::percent;
use crate::text_run::load_text;
use anyhow::anyhow;
use onggi_data::text::Texts;
use onggi_data::{Dataset, Split, SplitMap};
use onggi_train::diagnose::{Interval, Paired, crossed};
use onggi_train::metrics::log_loss;
use onggi_train::run::{Summary, files};
use onggi_train::{Predictions, predict};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Confidence of the intervals.
pub(super) const LEVEL: f64 = 0.95;

/// One training.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RunRow {
    pub(super) seed: u64,
    pub(super) run: String,
    pub(super) train_accuracy: f64,
    pub(super) val_accuracy: f64,
    pub(super) val_loss: f64,
    pub(super) epochs: usize,
    /// Epoch whose weights were kept.
    pub(super) kept_epoch: usize,
    pub(super) seconds: f64,
}

/// One remedy: means over its seeds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    /// What it adds to `onggi train DATA`.
    pub(super) flags: Vec<String>,
    pub(super) parameters: usize,
    pub(super) train_accuracy: f64,
    pub(super) val_accuracy: f64,
    pub(super) val_loss: f64,
    /// Train accuracy less validation accuracy.
    pub(super) gap: f64,
    pub(super) seconds: f64,
    /// Validation accuracy less the baseline's, over seeds and samples; `None` for the baseline.
    pub(super) difference: Option<Interval>,
    /// Validation loss less the baseline's, likewise.
    pub(super) loss_difference: Option<Interval>,
    /// The accuracies paired by seed alone, on these validation samples.
    pub(super) by_seed: Option<Paired>,
    pub(super) runs: Vec<RunRow>,
}

/// Test accuracy of the baseline and of the remedy chosen, looked at once, after the choice.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TestFigures {
    pub(super) samples: usize,
    pub(super) baseline: f64,
    pub(super) recommended: f64,
}

/// A comparison's outcome: `compare.json`, and what `--json` prints.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) data: String,
    pub(super) task: String,
    pub(super) out: String,
    pub(super) epochs: usize,
    pub(super) seeds: Vec<u64>,
    /// Samples in train, validation and test.
    pub(super) split: [usize; 3],
    pub(super) rows: Vec<Row>,
    /// Name of the remedy that is recommended, if one is.
    pub(super) recommended: Option<&'static str>,
    pub(super) recommendation: String,
    /// The command that trains with it.
    pub(super) command: Option<String>,
    pub(super) test: Option<TestFigures>,
}

/// A remedy's runs.
pub(super) struct Runs {
    pub(super) remedy: Remedy,
    pub(super) flags: Vec<String>,
    pub(super) runs: Vec<(u64, PathBuf, Summary)>,
}

/// Answers of one run on the validation data.
struct Answers {
    /// 1 for each right answer, 0 for each wrong one.
    right: Vec<f64>,
    /// Cross-entropy of each sample.
    losses: Vec<f64>,
    accuracy: f64,
    loss: f64,
}

impl Answers {
    fn of(predictions: &Predictions) -> Self {
        let labels = &predictions.labels;
        let pairs = predictions.predicted().into_iter().zip(labels);
        let right = pairs.map(|(p, &label)| f64::from(u8::from(p == label)));
        // A softmax in `f32` may give 0; its logarithm must be finite.
        let losses = predictions.rows().zip(labels);
        Self {
            right: right.collect(),
            losses: losses.map(|(p, &l)| -p[l].max(1e-38).ln()).collect(),
            accuracy: predictions.accuracy(),
            loss: predictions.loss,
        }
    }
}

/// Measures all runs on their common validation data, and compares.
pub(super) fn compare(
    data: &str,
    out: &Path,
    epochs: usize,
    all: &[Runs],
    shared: &[String],
    threads: usize,
) -> Result<Comparison, Failure> {
    let Some((_, first, summary)) = all.first().and_then(|runs| runs.runs.first()) else {
        return Err(anyhow!("nothing to compare").into());
    };
    let split = std::fs::read(first.join(files::SPLIT))?;
    let mut samples = 0;
    let mut answers: Vec<Vec<Answers>> = Vec::new();
    for runs in all {
        let mut of = Vec::new();
        // The same images, as this remedy's models want to be fed.
        let Some((_, one, _)) = runs.runs.first() else {
            return Err(anyhow!("{}: no run to compare", runs.remedy.name).into());
        };
        let val = validation(Path::new(data), one)?;
        samples = val.len();
        for (_, folder, _) in &runs.runs {
            if std::fs::read(folder.join(files::SPLIT))? != split {
                return Err(anyhow!(
                    "{}: split otherwise than the first run, so the data changed on the way; compare \
                     anew in another folder",
                    folder.display()
                )
                .into());
            }
            of.push(Answers::of(&answer(folder, &val, threads)?));
        }
        answers.push(of);
    }
    let rows = all.iter().zip(&answers);
    let rows: Vec<Row> = rows
        .map(|(runs, own)| row(runs, own, &answers[0]))
        .collect::<Result<_, _>>()?;
    let seeds: Vec<u64> = all[0].runs.iter().map(|(seed, _, _)| *seed).collect();
    let chosen = choose(&rows);
    let recommendation = words(&rows, chosen, seeds.len(), samples);
    let test_accuracy = |index: usize| -> Option<f64> {
        let figures = all[index].runs.iter().map(|(_, _, run)| run.test_accuracy);
        let figures = figures.collect::<Option<Vec<f64>>>()?;
        Some(mean(&figures))
    };
    let test = chosen.and_then(|index| {
        Some(TestFigures {
            samples: summary.split[2],
            baseline: test_accuracy(0)?,
            recommended: test_accuracy(index)?,
        })
    });
    let command = chosen.map(|index| {
        // A fitted one has no use for the flags of a trainer.
        let fitted = all[index].remedy.is_fitted();
        let of_trainer = |flag: &&String| TRAINERS.iter().any(|name| flag.starts_with(name));
        let shared = shared.iter().filter(|flag| !(fitted && of_trainer(flag)));
        let flags = shared.chain(&rows[index].flags);
        let flags: Vec<_> = flags.map(|flag| quoted(flag)).collect();
        format!("onggi train {} {}", quoted(data), flags.join(" "))
            .trim_end()
            .to_string()
    });
    Ok(Comparison {
        data: data.into(),
        task: summary.task.clone(),
        out: out.display().to_string(),
        epochs,
        seeds,
        split: summary.split,
        recommended: chosen.map(|index| rows[index].name),
        recommendation,
        command,
        test,
        rows,
    })
}

/// As a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./,:+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The validation data of a run, read again.
enum Validation {
    Samples(Arc<dyn Dataset>),
    Texts(Vec<String>, Vec<usize>),
}

impl Validation {
    fn len(&self) -> usize {
        match self {
            Self::Samples(data) => data.len(),
            Self::Texts(texts, _) => texts.len(),
        }
    }
}

fn validation(data: &Path, run: &Path) -> Result<Validation, Failure> {
    if let Some(text) = load_text(run)? {
        let column = text.text_column.as_deref().unwrap_or(TEXT_COLUMN);
        let texts = match &text.target {
            Some(target) if !data.is_dir() => {
                Texts::read_for(data, column, Some((target, &text.classes)))?
            }
            _ => Texts::scan(data)?,
        };
        let map = SplitMap::load(&run.join(files::SPLIT))?;
        let (texts, labels) = texts.select(&map.indices(Split::Val, texts.ids())?)?;
        let texts = texts.into_iter().map(str::to_owned).collect();
        return Ok(Validation::Texts(texts, labels));
    }
    let (trained, classes) = load_run(run)?;
    let [_, val, _] = match &trained {
        Trained::Image(_, preprocess) => image_parts(data, run, &classes, preprocess)?.0,
        Trained::Table(_, preprocess, target) => {
            table_parts(data, run, &classes, preprocess, target)?.0
        }
    };
    Ok(Validation::Samples(val))
}

fn answer(run: &Path, val: &Validation, threads: usize) -> Result<Predictions, Failure> {
    let val = match val {
        Validation::Samples(val) => val,
        Validation::Texts(texts, labels) => {
            let text =
                load_text(run)?.ok_or_else(|| anyhow!("{}: no run of texts", run.display()))?;
            let classes = text.classes.len();
            let probabilities = text.probabilities(texts, threads)?;
            return Ok(Predictions {
                loss: log_loss(labels, &probabilities, classes)?,
                labels: labels.clone(),
                probabilities,
                classes,
            });
        }
    };
    Ok(match load_run(run)?.0 {
        Trained::Image(model, _) => predict(&model, val, threads)?,
        Trained::Table(model, _, _) => predict(&model, val, 1)?,
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn row(runs: &Runs, own: &[Answers], baseline: &[Answers]) -> Result<Row, Failure> {
    let rows: Vec<RunRow> = runs
        .runs
        .iter()
        .zip(own)
        .map(|((seed, folder, summary), answers)| RunRow {
            seed: *seed,
            run: folder.display().to_string(),
            train_accuracy: summary.train_accuracy,
            val_accuracy: answers.accuracy,
            val_loss: answers.loss,
            epochs: summary.epochs,
            kept_epoch: summary.best_epoch,
            seconds: summary.seconds,
        })
        .collect();
    let over = |figure: fn(&RunRow) -> f64| mean(&rows.iter().map(figure).collect::<Vec<_>>());
    let of = |answers: &[Answers], figures: fn(&Answers) -> &Vec<f64>| -> Vec<Vec<f64>> {
        answers.iter().map(|a| figures(a).clone()).collect()
    };
    let difference = |figures: fn(&Answers) -> &Vec<f64>| {
        crossed(&of(own, figures), &of(baseline, figures), LEVEL)
    };
    let accuracies = |answers: &[Answers]| answers.iter().map(|a| a.accuracy).collect::<Vec<_>>();
    let compared = runs.remedy.name != BASELINE;
    let (train_accuracy, val_accuracy) = (over(|r| r.train_accuracy), over(|r| r.val_accuracy));
    Ok(Row {
        name: runs.remedy.name,
        words: runs.remedy.words,
        flags: runs.flags.clone(),
        parameters: runs.runs.first().map_or(0, |(_, _, run)| run.parameters),
        train_accuracy,
        val_accuracy,
        val_loss: over(|r| r.val_loss),
        gap: train_accuracy - val_accuracy,
        seconds: over(|r| r.seconds),
        difference: compared.then(|| difference(|a| &a.right)).transpose()?,
        loss_difference: compared.then(|| difference(|a| &a.losses)).transpose()?,
        by_seed: compared
            .then(|| Paired::new(&accuracies(own), &accuracies(baseline), LEVEL, 0))
            .transpose()?,
        runs: rows,
    })
}

/// Of the remedies whose whole interval lies above 0, the one with the largest difference; of equal
/// ones, the first.
fn choose(rows: &[Row]) -> Option<usize> {
    let better = rows.iter().enumerate().filter_map(|(index, row)| {
        let difference = row.difference.filter(|d| d.low > 0.0)?;
        Some((index, difference.estimate))
    });
    better
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(index, _)| index)
}

/// A difference in points: `+1.5`.
pub(super) fn points(fraction: f64) -> String {
    let text = format!("{:+.1}", 100.0 * fraction);
    if text == "-0.0" { "+0.0".into() } else { text }
}

fn words(rows: &[Row], chosen: Option<usize>, seeds: usize, samples: usize) -> String {
    let told = |row: &Row, d: Interval| {
        format!(
            "{} {} points of validation accuracy ({} against {}; 95 % interval {} to {}, {seeds} \
             seeds on {samples} samples)",
            row.name,
            points(d.estimate),
            percent(row.val_accuracy),
            percent(rows[0].val_accuracy),
            points(d.low),
            points(d.high)
        )
    };
    let compared = || rows.iter().filter_map(|row| Some((row, row.difference?)));
    if let Some((row, difference)) = chosen.and_then(|i| Some((&rows[i], rows[i].difference?))) {
        let others: Vec<_> = compared()
            .filter(|(other, d)| d.low > 0.0 && other.name != row.name)
            .map(|(other, _)| other.name)
            .collect();
        let others = match others.as_slice() {
            [] => "No other beat the baseline outside its interval.".to_string(),
            names => format!("Better than the baseline too: {}.", names.join(", ")),
        };
        return format!("Recommended: {}. {others}", told(row, difference));
    }
    let best = compared().reduce(|a, b| if b.1.estimate > a.1.estimate { b } else { a });
    match best {
        Some((row, difference)) => format!(
            "Nothing beat the baseline outside the interval: stay with it, or give more --seeds or \
             more data. The largest difference: {}.",
            told(row, difference)
        ),
        None => "Nothing was compared.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_row(name: &'static str, difference: Option<(f64, f64, f64)>) -> Row {
        Row {
            name,
            words: "",
            flags: Vec::new(),
            parameters: 1,
            train_accuracy: 0.9,
            val_accuracy: 0.8 + difference.map_or(0.0, |d| d.1),
            val_loss: 0.5,
            gap: 0.1,
            seconds: 1.0,
            difference: difference.map(|(low, estimate, high)| Interval {
                estimate,
                low,
                high,
                level: LEVEL,
            }),
            loss_difference: None,
            by_seed: None,
            runs: Vec::new(),
        }
    }

    #[test]
    fn only_what_lies_outside_the_interval_is_recommended() {
        let rows = [
            a_row(BASELINE, None),
            a_row("l1", Some((-0.01, 0.06, 0.13))),
            a_row("dropout", Some((0.01, 0.02, 0.03))),
            a_row("larger", Some((0.02, 0.04, 0.06))),
        ];
        assert_eq!(choose(&rows), Some(3));
        let said = words(&rows, Some(3), 3, 100);
        assert!(
            said.starts_with(
                "Recommended: larger +4.0 points of validation accuracy (84.0 % against 80.0 %; 95 % \
                 interval +2.0 to +6.0, 3 seeds on 100 samples)"
            ),
            "{said}"
        );
        assert!(said.ends_with("too: dropout."), "{said}");
        assert_eq!(choose(&rows[..2]), None);
        let said = words(&rows[..2], None, 3, 100);
        assert!(said.starts_with("Nothing beat the baseline"), "{said}");
        assert!(said.contains("l1 +6.0 points"), "{said}");
    }

    #[test]
    fn words_for_a_shell() {
        assert_eq!(quoted("data/x.csv"), "data/x.csv");
        assert_eq!(quoted("my photos"), "'my photos'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
