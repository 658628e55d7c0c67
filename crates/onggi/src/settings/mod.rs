//! The settings of a training: from flags over a `--config` file over the task's defaults, checked
//! once, and written to the run's `config.toml`.

mod amounts;
mod augment;
mod choices;
mod config;
mod flags;
mod training;
mod tune;

pub(crate) use amounts::duration;
pub(crate) use augment::{Augment, PipelineFile};
pub(crate) use choices::{MissingValues, NormName};
pub(crate) use flags::TrainFlags;
pub(crate) use tune::Tune;

use crate::failure::{Failure, usage};
use crate::threads;
use crate::zoo::TEXT_MODELS;
use choices::{Keep, MonitorName, Optimizer, ScheduleName};
use config::read_config;
use onggi_augment::image::Preset;
use onggi_data::text::TokenizerConfig;
use onggi_data::{SplitMap, SplitSample};
use onggi_train::fingerprint;
use onggi_train::run::files;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Checked settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) data: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text_column: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ignore: Vec<String>,
    pub(crate) missing: MissingValues,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) out: Option<PathBuf>,
    pub(crate) model: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) pretrained: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weights: Option<PathBuf>,
    #[serde(default)]
    pub(crate) tune: Tune,
    #[serde(default)]
    pub(crate) views: usize,
    pub(crate) width: f64,
    pub(crate) norm: NormName,
    pub(crate) epochs: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<String>,
    pub(crate) batch: usize,
    pub(crate) accumulate: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_memory: Option<String>,
    pub(crate) lr: f64,
    pub(crate) schedule: ScheduleName,
    pub(crate) warmup: f64,
    pub(crate) optimizer: Optimizer,
    pub(crate) momentum: f64,
    pub(crate) weight_decay: f64,
    pub(crate) l1: f64,
    pub(crate) l2: f64,
    pub(crate) elastic_net: f64,
    pub(crate) l1_ratio: f64,
    pub(crate) max_norm: f64,
    pub(crate) clip_norm: f64,
    pub(crate) clip_value: f64,
    pub(crate) sam: f64,
    pub(crate) ema: f64,
    pub(crate) swa: f64,
    pub(crate) mixup: f64,
    pub(crate) cutmix: f64,
    pub(crate) label_smoothing: f64,
    pub(crate) dropout: f64,
    pub(crate) drop_path: f64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) freeze: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lr_factor: Vec<String>,
    pub(crate) early_stopping: usize,
    pub(crate) monitor: MonitorName,
    pub(crate) keep: Keep,
    pub(crate) min_delta: f64,
    pub(crate) divergence: f64,
    pub(crate) augment: Augment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) augment_text: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) balanced: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vocabulary: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<usize>,
    pub(crate) checkpoint_steps: u64,
    pub(crate) tensorboard: bool,
    pub(crate) seed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) split_seed: Option<u64>,
    pub(crate) train_share: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bootstrap: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) threads: Option<usize>,
    pub(crate) strict: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) json: bool,
    /// The run to go on with, which these settings are of.
    #[serde(skip)]
    pub(crate) resume: Option<PathBuf>,
    /// Names of the settings that are asked for; the others have their defaults.
    #[serde(skip)]
    pub(crate) given: Vec<String>,
}

/// The model for texts that is no network.
pub(crate) const LINEAR: &str = "linear";

/// Tokens of a text that a network reads: a page of them, a third of a thousand words, and few enough that
/// attention, whose time grows with their square, stays affordable.
const MAX_TOKENS: usize = 256;

/// The model that is chosen once the images are known.
pub(crate) const AUTO: &str = "auto";

/// Settings that may be given beside `--resume`: they do not change what a run computes.
const BESIDE_RESUME: [&str; 4] = ["data", "time", "threads", "json"];

/// What kind of data a path holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// A folder of images.
    Image,
    /// A file of rows.
    Table,
    /// A file with a column of texts, or a folder of them.
    Text,
}

impl Task {
    /// By the path, the kind of files in a folder, and whether a column of texts is named; whether it can
    /// be read shows later.
    pub(crate) fn of(data: &Path, text_column: bool) -> Result<Self, Failure> {
        if data.is_dir() {
            let texts = onggi_data::text::are_texts(data);
            return Ok(if texts { Self::Text } else { Self::Image });
        }
        let name = data
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase());
        let name = name.unwrap_or_default();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        let ends = |ends: &[&str]| ends.iter().any(|end| plain.ends_with(end));
        if data.exists()
            && (ends(&[".jsonl", ".ndjson"]) || text_column && ends(&[".csv", ".tsv", ".tab"]))
        {
            return Ok(Self::Text);
        }
        let extension = data.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("csv" | "tsv" | "tab") => Ok(Self::Table),
            #[cfg(feature = "parquet")]
            Some("parquet") => Ok(Self::Table),
            _ if !data.exists() => {
                let path = data.display();
                Err(anyhow::anyhow!(
                    "{path} does not exist: give a folder of class folders, or a CSV, TSV or JSONL file"
                )
                .into())
            }
            _ => usage(format!(
                "{}: cannot be trained on; give a folder of class folders with images or .txt files, a \
                 .csv, .tsv or .parquet file, or with --text-column a .csv, .tsv or .jsonl file, packed as .gz or not",
                data.display()
            )),
        }
    }
}

