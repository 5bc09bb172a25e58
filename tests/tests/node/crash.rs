//! A node that is killed, told to stop, or finds the disk full: what was acknowledged is there, in the log, and verifiable.

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::harness::{Place, Running, licence, program, run, until};

/// Issues from eight threads until the node no longer answers; everything that was acknowledged.
fn load(city: &Running, token: &str, series: &str, acknowledged: &AtomicU64) -> Vec<Value> {
    let (issued, next, gone) = (Mutex::new(Vec::new()), AtomicU64::new(1), AtomicBool::new(false));
    let bearer = format!("Bearer {token}");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !gone.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let body = licence(&format!("示例{series}〔2026〕{number}号")).to_string();
                    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
                    match city.try_call("POST", "/v1/licences", &headers, Some(body.as_bytes())) {
                        Some(answer) if answer.status == 201 => {
                            issued.lock().expect("whole").push(answer.json());
                            acknowledged.fetch_add(1, Ordering::SeqCst);
                        }
                        _ => gone.store(true, Ordering::SeqCst),
                    }
                }
            });
        }
    });
    issued.into_inner().expect("whole")
}

/// Every acknowledged licence is stored, in the log under its index, and gets ACCEPT with its proof.
pub(crate) fn all_there(city: &Running, token: &str, issued: &[Value]) {
    let size: u64 = city.get("/log/checkpoint").1.lines().nth(1).unwrap_or_default().parse().expect("a size");
    let bearer = format!("Bearer {token}");
    for licence in issued {
        let id = licence["id"].as_str().expect("an id");
        let stored =
            city.call("GET", &format!("/v1/licences/{id}"), &[("authorization", bearer.as_str())], None);
        let stored = stored.with(200);
        assert_eq!(stored["digest"], licence["digest"]);
        assert_eq!(stored["log_index"], licence["log"]["index"]);
        assert!(licence["log"]["index"].as_u64().is_some_and(|index| index < size));
        let bytes = licence_file(licence);
        let verdict =
            city.post(token, "/v1/verifications", &json!({"credential": bytes, "receipt": false})).with(200);
        assert_eq!(verdict["verdict"]["outcome"], "ACCEPT", "{}", verdict["verdict"]["checks"]);
        let log = verdict["verdict"]["checks"]
            .as_array()
            .expect("checks")
            .iter()
            .find(|check| check["group"] == "LOG");
        assert_eq!(log.expect("a LOG check")["result"], "PASS", "the proof that was handed out is good");
    }
}

pub(crate) fn licence_file(licence: &Value) -> String {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let statement = engine.decode(licence["credential"].as_str().expect("a credential")).expect("base64url");
    let proof = licence["log"]["proof"].as_str().expect("a proof").as_bytes();
    engine.encode(
        licence_spec::cose::with_log_proof(&statement, licence_spec::numbers::MAX_LICENCE, proof)
            .expect("a file"),
    )
}

pub(crate) fn fsck(data: &str) -> Value {
    let output = run(["fsck", "--json", "--data", data]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(output.status.success(), "{report}");
    report
}

/// Invariant 1 of ARCHITECTURE.md: an acknowledged licence survives `kill -9` and is in the log.
#[test]
fn a_node_killed_under_load_has_lost_nothing_that_it_acknowledged() {
    let place = Place::new();
    let province = place.province();
    let mut all: Vec<Value> = Vec::new();
    let mut token = String::new();
    for series in ["甲", "乙", "丙"] {
        let city = place.city(&province);
        if token.is_empty() {
            token = city.token("desk", "*", "*", "*");
        }
        let acknowledged = AtomicU64::new(0);
        // Killed in the middle of the load, after at least 40 answers.
        let issued = std::thread::scope(|scope| {
            let loading = scope.spawn(|| load(&city, &token, series, &acknowledged));
            until("40 licences", || acknowledged.load(Ordering::SeqCst) >= 40);
            city.signal("KILL");
            loading.join().expect("no panic")
        });
        assert!(issued.len() >= 40);
        drop(city);
        let report = fsck(&place.path("city"));
        all.extend(issued);
        assert!(report["licences"].as_u64().is_some_and(|stored| stored >= all.len() as u64), "{report}");
        let city = place.city(&province);
        all_there(&city, &token, &all);
    }
}

/// A full disk: refused, told by /readyz, and nothing acknowledged is lost once there is room again.
#[test]
fn a_full_disk_refuses_new_licences_and_loses_none() {
    let place = Place::new();
    let province = place.province();
    place.point_city(&province);
    let data = place.path("city");
    // Files may not grow beyond 3 MiB: to the database that is a disk without room.
    let script = format!("trap '' XFSZ; ulimit -f 3072; exec {} serve --data {data}", program().display());
    let city = Running::start_by(Command::new("bash").args(["-c", &script]), &data);
    city.until_ready();
    let token = city.token("desk", "*", "*", "*");
    let (mut issued, mut number) = (Vec::new(), 0);
    until("the disk is full", || {
        for _ in 0..200 {
            number += 1;
            let answer = city.post(&token, "/v1/licences", &licence(&format!("示例〔2026〕{number}号")));
            if answer.status != 201 {
                assert_eq!(answer.with(503)["code"], "unavailable");
                return city.get("/readyz").1.contains("store not writable");
            }
            issued.push(answer.json());
        }
        false
    });
    assert!(issued.len() > 20, "{} licences before the disk was full", issued.len());
    // Verification needs no room.
    let good = json!({"credential": licence_file(&issued[0]), "receipt": false});
    assert_eq!(city.post(&token, "/v1/verifications", &good).with(200)["verdict"]["outcome"], "ACCEPT");
    city.kill();
    fsck(&data);
    let city = place.city(&province);
    all_there(&city, &token, &issued);
    city.post(&token, "/v1/licences", &licence("示例〔2026〕有空号")).with(201);
}

/// A node that is told to stop answers what it has taken, and ends well.
#[test]
fn a_node_told_to_stop_under_load_answers_what_it_has_taken() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let acknowledged = AtomicU64::new(0);
    let issued = std::thread::scope(|scope| {
        let loading = scope.spawn(|| load(&city, &token, "甲", &acknowledged));
        until("40 licences", || acknowledged.load(Ordering::SeqCst) >= 40);
        city.signal("TERM");
        loading.join().expect("no panic")
    });
    let (code, log) = city.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
    let report = fsck(&place.path("city"));
    assert_eq!(report["licences"], issued.len(), "what is stored was answered: {report}");
}
