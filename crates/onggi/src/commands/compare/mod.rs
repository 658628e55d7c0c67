//! `onggi compare DATA`: the remedies against overfitting, each alone, over several seeds.
//!
//! Each remedy and seed is one run of `onggi train` in a process of its own, so that a comparison that
//! was stopped loses no more than a training would: finished runs are kept, the one at hand is gone on
//! with. All runs share split, epochs and everything else but their remedy; runs of one seed share the
//! first weights where the model is the same, and the order of the batches.

mod figures;
mod page;
mod plan;
mod remedies;
mod show;

use super::runs::{Runner, bar, finished, logged};
use crate::failure::{Failure, usage};
use crate::output::{say, say_json, warn};
use crate::report::head::data_name;
use crate::settings::{Augment, Task, duration};
use crate::threads;
use clap::Args;
use figures::{Runs, quoted};
use onggi_augment::image::Preset;
use onggi_train::run::{Summary, write_json, write_whole};
use plan::{Cost, Plan, run_name};
use remedies::{Remedy, choose};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) const EXAMPLES: &str = "\
Remedies: baseline, augmentation (images and texts), batch-norm, dropout, l1, l2, elastic-net,
early-stopping, label-smoothing, mixup, smaller, larger, pretrained (images), linear (texts), defaults
(what `onggi train` does by itself). batch-norm and mixup are not for texts.

The baseline has none of them. A remedy is recommended only if the 95 % interval of its difference to
the baseline, over seeds and validation samples, lies above 0.

Examples:
  onggi compare photos/                                      ten minutes, three seeds
  onggi compare data/fashion-mini --time 1h --seeds 5
  onggi compare table.csv --target diagnosis --epochs 50     no time limit
  onggi compare photos/ --only dropout,l2,larger
  onggi compare reviews.csv --text-column text --target label --model gru
  onggi compare photos/ --out runs/compare-photos            given again, it goes on
  onggi compare photos/ --json > comparison.json             one JSON object for machines";

/// Time where neither --time nor --epochs is given.
const TIME: &str = "10m";

/// Most epochs that a time budget gives: as many as `onggi train` does by itself.
const MOST_EPOCHS: [usize; 2] = [30, 100];

/// The network for texts, and the recipe that varies them, where none is named.
const NETWORK: &str = "cnn";
const EDA: &str = "eda";

const SEEDS: std::ops::RangeInclusive<usize> = 2..=100;

