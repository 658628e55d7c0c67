//! How many threads a command uses.

use crate::failure::{Failure, usage};
use clap::Args;
use onggi_data::affinity;

/// Most threads that may be asked for.
pub(crate) const MOST: usize = 1024;

/// The flag `--threads`.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Threads {
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Threads {
    /// The number that was asked for.
    pub(crate) fn n(self) -> Option<usize> {
        self.threads
    }

    /// Sets up the engine's threads and returns their number.
    pub(crate) fn start(self) -> Result<usize, Failure> {
        match self.threads {
            Some(n) if !(1..=MOST).contains(&n) => usage(format!(
                "--threads must be between 1 and {MOST}, but is {n}"
            )),
            threads => Ok(start(threads.unwrap_or_else(all_cores))?),
        }
    }
}

/// Sets up the engine's threads, of which the calling one is the first: a thread outside would fall
/// asleep and be woken again for each operation.
///
/// One thread alone stays outside. As the only worker it could wait for a loader that waits for it.
///
/// Each has a processor to itself where there are as many: see [`affinity`].
///
/// # Errors
/// Threads that the system refuses, or that were set up before.
pub fn start(threads: usize) -> Result<usize, rayon::ThreadPoolBuildError> {
    let mut pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .start_handler(move |index| affinity::pin(index, threads));
    if threads > 1 {
        pool = pool.use_current_thread();
    }
    pool.build_global()?;
    if threads > 1 {
        affinity::pin(0, threads);
    }
    Ok(threads)
}

/// The machine's cores.
pub(crate) fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
