//! How a suite is run: ours and the peers take turns for a number of rounds.
//!
//! A turn is a few runs in a row, as in a training, of which the first does not count: it finds
//! pages given back and caches cold. Short runs are repeated for [`TURN`], or a turn would be over
//! before a processor that has slept is awake. The figure is the median. A peer's best memory layout counts.
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

/// Runs of a turn that count, at least.
const RUNS: usize = 3;

/// What the runs of a turn take together, at least, if there need not be more than [`MANY`].
const TURN: Duration = Duration::from_millis(30);

/// Runs of a turn that count, at most.
const MANY: usize = 60;

/// Pause before each turn: OpenMP's threads spin for a while after their work, on the cores that
/// the other side is about to be timed on.
const PAUSE: Duration = Duration::from_millis(100);

/// Arguments of a suite. Without a peer only ours is timed.
#[derive(Args)]
pub(crate) struct Suite {
    #[command(flatten)]
    turns: Turns,
    /// Binary that peers/rust makes, for Burn's own layers and candle
    #[arg(long, value_name = "PATH")]
    peer_rust: Option<PathBuf>,
    /// Threads of each side
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

/// Arguments that every suite has.
#[derive(Args)]
pub(crate) struct Turns {
    /// Only these rows; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Python of the environment that peers/setup.sh makes
    #[arg(long, value_name = "PATH")]
    pub(crate) peer_python: Option<PathBuf>,
    /// Write the rows as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Turns of each side
    #[arg(long, default_value_t = 15)]
    rounds: usize,
}

/// A row to run: its name, the shape peers are told, and what makes a step of ours.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'static str,
    pub(crate) shape: &'static [usize],
    pub(crate) make: Box<dyn Fn() -> Step + 'a>,
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
        let entry = |bench: &Bench| {
            let Bench { name, shape, make } = *bench;
            let make = Box::new(move || make(shape));
            Entry { name, shape, make }
        };
        let entries = benches.iter().map(entry).collect();
        self.turns.run(entries, self.threads, || {
            let mut peers = Vec::new();
            if let Some(python) = &self.turns.peer_python {
                peers.push(Peer::python(python, script, &[], self.threads)?);
            }
            if let Some(binary) = &self.peer_rust {
                for name in ["burn", "candle"] {
                    peers.push(Peer::rust(binary, name, self.threads)?);
                }
            }
            Ok(peers)
        })
    }
}

impl Turns {
    /// Times `entries` beside the peers that `start` starts.
    pub(crate) fn run(
        &self,
        entries: Vec<Entry>,
        threads: usize,
        start: impl FnOnce() -> Result<Vec<Peer>>,
    ) -> Result<()> {
        let known: Vec<_> = entries.iter().map(|entry| entry.name).collect();
        for name in &self.only {
            ensure!(
                known.contains(&name.as_str()),
                "no row is called {name}; there are: {}",
                known.join(", ")
            );
        }
        ensure!(
            threads > 0 && self.rounds > 0,
            "--threads and --rounds must be at least 1"
        );
        let mut peers = start()?;
        // After the peers, which would inherit this thread's place.
        onggi::threads::start(threads)?;
        let versions: Vec<_> = peers.iter().map(|peer| peer.version.as_str()).collect();
        let versions = match versions.as_slice() {
            [] => "no peers".to_string(),
            versions => versions.join(", "),
        };
        println!(
            "threads: {threads}, rounds in turn: {}, {versions}",
            self.rounds
        );
        let mut rows = Vec::new();
        for entry in &entries {
            if self.only.is_empty() || self.only.iter().any(|name| name == entry.name) {
                rows.push(self.time(entry, &mut peers)?);
            }
        }
        print(&rows);
        if let Some(path) = &self.json {
            std::fs::write(path, serde_json::to_string_pretty(&Rows { rows })?)?;
        }
        Ok(())
    }

    fn time(&self, bench: &Entry, peers: &mut [Peer]) -> Result<Row> {
        let mut step = (bench.make)();
        let mut runs = RUNS;
        for _ in 0..WARM_UP {
            let start = Instant::now();
            step();
            let run = start.elapsed().as_secs_f64().max(1e-9);
            runs = ((TURN.as_secs_f64() / run).ceil() as usize).clamp(RUNS, MANY);
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
            for run in 0..=runs {
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
                for (layout, ms) in peer.time(bench.name, bench.shape, runs + 1)? {
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
