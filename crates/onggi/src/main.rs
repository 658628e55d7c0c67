//! The command `onggi`.

use std::process::ExitCode;

/// Freed pages are kept: filling a fresh 25 MB buffer takes four times as long as refilling one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    onggi::cli::main()
}
