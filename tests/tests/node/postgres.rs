//! A node on PostgreSQL: the trips, several processes on one database, a database that goes away, one that is newer, and the way there
//! from SQLite. The server is a real one, started for these tests.

#[path = "../../../registry/store-postgres/tests/cluster/mod.rs"]
mod cluster;

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::crash::{all_there, fsck, licence_file};
use crate::harness::{Place, Running, licence, private, refused, run, succeed, until, within};
use crate::index::{node_key, signed};
use crate::trips::{acts, outcome, reason, receipts, versions};
pub(crate) use cluster::{Cluster, name_of};

/// A province, and 广州 with its data in a database.
pub(crate) fn place_on(url: &str) -> Place {
    let place = Place::new();
    let data = place.path("city");
    succeed(&["store", "copy", "--data", &data, "--to", url]);
    move_to(&data, url);
    place
}

/// What an operator does after `store copy`: writes the database into the configuration, and moves the file away.
fn move_to(data: &str, url: &str) {
    let config = format!("{data}/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}\n[store]\nurl = \"{url}\"\n")).unwrap();
    let file = format!("{data}/registry.sqlite3");
    fs::rename(&file, format!("{file}.old")).unwrap();
}

/// The data directory of another process of the city: its configuration and its keys, as an operator copies them.
fn beside(place: &Place, name: &str) -> String {
    let (from, to) = (place.path("city"), place.path(name));
    fs::create_dir_all(format!("{to}/keys")).unwrap();
    for file in ["config.toml", "passphrase"] {
        fs::copy(format!("{from}/{file}"), format!("{to}/{file}")).unwrap();
    }
    for key in fs::read_dir(format!("{from}/keys")).unwrap() {
        let key = key.unwrap();
        fs::copy(key.path(), format!("{to}/keys/{}", key.file_name().to_str().unwrap())).unwrap();
    }
    to
}

fn start(data: &str) -> Running {
    let node = Running::start(data);
    node.until_ready();
    node
}

fn size(node: &Running) -> u64 {
    node.get("/log/checkpoint").1.lines().nth(1).unwrap_or_default().parse().expect("a size")
}

/// Issues from four threads until `enough` or the node no longer answers 201; all that was acknowledged.
fn issue_on(
    node: &Running,
    token: &str,
    series: &str,
    acknowledged: &AtomicU64,
    enough: &AtomicBool,
) -> Vec<Value> {
    let (issued, next) = (Mutex::new(Vec::new()), AtomicU64::new(1));
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !enough.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let body = licence(&format!("示例{series}〔2026〕{number}号")).to_string();
                    match node.try_call("POST", "/v1/licences", &headers, Some(body.as_bytes())) {
                        Some(answer) if answer.status == 201 => {
                            issued.lock().expect("whole").push(answer.json());
                            acknowledged.fetch_add(1, Ordering::SeqCst);
                        }
                        _ => return,
                    }
                }
            });
        }
    });
    issued.into_inner().expect("whole")
}

/// Ends the load when it is dropped: also when a test fails, or its threads would go on for ever.
struct Enough<'a>(&'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What the database itself says: how many licences, and nothing given out twice.
fn nothing_twice(cluster: &Cluster, url: &str, at_least: usize) {
    let counts = "SELECT count(*), count(DISTINCT (status_list, status_index)), count(DISTINCT log_index), count(DISTINCT id) FROM licences";
    let counts = cluster.sql(name_of(url), counts);
    let counts: Vec<usize> = counts.split('|').map(|count| count.parse().expect("a number")).collect();
    assert!(counts[0] >= at_least, "{} licences, {at_least} acknowledged", counts[0]);
    assert!(counts.iter().all(|count| *count == counts[0]), "something was given out twice: {counts:?}");
    let log =
        "SELECT count(*), count(DISTINCT idx), max(idx) + 1, (SELECT size FROM log_head) FROM log_leaves";
    let log = cluster.sql(name_of(url), log);
    assert!(
        log.split('|').all(|count| Some(count) == log.split('|').next()),
        "the log has gaps or doubles: {log}"
    );
}

#[test]
fn the_trips_on_postgresql_and_the_database_is_sound() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let place = place_on(&url);
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    acts(&city, &token, issued["id"].as_str().unwrap(), &issued["credential"]);
    versions(&city, &token, &issued);
    receipts(&city, &token, &issued["credential"]);
    // One moment of a running node can be checked; its directory belongs to one process.
    assert_eq!(fsck(&place.path("city"))["licences"], 3);
    let (code, told) = refused(&["serve", "--data", &place.path("city")]);
    assert!(code == 74 && told.contains("in use by another process"), "{code} {told}");
    let known = succeed(&["migrate", "--data", &place.path("city")]);
    assert!(known.contains("already"), "{known}");
    let (code, log) = city.stop();
    assert_eq!(code, Some(0), "{log}");
}

