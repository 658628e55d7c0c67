//! `onggi report RUN`.

use crate::failure::Failure;
use crate::output::{say, say_json};
use clap::Args;
use onggi_train::run;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi report runs/photos-1          write runs/photos-1/report.html again, print its path";

/// Arguments of `onggi report`.
#[derive(Args, Debug)]
pub(crate) struct Report {
    /// Run folder, as `onggi train` printed it
    run: PathBuf,
    /// Print {"report": path} instead of the path
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(crate) fn run(self) -> Result<(), Failure> {
        run::check_run(&self.run)?;
        let path = crate::report::write(&self.run)?;
        if self.json {
            say_json(&serde_json::json!({ "report": path }))?;
        } else {
            say(path.display().to_string());
        }
        Ok(())
    }
}
