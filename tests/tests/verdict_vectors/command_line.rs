//! The second face: `licence-verify check -`, run as a clerk runs it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use licence_spec::bundle::Bundle;
use licence_spec::suite::Digest;

use super::format::{Presented, Set, Vector};

/// What the tool cannot be asked: the option that it would need, which it does not have.
pub(crate) const OPTIONS_IT_LACKS: [&str; 8] = [
    "--wanted",
    "--log-proof",
    "--log-look-up",
    "--subject",
    "--service-item",
    "--case-number",
    "--audience",
    "--online",
];

/// Why the tool cannot be asked what a vector asks, as the option that it would need.
pub(crate) fn lacks(set: &Set, vector: &Vector) -> Option<&'static str> {
    let asked = &vector.question;
    let needs = [
        asked.wanted.is_some(),
        asked.log_proof.is_some(),
        asked.log.is_some(),
        asked.subject.is_some(),
        asked.service_item.is_some(),
        asked.case_number.is_some(),
        asked.audience.is_some(),
        // What a reference leads to, and whether a register knows a number, is found with a network alone.
        matches!(set.object(vector), Presented::Fetched { .. } | Presented::Number(_)),
    ];
    OPTIONS_IT_LACKS.into_iter().zip(needs).find_map(|(option, needed)| needed.then_some(option))
}

/// The options of `check`, in its own words.
pub(crate) fn help() -> String {
    let output = Command::new(tool()).args(["check", "--help"]).output().expect("the tool runs");
    String::from_utf8(output.stdout).expect("help is UTF-8")
}

/// What the tool prints; its exit code must say the same.
pub(crate) fn ask(set: &Set, vector: &Vector) -> String {
    let presented = match set.object(vector) {
        Presented::Hex(text) => hex::decode(text).expect("objects are hex"),
        Presented::Qr(text) => text.clone().into_bytes(),
        Presented::Fetched { .. } | Presented::Number(_) => panic!("{}: not for this face", vector.name),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (bundle, pinned) = (folder.path().join("bundle"), set.pinned(vector));
    if let Some(seen) = set.seen(vector) {
        write(&bundle, seen);
        check(&bundle, pinned, vector, &presented);
        fs::remove_dir_all(&bundle).expect("the bundle was there");
    }
    write(&bundle, set.bundle(vector));
    let output = check(&bundle, pinned, vector, &presented);
    let stdout = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let exit = match vector.outcome.as_str() {
        "ACCEPT" => 0,
        "REJECT" => 1,
        "INDETERMINATE" => 2,
        _ => 3,
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{}: {stdout}{stderr}", vector.name);
    stdout.strip_suffix('\n').expect("a line").to_owned()
}

fn write(folder: &Path, bundle: &Bundle) {
    fs::create_dir_all(folder).expect("a folder");
    for (path, bytes) in bundle.parts() {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
}

fn check(bundle: &Path, pinned: Option<Digest>, vector: &Vector, presented: &[u8]) -> Output {
    let mut command = Command::new(tool());
    command.args(["check", "-", "--format", "json", "--at", &vector.now, "--policy", &vector.policy]);
    // A home of its own: nothing that was pinned on this machine counts.
    command.env("HOME", bundle).env_remove("XDG_STATE_HOME");
    if let Some(pinned) = pinned {
        command.args(["--root", &hex::encode(pinned)]);
    }
    command.arg("--bundle").arg(bundle).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the tool runs");
    child.stdin.take().expect("a pipe").write_all(presented).expect("written");
    child.wait_with_output().expect("an end")
}

/// The built tool, never an old one: cargo is asked, and builds what is not fresh.
///
/// Cargo gives `CARGO_BIN_EXE_…` to the tests of the tool's own package alone. Asking for the tool's test `check` with
/// the whole workspace selected makes it with the features of `cargo test --workspace`, where it is fresh already; a
/// plain `cargo build -p verifier-cli` would select others and build it, and half of what it needs, for a second time.
fn tool() -> &'static Path {
    static TOOL: OnceLock<PathBuf> = OnceLock::new();
    TOOL.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        cargo.args(["test", "--workspace", "--no-run", "--test", "check", "--message-format", "json"]);
        cargo.args(["--profile", &profile()]);
        let output = cargo.output().expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        messages.lines().find_map(executable).expect("cargo made the tool")
    })
}

/// The profile under which this test was built: the folder above `deps`, where `debug` holds two of them.
fn profile() -> String {
    let own = std::env::current_exe().expect("this test has a path");
    let folder = own.ancestors().nth(2).and_then(Path::file_name).expect("…/<profile>/deps/<test>");
    match folder.to_str() {
        Some("debug") | None => "test".to_owned(),
        Some(name) => name.to_owned(),
    }
}

fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let is_the_tool = message["target"]["name"] == "licence-verify" && message["profile"]["test"] == false;
    message["executable"].as_str().filter(|_| is_the_tool).map(PathBuf::from)
}