impl Settings {
    /// The settings that a run was made with, on data that may have `moved`.
    pub(crate) fn of_run(run: &Path, moved: Option<&Path>) -> Result<Self, Failure> {
        let flags = TrainFlags::of_config(&run_config(run)?, moved);
        Ok(Self::resolve(flags)?.0)
    }

    /// As [`resolve`](Self::resolve), for a command that makes no run.
    pub(crate) fn resolve_without_run(flags: TrainFlags) -> Result<(Self, Task), Failure> {
        for (flag, given) in [
            ("out", flags.out.is_some()),
            ("resume", flags.resume.is_some()),
            ("tensorboard", flags.tensorboard),
        ] {
            if given {
                return usage(format!(
                    "--{flag} is for `onggi train`: no run is made here"
                ));
            }
        }
        Self::resolve(flags)
    }

    /// Flags over the `--config` file over the task's defaults.
    pub(crate) fn resolve(flags: TrainFlags) -> Result<(Self, Task), Failure> {
        let resume = flags.resume.clone();
        let mut given = match (&resume, &flags.config) {
            (Some(run), _) => read_config(&run_config(run)?)?,
            (None, Some(path)) => read_config(path)?,
            (None, None) => toml::Table::new(),
        };
        if flags.out.as_ref().is_some_and(|out| out.to_str().is_none()) {
            return usage("--out: the name is not UTF-8 and cannot be written down; take another");
        }
        let flags = toml::Table::try_from(&flags)
            .or_else(|e| usage(format!("a flag is out of range: {e}")))?;
        let fixed = |name: &&String| !BESIDE_RESUME.contains(&name.as_str());
        if let (Some(run), Some(name)) = (&resume, flags.keys().find(fixed)) {
            return usage(format!(
                "--{} cannot be given with --resume: the run goes on with the settings of {}",
                name.replace('_', "-"),
                run.join(files::CONFIG).display()
            ));
        }
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
        let task = Task::of(Path::new(&data), given.contains_key("text_column"))?;
        // A word that is none of them is found out below.
        let optimizer = word(&given, "optimizer").unwrap_or_default();
        let model = word::<String>(&given, "model").unwrap_or_default();
        let mut defaults = Self::defaults(data, task, optimizer);
        if task == Task::Text && !model.is_empty() && model != LINEAR {
            defaults.of_network(&model);
        }
        let mut table = toml::Table::try_from(defaults).map_err(anyhow::Error::from)?;
        // One by one first: the error of all together does not say which it is.
        for (name, value) in &given {
            let mut one = table.clone();
            one.insert(name.clone(), value.clone());
            one.try_into::<Self>().or_else(|e: toml::de::Error| {
                usage(format!("setting `{name}`: {}", e.message()))
            })?;
        }
        let names = given.keys().cloned().collect();
        table.extend(given);
        let mut settings: Self = table
            .try_into()
            .or_else(|e: toml::de::Error| usage(format!("settings: {}", e.message())))?;
        settings.resume = resume;
        settings.given = names;
        settings.check(task)?;
        Ok((settings, task))
    }

