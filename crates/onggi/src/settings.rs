//! The settings of a training: from flags over a `--config` file over the task's defaults, checked
//! once, and written to the run's `config.toml`.

use crate::failure::{Failure, usage};
use crate::threads;
use clap::{Args, ValueEnum};
use onggi_train::{FitSettings, OptimizerChoice};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Which rule moves the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Optimizer {
    /// Adam with decoupled weight decay
    Adamw,
    /// Gradient descent with Nesterov's momentum
    Sgd,
}

/// How training images are varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Augment {
    /// Not at all
    None,
    /// Shifted by a few pixels, and mirrored left to right
    Light,
    /// Shifted only: for digits, text and whatever changes its meaning in a mirror
    Shift,
}

/// What to do with missing values in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MissingValues {
    /// Fill in the column's median over the training rows, and say so
    Impute,
    /// End with an error that names them
    Refuse,
}

/// The flags of `onggi train`; each may stand in a `--config` file by its name with `_` for `-`.
#[derive(Args, Clone, Debug, Default, Serialize)]
pub(crate) struct TrainFlags {
    /// Folder of class folders (with or without train/ val/ test/), or a CSV or TSV file
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    /// Column of a table that holds the class
    #[arg(long, value_name = "COLUMN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// Columns of a table to leave out
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignore: Vec<String>,
    /// What to do with missing values in a table [default: impute]
    #[arg(long, value_name = "HOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<MissingValues>,
    /// Run folder to make [default: runs/<data>-<n>]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    out: Option<PathBuf>,
    /// Take settings from a TOML file, e.g. a run's config.toml; flags override it
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Model [default: small_resnet for images, mlp for tables]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Passes over the training data, at most [default: 30 for images, 100 for tables]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    epochs: Option<usize>,
    /// Samples a step [default: 32]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<usize>,
    /// Highest learning rate; it rises for a fifth of the steps, then falls (one cycle)
    /// [default: 0.003 for adamw, 0.05 for sgd]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    lr: Option<f64>,
    /// Optimiser [default: adamw]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    optimizer: Option<Optimizer>,
    /// Momentum of sgd [default: 0.9]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,
    /// Weight decay, not for biases and norms [default: 0.05 for adamw, 0.0005 for sgd]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_decay: Option<f64>,
    /// Share of the target that is spread over all classes [default: 0.1]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    label_smoothing: Option<f64>,
    /// Probability of dropout [default: 0 for images, 0.2 for tables]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dropout: Option<f64>,
    /// Scale gradients down to this global norm; 0 does not clip [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_norm: Option<f64>,
    /// Stop after this many epochs without a lower validation loss; 0 never does
    /// [default: 8 for images, 20 for tables]
    #[arg(long, value_name = "EPOCHS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    early_stopping: Option<usize>,
    /// How training images are varied [default: light]
    #[arg(long, value_name = "HOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    augment: Option<Augment>,
    /// Side in pixels that images are brought to [default: from the images, at most 96]
    #[arg(long, value_name = "PIXELS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
    /// Seed of everything random: same seed, same result, at any --threads [default: 42]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    threads: Option<usize>,
    /// Fail on an image that cannot be read, instead of leaving it out
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
    /// Print one JSON object with the figures, and nothing else, on stdout
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    json: bool,
}

/// Checked settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) data: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ignore: Vec<String>,
    pub(crate) missing: MissingValues,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) out: Option<PathBuf>,
    pub(crate) model: String,
    pub(crate) epochs: usize,
    pub(crate) batch: usize,
    pub(crate) lr: f64,
    pub(crate) optimizer: Optimizer,
    pub(crate) momentum: f64,
    pub(crate) weight_decay: f64,
    pub(crate) label_smoothing: f64,
    pub(crate) dropout: f64,
    pub(crate) clip_norm: f64,
    pub(crate) early_stopping: usize,
    pub(crate) augment: Augment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<usize>,
    pub(crate) seed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) threads: Option<usize>,
    pub(crate) strict: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) json: bool,
}

/// What kind of data a path holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// A folder of images.
    Image,
    /// A file of rows.
    Table,
}

impl Task {
    /// By the path alone; whether it can be read shows later.
    pub(crate) fn of(data: &Path) -> Result<Self, Failure> {
        if data.is_dir() {
            return Ok(Self::Image);
        }
        let extension = data.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("csv" | "tsv" | "tab") => Ok(Self::Table),
            _ if !data.exists() => {
                let path = data.display();
                Err(anyhow::anyhow!(
                    "{path} does not exist: give a folder of class folders, or a CSV or TSV file"
                )
                .into())
            }
            _ => usage(format!(
                "{}: cannot be trained on; give a folder of class folders with images, or a .csv or \
                 .tsv file",
                data.display()
            )),
        }
    }
}

