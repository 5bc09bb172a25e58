//! The audit of a running node, on both stores: who did what is there, and whoever touches it or what it is about is found.

use std::fs;

use licence_store_sqlite::DATABASE_FILE;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::{AUTHORITY, HOLDER, Place, Running, licence, run, succeed, until};
use crate::postgres::{Cluster, name_of, place_on};
use crate::trips::reason;

/// Everything that leaves a row, and what `audit list` must show of it: act and who.
fn act(city: &Running) -> Vec<(&'static str, &'static str)> {
    let token = city.token("approvals", "*", "*", "*");
    let gone = city.token("gone", AUTHORITY, "*", "read");
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let (id, credential) = (issued["id"].as_str().unwrap(), &issued["credential"]);
    let newer = json!({"licence": licence("示例〔2026〕1号"), "reason": reason()});
    let newer = city.post(&token, &format!("/v1/licences/{id}/versions"), &newer).with(201);
    let other = city.post(&token, "/v1/licences", &licence("示例〔2026〕2号")).with(201);
    let suspend = json!({"act": "suspend", "reason": reason()});
    let path = format!("/v1/licences/{}/status-changes", other["id"].as_str().unwrap());
    city.post(&token, &path, &suspend).with(201);
    let bearer = format!("Bearer {token}");
    let read = |path: &str| city.call("GET", path, &[("authorization", &bearer)], None).with(200);
    read(&format!("/v1/licences/{id}"));
    read(&path);
    let filed =
        json!({"credential": newer["credential"], "service_item": "GZ-TH-0101", "case_number": "2026-0007"});
    let receipt = city.post(&token, "/v1/verifications", &filed).with(200);
    assert!(receipt["receipt"].is_string(), "{receipt}");
    city.post(&token, "/v1/verifications", &json!({"credential": credential, "receipt": false})).with(200);
    let checked = json!({
        "subjects": [{"code_type": "001", "code": HOLDER.1}],
        "case_number": "2026-0008", "operator": "示例经办", "authorisation": "示例授权17号"
    });
    city.post(&token, "/v1/service-items/GZ-TH-0101/checks", &checked).with(200);
    succeed(&["client", "revoke", "--data", &city.data, "gone"]);
    assert!(!gone.is_empty());
    vec![
        ("client_added", "operator"),
        ("client_revoked", "operator"),
        ("issued", "approvals"),
        ("new_version", "approvals"),
        ("status_changed", "approvals"),
        ("read", "approvals"),
        ("filed", "approvals"),
        ("checked", "approvals"),
        ("verified", "approvals"),
        ("trust_taken", "own"),
        ("catalogue_taken", "own"),
        ("command", "operator"),
    ]
}

/// The rows of the audit of a node, as its operator lists them, oldest first.
pub(crate) fn list(data: &str, more: &[&str]) -> Vec<Value> {
    let words = [["audit", "list", "--data", data, "--limit", "1000", "--json"].as_slice(), more].concat();
    serde_json::from_str::<Value>(&succeed(&words)).unwrap().as_array().unwrap().clone()
}

