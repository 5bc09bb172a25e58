//! Evidence never goes back: the memory of the newest seen, and `sync`.
#![allow(missing_docs)]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;

use common::{Counter, STATUS_LIST, answer, bundle_file, example, is, newest, older, text, write_parts};
use licence_spec::bundle;

fn with(path: &str, source: &'static str) -> Vec<(String, &'static str)> {
    let mut parts = newest();
    parts.iter_mut().filter(|(own, _)| own == path).for_each(|part| part.1 = source);
    parts
}

#[test]
fn a_trust_list_older_than_the_newest_seen_is_a_roll_back() {
    let counter = Counter::new();
    let small = example("licence/small.cbor");
    assert_eq!(answer(&counter.check(&small)), is(0, "有效 ACCEPT"));
    counter.fill(&older());
    let rolled_back = is(2, "无法确认 INDETERMINATE TRUST_LIST_ROLLBACK");
    assert_eq!(answer(&counter.check(&small)), rolled_back);
    assert_eq!(answer(&counter.check(&small)), rolled_back, "a refused bundle is not remembered");
    counter.fill(&newest());
    assert_eq!(answer(&counter.check(&small)), is(0, "有效 ACCEPT"));
}

#[test]
fn a_status_list_older_than_the_newest_seen_is_a_roll_back() {
    let counter = Counter::new();
    let small = example("licence/small.cbor");
    counter.fill(&with(&bundle::status_path(STATUS_LIST), "status/token_previous.cbor"));
    let before = counter.check(&small);
    assert_eq!(answer(&before), is(0, "有效 ACCEPT"), "the older list is good until a newer one is seen");
    counter.fill(&newest());
    assert_eq!(answer(&counter.check(&small)), is(0, "有效 ACCEPT"));
    counter.fill(&with(&bundle::status_path(STATUS_LIST), "status/token_previous.cbor"));
    let after = counter.check(&small);
    assert_eq!(after.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&after.stdout).contains("STATUS_ROLLBACK"));
}

#[test]
fn archives_are_judged_from_the_evidence_of_their_time() {
    let counter = Counter::new();
    assert_eq!(counter.check(&example("licence/small.cbor")).status.code(), Some(0));
    counter.fill(&with(&bundle::status_path(STATUS_LIST), "status/token_previous.cbor"));
    let output =
        counter.run(&["check", text(&example("licence/small_with_proof.cbor")), "--policy", "archive"]);
    assert_eq!(answer(&output), is(0, "有效 ACCEPT"), "{output:?}");
}

#[test]
fn a_memory_that_cannot_be_written_is_told_and_the_verdict_stands() {
    let counter = Counter::new();
    fs::write(counter.path("no-folder"), b"").expect("a file");
    let state = counter.path("no-folder/state");
    let output = counter.run(&["check", text(&example("licence/small.cbor")), "--state", text(&state)]);
    assert_eq!(answer(&output), is(0, "有效 ACCEPT"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not noted"));
}

#[test]
fn a_damaged_memory_is_an_error_and_no_verdict() {
    let counter = Counter::new();
    fs::write(counter.path("bundle.seen.json"), b"{").expect("a file");
    let output = counter.check(&example("licence/small.cbor"));
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(74), true));
}

#[test]
fn a_bundle_comes_by_file_and_a_second_time_changes_nothing() {
    let counter = Counter::empty();
    let file = counter.path("stick.elb");
    fs::write(&file, bundle_file(&newest())).expect("a file");
    let first = counter.run(&["sync", text(&file)]);
    assert_eq!(answer(&first), is(0, "已更新 UPDATED 6 项"), "{first:?}");
    assert_eq!(answer(&counter.run(&["sync", text(&file)])), is(0, "已是最新 CURRENT"));
    assert_eq!(answer(&counter.check(&example("licence/small.cbor"))), is(0, "有效 ACCEPT"));
    let left: Vec<PathBuf> = fs::read_dir(counter.path(""))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    // The stick, the bundle, the memory and its lock.
    assert_eq!(left.len(), 4, "nothing half written stays: {left:?}");
}

