//! The clerk's tool: is this licence good? Offline, in Chinese, from a file, a scanner or a picture.
//!
//! In scope: reading what is presented, loading and refreshing evidence, printing the answer. Out of scope: the
//! judgement itself (`licence_spec::verify`), which is the same function as on every node.
//! The network is used in `fetch.rs` alone, which only `sync` and `check --fetch` call; the clock is read in `clock.rs` alone.
#![forbid(unsafe_code)]

mod act;
mod answer;
mod arguments;
mod check;
mod clock;
mod doctor;
mod evidence;
mod fetch;
mod input;
mod lock;
mod picture;
mod pin;
mod place;
mod receipt;
mod seen;
mod show;
mod sync;
mod words;

use std::io::{ErrorKind, Write as _};
use std::panic::catch_unwind;
use std::process::ExitCode;

use clap::Parser as _;
use licence_spec::time::UnixTime;

use arguments::{Arguments, Verb};

const USAGE: u8 = 64;
const INTERNAL: u8 = 70;
const INPUT_OUTPUT: u8 = 74;

/// What a verb found: text for standard output, remarks for standard error, and the exit code.
pub(crate) struct Report {
    text: String,
    notes: Vec<String>,
    exit: u8,
}

/// Why a verb found nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request was wrong.
    Usage(String),
    /// Something could not be read or written.
    InputOutput(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::InputOutput(error)
    }
}

fn main() -> ExitCode {
    // A panic's message could hold what was presented: only where it happened is told.
    std::panic::set_hook(Box::new(|info| {
        // A picture that the decoder did not foresee is unreadable, and is answered so.
        if std::thread::current().name() == Some(picture::SEARCHER) {
            return;
        }
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("licence-verify: 内部错误，请报告 / internal error, please report: {place}");
    }));
    ExitCode::from(catch_unwind(run).unwrap_or(INTERNAL))
}

fn run() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { 0 };
            if error.use_stderr() {
                eprintln!("licence-verify: 用法有误，参见 --help / wrong usage, see --help");
            }
            // If the terminal is gone, there is nobody left to tell.
            let _ = error.print();
            return code;
        }
    };
    let done = match arguments.verb {
        Verb::Check(options) => check::run(&options),
        Verb::Sync(options) => sync::run(&options),
        Verb::Pin(options) => pin::run(&options),
        Verb::Show(options) => show::run(&options),
        Verb::Receipt(options) => receipt::run(&options),
        Verb::Doctor(options) => doctor::run(&options),
    };
    match done {
        Ok(report) => print(&report),
        Err(Failure::Usage(message)) => {
            eprintln!("licence-verify: {message}");
            USAGE
        }
        Err(Failure::InputOutput(error)) => {
            eprintln!("licence-verify: {error:#}");
            INPUT_OUTPUT
        }
    }
}

fn print(report: &Report) -> u8 {
    report.notes.iter().for_each(|note| eprintln!("licence-verify: {note}"));
    let mut out = std::io::stdout().lock();
    match out.write_all(report.text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever closed the pipe has read enough: the answer is in the exit code as well.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("licence-verify: 标准输出 / standard output: {error}");
            INPUT_OUTPUT
        }
        _ => report.exit,
    }
}

/// The one clock reading, or the moment that `--at` names.
pub(crate) fn moment(at: Option<&str>) -> Result<UnixTime, Failure> {
    match at.map(UnixTime::parse_rfc3339) {
        None => Ok(clock::now()),
        Some(Some(time)) => Ok(time),
        Some(None) => Err(Failure::Usage(
            "--at 不是 RFC 3339 时间，例如 2026-11-23T18:00:00+08:00 / --at is no RFC 3339 time".to_owned(),
        )),
    }
}