    /// What a task is trained with unless something else is asked for. The image settings were
    /// chosen on data/fashion-mini, the table settings on data/breast-cancer.csv.
    fn defaults(data: String, task: Task, optimizer: Optimizer) -> Self {
        let image = task == Task::Image;
        let (lr, weight_decay) = optimizer.defaults();
        let momentum = if optimizer == Optimizer::Rmsprop {
            0.0
        } else {
            0.9
        };
        Self {
            data,
            target: None,
            text_column: None,
            ignore: Vec::new(),
            missing: MissingValues::Impute,
            out: None,
            model: match task {
                Task::Image => AUTO,
                Task::Table => "mlp",
                Task::Text => LINEAR,
            }
            .into(),
            pretrained: false,
            weights: None,
            tune: Tune::Auto,
            views: 0,
            width: 1.0,
            norm: NormName::Batch,
            epochs: if image { 30 } else { 100 },
            time: None,
            batch: 32,
            accumulate: 1,
            max_memory: None,
            lr,
            schedule: ScheduleName::OneCycle,
            warmup: 0.2,
            optimizer,
            momentum,
            weight_decay,
            l1: 0.0,
            l2: 0.0,
            elastic_net: 0.0,
            l1_ratio: 0.5,
            max_norm: 0.0,
            clip_norm: 0.0,
            clip_value: 0.0,
            sam: 0.0,
            ema: 0.0,
            swa: 0.0,
            mixup: 0.0,
            cutmix: 0.0,
            label_smoothing: 0.1,
            dropout: if image { 0.0 } else { 0.2 },
            drop_path: 0.0,
            freeze: Vec::new(),
            lr_factor: Vec::new(),
            early_stopping: if image { 8 } else { 20 },
            monitor: MonitorName::ValLoss,
            keep: Keep::Best,
            min_delta: 0.0,
            divergence: 0.0,
            augment: Augment::Preset(Preset::Light),
            augment_text: None,
            balanced: false,
            max_tokens: None,
            vocabulary: None,
            size: None,
            checkpoint_steps: 0,
            tensorboard: false,
            seed: 42,
            split_seed: None,
            train_share: 1.0,
            bootstrap: None,
            threads: None,
            strict: false,
            json: false,
            resume: None,
            given: Vec::new(),
        }
    }

    /// Defaults of a network for texts: common ones, not tuned on any data.
    fn of_network(&mut self, model: &str) {
        (self.epochs, self.early_stopping) = (30, 8);
        // Gradients through many steps may explode.
        if matches!(model, "gru" | "lstm") {
            self.clip_norm = 1.0;
        }
        self.dropout = 0.5;
        if model == "transformer" {
            self.dropout = 0.1;
            self.lr /= 3.0;
        }
        self.model = model.into();
        if self.of_encoder() {
            (self.epochs, self.early_stopping) = (5, 2);
            (self.dropout, self.clip_norm) = (0.1, 1.0);
        }
    }

    /// Whether the model is a pretrained one of texts.
    fn of_encoder(&self) -> bool {
        self.model != LINEAR && TEXT_MODELS.iter().all(|row| row.name != self.model)
    }