/// Exit code and text of `audit check`.
fn check(data: &str) -> (i32, String) {
    let output = run(["audit", "check", "--data", data]);
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

/// What is listed of a node that has done all that leaves a row, while it runs and after it has ended.
fn all_is_written_down(city: Running) -> String {
    let expected = act(&city);
    let data = city.data.clone();
    let of_case = list(&data, &["--case", "2026-0008"]);
    let filed = list(&data, &["--case", "2026-0007", "--client", "approvals"]);
    let (code, log) = city.stop();
    assert_eq!(code, Some(0), "{log}");
    let rows = list(&data, &[]);
    for (act, id) in expected {
        assert!(rows.iter().any(|row| row["act"] == act && row["id"] == id), "{act} by {id}: {rows:#?}");
    }
    // The rows of the check share a reference; the receipt that it made is of the same case.
    let checked: Vec<&Value> = of_case.iter().filter(|row| row["act"] == "checked").collect();
    assert_eq!(checked[0]["operator"], "示例经办");
    assert_eq!(checked[0]["ground"], "示例授权17号");
    assert!(
        checked.iter().all(|row| row["reference"] == checked[0]["reference"] && row["licence"].is_string())
    );
    assert_eq!(filed.iter().map(|row| row["act"].as_str().unwrap()).collect::<Vec<_>>(), ["filed"]);
    let licence = filed[0]["licence"].as_str().unwrap();
    assert!(list(&data, &["--licence", licence]).iter().any(|row| row["act"] == "new_version"));
    let text = serde_json::to_string(&rows).unwrap();
    for secret in [HOLDER.0, HOLDER.1] {
        assert!(!text.contains(secret), "the audit holds no name and no number of a holder");
    }
    let (code, told) = check(&data);
    assert!(code == 0 && told.contains("sound"), "{told}");
    data
}

/// What is done to the database, and what must be said of it.
const TOUCHED: [(&str, &str); 8] = [
    ("UPDATE status_changes SET officer = '他人' WHERE act = 4", "status_changed"),
    ("DELETE FROM audit WHERE number = 5", "row 6 stands where row 5 must"),
    (
        "UPDATE audit SET number = number + 1000 WHERE number > 6; INSERT INTO audit (number, time, who, case_number, licence, digest, bytes) \
         SELECT 7, time, who, case_number, licence, digest, bytes FROM audit WHERE number = 6",
        "stands where row 7 must",
    ),
    ("DELETE FROM receipts", "filed"),
    (
        "UPDATE clients SET authorities = '*', types = '*', calls = 'verify' WHERE id = 'approvals'",
        "client approvals is not",
    ),
    ("UPDATE clients SET revoked_at = NULL WHERE id = 'gone'", "client gone is not"),
    ("UPDATE audit SET who = 'another' WHERE number = 8", "beside row 8"),
    ("DELETE FROM audit WHERE number > 9", "client gone is not"),
];

/// That `audit check` and `fsck` say what was done to the data of this directory.
fn is_found(data: &str, touch: &str, expected: &str) {
    let (code, told) = check(data);
    assert!(code == 1 && told.contains(expected), "{touch}: {told}");
    let fsck = run(["fsck", "--data", data]);
    let told = String::from_utf8_lossy(&fsck.stdout).into_owned();
    assert!(fsck.status.code() == Some(1) && told.contains(expected), "{touch}: {told}");
}

#[test]
fn on_sqlite_all_is_written_down_and_whoever_touches_it_is_found() {
    let place = Place::new();
    let province = place.province();
    let data = all_is_written_down(place.city(&province));
    let file = format!("{data}/{DATABASE_FILE}");
    let kept = fs::read(&file).unwrap();
    for (touch, expected) in TOUCHED {
        for leftover in ["-wal", "-shm"] {
            // There is none if the one before has ended well.
            let _absent = fs::remove_file(format!("{file}{leftover}"));
        }
        fs::write(&file, &kept).unwrap();
        Connection::open(&file).unwrap().execute_batch(touch).unwrap();
        is_found(&data, touch, expected);
    }
}

#[test]
fn on_postgresql_all_is_written_down_and_whoever_touches_it_is_found() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let place = place_on(&url);
    let province = place.province();
    let data = all_is_written_down(place.city(&province));
    let months =
        cluster.sql(name_of(&url), "SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit'::regclass");
    assert!(months.parse::<u32>().unwrap() >= 1, "a partition for each month");
    for (number, (touch, expected)) in TOUCHED.iter().enumerate() {
        let name = format!("{}_touched_{number}", name_of(&url));
        cluster.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {}", name_of(&url)));
        cluster.sql(&name, touch);
        let config = format!("{data}/config.toml");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, text.replace(name_of(&url), &name)).unwrap();
        is_found(&data, touch, expected);
        fs::write(&config, text).unwrap();
    }
}

/// The head of the audit is an entry of the witnessed log: rows that are cut off before it are missed.
#[test]
fn what_is_cut_off_before_an_anchor_is_missed() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("approvals", "*", "*", "*");
    city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let data = city.data.clone();
    let anchored = || {
        let output = run(["audit", "check", "--data", &data, "--json"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["anchored"].as_u64().unwrap()
    };
    until("the first anchor", || anchored() > 0);
    assert_eq!(city.stop().0, Some(0));
    let file = Connection::open(format!("{data}/{DATABASE_FILE}")).unwrap();
    let last: i64 = file
        .query_row("SELECT max(version) FROM documents WHERE kind = 'audit-anchor'", [], |row| row.get(0))
        .unwrap();
    file.execute("DELETE FROM audit WHERE number >= ?1", [last]).unwrap();
    // Whoever cuts rows off hides also what says how far they went.
    file.execute("DELETE FROM documents WHERE kind = 'audit-anchor'", []).unwrap();
    drop(file);
    let (code, told) = check(&data);
    assert!(code == 1 && told.contains("no row leads to the head that leaf"), "{told}");
}

#[test]
fn an_export_is_whole_harmless_in_a_spreadsheet_and_written_down() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("approvals", "*", "*", "*");
    let checked = json!({
        "subjects": [{"code_type": "001", "code": HOLDER.1}],
        "case_number": "2026-0009", "operator": "=HYPERLINK(1)", "authorisation": "示例授权"
    });
    city.post(&token, "/v1/service-items/GZ-TH-0101/checks", &checked).with(200);
    let (lines, sheet) = (place.path("audit.ndjson"), place.path("audit.csv"));
    succeed(&["audit", "export", "--data", &city.data, "--out", &lines]);
    succeed(&[
        "audit",
        "export",
        "--data",
        &city.data,
        "--format",
        "csv",
        "--case",
        "2026-0009",
        "--out",
        &sheet,
    ]);
    let rows: Vec<Value> =
        fs::read_to_string(&lines).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<u64> = rows.iter().map(|row| row["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let sheet = fs::read_to_string(&sheet).unwrap();
    assert!(sheet.starts_with('\u{feff}') && sheet.contains("'=HYPERLINK(1)"), "{sheet}");
    assert_eq!(sheet.lines().count(), 2, "the heading and the one row of the case: {sheet}");
    let commands = list(&city.data, &[]);
    assert_eq!(commands.iter().filter(|row| row["subject"] == "export_audit").count(), 2);
    let output = run(["audit", "export", "--data", &city.data, "--out", &lines]);
    assert_ne!(output.status.code(), Some(0), "a file that is there is never overwritten");
}
