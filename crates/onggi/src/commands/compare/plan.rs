//! How long the runs are: `plan.json`, and the rule by which a time budget becomes epochs.

use super::remedies::Remedy;
use crate::failure::{Failure, usage};
use anyhow::anyhow;
use onggi_train::run::{read_json, write_json};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

const FILE: &str = "plan.json";

/// Share of the budget that is planned for; the rest is for a machine that is busier later.
const PLANNED: f64 = 0.9;

/// Fewest epochs that a budget may give: fewer compare nothing but beginnings.
pub(super) const FEWEST: usize = 3;

/// What one remedy's runs cost, from a run of two epochs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cost {
    /// Seconds around the epochs: start, reading, testing, report.
    pub(super) fixed: f64,
    /// Seconds an epoch.
    pub(super) epoch: f64,
}

impl Cost {
    pub(super) fn of(&self, epochs: usize) -> f64 {
        self.fixed + self.epoch * epochs as f64
    }
}

/// What a comparison was begun with, so that going on with it compares the same things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    pub(super) data: String,
    /// Flags of `onggi train` that all runs share.
    pub(super) flags: Vec<String>,
    /// How images are varied where they are.
    pub(super) augment: String,
    pub(super) split_seed: u64,
    /// Epochs of every run; `None` until the remedies have been timed.
    pub(super) epochs: Option<usize>,
    /// By remedy; empty where the epochs were given.
    pub(super) costs: BTreeMap<String, Cost>,
}

impl Plan {
    /// Makes `out` with this plan, or takes up the plan that is there.
    ///
    /// # Errors
    /// A folder that holds something else, or a comparison of other data or settings.
    pub(super) fn begin(self, out: &Path) -> Result<Self, Failure> {
        let shown = out.display();
        let path = out.join(FILE);
        if path.is_file() {
            let before: Self = read_json(&path)?;
            let other = |what: &str, then: String, now: String| {
                Err(anyhow!(
                    "--out {shown}: the comparison there is of other {what} ({then}, not {now}); name \
                     another folder"
                )
                .into())
            };
            if before.data != self.data {
                return other("data", before.data, self.data);
            }
            let flags = |plan: &Self| format!("`{}`", plan.flags.join(" "));
            if before.flags != self.flags {
                return other("flags", flags(&before), flags(&self));
            }
            if before.augment != self.augment {
                return other("augmentation", before.augment, self.augment);
            }
            if before.split_seed != self.split_seed {
                let seeds = (before.split_seed.to_string(), self.split_seed.to_string());
                return other("seed", seeds.0, seeds.1);
            }
            return match (before.epochs, self.epochs) {
                (Some(then), Some(now)) if then != now => {
                    other("epochs", then.to_string(), now.to_string())
                }
                (None, Some(_)) => self.saved(out),
                _ => Ok(before),
            };
        }
        if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(anyhow!(
                "--out {shown}: the folder is not empty, and nothing in it is overwritten; name another"
            )
            .into());
        }
        fs::create_dir_all(out).map_err(|e| anyhow!("--out {shown}: {e}"))?;
        self.saved(out)
    }

    /// Writes the plan into `out`.
    pub(super) fn saved(self, out: &Path) -> Result<Self, Failure> {
        write_json(&out.join(FILE), &self)?;
        Ok(self)
    }

    /// Removes the folder of a comparison that has no run.
    pub(super) fn remove_if_empty(out: &Path) {
        let only_plan = |entries: fs::ReadDir| {
            let mut names = entries.flatten().map(|entry| entry.file_name());
            names.all(|name| name == FILE)
        };
        if fs::read_dir(out).is_ok_and(only_plan) {
            let _ = fs::remove_file(out.join(FILE));
            let _ = fs::remove_dir(out);
        }
    }
}

/// The epochs that all runs of `seeds` seeds can have: the most for which 90 % of the time that is left
/// of `budget` after `spent` seconds suffices, at most `most`.
///
/// # Errors
/// A budget for fewer than 3 epochs, with the one that would do.
pub(super) fn epochs(
    costs: &[Cost],
    seeds: usize,
    spent: f64,
    budget: Duration,
    most: usize,
) -> Result<usize, Failure> {
    let sum = |part: fn(&Cost) -> f64| seeds as f64 * costs.iter().map(part).sum::<f64>();
    let (fixed, epoch) = (sum(|c| c.fixed), sum(|c| c.epoch));
    let left = PLANNED * (budget.as_secs_f64() - spent) - fixed;
    let fit = (left / epoch.max(1e-9)).floor();
    if fit >= FEWEST as f64 {
        return Ok((fit as usize).min(most));
    }
    let needed = spent + (fixed + FEWEST as f64 * epoch) / PLANNED;
    let minutes = (needed / 60.0).ceil();
    let needed = if needed < 60.0 {
        format!("{:.0}s", (needed / 5.0).ceil() * 5.0)
    } else {
        format!("{minutes:.0}m")
    };
    usage(format!(
        "--time is too short: {} ways of training with {seeds} seeds and {FEWEST} epochs each take \
         about {needed}; give that, fewer --seeds, or fewer remedies by --only",
        costs.len()
    ))
}

/// The folder's name of a run.
pub(super) fn run_name(remedy: &Remedy, seed: u64) -> String {
    format!("{}-{seed}", remedy.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_split_fairly() {
        let costs = [
            Cost {
                fixed: 1.0,
                epoch: 2.0,
            },
            Cost {
                fixed: 2.0,
                epoch: 4.0,
            },
        ];
        let of = |seconds, most| epochs(&costs, 3, 10.0, Duration::from_secs(seconds), most);
        // 0.9 · (110 − 10) − 9 = 81 seconds for epochs of 18 seconds.
        assert_eq!(of(110, 30).unwrap(), 4);
        assert_eq!(of(110, 3).unwrap(), 3);
        assert_eq!(of(10_000, 30).unwrap(), 30);
        let Err(Failure::Usage(words)) = of(60, 30) else {
            panic!("too short");
        };
        assert!(
            words.contains("--time is too short") && words.contains("2m"),
            "{words}"
        );
        assert!(of(120, 30).is_ok(), "the time that the error names does");
    }

    #[test]
    fn a_plan_is_taken_up_only_for_the_same_comparison() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("c");
        let plan = Plan {
            data: "x".into(),
            flags: vec!["--target=y".into()],
            augment: "light".into(),
            split_seed: 42,
            epochs: Some(4),
            costs: BTreeMap::new(),
        };
        let first = plan.clone().begin(&out).unwrap();
        assert_eq!(plan.clone().begin(&out).unwrap(), first);
        let open = Plan {
            epochs: None,
            ..plan.clone()
        };
        assert_eq!(open.begin(&out).unwrap(), first);
        for other in [
            Plan {
                data: "z".into(),
                ..plan.clone()
            },
            Plan {
                flags: Vec::new(),
                ..plan.clone()
            },
            Plan {
                augment: "shift".into(),
                ..plan.clone()
            },
            Plan {
                split_seed: 1,
                ..plan.clone()
            },
            Plan {
                epochs: Some(5),
                ..plan.clone()
            },
        ] {
            assert!(other.begin(&out).is_err());
        }
        fs::write(dir.path().join("mine"), "x").unwrap();
        assert!(plan.begin(dir.path()).is_err());
        Plan::remove_if_empty(dir.path());
        assert!(dir.path().join("mine").exists());
        Plan::remove_if_empty(&out);
        assert!(!out.exists());
    }
}
