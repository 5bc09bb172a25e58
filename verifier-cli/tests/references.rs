//! `check --fetch`: what a reference points to comes from the host that the trust list knows, and is what the reference names.
#![allow(missing_docs)]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Output;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use common::{Counter, answer, example, is, text};

const NOT_ASKED: &str = "无法确认 INDETERMINATE NOT_ASKED";

/// Answers one request with this head and body, and tells the request line.
fn serve_once(head: String, body: Vec<u8>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, line) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let mut request = [0; 4_096];
        let read = stream.read(&mut request).expect("a request");
        let text = String::from_utf8_lossy(&request[..read]).into_owned();
        sender.send(text.lines().next().unwrap_or_default().to_owned()).expect("somebody waits");
        // A caller that has read enough hangs up.
        let _gone = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    });
    (format!("http://{address}"), line)
}

fn ok(body: &[u8]) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())
}

fn fetch(counter: &Counter, address: &str) -> Output {
    let address = format!("gz.elic.example={address}");
    counter.run(&["check", text(&example("qr/reference.txt")), "--fetch", "--address", &address])
}

fn licence(name: &str) -> Vec<u8> {
    fs::read(example(&format!("licence/{name}.cbor"))).expect("the example")
}

/// The licence that the reference of the examples names.
fn named() -> Vec<u8> {
    licence("business")
}

#[test]
fn the_licence_behind_a_reference_is_fetched_and_judged() {
    let counter = Counter::new();
    let body = named();
    let (address, line) = serve_once(ok(&body), body);
    assert_eq!(answer(&fetch(&counter, &address)), is(0, "有效 ACCEPT"));
    let line = line.recv().expect("it was asked");
    assert!(line.starts_with("GET /v1/references/") && line.ends_with(" HTTP/1.1"), "{line}");
}

#[test]
fn what_is_not_the_licence_that_the_reference_names_is_thrown_away() {
    let counter = Counter::new();
    for body in [licence("revoked"), b"<html>".to_vec(), Vec::new()] {
        let (address, _line) = serve_once(ok(&body), body);
        assert_eq!(answer(&fetch(&counter, &address)), is(3, "未识别 NO_CREDENTIAL NOT_FOUND"));
    }
    let (address, _line) =
        serve_once("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(), Vec::new());
    assert_eq!(
        answer(&fetch(&counter, &address)),
        is(3, "未识别 NO_CREDENTIAL NOT_FOUND"),
        "the host has answered"
    );
}

#[test]
fn a_host_that_does_not_answer_has_not_said_that_there_is_none() {
    let counter = Counter::new();
    let (elsewhere, _line) = serve_once(ok(&named()), named());
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: {elsewhere}/\r\nContent-Length: 0\r\n\r\n");
    let large = vec![b'x'; 100_000];
    for (head, body) in [
        ("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n".to_owned(), Vec::new()),
        (redirect, Vec::new()),
        (ok(&large), large),
    ] {
        let (address, _line) = serve_once(head, body);
        let output = fetch(&counter, &address);
        assert_eq!(answer(&output), is(2, NOT_ASKED), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("could not be fetched"), "{output:?}");
    }
    assert_eq!(answer(&fetch(&counter, "http://127.0.0.1:1")), is(2, NOT_ASKED));
}

#[test]
fn nobody_is_asked_in_clear_or_without_the_option_or_whom_the_list_does_not_know() {
    let counter = Counter::new();
    assert_eq!(fetch(&counter, "http://192.0.2.1").status.code(), Some(64));
    assert_eq!(answer(&counter.check(&example("qr/reference.txt"))), is(2, NOT_ASKED));
    let without =
        counter.run(&["check", text(&example("qr/reference.txt")), "--address", "gz.elic.example=https://a"]);
    assert_eq!(without.status.code(), Some(64));
    let reference =
        licence_spec::qr::Reference { cti: [7; 16], digest: [9; 32], host: "x.elic.example".into() };
    fs::write(counter.path("stranger"), licence_spec::qr::write_reference(&reference)).expect("a file");
    let (address, line) = serve_once(ok(&named()), named());
    let address = format!("x.elic.example={address}");
    let output = counter.run(&["check", text(&counter.path("stranger")), "--fetch", "--address", &address]);
    assert_eq!(answer(&output), is(1, "无效 REJECT ISSUER_NOT_LISTED"));
    assert!(line.try_recv().is_err(), "nothing was sent");
}
