//! `onggi lr-find DATA`: the learning-rate range test, as a table and a plot.

mod plot;

use crate::commands::train::progress::Watch;
use crate::commands::train::{Job, work};
use crate::failure::Failure;
use crate::output::{say, say_json};
use crate::settings::{Settings, TrainFlags};
use clap::Args;
use onggi_data::Dataset;
use onggi_nn::Network;
use onggi_train::run::write_whole;
use onggi_train::{Input, RangePoint, RangeTestConfig, range_test};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const EXAMPLES: &str = "\
Examples:
  onggi lr-find photos/                           suggestion, table, lr-find-photos.svg
  onggi lr-find table.csv --target diagnosis --optimizer sgd
  onggi lr-find photos/ --from 1e-5 --to 1 --steps 200
  onggi lr-find photos/ --json --plot curve.svg   one JSON object for machines";

/// Rows of the table.
const ROWS: usize = 20;

/// Arguments of `onggi lr-find`.
#[derive(Args, Debug)]
pub(crate) struct LrFind {
    /// First learning rate
    #[arg(long, value_name = "X", default_value_t = RangeTestConfig::default().from)]
    from: f64,
    /// Last learning rate
    #[arg(long, value_name = "X", default_value_t = RangeTestConfig::default().to)]
    to: f64,
    /// Steps from the first to the last, evenly spaced in the logarithm
    #[arg(long, value_name = "N", default_value_t = RangeTestConfig::default().steps)]
    steps: usize,
    /// SVG file to write [default: lr-find-<data>.svg in the current folder]
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    flags: TrainFlags,
}

impl LrFind {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (settings, task) = Settings::resolve_without_run(self.flags)?;
        let config = RangeTestConfig {
            from: self.from,
            to: self.to,
            steps: self.steps,
            ..RangeTestConfig::default()
        };
        let plot = self.plot.unwrap_or_else(|| default_plot(&settings.data));
        work(&settings, task, Job::FindLr(Search { config, plot }))
    }
}

fn default_plot(data: &str) -> PathBuf {
    let name = Path::new(data).file_stem().unwrap_or_default();
    format!("lr-find-{}.svg", name.to_string_lossy()).into()
}

/// A range test to be done once data and model are ready.
pub(crate) struct Search {
    config: RangeTestConfig,
    plot: PathBuf,
}

impl Search {
    /// Tests, writes the plot, and says what was found.
    pub(crate) fn run<X: Input, M: Network<X>>(
        self,
        settings: &Settings,
        model: M,
        train: &Arc<dyn Dataset>,
        watch: &mut Watch,
    ) -> Result<(), Failure> {
        watch.search(self.config.steps);
        let found = range_test::<X, M>(model, train, &settings.training()?, &self.config, watch);
        watch.end();
        let found = found?;
        let svg = plot::svg(&found);
        write_whole(&self.plot, svg.into_string().as_bytes())?;
        let shown = self.plot.display().to_string();
        if settings.json {
            let point = |p: &RangePoint| serde_json::json!({"lr": p.lr, "loss": p.loss, "smoothed": p.smoothed});
            let points: Vec<_> = found.points.iter().map(point).collect();
            return Ok(say_json(&serde_json::json!({
                "suggestion": found.suggestion,
                "points": points,
                "plot": shown,
            }))?);
        }
        say("learning rate      loss  smoothed");
        let every = found.points.len().div_ceil(ROWS).max(1);
        for point in found.points.iter().step_by(every) {
            say(format!(
                "{:>13.2e} {:>9.4} {:>9.4}",
                point.lr, point.loss, point.smoothed
            ));
        }
        match found.suggestion {
            Some(lr) => say(format!(
                "Suggestion: --lr {lr:.1e}, where the loss falls fastest ({} of {} steps done)",
                found.points.len(),
                self.config.steps
            )),
            None => say(
                "No suggestion: the loss never fell; try lower rates with --from, or look at the data",
            ),
        }
        say(format!("Plot: {shown}"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plot_is_called_after_the_data() {
        assert_eq!(
            default_plot("data/photos/"),
            Path::new("lr-find-photos.svg")
        );
        assert_eq!(default_plot("t.csv"), Path::new("lr-find-t.svg"));
    }
}
