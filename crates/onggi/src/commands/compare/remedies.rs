//! The remedies: one row each, in the order that they are shown.

use crate::failure::{Failure, usage};
use crate::settings::Task;

/// A flag of `onggi train` without its dashes, and its value.
pub(super) type Flag = (&'static str, &'static str);

/// What a remedy changes.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// These flags of the baseline, all else as it is.
    Flags(&'static [Flag]),
    /// Everything back to what `onggi train` does by itself.
    Defaults,
    /// Weights learned on ImageNet, of which the head is fitted to this data; trainer's flags say nothing here.
    Pretrained,
    /// Texts without a network, likewise.
    Linear,
}

/// One way of training.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remedy {
    /// As `--only` takes it.
    pub(super) name: &'static str,
    /// What it does.
    pub(super) words: &'static str,
    /// For images; `None` where it does not apply.
    image: Option<Change>,
    /// For tables.
    table: Option<Change>,
    /// For texts.
    text: Option<Change>,
}

/// The name of the row that all others are compared with.
pub(super) const BASELINE: &str = "baseline";

/// A plain training: nothing that is known to help against overfitting.
const PLAIN: [Flag; 7] = [
    ("augment", "none"),
    ("norm", "none"),
    ("weight-decay", "0"),
    ("dropout", "0"),
    ("label-smoothing", "0"),
    ("early-stopping", "0"),
    ("keep", "last"),
];

/// The model for images that all others but the pretrained one share.
const FROM_SCRATCH: &str = "small_resnet";

/// Flags that say nothing about tables, and about texts.
const NOT_FOR_TABLES: [&str; 1] = ["augment"];
const NOT_FOR_TEXTS: [&str; 2] = ["augment", "norm"];

/// The strengths are common starting points, not tuned on any data of ours.
#[rustfmt::skip]
pub(super) const REMEDIES: [Remedy; 15] = [
    both(BASELINE, "no remedy: no augmentation, norm, weight decay, dropout, smoothing; the last epoch", &[], &[]).texts(&[]),
    Remedy { table: None, ..both("augmentation", "training images shifted and mirrored (--augment), texts reworded (--augment-text)",
        &[("augment", "light")], &[]).texts(&[("augment-text", "eda")]) },
    both("batch-norm", "batch normalisation", &[("norm", "batch")], &[("norm", "batch")]),
    both("dropout", "dropout before the classifier; in a table's model after each hidden layer", &[("dropout", "0.3")], &[("dropout", "0.3")]).texts(&[("dropout", "0.5")]),
    both("l1", "L1 penalty on weights, proximal", &[("l1", "1e-5")], &[("l1", "1e-4")]).texts(&[("l1", "1e-5")]),
    both("l2", "L2 penalty on weights, through the gradient", &[("l2", "1e-4")], &[("l2", "1e-3")]).texts(&[("l2", "1e-4")]),
    both("elastic-net", "L1 and L2 penalty, half of each", &[("elastic-net", "2e-5")], &[("elastic-net", "2e-4")]).texts(&[("elastic-net", "2e-5")]),
    both("early-stopping", "stops when the validation loss has not fallen; keeps the best epoch",
        &[("early-stopping", "8"), ("keep", "best")], &[("early-stopping", "20"), ("keep", "best")])
        .texts(&[("early-stopping", "8"), ("keep", "best")]),
    both("label-smoothing", "a tenth of the target spread over all classes", &[("label-smoothing", "0.1")], &[("label-smoothing", "0.1")])
        .texts(&[("label-smoothing", "0.1")]),
    both("mixup", "samples of a batch blended in pairs, labels too", &[("mixup", "0.2")], &[("mixup", "0.2")]),
    both("smaller", "half the channels or hidden units", &[("width", "0.5")], &[("width", "0.5")]).texts(&[("width", "0.5")]),
    both("larger", "twice the channels or hidden units", &[("width", "2")], &[("width", "2")]).texts(&[("width", "2")]),
    Remedy {
        name: "pretrained",
        words: "a backbone with ImageNet's weights, frozen, and a head fitted to its features (--pretrained --tune head)",
        image: Some(Change::Pretrained),
        table: None,
        text: None,
    },
    Remedy {
        name: "linear",
        words: "no network: TF-IDF and logistic regression (--model linear)",
        image: None,
        table: None,
        text: Some(Change::Linear),
    },
    Remedy {
        name: "defaults",
        words: "a training from scratch as `onggi train` does it by itself",
        image: Some(Change::Defaults),
        table: Some(Change::Defaults),
        text: Some(Change::Defaults),
    },
];

const fn both(
    name: &'static str,
    words: &'static str,
    image: &'static [Flag],
    table: &'static [Flag],
) -> Remedy {
    Remedy {
        name,
        words,
        image: Some(Change::Flags(image)),
        table: Some(Change::Flags(table)),
        text: None,
    }
}

impl Remedy {
    /// The same for texts, too.
    const fn texts(mut self, flags: &'static [Flag]) -> Self {
        self.text = Some(Change::Flags(flags));
        self
    }

    pub(super) fn is_baseline(&self) -> bool {
        self.name == BASELINE
    }

    fn change(&self, task: Task) -> Option<Change> {
        match task {
            Task::Image => self.image,
            Task::Table => self.table,
            Task::Text => self.text,
        }
    }

