//! Side-by-side benchmarks: ours and each peer in turn, in one run, on the same threads.
//!
//! `cargo run --release -p onggi-bench -- ops --peer-python PATH --peer-rust PATH`, or `models` for
//! `ops`; `image --peer-python PATH --images FOLDER`.

mod image;
mod models;
mod ops;
mod peer;
mod suite;
mod table;
mod text;
mod upstream;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// As in the command `onggi`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Benchmarks of Onggi beside its peers.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Subcommand)]
enum Suite {
    /// Single operations, forward and backward
    Ops(suite::Suite),
    /// Whole models: training steps and inference
    Models(suite::Suite),
    /// Text augmentation: one copy of each of 1,000 short reviews
    Text(text::Suite),
    /// Image augmentation: one pass over a folder of photos
    Image(image::Suite),
}

fn main() -> Result<()> {
    onggi::ops::memory::keep_freed_pages();
    match Cli::parse().suite {
        Suite::Ops(suite) => suite.run(&ops::benches(), "ops.py"),
        Suite::Models(suite) => suite.run(&models::benches(), "models.py"),
        Suite::Text(suite) => suite.run(),
        Suite::Image(suite) => suite.run(),
    }
}
