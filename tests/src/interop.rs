//! Both directions with an independent implementation in Python: our library reads what it wrote, it reads what our node
//! wrote and serves. And a second verifier, in JavaScript, that answers the vectors of the standard.
//!
//! In scope: who runs against whom. Out of scope: the checks (`tests/interop/`, `tests/examples/read_python`).

use std::path::Path;
use std::process::Command;

use crate::demo::{Serving, remove};
use crate::{install, programs, python, succeeds};

/// Runs both directions; whether all answers were as they must be.
pub(crate) fn run() -> bool {
    let folder = Path::new("target/interop");
    if !step("the second verifier answers the vectors of its first steps", || {
        javascript("steps.js", "spec/vectors")
    }) || !step("the second verifier answers every verdict vector", || {
        javascript("vectors.js", "spec/vectors/verdict")
    }) {
        return false;
    }
    let Some(python) = python::programs().map(|folder| folder.join("python")) else { return false };
    step("the independent reader answers the vectors of typed codes", || asked(&python))
        && step("the independent reader follows the chain of the audit", || audit(&python))
        && step("our library reads the independent writer", || writer(&python, &folder.join("python")))
        && step("the clerk's tool reads the independent writer", || clerk(folder))
        && step("the independent reader reads our node", || reader(&python, folder))
}

fn step(name: &str, work: impl FnOnce() -> bool) -> bool {
    eprintln!("== interop, {name}");
    let passed = work();
    eprintln!("== interop, {name}: {}", if passed { "ok" } else { "FAILED" });
    passed
}

/// Node from version 20 on, of this machine or of Debian.
fn javascript(program: &str, vectors: &str) -> bool {
    let is_there =
        || Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_there() && !install(&["nodejs"]) {
        eprintln!("请安装 nodejs（20 以上） / install nodejs (20 or later)");
        return false;
    }
    // WebCrypto calls Ed25519 experimental in Node 20.
    let mut node = Command::new("node");
    succeeds(node.arg("--no-warnings").arg(Path::new("tests/interop/javascript").join(program)).arg(vectors))
}

fn asked(python: &Path) -> bool {
    let vectors = "spec/vectors/identifiers/asked.json";
    succeeds(Command::new(python).arg("tests/interop/asked.py").arg(vectors))
}

fn audit(python: &Path) -> bool {
    succeeds(Command::new(python).arg("tests/interop/audit.py").arg("spec/vectors/audit/audit.json"))
}

fn writer(python: &Path, folder: &Path) -> bool {
    remove(folder);
    succeeds(Command::new(python).arg("tests/interop/write.py").arg(folder))
        && programs::command("read_python").is_some_and(|mut read| succeeds(read.arg(folder)))
}

/// What the clerk's tool says of some of the writer's files, with the writer's bundle: exit codes of spec/verdict.md.
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
    ("qr/reference.txt", 2),
];
/// The root that the clerk of the writer's world has compared.
const ROOT: &str = "bundle/trust/root_1.cbor";
/// The clock of the writer's world.
const CLERKS_CLOCK: &str = "2026-12-01T18:00:00+08:00";

/// The clerk's tool takes the writer's bundle from one file, and judges.
fn clerk(folder: &Path) -> bool {
    let (python, counter) = (folder.join("python"), folder.join("counter"));
    remove(&counter);
    let Some(program) = programs::find("licence-verify") else { return false };
    let run = |verb: &str, file: &str| {
        let mut command = Command::new(&program);
        command.arg(verb).arg(python.join(file)).arg("--root").arg(python.join(ROOT));
        command.args(["--at", CLERKS_CLOCK, "--bundle"]);
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
    let Some(serving) = Serving::start(&demo) else { return false };
    std::fs::write(&report, &serving.report).is_ok()
        && succeeds(Command::new(python).arg("tests/interop/read.py").arg(&demo).arg(&report))
}
