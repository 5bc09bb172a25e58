//! The `licence-registry` command: one verb a file in `cli`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    licence_registry::cli::run()
}
