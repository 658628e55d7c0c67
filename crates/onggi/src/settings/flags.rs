//! The flags of `onggi train`, as they are given.

use super::augment::Augment;
use super::choices::{Keep, MissingValues, MonitorName, NormName, Optimizer, ScheduleName};
use super::tune::Tune;
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The flags of `onggi train`; each may stand in a `--config` file by its name with `_` for `-`.
#[derive(Args, Clone, Debug, Default, Serialize)]
pub(crate) struct TrainFlags {
    /// Folder of class folders (with or without train/ val/ test/), or a CSV or TSV file
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<String>,
    /// Column of a table that holds the class
    #[arg(long, value_name = "COLUMN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    /// Column of a file that holds the texts to be classified; without it a file is a table of numbers
    #[arg(long, value_name = "COLUMN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text_column: Option<String>,
    /// Columns of a table to leave out
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ignore: Vec<String>,
    /// What to do with missing values in a table [default: impute]
    #[arg(long, value_name = "HOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missing: Option<MissingValues>,
    /// Run folder to make [default: runs/<data>-<n>]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) out: Option<PathBuf>,
    /// Take settings from a TOML file, e.g. a run's config.toml; flags override it
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(super) config: Option<PathBuf>,
    /// Go on with a run that was stopped, from its last checkpoint, as if it had not been; only
    /// DATA (if it was moved), --time, --threads and --json may be given beside it
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    #[serde(skip)]
    pub(super) resume: Option<PathBuf>,
    /// Model, see `onggi models list` [default: efficientnet_lite0 with --pretrained for colour photos,
    /// small_resnet for other images, mlp for tables, linear for texts, which networks take too:
    /// bag_of_embeddings, cnn, gru, lstm, transformer; or a pretrained encoder such as all-MiniLM-L6-v2, or
    /// its folder]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    /// Begin with weights learned on ImageNet: those in the program, or pulled before by `onggi models pull`
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) pretrained: bool,
    /// Begin with the weights of this file, a PyTorch state dict (.safetensors or .pth) of the same model
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) weights: Option<PathBuf>,
    /// How much of a pretrained model is trained: head (the classifier alone, fitted to the backbone's
    /// features), last-N (its last N parts too; images), lora (low-rank matrices; texts), all
    /// [default: by the number of training samples]
    #[arg(long, value_name = "WHAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tune: Option<Tune>,
    /// Augmented views of each training sample that a head is fitted to, beside the sample itself
    /// [default: 0; texts as --augment-text has it]
    #[arg(long, value_name = "K")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) views: Option<usize>,
    /// Factor on the model's channels or hidden units, which are rounded to a multiple of 8
    /// [default: 1]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) width: Option<f64>,
    /// Normalisation in the model [default: batch]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) norm: Option<NormName>,
    /// Passes over the training data, at most [default: 30 for images and texts, 100 for tables]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) epochs: Option<usize>,
    /// Train no longer than this, e.g. 90s, 10m, 1h30m; the epoch at hand is cut short [default: no
    /// limit]
    #[arg(long, value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<String>,
    /// Samples a batch [default: 32]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) batch: Option<usize>,
    /// Batches a step, whose gradients are added up [default: 1]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accumulate: Option<usize>,
    /// Memory that the process may take, by an estimate, e.g. 800M, 2G: larger batches are passed in
    /// parts (Linux only) [default: no limit]
    #[arg(long, value_name = "SIZE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_memory: Option<String>,
    /// Highest learning rate [default: by optimiser: adamw, adam and nadam 0.003, sgd 0.05, rmsprop
    /// 0.001, adagrad 0.02, lion 0.0005, lamb 0.01; a third of it for transformer]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lr: Option<f64>,
    /// The learning rate's course [default: one_cycle]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schedule: Option<ScheduleName>,
    /// Share of the steps in which the learning rate rises, where the schedule has a rise [default: 0.2]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warmup: Option<f64>,
    /// Optimiser [default: adamw]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) optimizer: Option<Optimizer>,
    /// Momentum of sgd and rmsprop [default: 0.9 for sgd, 0 for rmsprop]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) momentum: Option<f64>,
    /// Weight decay, not for biases and norms [default: adamw and lamb 0.05, sgd 0.0005, lion 0.3,
    /// else 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) weight_decay: Option<f64>,
    /// L1 penalty on weights, proximal: small weights become exactly 0 [default: 0]
    #[arg(long, value_name = "LAMBDA", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) l1: Option<f64>,
    /// L2 penalty on weights, through the gradient [default: 0]
    #[arg(long, value_name = "LAMBDA", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) l2: Option<f64>,
    /// L1 and L2 penalty together, as scikit-learn has it [default: 0]
    #[arg(long, value_name = "LAMBDA", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) elastic_net: Option<f64>,
    /// Share of L1 in --elastic-net [default: 0.5]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) l1_ratio: Option<f64>,
    /// Largest L2 norm of the weights that lead to one unit; 0 is any [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_norm: Option<f64>,
    /// Scale gradients down to this global norm; 0 does not clip [default: 0, for gru and lstm 1]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) clip_norm: Option<f64>,
    /// Cut each gradient off at this absolute value; 0 does not [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) clip_value: Option<f64>,
    /// Sharpness-aware steps of this radius, e.g. 0.05: two passes a step; 0 does not [default: 0]
    #[arg(long, value_name = "RHO", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sam: Option<f64>,
    /// Decay of averaged weights, e.g. 0.999, which are measured and kept; 0 is off [default: 0]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ema: Option<f64>,
    /// Share of the epochs after which weights are averaged, e.g. 0.75; 0 is off [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) swa: Option<f64>,
    /// Blend each sample with another of its batch, by a share drawn from Beta(X, X), e.g. 0.2; 0 does
    /// not [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mixup: Option<f64>,
    /// Paste a rectangle of another image of the batch, its area drawn from Beta(X, X), e.g. 1; beside
    /// --mixup one of the two is drawn for each batch; 0 does not [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cutmix: Option<f64>,
    /// Share of the target that is spread over all classes [default: 0.1]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) label_smoothing: Option<f64>,
    /// Probability of dropout [default: 0 for images, 0.2 for tables, 0.5 for texts, 0.1 for transformer]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dropout: Option<f64>,
    /// Stochastic depth: probability that the last residual block is left out for a sample, rising to
    /// it from 0 at the first [default: 0]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drop_path: Option<f64>,
    /// Parameters that stay as they are, by the pattern of their names, e.g. 'layers.0.*'
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) freeze: Vec<String>,
    /// Factors on the learning rate of some parameters, e.g. 'conv1.*=0.1'
    #[arg(long, value_name = "PATTERN=X", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) lr_factor: Vec<String>,
    /// Stop after this many epochs without an improvement; 0 never does [default: 8 for images and
    /// texts, 20 for tables]
    #[arg(long, value_name = "EPOCHS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) early_stopping: Option<usize>,
    /// What the best epoch is chosen by [default: val_loss]
    #[arg(long, value_name = "WHAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) monitor: Option<MonitorName>,
    /// Which epoch's weights are kept and tested [default: best]
    #[arg(long, value_name = "WHICH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keep: Option<Keep>,
    /// Least change that is an improvement for --early-stopping [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_delta: Option<f64>,
    /// Stop at a validation loss above this; 0 never does [default: 0]
    #[arg(long, value_name = "LOSS", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) divergence: Option<f64>,
    /// How training images are varied: none, shift (for digits and text), light, standard, strong, or
    /// a pipeline's .toml or .json file [default: light]
    #[arg(long, value_name = "HOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) augment: Option<Augment>,
    /// Vary the training texts by a recipe of `onggi augment text`: linear learns from changed copies
    /// too, a network sees most texts changed, anew each epoch
    #[arg(long, value_name = "RECIPE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) augment_text: Option<String>,
    /// Let all classes of texts weigh the same, however few their samples
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) balanced: bool,
    /// Tokens of a text that a network reads, from its beginning [default: 256]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<usize>,
    /// Tokens that a network's tokeniser learns from the training texts, at most; few texts have fewer
    /// [default: 8000]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vocabulary: Option<usize>,
    /// Side in pixels that images are brought to [default: from the images, at most 96]
    #[arg(long, value_name = "PIXELS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<usize>,
    /// Steps between two checkpoints; 0 writes them by the clock, in less than 2 % of the time
    /// [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) checkpoint_steps: Option<u64>,
    /// Write event files for TensorBoard into the run folder, too
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) tensorboard: bool,
    /// Seed of everything random: same seed, same result, at any --threads [default: 42]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<u64>,
    /// Seed of the split into training, validation and test data, to compare trainings of different
    /// seeds on the same split [default: that of --seed]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) split_seed: Option<u64>,
    /// Share of the training data to train on, class by class, to see what more of it brings
    /// [default: 1]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) train_share: Option<f64>,
    /// Draw the training data anew from itself, with replacement, by this seed: to see what chance in
    /// the data does [default: off]
    #[arg(long, value_name = "SEED", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bootstrap: Option<u64>,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) threads: Option<usize>,
    /// Fail on an image that cannot be read, instead of leaving it out
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) strict: bool,
    /// Print one JSON object with the figures, and nothing else, on stdout
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) json: bool,
}

impl TrainFlags {
    /// Nothing but `--config file`, and the data where it is given.
    pub(super) fn of_config(file: &Path, data: Option<&Path>) -> Self {
        Self {
            data: data.map(|data| data.display().to_string()),
            config: Some(file.to_path_buf()),
            ..Self::default()
        }
    }
}