    /// Its flags of `onggi train`, `augment` being what `--augment light` or `--augment-text eda` is
    /// replaced by.
    pub(super) fn flags(&self, task: Task, augment: &str) -> Vec<String> {
        let image = task == Task::Image;
        // What `onggi train` would begin with by itself depends on the images.
        let mut model = Vec::new();
        if image && !self.is_fitted() {
            model.push(format!("--model={FROM_SCRATCH}"));
        }
        model.extend(self.changes(task, self.change(task), augment));
        model
    }

    /// Whether it is fitted without a trainer, whose flags are then left out.
    pub(super) fn is_fitted(&self) -> bool {
        let fitted = |change| matches!(change, Some(Change::Pretrained | Change::Linear));
        fitted(self.image) || fitted(self.text)
    }

    fn changes(&self, task: Task, change: Option<Change>, augment: &str) -> Vec<String> {
        let flag = |name: &str, value: &str| format!("--{name}={value}");
        match change {
            None => Vec::new(),
            Some(Change::Pretrained) => vec!["--pretrained".into(), "--tune=head".into()],
            Some(Change::Linear) => vec!["--model=linear".into()],
            Some(Change::Defaults) if task == Task::Image => vec![flag("augment", augment)],
            Some(Change::Defaults) => Vec::new(),
            Some(Change::Flags(changed)) => {
                let value = |name: &str| changed.iter().find(|(of, _)| *of == name);
                let applies = |name: &str| match task {
                    Task::Image => true,
                    Task::Table => !NOT_FOR_TABLES.contains(&name),
                    Task::Text => !NOT_FOR_TEXTS.contains(&name),
                };
                let plain = PLAIN.iter().filter(|(name, _)| applies(name));
                let base = plain.map(|&(name, plain)| match value(name) {
                    Some(("augment", _)) => flag(name, augment),
                    Some((_, value)) => flag(name, value),
                    None => flag(name, plain),
                });
                let known = |name: &str| PLAIN.iter().any(|(of, _)| *of == name);
                let more = changed.iter().filter(|(name, _)| !known(name));
                let more = more.map(|&(name, value)| match name {
                    "augment-text" => flag(name, augment),
                    _ => flag(name, value),
                });
                base.chain(more).collect()
            }
        }
    }
}

/// The remedies for a task that `only` names, all if it names none; the baseline is always first.
pub(super) fn choose(task: Task, only: &[String]) -> Result<Vec<Remedy>, Failure> {
    let fit = || REMEDIES.iter().filter(|r| r.change(task).is_some());
    if let Some(unknown) = only.iter().find(|name| !fit().any(|r| r.name == **name)) {
        let known: Vec<_> = fit().map(|r| r.name).collect();
        return usage(format!(
            "--only: there is no remedy `{unknown}` for this data; there are {}",
            known.join(", ")
        ));
    }
    let chosen: Vec<Remedy> = fit()
        .filter(|r| r.is_baseline() || only.is_empty() || only.iter().any(|name| name == r.name))
        .copied()
        .collect();
    if chosen.len() < 2 {
        return usage("--only names the baseline alone: name something to compare with it");
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baseline_comes_first_and_names_are_unique() {
        assert!(REMEDIES[0].is_baseline());
        let mut names: Vec<_> = REMEDIES.iter().map(|r| r.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), REMEDIES.len());
        let only = ["dropout".to_string()];
        let chosen = choose(Task::Table, &only).unwrap();
        let names: Vec<_> = chosen.iter().map(|r| r.name).collect();
        assert_eq!(names, [BASELINE, "dropout"]);
    }

    #[test]
    fn a_remedy_changes_its_own_flags_alone() {
        let flags = |name: &str, task| {
            let found = REMEDIES.iter().find(|r| r.name == name);
            found.unwrap().flags(task, "shift")
        };
        let plain = flags(BASELINE, Task::Image);
        for (name, changed) in [
            ("augmentation", vec!["--augment=shift"]),
            ("dropout", vec!["--dropout=0.3"]),
            ("larger", vec!["--width=2"]),
            ("early-stopping", vec!["--early-stopping=8", "--keep=best"]),
        ] {
            let got = flags(name, Task::Image);
            let new: Vec<_> = got.iter().filter(|flag| !plain.contains(flag)).collect();
            assert_eq!(new, changed, "{name}");
        }
        let defaults = ["--model=small_resnet", "--augment=shift"];
        assert_eq!(flags("defaults", Task::Image), defaults);
        let pretrained = ["--pretrained", "--tune=head"];
        assert_eq!(flags("pretrained", Task::Image), pretrained);
        assert!(flags("defaults", Task::Table).is_empty());
        assert_eq!(flags("linear", Task::Text), ["--model=linear"]);
        let text = flags("augmentation", Task::Text);
        assert!(
            text.contains(&"--augment-text=shift".to_string()),
            "{text:?}"
        );
        assert!(!text.iter().any(|flag| flag.starts_with("--norm")));
        let table = flags(BASELINE, Task::Table);
        assert!(!table.iter().any(|flag| flag.starts_with("--augment")));
    }

    #[test]
    fn what_does_not_apply_is_refused() {
        for only in ["augmentation", "pretrained", BASELINE] {
            assert!(choose(Task::Table, &[only.to_string()]).is_err(), "{only}");
        }
        for only in ["mixup", "batch-norm", "pretrained"] {
            assert!(choose(Task::Text, &[only.to_string()]).is_err(), "{only}");
        }
    }
}