    fn check(&self, task: Task) -> Result<(), Failure> {
        let ranges: [(&str, f64, f64, f64); 36] = [
            ("views", self.views as f64, 0.0, 100.0),
            ("epochs", self.epochs as f64, 1.0, 100_000.0),
            ("width", self.width, 0.05, 16.0),
            ("batch", self.batch as f64, 2.0, 65_536.0),
            ("accumulate", self.accumulate as f64, 1.0, 65_536.0),
            ("lr", self.lr, 1e-12, 100.0),
            ("warmup", self.warmup, 0.0, 0.95),
            ("momentum", self.momentum, 0.0, 0.9999),
            ("weight_decay", self.weight_decay, 0.0, 100.0),
            ("l1", self.l1, 0.0, 1e6),
            ("l2", self.l2, 0.0, 1e6),
            ("elastic_net", self.elastic_net, 0.0, 1e6),
            ("l1_ratio", self.l1_ratio, 0.0, 1.0),
            ("max_norm", self.max_norm, 0.0, 1e9),
            ("clip_norm", self.clip_norm, 0.0, 1e9),
            ("clip_value", self.clip_value, 0.0, 1e9),
            ("sam", self.sam, 0.0, 10.0),
            ("ema", self.ema, 0.0, 0.99999),
            ("swa", self.swa, 0.0, 0.99),
            ("mixup", self.mixup, 0.0, 100.0),
            ("cutmix", self.cutmix, 0.0, 100.0),
            ("label_smoothing", self.label_smoothing, 0.0, 0.9),
            ("dropout", self.dropout, 0.0, 0.95),
            ("drop_path", self.drop_path, 0.0, 0.95),
            ("min_delta", self.min_delta, 0.0, 1e9),
            ("divergence", self.divergence, 0.0, 1e9),
            ("early_stopping", self.early_stopping as f64, 0.0, 100_000.0),
            ("max_tokens", self.max_tokens() as f64, 1.0, 65_536.0),
            ("vocabulary", self.vocabulary() as f64, 16.0, 1e6),
            ("size", self.size.unwrap_or(28) as f64, 8.0, 1024.0),
            (
                "threads",
                self.threads.unwrap_or(1) as f64,
                1.0,
                threads::MOST as f64,
            ),
            ("seed", self.seed as f64, 0.0, i64::MAX as f64),
            ("split_seed", self.split_seed() as f64, 0.0, i64::MAX as f64),
            ("train_share", self.train_share, 0.001, 1.0),
            (
                "bootstrap",
                self.bootstrap.unwrap_or(0) as f64,
                0.0,
                i64::MAX as f64,
            ),
            (
                "checkpoint_steps",
                self.checkpoint_steps as f64,
                0.0,
                i64::MAX as f64,
            ),
        ];
        for (name, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                let flag = name.replace('_', "-");
                return usage(format!(
                    "--{flag} must be between {low} and {high}, but is {value}"
                ));
            }
        }
        self.training()?;
        let transfers =
            self.pretrained || self.weights.is_some() || self.tune != Tune::Auto || self.views > 0;
        let from_scratch = task == Task::Text && !self.of_encoder();
        if (task == Task::Table || from_scratch) && transfers {
            return usage(format!(
                "--pretrained, --weights, --tune and --views are for images and for encoders of texts, of which {} \
                 is none",
                self.model
            ));
        }
        if task == Task::Table && self.cutmix > 0.0 {
            return usage("--cutmix is for images: give --mixup, which blends rows too");
        }
        let of_texts = self.text_column.is_some() || self.augment_text.is_some() || self.balanced;
        let of_tokens = self.max_tokens.is_some() || self.vocabulary.is_some();
        if task != Task::Text && (of_texts || of_tokens) {
            return usage(format!(
                "--text-column, --augment-text, --balanced, --max-tokens and --vocabulary are for texts, but {} \
                 holds none",
                self.data
            ));
        }
        if task == Task::Text && of_tokens && self.model == LINEAR {
            return usage(
                "--max-tokens and --vocabulary are for networks, and --model linear, the default for texts, \
                 reads n-grams: name another model, such as cnn",
            );
        }
        if task == Task::Text && (self.mixup > 0.0 || self.cutmix > 0.0) {
            return usage(
                "--mixup and --cutmix are for images and rows: texts are varied by --augment-text",
            );
        }
        let is_file = !Path::new(&self.data).is_dir();
        match (task, &self.target) {
            (Task::Text, None) if is_file => usage(format!(
                "which column of {} is the class? Name it with --target COLUMN",
                self.data
            )),
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
            resume: None,
            given: Vec::new(),
            ..self.clone()
        };
        Ok(format!(
            "# Repeat this run: onggi train --config <this file>\n{}",
            toml::to_string(&kept)?
        ))
    }

    /// Tokens of a text that a network reads.
    pub(crate) fn max_tokens(&self) -> usize {
        self.max_tokens.unwrap_or(MAX_TOKENS)
    }

    /// Tokens of a network's vocabulary, at most.
    pub(crate) fn vocabulary(&self) -> usize {
        let usual = TokenizerConfig::default().vocabulary;
        self.vocabulary.unwrap_or(usual)
    }

    /// Whether the best epoch is kept, not the last.
    pub(crate) fn keep_best(&self) -> bool {
        self.keep == Keep::Best
    }

    /// The seed that the data is split by.
    pub(crate) fn split_seed(&self) -> u64 {
        self.split_seed.unwrap_or(self.seed)
    }

    /// Train, validation and test data, and of the first what is asked for.
    pub(crate) fn split(&self, samples: &[SplitSample<'_>]) -> SplitMap {
        let mut map = SplitMap::cut(samples, self.split_seed());
        if self.train_share < 1.0 {
            map = map.thinned(samples, self.train_share, self.seed);
        }
        if let Some(seed) = self.bootstrap {
            map = map.bootstrapped(samples, seed);
        }
        map
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(threads::all_cores)
    }

    /// A hash of the settings that decide what the run computes: not where the data lies, how long
    /// the run may take or how often it is saved.
    pub(crate) fn fingerprint(&self) -> Result<String, Failure> {
        let computed = Self {
            data: String::new(),
            time: None,
            checkpoint_steps: 0,
            tensorboard: false,
            ..self.clone()
        };
        Ok(fingerprint(computed.to_config()?.as_bytes()))
    }
}

/// The value of a setting that is one of a few words, if it is one.
fn word<T: for<'de> Deserialize<'de>>(given: &toml::Table, name: &str) -> Option<T> {
    given.get(name)?.clone().try_into().ok()
}

/// The settings file of a run to go on with.
fn run_config(run: &Path) -> Result<PathBuf, Failure> {
    let config = run.join(files::CONFIG);
    if config.is_file() {
        return Ok(config);
    }
    let shown = run.display();
    if run.is_dir() {
        return Err(anyhow::anyhow!(
            "--resume {shown}: it has no {}, so it was stopped before it began; remove it and train \
             anew",
            files::CONFIG
        )
        .into());
    }
    Err(anyhow::anyhow!(
        "--resume {shown}: no such run; give the folder that `onggi train` made, e.g. runs/photos-1"
    )
    .into())
}

#[cfg(test)]
mod tests;