/// Invariant 1 of ARCHITECTURE.md for two processes: what one acknowledged before it was killed is there, and the other goes on.
#[test]
fn of_two_processes_under_load_one_is_killed_and_nothing_is_lost_or_given_out_twice() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let place = place_on(&url);
    let province = place.province();
    let first = place.city(&province);
    let second = start(&beside(&place, "city-2"));
    let token = first.token("desk", "*", "*", "*");
    let bearer = format!("Bearer {token}");
    until("the other process knows the client", || {
        second.call("GET", "/v1/licences/none", &[("authorization", bearer.as_str())], None).status == 404
    });
    let (on_first, on_second, enough) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let (mut issued, others) = std::thread::scope(|scope| {
        let end = Enough(&enough);
        let loading = scope.spawn(|| issue_on(&first, &token, "甲", &on_first, &enough));
        let beside = scope.spawn(|| issue_on(&second, &token, "乙", &on_second, &enough));
        let mut seen = 0;
        until("40 licences on each", || {
            // Whoever follows the log may ask now one, now the other: what shrinks is a fork to him.
            for node in [&first, &second] {
                let shown = size(node);
                assert!(shown >= seen, "the log shrank from {seen} to {shown}");
                seen = shown;
            }
            on_first.load(Ordering::SeqCst) >= 40 && on_second.load(Ordering::SeqCst) >= 40
        });
        first.signal("KILL");
        let killed_at = on_second.load(Ordering::SeqCst);
        within(Duration::from_secs(10), "the other goes on", || {
            on_second.load(Ordering::SeqCst) >= killed_at + 40
        });
        drop(end);
        (loading.join().expect("no panic"), beside.join().expect("no panic"))
    });
    drop(first);
    issued.extend(others);
    // The jobs of the one that is gone are done by the other.
    let ended = issued.pop().expect("a licence");
    let path = format!("/v1/licences/{}/status-changes", ended["id"].as_str().unwrap());
    second.post(&token, &path, &json!({"act": "revoke", "reason": reason()})).with(201);
    until("the other publishes status lists", || {
        let question = json!({"credential": licence_file(&ended), "receipt": false});
        outcome(&second.post(&token, "/v1/verifications", &question).with(200)).1 == "REVOKED"
    });
    // Started again, it is of use within 10 s.
    let first = Running::start(&place.path("city"));
    within(Duration::from_secs(10), "resumes", || {
        first.get("/readyz").0 == 200
            && first
                .try_call(
                    "POST",
                    "/v1/licences",
                    &[("authorization", bearer.as_str()), ("content-type", "application/json")],
                    Some(licence("示例丙〔2026〕1号").to_string().as_bytes()),
                )
                .is_some_and(|answer| [201, 409].contains(&answer.status))
    });
    for node in [&first, &second] {
        all_there(node, &token, &issued);
    }
    nothing_twice(cluster, &url, issued.len() + 2);
    let report = fsck(&place.path("city"));
    assert!(report["licences"].as_u64().is_some_and(|stored| stored > issued.len() as u64), "{report}");
}

/// What one process writes, the other acts on: clients, status, repeated requests.
#[test]
fn what_one_process_decides_holds_in_the_other() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let place = place_on(&url);
    let province = place.province();
    let first = place.city(&province);
    let second = start(&beside(&place, "city-2"));
    let token = first.token("desk", "*", "*", "*");
    let bearer = format!("Bearer {token}");
    let known =
        || second.call("GET", "/v1/licences/none", &[("authorization", bearer.as_str())], None).status;
    until("a client that was added", || known() == 404);

    // One key at both at once, many times: one licence each, and never two different answers.
    let before = size(&first);
    for case in 0..20 {
        let key = format!("\"case-{case}\"");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key.as_str()),
        ];
        let body = licence(&format!("示例〔2026〕{case}号")).to_string();
        let send = |node: &Running| node.call("POST", "/v1/licences", &headers, Some(body.as_bytes()));
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(|| send(&second));
            (send(&first), other.join().expect("no panic"))
        });
        assert_eq!((one.status, other.status), (201, 201), "case {case}: {} {}", one.json(), other.json());
        assert_eq!(one.body, other.body, "byte for byte");
    }
    let licences = cluster.sql(name_of(&url), "SELECT count(*) FROM licences");
    assert_eq!(licences, "20");
    assert!(size(&second) >= before + 20);

    let issued = first.post(&token, "/v1/licences", &licence("示例〔2026〕停用号")).with(201);
    let case = json!({"credential": licence_file(&issued), "service_item": "GZ-TH-0101", "case_number": "2026-示例-0001"});
    one_receipt([&first, &second], &bearer, &case.to_string());
    let id = issued["id"].as_str().unwrap();
    let ask = |node: &Running| {
        let question = json!({"credential": licence_file(&issued), "receipt": false});
        outcome(&node.post(&token, "/v1/verifications", &question).with(200)).1
    };
    assert_eq!(ask(&second), "", "in force");
    let change = json!({"act": "suspend", "reason": reason()});
    second.post(&token, &format!("/v1/licences/{id}/status-changes"), &change).with(201);
    let again = first.post(&token, &format!("/v1/licences/{id}/status-changes"), &change);
    assert_eq!(again.with(409)["code"], "transition", "the other process knows at once");
    for node in [&first, &second] {
        until("suspended", || ask(node) == "SUSPENDED");
    }
    // A signed call that one process has answered is a replay in the other.
    let key = node_key(&place, "province");
    let call = |node: &Running| signed(node, "gz.elic.example", &*key, "/v1/index", None, 7);
    assert_eq!(call(&first).with(200)["origin"], "gz.elic.example/log");
    assert_eq!(call(&second).with(401)["code"], "signature-replay");
    succeed(&["client", "revoke", "--data", &first.data, "desk"]);
    until("a client that was revoked", || known() == 401);
}

