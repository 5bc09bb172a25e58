//! Both directions with an independent implementation in Python: our library reads what it wrote, it reads what our node
//! wrote and serves.
//!
//! In scope: preparing Python, starting and ending the demo. Out of scope: the checks (`tests/interop/*.py`,
//! `tests/examples/read_python`).

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{install, programs, succeeds};

/// What the Python side is made of.
const NEEDS: &[&str] = &["cbor2==6.3.0", "cryptography==50.0.2"];
/// Where free ports for the demo are looked for: apart from those that a developer's own demo uses.
const PORTS: std::ops::Range<u16> = 18_400..18_800;

/// Runs both directions; whether all answers were as they must be.
pub(crate) fn run() -> bool {
    let folder = Path::new("target/interop");
    let Some(python) = prepare(&folder.join("venv")) else { return false };
    step("our library reads the independent writer", || writer(&python, &folder.join("python")))
        && step("the clerk's tool reads the independent writer", || clerk(folder))
        && step("the independent reader reads our node", || reader(&python, folder))
}

fn step(name: &str, work: impl FnOnce() -> bool) -> bool {
    eprintln!("== interop, {name}");
    let passed = work();
    eprintln!("== interop, {name}: {}", if passed { "ok" } else { "FAILED" });
    passed
}

/// The Python of an environment with the needed packages.
fn prepare(venv: &Path) -> Option<PathBuf> {
    let make = || succeeds(Command::new("python3").args(["-m", "venv"]).arg(venv));
    if !(make() || (install(&["python3", "python3-venv"]) && make())) {
        eprintln!("请安装 python3-venv / install python3-venv");
        return None;
    }
    let pip = succeeds(Command::new(venv.join("bin/pip")).args(["install", "--quiet"]).args(NEEDS));
    pip.then(|| venv.join("bin/python"))
}

fn writer(python: &Path, folder: &Path) -> bool {
    remove(folder);
    succeeds(Command::new(python).arg("tests/interop/write.py").arg(folder))
        && programs::command("read_python").is_some_and(|mut read| succeeds(read.arg(folder)))
}

/// What the clerk's tool says of some of the writer's files, with the writer's bundle: exit codes of VERDICT.md.
const CLERK: &[(&str, i32)] = &[
    ("licences/good.elic", 0),
    ("licences/with_proof.elic", 0),
    ("licences/every_kind.elic", 0),
    ("qr/good.txt", 0),
    ("licences/revoked.elic", 1),
    ("licences/wrong_region.elic", 1),
    ("licences/changed.elic", 1),
    ("licences/list_not_at_hand.elic", 2),
    ("licences/compromised_before.elic", 2),
    ("licences/empty.elic", 3),
    ("qr/reference.txt", 3),
];
/// The clock of the writer's world.
const CLERKS_CLOCK: &str = "2026-12-01T18:00:00+08:00";

/// The clerk's tool takes the writer's bundle from one file, and judges.
fn clerk(folder: &Path) -> bool {
    let (python, counter) = (folder.join("python"), folder.join("counter"));
    remove(&counter);
    let Some(program) = programs::find("licence-verify") else { return false };
    let run = |verb: &str, file: &str| {
        let mut command = Command::new(&program);
        command.arg(verb).arg(python.join(file)).args(["--at", CLERKS_CLOCK, "--bundle"]);
        let output = command.arg(counter.join("bundle")).output();
        output.ok().and_then(|output| output.status.code())
    };
    let is = |verb: &str, file: &str, expected: i32| {
        let got = run(verb, file);
        if got != Some(expected) {
            eprintln!("licence-verify {verb} {file}: exit {got:?}, expected {expected}");
        }
        got == Some(expected)
    };
    is("sync", "bundle.cbor", 0)
        && CLERK.iter().all(|(file, expected)| is("check", file, *expected))
        && is("receipt", "receipts/accept.elr", 0)
        && is("receipt", "receipts/changed.elr", 1)
}

fn reader(python: &Path, folder: &Path) -> bool {
    let (demo, report) = (folder.join("demo"), folder.join("report.json"));
    remove(&demo);
    let Some((_serving, line)) = Serving::start(&demo) else { return false };
    std::fs::write(&report, line).is_ok()
        && succeeds(Command::new(python).arg("tests/interop/read.py").arg(&demo).arg(&report))
}

/// Nothing is there the first time; what is there later is the last run's.
fn remove(folder: &Path) {
    let _absent = std::fs::remove_dir_all(folder);
}

/// The first of three neighbouring ports that nobody listens on.
fn free_ports() -> Option<u16> {
    let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    PORTS.step_by(10).find(|base| (*base..*base + 3).all(free))
}

/// A demo whose nodes serve until this is dropped.
struct Serving(Child);

impl Serving {
    /// Starts the demo and waits for its report, which it prints when the tour has ended.
    fn start(demo: &Path) -> Option<(Serving, String)> {
        let port = free_ports()?.to_string();
        let mut command = programs::command("licence-registry")?;
        command.args(["demo", "--json", "--base-port", &port, "--data"]).arg(demo);
        let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
        let out = child.stdout.take();
        let serving = Serving(child);
        let mut line = String::new();
        // A demo that fails ends, and the line stays empty.
        BufReader::new(out?).read_line(&mut line).ok()?;
        (!line.is_empty()).then_some((serving, line))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // If it has ended by itself there is nothing left to end.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}
