//! Runs that a command makes: child processes of this very program, one after the other.

use crate::failure::{Failure, usage};
use crate::output::warn;
use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use onggi_train::Stopped;
use onggi_train::run::{self, Summary, files};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often a running child is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Runs children, and ends the one at hand when this process is asked to end.
pub(super) struct Runner {
    executable: PathBuf,
    threads: Option<usize>,
    interrupted: Arc<AtomicBool>,
    /// Whether a child's warnings were passed on: those of the others are the same.
    warned: bool,
    /// What to say of going on after an interruption.
    go_on: String,
}

impl Runner {
    /// Listens for Ctrl-C: the first ends the run at hand after its step, the second ends this process.
    pub(super) fn new(threads: Option<usize>, go_on: String) -> Result<Self, Failure> {
        let interrupted = Arc::<AtomicBool>::default();
        let again = interrupted.clone();
        ctrlc::set_handler(move || {
            if again.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        })?;
        Ok(Self {
            executable: std::env::current_exe().context("where this program lies")?,
            threads,
            interrupted,
            warned: false,
            go_on,
        })
    }

    /// Trains the run `folder` with `flags`, or goes on with it; nothing is done for a finished one.
    /// `look` is called now and then.
    pub(super) fn finish(
        &mut self,
        folder: &Path,
        flags: &[String],
        look: impl FnMut(),
    ) -> Result<Summary, Failure> {
        if let Some(summary) = finished(folder) {
            return Ok(summary);
        }
        let mut command = Command::new(&self.executable);
        command.arg("train");
        if folder.join(files::CONFIG).is_file() {
            command.arg("--resume").arg(folder);
        } else {
            // Stopped before it began, if it is there at all.
            let _ = fs::remove_dir_all(folder);
            command.args(flags).arg("--out").arg(folder);
        }
        if let Some(threads) = self.threads {
            command.arg(format!("--threads={threads}"));
        }
        self.run(command.arg("--json"), look)?;
        let summary = finished(folder).ok_or_else(|| {
            let shown = folder.display();
            anyhow!("{shown}: the run ended without figures; remove the folder and try again")
        })?;
        // Nothing goes on from a finished run, and checkpoints of many runs take space.
        let _ = fs::remove_dir_all(folder.join(files::CHECKPOINT));
        Ok(summary)
    }

    fn run(&mut self, command: &mut Command, mut look: impl FnMut()) -> Result<(), Failure> {
        self.check()?;
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::piped());
        // Ctrl-C on a terminal is for this process, which tells the child once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let mut child = command.spawn().context("a run could not be started")?;
        let stderr = child.stderr.take();
        let said = thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = stderr.read_to_end(&mut text);
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut told = false;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if self.interrupted.load(Ordering::SeqCst) && !told {
                end(&child);
                told = true;
            }
            look();
            thread::sleep(LOOK);
        };
        let said = said.join().unwrap_or_default();
        self.check()?;
        if status.success() {
            let warnings = || {
                said.lines()
                    .filter_map(|line| line.strip_prefix("warning: "))
            };
            if !self.warned {
                warnings().for_each(warn);
            }
            self.warned = true;
            return Ok(());
        }
        let error = said.lines().find_map(|line| line.strip_prefix("error: "));
        let words = error.map_or_else(|| format!("a run ended with {status}"), str::to_owned);
        if status.code() == Some(2) {
            return usage(words);
        }
        Err(anyhow!(words).into())
    }

    /// An error if this process was asked to end.
    fn check(&self) -> Result<(), Failure> {
        if self.interrupted.load(Ordering::SeqCst) {
            return Err(anyhow!("interrupted; go on with it: {}", self.go_on).into());
        }
        Ok(())
    }
}

/// A bar; hidden where stderr is no terminal.
pub(super) fn bar(template: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─");
    ProgressBar::new(length).with_style(style)
}

/// Asks a child to end after its step and to keep a checkpoint.
fn end(child: &Child) {
    #[cfg(unix)]
    if let Ok(id) = i32::try_from(child.id()) {
        use nix::sys::signal::{Signal, kill};
        let _ = kill(nix::unistd::Pid::from_raw(id), Signal::SIGTERM);
    }
    // Elsewhere the console tells every process in it.
    #[cfg(not(unix))]
    let _ = child;
}

/// The figures of a run that came to its end; `None` for one that was stopped on the way, or that is
/// not there.
pub(super) fn finished(folder: &Path) -> Option<Summary> {
    let summary: Summary = run::read_json(&folder.join(files::SUMMARY)).ok()?;
    let on_the_way = [Stopped::Interrupted, Stopped::Time].map(Stopped::words);
    (!on_the_way.contains(&summary.stopped.as_str())).then_some(summary)
}

/// Epochs that a run has logged.
pub(super) fn logged(folder: &Path) -> usize {
    fs::read_to_string(folder.join(files::LOG)).map_or(0, |log| log.lines().count())
}