/// A verification with one key at both processes at once gives one receipt.
fn one_receipt(nodes: [&Running; 2], bearer: &str, body: &str) {
    let headers =
        [("authorization", bearer), ("content-type", "application/json"), ("idempotency-key", "\"receipt\"")];
    let send = |node: &Running| node.call("POST", "/v1/verifications", &headers, Some(body.as_bytes()));
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| send(nodes[1]));
        (send(nodes[0]), other.join().expect("no panic"))
    });
    assert!(one.with(200)["receipt"].is_string());
    assert_eq!(one.body, other.body, "byte for byte");
}

#[test]
fn a_database_that_goes_away_under_load_is_told_with_its_cause_and_waited_for() {
    let cluster = Cluster::start();
    let url = cluster.database();
    let place = place_on(&url);
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let (acknowledged, enough) = (AtomicU64::new(0), AtomicBool::new(false));
    let issued = std::thread::scope(|scope| {
        let _end = Enough(&enough);
        let loading = scope.spawn(|| issue_on(&city, &token, "甲", &acknowledged, &enough));
        until("40 licences", || acknowledged.load(Ordering::SeqCst) >= 40);
        cluster.stop();
        loading.join().expect("no panic")
    });
    let problem = city.post(&token, "/v1/licences", &licence("示例〔2026〕停机号")).with(503);
    assert_eq!(problem["code"], "unavailable");
    // The client is told an id, the operator the cause: it may tell of this machine.
    let detail = problem["detail"].as_str().unwrap();
    let fault = detail.rsplit(' ').next().unwrap().to_owned();
    assert!(!detail.contains("PostgreSQL") && !detail.contains(name_of(&url)), "no cause: {detail}");
    until("/readyz tells", || {
        let ready = city.get("/readyz");
        ready.0 == 503 && ready.1.contains("store unavailable")
    });
    // A verdict needs no database.
    let good = json!({"credential": licence_file(&issued[0]), "receipt": false});
    assert_eq!(city.post(&token, "/v1/verifications", &good).with(200)["verdict"]["outcome"], "ACCEPT");
    cluster.go_on();
    until("ready by itself", || city.get("/readyz").0 == 200);
    city.post(&token, "/v1/licences", &licence("示例〔2026〕恢复号")).with(201);
    all_there(&city, &token, &issued);
    nothing_twice(&cluster, &url, issued.len() + 1);
    let (code, log) = city.stop();
    assert_eq!(code, Some(0), "{log}");
    let told = log.lines().find(|line| line.contains(&fault)).expect("the cause under its id");
    assert!(told.contains("PostgreSQL"), "cause and remedy: {told}");
}

#[test]
fn a_database_newer_than_the_program_or_of_other_keys_is_refused() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let place = place_on(&url);
    // Another directory with keys of its own would begin a second history of one log.
    let other = place.path("other");
    let (code, told) = refused(&[
        "init",
        "--data",
        &other,
        "--role",
        "city",
        "--region",
        "440100",
        "--listen",
        "127.0.0.1:0",
        "--store",
        &url,
    ]);
    assert!(code == 74 && told.contains("keys/"), "{code} {told}");
    let (code, told) = refused(&[
        "init",
        "--data",
        &place.path("sz"),
        "--role",
        "city",
        "--region",
        "440300",
        "--store",
        &url,
    ]);
    assert!(code == 74 && told.contains("another node"), "{code} {told}");
    // As the program before this one left it.
    let newest = "DROP TABLE nonces; DELETE FROM schema_migrations WHERE version = 7";
    cluster.sql(name_of(&url), newest);
    let told = succeed(&["migrate", "--data", &place.path("city")]);
    assert!(told.contains("from version 6 to 7"), "{told}");
    let before = cluster.sql(name_of(&url), "SELECT count(*) FROM documents");
    cluster.sql(name_of(&url), "INSERT INTO schema_migrations VALUES (99, '0099_future')");
    let city = place.path("city");
    for verb in ["serve", "fsck", "migrate"] {
        let (code, told) = refused(&[verb, "--data", &city]);
        assert!(code == 74 && told.contains("99") && told.contains("newer program"), "{verb}: {code} {told}");
    }
    assert_eq!(cluster.sql(name_of(&url), "SELECT count(*) FROM documents"), before, "untouched");
}

