//! Making a run's folder, and taking one up again.

use super::Prepared;
use crate::failure::{Failure, words};
use crate::settings::Settings;
use anyhow::{Context, anyhow};
use onggi_data::{Split, SplitMap};
use onggi_train::TrainError;
use onggi_train::run::{files, write_json, write_whole};
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where runs go when `--out` does not say.
const RUNS: &str = "runs";

/// Runs of one data set that are counted up to.
const MOST_RUNS: usize = 100_000;

/// A run's folder, made by this process.
pub(super) struct RunFolder {
    path: PathBuf,
    /// Whether this process made it: an empty folder of the user's is filled, but not removed.
    made: bool,
    /// Whether the run was there before: then nothing of it is removed.
    resumed: bool,
}

impl RunFolder {
    /// Makes the folder and writes what is known before training: settings, classes, split.
    pub(super) fn create(
        settings: &Settings,
        classes: &[String],
        split: &SplitMap,
    ) -> Result<Self, Failure> {
        let (path, made) = match &settings.out {
            Some(out) => (out.clone(), make_new(out)?),
            None => (next(Path::new(RUNS), &name_of(&settings.data))?, true),
        };
        let folder = Self {
            path,
            made,
            resumed: false,
        };
        let written = folder.write_start(settings, classes, split);
        written.inspect_err(|_| folder.remove_if_empty())?;
        Ok(folder)
    }

    /// Takes up a run's folder again.
    ///
    /// # Errors
    /// Data that is no longer split as it was.
    pub(super) fn resume(run: &Path, prepared: &Prepared) -> Result<Self, Failure> {
        let folder = Self {
            path: run.to_path_buf(),
            made: false,
            resumed: true,
        };
        // The settings are written last, so with them the split is there.
        let then = SplitMap::load(&run.join(files::SPLIT))?;
        check_split(&then, &prepared.split)?;
        Ok(folder)
    }

    /// The failure that ends a training, with what is left to go on from; without anything, the
    /// folder is removed.
    pub(super) fn give_up(&self, failure: Failure) -> Failure {
        let sets = fs::read_dir(self.path.join(files::CHECKPOINT));
        let saved = sets.is_ok_and(|mut sets| {
            sets.any(|set| set.is_ok_and(|set| set.path().join("manifest.json").is_file()))
        });
        match failure {
            Failure::Failed(error) if saved && goes_on(&error) => {
                let shown = self.path.display();
                let error = words(&error);
                Failure::Failed(anyhow!(
                    "{error}; go on with it: onggi train --resume {shown}"
                ))
            }
            other => {
                if !self.resumed {
                    self.remove_if_empty();
                }
                other
            }
        }
    }

