//! The operator's commands: what is refused, with one line and its exit code, and what a running node does on command.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::harness::{Place, licence, private, refused, run, succeed};

#[test]
fn what_cannot_run_is_refused_with_one_line_and_its_exit_code() {
    let place = Place::new();
    let (province, none) = (place.path("province"), place.path("none"));
    let running = place.province();
    let (code, text) = refused(&["serve", "--data", &province]);
    assert!(code == 74 && text.contains("in use by another process"), "{text}");
    let (code, text) = refused(&["fsck", "--data", &province]);
    assert!(code == 74 && text.contains("in use by another process"), "{text}");
    let (code, text) = refused(&["serve", "--data", &none]);
    assert!(code == 74 && text.contains("config.toml"), "{text}");
    let (code, text) = refused(&["fsck", "--data", &none]);
    assert!(code == 74 && text.contains("holds no node"), "{text}");
    let init = ["init", "--data", &province, "--role", "province", "--region", "440000"];
    let (code, text) = refused(&init);
    assert!(code == 74 && text.contains("holds a node already"), "{text}");
    let (code, _) = refused(&["init", "--data", &none, "--role", "city", "--region", "4401"]);
    assert_eq!(code, 74);
    assert!(!std::path::Path::new(&none).exists(), "nothing is half made");
    let (code, text) = refused(&["client", "revoke", "--data", &province, "nobody"]);
    assert!(code == 64 && text.contains("there is no client nobody"), "{text}");
    let (code, text) = refused(&[
        "client",
        "add",
        "--data",
        &province,
        "a b",
        "--name",
        "n",
        "--authority",
        "*",
        "--type",
        "*",
        "--call",
        "*",
    ]);
    assert!(code == 64 && text.contains("the id is 1 to 64"), "{text}");
    // A port in use.
    let port = running.url.rsplit(':').next().unwrap();
    replace(&place.path("city/config.toml"), "127.0.0.1:0", &format!("127.0.0.1:{port}"));
    let (code, text) = refused(&["serve", "--data", &place.path("city")]);
    assert!(code == 74 && text.contains("cannot listen on"), "{text}");
    assert_eq!(run(["frobnicate"]).status.code(), Some(64));
    assert_eq!(run(["--help"]).status.code(), Some(0));
}

fn replace(path: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).expect("a file");
    assert!(text.contains(from));
    std::fs::write(path, text.replace(from, to)).expect("a file");
}

#[test]
fn a_configuration_or_key_that_is_not_right_keeps_the_node_from_starting() {
    let place = Place::new();
    let data = place.path("province");
    let (config, passphrase) = (format!("{data}/config.toml"), format!("{data}/passphrase"));
    let serve = || refused(&["serve", "--data", &data]);
    let whole = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("listem = 1\n{whole}")).unwrap();
    let (code, text) = serve();
    assert!(code == 74 && text.contains("listem") && text.contains("line 1"), "{text}");
    std::fs::write(&config, &whole).unwrap();
    let mode =
        |path: &str, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let keys = std::fs::read_dir(format!("{data}/keys")).unwrap();
    let key = keys
        .map(|file| file.unwrap().path())
        .find(|path| path.to_str().unwrap().ends_with(".log.pem"))
        .unwrap();
    let key = key.to_str().unwrap();
    mode(key, 0o644);
    let (code, text) = serve();
    assert!(code == 74 && text.contains("chmod 600"), "{text}");
    mode(key, 0o600);
    mode(&passphrase, 0o604);
    let (code, text) = serve();
    assert!(code == 74 && text.contains("chmod 600"), "{text}");
    std::fs::remove_file(&passphrase).unwrap();
    private(&passphrase, "another one");
    let (code, text) = serve();
    assert!(code == 74 && text.contains("wrong passphrase"), "{text}");
    // A node without its log key would begin a second history.
    std::fs::remove_file(&passphrase).unwrap();
    let (code, text) = serve();
    assert!(code == 74 && text.contains("passphrase"), "{text}");
}

#[test]
fn a_node_without_its_log_key_does_not_start() {
    let place = Place::new();
    let data = place.path("province");
    let keys = std::fs::read_dir(format!("{data}/keys")).unwrap().map(|file| file.unwrap().path());
    let key = keys.into_iter().find(|path| path.to_str().unwrap().ends_with(".log.pem")).unwrap();
    std::fs::remove_file(key).unwrap();
    let (code, text) = refused(&["serve", "--data", &data]);
    assert!(code == 74 && text.contains("the log key is missing"), "{text}");
}

