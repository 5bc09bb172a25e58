//! The clerk's tool as a clerk runs it, on the generated examples of the standard.
#![allow(missing_docs)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use licence_spec::bundle;

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors/generated-examples").join(path)
}

/// A bundle folder made of the examples.
fn bundle_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let parts = [
        (bundle::root_path(1), "trust/root_1.cbor"),
        (bundle::root_path(2), "trust/root_2.cbor"),
        (bundle::TIMESTAMP.to_owned(), "trust/timestamp_2.cbor"),
        (bundle::LIST.to_owned(), "trust/list_2.cbor"),
        (bundle::CATALOGUE.to_owned(), "catalogue/catalogue_1.cbor"),
        (bundle::status_path("https://gz.elic.example/v1/status-lists/17"), "status/token.cbor"),
    ];
    for (path, source) in parts {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::copy(example(source), path).expect("a copy");
    }
    folder
}

fn check(presented: &Path, bundle: &Path, at: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_licence-verify"));
    command.arg("check").arg(presented).arg("--bundle").arg(bundle).args(["--at", at]).args(more);
    command.output().expect("the tool runs")
}

const NOW: &str = "2026-11-23T18:00:00+08:00";

fn code_and_first_line(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stdout);
    (output.status.code(), text.lines().next().unwrap_or_default().to_owned())
}

#[test]
fn the_exit_code_and_the_first_line_are_the_answer() {
    let bundle = bundle_folder();
    let folder = tempfile::tempdir().expect("a folder");
    let mut changed = fs::read(example("licence/small.cbor")).expect("the example");
    *changed.last_mut().expect("bytes") ^= 1;
    fs::write(folder.path().join("changed"), changed).expect("a file");
    fs::write(folder.path().join("empty"), b"").expect("a file");
    let cases = [
        (example("licence/small.cbor"), NOW, 0, "有效 ACCEPT"),
        (folder.path().join("changed"), NOW, 1, "无效 REJECT SIGNATURE_INVALID"),
        (example("licence/revoked.cbor"), NOW, 1, "无效 REJECT REVOKED"),
        (
            example("licence/small.cbor"),
            "2026-12-23T18:00:00+08:00",
            2,
            "无法确认 INDETERMINATE TRUST_LIST_EXPIRED",
        ),
        (folder.path().join("empty"), NOW, 3, "未识别 NO_CREDENTIAL UNREADABLE"),
    ];
    for (presented, at, code, line) in cases {
        let output = check(&presented, bundle.path(), at, &[]);
        assert_eq!(code_and_first_line(&output), (Some(code), line.to_owned()), "{}", presented.display());
    }
}

/// Every form of one licence gives the same verdict: bytes, text of a code, picture of a code.
#[test]
fn file_text_and_picture_of_one_licence_give_the_same_verdict() {
    let bundle = bundle_folder();
    let json = |path: &str| {
        let output = check(&example(path), bundle.path(), NOW, &["--format", "json"]);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    };
    let file = json("licence/small.cbor");
    assert_eq!(file["outcome"], "ACCEPT");
    assert_eq!(json("qr/small.txt"), file);
    assert_eq!(json("qr/small.png"), file);
}

#[test]
fn a_scanner_may_end_its_text_with_a_line_end() {
    let bundle = bundle_folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_licence-verify"))
        .args(["check", "-", "--at", NOW, "--lang", "en", "--bundle"])
        .arg(bundle.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tool runs");
    let mut text = fs::read(example("qr/small.txt")).expect("the example");
    text.extend_from_slice(b"\r\n");
    child.stdin.take().expect("a pipe").write_all(&text).expect("written");
    let output = child.wait_with_output().expect("an end");
    assert_eq!(code_and_first_line(&output), (Some(0), "ACCEPT".to_owned()));
}

/// VERDICT.md, conformance: taking a piece of evidence away turns an accepting verdict into INDETERMINATE.
#[test]
fn without_any_one_piece_of_evidence_nothing_is_accepted() {
    for part in ["trust/root_1.cbor", "trust/timestamp.cbor", "trust/list.cbor", "catalogue.cbor", "status"] {
        let bundle = bundle_folder();
        let path = bundle.path().join(part);
        let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        removed.expect("the part was there");
        let output = check(&example("licence/small.cbor"), bundle.path(), NOW, &[]);
        assert_eq!(output.status.code(), Some(2), "without {part}");
    }
}

#[test]
fn wrong_usage_is_64_and_a_missing_file_74() {
    let bundle = bundle_folder();
    let usage = check(&example("licence/small.cbor"), bundle.path(), "yesterday", &[]);
    assert_eq!(usage.status.code(), Some(64));
    let missing = check(Path::new("/nonexistent/licence.elic"), bundle.path(), NOW, &[]);
    assert_eq!(missing.status.code(), Some(74));
    assert!(missing.stdout.is_empty(), "an operational fault is never a verdict");
}
