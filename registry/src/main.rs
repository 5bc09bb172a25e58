//! The `licence-registry` command: one verb a file in `cli`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Keys are derived with 16 MiB each and status lists packed with some more, on many threads: the system's allocator keeps
/// that for each thread for ever, this one gives it back (tests/examples/node_ratio: memory_at_rest).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    licence_registry::cli::run()
}