    fn write_start(
        &self,
        settings: &Settings,
        classes: &[String],
        split: &SplitMap,
    ) -> Result<(), Failure> {
        write_json(&self.path.join(files::CLASSES), &classes)?;
        split.save(&self.path.join(files::SPLIT))?;
        // Last: a folder with settings is one to go on with.
        write_whole(
            &self.path.join(files::CONFIG),
            settings.to_config()?.as_bytes(),
        )?;
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folder unless it holds weights.
    pub(super) fn remove_if_empty(&self) {
        let kept = [files::WEIGHTS, files::TEXT_MODEL];
        if kept.iter().any(|file| self.path.join(file).exists()) {
            return;
        }
        for file in [
            files::CONFIG,
            files::CLASSES,
            files::SPLIT,
            files::LOG,
            files::TOKENIZER,
        ] {
            let _ = fs::remove_file(self.path.join(file));
        }
        for folder in [files::CHECKPOINT, files::TENSORBOARD] {
            let _ = fs::remove_dir_all(self.path.join(folder));
        }
        if self.made {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Whether what failed may be gone on from: an interruption, or a file that could not be written.
fn goes_on(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<TrainError>(),
        Some(TrainError::Interrupted | TrainError::Checkpoint { .. } | TrainError::Io { .. })
    )
}

/// An error that says what was added to the data, and what is gone.
fn check_split(then: &SplitMap, now: &SplitMap) -> Result<(), Failure> {
    if then == now {
        return Ok(());
    }
    let ids = |map: &SplitMap| -> BTreeSet<String> {
        let parts = [Split::Train, Split::Val, Split::Test];
        parts
            .iter()
            .flat_map(|&part| map.ids(part).to_vec())
            .collect()
    };
    let (before, after) = (ids(then), ids(now));
    let first = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
        let mut missing = a.difference(b);
        let name = missing.next().map(|id| format!(", such as `{id}`"));
        (1 + missing.count(), name)
    };
    let gone = match first(&before, &after) {
        (n, Some(name)) => format!("{n} gone{name}"),
        _ => "none gone".into(),
    };
    let new = match first(&after, &before) {
        (n, Some(name)) => format!("{n} new{name}"),
        _ => "none new".into(),
    };
    Err(anyhow!(
        "the data changed since the run was begun ({gone}; {new}), so it cannot go on as if it had \
         not stopped: put the data back as it was, or train anew"
    )
    .into())
}

/// Makes `out`, or takes it if it is an empty folder; says whether it was made.
fn make_new(out: &Path) -> Result<bool, Failure> {
    let shown = out.display();
    if let Ok(mut entries) = fs::read_dir(out) {
        return match entries.next() {
            None => Ok(false),
            Some(_) => Err(anyhow!(
                "--out {shown}: the folder is not empty, and nothing in it is overwritten; name another"
            )
            .into()),
        };
    }
    if out.exists() && !out.is_dir() {
        return Err(anyhow!("--out {shown}: there is a file of that name; name another").into());
    }
    fs::create_dir_all(out).with_context(|| format!("--out {shown}"))?;
    Ok(true)
}

/// Makes `<root>/<name>-<n>` for the first `n` that is free.
fn next(root: &Path, name: &str) -> Result<PathBuf, Failure> {
    fs::create_dir_all(root).with_context(|| format!("{}", root.display()))?;
    for n in 1..=MOST_RUNS {
        let path = root.join(format!("{name}-{n}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(anyhow!("{}: {e}", path.display()).into()),
        }
    }
    Err(anyhow!(
        "{} holds {MOST_RUNS} runs of {name}; name another folder with --out",
        root.display()
    )
    .into())
}

/// The data's name without folders and extension: what runs of it are called.
fn name_of(data: &str) -> String {
    let path = fs::canonicalize(data).unwrap_or_else(|_| data.into());
    let name = if path.is_dir() {
        path.file_name()
    } else {
        path.file_stem()
    };
    name.map_or_else(|| "data".into(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_up() {
        let dir = tempfile::tempdir().unwrap();
        for n in 1..=3 {
            assert_eq!(
                next(dir.path(), "x").unwrap(),
                dir.path().join(format!("x-{n}"))
            );
        }
    }

    #[test]
    fn a_folder_with_something_in_it_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!make_new(dir.path()).unwrap());
        fs::write(dir.path().join("mine"), "x").unwrap();
        assert!(make_new(dir.path()).is_err());
        assert!(make_new(&dir.path().join("mine")).is_err());
        assert!(make_new(&dir.path().join("new/er")).unwrap());
    }

    #[test]
    fn a_changed_split_is_told_by_what_changed() {
        let map = |ids: &[&str]| -> SplitMap {
            let json = serde_json::json!({"train": ids, "val": ["v"], "test": []});
            serde_json::from_value(json).unwrap()
        };
        assert!(check_split(&map(&["a"]), &map(&["a"])).is_ok());
        let Err(Failure::Failed(error)) = check_split(&map(&["a", "b"]), &map(&["b", "c", "d"]))
        else {
            panic!("a changed split is an error")
        };
        let error = error.to_string();
        assert!(
            error.contains("1 gone, such as `a`; 2 new, such as `c`"),
            "{error}"
        );
    }

    #[test]
    fn names() {
        assert_eq!(name_of("no/such/photos"), "photos");
        assert_eq!(name_of("table.v2.csv"), "table.v2");
        assert!(!name_of(".").is_empty() && name_of(".") != ".");
    }
}
