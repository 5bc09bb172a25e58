//! Silent, slow and half-closed clients beside a served load, and bodies without end.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::harness::{Place, Running, until};

fn connect(node: &Running) -> TcpStream {
    let stream = TcpStream::connect(node.url.trim_start_matches("http://")).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    stream
}

/// What the node sends until it closes.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is a way to close.
    let _reset = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A province whose limits are short, so that tests need not wait long.
fn node(place: &Place) -> Running {
    let path = place.path("province/config.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let limits =
        "\n[limits]\nconnections = 64\nheader_timeout_s = 1\nrequest_timeout_s = 1\nshutdown_timeout_s = 1\n";
    std::fs::write(&path, text + limits).expect("the configuration");
    place.province()
}

#[test]
fn silent_slow_and_half_closed_clients_stop_nobody_and_are_closed_in_time() {
    let place = Place::new();
    let node = node(&place);
    let silent: Vec<TcpStream> = (0..20).map(|_| connect(&node)).collect();
    let mut slow = connect(&node);
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nx-slow: ").expect("sent");
    let half = connect(&node);
    half.shutdown(Shutdown::Write).expect("half closed");
    let mut body = connect(&node);
    body.write_all(b"POST /v1/receipts/check HTTP/1.1\r\nhost: a\r\nauthorization: Bearer x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{").expect("sent");
    for _ in 0..50 {
        assert_eq!(node.get("/healthz").0, 200, "others are served meanwhile");
    }
    // Each is closed by the node, without waiting for the client.
    assert!(rest(half).is_empty());
    assert!(!rest(slow).contains("200 OK"));
    let answered = rest(body);
    assert!(answered.starts_with("HTTP/1.1 401"), "a stranger's body is not waited for: {answered}");
    for stream in silent {
        rest(stream);
    }
    assert_eq!(node.get("/healthz").0, 200);
}

#[test]
fn more_clients_than_allowed_come_in_and_silent_ones_go() {
    let place = Place::new();
    let node = node(&place);
    // 64 connections may be open: the silent ones give way.
    let held: Vec<TcpStream> = (0..64).map(|_| connect(&node)).collect();
    until("served after the silent ones are gone", || {
        node.try_call("GET", "/healthz", &[], None).is_some_and(|answer| answer.status == 200)
    });
    drop(held);
}

#[test]
fn clients_that_never_read_their_answers_lose_their_places() {
    let place = Place::new();
    let node = node(&place);
    // Answers of some 100 KiB, more of them than the system takes in for a client that does not read.
    let ask = "GET /v1/catalogue HTTP/1.1\r\nhost: a\r\n\r\n".repeat(200);
    let held: Vec<TcpStream> = (0..64)
        .map(|_| {
            let mut stream = connect(&node);
            stream.write_all(ask.as_bytes()).expect("sent");
            stream
        })
        .collect();
    until("served after the deaf ones are gone", || {
        node.try_call("GET", "/healthz", &[], None).is_some_and(|answer| answer.status == 200)
    });
    drop(held);
}

#[test]
fn heads_and_bodies_without_end_are_cut_off() {
    let place = Place::new();
    let node = node(&place);
    for head in [
        ["GET /healthz HTTP/1.1\r\nhost: a\r\nx: ".to_owned(), "a".repeat(200_000), "\r\n\r\n".to_owned()]
            .concat(),
        ["GET /healthz HTTP/1.1\r\nhost: a\r\n".to_owned(), "x: a\r\n".repeat(1_000), "\r\n".to_owned()]
            .concat(),
        ["GET /".to_owned(), "a".repeat(200_000), " HTTP/1.1\r\nhost: a\r\n\r\n".to_owned()].concat(),
    ] {
        let mut stream = connect(&node);
        // The node may close before it has read all.
        let _closed = stream.write_all(head.as_bytes());
        let answer = rest(stream);
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    let mut stream = connect(&node);
    stream.write_all(b"POST /v1/verifications HTTP/1.1\r\nhost: a\r\nauthorization: Bearer x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").expect("sent");
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    let sent = (0..1_000).take_while(|_| stream.write_all(chunk.as_bytes()).is_ok()).count();
    assert!(sent < 1_000, "the node read 64 MB of a body that it would never take");
    assert_eq!(node.get("/healthz").0, 200);
}
