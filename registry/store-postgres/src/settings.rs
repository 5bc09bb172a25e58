//! The connection string: where the server is, and whether the way there may be trusted with licences.
//!
//! `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=…&sslrootcert=FILE]`, several hosts with commas, a directory with a
//! socket as `?host=/var/run/postgresql`; or the words of libpq, `host=… user=… dbname=…`.
//!
//! TLS is used if the string says `sslmode=require`, `verify-ca` or `verify-full`, which all mean the same here: the certificate must be good
//! for the host, by the roots in `sslrootcert` (PEM; URL form only) or else by those of the system. Without it only a socket or this very
//! machine is accepted, unless the string says `sslmode=disable`, which is for a network that is protected otherwise.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use licence_store::{Result, StoreError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How to reach the server.
pub(crate) struct Settings {
    /// For the driver.
    pub(crate) server: Config,
    /// Present if the connection is encrypted.
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

impl Settings {
    /// Reads a connection string. Errors never repeat it: it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (text, roots) = our_own(text)?;
        let mut server: Config = text.parse().map_err(|_| unreadable())?;
        if server.get_hosts().is_empty() && server.get_hostaddrs().is_empty() {
            return refused("连接串没有主机 / the connection string names no host or socket directory");
        }
        let tls = match server.get_ssl_mode() {
            SslMode::Require => Some(Arc::new(tls(roots.as_deref().map(Path::new))?)),
            SslMode::Disable => None,
            _ if is_near(&server) => None,
            _ => {
                return refused(
                    "远程数据库须加密：请在连接串中写 sslmode=require；网络另有保护时写 sslmode=disable / a database on another machine needs \
                     TLS: say sslmode=require; or sslmode=disable if the network is protected otherwise",
                );
            }
        };
        if tls.is_none() {
            server.ssl_mode(SslMode::Disable);
        }
        if server.get_application_name().is_none() {
            server.application_name("licence-registry");
        }
        // A machine that has vanished is noticed within 15 s, also while an answer is awaited.
        server.keepalives_idle(Duration::from_secs(5)).keepalives_interval(Duration::from_secs(3));
        server.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(15));
        if server.get_connect_timeout().is_none() {
            server.connect_timeout(Duration::from_secs(5));
        }
        Ok(Self { server, tls })
    }
}

/// Takes out of a URL what the driver does not know: the file of roots, and the names of libpq for a checked certificate.
fn our_own(text: &str) -> Result<(String, Option<String>)> {
    let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
    let Some((front, query)) = text.split_once('?').filter(|_| is_url) else {
        return Ok((text.to_owned(), None));
    };
    let mut roots = None;
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslrootcert", path)) if path.contains('%') => {
                return refused("sslrootcert 不得转义 / write the path of sslrootcert without escapes");
            }
            Some(("sslrootcert", path)) => roots = Some(path.to_owned()),
            Some(("sslmode", "verify-full" | "verify-ca")) => rest.push("sslmode=require"),
            _ => rest.push(pair),
        }
    }
    Ok((format!("{front}?{}", rest.join("&")), roots))
}

fn tls(roots: Option<&Path>) -> Result<ClientConfig> {
    let unusable = |what: String| StoreError::Unavailable(format!("TLS: {what}"));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| unusable(error.to_string()))?;
    let Some(path) = roots else {
        let builder = builder.with_platform_verifier().map_err(|error| unusable(error.to_string()))?;
        return Ok(builder.with_no_client_auth());
    };
    let mut store = RootCertStore::empty();
    let bad = |error: &dyn std::fmt::Display| unusable(format!("sslrootcert {}: {error}", path.display()));
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| bad(&error))? {
        store.add(certificate.map_err(|error| bad(&error))?).map_err(|error| bad(&error))?;
    }
    if store.is_empty() {
        return Err(bad(&"no certificate in it"));
    }
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}

/// Whether every way to the server ends on this machine.
fn is_near(server: &Config) -> bool {
    // An address is what is connected to; a name beside it serves TLS only.
    if !server.get_hostaddrs().is_empty() {
        return server.get_hostaddrs().iter().all(IpAddr::is_loopback);
    }
    server.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

fn unreadable() -> StoreError {
    StoreError::Unavailable(
        "无法读取数据库连接串 / the connection string cannot be read: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require \
         or postgres:///DATABASE?host=/var/run/postgresql&user=USER"
            .into(),
    )
}

fn refused<T>(text: &str) -> Result<T> {
    Err(StoreError::Unavailable(text.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn refusal(text: &str) -> String {
        Settings::parse(text).map(|_| ()).unwrap_err().to_string()
    }

    /// Confidentiality of licence data between machines always rests on TLS.
    #[test]
    fn a_database_on_another_machine_needs_tls_or_a_plain_word_against_it() {
        for text in
            ["postgres://u@db.example/d", "host=10.0.0.5 user=u", "postgres://u@localhost,db.example/d"]
        {
            assert!(refusal(text).contains("sslmode=require"), "{text}");
        }
        for text in [
            "postgres://u@localhost/d",
            "postgres://u@127.0.0.1:5433/d",
            "postgres://u@[::1]/d",
            "postgres:///d?host=/run/postgresql&user=u",
            "postgres://u@db.example/d?sslmode=disable",
        ] {
            assert!(Settings::parse(text).unwrap().tls.is_none(), "{text}");
        }
    }

    #[test]
    fn tls_checks_the_certificate_by_the_given_roots_whatever_libpq_calls_it() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("none.pem");
        for mode in ["require", "verify-ca", "verify-full"] {
            let text = format!("postgres://u@db.example/d?sslmode={mode}&sslrootcert={}", missing.display());
            assert!(refusal(&text).contains("none.pem"), "{text}");
        }
        let empty = directory.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        let text = format!("postgres://u@db.example/d?sslmode=require&sslrootcert={}", empty.display());
        assert!(refusal(&text).contains("no certificate"), "{}", refusal(&text));
    }

    #[test]
    fn an_unreadable_string_is_refused_without_its_password() {
        for text in [
            "postgres://u:geheim@h:port/d",
            "postgres://u:geheim@h/d?colour=red",
            "u geheim",
            "",
            "user=u password=geheim",
        ] {
            assert!(!refusal(text).contains("geheim"), "{text}");
        }
    }
}