impl Settings {
    /// Flags over the `--config` file over the task's defaults.
    pub(crate) fn resolve(flags: TrainFlags) -> Result<(Self, Task), Failure> {
        let mut given = match &flags.config {
            Some(path) => read_config(path)?,
            None => toml::Table::new(),
        };
        if flags.out.as_ref().is_some_and(|out| out.to_str().is_none()) {
            return usage("--out: the name is not UTF-8 and cannot be written down; take another");
        }
        let flags = toml::Table::try_from(&flags)
            .or_else(|e| usage(format!("a flag is out of range: {e}")))?;
        given.extend(flags);
        let data = match given.get("data") {
            Some(toml::Value::String(data)) if !data.is_empty() => data.clone(),
            Some(toml::Value::String(_)) | None => {
                return usage(
                    "no data given; try `onggi train photos/` or `onggi train table.csv --target \
                     COLUMN`",
                );
            }
            Some(other) => {
                return usage(format!("`data` must be a path in quotes, but is {other}"));
            }
        };
        let task = Task::of(Path::new(&data))?;
        let sgd = given.get("optimizer").and_then(toml::Value::as_str) == Some("sgd");
        let mut table =
            toml::Table::try_from(Self::defaults(data, task, sgd)).map_err(anyhow::Error::from)?;
        // One by one first: the error of all together does not say which it is.
        for (name, value) in &given {
            let mut one = table.clone();
            one.insert(name.clone(), value.clone());
            one.try_into::<Self>().or_else(|e: toml::de::Error| {
                usage(format!("setting `{name}`: {}", e.message()))
            })?;
        }
        table.extend(given);
        let settings: Self = table
            .try_into()
            .or_else(|e: toml::de::Error| usage(format!("settings: {}", e.message())))?;
        settings.check(task)?;
        Ok((settings, task))
    }

    /// What a task is trained with unless something else is asked for. The image settings were
    /// chosen on data/fashion-mini, the table settings on data/breast-cancer.csv.
    fn defaults(data: String, task: Task, sgd: bool) -> Self {
        let image = task == Task::Image;
        Self {
            data,
            target: None,
            ignore: Vec::new(),
            missing: MissingValues::Impute,
            out: None,
            model: if image { "small_resnet" } else { "mlp" }.into(),
            epochs: if image { 30 } else { 100 },
            batch: 32,
            lr: if sgd { 0.05 } else { 0.003 },
            optimizer: if sgd {
                Optimizer::Sgd
            } else {
                Optimizer::Adamw
            },
            momentum: 0.9,
            weight_decay: if sgd { 5e-4 } else { 0.05 },
            label_smoothing: 0.1,
            dropout: if image { 0.0 } else { 0.2 },
            clip_norm: 0.0,
            early_stopping: if image { 8 } else { 20 },
            augment: Augment::Light,
            size: None,
            seed: 42,
            threads: None,
            strict: false,
            json: false,
        }
    }

    fn check(&self, task: Task) -> Result<(), Failure> {
        let ranges: [(&str, f64, f64, f64); 12] = [
            ("epochs", self.epochs as f64, 1.0, 100_000.0),
            ("batch", self.batch as f64, 2.0, 65_536.0),
            ("lr", self.lr, 1e-12, 100.0),
            ("momentum", self.momentum, 0.0, 0.9999),
            ("weight_decay", self.weight_decay, 0.0, 100.0),
            ("label_smoothing", self.label_smoothing, 0.0, 0.9),
            ("dropout", self.dropout, 0.0, 0.95),
            ("clip_norm", self.clip_norm, 0.0, 1e9),
            ("early_stopping", self.early_stopping as f64, 0.0, 100_000.0),
            ("size", self.size.unwrap_or(28) as f64, 8.0, 1024.0),
            (
                "threads",
                self.threads.unwrap_or(1) as f64,
                1.0,
                threads::MOST as f64,
            ),
            ("seed", self.seed as f64, 0.0, i64::MAX as f64),
        ];
        for (name, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                let flag = name.replace('_', "-");
                return usage(format!(
                    "--{flag} must be between {low} and {high}, but is {value}"
                ));
            }
        }
        match (task, &self.target) {
            (Task::Table, None) => usage(format!(
                "which column of {} is the class? Name it with --target COLUMN",
                self.data
            )),
            (Task::Image, Some(_)) => usage(format!(
                "--target is for tables, but {} is a folder: its class folders are the classes",
                self.data
            )),
            _ => Ok(()),
        }
    }

    /// The settings that repeat the run: without where it goes and how it is shown.
    pub(crate) fn to_config(&self) -> Result<String, toml::ser::Error> {
        let kept = Self {
            out: None,
            threads: None,
            json: false,
            ..self.clone()
        };
        Ok(format!(
            "# Repeat this run: onggi train --config <this file>\n{}",
            toml::to_string(&kept)?
        ))
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(threads::all_cores)
    }

    pub(crate) fn fit(&self) -> FitSettings {
        FitSettings {
            epochs: self.epochs,
            batch: self.batch,
            lr: self.lr,
            optimizer: match self.optimizer {
                Optimizer::Adamw => OptimizerChoice::AdamW,
                Optimizer::Sgd => OptimizerChoice::Sgd {
                    momentum: self.momentum,
                },
            },
            weight_decay: self.weight_decay,
            label_smoothing: self.label_smoothing,
            clip_norm: (self.clip_norm > 0.0).then_some(self.clip_norm),
            early_stopping: (self.early_stopping > 0).then_some(self.early_stopping),
            seed: self.seed,
            workers: self.threads(),
        }
    }
}

