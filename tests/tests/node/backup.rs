//! `backup` beside a running node: what is in the file, what is never in it, and what a failure leaves behind.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use licence_node::upkeep::backup::sealed::Opening;
use licence_node::upkeep::backup::{Manifest, check};

use crate::crash::fsck;
use crate::harness::{Place, Running, licence, private, program, refused, succeed, until};

const WORDS: &str = "words of the backup";

/// Issues one licence after the other until told to stop; `done` counts what was acknowledged.
fn issue(city: &Running, token: &str, done: &AtomicU64, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) {
        let number = done.load(Ordering::SeqCst) + 1;
        city.post(token, "/v1/licences", &licence(&format!("示例〔2026〕{number}号"))).with(201);
        done.fetch_add(1, Ordering::SeqCst);
    }
}

fn manifest(file: &str, passphrase: &str) -> Manifest {
    check(File::open(file).expect("a file"), passphrase).expect("a good backup")
}

/// Unpacks a backup with a stock reader of archives.
fn unpack(file: &str, passphrase: &str, to: &str) {
    let opening = Opening::begin(File::open(file).expect("a file"), passphrase).expect("opens");
    tar::Archive::new(opening).unpack(to).expect("an archive");
}

/// The bytes of a backup, in which nothing can be read.
fn nothing_readable(file: &str) -> Vec<u8> {
    let bytes = fs::read(file).expect("a file");
    for text in ["SQLite format", "manifest", "BEGIN ENCRYPTED", "gz.elic.example", "440100"] {
        assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
    bytes
}

fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("a name").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_backup_beside_a_node_that_issues_is_one_sound_moment_of_it() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let (words, file, data) = (place.path("words"), place.path("kept.backup"), place.path("city"));
    private(&words, &format!("{WORDS}\n"));
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let (before, after) = std::thread::scope(|scope| {
        let issuing = scope.spawn(|| issue(&city, &token, &done, &stop));
        until("20 licences", || done.load(Ordering::SeqCst) >= 20);
        let before = done.load(Ordering::SeqCst);
        succeed(&["backup", "--data", &data, "--to", &file, "--passphrase-file", &words]);
        let after = done.load(Ordering::SeqCst);
        until("the node goes on", || done.load(Ordering::SeqCst) > after);
        stop.store(true, Ordering::SeqCst);
        issuing.join().expect("no panic");
        (before, after)
    });
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let manifest = manifest(&file, WORDS);
    assert_eq!((manifest.role.as_str(), manifest.region.as_str()), ("city", "440100"));
    assert_eq!(manifest.origin, "gz.elic.example/log");
    // What was unpacked is a node's data that `fsck` finds sound, with all that was acknowledged before the backup began.
    let unpacked = place.path("unpacked");
    unpack(&file, WORDS, &unpacked);
    assert_eq!(names(&unpacked), ["config.toml", "keys", "manifest.json", "registry.sqlite3"]);
    assert_eq!(names(&format!("{unpacked}/keys")), names(&format!("{data}/keys")));
    let report = fsck(&unpacked);
    let licences = report["licences"].as_u64().expect("a number");
    assert!((before..=after + 1).contains(&licences), "{before} ≤ {licences} ≤ {after} + 1");
    assert_eq!(report["leaves"], manifest.log_size);
    // Nothing is left in the data directory, and nothing readable is in the file.
    assert!(!names(&data).iter().any(|name| name.starts_with("backup.unfinished")), "{:?}", names(&data));
    let bytes = nothing_readable(&file);
    // A second one does not take the place of the first.
    let (code, text) = refused(&["backup", "--data", &data, "--to", &file, "--passphrase-file", &words]);
    assert!(code == 74 && text.contains("is not overwritten"), "{code} {text}");
    assert_eq!(fs::read(&file).expect("a file"), bytes);
}

#[test]
fn a_stopped_node_is_backed_up_under_the_passphrase_of_its_keys() {
    let place = Place::new();
    let (data, file) = (place.path("province"), place.path("kept.backup"));
    let said = succeed(&["backup", "--data", &data, "--to", &file]);
    assert!(said.contains("gd.elic.example/log"), "{said}");
    let own = fs::read_to_string(format!("{data}/passphrase")).expect("a passphrase");
    let manifest = manifest(&file, own.trim_end());
    assert_eq!(manifest.role, "province");
    assert!(manifest.files.iter().all(|part| !part.name.contains("passphrase")), "{manifest:?}");
    assert!(check(File::open(&file).expect("a file"), WORDS).is_err(), "another passphrase opens nothing");
    drop(place.province());
}

#[test]
fn what_cannot_be_backed_up_is_refused_and_leaves_nothing() {
    let place = Place::new();
    let (data, file) = (place.path("city"), place.path("kept.backup"));
    let before = names(&place.path(""));
    let nothing = |what: &str| {
        assert_eq!(names(&place.path("")), before, "{what}");
        assert!(!names(&data).iter().any(|name| name.starts_with("backup.unfinished")), "{what}");
    };
    // Files may not grow beyond so many KiB: to the backup that is a disk without room. The sealed file is longer than the copy.
    let database = fs::metadata(format!("{data}/registry.sqlite3")).expect("a database").len();
    for (blocks, what) in
        [(64, "no room for the copy"), (database.div_ceil(1_024), "none for the sealed file")]
    {
        let script = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec {} backup --data {data} --to {file}",
            program().display()
        );
        let output = Command::new("bash").args(["-c", &script]).output().expect("bash");
        assert_eq!(output.status.code(), Some(74), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        nothing(what);
    }
    let to_no_folder = place.path("nowhere/kept.backup");
    assert_eq!(refused(&["backup", "--data", &data, "--to", &to_no_folder]).0, 74);
    nothing("a folder that is not there");
    // A passphrase that does not open the keys is told now.
    fs::write(format!("{data}/passphrase"), "another").expect("a file");
    let (code, text) = refused(&["backup", "--data", &data, "--to", &file]);
    assert_eq!(code, 74, "{text}");
    nothing("the wrong passphrase");
    let config = format!("{data}/config.toml");
    let text = fs::read_to_string(&config).expect("a file");
    let moved = format!("{text}\n[store]\nurl = \"postgres://node@127.0.0.1/node\"\n");
    fs::write(&config, moved).expect("a file");
    let (code, text) = refused(&["backup", "--data", &data, "--to", &file]);
    assert!(code == 74 && text.contains("pg_dump"), "{code} {text}");
    nothing("PostgreSQL");
}
