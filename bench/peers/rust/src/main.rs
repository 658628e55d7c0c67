//! Burn's own layers and candle as peers for the benchmarks; `../../protocol.py` says how a peer is
//! asked.
//!
//! `peer burn --threads N` or `peer candle --threads N`. Both have the rows of `../../ops.py` and
//! `../../models.py` that they offer, with the same work; a row without is unknown to them.

mod burn_peer;
mod candle_peer;
mod protocol;
mod rows;
/// The bench's own, so that Burn's backward pass starts at the same place on both sides.
#[path = "../../../src/upstream.rs"]
mod upstream;

use anyhow::Result;
use clap::{Parser, ValueEnum};

/// As in the command `onggi`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A peer of onggi-bench: answers its requests, JSON lines, until the input ends.
#[derive(Parser)]
struct Cli {
    /// Whose rows to run
    peer: Peer,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Peer {
    Burn,
    Candle,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    // Rayon's global pool reads it at its first use, candle at every product of matrices.
    // SAFETY: no other thread runs yet that could read the environment.
    unsafe { std::env::set_var("RAYON_NUM_THREADS", cli.threads.to_string()) };
    match cli.peer {
        Peer::Burn => protocol::serve("burn", "burn", burn_peer::make),
        Peer::Candle => protocol::serve("candle", "candle-core", candle_peer::make),
    }
}
