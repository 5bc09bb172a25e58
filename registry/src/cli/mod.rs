//! The command line: one verb a file.

mod demo;
mod demo_licences;
mod demo_scenarios;
mod setup;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// 电子证照登记节点 / a node of the electronic-licence registry.
#[derive(Parser)]
#[command(name = "licence-registry", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// 演示：启动一省两市节点并走完全部场景 / start one province and two cities and play all scenarios
    Demo(demo::Options),
}

/// Runs the command line of this process. 0 well, 1 a scenario or check failed, 64 usage, 74 input or output.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            // If the terminal is gone, there is nobody left to tell.
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    match arguments.verb {
        Verb::Demo(options) => match demo::run(&options) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("licence-registry: {error:#}");
                ExitCode::from(74)
            }
        },
    }
}
