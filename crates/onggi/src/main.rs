//! The command `onggi`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    onggi::ops::memory::keep_freed_pages();
    onggi::cli::main()
}