#[test]
fn commands_reach_a_running_node_and_a_stopped_one() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let request = place.path("request.json");
    std::fs::write(&request, licence("示例〔2026〕1号").to_string()).unwrap();
    let file = place.path("one.elic");
    let issued = succeed(&["issue", "--data", &city.data, &request, "--out", &file]);
    let issued: Value = serde_json::from_str(&issued).unwrap();
    assert_eq!(issued["log"]["index"].as_u64().map(|index| index > 0), Some(true));
    assert!(licence_spec::credential::Credential::parse(&std::fs::read(&file).unwrap()).is_ok());
    let (code, text) = refused(&["issue", "--data", &city.data, &request]);
    assert!(code == 74 && text.contains("in use already"), "{text}");
    std::fs::write(&request, "{\"type\":").unwrap();
    assert_eq!(refused(&["issue", "--data", &city.data, &request]).0, 64);
    let trust = succeed(&["trust", "show", "--data", &city.data, "--json"]);
    let trust: Value = serde_json::from_str(&trust).unwrap();
    assert_eq!((&trust["fresh"], &trust["list"]["version"]), (&json!(true), &json!(1)));
    let data = city.data.clone();
    city.stop();
    std::fs::write(&request, licence("示例〔2026〕2号").to_string()).unwrap();
    succeed(&["issue", "--data", &data, &request]);
    assert!(succeed(&["key", "list", "--data", &data]).contains("gz.elic.example/log+"));
    assert!(succeed(&["client", "list", "--data", &data]).contains("没有客户端"));
    assert!(succeed(&["config", "check", "--data", &data]).contains("440100"));
}

#[test]
fn damage_is_found_by_fsck_and_a_node_never_signs_over_it() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    for number in 1..=5 {
        city.post(&token, "/v1/licences", &licence(&format!("示例〔2026〕{number}号"))).with(201);
    }
    let data = city.data.clone();
    city.stop();
    let whole = std::fs::read(format!("{data}/registry.sqlite3")).unwrap();
    for (what, statement) in [
        (
            "a leaf's hash",
            "UPDATE log_leaves SET hash = randomblob(32) WHERE idx = (SELECT max(idx) FROM log_leaves)",
        ),
        ("a tile", "UPDATE log_tiles SET hashes = zeroblob(length(hashes)) WHERE level = 0"),
        (
            "a status behind the log's back",
            "UPDATE licences SET status = 1 WHERE log_index = (SELECT min(log_index) FROM licences)",
        ),
        (
            "a licence that is gone",
            "DELETE FROM licences WHERE log_index = (SELECT min(log_index) FROM licences)",
        ),
    ] {
        let database = rusqlite::Connection::open(format!("{data}/registry.sqlite3")).unwrap();
        database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        assert!(database.execute(statement, []).unwrap() > 0, "{what}");
        database.close().unwrap();
        let output = run(["fsck", "--json", "--data", &data]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{what}: {report}");
        assert_eq!(report["ok"], false, "{what}");
        if what == "a tile" {
            let (code, text) = refused(&["serve", "--data", &data]);
            assert!(code == 74 && text.contains("refusing to go on"), "{text}");
        }
        for side in ["-wal", "-shm"] {
            let _absent = std::fs::remove_file(format!("{data}/registry.sqlite3{side}"));
        }
        std::fs::write(format!("{data}/registry.sqlite3"), &whole).unwrap();
    }
    succeed(&["fsck", "--data", &data]);
}

#[test]
fn the_doctor_names_cause_and_remedy_of_a_running_a_stopped_and_a_broken_node() {
    let place = Place::new();
    let province = place.province();
    province.until_ready();
    let look = |data: &str| {
        let output = run(["doctor", "--json", "--data", data]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(i32::from(report["ok"] != true)), "{report}");
        report
    };
    let report = look(&province.data);
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(report["findings"][0]["about"], "clock", "clock first");
    // A city that was never connected has no trust list yet; its doctor says what to do.
    let city = look(&place.path("city"));
    assert_eq!(city["ok"], false);
    let wrong: Vec<&Value> =
        city["findings"].as_array().unwrap().iter().filter(|one| one["state"] == "wrong").collect();
    assert!(wrong.iter().all(|one| !one["remedy"].as_str().unwrap().is_empty()), "{wrong:?}");
    std::fs::write(place.path("city/config.toml"), "role = 1").unwrap();
    let broken = look(&place.path("city"));
    assert!(broken["findings"][0]["cause"].as_str().unwrap().contains("line 1"), "{broken}");
}
