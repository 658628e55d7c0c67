//! `onggi-bench ops`: single operations, forward and backward through a fixed upstream gradient.
//!
//! Ours and the peer take turns, one run each, for [`Ops::rounds`] rounds; the figure is the median.
//! A peer's best memory layout counts. What is timed on both sides: the forward pass and the
//! backward pass to every input that takes a gradient. What is not: making tensors, freeing the
//! gradients of the last round.

use crate::peer::Peer;
use crate::table::{Row, Rows, median, print};
use crate::upstream;
use anyhow::{Result, ensure};
use burn::tensor::{Device, Distribution, Gradients, Tensor};
use clap::Args;
use onggi_nn::Mode;
use onggi_nn::norm::{BatchNorm2d, BatchNormConfig};
use onggi_ops::{Key, dropout::dropout};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// Runs before the first that counts.
const WARM_UP: usize = 3;

/// Arguments of `onggi-bench ops`.
#[derive(Args)]
pub(crate) struct Ops {
    /// Only these rows; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Python of the environment that peers/setup.sh makes; without it only ours is timed
    #[arg(long, value_name = "PATH")]
    peer_python: Option<PathBuf>,
    /// Write the rows as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Threads of each side
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Runs of each side
    #[arg(long, default_value_t = 25)]
    rounds: usize,
}

/// One benchmark: a name that peers know, a shape, and what makes a step of ours.
struct Bench {
    name: &'static str,
    shape: &'static [usize],
    make: fn(&[usize]) -> Step,
}

/// One forward and backward pass; what it returns is freed outside of the timed part.
type Step = Box<dyn FnMut() -> Gradients>;

const BENCHES: [Bench; 2] = [
    Bench {
        name: "batch_norm_2d",
        shape: &[32, 64, 56, 56],
        make: batch_norm_2d,
    },
    Bench {
        name: "dropout",
        shape: &[32, 64, 56, 56],
        make: dropout_half,
    },
];

fn image(shape: &[usize]) -> Tensor<4> {
    let device = Device::flex().autodiff();
    let [n, c, h, w] = *shape else {
        panic!("{shape:?} is not the shape of a batch of images")
    };
    Tensor::random([n, c, h, w], Distribution::Normal(0.0, 1.0), &device)
}

/// The layer, which keeps running statistics as its peer does.
fn batch_norm_2d(shape: &[usize]) -> Step {
    let (x, dy) = (image(shape).require_grad(), image(shape));
    let device = Device::flex().autodiff();
    let layer: BatchNorm2d = BatchNormConfig::new(shape[1])
        .init(&device)
        .expect("valid sizes");
    let mode = Mode::train(1, 0);
    Box::new(move || {
        let y = layer.forward(x.clone(), &mode).expect("the layer's shape");
        upstream::backward(y, dy.clone())
    })
}

fn dropout_half(shape: &[usize]) -> Step {
    let (x, dy) = (image(shape).require_grad(), image(shape));
    let mut stream = 0;
    Box::new(move || {
        stream += 1;
        let y = dropout(x.clone(), 0.5, Key { seed: 1, stream }).expect("a probability");
        upstream::backward(y, dy.clone())
    })
}

impl Ops {
    pub(crate) fn run(self) -> Result<()> {
        let known: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
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
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads)
            .build_global()?;
        let mut peer = match &self.peer_python {
            Some(python) => Some(Peer::start(python, "ops.py", self.threads)?),
            None => None,
        };
        let versions = peer.as_ref().map_or("no peers", |peer| &peer.version);
        println!(
            "{} threads, {} rounds in turn, {versions}",
            self.threads, self.rounds
        );
        let mut rows = Vec::new();
        for bench in &BENCHES {
            if self.only.is_empty() || self.only.iter().any(|name| name == bench.name) {
                rows.push(self.time(bench, peer.as_mut())?);
            }
        }
        print(&rows);
        if let Some(path) = &self.json {
            std::fs::write(path, serde_json::to_string_pretty(&Rows { rows })?)?;
        }
        Ok(())
    }

    fn time(&self, bench: &Bench, mut peer: Option<&mut Peer>) -> Result<Row> {
        let mut step = (bench.make)(bench.shape);
        for _ in 0..WARM_UP {
            step();
        }
        if let Some(peer) = &mut peer {
            peer.warm_up(bench.name, bench.shape)?;
        }
        let mut ours = Vec::new();
        let mut theirs: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for _ in 0..self.rounds {
            let start = Instant::now();
            let gradients = step();
            ours.push(start.elapsed().as_secs_f64() * 1e3);
            drop(gradients);
            if let Some(peer) = &mut peer {
                for (layout, ms) in peer.time(bench.name, bench.shape)? {
                    theirs.entry(layout).or_default().push(ms);
                }
            }
        }
        let best = theirs.into_values().map(median).min_by(f64::total_cmp);
        let peers = peer
            .zip(best)
            .map(|(peer, ms)| (peer.name().to_string(), ms));
        Ok(Row::new(
            bench.name,
            median(ours),
            peers.into_iter().collect(),
        ))
    }
}
