//! Two runs at once: neither loses what the other has seen.
#![allow(missing_docs)]

mod common;

use std::fs::{self, File};
use std::process::{Child, Stdio};

use common::{Counter, NOW, STATUS_LIST, example, newest, text, write_parts};
use licence_spec::bundle;

/// Starts `sync` without waiting for it.
fn start(counter: &Counter, stick: &str) -> Child {
    counter
        .tool(&["sync", text(&counter.path(stick)), "--at", NOW, "--root"])
        .arg(example("trust/root_1.cbor"))
        .arg("--bundle")
        .arg(counter.bundle())
        .stdout(Stdio::null())
        .spawn()
        .expect("the tool runs")
}

/// A stick with all parts but one.
fn stick_without(counter: &Counter, name: &str, left_out: &str) {
    let parts: Vec<_> = newest().into_iter().filter(|(path, _)| path != left_out).collect();
    write_parts(&counter.path(name), &parts);
}

fn memory(counter: &Counter) -> serde_json::Value {
    serde_json::from_slice(&fs::read(counter.path("bundle.seen.json")).expect("the memory")).expect("JSON")
}

#[test]
fn two_syncs_at_once_keep_what_each_of_them_brought() {
    let token = bundle::status_path(STATUS_LIST);
    for _ in 0..8 {
        let counter = Counter::empty();
        stick_without(&counter, "tokens", bundle::CATALOGUE);
        stick_without(&counter, "catalogue", &token);
        // Both get as far as the lock before either may go on.
        let lock = File::create(counter.path("bundle.seen.json.lock")).expect("the lock");
        lock.lock().expect("locked");
        let mut running = [start(&counter, "tokens"), start(&counter, "catalogue")];
        lock.unlock().expect("unlocked");
        for child in &mut running {
            assert!(child.wait().expect("an end").success());
        }
        for part in [bundle::CATALOGUE, &token] {
            assert!(counter.bundle().join(part).exists(), "the bundle has lost {part}");
        }
        let seen = memory(&counter);
        assert!(seen["catalogue"].is_object() && seen["status"][STATUS_LIST].is_object(), "{seen}");
    }
}

/// What another run noted while this one waited counts: the memory is read under the lock, not before.
#[test]
fn what_was_noted_while_a_run_waited_is_neither_lost_nor_overruled() {
    let counter = Counter::new();
    assert!(counter.check(&example("licence/small.cbor")).status.success());
    let lock = File::options().append(true).open(counter.path("bundle.seen.json.lock")).expect("the lock");
    lock.lock().expect("locked");
    let stick = counter.path("stick");
    write_parts(&stick, &newest());
    let mut waiting = start(&counter, "stick");
    let mut seen = memory(&counter);
    seen["status"]["https://elsewhere.example/v1/status-lists/1"] =
        serde_json::json!({ "version": 1, "digest": "00".repeat(32) });
    fs::write(counter.path("bundle.seen.json"), seen.to_string()).expect("written");
    lock.unlock().expect("unlocked");
    assert!(waiting.wait().expect("an end").success());
    assert_eq!(memory(&counter), seen);
}
