//! `sync` over HTTPS, tried with real certificates and a real server on this machine.
#![allow(missing_docs)]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::thread;

use common::{Counter, answer, bundle_file, is, newest, text};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

/// A CA of a city.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    fn file(&self, counter: &Counter) -> PathBuf {
        let path = counter.path("ca.pem");
        fs::write(&path, self.0.pem()).expect("a file");
        path
    }

    /// A server for this name, whose certificate ends on the first day of a year.
    fn serve(&self, name: &str, until: i32) -> String {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        serve_once(certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).expect("a key"))
    }
}

/// Serves the newest bundle to one caller, if it goes on after the handshake.
fn serve_once(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> String {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a usable certificate");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a caller");
        let mut connection = ServerConnection::new(Arc::new(config)).expect("a connection");
        let mut stream = Stream::new(&mut connection, &mut socket);
        // A caller that refuses the certificate ends here.
        let mut request = [0; 4_096];
        let Ok(length) = stream.read(&mut request) else { return };
        assert!(request[..length].starts_with(b"GET /v1/bundle HTTP/1.1\r\n"));
        let body = bundle_file(&newest());
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream
            .write_all(&[head.as_bytes(), &body].concat())
            .and_then(|()| stream.flush())
            .expect("an answer");
    });
    format!("https://localhost:{port}")
}

fn assert_not_trusted(output: &Output, counter: &Counter) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(74), true), "{told}");
    assert!(told.lines().count() == 1 && told.contains("certificate is not trusted"), "{told}");
    assert!(!counter.bundle().exists());
}

#[test]
fn a_certificate_of_an_unknown_ca_is_refused_and_the_way_out_is_told() {
    let counter = Counter::empty();
    let output = counter.run(&["sync", &Authority::new().serve("localhost", 4000)]);
    assert_not_trusted(&output, &counter);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--ca FILE"));
}

#[test]
fn a_certificate_of_the_citys_own_ca_is_trusted_with_its_file() {
    let (counter, ca) = (Counter::empty(), Authority::new());
    let output = counter.run(&["sync", &ca.serve("localhost", 4000), "--ca", text(&ca.file(&counter))]);
    assert_eq!(answer(&output), is(0, "已更新 UPDATED 6 项"), "{output:?}");
}

#[test]
fn the_wrong_ca_the_wrong_name_and_an_ended_certificate_are_refused() {
    let (counter, ca) = (Counter::empty(), Authority::new());
    let file = ca.file(&counter);
    for address in [
        Authority::new().serve("localhost", 4000),
        ca.serve("node.example", 4000),
        ca.serve("localhost", 2020),
    ] {
        assert_not_trusted(&counter.run(&["sync", &address, "--ca", text(&file)]), &counter);
    }
}

#[test]
fn a_file_without_a_usable_ca_is_refused_before_anything_is_sent() {
    let counter = Counter::empty();
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (content, words) in [
        ("", "no usable CA certificate"),
        ("not PEM", "no usable CA certificate"),
        (pem, "no usable CA certificate"),
        (&"x".repeat(1024 * 1024 + 1), "larger than"),
    ] {
        fs::write(counter.path("ca.pem"), content).expect("a file");
        // Nobody listens there: had anything been sent, the fault would be another one.
        let output = counter.run(&["sync", "https://localhost:1", "--ca", text(&counter.path("ca.pem"))]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(74) && told.contains(words), "{told}");
    }
}

#[test]
fn a_ca_goes_with_https_alone() {
    let counter = Counter::empty();
    for source in ["http://localhost:1", "stick"] {
        assert_eq!(counter.run(&["sync", source, "--ca", "ca.pem"]).status.code(), Some(64), "{source}");
    }
}