#[test]
fn an_older_bundle_is_refused_and_what_is_held_stays() {
    let counter = Counter::new();
    let folder = counter.path("stick");
    write_parts(&folder, &with(&bundle::status_path(STATUS_LIST), "status/token_previous.cbor"));
    assert_eq!(counter.check(&example("licence/small.cbor")).status.code(), Some(0));
    let output = counter.run(&["sync", text(&folder), "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let done: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(done["taken"], serde_json::json!([]));
    assert_eq!(done["refused"][0]["code"], "STATUS_ROLLBACK");
    assert_eq!(counter.check(&example("licence/small.cbor")).status.code(), Some(0));
}

/// A folder of evidence that was copied without its memory is still what must not go back.
#[test]
fn an_older_bundle_is_refused_without_a_memory_too() {
    for lost in [true, false] {
        let counter = Counter::new();
        let stick = counter.path("stick");
        if !lost {
            assert_eq!(counter.check(&example("licence/revoked.cbor")).status.code(), Some(1));
        }
        write_parts(&stick, &with(&bundle::status_path(STATUS_LIST), "status/token_previous.cbor"));
        let output = counter.run(&["sync", text(&stick)]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("STATUS_ROLLBACK"), "{output:?}");
        assert_eq!(output.status.code(), Some(2));
        write_parts(&stick, &older());
        let output = counter.run(&["sync", text(&stick)]);
        assert_eq!(
            answer(&output),
            is(2, "部分被拒 REFUSED 1 项，更新 0 项"),
            "its timestamp is under ended keys"
        );
        assert_eq!(answer(&counter.check(&example("licence/small.cbor"))), is(0, "有效 ACCEPT"));
        assert_eq!(counter.check(&example("licence/revoked.cbor")).status.code(), Some(1));
    }
}

#[test]
fn a_newer_root_leads_from_the_old_bundle_to_the_new_one() {
    let counter = Counter::empty();
    let (old, new) = (counter.path("old"), counter.path("new"));
    write_parts(&old, &older());
    write_parts(&new, &newest());
    let early = counter.run_at("2026-11-23T08:00:00+08:00", &["sync", text(&old)]);
    assert!(matches!(early.status.code(), Some(0 | 2)), "{early:?}");
    let late = counter.run(&["sync", text(&new)]);
    assert_eq!(late.status.code(), Some(0), "{late:?}");
    assert_eq!(answer(&counter.check(&example("licence/small.cbor"))), is(0, "有效 ACCEPT"));
    let back = counter.run(&["sync", text(&old)]);
    assert_eq!(back.status.code(), Some(2), "{back:?}");
    assert_eq!(answer(&counter.check(&example("licence/small.cbor"))), is(0, "有效 ACCEPT"));
}

#[test]
fn a_changed_byte_in_any_part_keeps_that_part_out() {
    for (path, _) in newest() {
        let (counter, stick) = (Counter::empty(), Counter::empty());
        write_parts(&stick.bundle(), &newest());
        let part = stick.bundle().join(&path);
        let mut bytes = fs::read(&part).expect("the part");
        *bytes.last_mut().expect("bytes") ^= 1;
        fs::write(&part, bytes).expect("a file");
        assert_eq!(counter.run(&["sync", text(&stick.bundle())]).status.code(), Some(2), "{path}");
        assert!(!counter.bundle().join(&path).exists(), "{path}");
    }
}

#[test]
fn a_folder_with_other_files_is_never_replaced() {
    let counter = Counter::empty();
    fs::create_dir_all(counter.bundle()).expect("a folder");
    fs::write(counter.bundle().join("letter.txt"), b"mine").expect("a file");
    let stick = counter.path("stick");
    write_parts(&stick, &newest());
    assert_eq!(counter.run(&["sync", text(&stick)]).status.code(), Some(74));
    assert_eq!(fs::read(counter.bundle().join("letter.txt")).expect("still there"), b"mine");
}

/// Answers one request with this status line and body.
fn serve_once(status: &'static str, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let mut request = [0; 4_096];
        let read = stream.read(&mut request).expect("a request");
        assert!(request[..read].starts_with(b"GET /v1/bundle HTTP/1.1\r\n"));
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).expect("an answer");
    });
    format!("http://{address}")
}

#[test]
fn a_bundle_comes_from_a_node_over_http() {
    let counter = Counter::empty();
    let address = serve_once("200 OK", bundle_file(&newest()));
    let output = counter.run(&["sync", &address]);
    assert_eq!(answer(&output), is(0, "已更新 UPDATED 6 项"), "{output:?}");
    assert_eq!(answer(&counter.check(&example("licence/small.cbor"))), is(0, "有效 ACCEPT"));
}

/// Schemes and hosts are the same in capitals; a proxy that the environment names is not asked.
#[test]
fn an_address_in_capitals_is_one_and_the_environment_names_no_proxy() {
    let counter = Counter::empty();
    let address = serve_once("200 OK", bundle_file(&newest())).replace("http", "HTTP");
    let bundle = counter.bundle();
    let mut command = counter.tool(&["sync", &address, "--at", common::NOW, "--bundle", text(&bundle)]);
    for variable in ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
        // Nobody listens there.
        command.env(variable, "http://127.0.0.1:1");
    }
    let output = command.arg("--root").arg(example("trust/root_1.cbor")).output().expect("the tool runs");
    assert_eq!(answer(&output), is(0, "已更新 UPDATED 6 项"), "{output:?}");
}

#[test]
fn a_node_that_answers_wrongly_changes_nothing() {
    for (status, body) in [
        ("500 Internal Server Error", b"".to_vec()),
        ("200 OK", b"<html>".to_vec()),
        ("302 Found", b"".to_vec()),
    ] {
        let counter = Counter::empty();
        let output = counter.run(&["sync", &serve_once(status, body)]);
        assert_eq!(output.status.code(), Some(74), "{status}: {output:?}");
        assert!(!counter.bundle().exists());
    }
}

#[test]
fn plain_http_to_another_machine_wants_a_word_of_consent() {
    let output = Counter::empty().run(&["sync", "http://node.example"]);
    assert_eq!(output.status.code(), Some(64));
}

#[test]
fn the_doctor_names_cause_and_remedy() {
    let counter = Counter::new();
    let well = counter.run(&["doctor", "--lang", "en"]);
    assert_eq!(answer(&well), is(0, "READY"), "{}", String::from_utf8_lossy(&well.stdout));
    let ended = counter.run_at("2026-12-23T18:00:00+08:00", &["doctor"]);
    assert_eq!(answer(&ended), is(2, "需要处理 NOT READY"));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("licence-verify sync"));
    let behind = counter.run_at("2026-11-20T00:00:00Z", &["doctor", "--lang", "en"]);
    assert!(String::from_utf8_lossy(&behind.stdout).contains("set this machine's clock"));
    assert_eq!(Counter::empty().run(&["doctor"]).status.code(), Some(2));
}
