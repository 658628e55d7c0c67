//! How a suite is run: ours and the peers take turns for a number of rounds.
//!
//! A turn is a few runs in a row, as in a training, of which the first does not count: it finds
//! pages given back and caches cold. The figure is the median. A peer's best memory layout counts.
//! What a run returns is freed outside of the timed part, on all sides. A peer that does not know a
//! row is left out of it.

use crate::peer::Peer;
use crate::table::{Row, Rows, median, print};
use anyhow::{Result, ensure};
use clap::Args;
use std::any::Any;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Runs before the first that counts.
const WARM_UP: usize = 3;

/// Runs of a turn that count.
const RUNS: usize = 3;

/// Pause before each turn: OpenMP's threads spin for a while after their work, on the cores that
/// the other side is about to be timed on.
const PAUSE: Duration = Duration::from_millis(100);

/// Arguments of a suite. Without a peer only ours is timed.
#[derive(Args)]
pub(crate) struct Suite {
    /// Only these rows; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Python of the environment that peers/setup.sh makes, for PyTorch
    #[arg(long, value_name = "PATH")]
    peer_python: Option<PathBuf>,
    /// Binary that peers/rust makes, for Burn's own layers and candle
    #[arg(long, value_name = "PATH")]
    peer_rust: Option<PathBuf>,
    /// Write the rows as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Threads of each side
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Turns of each side
    #[arg(long, default_value_t = 15)]
    rounds: usize,
}

/// One benchmark: a name that peers know, a shape, and what makes a step of ours.
#[derive(Clone, Copy)]
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    pub(crate) shape: &'static [usize],
    pub(crate) make: fn(&[usize]) -> Step,
}

/// One run of what is timed; what it returns is freed outside of the timed part.
pub(crate) type Step = Box<dyn FnMut() -> Box<dyn Any>>;

impl Suite {
    /// Times `benches` beside the peers; `script` is PyTorch's.
    pub(crate) fn run(self, benches: &[Bench], script: &str) -> Result<()> {
        let known: Vec<_> = benches.iter().map(|bench| bench.name).collect();
        for name in &self.only {
            ensure!(
                known.contains(&name.as_str()),
                "no row is called {name}; there are: {}",
                known.join(", ")
            );
        }
        ensure!(
            self.threads > 0 && self.rounds > 0,
            "--threads and --rounds must be at least 1"
        );
        let mut peers = Vec::new();
        if let Some(python) = &self.peer_python {
            peers.push(Peer::python(python, script, self.threads)?);
        }
        if let Some(binary) = &self.peer_rust {
            for name in ["burn", "candle"] {
                peers.push(Peer::rust(binary, name, self.threads)?);
            }
        }
        // After the peers, which would inherit this thread's place.
        onggi::threads::start(self.threads)?;
        let versions: Vec<_> = peers.iter().map(|peer| peer.version.as_str()).collect();
        let versions = match versions.as_slice() {
            [] => "no peers".to_string(),
            versions => versions.join(", "),
        };
        println!(
            "{} threads, {} rounds in turn, {versions}",
            self.threads, self.rounds
        );
        let mut rows = Vec::new();
        for bench in benches {
            if self.only.is_empty() || self.only.iter().any(|name| name == bench.name) {
                rows.push(self.time(bench, &mut peers)?);
            }
        }
        print(&rows);
        if let Some(path) = &self.json {
            std::fs::write(path, serde_json::to_string_pretty(&Rows { rows })?)?;
        }
        Ok(())
    }

    fn time(&self, bench: &Bench, peers: &mut [Peer]) -> Result<Row> {
        let mut step = (bench.make)(bench.shape);
        for _ in 0..WARM_UP {
            step();
        }
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        for peer in peers {
            if peer.warm_up(bench.name, bench.shape)? {
                theirs.push((peer, BTreeMap::<String, Vec<f64>>::new()));
            }
        }
        for _ in 0..self.rounds {
            sleep(PAUSE);
            for run in 0..=RUNS {
                let start = Instant::now();
                let result = step();
                let ms = start.elapsed().as_secs_f64() * 1e3;
                drop(result);
                if run > 0 {
                    ours.push(ms);
                }
            }
            for (peer, layouts) in &mut theirs {
                sleep(PAUSE);
                for (layout, ms) in peer.time(bench.name, bench.shape, RUNS + 1)? {
                    layouts.entry(layout).or_default().extend(&ms[1..]);
                }
            }
        }
        let peers = theirs.into_iter().filter_map(|(peer, layouts)| {
            let best = layouts.into_values().map(median).min_by(f64::total_cmp);
            best.map(|ms| (peer.name().to_string(), ms))
        });
        Ok(Row::new(bench.name, median(ours), peers.collect()))
    }
}
