//! Whole outputs as text: exit code, standard output and standard error of each verb, in files that a reviewer sees
//! change. What varies from run to run is named in [`shown`].
#![allow(missing_docs)]

mod common;

use std::fs;
use std::process::Output;

use common::{Counter, NOW, example, text};

/// The whole run as one text.
fn shown(counter: &Counter, output: &Output) -> String {
    let text_of = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .replace(text(&counter.path("")), "[FOLDER]/")
            .replace(text(&example("")), "[EXAMPLES]/")
            .replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
    };
    let code = output.status.code().map_or_else(|| "none".to_owned(), |code| code.to_string());
    format!(
        "exit: {code}\n----- stdout\n{}----- stderr\n{}",
        text_of(&output.stdout),
        text_of(&output.stderr)
    )
}

fn run(counter: &Counter, arguments: &[&str]) -> String {
    let output = counter.tool(arguments).env("COLUMNS", "100").output().expect("the tool runs");
    shown(counter, &output)
}

/// With the bundle of the examples, at their time.
fn run_at(at: &str, counter: &Counter, arguments: &[&str]) -> String {
    let (bundle, root) = (counter.bundle(), example("trust/root_1.cbor"));
    run(counter, &[arguments, &["--bundle", text(&bundle), "--root", text(&root), "--at", at]].concat())
}

#[test]
fn help_of_every_verb() {
    let counter = Counter::empty();
    let verbs: [&[&str]; 8] = [
        &["--help"],
        &["check", "--help"],
        &["sync", "--help"],
        &["pin", "--help"],
        &["show", "--help"],
        &["receipt", "--help"],
        &["doctor", "--help"],
        &["--version"],
    ];
    for arguments in verbs {
        let name = format!("help_{}", arguments[0].trim_start_matches('-'));
        insta::assert_snapshot!(name, run(&counter, arguments));
    }
}

#[test]
fn check_in_both_languages_and_forms() {
    let counter = Counter::new();
    let small = fs::read(example("licence/small.cbor")).expect("the example");
    let mut changed = small.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    fs::write(counter.path("changed.elic"), changed).expect("a file");
    fs::write(counter.path("empty.elic"), b"").expect("a file");
    fs::write(counter.path("good.elic"), small).expect("a file");
    for name in ["revoked", "suspended", "superseded"] {
        fs::copy(example(&format!("licence/{name}.cbor")), counter.path(&format!("{name}.elic")))
            .expect("a copy");
    }
    fs::copy(example("qr/reference.txt"), counter.path("reference.elic")).expect("a copy");
    let after_the_timestamp = "2026-12-23T18:00:00+08:00";
    for (name, licence, at) in [
        ("good", "good", NOW),
        ("changed", "changed", NOW),
        ("expired_timestamp", "good", after_the_timestamp),
        ("empty", "empty", NOW),
        ("revoked", "revoked", NOW),
        ("suspended", "suspended", NOW),
        ("superseded", "superseded", NOW),
        ("reference", "reference", NOW),
    ] {
        let file = counter.path(&format!("{licence}.elic"));
        for (form, more) in
            [("zh", &["--lang", "zh-CN"][..]), ("en", &["--lang", "en"]), ("json", &["--format", "json"])]
        {
            let arguments = [&["check", text(&file)], more].concat();
            insta::assert_snapshot!(format!("check_{name}_{form}"), run_at(at, &counter, &arguments));
        }
    }
}

#[test]
fn show_receipt_doctor_and_sync() {
    let counter = Counter::new();
    let bundle = counter.bundle();
    let receipt = example("receipt/receipt_accept.cbor");
    let view = example("view/view.cbor");
    for (form, more) in
        [("zh", &["--lang", "zh-CN"][..]), ("en", &["--lang", "en"]), ("json", &["--format", "json"])]
    {
        for (name, file) in [("view", &view), ("receipt", &receipt)] {
            let root = example("trust/root_1.cbor");
            let place = ["show", text(file), "--bundle", text(&bundle), "--root", text(&root)];
            let arguments = [&place, more].concat();
            insta::assert_snapshot!(format!("show_{name}_{form}"), run(&counter, &arguments));
        }
        let at = |verb: &[&str]| run_at(NOW, &counter, &[verb, more].concat());
        insta::assert_snapshot!(format!("receipt_{form}"), at(&["receipt", text(&receipt)]));
        insta::assert_snapshot!(format!("doctor_{form}"), at(&["doctor"]));
        insta::assert_snapshot!(format!("sync_current_{form}"), at(&["sync", text(&bundle)]));
        let late = run_at("2026-12-23T18:00:00+08:00", &counter, &[&["doctor"], more].concat());
        insta::assert_snapshot!(format!("doctor_late_{form}"), late);
    }
}

#[test]
fn wrong_usage_and_what_is_missing() {
    let counter = Counter::new();
    let small = example("licence/small.cbor");
    let small = text(&small);
    let cases: [(&str, &[&str]); 6] = [
        ("usage_no_verb", &[]),
        ("usage_unknown_verb", &["verify"]),
        ("usage_no_file", &["check"]),
        ("usage_unknown_option", &["check", small, "--colour"]),
        ("usage_unknown_language", &["check", small, "--lang", "fr"]),
        ("usage_plain_http", &["sync", "http://node.example"]),
    ];
    for (name, arguments) in cases {
        insta::assert_snapshot!(name, run(&counter, arguments));
    }
    insta::assert_snapshot!("usage_time", run_at("yesterday", &counter, &["check", small]));
    insta::assert_snapshot!("usage_policy", run_at(NOW, &counter, &["check", small, "--policy", "lenient"]));
    let missing = counter.path("missing.elic");
    insta::assert_snapshot!("missing_file", run_at(NOW, &counter, &["check", text(&missing)]));
    let empty = Counter::empty();
    insta::assert_snapshot!("missing_bundle", run_at(NOW, &empty, &["check", small]));
    insta::assert_snapshot!("missing_bundle_doctor", run_at(NOW, &empty, &["doctor"]));
}
