//! The network: one GET of a bundle, bounded in size and time. Only `sync` calls it.
//!
//! Authenticity never rests on the connection: every part of a bundle is verified before it is kept.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use licence_spec::numbers::MAX_BUNDLE;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use ureq::Proxy;
use ureq::http::Uri;
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use crate::Failure;
use crate::place::read_bounded;

/// Longest time for the whole call: 64 MiB at 2 Mbit/s.
const DEADLINE: Duration = Duration::from_secs(300);
/// Longest time for one silence.
const SILENCE: Duration = Duration::from_secs(20);
/// Largest file of CA certificates: the whole list of a system is some 250 KB.
const MAX_CA: usize = 1024 * 1024;

/// Whether a source is an address and not a path.
pub(crate) fn is_address(source: &str) -> bool {
    source.starts_with("https://") || source.starts_with("http://")
}

/// Fetches `<address>/v1/bundle`; an address that names it already is taken as it is.
///
/// With `ca` the CAs in that PEM file are trusted, and no others.
pub(crate) fn bundle(address: &str, allow_plain_http: bool, ca: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let url = address.trim_end_matches('/');
    let url = if url.ends_with("/v1/bundle") { url.to_owned() } else { format!("{url}/v1/bundle") };
    let uri: Uri =
        url.parse().map_err(|_| Failure::Usage(format!("地址有误 / not an address: {address}")))?;
    let host = uri.host().unwrap_or_default();
    if uri.scheme_str() == Some("http") && !is_loopback(host) && !allow_plain_http {
        return Err(Failure::Usage(format!(
            "{host} 不是本机，请用 https:// 或 --allow-plain-http / {host} is not this machine: use https:// or --allow-plain-http"
        )));
    }
    if ca.is_some() && uri.scheme_str() != Some("https") {
        return Err(Failure::Usage("--ca 只用于 https:// / --ca goes with https:// only".to_owned()));
    }
    let roots = ca.map_or(Ok(RootCerts::PlatformVerifier), read_ca)?;
    get(&uri, roots)
        .map_err(explain)
        .with_context(|| format!("无法从 {host} 取得证据 / cannot fetch from {host}"))
        .map_err(Failure::from)
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The CA certificates of a PEM file.
fn read_ca(path: &Path) -> Result<RootCerts> {
    let shown = path.display();
    let unusable =
        || format!("{shown} 不含可用的 CA 证书（PEM） / {shown} holds no usable CA certificate (PEM)");
    let (mut certificates, mut store) = (Vec::new(), RootCertStore::empty());
    for item in ureq::tls::parse_pem(&read_bounded(path, MAX_CA)?) {
        if let PemItem::Certificate(certificate) = item.with_context(unusable)? {
            // ureq would pass over what it cannot use, and then trust nobody without a word.
            store.add(CertificateDer::from(certificate.der())).with_context(unusable)?;
            certificates.push(certificate);
        }
    }
    anyhow::ensure!(!certificates.is_empty(), unusable());
    Ok(RootCerts::from(certificates))
}

/// Says what a refused certificate means and what to do about it.
fn explain(error: anyhow::Error) -> anyhow::Error {
    let refused = error.chain().find_map(|cause| match cause.downcast_ref::<ureq::Error>() {
        Some(ureq::Error::Rustls(error)) => Some(error),
        Some(ureq::Error::Io(error)) => error.get_ref().and_then(|inner| inner.downcast_ref()),
        _ => cause.downcast_ref(),
    });
    match refused {
        Some(rustls::Error::InvalidCertificate(reason)) => anyhow::anyhow!(
            "对方的证书不受信任（{reason:?}）；单位内部 CA 请用 --ca FILE / the server's certificate is not trusted ({reason:?}); for an internal CA use --ca FILE"
        ),
        _ => error,
    }
}

fn get(uri: &Uri, roots: RootCerts) -> Result<Vec<u8>> {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(roots)
        .build();
    // No redirects: they would lead past the check of the address above.
    let config = ureq::config::Config::builder()
        .tls_config(tls)
        // This machine is never reached by way of another one.
        .proxy(Proxy::try_from_env().filter(|_| !uri.host().is_some_and(is_loopback)))
        .max_redirects(0)
        .timeout_global(Some(DEADLINE))
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .build();
    let mut answer = ureq::Agent::new_with_config(config).get(uri).call()?;
    anyhow::ensure!(answer.status() == 200, "HTTP {}", answer.status());
    Ok(answer.body_mut().with_config().limit(MAX_BUNDLE as u64).read_to_vec()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine() {
        assert!(["localhost", "127.0.0.1", "127.9.9.9", "[::1]"].into_iter().all(is_loopback));
        assert!(
            !["localhost.example", "10.0.0.1", "[::2]", "", "127.0.0.1.example"].into_iter().any(is_loopback)
        );
        assert!(matches!(bundle("http://192.0.2.1", false, None), Err(Failure::Usage(_))));
    }
}
