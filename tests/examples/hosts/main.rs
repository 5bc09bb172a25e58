//! A province and three cities on hosts of their own: real processes in Linux network namespaces, real links, real HTTP. Run by
//! `cargo xtask hosts`; tests/HOSTS.md tells what is shown.
//!
//! Two processes: this one, outside, makes the network, starts itself again inside it, and takes everything away at the end, also after
//! a failure, Ctrl-C or the deadline; the one inside (`inside`) runs the nodes and the load.
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a measuring program ends where it cannot go on; what it started is taken away all the same"
)]

mod check;
mod client;
#[path = "../../tests/node/harness.rs"]
mod harness;
mod inside;
mod ledger;
mod link;
mod load;
mod network;
mod nodes;
mod report;
mod watch;

use std::process::{Child, ExitCode, ExitStatus};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use harness::now;
use network::Network;

const HELP: &str = "\
用法 / usage: cargo xtask hosts [--licences N] [--changes N] [--minutes N] [--seed N] [--json]

  需要 Linux、root 与 iproute2 / needs Linux, root and iproute2
  --licences N  断省期间签发的证照数 / licences issued while the province is cut off (20000)
  --changes N   其间的状态变更数 / status changes meanwhile (2000)
  --minutes N   总时限 / overall deadline (10)
  --seed N      证照内容的种子 / seed of the licences' contents (7)
  --json        结果以 JSON 写到标准输出 / the outcome as JSON on standard output
";

/// What was asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) licences: u64,
    pub(crate) changes: u64,
    pub(crate) minutes: u64,
    pub(crate) seed: u64,
    pub(crate) json: bool,
}

/// What the process outside waits for.
enum Event {
    Ended(std::io::Result<ExitStatus>),
    Signal,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (prefix, options) = match arguments.as_slice() {
        [word, prefix, rest @ ..] if word == "inside" => (Some(prefix.as_str()), rest),
        all => (None, all),
    };
    let Some(asked) = parse(options) else {
        eprint!("{HELP}");
        return ExitCode::from(64);
    };
    match prefix {
        Some(prefix) => inside::run(prefix, asked),
        None => outside(options, asked),
    }
}

fn parse(arguments: &[String]) -> Option<Asked> {
    let mut asked = Asked { licences: 20_000, changes: 2_000, minutes: 10, seed: 7, json: false };
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let place = match word {
            "--json" => {
                asked.json = true;
                continue;
            }
            "--licences" => &mut asked.licences,
            "--changes" => &mut asked.changes,
            "--minutes" => &mut asked.minutes,
            "--seed" => &mut asked.seed,
            _ => return None,
        };
        *place = words.next()?.parse().ok()?;
    }
    // Every city has some of both, and not every licence is changed.
    (asked.changes >= 6 && asked.licences >= 4 * asked.changes && asked.minutes > 0).then_some(asked)
}

fn outside(options: &[String], asked: Asked) -> ExitCode {
    let (sender, events) = channel();
    // Before anything is made: from here on a signal is an event, and what was made is taken away.
    on_signal(sender.clone());
    let folder = tempfile::Builder::new().prefix(&format!("{}-", network::own_prefix())).tempdir().unwrap();
    let network = match Network::make() {
        Ok(network) => network,
        Err(missing) => {
            eprintln!("无法建立网络命名空间 / cannot make network namespaces: {missing}");
            eprintln!(
                "需要 Linux、root（CAP_NET_ADMIN、CAP_SYS_ADMIN）与 iproute2 / needs Linux, root and iproute2"
            );
            return ExitCode::from(69);
        }
    };
    let own = std::env::current_exe().unwrap();
    let mut inside = network.command(network::HUB, own.as_os_str());
    inside.args(["inside", network.prefix()]).args(options).env("TMPDIR", folder.path());
    match inside.spawn() {
        Ok(child) => wait_for(child, sender),
        Err(error) => panic!("{}: {error}", own.display()),
    }
    let outcome = ended(&events, Duration::from_secs(asked.minutes * 60));
    drop(network);
    outcome
}

fn wait_for(mut child: Child, sender: Sender<Event>) {
    std::thread::spawn(move || sender.send(Event::Ended(child.wait())));
}

/// Waits for the process inside, a signal, the deadline, or the end of whoever called.
fn ended(events: &std::sync::mpsc::Receiver<Event>, deadline: Duration) -> ExitCode {
    let (begun, caller) = (now(), std::os::unix::process::parent_id());
    loop {
        match events.recv_timeout(Duration::from_secs(1)) {
            Ok(Event::Ended(Ok(status))) => {
                let code = status.code().and_then(|code| u8::try_from(code).ok());
                return code.map_or(ExitCode::FAILURE, ExitCode::from);
            }
            Ok(Event::Ended(Err(error))) => panic!("cannot wait for a process: {error}"),
            Ok(Event::Signal) => {
                eprintln!("已中断，正在清理 / interrupted, clearing up");
                return ExitCode::from(130);
            }
            Err(RecvTimeoutError::Timeout) if begun.elapsed() > deadline => {
                eprintln!("超过总时限 / the overall deadline is over: {} s", deadline.as_secs());
                return ExitCode::FAILURE;
            }
            Err(RecvTimeoutError::Timeout) if std::os::unix::process::parent_id() != caller => {
                return ExitCode::from(130);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("nobody is left to tell how it ended"),
        }
    }
}

/// Turns the signals to stop into events, from now on.
fn on_signal(sender: Sender<Event>) {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let guard = runtime.enter();
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .map(|kind| signal(kind).unwrap());
    drop(guard);
    std::thread::spawn(move || {
        let [int, term, hangup] = &mut signals;
        runtime.block_on(async {
            tokio::select! { _ = int.recv() => {}, _ = term.recv() => {}, _ = hangup.recv() => {} }
        });
        // Nobody listens any more if the run is over.
        let _over = sender.send(Event::Signal);
    });
}
