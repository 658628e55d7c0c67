//! Trainings like the run's, each changed in one thing: children of `onggi train`, which are kept and
//! not done again.

use super::super::runs::{Runner, bar};
use super::Diagnose;
use crate::failure::Failure;
use crate::settings::Settings;
use onggi_train::run::{Summary, files};
use std::path::PathBuf;

/// Where a run's trainings for its diagnosis lie.
const FOLDER: &str = "diagnose";

/// One training to be done.
pub(super) struct Retraining {
    /// Its folder within the run's.
    pub(super) name: String,
    /// Flags of `onggi train` that it differs by.
    pub(super) flags: Vec<String>,
}

/// Does all of `trainings`, or goes on where they were stopped, and returns their folders and figures.
pub(super) fn train(
    runner: &mut Runner,
    args: &Diagnose,
    settings: &Settings,
    trainings: &[Retraining],
) -> Result<Vec<(PathBuf, Summary)>, Failure> {
    let run = &args.run;
    let data = args.data.as_deref();
    let bar = bar(
        "{bar:20} {pos}/{len} {eta:>4} left  {msg}",
        trainings.len() as u64,
    );
    let mut done = Vec::new();
    for training in trainings {
        bar.set_message(training.name.clone());
        let folder = run.join(FOLDER).join(&training.name);
        let mut flags = vec![format!("--config={}", run.join(files::CONFIG).display())];
        flags.extend(data.map(|data| data.display().to_string()));
        // The run's own split, whatever the seed of the training.
        flags.push(format!("--split-seed={}", settings.split_seed()));
        flags.extend(training.flags.iter().cloned());
        let summary = runner.finish(&folder, &flags, || bar.tick())?;
        done.push((folder, summary));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(done)
}