/// Arguments of `onggi compare`.
#[derive(Args, Debug)]
pub(crate) struct Compare {
    /// Folder of class folders (with or without train/ val/ test/), or a CSV, TSV or JSONL file
    data: PathBuf,
    /// Column of a table that holds the class
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// Column of a file that holds the texts to be classified
    #[arg(long, value_name = "COLUMN")]
    text_column: Option<String>,
    /// Network for texts that the remedies are tried on [default: cnn]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Recipe by which texts are varied where they are [default: eda]
    #[arg(long, value_name = "RECIPE")]
    augment_text: Option<String>,
    /// Columns of a table to leave out
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Folder of the comparison; given again, it goes on there [default: runs/compare-<data>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Trainings of each remedy, 2 to 100
    #[arg(long, value_name = "N", default_value_t = 3)]
    seeds: usize,
    /// Time for everything, e.g. 10m, 1h30m: decides how many epochs all runs have, at most those that
    /// `onggi train` does; past it no run is begun, once there are two seeds [default: 10m, unless
    /// --epochs is given]
    #[arg(long, value_name = "TIME", conflicts_with = "epochs")]
    time: Option<String>,
    /// Epochs of all runs, however long they take
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Remedies to compare with the baseline [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// How images are varied where they are: shift (for digits, text and whatever changes its meaning in
    /// a mirror), light, standard, strong, or a pipeline's file [default: light]
    #[arg(long, value_name = "HOW")]
    augment: Option<Augment>,
    /// Side in pixels that images are brought to [default: from the images, at most 96]
    #[arg(long, value_name = "PIXELS")]
    size: Option<usize>,
    /// Samples a batch [default: 32]
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// Highest learning rate [default: 0.003]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    lr: Option<f64>,
    /// First of the seeds, and that of the split, which all runs share
    #[arg(long, value_name = "N", default_value_t = 42, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64 - 100))]
    seed: u64,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print one JSON object with all figures, and nothing else, on stdout
    #[arg(long)]
    json: bool,
}

impl Compare {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let start = Instant::now();
        let task = Task::of(&self.data, self.text_column.is_some())?;
        let Some(data) = self.data.to_str() else {
            return usage("DATA: the name is not UTF-8 and cannot be written down");
        };
        self.check(task)?;
        let chosen = choose(task, &self.only)?;
        let default_time = self.epochs.is_none().then_some(TIME);
        let budget = self.time.as_deref().or(default_time).map(duration);
        let budget = budget.transpose()?;
        let out = self.out.clone().unwrap_or_else(|| default_out(data));
        let begun = Plan {
            data: data.into(),
            flags: self.shared(task),
            augment: self.augment(task),
            split_seed: self.seed,
            epochs: self.epochs,
            costs: BTreeMap::new(),
        };
        let mut plan = begun.begin(&out)?;
        let mut work = Work {
            compare: &self,
            task,
            data,
            out: &out,
            runner: Runner::new(self.threads, self.again(task, data, &out))?,
        };
        let trained = match (plan.epochs, budget) {
            (None, Some(budget)) => work.time(&chosen, &mut plan, budget, start),
            _ => Ok(()),
        }
        .and_then(|()| work.train(&chosen, &plan, budget.map(|budget| start + budget)));
        let all = trained.inspect_err(|_| Plan::remove_if_empty(&out))?;

        let threads = threads::start(self.threads.unwrap_or_else(threads::all_cores))?;
        let epochs = plan.epochs.unwrap_or_default();
        let found = figures::compare(data, &out, epochs, &all, &plan.flags, threads)?;
        write_json(&out.join("compare.json"), &found)?;
        let html = out.join("compare.html");
        write_whole(&html, page::page(&found).into_string().as_bytes())?;
        if self.json {
            return Ok(say_json(&found)?);
        }
        show::show(&found);
        say(format!("Report: {}", html.display()));
        Ok(())
    }

    fn check(&self, task: Task) -> Result<(), Failure> {
        if !SEEDS.contains(&self.seeds) {
            return usage(format!(
                "--seeds must be between {} and {}, but is {}: one training of each says nothing of \
                 chance",
                SEEDS.start(),
                SEEDS.end(),
                self.seeds
            ));
        }
        if self
            .threads
            .is_some_and(|n| !(1..=threads::MOST).contains(&n))
        {
            return usage(format!("--threads must be between 1 and {}", threads::MOST));
        }
        if self.epochs == Some(0) {
            return usage("--epochs must be at least 1, but is 0");
        }
        if self.augment.is_some() && task != Task::Image {
            return usage("--augment is for images; texts are varied by --augment-text");
        }
        let of_texts =
            self.text_column.is_some() || self.model.is_some() || self.augment_text.is_some();
        if of_texts && task != Task::Text {
            return usage("--text-column, --model and --augment-text are for texts");
        }
        if self.model.as_deref() == Some("linear") {
            return usage(
                "--model: the remedies are a network's; `linear` is one of them: name cnn, gru, \
                 lstm, bag_of_embeddings or transformer",
            );
        }
        if self.augment == Some(Augment::Preset(Preset::None)) {
            return usage(
                "--augment says how images are varied where they are: give shift, light, standard, strong or a file",
            );
        }
        Ok(())
    }

    /// How images or texts are varied where they are.
    fn augment(&self, task: Task) -> String {
        if task == Task::Text {
            return self.augment_text.as_deref().unwrap_or(EDA).to_owned();
        }
        let light = Augment::Preset(Preset::Light);
        self.augment.as_ref().unwrap_or(&light).to_string()
    }

    /// The flags of `onggi train` that all runs share.
    fn shared(&self, task: Task) -> Vec<String> {
        let mut flags = Vec::new();
        let mut flag = |name: &str, value: Option<String>| {
            flags.extend(value.map(|value| format!("--{name}={value}")));
        };
        flag("text-column", self.text_column.clone());
        flag("target", self.target.clone());
        let model = self.model.clone().unwrap_or_else(|| NETWORK.into());
        flag("model", (task == Task::Text).then_some(model));
        let ignore = (!self.ignore.is_empty()).then(|| self.ignore.join(","));
        flag("ignore", ignore);
        flag("size", self.size.map(|n| n.to_string()));
        flag("batch", self.batch.map(|n| n.to_string()));
        flag("lr", self.lr.map(|x| x.to_string()));
        flags
    }

    /// The command that goes on with this comparison.
    fn again(&self, task: Task, data: &str, out: &Path) -> String {
        let mut words = vec!["onggi".into(), "compare".into(), quoted(data)];
        words.extend(self.shared(task).iter().map(|flag| quoted(flag)));
        if self.augment.is_some() {
            words.push(format!("--augment={}", self.augment(task)));
        }
        if let Some(recipe) = &self.augment_text {
            words.push(format!("--augment-text={recipe}"));
        }
        if !self.only.is_empty() {
            words.push(format!("--only={}", self.only.join(",")));
        }
        for (name, value) in [
            ("time", self.time.clone()),
            ("epochs", self.epochs.map(|n| n.to_string())),
        ] {
            words.extend(value.map(|value| format!("--{name}={value}")));
        }
        words.push(format!("--seeds={}", self.seeds));
        words.push(format!("--seed={}", self.seed));
        words.push(format!("--out={}", quoted(&out.display().to_string())));
        words.join(" ")
    }
}

fn default_out(data: &str) -> PathBuf {
    let canonical = fs::canonicalize(data).unwrap_or_else(|_| data.into());
    let name = if canonical.is_dir() {
        canonical.file_name()
    } else {
        canonical.file_stem()
    };
    let name = name.map_or_else(|| data_name(data).into(), |name| name.to_string_lossy());
    Path::new("runs").join(format!("compare-{name}"))
}

/// Shared flags that what is fitted without a trainer has no use for.
pub(super) const TRAINERS: [&str; 3] = ["--batch=", "--lr=", "--model="];

/// The trainings of one comparison.
struct Work<'a> {
    compare: &'a Compare,
    task: Task,
    data: &'a str,
    out: &'a Path,
    runner: Runner,
}