/// Largest `--config` file that is read.
const MAX_CONFIG: u64 = 1 << 20;

fn read_config(path: &Path) -> Result<toml::Table, Failure> {
    let shown = path.display();
    // Not by the length that the system gives: that of /dev/zero is 0.
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_CONFIG + 1).read_to_string(&mut text))
        .map_err(|e| anyhow::anyhow!("--config {shown}: {e}"))?;
    if text.len() as u64 > MAX_CONFIG {
        return usage(format!(
            "--config {shown}: more than {MAX_CONFIG} bytes; not settings"
        ));
    }
    text.parse().or_else(|e: toml::de::Error| {
        let before = &text.as_bytes()[..e.span().map_or(0, |span| span.start).min(text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        usage(format!(
            "--config {shown}: not TOML: line {line}: {}",
            e.message()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: TrainFlags,
    }

    fn resolve(line: &str) -> Result<(Settings, Task), String> {
        let flags = Line::try_parse_from(format!("train {line}").split_whitespace())
            .map_err(|e| e.to_string())?
            .flags;
        Settings::resolve(flags).map_err(|e| match e {
            Failure::Usage(message) => message,
            Failure::Failed(error) => error.to_string(),
        })
    }

    #[test]
    fn flags_override_the_file_overrides_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("run.toml");
        std::fs::write(
            &file,
            format!("data = {:?}\nepochs = 7\nlr = 0.5\n", dir.path()),
        )
        .unwrap();
        let (settings, task) = resolve(&format!(
            "--config {} --lr 0.25 --label-smoothing 0",
            file.display()
        ))
        .unwrap();
        assert_eq!(task, Task::Image);
        assert_eq!(
            (settings.epochs, settings.lr, settings.batch),
            (7, 0.25, 32)
        );
        assert_eq!(settings.label_smoothing, 0.0);
        let config = settings.to_config().unwrap();
        std::fs::write(&file, &config).unwrap();
        let (again, _) = resolve(&format!("--config {} --threads 3", file.display())).unwrap();
        assert_eq!(again.to_config().unwrap(), config);
        assert_eq!(again.threads(), 3);
    }

    #[test]
    fn sgd_has_its_own_defaults() {
        let (settings, _) = resolve(". --optimizer sgd").unwrap();
        assert_eq!((settings.lr, settings.weight_decay), (0.05, 5e-4));
    }

    #[test]
    fn mistakes_say_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let table = dir.path().join("t.csv");
        std::fs::write(&table, "a,b\n1,x\n").unwrap();
        let bad = dir.path().join("bad.toml");
        std::fs::write(&bad, "epoch = 3\n").unwrap();
        let kind = dir.path().join("kind.toml");
        std::fs::write(&kind, "lr = 1\nepochs = \"x\"\n").unwrap();
        let cut = dir.path().join("cut.toml");
        std::fs::write(&cut, "lr = 0.1\nepochs = [\n").unwrap();
        let number = dir.path().join("number.toml");
        std::fs::write(&number, "data = 5\n").unwrap();
        let (table, bad) = (table.display(), bad.display());
        let (kind, cut, number) = (kind.display(), cut.display(), number.display());
        for (line, expected) in [
            (String::new(), "no data given"),
            (
                ". --lr -1".into(),
                "--lr must be between 0.000000000001 and 100, but is -1",
            ),
            (". --epochs 0".into(), "--epochs must be between 1"),
            (". --dropout NaN".into(), "--dropout must be"),
            (format!("{table}"), "--target COLUMN"),
            (". --target x".into(), "--target is for tables"),
            (format!(". --config {bad}"), "unknown field `epoch`"),
            (
                format!(". --config {kind}"),
                "setting `epochs`: invalid type: string",
            ),
            (format!(". --config {cut}"), "cut.toml: not TOML: line "),
            (
                format!("--config {number}"),
                "`data` must be a path in quotes, but is 5",
            ),
            (". --config .".into(), "--config .: "),
            (
                ". --seed 9223372036854775808".into(),
                "9223372036854775808 is not in 0..=",
            ),
            ("nowhere/at/all".into(), "nowhere/at/all does not exist"),
        ] {
            let message = resolve(&line).unwrap_err();
            assert!(message.contains(expected), "{line}: {message}");
        }
    }
}
