//! `check` as a clerk runs it, on the generated examples of the standard.
#![allow(missing_docs)]

mod common;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use common::{Counter, NOW, answer, example, is, text};

#[test]
fn the_exit_code_and_the_first_line_are_the_answer() {
    let counter = Counter::new();
    let mut changed = fs::read(example("licence/small.cbor")).expect("the example");
    *changed.last_mut().expect("bytes") ^= 1;
    fs::write(counter.path("changed"), changed).expect("a file");
    fs::write(counter.path("empty"), b"").expect("a file");
    let past_the_timestamp = "2026-12-23T18:00:00+08:00";
    let cases = [
        (example("licence/small.cbor"), NOW, 0, "有效 ACCEPT"),
        (counter.path("changed"), NOW, 1, "无效 REJECT SIGNATURE_INVALID"),
        (example("licence/revoked.cbor"), NOW, 1, "无效 REJECT REVOKED"),
        (example("licence/suspended.cbor"), NOW, 1, "无效 REJECT SUSPENDED"),
        (example("licence/superseded.cbor"), NOW, 1, "无效 REJECT SUPERSEDED"),
        (example("licence/small.cbor"), past_the_timestamp, 2, "无法确认 INDETERMINATE TRUST_LIST_EXPIRED"),
        (counter.path("empty"), NOW, 3, "未识别 NO_CREDENTIAL UNREADABLE"),
    ];
    for (presented, at, code, line) in cases {
        let output = counter.run_at(at, &["check", text(&presented)]);
        let (got, first) = answer(&output);
        // After a status, line one goes on with the act that the issuer knows; all others end with the code.
        let rest = first.strip_prefix(line).filter(|rest| rest.is_empty() || rest.starts_with(' '));
        assert_eq!((got, rest.is_some()), (Some(code), true), "{}: {first}", presented.display());
    }
}

/// Setting the clock back must not make an ended licence valid.
#[test]
fn a_clock_behind_the_newest_signed_time_is_not_trusted() {
    let counter = Counter::new();
    // One hour back: the licence is in force, the timestamp is from the future.
    let output =
        counter.run_at("2026-11-23T16:30:00+08:00", &["check", text(&example("licence/small.cbor"))]);
    assert_eq!(answer(&output), is(2, "无法确认 INDETERMINATE CLOCK_UNTRUSTED"));
    let output = counter.run_at("2026-11-20T00:00:00Z", &["check", text(&example("licence/small.cbor"))]);
    assert_eq!(output.status.code(), Some(1), "the licence is not valid yet, which is proof");
    assert!(String::from_utf8_lossy(&output.stdout).contains("CLOCK_UNTRUSTED"));
}

/// Every form of one licence gives the same verdict: bytes, text of a code, picture of a code.
#[test]
fn file_text_and_picture_of_one_licence_give_the_same_verdict() {
    let counter = Counter::new();
    let json = |path: &str| {
        let output = counter.run(&["check", text(&example(path)), "--format", "json"]);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    };
    let file = json("licence/small.cbor");
    assert_eq!((&file["outcome"], &file["warnings"][0]), (&"ACCEPT".into(), &"OFFLINE".into()));
    assert_eq!(json("qr/small.txt"), file);
    assert_eq!(json("qr/small.png"), file);
}

fn check_standard_input(counter: &Counter, bytes: &[u8]) -> Output {
    let mut child = counter
        .tool(&["check", "-", "--at", NOW, "--lang", "en", "--root"])
        .arg(example("trust/root_1.cbor"))
        .arg("--bundle")
        .arg(counter.bundle())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tool runs");
    child.stdin.take().expect("a pipe").write_all(bytes).expect("written");
    child.wait_with_output().expect("an end")
}

/// What scanners and editors put around a text is transport (spec/qr.md §3); what stands inside it is not.
#[test]
fn what_a_scanner_puts_around_a_text_does_not_count() {
    let counter = Counter::new();
    let text = fs::read(example("qr/small.txt")).expect("the example");
    let around = [
        ("", ""),
        ("", "\n"),
        ("", "\r\n"),
        ("", "\r"),
        ("", "\n\n"),
        ("", "\t"),
        ("\n", ""),
        ("\t", "\t"),
        ("\u{feff}", "\r\n"),
        ("]Q1", "\r"),
        ("\u{feff}]Q3", ""),
    ];
    for (before, after) in around {
        let output = check_standard_input(&counter, &[before.as_bytes(), &text, after.as_bytes()].concat());
        assert_eq!(output.status.code(), Some(0), "{before:?} {after:?}");
    }
    let (front, back) = text.split_at(100);
    for inside in ["\n", "\t", "\u{feff}"] {
        let output = check_standard_input(&counter, &[front, inside.as_bytes(), back].concat());
        assert_eq!(output.status.code(), Some(3), "{inside:?}");
    }
}

#[test]
fn a_reference_is_not_asked_offline_and_the_reason_is_told() {
    let counter = Counter::new();
    for form in ["qr/reference.txt", "qr/reference.png"] {
        let output = counter.check(&example(form));
        assert_eq!(answer(&output), is(2, "无法确认 INDETERMINATE NOT_ASKED"), "{form}");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(told.contains("证照在 gz.elic.example") && told.contains(".elic"), "{form}: {told}");
        assert!(!told.contains("查无"), "{form}: nobody was asked: {told}");
    }
}

/// spec/verdict.md, conformance: taking a piece of evidence away turns an accepting verdict into INDETERMINATE.
#[test]
fn without_any_one_piece_of_evidence_nothing_is_accepted() {
    for part in
        ["trust/root_1.cbor", "trust/timestamp.cbor", "trust/list.cbor", "catalogue.cbor", "status", ""]
    {
        let counter = Counter::new();
        let path = counter.bundle().join(part);
        let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        removed.expect("the part was there");
        let output = counter.check(&example("licence/small.cbor"));
        assert_eq!(output.status.code(), Some(2), "without {part}");
    }
}

#[test]
fn wrong_usage_is_64_and_a_missing_file_74() {
    let counter = Counter::new();
    let small = example("licence/small.cbor");
    assert_eq!(counter.run_at("yesterday", &["check", text(&small)]).status.code(), Some(64));
    assert_eq!(counter.run(&["check", text(&small), "--policy", "lenient"]).status.code(), Some(64));
    assert_eq!(counter.run(&["check"]).status.code(), Some(64));
    for path in [Path::new("/nonexistent/licence.elic"), &counter.bundle()] {
        let output = counter.check(path);
        assert_eq!(output.status.code(), Some(74), "{}", path.display());
        assert!(output.stdout.is_empty(), "an operational fault is never a verdict");
    }
}
