//! The main job end to end, by the real program over real HTTP.
#![allow(missing_docs)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn demo(data: &Path, port: u16) -> Output {
    Command::new(env!("CARGO_BIN_EXE_licence-registry"))
        .args(["demo", "--once", "--json", "--base-port", &port.to_string(), "--data"])
        .arg(data)
        .output()
        .expect("the program runs")
}

/// A port that was free a moment ago; the cities take the next two.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port().clamp(1_024, 65_000)
}

#[test]
fn every_scenario_of_the_demo_answers_as_it_must() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let output = demo(&data, port());
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let scenarios = report["scenarios"].as_array().expect("scenarios");
    let wrong: Vec<_> = scenarios.iter().filter(|scenario| scenario["ok"] != true).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(output.status.success());
    assert!(scenarios.len() >= 21, "{} scenarios", scenarios.len());
    assert!(report["issued"].as_u64().is_some_and(|issued| issued >= 12));
    assert_eq!(report["nodes"].as_array().map(Vec::len), Some(3));
    for part in [
        "licences/01.elic",
        "licences/01.qr.txt",
        "licences/01.qr.png",
        "receipts/cross_city_accept.elr",
        "bundle/trust/list.cbor",
        "root_1.cbor",
        "stranger/licence.elic",
        "stranger/bundle/trust/list.cbor",
        "tokens.json",
    ] {
        assert!(data.join(part).is_file(), "{part}");
    }
    // No licence, name or token reaches the output.
    let printed =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(!printed.contains("elt_") && !printed.contains("91440101MA9XXXXX36"));
}

#[test]
fn a_data_directory_that_is_not_empty_and_a_port_in_use_are_refused_with_74() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("something"), b"").expect("a file");
    let output = demo(folder.path(), port());
    assert_eq!(output.status.code(), Some(74));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not empty"));

    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let output = demo(&folder.path().join("data"), port);
    assert_eq!(output.status.code(), Some(74));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("cannot listen on 127.0.0.1:{port}")));
}
