//! `restore`: a city whose disk is lost comes back from an old backup, and what it signed since from the province's mirror.

use std::fs;

use licence_node::node::encoding::{base64url, from_base64url};
use serde_json::{Value, json};

use crate::attacks::unlogged::forge;
use crate::crash::fsck;
use crate::federation::{Pair, mirrored, size};
use crate::harness::{Running, licence, private, refused, run, succeed, until};
use crate::trips::{outcome, reason};

fn number(of: u32) -> String {
    format!("示例〔2026〕{of}号")
}

fn issue(city: &Running, token: &str, of: u32) -> Value {
    city.post(token, "/v1/licences", &licence(&number(of))).with(201)
}

fn revoke(city: &Running, token: &str, licence: &Value) {
    let path = format!("/v1/licences/{}/status-changes", licence["id"].as_str().expect("an id"));
    city.post(token, &path, &json!({"act": "revoke", "reason": reason()})).with(201);
}

/// Outcome and first code of a verification of the licence itself.
fn judged(city: &Running, token: &str, licence: &Value) -> (String, String) {
    let answer = city.post(
        token,
        "/v1/verifications",
        &json!({"credential": licence["credential"], "receipt": false}),
    );
    outcome(&answer.with(200))
}

/// All of the log, and the index of it.
fn until_gathered(province: &Running, city: &Running) {
    until("mirrored and gathered", || {
        let told = province.metric("index_leaves{origin=\"gz.elic.example/log\"}");
        mirrored(province) == size(city) && told as u64 == size(city)
    });
}

/// Runs `restore --resume` until the clock stands behind the last second in which the node has signed; what it printed.
fn resume(data: &str) -> String {
    let mut said = String::new();
    until("caught up", || {
        let output = run(["restore", "--resume", "--data", data]);
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.success() || errors.contains("clock is behind"), "{errors}");
        said = String::from_utf8(output.stdout).expect("UTF-8") + &errors;
        output.status.success()
    });
    said
}

/// The disk is lost, the backup unpacked in its place: not a node that serves.
fn put_back(data: &str, file: &str, words: &str) {
    let passphrase = fs::read_to_string(format!("{data}/passphrase")).expect("a passphrase");
    fs::remove_dir_all(data).expect("lost");
    succeed(&["restore", file, "--check", "--passphrase-file", words]);
    let said = succeed(&["restore", file, "--to", data, "--passphrase-file", words]);
    assert!(said.contains("restore --resume"), "{said}");
    private(&format!("{data}/passphrase"), &passphrase);
    let (code, text) = refused(&["serve", "--data", data]);
    assert!(code != 0 && text.contains("restore --resume --data"), "{code} {text}");
    let (_, text) = refused(&["restore", "--resume", "--data", data, "--no-mirror", "gz.elic.example/log"]);
    assert!(text.contains("not that it has no mirror"), "{text}");
}

/// What was issued after the backup is known though its bytes are lost: not given out again, and it can be revoked.
fn is_known_without_its_bytes(city: &Running, token: &str, lost: &Value, number_of: u32) {
    assert_eq!(judged(city, token, lost).0, "ACCEPT");
    let id = lost["id"].as_str().expect("an id");
    let asked = city.post(token, "/v1/verifications", &json!({"id": id, "receipt": false})).with(410);
    assert_eq!(asked["code"], "bytes-lost");
    let bearer = format!("Bearer {token}");
    let kept = city.call("GET", &format!("/v1/licences/{id}"), &[("authorization", &bearer)], None);
    assert_eq!(kept.status, 410);
    city.post(token, "/v1/licences", &licence(&number(number_of))).with(409);
    revoke(city, token, lost);
    until("revoked after the restore", || judged(city, token, lost).1 == "REVOKED");
}