impl Work<'_> {
    /// The flags of one run but for `--out`.
    fn flags(&self, remedy: &Remedy, plan: &Plan, seed: u64, epochs: usize) -> Vec<String> {
        let mut flags = vec![self.data.to_string()];
        let of_trainer = |flag: &String| TRAINERS.iter().any(|name| flag.starts_with(name));
        let fitted = remedy.is_fitted();
        let shared = plan
            .flags
            .iter()
            .filter(|flag| !(fitted && of_trainer(flag)));
        flags.extend(shared.cloned());
        flags.extend(remedy.flags(self.task, &plan.augment));
        if !fitted {
            flags.push(format!("--epochs={epochs}"));
        }
        flags.push(format!("--seed={seed}"));
        flags.push(format!("--split-seed={}", plan.split_seed));
        flags
    }

    fn seeds(&self) -> impl Iterator<Item = u64> {
        self.compare.seed..self.compare.seed + self.compare.seeds as u64
    }

    /// Runs two epochs of each remedy and sets the epochs of all runs by what that took.
    fn time(
        &mut self,
        chosen: &[Remedy],
        plan: &mut Plan,
        budget: std::time::Duration,
        start: Instant,
    ) -> Result<(), Failure> {
        let bar = bar("{bar:20} {pos}/{len} {msg}", chosen.len() as u64);
        let mut costs = Vec::new();
        let most = MOST_EPOCHS[usize::from(self.task == Task::Table)];
        for remedy in chosen {
            bar.set_message(format!("timing two epochs: {}", remedy.name));
            let folder = self.out.join(format!("timing-{}", remedy.name));
            let _ = fs::remove_dir_all(&folder);
            let flags = self.flags(remedy, plan, self.compare.seed, 2);
            let begun = Instant::now();
            let ran = self.runner.finish(&folder, &flags, || bar.tick());
            let took = begun.elapsed().as_secs_f64();
            // What is fitted in one go takes its time once, whatever the epochs.
            let epoch = match remedy.is_fitted() {
                true => 0.0,
                false => second_epoch(&folder).unwrap_or(took).clamp(1e-6, took),
            };
            let _ = fs::remove_dir_all(&folder);
            ran?;
            let fixed = (took - 2.0 * epoch).max(0.0);
            costs.push(Cost { fixed, epoch });
            if costs.len() == 1 {
                // All of them as the baseline: what is certain to be too short is refused at once.
                let all = vec![costs[0]; chosen.len()];
                let spent = took * chosen.len() as f64;
                plan::epochs(&all, self.compare.seeds, spent, budget, most)?;
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        let spent = start.elapsed().as_secs_f64();
        let epochs = plan::epochs(&costs, self.compare.seeds, spent, budget, most)?;
        plan.epochs = Some(epochs);
        let named = chosen.iter().zip(costs);
        plan.costs = named.map(|(r, cost)| (r.name.to_string(), cost)).collect();
        plan.clone().saved(self.out)?;
        Ok(())
    }

    /// All runs, seed by seed. After `deadline` no run is begun, once there are two seeds of each: those
    /// of a seed that is not complete are left out.
    fn train(
        &mut self,
        chosen: &[Remedy],
        plan: &Plan,
        deadline: Option<Instant>,
    ) -> Result<Vec<Runs>, Failure> {
        let epochs = plan.epochs.unwrap_or_default();
        let seeds: Vec<u64> = self.seeds().collect();
        let todo: Vec<(usize, u64)> = seeds
            .iter()
            .flat_map(|&seed| (0..chosen.len()).map(move |remedy| (remedy, seed)))
            .collect();
        // In milliseconds by the plan, or in epochs where nothing was timed.
        let weight = |remedy: &Remedy| match plan.costs.get(remedy.name) {
            Some(cost) => (1_000.0 * cost.of(epochs)) as u64,
            None => epochs as u64,
        };
        let folder = |remedy: &Remedy, seed| self.out.join(run_name(remedy, seed));
        let left = todo
            .iter()
            .filter(|&&(r, seed)| finished(&folder(&chosen[r], seed)).is_none());
        let left: u64 = left.map(|&(r, _)| weight(&chosen[r])).sum();
        if !self.compare.json && left > 0 {
            say(format!(
                "{}: {} ways of training, {} seeds, {epochs} epochs each",
                self.data,
                chosen.len(),
                seeds.len()
            ));
        }
        let bar = bar("{bar:20} {percent:>3} % {eta:>4} left  {msg}", left);
        let mut done = 0;
        let mut summaries: Vec<Vec<(u64, PathBuf, Summary)>> = vec![Vec::new(); chosen.len()];
        for (number, &(index, seed)) in todo.iter().enumerate() {
            let remedy = &chosen[index];
            let folder = self.out.join(run_name(remedy, seed));
            let complete = number / chosen.len();
            let late = deadline.is_some_and(|deadline| Instant::now() > deadline);
            if late && complete >= *SEEDS.start() && finished(&folder).is_none() {
                summaries
                    .iter_mut()
                    .for_each(|runs| runs.truncate(complete));
                warn(format!(
                    "--time is over after {complete} of {} seeds, which are compared; given again, it \
                     goes on",
                    seeds.len()
                ));
                break;
            }
            let weight = if finished(&folder).is_none() {
                weight(remedy)
            } else {
                0
            };
            let flags = self.flags(remedy, plan, seed, epochs);
            let look = || {
                if bar.is_hidden() {
                    return;
                }
                let epoch = logged(&folder).min(epochs);
                bar.set_position(done + weight * epoch as u64 / epochs.max(1) as u64);
                bar.set_message(format!(
                    "run {}/{}: {}, seed {seed}, epoch {epoch}/{epochs}",
                    number + 1,
                    todo.len(),
                    remedy.name
                ));
            };
            let summary = self.runner.finish(&folder, &flags, look)?;
            done += weight;
            bar.set_position(done);
            summaries[index].push((seed, folder, summary));
        }
        bar.finish_and_clear();
        let all = chosen.iter().zip(summaries);
        Ok(all
            .map(|(remedy, runs)| Runs {
                remedy: *remedy,
                flags: remedy.flags(self.task, &plan.augment),
                runs,
            })
            .collect())
    }
}

/// Seconds of a run's second epoch by its log, with what is written after the first: the log measures
/// an epoch before its weights are written.
fn second_epoch(folder: &Path) -> Option<f64> {
    let log = fs::read_to_string(folder.join(onggi_train::run::files::LOG)).ok()?;
    let mut ends = log.lines().map(|line| {
        let record: Option<onggi_train::run::EpochRecord> = serde_json::from_str(line).ok();
        record.map(|record| record.seconds)
    });
    let (first, second) = (ends.next()??, ends.next()??);
    Some(second - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_called_after_the_data() {
        assert_eq!(default_out("no/such/t.csv"), Path::new("runs/compare-t"));
    }
}