#[test]
fn a_password_comes_from_its_file_and_shows_nowhere() {
    let cluster = Cluster::start_on_tcp();
    let name = "elic_gz";
    cluster.sql("postgres", "CREATE ROLE keeper LOGIN PASSWORD 'a&b c%41'");
    cluster.sql("postgres", &format!("CREATE DATABASE {name} OWNER keeper"));
    let url = format!(
        "postgres://keeper@{}/{name}?sslmode=require&sslrootcert={}",
        cluster.address(),
        cluster.root().display()
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password").to_str().unwrap().to_owned();
    private(&file, "a&b c%41\n");
    let place = Place::make(&["--store", &url, "--store-password-file", &file]);
    assert!(!fs::exists(place.path("city/registry.sqlite3")).unwrap(), "no file beside the database");
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let (_, log) = city.stop();
    assert!(!log.contains("a&b"), "{log}");
    fs::write(&file, "wrong\n").unwrap();
    let (code, told) = refused(&["serve", "--data", &place.path("city")]);
    assert!(code == 74 && !told.contains("wrong"), "{code} {told}");
    let inline = url.replace("keeper@", "keeper:geheim@");
    let (code, told) = refused(&["store", "copy", "--data", &place.path("province"), "--to", &inline]);
    assert!(!told.contains("geheim"), "{code} {told}");
}

#[test]
fn a_city_that_has_outgrown_its_file_moves_to_postgresql_with_every_licence_and_the_same_log() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let place = Place::new();
    let data = place.path("city");
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let (acknowledged, enough) = (AtomicU64::new(0), AtomicBool::new(false));
    let issued = std::thread::scope(|scope| {
        let end = Enough(&enough);
        let loading = scope.spawn(|| issue_on(&city, &token, "甲", &acknowledged, &enough));
        until("60 licences", || acknowledged.load(Ordering::SeqCst) >= 60);
        drop(end);
        loading.join().expect("no panic")
    });
    let (ended, rest) = issued.split_last().unwrap();
    let path = format!("/v1/licences/{}/status-changes", ended["id"].as_str().unwrap());
    city.post(&token, &path, &json!({"act": "revoke", "reason": reason()})).with(201);
    let copy = ["store", "copy", "--data", data.as_str(), "--to", url.as_str()];
    let (code, told) = refused(&copy);
    assert!(code == 74 && told.contains("in use by another process"), "a running node: {code} {told}");
    city.stop();
    let file = format!("{data}/registry.sqlite3");
    let (before, bytes) = (fsck(&data), fs::read(&file).unwrap());
    let told = succeed(&copy);
    assert!(told.contains("[store]") && told.contains(&url), "{told}");
    assert_eq!(fs::read(&file).unwrap(), bytes, "the source is only read");
    let (code, told) = refused(&copy);
    assert!(code == 74 && told.contains("not empty"), "{code} {told}");

    move_to(&data, &url);
    assert_eq!(fsck(&data), before, "the same leaves, licences, changes, tokens and documents");
    let city = place.city(&province);
    all_there(&city, &token, rest);
    until("revoked", || {
        let question = json!({"credential": licence_file(ended), "receipt": false});
        outcome(&city.post(&token, "/v1/verifications", &question).with(200)).1 == "REVOKED"
    });
    let next = city.post(&token, "/v1/licences", &licence("示例〔2026〕迁后号")).with(201);
    assert!(next["log"]["index"].as_u64() >= before["leaves"].as_u64(), "the log goes on where it stood");
    nothing_twice(cluster, &url, issued.len() + 1);
    city.stop();

    // A copy that was cut off has no row of the node.
    cluster.sql(name_of(&url), "DELETE FROM node");
    for verb in ["serve", "fsck", "migrate"] {
        let (code, told) = refused(&[verb, "--data", &data]);
        assert!(code == 74 && told.contains("unfinished copy"), "{verb}: {code} {told}");
    }
    let output = run(["store", "copy", "--data", &data, "--to", &url]);
    assert_eq!(output.status.code(), Some(74), "it is in PostgreSQL already");
}