#[test]
fn a_city_that_lost_its_disk_comes_back_with_every_revocation_and_one_log() {
    let pair = Pair::new();
    let (province, city) = (pair.start("province"), pair.start("city"));
    city.until_ready();
    let token = city.token("desk", "*", "*", "*");
    let (data, file, words) = (pair.place.path("city"), pair.place.path("old"), pair.place.path("words"));
    private(&words, "words of the backup\n");
    let early: Vec<Value> = (1..=5).map(|of| issue(&city, &token, of)).collect();
    until_gathered(&province, &city);
    succeed(&["backup", "--data", &data, "--to", &file, "--passphrase-file", &words]);
    let late: Vec<Value> = (6..=20).map(|of| issue(&city, &token, of)).collect();
    let ended = [&early[0], &late[0]];
    ended.iter().for_each(|gone| revoke(&city, &token, gone));
    // A licence that a thief signed beside the log is ended without a row of it, and stays so.
    let genuine = from_base64url(early[1]["credential"].as_str().expect("bytes")).expect("base64url");
    let forged = json!({"credential": base64url(&forge(&data, &genuine, 1, crate::harness::clock()))});
    let (beside, ground) = (pair.place.path("beside.elic"), reason());
    fs::write(&beside, from_base64url(forged["credential"].as_str().expect("bytes")).expect("base64url"))
        .expect("a file");
    let text = |name: &str| ground[name].as_str().expect("a text").to_owned();
    let texts = ["legal_basis", "document_number", "officer"].map(text);
    let words_of = ["--legal-basis", &texts[0], "--document-number", &texts[1], "--officer", &texts[2]];
    succeed(&[["status", "end", "--data", &data, &beside].as_slice(), &words_of].concat());
    assert_eq!(judged(&city, &token, &forged).1, "REVOKED");
    until("revoked", || ended.iter().all(|gone| judged(&city, &token, gone).1 == "REVOKED"));
    until_gathered(&province, &city);
    city.stop();
    put_back(&data, &file, &words);
    let before = mirrored(&province);
    let said = resume(&data);
    assert!(said.contains("licences 15") && said.contains("status changes 3"), "{said}");
    assert!(said.contains("Good now: desk"), "{said}");
    assert_eq!(fsck(&data)["faults"], 0);
    let city = pair.start("city");
    city.until_ready();
    assert!(size(&city) >= before, "the log does not shrink");
    for gone in ended.into_iter().chain([&forged]) {
        assert_eq!(judged(&city, &token, gone), ("REJECT".to_owned(), "REVOKED".to_owned()));
    }
    is_known_without_its_bytes(&city, &token, &late[1], 7);
    let fresh = issue(&city, &token, 21);
    let same = |own: &&Value| own["id"] == fresh["id"] || own["status"] == fresh["status"];
    assert_eq!(early.iter().chain(&late).find(same), None, "given out twice");
    // One log: the province follows it on, and cosigns it.
    until_gathered(&province, &city);
    until("cosigned", || city.get("/log/checkpoint").1.contains("— gd.elic.example/w1 "));
    assert_eq!(province.metric("log_fork_cases"), 0.0);
    city.stop();
    assert_eq!(fsck(&data)["faults"], 0);
}

#[test]
fn what_cannot_be_restored_is_refused_and_leaves_nothing() {
    let pair = Pair::new();
    let (data, file, words) = (pair.place.path("city"), pair.place.path("old"), pair.place.path("words"));
    private(&words, "words of the backup\n");
    succeed(&["backup", "--data", &data, "--to", &file, "--passphrase-file", &words]);
    // A directory that holds something.
    let (code, text) = refused(&["restore", &file, "--to", &data, "--passphrase-file", &words]);
    assert!(code == 74 && text.contains("not an empty directory"), "{code} {text}");
    // Another passphrase, and a file that was cut off.
    let (other, to) = (pair.place.path("other"), pair.place.path("new"));
    private(&other, "other words\n");
    assert_eq!(refused(&["restore", &file, "--to", &to, "--passphrase-file", &other]).0, 74);
    let bytes = fs::read(&file).expect("a backup");
    fs::write(&file, &bytes[..bytes.len() - 100]).expect("a file");
    assert_eq!(refused(&["restore", &file, "--to", &to, "--passphrase-file", &words]).0, 74);
    let left =
        fs::read_dir(pair.place.path("")).expect("a folder").map(|entry| entry.expect("a name").file_name());
    let left: Vec<String> = left.map(|name| name.to_string_lossy().into_owned()).collect();
    assert!(!left.iter().any(|name| name.contains("new")), "{left:?}");
}
